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

/*
 * A few ranges of all ports would take gigabytes: one fits, in a large project many of usual size.
 */
#define RANGE_USUAL 100
#define MEMORY_MAX ((size_t)20 << 20)
#define MEMORY_MAX_USUAL ((size_t)64 << 20)

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

static struct node *published_node(
	struct arena *arena, const struct position *at, const struct range *range)
{
	struct node *node = node_new(arena, NODE_STRING, at);

	if (range->first == range->last)
		node->text = arena_printf(arena, "%llu", (unsigned long long)range->first);
	else
		node->text = arena_printf(arena, "%llu-%llu", (unsigned long long)range->first,
			(unsigned long long)range->last);
	return node;
}

/* What all ports of one text have in common: a range of all of them has to stay small. */
struct port_pattern {
	struct node *map;           /* all but `target`, and `published` where each has its own */
	uint32_t target, published; /* their places in it */
	bool publishes;             /* each port has its own `published` */
};

static uint32_t pattern_add(
	struct arena *arena, struct node *map, const char *key, struct node *value)
{
	node_add(arena, map, node_string(arena, &map->at, key), value);
	return map->n - 1;
}

static struct port_pattern port_pattern(
	struct arena *arena, const struct port_spec *spec, const struct position *at)
{
	bool any_of_range = spec->container.first == spec->container.last &&
			    spec->host.first != spec->host.last;
	struct port_pattern pattern = {
		.map = node_new(arena, NODE_MAP, at),
		.publishes = *spec->published && !any_of_range,
	};

	pattern_add(arena, pattern.map, "mode", node_string(arena, at, "ingress"));
	if (*spec->host_ip)
		pattern_add(arena, pattern.map, "host_ip", node_string(arena, at, spec->host_ip));
	pattern.target = pattern_add(arena, pattern.map, "target", NULL);
	if (*spec->published)
		pattern.published = pattern_add(arena, pattern.map, "published",
			any_of_range ? published_node(arena, at, &spec->host) : NULL);
	pattern_add(arena, pattern.map, "protocol", node_string(arena, at, spec->protocol));
	return pattern;
}

static struct node *port_map(struct arena *arena, const struct port_spec *spec,
	const struct port_pattern *pattern, uint64_t i, const struct position *at)
{
	struct node *map = node_new(arena, NODE_MAP, at);
	struct range host = {spec->host.first + i, spec->host.first + i};

	node_borrow_keys(arena, map, pattern->map);
	memcpy(map->items, pattern->map->items, map->n * sizeof(*map->items));
	map->items[pattern->target] = node_int(arena, at, (int64_t)(spec->container.first + i));
	if (pattern->publishes)
		map->items[pattern->published] = published_node(arena, at, &host);
	return map;
}

/* As texts: 8080 comes before 90. */
static int compare_targets(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;

	return strcmp(node_get_text(*left, "target"), node_get_text(*right, "target"));
}

/* false: not interpolated, and not to be read yet. */
static bool port_expand(const struct canonical *c, const struct node *item, const char *text,
	struct node *out, const struct place *place)
{
	struct port_spec spec = {0};
	const char *wrong = port_parse(text, &spec);
	size_t before = out->n;

	if (wrong && !c->rules->raw) {
		place_error(c->diags, item, place,
			"for example: \"8080:80\", \"127.0.0.1:8080:80/udp\" or "
			"\"8000-8005:80-85\"",
			"\"%s\" is not a port mapping: %s", text, wrong);
	} else if (!wrong) {
		struct port_pattern pattern = port_pattern(c->arena, &spec, &item->at);
		uint64_t n = spec.container.last - spec.container.first;
		size_t limit = n < RANGE_USUAL ? MEMORY_MAX_USUAL : MEMORY_MAX;

		node_reserve(c->arena, out, out->n + (uint32_t)n + 1);
		for (uint64_t i = 0; i <= n && arena_size(c->arena) <= limit; i++)
			node_append(
				c->arena, out, port_map(c->arena, &spec, &pattern, i, &item->at));
		if (out->n - before <= n)
			place_error(c->diags, item, place, NULL, "too many ports");
		qsort(out->items + before, out->n - before, sizeof(*out->items), compare_targets);
	}
	port_spec_release(&spec);
	return !wrong || !c->rules->raw;
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
			/* As Compose: then all ports stay as written. */
			if (!port_expand(c, item, item->text, out, &here))
				return;
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
