/* container.c - the life of a container: create, start, stop, remove, and what stands around it. */
#include "engine_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define GONE_MS 10000

static void pass_warnings(const json_t *answer, const char *name, const struct sink *sink)
{
	const json_t *list = json_object_get(answer, "Warnings");
	autofree char *object = xasprintf("container %s", name);
	const json_t *warning;
	size_t i;

	json_array_foreach (list, i, warning)
		if (!str_empty(json_string_value(warning)))
			sink_warn(sink, object, "%s", json_string_value(warning));
}

int container_create(struct engine *engine, const char *name, const char *platform,
	const json_t *body, const struct sink *sink, char **id, struct err *err)
{
	autofree char *escaped = engine_escape(name ? name : "");
	autofree char *wanted = engine_escape(platform ? platform : "");
	autojson json_t *answer = NULL;
	autojson json_t *fitting = quirk_create_body(engine, body);

	if (engine_post(engine, fitting, &answer, err, "/containers/create?%s%s%s%s%s",
		    name ? "name=" : "", escaped, name && platform ? "&" : "",
		    platform ? "platform=" : "", wanted) < 0)
		return -1;
	if (str_empty(json_str(answer, "Id")))
		return err_set(err, ERR_ENGINE, "the engine gave no id for the new container");
	pass_warnings(answer, name ? name : json_str(answer, "Id"), sink);
	*id = xstrdup(json_str(answer, "Id"));
	return 0;
}

int container_start(struct engine *engine, const char *id, struct err *err)
{
	autofree char *name = engine_escape(id);

	return engine_post(engine, NULL, NULL, err, "/containers/%s/start", name);
}

/* stop and restart: with a grace period, or the container's own. */
static int end_with_grace(
	struct engine *engine, const char *id, const char *verb, int timeout_s, struct err *err)
{
	autofree char *name = engine_escape(id);

	if (timeout_s < 0)
		return engine_post(engine, NULL, NULL, err, "/containers/%s/%s", name, verb);
	return engine_post(
		engine, NULL, NULL, err, "/containers/%s/%s?t=%d", name, verb, timeout_s);
}

int container_stop(struct engine *engine, const char *id, int timeout_s, struct err *err)
{
	return end_with_grace(engine, id, "stop", timeout_s, err);
}

int container_restart(struct engine *engine, const char *id, int timeout_s, struct err *err)
{
	return end_with_grace(engine, id, "restart", timeout_s, err);
}

int container_kill(struct engine *engine, const char *id, const char *signal, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *which = engine_escape(signal ? signal : "KILL");

	return engine_post(engine, NULL, NULL, err, "/containers/%s/kill?signal=%s", name, which);
}

/* Somebody else, or the engine itself, is at it: that takes some moments. */
static void await_gone(struct engine *engine, const char *id)
{
	int64_t deadline = clock_ms() + GONE_MS;

	for (int pause = 5; clock_ms() < deadline; pause = pause < 100 ? 2 * pause : 100) {
		autojson json_t *container = NULL;
		struct err err = ERR_INIT;

		if (container_inspect(engine, id, &container, &err) < 0)
			return;
		clock_sleep_ms(pause);
	}
}

int container_remove(struct engine *engine, const char *id, bool volumes, struct err *err)
{
	autofree char *name = engine_escape(id);

	if (engine_delete(engine, err, "/containers/%s?force=1&v=%d", name, volumes) == 0)
		return 0;
	if (err->status == 409 && strstr(err->msg, "already in progress"))
		await_gone(engine, id);
	else if (err->status != 404)
		return -1;
	err_clear(err);
	return 0;
}

int container_rename(struct engine *engine, const char *id, const char *name, struct err *err)
{
	autofree char *from = engine_escape(id);
	autofree char *to = engine_escape(name);

	return engine_post(engine, NULL, NULL, err, "/containers/%s/rename?name=%s", from, to);
}

int container_inspect(struct engine *engine, const char *id, json_t **out, struct err *err)
{
	autofree char *name = engine_escape(id);

	return engine_get(engine, out, err, "/containers/%s/json", name);
}

int container_alive(struct engine *engine, const char *id, struct err *err)
{
	autojson json_t *inspect = NULL;

	if (container_inspect(engine, id, &inspect, err) < 0)
		return -1;
	return json_bool(json_object_get(inspect, "State"), "Running");
}

int container_wait(struct engine *engine, const char *id, int *status, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *path = xasprintf("/containers/%s/wait", name);
	autojson json_t *answer = NULL;

	/* A container may run for days: no timeout, but Ctrl-C ends the wait. */
	if (engine_request(engine,
		    &(struct http1_request){
			    .method = "POST", .path = path, .body_fd = -1, .interruptible = true},
		    &answer, err) < 0)
		return -1;
	if (!str_empty(json_str(json_object_get(answer, "Error"), "Message")))
		return err_set(err, ERR_ENGINE, "%s",
			json_str(json_object_get(answer, "Error"), "Message"));
	*status = (int)json_int(answer, "StatusCode");
	return 0;
}

int container_resize(struct engine *engine, const char *id, int rows, int columns, struct err *err)
{
	autofree char *name = engine_escape(id);

	return engine_post(
		engine, NULL, NULL, err, "/containers/%s/resize?h=%d&w=%d", name, rows, columns);
}

int container_put(struct engine *engine, const char *id, const char *dir, const void *tar,
	size_t len, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *where = engine_escape(dir);
	autofree char *path = xasprintf("/containers/%s/archive?path=%s", name, where);

	return engine_request(engine,
		&(struct http1_request){.method = "PUT",
			.path = path,
			.body = tar,
			.body_len = len,
			.type = "application/x-tar",
			.body_fd = -1},
		NULL, err);
}
