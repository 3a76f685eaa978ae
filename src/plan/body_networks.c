/*
 * body_networks.c - which networks a container joins, under which names.
 *
 * Before API 1.44 a container can be created on one network only: the first by priority goes into
 * the create request, the others into `extra` and are connected before the start.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

struct joined {
	const char *key;
	json_t *options;
	int64_t priority;
};

static int by_priority(const void *a, const void *b)
{
	const struct joined *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority < right->priority ? 1 : -1;
	return strcmp(left->key, right->key);
}

/* An interface's name is an option of the driver (Docker 28.1); a name that is there stays. */
static void set_driver_options(json_t *body, const json_t *options)
{
	json_t *given = json_object_get(options, "driver_opts");
	json_t *out = given ? json_copy(given) : json_object();

	if (!json_object_get(out, "com.docker.network.endpoint.ifname"))
		json_set_str(out, "com.docker.network.endpoint.ifname",
			json_str(options, "interface_name"));
	if (json_object_size(out))
		json_object_set(body, "DriverOpts", out);
	json_decref(out);
}

static json_t *endpoint(const struct manifest *manifest, const char *service, int number,
	bool named, const json_t *options)
{
	autofree char *name = plan_container_name(manifest, service, number);
	json_t *body = json_object(), *aliases = json_array(), *ipam = json_object();

	if (named) {
		json_array_append_new(aliases, json_string_safe(name));
		json_array_append_new(aliases, json_string_safe(service));
		json_array_extend(aliases, json_object_get(options, "aliases"));
	}
	json_object_set_new(body, "Aliases", aliases);
	json_set_str(ipam, "IPv4Address", json_str(options, "ipv4_address"));
	json_set_str(ipam, "IPv6Address", json_str(options, "ipv6_address"));
	if (json_object_get(options, "link_local_ips"))
		json_object_set(ipam, "LinkLocalIPs", json_object_get(options, "link_local_ips"));
	if (json_object_size(ipam))
		json_object_set(body, "IPAMConfig", ipam);
	json_decref(ipam);
	json_set_str(body, "MacAddress", json_str(options, "mac_address"));
	set_driver_options(body, options);
	if (json_object_get(options, "gw_priority"))
		json_object_set(body, "GwPriority", json_object_get(options, "gw_priority"));
	return body;
}

/* All containers of the linked service, each by its alias and by its two longer names. */
static void add_link(const struct manifest *manifest, const char *text, int number, json_t *links)
{
	autostrv struct strv parts = STRV_INIT;
	const char *joint = plan_joint(manifest);
	int scale;

	strv_split(&parts, text, ':');
	if (!parts.n)
		return;
	scale = model_scale(model_service(manifest, parts.v[0]));
	for (int i = 1; i <= scale; i++) {
		autofree char *container = plan_container_name(manifest, parts.v[0], i);
		autofree char *alias = xasprintf("%s:%s", container, parts.v[parts.n - 1]);
		autofree char *middle = xasprintf(
			"%s:%s%s%d", container, parts.v[0], joint, number);
		autofree char *whole = xasprintf("%s:%s%s%s%s%d", container, manifest->project,
			joint, parts.v[0], joint, number);

		json_array_append_new(links, json_string_safe(alias));
		json_array_append_new(links, json_string_safe(middle));
		json_array_append_new(links, json_string_safe(whole));
	}
}

/* `links` and external_links as the engine's "container:alias". */
static json_t *links_of(const struct manifest *manifest, const json_t *service, int number)
{
	json_t *links = json_array(), *item;
	size_t i;

	json_array_foreach (json_object_get(service, "links"), i, item)
		add_link(manifest, json_string_value(item), number, links);
	json_array_foreach (json_object_get(service, "external_links"), i, item) {
		const char *text = json_string_value(item);
		autofree char *link = strchr(text, ':') ? xstrdup(text)
							: xasprintf("%s:%s", text, text);

		json_array_append_new(links, json_string_safe(link));
	}
	return links;
}

static json_t *shared_endpoint(const struct manifest *manifest, const char *service, bool named)
{
	json_t *aliases = json_array();

	if (named) {
		autofree char *alias = xasprintf("%s.%s", service, manifest->name);

		json_array_append_new(aliases, json_string_safe(alias));
	}
	return json_pack("{s:o}", "Aliases", aliases);
}

static struct joined *sorted_networks(const json_t *networks, size_t *n)
{
	struct joined *list = NULL;
	const char *key;
	json_t *options;

	*n = 0;
	json_object_foreach ((json_t *)networks, key, options) {
		list = xgrow(list, *n, sizeof(*list));
		list[(*n)++] = (struct joined){key, options, json_int(options, "priority")};
	}
	if (*n)
		qsort(list, *n, sizeof(*list), by_priority);
	return list;
}

void body_networks(const struct workspace *ws, const struct manifest *manifest, const char *name,
	int number, bool named, json_t *body, json_t *extra)
{
	json_t *service = model_service(manifest, name);
	json_t *host = json_object_get(body, "HostConfig"), *more = json_array();
	autofree char *shared = shared_network(ws);
	autofree struct joined *list = NULL;
	autojson json_t *links = links_of(manifest, service, number);
	size_t n;

	if (json_str(service, "network_mode")) {
		/* Links of the default bridge; elsewhere they are the endpoint's. */
		if (json_array_size(links))
			json_object_set(host, "Links", links);
		json_set_str(body, "MacAddress", json_str(service, "mac_address"));
		json_decref(more);
		return;
	}
	list = sorted_networks(json_object_get(service, "networks"), &n);
	for (size_t i = 0; i < n; i++) {
		const char *network = model_name(manifest, "networks", list[i].key);
		json_t *point = endpoint(manifest, name, number, named, list[i].options);

		if (json_array_size(links))
			json_object_set(point, "Links", links);
		if (i == 0) {
			if (!json_str(point, "MacAddress"))
				json_set_str(point, "MacAddress", json_str(service, "mac_address"));
			json_set_str(host, "NetworkMode", network);
			json_object_set_new(body, "NetworkingConfig",
				json_pack("{s:{s:o}}", "EndpointsConfig", network, point));
		} else {
			json_array_append_new(more,
				json_pack("{s:s, s:o}", "network", network, "endpoint", point));
		}
	}
	if (shared && n)
		json_array_append_new(more, json_pack("{s:s, s:o}", "network", shared, "endpoint",
						    shared_endpoint(manifest, name, named)));
	if (!n)
		json_set_str(host, "NetworkMode", "none");
	if (json_array_size(more))
		json_object_set(extra, "connect", more);
	json_decref(more);
}
