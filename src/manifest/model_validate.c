/*
 * model_validate.c - what is wrong within one service or resource (compose-go's validation package
 * and the first half of loader/validate.go).
 */
#include "model.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <string.h>

static struct node *get_kind(const struct node *map, const char *key, enum node_kind kind)
{
	struct node *value = node_get(map, key);

	return value && value->kind == kind ? value : NULL;
}

/* === resources === */

static bool is_external(const struct node *resource)
{
	const struct node *external = node_get(resource, "external");
	bool value = false;

	if (external && external->kind != NODE_MAP)
		key_to_bool(external, &value);
	return value || (external && external->kind == NODE_MAP);
}

/* An external volume has a name and nothing else: it is not ours to make. */
static void external_volume(
	const struct model *m, const struct node *volume, const struct place *place)
{
	for (size_t i = 0; is_external(volume) && i < volume->n; i++) {
		const char *key = volume->keys[i]->text;

		if (str_eq(key, "name") || str_eq(key, "external") || key_is_extension(key))
			continue;
		place_error(m->diags, volume->keys[i], place, "remove it, or remove external: true",
			"\"%s\" cannot be said of an external volume", key);
	}
}

/* A secret or config has exactly one source. */
static void one_source(const struct model *m, const struct node *resource, const char *const *keys,
	const struct place *place)
{
	const char *first = NULL;
	autofree char *listed = NULL;

	for (size_t i = 0; keys[i]; i++) {
		char *more = xasprintf("%s%s%s", listed ? listed : "", listed ? ", " : "", keys[i]);

		cleanup_free(&listed);
		listed = more;
		if (!node_get(resource, keys[i]))
			continue;
		if (first)
			place_error(m->diags, node_get(resource, keys[i]), place, NULL,
				"\"%s\" and \"%s\" exclude each other", first, keys[i]);
		first = keys[i];
	}
	if (!first && !node_get(resource, "driver") && !node_get(resource, "external"))
		place_missing(m->diags, resource, place, "for example: file: ./value.txt",
			"one of %s is needed", listed);
}

/* A driver alone would do for one_source(), but not for the project as a whole. */
static void secret_value(
	const struct model *m, const struct node *secret, const struct place *place)
{
	if (m->context->no_consistency || m->context->no_interpolate || is_external(secret) ||
		!str_empty(node_get_text(secret, "file")) ||
		!str_empty(node_get_text(secret, "environment")))
		return;
	place_missing(m->diags, secret, place, "for example: file: ./value.txt",
		"a secret needs a file or an environment variable, or has to be external");
}

void model_validate_resources(const struct model *m)
{
	static const char *const secret_keys[] = {"file", "environment", NULL};
	static const char *const config_keys[] = {"file", "environment", "content", NULL};
	static const struct {
		const char *kind;
		const char *const *keys;
	} kinds[] = {{"volumes", NULL}, {"secrets", secret_keys}, {"configs", config_keys}};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		const struct node *all = get_kind(m->doc, kinds[k].kind, NODE_MAP);
		struct place up = {.name = kinds[k].kind};

		for (size_t i = 0; all && i < all->n; i++) {
			struct place here = {.up = &up, .name = all->keys[i]->text};

			if (all->items[i]->kind != NODE_MAP)
				continue;
			if (kinds[k].keys)
				one_source(m, all->items[i], kinds[k].keys, &here);
			else
				external_volume(m, all->items[i], &here);
			if (kinds[k].keys == secret_keys)
				secret_value(m, all->items[i], &here);
		}
	}
}

/* === one service === */

static void build_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *build = get_kind(service, "build", NODE_MAP);
	const struct node *platforms = get_kind(build, "platforms", NODE_LIST);
	const char *platform = node_get_text(service, "platform");
	bool found = false;

	if (!build && str_empty(node_get_text(service, "image")) &&
		!node_get(service, "provider") && !get_kind(service, "extends", NODE_NULL))
		place_missing(m->diags, node_get_key(m->services, place->name), place,
			"for example: image: nginx:1.27", "a service needs an image or a build");
	if (!str_empty(node_get_text(build, "dockerfile")) &&
		!str_empty(node_get_text(build, "dockerfile_inline")))
		place_error(m->diags, node_get(build, "dockerfile_inline"), place, NULL,
			"\"dockerfile\" and \"dockerfile_inline\" exclude each other");
	for (size_t i = 0; platforms && i < platforms->n; i++)
		found |= str_eq(platforms->items[i]->text, platform);
	if (platforms && platforms->n && !str_empty(platform) && !found)
		place_error(m->diags, node_get(service, "platform"), place, NULL,
			"the platform \"%s\" is not among build.platforms", platform);
}

static void port_rules(const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *ports = get_kind(service, "ports", NODE_LIST);
	struct place list = {.up = place, .name = "ports"};
	unsigned char bytes[16];

	for (size_t i = 0; ports && i < ports->n; i++) {
		struct place here = {.up = &list, .index = i};
		const char *ip = node_get_text(ports->items[i], "host_ip");

		if (ip && inet_pton(AF_INET, ip, bytes) != 1 && inet_pton(AF_INET6, ip, bytes) != 1)
			place_error(m->diags, node_get(ports->items[i], "host_ip"), &here,
				"for example: host_ip: 127.0.0.1", "\"%s\" is not an IP address",
				ip);
		if (ports->items[i]->kind == NODE_MAP && !node_get(ports->items[i], "target"))
			place_missing(m->diags, ports->items[i], &here, "for example: target: 80",
				"\"target\" is missing");
	}
}

static void healthcheck_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *test = get_kind(node_get(service, "healthcheck"), "test", NODE_LIST);
	const char *first = test && test->n ? test->items[0]->text : NULL;

	if (first && !str_eq(first, "CMD") && !str_eq(first, "CMD-SHELL") && !str_eq(first, "NONE"))
		place_error(m->diags, test->items[0], place, "for example: test: [CMD, pg_isready]",
			"healthcheck.test begins with \"%s\", not with CMD, CMD-SHELL or NONE",
			first);
}

static void device_rules(
	const struct model *m, const struct node *devices, const struct place *place)
{
	for (size_t i = 0; devices && devices->kind == NODE_LIST && i < devices->n; i++)
		if (node_get(devices->items[i], "count") &&
			node_get(devices->items[i], "device_ids"))
			place_error(m->diags, node_get(devices->items[i], "device_ids"), place,
				NULL, "\"count\" and \"device_ids\" exclude each other");
}

static void watch_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *watch = get_kind(node_get(service, "develop"), "watch", NODE_LIST);

	for (size_t i = 0; watch && i < watch->n; i++) {
		const struct node *trigger = watch->items[i];
		const char *action = node_get_text(trigger, "action");
		const char *path = node_get_text(trigger, "path");

		if (path && !*path)
			place_error(m->diags, node_get(trigger, "path"), place, NULL,
				"develop.watch: a path cannot be empty");
		if (str_empty(node_get_text(trigger, "target")) && !str_eq(action, "rebuild") &&
			!str_eq(action, "restart"))
			place_error(m->diags, trigger, place, "for example: target: /app/src",
				"develop.watch: a target is needed to %s",
				action ? action : "sync");
	}
}

/* === numbers that are said twice === */

static bool int_of(const struct node *map, const char *key, int64_t *out)
{
	const struct node *node = node_get(map, key);

	return node && node_is_scalar(node) && key_to_int(node, out);
}

static bool bytes_of(const struct node *map, const char *key, int64_t *out)
{
	const struct node *node = node_get(map, key);

	if (!node)
		return false;
	if (node->kind == NODE_STRING)
		return parse_bytes(node->text, out);
	return node_is_scalar(node) && key_to_int(node, out);
}

static void twice(const struct model *m, const struct node *service, const struct place *place,
	const char *key, const char *other)
{
	place_error(m->diags, node_get(service, key), place, "remove one of them",
		"\"%s\" and \"%s\" say different things", key, other);
}

static void mode_rule(const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *mode = node_get(node_get(service, "deploy"), "mode");
	struct place deploy = {.up = place, .name = "deploy"};
	struct place here = {.up = &deploy, .name = "mode"};

	if (mode && str_eq(mode->text, "global"))
		place_warning(m->diags, mode, &here, NULL,
			"\"global\" is for Swarm only: here \"replicas\" or \"scale\" count");
}

static void scale_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *deploy = node_get(service, "deploy");
	int64_t scale = 1, replicas = 1;
	bool has_scale = int_of(service, "scale", &scale);
	bool has_replicas = int_of(deploy, "replicas", &replicas);

	if (has_scale && has_replicas && scale != replicas)
		twice(m, service, place, "scale", "deploy.replicas");
	if ((has_scale && scale < 0) || (has_replicas && replicas < 0))
		place_error(m->diags, node_get(service, has_scale ? "scale" : "deploy"), place,
			NULL, "the number of containers cannot be negative");
	if (!has_scale)
		scale = has_replicas ? replicas : 1;
	if (scale > 1 && !str_empty(node_get_text(service, "container_name")))
		place_error(m->diags, node_get(service, "container_name"), place,
			"remove container_name", "%lld containers cannot all be named \"%s\"",
			(long long)scale, node_get_text(service, "container_name"));
}

static void resource_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	const struct node *resources = node_get(node_get(service, "deploy"), "resources");
	const struct node *limits = get_kind(resources, "limits", NODE_MAP);
	const struct node *kept = get_kind(resources, "reservations", NODE_MAP);
	const struct node *cpus = node_get(service, "cpus"), *cpu_limit = node_get(limits, "cpus");
	double a = 0, b = 0;
	int64_t x = 0, y = 0;

	if (limits && cpus && key_to_float(cpus, &a) && a != 0 &&
		(!cpu_limit || !key_to_float(cpu_limit, &b) || (float)a != (float)b))
		twice(m, service, place, "cpus", "deploy.resources.limits.cpus");
	if (limits && bytes_of(service, "mem_limit", &x) && x &&
		(!bytes_of(limits, "memory", &y) || x != y))
		twice(m, service, place, "mem_limit", "deploy.resources.limits.memory");
	if (kept && bytes_of(service, "mem_reservation", &x) && x &&
		(!bytes_of(kept, "memory", &y) || x != y))
		twice(m, service, place, "mem_reservation", "deploy.resources.reservations.memory");
	if (limits && int_of(service, "pids_limit", &x) && x &&
		(!int_of(limits, "pids", &y) || x != y))
		twice(m, service, place, "pids_limit", "deploy.resources.limits.pids");
}

/* A file that is there is mounted as it is. */
static void file_rules(const struct model *m, const struct node *service, const char *section,
	const struct place *place)
{
	static const char *const keys[] = {"uid", "gid", "mode"};
	const struct node *list = get_kind(service, section, NODE_LIST);
	struct place up = {.up = place, .name = section};

	for (size_t i = 0; list && i < list->n; i++) {
		struct place here = {.up = &up, .index = i};
		const char *source = node_get_text(list->items[i], "source");
		const struct node *definition = source ? node_get(node_get(m->doc, section), source)
						       : NULL;

		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			if (node_get_text(definition, "file") && node_get(list->items[i], keys[k]))
				place_warning(m->diags, node_get_key(list->items[i], keys[k]),
					&here, NULL,
					"\"%s\" does nothing: the file is mounted as it is",
					keys[k]);
	}
}

/* Options of another type of mount. */
static void option_rules(const struct model *m, const struct node *mount, const struct place *place)
{
	static const char *const types[] = {"bind", "volume", "tmpfs", "image"};
	const char *type = node_get_text(mount, "type");
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		known |= str_eq(type, types[i]);
	for (size_t i = 0; known && i < ARRAY_LEN(types); i++)
		if (!str_eq(type, types[i]) && node_get(mount, types[i]))
			place_warning(m->diags, node_get_key(mount, types[i]), place, NULL,
				"\"%s\" does nothing for a mount of type %s", types[i], type);
}

/* Nothing may be mounted where something is. `mounted`: target -> true. */
static void one_mount(const struct model *m, const struct node *item, const char *target,
	json_t *mounted, const struct place *place)
{
	if (json_object_get(mounted, target))
		place_error(m->diags, item, place, NULL, "something is mounted at \"%s\" already",
			target);
	json_object_set_new(mounted, target, json_true());
}

static void mount_rules(
	const struct model *m, const struct node *service, const struct place *place)
{
	autojson json_t *mounted = json_object();
	const struct node *tmpfs = get_kind(service, "tmpfs", NODE_LIST);
	const struct node *volumes = get_kind(service, "volumes", NODE_LIST);
	struct place list = {.up = place, .name = "tmpfs"};
	struct place here = {.up = &list};

	for (size_t i = 0; tmpfs && i < tmpfs->n; i++) {
		const char *text = tmpfs->items[i]->text;
		autofree char *target = xstrndup(text, strcspn(text, ":"));

		here.index = i;
		one_mount(m, tmpfs->items[i], target, mounted, &here);
	}
	list.name = "volumes";
	for (size_t i = 0; volumes && i < volumes->n; i++) {
		const char *target = node_get_text(volumes->items[i], "target");

		here.index = i;
		option_rules(m, volumes->items[i], &here);
		if (target)
			one_mount(m, volumes->items[i], target, mounted, &here);
		else if (volumes->items[i]->kind == NODE_MAP)
			place_missing(m->diags, volumes->items[i], &here,
				"for example: target: /data", "\"target\" is missing");
	}
}

/* A container's name is its own. */
void model_validate_names(const struct model *m, const json_t *active)
{
	struct place up = {.name = "services"};
	struct node *seen = node_new(m->arena, NODE_MAP, NULL);

	for (size_t i = 0; m->services && i < m->services->n; i++) {
		struct place service = {.up = &up, .name = m->services->keys[i]->text};
		struct place here = {.up = &service, .name = "container_name"};
		struct node *node = node_get(m->services->items[i], here.name);
		const struct node *first;

		if (!node || !node_is_scalar(node) || !*node->text ||
			!json_object_get(active, service.name))
			continue;
		first = node_get(seen, node->text);
		if (first)
			place_error(m->diags, node, &here, NULL,
				"the container of service \"%s\" is named \"%s\", too", first->text,
				node->text);
		else
			node_set(m->arena, seen, node->text, m->services->keys[i]);
	}
}

void model_validate_service(
	const struct model *m, const struct node *service, const char *name, const json_t *active)
{
	struct place up = {.name = "services"};
	struct place here = {.up = &up, .name = name};
	const struct node *resources = node_get(node_get(service, "deploy"), "resources");
	const struct node *networks = node_get(service, "networks");

	port_rules(m, service, &here);
	device_rules(m, node_get(service, "gpus"), &here);
	device_rules(m, node_get(node_get(resources, "reservations"), "devices"), &here);
	if (!json_object_get(active, name) || m->context->no_consistency)
		return;
	build_rules(m, service, &here);
	if (!str_empty(node_get_text(service, "network_mode")) && networks && networks->n)
		place_error(m->diags, node_get(service, "network_mode"), &here,
			"remove one of them",
			"\"network_mode\" and \"networks\" exclude each other");
	healthcheck_rules(m, service, &here);
	watch_rules(m, service, &here);
	mode_rule(m, service, &here);
	scale_rules(m, service, &here);
	resource_rules(m, service, &here);
	mount_rules(m, service, &here);
	file_rules(m, service, "secrets", &here);
	file_rules(m, service, "configs", &here);
}
