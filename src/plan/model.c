/* model.c - reading the canonical model: names, scale, and what decides about re-creation. */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

json_t *model_service(const struct manifest *manifest, const char *service)
{
	json_t *active = json_at(manifest->model, "services", service, NULL);

	/* Whoever names a service means it, whatever its profile: as in Compose. */
	return active ? active : json_object_get(manifest->inactive, service);
}

int model_scale(const json_t *service)
{
	json_t *scale = json_object_get(service, "scale");

	if (!scale)
		scale = json_at(service, "deploy", "replicas", NULL);
	return json_is_integer(scale) ? (int)json_integer_value(scale) : 1;
}

char *object_service(const struct workspace *ws, const struct manifest *manifest,
	const char *service, int number)
{
	autofree char *suffix = number > 1 ? xasprintf(" #%d", number) : xstrdup("");

	if (ws->single)
		return xasprintf("service %s%s", service, suffix);
	return xasprintf("service %s/%s%s", manifest->name, service, suffix);
}

const char *model_name(const struct manifest *manifest, const char *section, const char *key)
{
	return json_str(json_at(manifest->model, section, key, NULL), "name");
}

char *shared_network(const struct workspace *ws)
{
	return ws->single ? NULL : xasprintf("%s_shared", ws->name);
}

const char *plan_joint(const struct manifest *manifest)
{
	return manifest->compatibility ? "_" : "-";
}

char *plan_image(const struct manifest *manifest, const char *service)
{
	const char *image = json_str(model_service(manifest, service), "image");

	return image ? xstrdup(image)
		     : xasprintf("%s%s%s", manifest->project, plan_joint(manifest), service);
}

char *plan_container_name(const struct manifest *manifest, const char *service, int number)
{
	const char *fixed = json_str(model_service(manifest, service), "container_name");

	if (fixed)
		return xstrdup(fixed);
	return xasprintf("%s%s%s%s%d", manifest->project, plan_joint(manifest), service,
		plan_joint(manifest), number);
}

/* Inline files are part of the container: their definitions count. */
static void add_inline(
	const struct manifest *manifest, const json_t *service, const char *section, json_t *print)
{
	json_t *used = json_object_get(service, section), *item;
	size_t i;

	json_array_foreach (used, i, item) {
		const char *source = json_str(item, "source");
		json_t *definition = json_at(manifest->model, section, source ? source : "", NULL);

		if (json_str(definition, "content") || json_str(definition, "environment")) {
			autofree char *key = xasprintf("%s:%s", section, source);

			json_object_set(print, key, definition);
		}
	}
}

char *model_fingerprint(const struct manifest *manifest, const char *name)
{
	static const char *const left_out[] = {
		"build", "depends_on", "develop", "profiles", "pull_policy", "scale"};
	json_t *service = model_service(manifest, name);
	autojson json_t *print = json_copy(service);
	const char *key;
	json_t *value;
	void *next;

	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		json_object_del(print, left_out[i]);
	json_object_foreach_safe(print, next, key, value) if (str_starts(key, "x-"))
		json_object_del(print, key);
	add_inline(manifest, service, "configs", print);
	add_inline(manifest, service, "secrets", print);
	return json_print_sorted(print);
}

/* === networks and volumes === */

static json_t *labels_of(const json_t *definition, const struct manifest *manifest,
	const char *label, const char *key, const char *hash)
{
	json_t *labels = json_object();
	autofree char *model = json_print_sorted(definition);

	json_object_update(labels, json_object_get(definition, "labels"));
	json_set_str(labels, LABEL_PROJECT, manifest->project);
	json_set_str(labels, label, key);
	json_set_str(labels, LABEL_HASH, hash);
	json_set_str(labels, LABEL_VERSION, COMPOSE_VERSION);
	json_set_str(labels, LABEL_MODEL, model);
	json_set_str(labels, LABEL_DIR, manifest->dir);
	return labels;
}

static json_t *ipam_body(const json_t *ipam)
{
	json_t *body = json_object(), *pools = json_array(), *pool;
	const char *driver = json_str(ipam, "driver");
	size_t i;

	json_set_str(body, "Driver", driver ? driver : "default");
	json_array_foreach (json_object_get(ipam, "config"), i, pool) {
		json_t *entry = json_object();

		json_set_str(entry, "Subnet", json_str(pool, "subnet"));
		json_set_str(entry, "Gateway", json_str(pool, "gateway"));
		json_set_str(entry, "IPRange", json_str(pool, "ip_range"));
		if (json_object_get(pool, "aux_addresses"))
			json_object_set(entry, "AuxiliaryAddresses",
				json_object_get(pool, "aux_addresses"));
		json_array_append_new(pools, entry);
	}
	json_object_set_new(body, "Config", pools);
	if (json_object_get(ipam, "options"))
		json_object_set(body, "Options", json_object_get(ipam, "options"));
	return body;
}

json_t *network_body(const struct manifest *manifest, const char *key)
{
	json_t *definition = json_at(manifest->model, "networks", key, NULL);
	const char *driver = json_str(definition, "driver");
	json_t *body = json_object();
	char hash[SHA256_HEX];

	json_set_str(body, "Name", json_str(definition, "name"));
	json_object_set_new(body, "CheckDuplicate", json_true());
	json_set_str(body, "Driver", driver ? driver : "bridge");
	json_object_set_new(body, "Internal", json_boolean(json_bool(definition, "internal")));
	json_object_set_new(body, "Attachable", json_boolean(json_bool(definition, "attachable")));
	json_object_set_new(body, "EnableIPv6", json_boolean(json_bool(definition, "enable_ipv6")));
	if (json_object_get(definition, "enable_ipv4"))
		json_object_set(body, "EnableIPv4", json_object_get(definition, "enable_ipv4"));
	if (json_object_size(json_object_get(definition, "ipam")))
		json_object_set_new(body, "IPAM", ipam_body(json_object_get(definition, "ipam")));
	if (json_object_get(definition, "driver_opts"))
		json_object_set(body, "Options", json_object_get(definition, "driver_opts"));
	manifest_hash_network(definition, hash);
	json_object_set_new(
		body, "Labels", labels_of(definition, manifest, LABEL_NETWORK, key, hash));
	return body;
}

json_t *shared_network_body(const struct workspace *ws)
{
	autofree char *name = shared_network(ws);
	json_t *labels = json_object();

	json_set_str(labels, LABEL_WORKSPACE, ws->name);
	json_set_str(labels, LABEL_DIR, ws->root);
	return json_pack("{s:s, s:b, s:s, s:o}", "Name", name, "CheckDuplicate", 1, "Driver",
		"bridge", "Labels", labels);
}

json_t *volume_body(const struct manifest *manifest, const char *key)
{
	json_t *definition = json_at(manifest->model, "volumes", key, NULL);
	const char *driver = json_str(definition, "driver");
	json_t *body = json_object();
	char hash[SHA256_HEX];

	json_set_str(body, "Name", json_str(definition, "name"));
	json_set_str(body, "Driver", driver ? driver : "local");
	if (json_object_get(definition, "driver_opts"))
		json_object_set(body, "DriverOpts", json_object_get(definition, "driver_opts"));
	manifest_hash_volume(definition, hash);
	json_object_set_new(
		body, "Labels", labels_of(definition, manifest, LABEL_VOLUME, key, hash));
	return body;
}
