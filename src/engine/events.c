/* events.c - what the engine tells without end, one JSON object at a time: events and samples. */
#include "engine_priv.h"

#include "devenv/mem.h"

#include <errno.h>
#include <poll.h>

struct watch {
	int (*on_event)(void *ctx, json_t *event);
	void *ctx;
};

static int on_value(void *ctx, json_t *value, struct err *err)
{
	struct watch *watch = ctx;

	return watch->on_event(watch->ctx, value) ? 1 : 0;
}

static int watch_loop(struct engine *engine, struct watch *watch, struct json_stream *stream,
	int cancel_fd, struct err *err)
{
	char piece[16384];

	for (;;) {
		struct pollfd fds[2] = {
			{http1_fd(engine->http), POLLIN, 0}, {cancel_fd, POLLIN, 0}};
		ssize_t n;
		int result;

		if (!http1_ready(engine->http) && poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_os(err, ERR_FAILED, errno, "wait for the engine");
		if (fds[1].revents)
			return 0;
		if (!fds[0].revents && !http1_ready(engine->http))
			continue;
		n = http1_read(engine->http, piece, sizeof(piece), err);
		if (n < 0 && err->kind == ERR_CANCELLED) {
			err_clear(err);
			return 0;
		}
		if (n <= 0)
			return n < 0 ? engine_failed(err) : 0;
		result = json_stream_add(stream, piece, (size_t)n, on_value, watch, err);
		if (result)
			return result < 0 ? -1 : 0;
	}
}

/* GET `path` and hand out each value until `on_event` or cancel_fd ends it, or the engine does. */
static int watch_path(struct engine *engine, const char *path, struct watch *watch, int cancel_fd,
	struct err *err)
{
	struct http1_request request = {
		.method = "GET", .path = path, .body_fd = -1, .cancel_fd = cancel_fd};
	struct json_stream stream = JSON_STREAM_INIT;
	struct http1_response response;
	int result;

	if (engine_send(engine, &request, &response, err) < 0) {
		if (err->kind != ERR_CANCELLED)
			return -1;
		err_clear(err);
		return 0;
	}
	result = watch_loop(engine, watch, &stream, cancel_fd, err);
	buf_release(&stream.text);
	http1_disconnect(engine->http);
	return result;
}

int engine_events(struct engine *engine, const struct events_spec *spec,
	int (*on_event)(void *ctx, json_t *event), void *ctx, int cancel_fd, struct err *err)
{
	autofree char *since = NULL, *until = NULL;
	autobuf struct buf path = BUF_INIT(0);
	struct watch watch = {on_event, ctx};

	if (spec->since && engine_time(spec->since, &since, err) < 0)
		return -1;
	if (spec->until && engine_time(spec->until, &until, err) < 0)
		return -1;
	buf_addf(&path, "/events?filters=%s", spec->filters ? spec->filters : "%7B%7D");
	if (since)
		buf_addf(&path, "&since=%s", since);
	if (until)
		buf_addf(&path, "&until=%s", until);
	return watch_path(engine, buf_str(&path), &watch, cancel_fd, err);
}

int container_stats(struct engine *engine, const char *id,
	int (*on_sample)(void *ctx, json_t *sample), void *ctx, int cancel_fd, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *path = xasprintf("/containers/%s/stats?stream=1", name);
	struct watch watch = {on_sample, ctx};

	return watch_path(engine, path, &watch, cancel_fd, err);
}
