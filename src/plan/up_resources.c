/* up_resources.c - the networks and volumes that services need, also when they changed. */
#include "up.h"

#include "lazy.h"

#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/*
 * Why what was made from the label's definition differs from `definition`: the caller's, or NULL.
 * What docker compose made has a hash of its definition; what neither made is taken as it is.
 */
static char *changed(const json_t *labels, const json_t *definition, const char *hash)
{
	static const char *const about_data[] = {"x-snapshot", "x-production"};
	const char *label = json_str(labels, LABEL_MODEL);
	autojson json_t *was = NULL;
	autojson json_t *now = json_deep_copy(definition);
	autostrv struct strv list = STRV_INIT;
	struct err ignored = ERR_INIT;

	if (!label)
		return compose_changed(labels, hash);
	was = json_parse(label, strlen(label), "label", &ignored);
	/* Where its data comes from makes no other volume. */
	for (size_t i = 0; i < ARRAY_LEN(about_data); i++) {
		json_object_del(was, about_data[i]);
		json_object_del(now, about_data[i]);
	}
	if (was && now)
		differences(was, now, &list);
	return list.n ? xstrdup(list.v[0]) : NULL;
}

/* === networks === */

static bool is_on(const struct container *container, const char *network)
{
	return json_at(container->raw, "NetworkSettings", "Networks", network, NULL) != NULL;
}

const char *up_on_changed_network(const struct up *up, const struct container *container)
{
	const char *name;
	json_t *why;

	json_object_foreach (up->changed_networks, name, why)
		if (is_on(container, name))
			return name;
	return NULL;
}

/* Every service on it must be part of this run: it could not start again without its network. */
static int check_replaceable(
	const struct up *up, const struct manifest *manifest, const char *name, struct err *err)
{
	for (size_t i = 0; i < up->actual.n; i++) {
		const struct container *container = &up->actual.containers[i];

		if (is_on(container, name) &&
			(!str_eq(container->project, manifest->project) ||
				!selection_has(&up->selection, manifest, container->service)))
			return err_set(err, ERR_USAGE,
				"network %s changed (%s), and container %s is on it too; run "
				"`devenv up` without names",
				name, json_str(up->changed_networks, name), container->name);
	}
	return 0;
}

static int find_changed_networks(struct up *up, const struct selected *one, struct err *err)
{
	json_t *service = model_service(one->manifest, one->service), *ignored;
	const char *key;

	json_object_foreach (json_object_get(service, "networks"), key, ignored) {
		json_t *definition = json_at(one->manifest->model, "networks", key, NULL);
		const char *name = json_str(definition, "name");
		json_t *found = name ? json_object_get(up->actual.networks, name) : NULL;
		autofree char *why = NULL;
		char hash[SHA256_HEX];

		if (!found || json_bool(definition, "external") ||
			json_str(up->changed_networks, name))
			continue;
		manifest_hash_network(definition, hash);
		why = changed(json_object_get(found, "Labels"), definition, hash);
		if (!why)
			continue;
		json_set_str(up->changed_networks, name, why);
		if (check_replaceable(up, one->manifest, name, err) < 0)
			return -1;
	}
	return 0;
}

/* A volume holds data: it is never replaced because its definition changed. */
static void warn_changed_volume(
	struct up *up, const struct manifest *manifest, const char *key, const char *name)
{
	json_t *definition = json_at(manifest->model, "volumes", key, NULL);
	json_t *labels = json_object_get(json_object_get(up->actual.volumes, name), "Labels");
	autofree char *why = NULL;
	autofree char *text = NULL;
	char hash[SHA256_HEX];

	manifest_hash_volume(definition, hash);
	why = changed(labels, definition, hash);
	if (!why)
		return;
	text = xasprintf(
		"volume %s stays as it was made, with its data: %s (to make it anew: `devenv down "
		"--volumes`, then `devenv up`)",
		name, why);
	if (!strv_has(&up->plan->warnings, text))
		strv_push(&up->plan->warnings, text);
}

static int find_changed_volumes(struct up *up, const struct selected *one, struct err *err)
{
	json_t *volume;
	size_t i;

	json_array_foreach (
		json_object_get(model_service(one->manifest, one->service), "volumes"), i, volume) {
		const char *key = json_str(volume, "source");
		const char *name = key ? model_name(one->manifest, "volumes", key) : NULL;

		if (!name || !str_eq(json_str(volume, "type"), "volume"))
			continue;
		/* What it held may be in the undo copy only. */
		if (!up->request->inherit && plan_thin_is_cut(up->request->ws, name))
			return plan_thin_cut_error(name, err);
		warn_changed_volume(up, one->manifest, key, name);
	}
	return 0;
}

int up_changed_resources(struct up *up, struct err *err)
{
	up->changed_networks = json_object();
	for (size_t i = 0; i < up->selection.n; i++)
		if (find_changed_volumes(up, &up->selection.list[i], err) < 0)
			return -1;
	for (size_t i = 0; i < up->selection.n && !up->request->no_recreate; i++)
		if (find_changed_networks(up, &up->selection.list[i], err) < 0)
			return -1;
	return 0;
}

static int network_exists(const struct up *up, const struct manifest *manifest, const char *key,
	const char *name, bool *exists, struct err *err)
{
	json_t *found = json_object_get(up->actual.networks, name);
	json_t *definition = json_at(manifest->model, "networks", key, NULL);
	const char *project = json_str(json_object_get(found, "Labels"), LABEL_PROJECT);

	*exists = found != NULL;
	if (json_bool(definition, "external")) {
		if (!found && !str_eq(name, "host") && !str_eq(name, "bridge"))
			return err_set(err, ERR_ENGINE,
				"network %s is external and does not exist; create it with `docker "
				"network create %s`",
				name, name);
		*exists = true;
		return 0;
	}
	if (found && project && !str_eq(project, manifest->project))
		return err_set(err, ERR_FAILED,
			"network %s belongs to project %s; give this one another `name:`", name,
			project);
	return 0;
}

static size_t add_network(struct up *up, const char *name, json_t *body, const char *reason)
{
	size_t action = plan_add(up->plan, ACTION_NETWORK, xasprintf("network %s", name),
		xstrdup(reason), xstrdup(name));

	up->plan->actions[action].body = body;
	return action;
}

/* Removed when the containers on it have stopped, and made anew. */
static size_t replace_network(
	struct up *up, const struct manifest *manifest, const char *key, const char *name)
{
	size_t removal = plan_add(up->plan, ACTION_REMOVE_NETWORK, xasprintf("network %s", name),
		xstrdup(json_str(up->changed_networks, name)), xstrdup(name));
	size_t action = add_network(up, name, network_body(manifest, key), "made anew");

	for (size_t i = 0; i < up->actual.n; i++) {
		const struct container *container = &up->actual.containers[i];
		size_t stop;

		if (!is_on(container, name))
			continue;
		stop = plan_add(up->plan, ACTION_STOP, xasprintf("container %s", container->name),
			xasprintf("network %s changed", name), xstrdup(container->name));
		up->plan->actions[stop].id = xstrdup(container->id);
		json_set_str(up_extra(up->plan, stop), "disconnect", name);
		plan_need(up->plan, removal, stop);
	}
	plan_need(up->plan, action, removal);
	return action;
}

int up_need_networks(struct up *up, const struct selected *one, size_t create, struct err *err)
{
	json_t *service = model_service(one->manifest, one->service), *ignored;
	autofree char *shared = shared_network(up->request->ws);
	const char *key;

	json_object_foreach (json_object_get(service, "networks"), key, ignored) {
		const char *name = model_name(one->manifest, "networks", key);
		autofree char *object = xasprintf("network %s", name);
		size_t action = plan_index(up->plan, ACTION_NETWORK, object);
		bool exists;

		if (!name)
			continue;
		if (network_exists(up, one->manifest, key, name, &exists, err) < 0)
			return -1;
		if (action == NO_ACTION && json_str(up->changed_networks, name))
			action = replace_network(up, one->manifest, key, name);
		else if (action == NO_ACTION && !exists)
			action = add_network(
				up, name, network_body(one->manifest, key), "does not exist");
		plan_need(up->plan, create, action);
	}
	if (shared && !json_str(service, "network_mode")) {
		autofree char *object = xasprintf("network %s", shared);
		size_t action = plan_index(up->plan, ACTION_NETWORK, object);

		if (action == NO_ACTION && !json_object_get(up->actual.networks, shared))
			action = add_network(
				up, shared, shared_network_body(up->request->ws), "does not exist");
		plan_need(up->plan, create, action);
	}
	return 0;
}

/* === volumes === */

/* While images are pulled; several volumes may begin from the same. */
static size_t add_fetch(struct up *up, const char *reference)
{
	autofree char *object = xasprintf("snapshot %s", reference);
	size_t action = plan_index(up->plan, ACTION_FETCH, object);

	if (action != NO_ACTION)
		return action;
	action = plan_add(up->plan, ACTION_FETCH, TAKE(object), xstrdup("a volume begins with it"),
		xstrdup(reference));
	json_object_set_new(up_extra(up->plan, action), "pull", json_integer(up->request->pull));
	return action;
}

/* x-snapshot: a source, or {url: ..., digest: ...}. */
static size_t add_restore(struct up *up, const struct selected *one, const json_t *snapshot,
	const char *name, size_t volume, size_t pull)
{
	const char *source = json_is_string(snapshot) ? json_string_value(snapshot)
						      : json_str(snapshot, "url");
	bool archive = restore_is_archive(source, one->manifest->dir);
	size_t fetch = archive ? NO_ACTION : add_fetch(up, source);
	size_t action = plan_add(up->plan, ACTION_RESTORE, xasprintf("volume %s", name),
		xstrdup("from its snapshot"), xstrdup(name));
	json_t *extra = up_extra(up->plan, action);
	autofree char *image = plan_image(one->manifest, one->service);

	json_set_str(extra, archive ? "source" : "snapshot", source);
	json_set_str(extra, "digest", json_str(snapshot, "digest"));
	json_set_str(extra, "engine", json_str(snapshot, "engine"));
	json_set_str(extra, "image", image);
	json_object_set(extra, "service", model_service(one->manifest, one->service));
	json_set_str(extra, "dir", one->manifest->dir);
	plan_need(up->plan, action, volume);
	plan_need(up->plan, action, pull);
	plan_need(up->plan, action, fetch);
	return action;
}

static bool restore_was_cut(const struct up *up, const char *name)
{
	autojson json_t *record = state_volume_read(up->request->ws->lock_id, name);

	return str_eq(json_str(record, "state"), "restoring");
}

static size_t add_volume(
	struct up *up, const struct selected *one, const char *key, const char *name, size_t pull)
{
	json_t *snapshot = json_at(one->manifest->model, "volumes", key, "x-snapshot", NULL);
	bool cut = snapshot && json_object_get(up->actual.volumes, name) &&
		   restore_was_cut(up, name);
	size_t removal = NO_ACTION, action;

	if (json_object_get(up->actual.volumes, name) && !cut)
		return NO_ACTION;
	if (cut)
		removal = plan_add(up->plan, ACTION_REMOVE_VOLUME, xasprintf("volume %s", name),
			xstrdup("its last restore was interrupted"), xstrdup(name));
	action = plan_add(up->plan, ACTION_VOLUME, xasprintf("volume %s", name),
		xstrdup("does not exist"), xstrdup(name));
	up->plan->actions[action].body = volume_body(one->manifest, key);
	plan_need(up->plan, action, removal);
	/* The service restores a lazy one: up_need_lazy(). */
	if (snapshot && !json_bool(snapshot, "lazy"))
		action = add_restore(up, one, snapshot, name, action, pull);
	return action;
}

int up_need_volumes(struct up *up, const struct selected *one, size_t create, struct err *err)
{
	json_t *service = model_service(one->manifest, one->service), *volume;
	autofree char *image = plan_image(one->manifest, one->service);
	autofree char *image_object = xasprintf("image %s", image);
	size_t pull = plan_index(up->plan, ACTION_PULL, image_object), i;

	json_array_foreach (json_object_get(service, "volumes"), i, volume) {
		const char *key = json_str(volume, "source");
		json_t *definition = json_at(one->manifest->model, "volumes", key ? key : "", NULL);
		const char *name = json_str(definition, "name");
		autofree char *object = xasprintf("volume %s", name ? name : "");
		size_t action;

		if (!str_eq(json_str(volume, "type"), "volume") || !name)
			continue;
		if (json_bool(definition, "external")) {
			if (!json_object_get(up->actual.volumes, name))
				return err_set(err, ERR_ENGINE,
					"volume %s is external and does not exist; create it with "
					"`docker volume create %s`",
					name, name);
			continue;
		}
		action = plan_index(up->plan, ACTION_RESTORE, object);
		if (action == NO_ACTION)
			action = plan_index(up->plan, ACTION_VOLUME, object);
		if (action == NO_ACTION)
			action = add_volume(up, one, key, name, pull);
		plan_need(up->plan, create, action);
	}
	return 0;
}

int up_need_lazy(struct up *up, const struct selected *one, size_t create, struct err *err)
{
	autojson json_t *list = lazy_volumes(up->request->ws, one->manifest, one->service, err);
	json_t *extra, *volume;
	size_t i;

	if (!list)
		return -1;
	if (!json_array_size(list))
		return 0;
	extra = up_extra(up->plan, create);
	json_object_set(extra, "lazy", list);
	json_object_set_new(extra, "pull", json_integer(up->request->pull));
	/* Of one that is there it is not known whether it still sleeps. */
	json_array_foreach (list, i, volume)
		if (!json_object_get(up->actual.volumes, json_str(volume, "volume")))
			plan_need(up->plan, create, add_fetch(up, json_str(volume, "snapshot")));
	return 0;
}
