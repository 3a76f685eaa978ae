/*
 * up.c - the plan of `up`: from what the manifests want and what exists to actions.
 *
 * In four passes: resources (images, networks, volumes, sources), containers, what waits for what,
 * and what is left over.  Only reads from the engine.
 */
#include "up.h"

#include "build.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define SLUG_BYTES 32

/* === images === */

static bool wants_pull(const struct up *up, const char *policy, const char *id)
{
	if (up->request->pull == PULL_NEVER ||
		(up->request->pull == PULL_POLICY && str_eq(policy, "never")))
		return false;
	return !id;
}

static int need_image(struct up *up, const struct selected *one, size_t create, struct err *err)
{
	json_t *service = model_service(one->manifest, one->service);
	autofree char *ref = plan_image(one->manifest, one->service);
	autofree char *object = xasprintf("image %s", ref);
	const char *id = images_find(up->images, ref);
	size_t action = plan_index(up->plan, ACTION_PULL, object);

	if (id) {
		json_set_str(
			json_object_get(up->plan->actions[create].body, "Labels"), LABEL_IMAGE, id);
		return 0;
	}
	if (json_object_get(service, "build") && !up->request->no_build) {
		bool pull = json_str(service, "image") &&
			    !str_eq(json_str(service, "pull_policy"), "build") &&
			    wants_pull(up, json_str(service, "pull_policy"), id);

		plan_need(up->plan, create,
			build_add(up->plan, up->request, one, "is not there", pull));
		return 0;
	}
	if (!json_str(service, "image"))
		return err_set(err, ERR_MANIFEST,
			"service %s: it has only `build:`, its image %s is not there, and "
			"--no-build was given",
			one->service, ref);
	if (!wants_pull(up, json_str(service, "pull_policy"), id))
		return err_set(err, ERR_REGISTRY,
			"service %s: image %s is not there and may not be pulled (pull policy "
			"\"never\")",
			one->service, ref);
	if (action == NO_ACTION) {
		action = plan_add(
			up->plan, ACTION_PULL, TAKE(object), xstrdup("is not there"), TAKE(ref));
		json_set_str(up_extra(up->plan, action), "platform", json_str(service, "platform"));
	}
	plan_need(up->plan, create, action);
	return 0;
}

/* === containers === */

static size_t add_container(struct up *up, enum action_kind kind, const struct selected *one,
	int number, const char *reason, const struct container *old)
{
	size_t action = plan_add(up->plan, kind,
		object_service(up->request->ws, one->manifest, one->service, number),
		xstrdup(reason), plan_container_name(one->manifest, one->service, number));
	struct action *added = &up->plan->actions[action];

	added->manifest = one->manifest;
	added->service = one->service;
	added->number = number;
	added->id = old ? xstrdup(old->id) : NULL;
	return action;
}

bool plan_is_job(const struct manifest *manifest, const char *service)
{
	const char *name;
	json_t *other;

	json_object_foreach (json_object_get(manifest->model, "services"), name, other)
		if (str_eq(json_str(json_at(other, "depends_on", service, NULL), "condition"),
			    "service_completed_successfully"))
			return true;
	return false;
}

/* Does something in this `up` start only after it is ready? */
static bool is_awaited(const struct up *up, const struct selected *one)
{
	for (size_t i = 0; i < up->selection.n; i++) {
		const struct selected *other = &up->selection.list[i];
		json_t *need = json_at(model_service(other->manifest, other->service), "depends_on",
			one->service, NULL);

		if (other->manifest != one->manifest &&
			strv_has(&other->manifest->requires, one->manifest->name))
			return true;
		if (other->manifest == one->manifest && need &&
			!str_eq(json_str(need, "condition"), "service_started"))
			return true;
	}
	return false;
}

static void add_ready(struct up *up, const struct selected *one, int number, const char *reason,
	const struct container *container, size_t start)
{
	if (up->request->no_wait && !is_awaited(up, one))
		return;
	plan_need(up->plan, add_container(up, ACTION_READY, one, number, reason, container), start);
}

static int add_create(struct up *up, const struct selected *one, int number, const char *reason,
	const struct container *old, struct err *err)
{
	size_t create = add_container(up, ACTION_CREATE, one, number, reason, old), start;
	struct action *action = &up->plan->actions[create];

	action->body = plan_body(
		up->request->ws, one->manifest, one->service, number, false, &action->extra, err);
	if (!action->body) {
		autofree char *object = xstrdup(action->object);

		return err_wrap(err, "%s", object);
	}
	if (need_image(up, one, create, err) < 0 || up_need_networks(up, one, create, err) < 0 ||
		up_need_volumes(up, one, create, err) < 0 || up_need_lazy(up, one, create, err) < 0)
		return -1;
	up_need_sources(up, one, create);
	if (!old && json_object_get(up->request->inherit, up->plan->actions[create].name))
		json_object_set(up_extra(up->plan, create), "inherit",
			json_object_get(up->request->inherit, up->plan->actions[create].name));
	if (up->request->renew_volumes)
		json_object_set_new(up_extra(up->plan, create), "renew_volumes", json_true());
	if (up->request->no_start)
		return 0;
	start = add_container(up, ACTION_START, one, number, NULL, NULL);
	plan_need(up->plan, start, create);
	add_ready(up, one, number, NULL, NULL, start);
	return 0;
}

static const char *wait_reason(const struct container *container, bool running)
{
	if (!running)
		return NULL;
	return strstr(container->status, "starting)") ? "its healthcheck has not passed yet"
						      : "does not answer yet";
}

/* As it should be: whoever sleeps is not asked, for that would wake it. */
static bool is_well(struct up *up, const struct selected *one, const struct container *container)
{
	struct err ignored = ERR_INIT;
	enum lazy_state state;

	if (plan_lazy_state(up->engine, container->id, container->labels, &state, &ignored) < 0 ||
		state == LAZY_WAKING)
		return false;
	return state == LAZY_ASLEEP || up_answers(one, container);
}

static int keep(struct up *up, const struct selected *one, const struct container *container,
	struct err *err)
{
	bool running = str_eq(container->state, "running");
	size_t start = NO_ACTION;

	if (!running && plan_is_job(one->manifest, one->service) &&
		str_starts(container->status, "Exited (0)")) {
		up->plan->unchanged++;
		return 0;
	}
	if (running && is_well(up, one, container)) {
		up->plan->unchanged++;
		return 0;
	}
	if (up->request->no_start)
		return 0;
	if (!running)
		start = add_container(up, ACTION_START, one, container->number,
			str_eq(container->state, "created") ? "was never started" : "is stopped",
			container);
	else
		up->plan->unchanged++;
	if (start != NO_ACTION && plan_need_files(up->plan, start, container, err) < 0)
		return -1;
	add_ready(up, one, container->number, wait_reason(container, running), container, start);
	return 0;
}

/* Why the container must be replaced: the caller's, or NULL. */
static char *replace_reason(
	const struct up *up, const struct selected *one, const struct container *container)
{
	autofree char *ref = plan_image(one->manifest, one->service);
	const char *image = images_find(up->images, ref);
	const char *mode = json_str(model_service(one->manifest, one->service), "network_mode");
	const char *network = up_on_changed_network(up, container);
	autostrv struct strv list = STRV_INIT;

	if (network)
		return xasprintf("network %s changed", network);
	if (up->request->no_recreate)
		return NULL;
	if (!one->dependency && up->request->force_recreate)
		return xstrdup("--force-recreate");
	if (!one->dependency && up->request->renew_volumes)
		return xstrdup("--renew-anon-volumes");
	if (one->dependency && up->request->recreate_deps)
		return xstrdup("--always-recreate-deps");
	plan_differences(one->manifest, one->service, container, &up->actual, &list);
	if (list.n == 1)
		return xstrdup(list.v[0]);
	if (list.n)
		return xasprintf("%s, and %zu more", list.v[0], list.n - 1);
	if (image && container->image_id && !str_eq(image, container->image_id))
		return xasprintf("image %s is a newer one now", ref);
	if (mode && str_starts(mode, "service:")) {
		autofree char *object = object_service(
			up->request->ws, one->manifest, mode + strlen("service:"), 1);

		if (plan_index(up->plan, ACTION_CREATE, object) != NO_ACTION)
			return xasprintf("shares the network of %s, which is new", object);
	}
	return NULL;
}

/* As Compose: no number among the service's containers, but a name of its own. */
static void oneoff_labels(json_t *labels)
{
	char slug[2 * SLUG_BYTES + 1];

	random_hex(slug, SLUG_BYTES);
	json_set_str(labels, LABEL_ONEOFF, "True");
	json_set_str(labels, LABEL_SLUG, slug);
	json_object_del(labels, LABEL_NUMBER);
}

/* The one-off container of `run`: created by the plan, started by the command. */
static int add_oneoff(struct up *up, const struct selected *one, struct err *err)
{
	const struct oneoff *oneoff = up->request->oneoff;
	size_t create = add_container(up, ACTION_CREATE, one, 1, "for one command", NULL);
	struct action *action = &up->plan->actions[create];

	free(action->object);
	free(action->name);
	action->object = xasprintf("container %s", oneoff->name);
	action->name = xstrdup(oneoff->name);
	action->body = plan_body(
		up->request->ws, one->manifest, one->service, 1, oneoff, &action->extra, err);
	if (!action->body)
		return err_wrap(err, "%s", oneoff->name);
	oneoff_labels(json_object_get(action->body, "Labels"));
	oneoff->adjust(oneoff->ctx, action->body);
	if (need_image(up, one, create, err) < 0 || up_need_networks(up, one, create, err) < 0 ||
		up_need_volumes(up, one, create, err) < 0)
		return -1;
	return up_need_lazy(up, one, create, err);
}

static bool is_oneoff(const struct up *up, const struct selected *one)
{
	return up->request->oneoff && up->request->oneoff->manifest == one->manifest &&
	       str_eq(up->request->oneoff->service, one->service);
}

static int add_service(struct up *up, const struct selected *one, struct err *err)
{
	int scale = model_scale(model_service(one->manifest, one->service));

	if (is_oneoff(up, one))
		return add_oneoff(up, one, err);
	for (int number = 1; number <= scale; number++) {
		const struct container *old = actual_find(
			&up->actual, one->manifest, one->service, number);
		autofree char *reason = old ? replace_reason(up, one, old) : NULL;

		if (old && !reason) {
			if (keep(up, one, old, err) < 0)
				return -1;
			continue;
		}
		if (add_create(up, one, number, reason ? reason : "does not exist", old, err) < 0)
			return -1;
	}
	return 0;
}

int plan_up(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct up up = {.request = request, .plan = plan, .engine = engine};
	int result;

	*plan = (struct plan){.ws = request->ws};
	result = selection_make(request, true, &up.selection, err);
	if (result == 0)
		result = actual_read(engine, request->ws, &up.actual, err);
	if (result == 0)
		result = images_read(engine, &up.images, err);
	if (result == 0)
		result = up_changed_resources(&up, err);
	for (size_t i = 0; i < up.selection.n && result == 0; i++)
		result = add_service(&up, &up.selection.list[i], err);
	if (result == 0) {
		up_order(&up);
		up_leftovers(&up);
		result = ports_check(engine, plan, &up.actual, err);
	}
	if (result == 0)
		result = features_check(engine, plan, err);
	if (result < 0)
		plan_release(plan);
	selection_release(&up.selection);
	actual_release(&up.actual);
	json_decref(up.images);
	json_decref(up.changed_networks);
	return result;
}
