/*
 * act.c - one action of a plan, once.
 *
 * Each is a linear function.  Waiting for readiness is not: it looks once and asks to be called
 * again, so that a hundred waiting services hold no thread.
 */
#include "hook.h"
#include "leftover.h"
#include "plan_priv.h"

#include "build.h"
#include "lazy.h"
#include "network.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/source.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define LEFTOVER_TRIES 30 /* some three seconds */

/* A container that this plan made, or the one that was there. Borrowed. */
static const char *container_of(const struct act_context *context, size_t index)
{
	const struct action *action = &context->plan->actions[index];

	for (size_t i = 0; i < action->n_needs; i++) {
		size_t needed = action->needs[i];

		if (context->ids[needed] &&
			str_eq(context->plan->actions[needed].object, action->object))
			return context->ids[needed];
	}
	return action->id;
}

static int act_clone(struct act_context *context, const struct action *action, struct err *err)
{
	struct source source = {action->name, json_str(action->extra, "url"),
		json_str(action->extra, "ref"), json_str(action->extra, "path")};

	return source_clone(&source, context->options->sink, err);
}

static int act_volume(struct act_context *context, struct engine *engine,
	const struct action *action, struct err *err)
{
	const char *id = context->plan->ws->lock_id;
	autofree char *restore = xstrdup(action->object);

	/* Before it exists, so that a volume without its data is never taken as complete. */
	if (plan_index(context->plan, ACTION_RESTORE, restore) != NO_ACTION) {
		autojson json_t *record = json_pack("{s:s}", "state", "restoring");

		if (state_volume_write(id, action->name, record, err) < 0)
			return -1;
	}
	return engine_post(engine, action->body, NULL, err, "/volumes/create");
}

static int act_pull(const struct act_context *context, struct engine *engine,
	const struct action *action, struct err *err)
{
	const struct run_options *options = context->options;

	if (image_pull(engine, action->name, json_str(action->extra, "platform"),
		    options->quiet_pull ? NULL : options->sink, err) == 0)
		return 0;
	if (!options->ignore_pull_failures || err->kind == ERR_CANCELLED)
		return -1;
	sink_warn(options->sink, action->object, "%s", err->msg);
	err_clear(err);
	return 0;
}

static int fill_from_archive(struct act_context *context, struct engine *engine,
	const struct action *action, json_t **record, struct err *err)
{
	const char *where = json_str(action->extra, "source"),
		   *image = json_str(action->extra, "image");
	autofree char *source = strstr(where, "://")
					? xstrdup(where)
					: path_absolute(json_str(action->extra, "dir"), where);
	struct snapshot_result result;

	if (restore_archive(engine, action->name, image, source, json_str(action->extra, "digest"),
		    context->options->sink, &result, err) < 0)
		return -1;
	*record = json_pack("{s:s, s:s, s:s, s:I}", "state", "restored", "source", source, "digest",
		result.digest, "bytes", (json_int_t)result.bytes);
	return 0;
}

static int fill_from_snapshot(struct act_context *context, struct engine *engine,
	const struct action *action, json_t **record, struct err *err)
{
	struct restore_ask ask = {.volume = action->name,
		.reference = json_str(action->extra, "snapshot"),
		.digest = json_str(action->extra, "digest"),
		.kind = json_str(action->extra, "engine"),
		.image = json_str(action->extra, "image"),
		.service = json_object_get(action->extra, "service"),
		.sink = context->options->sink};
	autojson json_t *restored = NULL;

	if (restore_snapshot(engine, &ask, &restored, err) < 0)
		return -1;
	*record = plan_snapshot_origin(restored);
	return 0;
}

static int act_restore(struct act_context *context, struct engine *engine,
	const struct action *action, struct err *err)
{
	autojson json_t *record = NULL;
	int status = json_str(action->extra, "snapshot")
			     ? fill_from_snapshot(context, engine, action, &record, err)
			     : fill_from_archive(context, engine, action, &record, err);

	if (status < 0)
		return -1;
	return state_volume_write(context->plan->ws->lock_id, action->name, record, err);
}

/* === containers === */

static bool is_anonymous(const json_t *mount)
{
	return str_eq(json_str(mount, "Type"), "volume") && !json_str(mount, "Source");
}

/* The new container's own anonymous volume at `target`, or NULL. */
static json_t *anonymous_at(const json_t *mounts, const char *target)
{
	json_t *mount;
	size_t i;

	json_array_foreach ((json_t *)mounts, i, mount)
		if (is_anonymous(mount) && str_eq(json_str(mount, "Target"), target))
			return mount;
	return NULL;
}

/* Is something mounted at `target` by the new container's own wish? */
static bool is_taken(const json_t *body, const char *target)
{
	json_t *host = json_object_get(body, "HostConfig"), *item;
	size_t i;

	json_array_foreach (json_object_get(host, "Mounts"), i, item)
		if (str_eq(json_str(item, "Target"), target) && !is_anonymous(item))
			return true;
	json_array_foreach (json_object_get(host, "Binds"), i, item) {
		autostrv struct strv parts = STRV_INIT;

		strv_split(&parts, json_string_value(item), ':');
		if (parts.n > 1 && str_eq(parts.v[1], target))
			return true;
	}
	return json_object_get(json_object_get(host, "Tmpfs"), target) != NULL;
}

/*
 * Anonymous volumes of the container that is replaced stay with its successor, as long as that
 * wants one there (its service, or its image): data is never lost.
 */
static void inherit_volumes(struct engine *engine, const json_t *old, json_t *body)
{
	json_t *mounts = json_at(body, "HostConfig", "Mounts", NULL), *mount;
	autojson json_t *image = NULL;
	struct err ignored = ERR_INIT;
	size_t i;

	image_inspect(engine, json_str(body, "Image"), &image, &ignored);
	json_array_foreach (json_object_get(old, "Mounts"), i, mount) {
		const char *name = json_str(mount, "Name");
		const char *target = json_str(mount, "Destination");
		json_t *anonymous = anonymous_at(mounts, target);

		if (!str_eq(json_str(mount, "Type"), "volume") || !name || strlen(name) != 64 ||
			is_taken(body, target) ||
			(!anonymous && !json_at(image, "Config", "Volumes", target, NULL)))
			continue;
		if (anonymous)
			json_set_str(anonymous, "Source", name);
		else
			json_array_append_new(mounts, json_pack("{s:s, s:s, s:s}", "Type", "volume",
							      "Source", name, "Target", target));
	}
}

/* With what the service wants done before. */
static int stop(struct engine *engine, const struct action *action,
	const struct run_options *options, struct err *err)
{
	if (hooks_run(engine, action->id, action, "pre_stop", options->sink, err) < 0)
		return -1;
	return container_stop(engine, action->id, options->stop_timeout_s, err);
}

static int replace(struct engine *engine, const struct action *action, const char *new,
	const struct run_options *options, struct err *err)
{
	if (stop(engine, action, options, err) < 0)
		return -1;
	if (container_remove(engine, action->id, false, err) < 0)
		return -1;
	return container_rename(engine, new, action->name, err);
}

/* Of an image that this plan pulled; of the others it was known before. */
static void set_image_label(struct engine *engine, json_t *body)
{
	autojson json_t *image = NULL;
	struct err ignored = ERR_INIT;

	if (json_str(json_object_get(body, "Labels"), LABEL_IMAGE))
		return;
	if (image_inspect(engine, json_str(body, "Image"), &image, &ignored) == 0)
		json_set_str(json_object_get(body, "Labels"), LABEL_IMAGE, json_str(image, "Id"));
}

static int create(struct act_context *context, struct engine *engine, const char *name,
	const char *platform, const json_t *body, char **id, struct err *err)
{
	const struct sink *sink = context->options->sink;

	for (int tries = 0; container_create(engine, name, platform, body, sink, id, err) < 0;
		tries++) {
		if (!strstr(err->msg, "already in use") || tries == LEFTOVER_TRIES ||
			!leftover_remove_named(engine, name, body))
			return -1;
		err_clear(err);
	}
	return 0;
}

/* Volumes that the container restores itself. */
static int arrange_lazy(struct act_context *context, struct engine *engine,
	const struct action *action, json_t *body, struct err *err)
{
	struct lazy_ask ask = {.ws = context->plan->ws,
		.volumes = json_object_get(action->extra, "lazy"),
		.object = action->object,
		.oneoff = str_eq(json_str(json_object_get(body, "Labels"), LABEL_ONEOFF), "True"),
		.pull = (enum pull_policy)json_int(action->extra, "pull"),
		.sink = context->options->sink};

	return ask.volumes ? lazy_arrange(engine, &ask, body, err) : 0;
}

static int act_create(
	struct act_context *context, size_t index, struct engine *engine, struct err *err)
{
	struct action *action = &context->plan->actions[index];
	json_t *service = model_service(action->manifest, action->service);
	autojson json_t *body = json_deep_copy(action->body);
	autofree char *name = xstrdup(action->name), *id = NULL;

	set_image_label(engine, body);
	if (compose_label(engine, action->manifest, action->service,
		    json_object_get(body, "Labels"), err) < 0 ||
		arrange_lazy(context, engine, action, body, err) < 0)
		return -1;
	if (json_object_get(action->extra, "inherit"))
		inherit_volumes(engine, json_object_get(action->extra, "inherit"), body);
	if (action->id) {
		autojson json_t *old = NULL;

		if (container_inspect(engine, action->id, &old, err) < 0)
			return -1;
		if (!json_bool(action->extra, "renew_volumes"))
			inherit_volumes(engine, old, body);
		free(name);
		/* Compose's own name for a successor that has not taken over yet. */
		name = xasprintf("%.12s_%s", action->id, action->name);
	}
	if (create(context, engine, name, json_str(service, "platform"), body, &id, err) < 0)
		return -1;
	if (plan_complete(engine, id, action->extra, context->options->sink, err) < 0 ||
		(action->id && replace(engine, action, id, context->options, err) < 0)) {
		struct err ignored = ERR_INIT;

		container_remove(engine, id, false, &ignored);
		return -1;
	}
	context->ids[index] = TAKE(id);
	return 0;
}

static int act_start(
	struct act_context *context, size_t index, struct engine *engine, struct err *err)
{
	const char *id = container_of(context, index);

	if (plan_complete(engine, id, context->plan->actions[index].extra, context->options->sink,
		    err) < 0)
		return -1;
	if (container_start(engine, id, err) < 0) {
		if (strstr(err->msg, "port is already allocated") ||
			strstr(err->msg, "address already in use"))
			err->kind = ERR_PORT;
		return -1;
	}
	context->ids[index] = xstrdup(id);
	return hooks_run(engine, id, &context->plan->actions[index], "post_start",
		context->options->sink, err);
}

static int act_restart(struct act_context *context, const struct action *action,
	struct engine *engine, struct err *err)
{
	const struct run_options *options = context->options;

	if (hooks_run(engine, action->id, action, "pre_stop", options->sink, err) < 0 ||
		container_restart(engine, action->id, options->stop_timeout_s, err) < 0)
		return -1;
	return hooks_run(engine, action->id, action, "post_start", options->sink, err);
}

static int act_ready(struct act_context *context, size_t index, struct engine *engine,
	int *retry_ms, struct err *err)
{
	struct action *action = &context->plan->actions[index];
	char detail[128] = "";
	int result;

	if (!context->states[index])
		context->states[index] = ready_new(
			context->plan->ws, action->manifest, action->service, action->job);
	result = ready_check(
		context->states[index], engine, container_of(context, index), detail, err);
	if (result == 0) {
		*retry_ms = ready_pause(context->states[index]);
		sink_emit(context->options->sink,
			&(struct event){
				.kind = EVENT_PROGRESS, .object = action->object, .text = detail});
	}
	return result < 0 ? -1 : result == 0;
}

/* Podman keeps a network while a stopped container is on it. */
static int disconnect(struct engine *engine, const char *id, const char *name, struct err *err)
{
	autofree char *network = engine_escape(name);
	autojson json_t *body = json_pack("{s:s, s:b}", "Container", id, "Force", 1);

	if (engine_post(engine, body, NULL, err, "/networks/%s/disconnect", network) < 0)
		return err_wrap(err, "disconnect from network %s", name);
	return 0;
}

static int act_stop(struct act_context *context, const struct action *action, struct engine *engine,
	struct err *err)
{
	const char *network = json_str(action->extra, "disconnect");

	if (stop(engine, action, context->options, err) < 0)
		return -1;
	return network ? disconnect(engine, action->id, network, err) : 0;
}

static int act_remove(struct act_context *context, const struct action *action,
	struct engine *engine, struct err *err)
{
	if (act_stop(context, action, engine, err) < 0 && err->status != 404)
		return -1;
	/* `extra` says whether anonymous volumes go too (down --volumes). */
	return container_remove(engine, action->id, json_bool(action->extra, "volumes"), err);
}

/* Docker takes a container off its network a moment after it has answered that it is gone. */
static bool still_used(const struct err *err, int *retry_ms)
{
	if (!strstr(err->msg, "has active endpoints") || *retry_ms > 1000)
		return false;
	*retry_ms = *retry_ms ? *retry_ms * 3 / 2 : 50;
	return true;
}

/* By somebody who stays: that is no reason not to take the rest down. */
static bool is_used(const struct err *err)
{
	static const char *const signs[] = {"active endpoints", "in use", "being used"};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (strstr(err->msg, signs[i]))
			return true;
	return false;
}

/* A restore that was killed left its helper container, and that keeps the volume. */
static int delete_volume(struct engine *engine, const struct workspace *ws, const char *volume,
	const char *escaped, struct err *err)
{
	for (int tries = 0; engine_delete(engine, err, "/volumes/%s", escaped) < 0; tries++) {
		struct err own = ERR_INIT;

		if (err->status != 409 || tries == LEFTOVER_TRIES ||
			restore_abandon(engine, volume, &own) < 0 ||
			!leftover_remove_using(engine, ws, volume))
			return -1;
		err_clear(err);
	}
	return 0;
}

static int remove_named(struct act_context *context, const struct action *action,
	struct engine *engine, int *retry_ms, struct err *err)
{
	autofree char *name = engine_escape(action->name);
	int result;

	if (action->kind == ACTION_REMOVE_NETWORK)
		result = network_remove(engine, action->name, err);
	else
		result = delete_volume(engine, context->plan->ws, action->name, name, err);
	if (result < 0 && still_used(err, retry_ms))
		return 1;
	if (result < 0 && is_used(err)) {
		sink_warn(context->options->sink, action->object, "stays: %s", err->msg);
		err_clear(err);
		return 0;
	}
	if (result < 0 && err->status != 404)
		return -1;
	if (action->kind == ACTION_REMOVE_VOLUME)
		state_volume_forget(context->plan->ws->lock_id, action->name);
	return 0;
}

/* Did it fail for a network of which there were two?  There is one now. */
static bool network_settled(const struct action *action, struct engine *engine, struct err *err)
{
	if (!strstr(err->msg, "is ambiguous") || !network_settle(engine, action->manifest))
		return false;
	err_clear(err);
	return true;
}

int act(struct act_context *context, size_t index, struct engine *engine, int *retry_ms,
	struct err *err)
{
	int result;

	struct action *action = &context->plan->actions[index];

	switch (action->kind) {
	case ACTION_CLONE:
		return act_clone(context, action, err);
	case ACTION_PULL:
		return act_pull(context, engine, action, err);
	case ACTION_BUILD:
		return act_build(context, action, engine, err);
	case ACTION_FETCH:
		return restore_fetch(engine, action->name,
			(enum pull_policy)json_int(action->extra, "pull"), context->options->sink,
			err);
	case ACTION_NETWORK:
		return network_create(engine, action->body, err);
	case ACTION_VOLUME:
		return act_volume(context, engine, action, err);
	case ACTION_RESTORE:
		return act_restore(context, engine, action, err);
	case ACTION_CREATE:
		do
			result = act_create(context, index, engine, err);
		while (result < 0 && network_settled(action, engine, err));
		return result;
	case ACTION_START:
		do
			result = act_start(context, index, engine, err);
		while (result < 0 && network_settled(action, engine, err));
		return result;
	case ACTION_RESTART:
		return act_restart(context, action, engine, err);
	case ACTION_READY:
		return act_ready(context, index, engine, retry_ms, err);
	case ACTION_STOP:
		return act_stop(context, action, engine, err);
	case ACTION_REMOVE:
		return act_remove(context, action, engine, err);
	case ACTION_REMOVE_NETWORK:
	case ACTION_REMOVE_VOLUME:
		return remove_named(context, action, engine, retry_ms, err);
	}
	return 0;
}
