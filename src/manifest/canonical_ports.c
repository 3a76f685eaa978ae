/*
 * canonical_ports.c - "127.0.0.1:8000-8001:80-81/udp" -> {host_ip, published, target, protocol,
 * mode}.
 *
 * The grammar is that of Docker's go-connections (nat.ParsePortSpec).  One text may become several
 * ports; they come in the order of "PORT/PROTOCOL" as text, as compose sorts them.
 */
#include "canonical.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MEMORY_MAX ((size_t)80 << 20) /* a few ranges of all ports would take gigabytes */

struct range {
	uint64_t first, last;
};

struct port_spec {
	char *host_ip;   /* "" for none */
	char *published; /* "" for none */
	char *target;
	char *protocol;
	struct range host, container;
};

static void port_spec_release(struct port_spec *spec)
{
	free(spec->host_ip);
	free(spec->published);
	free(spec->target);
	free(spec->protocol);
}

static bool parse_range(const char *text, struct range *out)
{
	const char *dash = strchr(text, '-');
	autofree char *first = xstrndup(text, dash ? (size_t)(dash - text) : strlen(text));

	if (!parse_u64(first, 0, 65535, &out->first))
		return false;
	out->last = out->first;
	if (dash && !parse_u64(dash + 1, 0, 65535, &out->last))
		return false;
	return out->last >= out->first;
}

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* IP:HOST:CONTAINER from the right, for an IPv6 address has colons of its own. */
static void split_parts(const char *text, struct port_spec *spec)
{
	const char *last = strrchr(text, ':');
	const char *middle = NULL;

	spec->target = xstrdup(last ? last + 1 : text);
	if (!last) {
		spec->host_ip = xstrdup("");
		spec->published = xstrdup("");
		return;
	}
	for (const char *p = text; p < last; p++)
		if (*p == ':')
			middle = p;
	if (middle) {
		spec->host_ip = xstrndup(text, (size_t)(middle - text));
		spec->published = xstrndup(middle + 1, (size_t)(last - middle - 1));
	} else {
		spec->host_ip = xstrdup("");
		spec->published = xstrndup(text, (size_t)(last - text));
	}
}

static void split_protocol(struct port_spec *spec)
{
	char *slash = strchr(spec->target, '/');
	const char *word = "tcp";

	if (slash) {
		*slash = '\0';
		slash[1 + strcspn(slash + 1, "/")] = '\0';
		if (slash[1])
			word = slash + 1;
	}
	spec->protocol = xstrdup(word);
	for (char *p = spec->protocol; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
}

/* false: an IPv6 address without brackets, which could be ports as well. */
static bool strip_brackets(char *address)
{
	size_t len = strlen(address);

	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		memmove(address, address + 1, len - 2);
		address[len - 2] = '\0';
		return true;
	}
	return !strchr(address, ':');
}

/* NULL, or what is wrong. */
static const char *port_parse(const char *text, struct port_spec *spec)
{
	split_parts(text, spec);
	split_protocol(spec);
	if (!strip_brackets(spec->host_ip))
		return "an IPv6 address is written in brackets";
	if (*spec->host_ip && !is_address(spec->host_ip))
		return "the part before the ports is no IP address";
	if (!*spec->target)
		return "there is no container port";
	if (!parse_range(spec->target, &spec->container))
		return "the container port is no port or range of ports";
	if (*spec->published && !parse_range(spec->published, &spec->host))
		return "the host port is no port or range of ports";
	if (*spec->published && spec->container.first != spec->container.last &&
		spec->container.last - spec->container.first != spec->host.last - spec->host.first)
		return "the two ranges have different lengths";
	if (!str_eq(spec->protocol, "tcp") && !str_eq(spec->protocol, "udp") &&
		!str_eq(spec->protocol, "sctp"))
		return "the protocol is not tcp, udp or sctp";
	return NULL;
}

static struct node *port_map(const struct canonical *c, const struct port_spec *spec, uint64_t i,
	const struct position *at)
{
	struct node *map = node_new(c->arena, NODE_MAP, at);
	bool any_of_range = spec->container.first == spec->container.last &&
			    spec->host.first != spec->host.last;
	char published[32];

	node_set(c->arena, map, "mode", node_string(c->arena, at, "ingress"));
	if (*spec->host_ip)
		node_set(c->arena, map, "host_ip", node_string(c->arena, at, spec->host_ip));
	node_set(c->arena, map, "target",
		node_int(c->arena, at, (int64_t)(spec->container.first + i)));
	if (*spec->published) {
		if (any_of_range)
			snprintf(published, sizeof(published), "%llu-%llu",
				(unsigned long long)spec->host.first,
				(unsigned long long)spec->host.last);
		else
			snprintf(published, sizeof(published), "%llu",
				(unsigned long long)(spec->host.first + i));
		node_set(c->arena, map, "published", node_string(c->arena, at, published));
	}
	node_set(c->arena, map, "protocol", node_string(c->arena, at, spec->protocol));
	return map;
}

static int compare_targets(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;
	char x[24], y[24];

	snprintf(x, sizeof(x), "%lld/", (long long)node_get(*left, "target")->integer);
	snprintf(y, sizeof(y), "%lld/", (long long)node_get(*right, "target")->integer);
	return strcmp(x, y);
}

static void port_expand(const struct canonical *c, const struct node *item, const char *text,
	struct node *out, const struct place *place)
{
	struct port_spec spec = {0};
	const char *wrong = port_parse(text, &spec);
	size_t before = out->n;

	if (wrong && strchr(text, '$')) { /* not interpolated: as written */
		node_append(c->arena, out, node_string(c->arena, &item->at, text));
	} else if (wrong) {
		place_error(c->diags, item, place,
			"for example: \"8080:80\", \"127.0.0.1:8080:80/udp\" or "
			"\"8000-8005:80-85\"",
			"\"%s\" is not a port mapping: %s", text, wrong);
	} else {
		uint64_t n = spec.container.last - spec.container.first;

		for (uint64_t i = 0; i <= n && arena_size(c->arena) <= PORTS_MEMORY_MAX; i++)
			node_append(c->arena, out, port_map(c, &spec, i, &item->at));
		if (out->n - before <= n)
			place_error(c->diags, item, place, NULL, "too many ports");
		qsort(out->items + before, out->n - before, sizeof(*out->items), compare_targets);
	}
	port_spec_release(&spec);
}

void canonical_ports(const struct canonical *c, struct node *service, const struct place *place)
{
	struct node *ports = node_get(service, "ports");
	struct place list = {.up = place, .name = "ports"};
	struct node *out;

	if (!ports || ports->kind != NODE_LIST)
		return;
	out = node_new(c->arena, NODE_LIST, &ports->at);
	out->tag = ports->tag;
	for (size_t i = 0; i < ports->n; i++) {
		const struct node *item = ports->items[i];
		struct place here = {.up = &list, .index = i};
		char number[24];

		if (item->kind == NODE_STRING) {
			port_expand(c, item, item->text, out, &here);
		} else if (item->kind == NODE_INT) {
			snprintf(number, sizeof(number), "%lld", (long long)item->integer);
			port_expand(c, item, number, out, &here);
		} else if (item->kind == NODE_FLOAT) {
			place_error(c->diags, item, &here, NULL, "%s is not a port", item->text);
		} else {
			node_append(c->arena, out, ports->items[i]);
		}
	}
	node_set(c->arena, service, "ports", out);
}
