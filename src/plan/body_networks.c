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

static json_t *endpoint(const struct manifest *manifest, const char *service, int number,
	bool oneoff, const json_t *options)
{
	autofree char *name = plan_container_name(manifest, service, number);
	json_t *body = json_object(), *aliases = json_array(), *ipam = json_object();

	if (!oneoff) {
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
	if (json_object_get(options, "driver_opts"))
		json_object_set(body, "DriverOpts", json_object_get(options, "driver_opts"));
	return body;
}

/* `links` (and external_links) are names of other containers: "db:alias". */
static void add_links(const struct manifest *manifest, const json_t *service, json_t *body)
{
	json_t *links = json_array(), *item;
	size_t i;

	json_array_foreach (json_object_get(service, "links"), i, item) {
		autostrv struct strv parts = STRV_INIT;
		autofree char *container = NULL, *link = NULL;

		strv_split(&parts, json_string_value(item), ':');
		if (!parts.n)
			continue;
		container = plan_container_name(manifest, parts.v[0], 1);
		link = xasprintf("%s:%s", container, parts.v[parts.n - 1]);
		json_array_append_new(links, json_string_safe(link));
	}
	json_array_extend(links, json_object_get(service, "external_links"));
	if (json_array_size(links))
		json_object_set(body, "Links", links);
	json_decref(links);
}

static json_t *shared_endpoint(const struct manifest *manifest, const char *service, bool oneoff)
{
	json_t *aliases = json_array();

	if (!oneoff) {
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
	int number, bool oneoff, json_t *body, json_t *extra)
{
	json_t *service = model_service(manifest, name);
	json_t *host = json_object_get(body, "HostConfig"), *more = json_array();
	autofree char *shared = shared_network(ws);
	autofree struct joined *list = NULL;
	size_t n;

	if (json_str(service, "network_mode")) {
		json_decref(more);
		return;
	}
	list = sorted_networks(json_object_get(service, "networks"), &n);
	for (size_t i = 0; i < n; i++) {
		const char *network = model_name(manifest, "networks", list[i].key);
		json_t *point = endpoint(manifest, name, number, oneoff, list[i].options);

		if (i == 0) {
			add_links(manifest, service, point);
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
						    shared_endpoint(manifest, name, oneoff)));
	if (!n)
		json_set_str(host, "NetworkMode", "none");
	if (json_array_size(more))
		json_object_set(extra, "connect", more);
	json_decref(more);
}
