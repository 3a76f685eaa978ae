/*
 * canonical.c - every short form of one file made long, in place (see pipeline.h).
 *
 * What compose-go's transform package does, in the order that a reader of the Compose Specification
 * meets the keys.  Values of a wrong type were reported by check.c and are stepped over here.
 */
#include "canonical.h"
#include "convert.h"
#include "pipeline.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static struct node *get_kind(const struct node *map, const char *key, enum node_kind kind)
{
	struct node *value = node_get(map, key);

	return value && value->kind == kind ? value : NULL;
}

/* The map at `key`, or NULL. */
static struct node *get_map(const struct node *map, const char *key)
{
	return get_kind(map, key, NODE_MAP);
}

/* Put `value` in the place of `old`, which keeps its merge tag. */
static void replace(const struct canonical *c, struct node *map, const char *key,
	const struct node *old, struct node *value)
{
	value->tag = old->tag;
	node_set(c->arena, map, key, value);
}

/* "one" -> [one] */
static void list_from_string(const struct canonical *c, struct node *map, const char *key)
{
	struct node *old = get_kind(map, key, NODE_STRING);
	struct node *list;

	if (!old)
		return;
	list = node_new(c->arena, NODE_LIST, &old->at);
	node_append(c->arena, list, node_string(c->arena, &old->at, old->text));
	replace(c, map, key, old, list);
}

/* [A=1, B] -> {A: "1", B: null}; with `empty`, {B: ""}. */
static void map_from_list(const struct canonical *c, struct node *map, const char *key, bool empty)
{
	struct node *old = get_kind(map, key, NODE_LIST);
	struct node *out;

	if (!old)
		return;
	out = node_new(c->arena, NODE_MAP, &old->at);
	for (size_t i = 0; i < old->n; i++) {
		const struct node *item = old->items[i];
		const char *equals = strchr(item->text, '=');
		autofree char *name = NULL;
		struct node *value;

		if (!node_is_scalar(item))
			continue;
		name = equals ? xstrndup(item->text, (size_t)(equals - item->text))
			      : xstrdup(item->text);
		if (equals || empty)
			value = node_string(c->arena, &item->at, equals ? equals + 1 : "");
		else
			value = node_new(c->arena, NODE_NULL, &item->at);
		node_set(c->arena, out, name, value);
	}
	replace(c, map, key, old, out);
}

/* The same for what compose-go converts only with its types: raw, it stays. */
static void map_from_pairs(const struct canonical *c, struct node *map, const char *key, bool empty)
{
	if (c->rules->raw || !get_kind(map, key, NODE_LIST))
		return;
	map_from_list(c, map, key, empty);
	node_get(map, key)->turned = true;
}

/* [a, b] -> {a: null, b: null} */
static void map_from_names(const struct canonical *c, struct node *map, const char *key)
{
	struct node *old = get_kind(map, key, NODE_LIST);
	struct node *out;

	if (!old)
		return;
	out = node_new(c->arena, NODE_MAP, &old->at);
	for (size_t i = 0; i < old->n; i++)
		if (node_is_scalar(old->items[i]))
			node_set(c->arena, out, old->items[i]->text,
				node_new(c->arena, NODE_NULL, &old->items[i]->at));
	replace(c, map, key, old, out);
}

/* "value" -> {name: "value"} */
static struct node *map_of_one(
	const struct canonical *c, const struct node *value, const char *name)
{
	struct node *map = node_new(c->arena, NODE_MAP, &value->at);

	node_set(c->arena, map, name, node_string(c->arena, &value->at, value->text));
	map->tag = value->tag;
	return map;
}

/* Items that are strings become {source: ...}. */
static void file_mounts(const struct canonical *c, struct node *map, const char *key)
{
	struct node *list = get_kind(map, key, NODE_LIST);

	for (size_t i = 0; list && i < list->n; i++)
		if (list->items[i]->kind == NODE_STRING)
			list->items[i] = map_of_one(c, list->items[i], "source");
}

/* {host: ip} and {host: [ip, ip]} -> ["host=ip", ...], so that two files simply add up. */
static void extra_hosts(const struct canonical *c, struct node *map)
{
	struct node *old = get_map(map, "extra_hosts");
	struct node *list;

	if (!old || c->rules->raw)
		return;
	list = node_new(c->arena, NODE_LIST, &old->at);
	list->turned = true;
	for (size_t i = 0; i < old->n; i++) {
		const struct node *value = old->items[i];
		size_t n = value->kind == NODE_LIST ? value->n : 1;

		for (size_t j = 0; j < n; j++) {
			const struct node *ip = value->kind == NODE_LIST ? value->items[j] : value;
			autofree char *pair = xasprintf(
				"%s=%s", old->keys[i]->text, node_is_scalar(ip) ? ip->text : "");
			struct node *item = node_string(c->arena, &ip->at, pair);

			item->tag = value->tag;
			node_append(c->arena, list, item);
		}
	}
	replace(c, map, "extra_hosts", old, list);
}

/* === build === */

/* true -> "true" */
static void text_from_scalar(const struct canonical *c, struct node *map, const char *key)
{
	struct node *value = node_get(map, key);
	autofree char *text = NULL;

	if (!value || !node_is_scalar(value))
		return;
	text = convert_text(value);
	canonical_set_text(c->arena, value, text);
}

static void build_ssh(const struct canonical *c, struct node *build, const struct place *place)
{
	struct node *ssh = get_kind(build, "ssh", NODE_LIST);
	struct place here = {.up = place, .name = "ssh"};

	for (size_t i = 0; ssh && i < ssh->n; i++) {
		const char *text = ssh->items[i]->text;

		if (!strchr(text, '=') && !str_eq(text, "default"))
			place_error(c->diags, ssh->items[i], &here, "for example: ssh: [default]",
				"\"%s\" needs a path: %s=PATH", text, text);
	}
	map_from_list(c, build, "ssh", false);
	ssh = get_map(build, "ssh");
	for (size_t i = 0; ssh && i < ssh->n; i++)
		canonical_host_path(c, ssh->items[i]);
}

static void build_contexts(const struct canonical *c, struct node *build, const struct place *place)
{
	struct node *contexts = get_kind(build, "additional_contexts", NODE_LIST);
	struct place here = {.up = place, .name = "additional_contexts"};

	for (size_t i = 0; contexts && i < contexts->n; i++)
		if (node_is_scalar(contexts->items[i]) && !strchr(contexts->items[i]->text, '='))
			place_error(c->diags, contexts->items[i], &here,
				"for example: additional_contexts: {shared: ../shared}",
				"\"%s\" is not NAME=CONTEXT", contexts->items[i]->text);
	map_from_list(c, build, "additional_contexts", true);
	contexts = get_map(build, "additional_contexts");
	for (size_t i = 0; contexts && i < contexts->n; i++)
		canonical_context(c, contexts->items[i]);
}

static void canonical_build(
	const struct canonical *c, struct node *service, const struct place *place)
{
	struct node *build = node_get(service, "build");
	struct place here = {.up = place, .name = "build"};

	if (build && build->kind == NODE_STRING) {
		build = map_of_one(c, build, "context");
		node_set(c->arena, service, "build", build);
	}
	build = get_map(service, "build");
	if (!build)
		return;
	canonical_context(c, node_get(build, "context"));
	build_contexts(c, build, &here);
	build_ssh(c, build, &here);
	map_from_pairs(c, build, "args", false);
	map_from_pairs(c, build, "labels", true);
	extra_hosts(c, build);
	text_from_scalar(c, build, "provenance");
	text_from_scalar(c, build, "sbom");
	file_mounts(c, build, "secrets");
}

/* === services === */

/*
 * A list is {NAME: {condition: service_started, required: true}} in full; a map stays, for merging.
 */
static void depends_on(const struct canonical *c, struct node *service)
{
	struct node *old = get_kind(service, "depends_on", NODE_LIST);
	struct node *out;

	if (!old)
		return;
	out = node_new(c->arena, NODE_MAP, &old->at);
	for (size_t i = 0; i < old->n; i++) {
		const struct position *at = &old->items[i]->at;
		struct node *dependency = node_new(c->arena, NODE_MAP, at);

		if (!node_is_scalar(old->items[i]))
			continue;
		node_set(c->arena, dependency, "condition",
			node_string(c->arena, at, "service_started"));
		node_set(c->arena, dependency, "required", node_bool(c->arena, at, true));
		node_set(c->arena, out, old->items[i]->text, dependency);
	}
	replace(c, service, "depends_on", old, out);
}

/* Read into the model, but for a raw one, which only shows its path. */
static void env_path(const struct canonical *c, struct node *path)
{
	if (c->rules->raw)
		canonical_path_node(c, path);
	else
		canonical_file(c, path);
}

static void env_files(const struct canonical *c, struct node *service)
{
	struct node *list;

	list_from_string(c, service, "env_file");
	list = get_kind(service, "env_file", NODE_LIST);
	for (size_t i = 0; list && i < list->n; i++) {
		if (list->items[i]->kind == NODE_STRING)
			list->items[i] = map_of_one(c, list->items[i], "path");
		if (list->items[i]->kind != NODE_MAP)
			continue;
		if (!node_get(list->items[i], "required"))
			node_set(c->arena, list->items[i], "required",
				node_bool(c->arena, &list->items[i]->at, true));
		env_path(c, node_get(list->items[i], "path"));
	}
	list_from_string(c, service, "label_file");
	list = get_kind(service, "label_file", NODE_LIST);
	for (size_t i = 0; list && i < list->n; i++)
		env_path(c, list->items[i]);
}

static void gpus(const struct canonical *c, struct node *service)
{
	struct node *old = get_kind(service, "gpus", NODE_STRING);
	struct node *list;

	if (!old)
		return;
	list = node_new(c->arena, NODE_LIST, &old->at);
	node_append(c->arena, list, map_of_one(c, old, "count"));
	canonical_set_text(c->arena, node_get(list->items[0], "count"), "all");
	replace(c, service, "gpus", old, list);
}

static void develop(const struct canonical *c, struct node *service)
{
	struct node *watch = get_kind(get_map(service, "develop"), "watch", NODE_LIST);

	for (size_t i = 0; watch && i < watch->n; i++) {
		struct node *trigger = watch->items[i];

		list_from_string(c, trigger, "ignore");
		list_from_string(c, trigger, "include");
		canonical_real_path(c, node_get(trigger, "path"));
		map_from_pairs(c, get_map(trigger, "exec"), "environment", false);
	}
}

static void hooks(const struct canonical *c, struct node *service, const char *key)
{
	struct node *list = get_kind(service, key, NODE_LIST);

	for (size_t i = 0; list && i < list->n; i++)
		map_from_pairs(c, list->items[i], "environment", false);
}

/* compose-go refuses "NAME =value": the space would be part of the name. */
static void environment_names(
	const struct canonical *c, struct node *service, const struct place *place)
{
	struct node *list = get_kind(service, "environment", NODE_LIST);
	struct place here = {.up = place, .name = "environment"};

	for (size_t i = 0; !c->rules->raw && list && i < list->n; i++) {
		const char *text = list->items[i]->text;
		size_t len = strcspn(text, "=");

		if (len && strchr(" \t\r\n", text[len - 1]))
			place_error(c->diags, list->items[i], &here,
				"remove the space before \"=\"",
				"the variable's name ends with a space");
	}
}

static void canonical_service(
	const struct canonical *c, struct node *service, const struct place *place)
{
	struct node *extends = get_kind(service, "extends", NODE_STRING);
	struct node *volumes;

	environment_names(c, service, place);
	canonical_build(c, service, place);
	canonical_mounts(c, service, place);
	canonical_ports(c, service, place);
	depends_on(c, service);
	env_files(c, service);
	gpus(c, service);
	develop(c, service);
	hooks(c, service, "post_start");
	hooks(c, service, "pre_stop");
	if (extends)
		node_set(c->arena, service, "extends", map_of_one(c, extends, "service"));
	canonical_file(c, node_get(get_map(service, "extends"), "file"));
	map_from_names(c, service, "networks");
	map_from_names(c, service, "models");
	map_from_pairs(c, service, "environment", false);
	map_from_pairs(c, service, "labels", true);
	map_from_pairs(c, service, "annotations", true);
	map_from_pairs(c, service, "sysctls", true);
	map_from_pairs(c, get_map(service, "deploy"), "labels", true);
	extra_hosts(c, service);
	list_from_string(c, service, "dns");
	if (!c->rules->raw) {
		list_from_string(c, service, "dns_search");
		list_from_string(c, service, "tmpfs");
	}
	file_mounts(c, service, "secrets");
	file_mounts(c, service, "configs");
	volumes = get_kind(service, "volumes", NODE_LIST);
	for (size_t i = 0; volumes && i < volumes->n; i++)
		map_from_pairs(c, get_map(volumes->items[i], "volume"), "labels", true);
}

/* === top-level resources === */

/* external: {name: x} -> external: true, name: x */
static void external(const struct canonical *c, struct node *resource, const struct place *place)
{
	struct node *old = get_map(resource, "external");
	const char *old_name = node_get_text(old, "name");
	const char *name = node_get_text(resource, "name");

	if (!old)
		return;
	node_set(c->arena, resource, "external", node_bool(c->arena, &old->at, true));
	if (!old_name)
		return;
	if (name && !str_eq(name, old_name))
		place_error(c->diags, old, place, "use name: and external: true",
			"name and external.name differ: \"%s\" and \"%s\"", name, old_name);
	else
		node_set(c->arena, resource, "name", node_string(c->arena, &old->at, old_name));
}

/* A local volume with o: bind is a bind mount: its device is a path of the host. */
static void volume_device(const struct canonical *c, struct node *volume)
{
	struct node *options = get_map(volume, "driver_opts");

	if (str_eq(node_get_text(volume, "driver"), "local") &&
		str_eq(node_get_text(options, "o"), "bind"))
		canonical_host_path(c, node_get(options, "device"));
}

static void canonical_resources(const struct canonical *c, struct node *doc, const char *kind)
{
	struct node *all = get_map(doc, kind);
	struct place up = {.name = kind};

	for (size_t i = 0; all && i < all->n; i++) {
		struct node *resource = all->items[i];
		struct place here = {.up = &up, .name = all->keys[i]->text};

		if (resource->kind != NODE_MAP)
			continue;
		external(c, resource, &here);
		map_from_pairs(c, resource, "labels", true);
		if (str_eq(kind, "volumes"))
			volume_device(c, resource);
		else
			canonical_host_path(c, node_get(resource, "file"));
	}
}

void canonical_document(struct arena *arena, struct node *doc, const struct canonical_rules *rules,
	struct diags *diags)
{
	static const char *const kinds[] = {"volumes", "networks", "secrets", "configs"};
	struct canonical c = {.arena = arena, .rules = rules, .diags = diags};
	struct node *services = get_map(doc, "services");
	struct place up = {.name = "services"};

	for (size_t i = 0; services && i < services->n; i++) {
		struct place here = {.up = &up, .name = services->keys[i]->text};

		if (services->items[i]->kind == NODE_MAP)
			canonical_service(&c, services->items[i], &here);
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		canonical_resources(&c, doc, kinds[i]);
}
