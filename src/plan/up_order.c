/*
 * up_order.c - who waits for whom in `up`, what is left over, and the sources that services mount.
 */
#include "up.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/source.h"
#include "devenv/str.h"

#include <string.h>

json_t *up_extra(struct plan *plan, size_t action)
{
	if (!plan->actions[action].extra)
		plan->actions[action].extra = json_object();
	return plan->actions[action].extra;
}

/* === sources === */

static bool mounts_below(const json_t *service, const char *path)
{
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(service, "volumes"), i, volume) {
		const char *source = json_str(volume, "source");

		if (str_eq(json_str(volume, "type"), "bind") && source &&
			str_starts(source, path) &&
			(!source[strlen(path)] || source[strlen(path)] == '/'))
			return true;
	}
	return false;
}

void up_need_sources(struct up *up, const struct selected *one, size_t create)
{
	json_t *service = model_service(one->manifest, one->service), *entry;
	const char *name;

	json_object_foreach (json_object_get(one->manifest->model, "x-sources"), name, entry) {
		const char *where = json_str(entry, "path");
		autofree char *path = path_absolute(one->manifest->dir, where ? where : name);
		autofree char *object = xasprintf("source %s", name);
		struct source source = {name, json_str(entry, "url"), json_str(entry, "ref"), path};
		size_t action = plan_index(up->plan, ACTION_CLONE, object);

		if (!source.url || !mounts_below(service, path))
			continue;
		/* What else is there is the developer's own work: it is mounted as it is. */
		if (action == NO_ACTION && source_check(&source, NULL) == SOURCE_MISSING) {
			action = plan_add(up->plan, ACTION_CLONE, TAKE(object),
				xasprintf("into %s", path), xstrdup(name));
			json_set_str(up_extra(up->plan, action), "url", source.url);
			json_set_str(up_extra(up->plan, action), "ref", source.ref);
			json_set_str(up_extra(up->plan, action), "path", path);
		}
		plan_need(up->plan, create, action);
	}
}

/* === order === */

/* All containers of `service` must have come so far. */
static void wait_for(struct up *up, size_t action, const struct manifest *manifest,
	const char *service, enum action_kind kind, bool job)
{
	int scale = model_scale(model_service(manifest, service));

	for (int number = 1; number <= scale; number++) {
		autofree char *object = object_service(up->request->ws, manifest, service, number);
		size_t needed = plan_index(up->plan, kind, object);

		plan_need(up->plan, action, needed);
		if (needed != NO_ACTION && job)
			up->plan->actions[needed].job = true;
	}
}

static void order_service(struct up *up, size_t index)
{
	const struct manifest *manifest = up->plan->actions[index].manifest;
	json_t *service = model_service(manifest, up->plan->actions[index].service), *need;
	const char *name;

	json_object_foreach (json_object_get(service, "depends_on"), name, need) {
		const char *condition = json_str(need, "condition");
		bool job = str_eq(condition, "service_completed_successfully");
		bool ready = job || str_eq(condition, "service_healthy");

		wait_for(up, index, manifest, name, ready ? ACTION_READY : ACTION_START, job);
	}
}

static void order_requirements(struct up *up, size_t index)
{
	const struct manifest *manifest = up->plan->actions[index].manifest;

	for (size_t i = 0; i < manifest->requires.n; i++) {
		const struct manifest *needed = workspace_find(
			up->request->ws, manifest->requires.v[i]);
		const char *name;
		json_t *ignored;

		if (!needed)
			continue;
		json_object_foreach (json_object_get(needed->model, "services"), name, ignored)
			wait_for(up, index, needed, name, ACTION_READY, false);
	}
}

/* `depends_on: {db: {restart: true}}`: who stays is restarted after a new db is ready. */
static void add_restarts(struct up *up, const struct selected *one)
{
	json_t *service = model_service(one->manifest, one->service), *need;
	const struct container *container = actual_find(
		&up->actual, one->manifest, one->service, 0);
	autofree char *object = object_service(up->request->ws, one->manifest, one->service, 1);
	const char *name;

	if (!container || plan_index(up->plan, ACTION_CREATE, object) != NO_ACTION ||
		plan_index(up->plan, ACTION_START, object) != NO_ACTION)
		return;
	json_object_foreach (json_object_get(service, "depends_on"), name, need) {
		autofree char *other = object_service(up->request->ws, one->manifest, name, 1);
		size_t create = plan_index(up->plan, ACTION_CREATE, other), action;

		if (!json_bool(need, "restart") || create == NO_ACTION)
			continue;
		action = plan_add(up->plan, ACTION_RESTART, xstrdup(object),
			xasprintf("%s is new", other), xstrdup(container->name));
		up->plan->actions[action].id = xstrdup(container->id);
		up->plan->actions[action].manifest = one->manifest;
		up->plan->actions[action].service = one->service;
		plan_need(up->plan, action, plan_index(up->plan, ACTION_READY, other));
		return;
	}
}

/* The service whose namespace `mode` borrows ("service:x", "container:its-name"), or NULL. */
static const char *lender(const struct manifest *manifest, const char *mode)
{
	const char *name;
	json_t *service;

	if (mode && str_starts(mode, "service:"))
		return mode + strlen("service:");
	if (!mode || !str_starts(mode, "container:"))
		return NULL;
	json_object_foreach (json_object_get(manifest->model, "services"), name, service) {
		autofree char *container = plan_container_name(manifest, name, 1);

		if (str_eq(container, mode + strlen("container:")))
			return name;
	}
	return NULL;
}

/* network_mode: service:x needs x's container to be there when it is created. */
static void order_create(struct up *up, size_t index)
{
	static const char *const keys[] = {"network_mode", "pid", "ipc"};
	const struct action *action = &up->plan->actions[index];
	const struct manifest *manifest = action->manifest;
	json_t *service = model_service(manifest, action->service), *item;
	size_t i;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const char *from = lender(manifest, json_str(service, keys[k]));

		if (!from)
			continue;
		wait_for(up, index, manifest, from, ACTION_CREATE, false);
		wait_for(up, index, manifest, from, ACTION_START, false);
	}
	json_array_foreach (json_object_get(service, "volumes_from"), i, item) {
		autofree char *name = xstrdup(json_string_value(item));

		name[strcspn(name, ":")] = '\0';
		wait_for(up, index, manifest, name, ACTION_CREATE, false);
	}
}

void up_order(struct up *up)
{
	size_t n = up->plan->n;

	for (size_t i = 0; i < n; i++) {
		if (up->plan->actions[i].kind == ACTION_START) {
			order_service(up, i);
			order_requirements(up, i);
		} else if (up->plan->actions[i].kind == ACTION_CREATE) {
			order_create(up, i);
			/* A one-off is started right after: it waits for what a start waits for. */
			if (up->request->oneoff &&
				str_eq(up->plan->actions[i].name, up->request->oneoff->name))
				order_service(up, i);
		}
	}
	for (size_t i = 0; i < up->selection.n; i++)
		add_restarts(up, &up->selection.list[i]);
}

/* === what is left over === */

static const struct manifest *manifest_of(const struct up *up, const struct container *container)
{
	for (size_t i = 0; i < up->request->ws->n; i++)
		if (str_eq(up->request->ws->manifests[i].project, container->project))
			return &up->request->ws->manifests[i];
	return NULL;
}

static void add_removal(struct up *up, const struct container *container, const char *reason)
{
	size_t action = plan_add(up->plan, ACTION_REMOVE,
		xasprintf("container %s", container->name), xstrdup(reason),
		xstrdup(container->name));

	up->plan->actions[action].id = xstrdup(container->id);
}

void up_leftovers(struct up *up)
{
	for (size_t i = 0; i < up->actual.n; i++) {
		const struct container *container = &up->actual.containers[i];
		const struct manifest *manifest = manifest_of(up, container);
		json_t *service = model_service(manifest, container->service);

		if (container->oneoff || !container->service)
			continue;
		if (!service) {
			bool inactive = json_object_get(manifest->inactive, container->service);

			if (inactive)
				continue;
			if (up->request->remove_orphans)
				add_removal(up, container, "its service is in no manifest");
			else if (!str_is_true(json_str(manifest->env, "COMPOSE_IGNORE_ORPHANS")))
				strv_push(&up->plan->orphans, container->name);
		} else if (selection_has(&up->selection, manifest, container->service)) {
			if (container->number > model_scale(service))
				add_removal(up, container, "above the service's scale");
			else if (actual_find(&up->actual, manifest, container->service,
					 container->number) != container)
				add_removal(up, container, "left by an interrupted run");
		}
	}
}
