/*
 * model_normalize.c - what Compose adds to a merged document (compose-go's transform/defaults.go
 * and loader/normalize.go): defaults, the default network, implied dependencies, names in the
 * engine.
 */
#include "model.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static struct node *get_kind(const struct node *map, const char *key, enum node_kind kind)
{
	struct node *value = node_get(map, key);

	return value && value->kind == kind ? value : NULL;
}

static void set_default(const struct model *m, struct node *map, const char *key, const char *text)
{
	if (map->kind == NODE_MAP && !node_get(map, key))
		node_set(m->arena, map, key, node_string(m->arena, &map->at, text));
}

/* Take keys without a value from the environment; those that it lacks stay, or go away. */
static void resolve_names(const struct model *m, struct node *map, bool keep)
{
	size_t i = 0;

	while (map && map->kind == NODE_MAP && i < map->n) {
		const char *name = map->keys[i]->text;
		const char *value = m->context->no_interpolate ? NULL
							       : json_str(m->context->env, name);

		if (map->items[i]->kind != NODE_NULL) {
			i++;
		} else if (value) {
			map->items[i] = node_string(m->arena, &map->keys[i]->at, value);
			i++;
		} else if (keep) {
			i++;
		} else {
			node_remove(m->arena, map, name);
		}
	}
}

/* The same for NAME in a list: not interpolated, no variable has a value. */
static void drop_names(struct node *list)
{
	size_t kept = 0;

	for (size_t i = 0; list && i < list->n; i++)
		if (strchr(list->items[i]->text, '='))
			list->items[kept++] = list->items[i];
	if (list)
		list->n = kept;
}

static void build_defaults(const struct model *m, struct node *service)
{
	struct node *build = get_kind(service, "build", NODE_MAP);

	if (!build)
		return;
	if (!node_get(build, "dockerfile_inline"))
		set_default(m, build, "dockerfile", "Dockerfile");
	if (m->context->no_interpolate)
		drop_names(get_kind(build, "args", NODE_LIST));
	resolve_names(m, node_get(build, "args"), false);
}

static void normal_pull_policy(const struct model *m, struct node *service)
{
	if (str_eq(node_get_text(service, "pull_policy"), "if_not_present"))
		node_set(m->arena, service, "pull_policy",
			node_string(m->arena, &service->at, "missing"));
}

void model_default_contexts(struct arena *arena, struct node *doc, const char *dir)
{
	const struct node *services = get_kind(doc, "services", NODE_MAP);

	for (size_t i = 0; services && i < services->n; i++) {
		struct node *build = get_kind(services->items[i], "build", NODE_MAP);

		if (build && !node_get(build, "context"))
			node_set(arena, build, "context", node_string(arena, &build->at, dir));
	}
}

static void device_defaults(const struct model *m, struct node *devices)
{
	for (size_t i = 0; devices && devices->kind == NODE_LIST && i < devices->n; i++)
		if (!node_get(devices->items[i], "device_ids"))
			set_default(m, devices->items[i], "count", "all");
}

static void list_defaults(const struct model *m, struct node *service)
{
	struct node *list = get_kind(service, "ports", NODE_LIST);
	struct node *resources = node_get(node_get(service, "deploy"), "resources");

	for (size_t i = 0; list && i < list->n; i++) {
		set_default(m, list->items[i], "protocol", "tcp");
		set_default(m, list->items[i], "mode", "ingress");
	}
	list = get_kind(service, "secrets", NODE_LIST);
	for (size_t i = 0; list && i < list->n; i++) {
		const char *source = node_get_text(list->items[i], "source");
		autofree char *target = xasprintf("/run/secrets/%s", source ? source : "");

		set_default(m, list->items[i], "target", target);
	}
	list = get_kind(service, "volumes", NODE_LIST);
	for (size_t i = 0; list && i < list->n; i++) {
		struct node *target = get_kind(list->items[i], "target", NODE_STRING);
		autofree char *clean = target && *target->text ? path_clean(target->text) : NULL;

		if (clean)
			target->text = arena_strdup(m->arena, clean);
	}
	device_defaults(m, node_get(service, "gpus"));
	device_defaults(m, node_get(node_get(resources, "reservations"), "devices"));
}

/* compose-go's omitEmpty.go: the only list whose empty items vanish. */
static void drop_empty_dns(struct node *service)
{
	struct node *dns = get_kind(service, "dns", NODE_LIST);
	size_t kept = 0;

	for (size_t i = 0; dns && i < dns->n; i++)
		if (dns->items[i]->kind != NODE_NULL && dns->items[i]->text[0])
			dns->items[kept++] = dns->items[i];
	if (dns)
		dns->n = kept;
}

/* === dependencies === */

static void add_dependency(const struct model *m, struct node *service, const struct node *from,
	const char *name, size_t len, bool restart)
{
	struct node *all = node_get(service, "depends_on");
	autofree char *copy = xstrndup(name, len);
	struct node *dependency;

	if (!all) {
		all = node_new(m->arena, NODE_MAP, &from->at);
		node_set(m->arena, service, "depends_on", all);
	}
	if (all->kind != NODE_MAP || node_get(all, copy))
		return;
	dependency = node_new(m->arena, NODE_MAP, &from->at);
	node_set(m->arena, dependency, "condition",
		node_string(m->arena, &from->at, "service_started"));
	node_set(m->arena, dependency, "restart", node_bool(m->arena, &from->at, restart));
	node_set(m->arena, dependency, "required", node_bool(m->arena, &from->at, true));
	node_set(m->arena, all, copy, dependency);
}

static void dependency_defaults(const struct model *m, struct node *service)
{
	struct node *all = get_kind(service, "depends_on", NODE_MAP);

	for (size_t i = 0; all && i < all->n; i++)
		if (all->items[i]->kind == NODE_MAP && !node_get(all->items[i], "required"))
			node_set(m->arena, all->items[i], "required",
				node_bool(m->arena, &all->items[i]->at, true));
}

static void implied_dependencies(const struct model *m, struct node *service)
{
	static const char *const shared[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};
	const struct node *list = get_kind(service, "links", NODE_LIST);

	for (size_t i = 0; list && i < list->n; i++) {
		const char *text = list->items[i]->text;
		const char *colon = strchr(text, ':');
		bool alias = colon && !strchr(colon + 1, ':');

		add_dependency(m, service, list->items[i], text,
			alias ? (size_t)(colon - text) : strlen(text), true);
	}
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		const char *text = node_get_text(service, shared[i]);

		if (text && str_starts(text, "service:"))
			add_dependency(m, service, node_get(service, shared[i]),
				text + strlen("service:"), strlen(text) - strlen("service:"), true);
	}
	list = get_kind(service, "volumes_from", NODE_LIST);
	for (size_t i = 0; list && i < list->n; i++) {
		const char *text = list->items[i]->text;

		if (!str_starts(text, "container:"))
			add_dependency(m, service, list->items[i], text, strcspn(text, ":"), false);
	}
}

/* === networks and names === */

/* A service without networks joins "default"; true when this one does. */
static bool default_network(const struct model *m, struct node *service)
{
	struct node *networks = node_get(service, "networks");

	if (node_get(service, "provider") || node_get(service, "network_mode"))
		return false;
	if (!networks || networks->n == 0) {
		networks = node_new(m->arena, NODE_MAP, &service->at);
		node_set(
			m->arena, networks, "default", node_new(m->arena, NODE_NULL, &service->at));
		node_set(m->arena, service, "networks", networks);
	}
	return node_get(networks, "default") != NULL;
}

static void add_default_network(const struct model *m)
{
	struct node *networks = node_get(m->doc, "networks");

	if (!networks) {
		networks = node_new(m->arena, NODE_MAP, &m->doc->at);
		node_set(m->arena, m->doc, "networks", networks);
	}
	if (networks->kind == NODE_MAP && !node_get(networks, "default"))
		node_set(m->arena, networks, "default", node_new(m->arena, NODE_NULL, &m->doc->at));
}

/* volumes.data is <project>_data in the engine unless it has a name or is external. */
static void resource_names(const struct model *m, const char *kind)
{
	struct node *all = get_kind(m->doc, kind, NODE_MAP);

	for (size_t i = 0; all && i < all->n; i++) {
		const char *key = all->keys[i]->text;
		struct node *external;
		autofree char *name = NULL;
		bool is_external = false;

		if (all->items[i]->kind != NODE_MAP)
			all->items[i] = node_new(m->arena, NODE_MAP, &all->keys[i]->at);
		external = node_get(all->items[i], "external");
		if (external && node_is_scalar(external))
			key_to_bool(external, &is_external);
		if (is_external)
			name = xstrdup(key);
		else
			name = xasprintf("%s_%s", m->context->project, key);
		set_default(m, all->items[i], "name", name);
	}
}

void model_normalize(const struct model *m)
{
	static const char *const kinds[] = {"networks", "volumes", "configs", "secrets"};
	bool uses_default = false;

	model_default_contexts(m->arena, m->doc, m->context->keep_paths ? "." : m->context->dir);
	for (size_t i = 0; m->services && i < m->services->n; i++) {
		struct node *service = m->services->items[i];

		if (service->kind != NODE_MAP)
			continue;
		list_defaults(m, service);
		drop_empty_dns(service);
		if (!m->context->no_interpolate)
			resolve_names(m, node_get(service, "environment"), true);
		dependency_defaults(m, service);
		if (m->context->no_normalize)
			continue;
		normal_pull_policy(m, service);
		build_defaults(m, service);
		implied_dependencies(m, service);
		uses_default |= default_network(m, service);
	}
	if (uses_default)
		add_default_network(m);
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !m->context->no_normalize; i++)
		resource_names(m, kinds[i]);
}
