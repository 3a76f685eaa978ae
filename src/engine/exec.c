/* exec.c - running a command in a running container: for `exec`, `shell` and readiness probes. */
#include "engine_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"

#include <string.h>

/* The engine notes the exit status a moment after the stream has ended. */
#define STATUS_WITHIN_MS 5000

static json_t *strings(const char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, json_string_safe(*list));
	return array;
}

static int exec_create(struct engine *engine, const char *container, const struct exec_spec *spec,
	bool input, char **id, struct err *err)
{
	autofree char *name = engine_escape(container);
	autojson json_t *body = json_object();
	autojson json_t *answer = NULL;

	json_object_set_new(body, "Cmd", strings(spec->argv));
	if (spec->env)
		json_object_set_new(body, "Env", strings(spec->env));
	json_set_str(body, "User", spec->user);
	json_set_str(body, "WorkingDir", spec->dir);
	json_object_set_new(body, "Tty", json_boolean(spec->tty));
	json_object_set_new(body, "Privileged", json_boolean(spec->privileged));
	json_object_set_new(body, "AttachStdin", json_boolean(input && !spec->detach));
	json_object_set_new(body, "AttachStdout", json_boolean(!spec->detach));
	json_object_set_new(body, "AttachStderr", json_boolean(!spec->detach));
	json_object_set_new(body, "Detach", json_boolean(spec->detach));
	if (engine_post(engine, body, &answer, err, "/containers/%s/exec", name) < 0)
		return -1;
	if (!json_str(answer, "Id"))
		return err_set(err, ERR_ENGINE, "the engine gave no id for the command");
	*id = engine_escape(json_str(answer, "Id"));
	return 0;
}

static int exec_start(struct engine *engine, const char *id, const struct exec_spec *spec,
	struct http1_response *response, struct err *err)
{
	autofree char *path = xasprintf("/exec/%s/start", id);
	autofree char *body = xasprintf("{\"Detach\":%s,\"Tty\":%s}",
		spec->detach ? "true" : "false", spec->tty ? "true" : "false");
	struct http1_request request = {.method = "POST",
		.path = path,
		.type = "application/json",
		.body = body,
		.body_len = strlen(body),
		.body_fd = -1,
		.upgrade = !spec->detach};

	return engine_send(engine, &request, response, err);
}

/* The exit status, once the engine knows it. */
static int exec_status(struct engine *engine, const char *id, int *status, struct err *err)
{
	int64_t deadline = clock_ms() + STATUS_WITHIN_MS;
	int pause = 2;

	for (;;) {
		autojson json_t *answer = NULL;

		if (engine_get(engine, &answer, err, "/exec/%s/json", id) < 0)
			return -1;
		if (!json_bool(answer, "Running") &&
			json_is_integer(json_object_get(answer, "ExitCode"))) {
			*status = (int)json_int(answer, "ExitCode");
			return 0;
		}
		if (clock_ms() >= deadline)
			return err_set(
				err, ERR_ENGINE, "the engine does not tell how the command ended");
		clock_sleep_ms(pause);
		pause = pause < 100 ? pause * 2 : pause;
	}
}

static int exec_run(struct engine *engine, const char *container, const struct exec_spec *spec,
	const struct stream_io *io, int timeout_ms, int *status, struct err *err)
{
	autofree char *id = NULL, *resize = NULL;
	struct copy_spec copy = {.io = io, .timeout_ms = timeout_ms};
	struct http1_response response;
	bool cancelled;

	if (exec_create(engine, container, spec, io && io->in >= 0, &id, err) < 0 ||
		exec_start(engine, id, spec, &response, err) < 0)
		return -1;
	if (spec->detach) {
		*status = 0;
		return 0;
	}
	resize = xasprintf("/exec/%s/resize", id);
	copy.resize = spec->tty ? resize : NULL;
	if (stream_copy(engine, &copy, &cancelled, err) < 0)
		return -1;
	if (cancelled) {
		*status = 130;
		return 0;
	}
	return exec_status(engine, id, status, err);
}

int container_exec(struct engine *engine, const char *id, const struct exec_spec *spec,
	const struct stream_io *io, int *status, struct err *err)
{
	return exec_run(engine, id, spec, io, 0, status, err);
}

/* What does not fit any more is dropped; the command goes on. */
static int collect(void *ctx, int stream, const char *data, size_t len)
{
	struct buf *out = ctx;
	size_t room;

	if (!out)
		return 0;
	room = (out->limit ? out->limit : BUF_DEFAULT_LIMIT) - out->len;
	buf_add(out, data, len < room ? len : room);
	return 0;
}

int container_exec_output(struct engine *engine, const char *id, const char *const *argv,
	int timeout_ms, struct buf *out, int *status, struct err *err)
{
	struct exec_spec spec = {.argv = argv};
	struct stream_io io = {
		.in = -1, .out = -1, .errfd = -1, .cancel_fd = -1, .on_data = collect, .ctx = out};

	return exec_run(engine, id, &spec, &io, timeout_ms, status, err);
}
