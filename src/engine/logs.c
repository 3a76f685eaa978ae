/* logs.c - what a container wrote. */
#include "engine_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <inttypes.h>
#include <string.h>

int engine_time(const char *text, char **out, struct err *err)
{
	static const char *const endings[] = {"", "Z", ":00Z", "T00:00:00Z", NULL};
	int64_t ns;

	if (text[strspn(text, "0123456789.")] == '\0' && *text) {
		*out = xstrdup(text);
		return 0;
	}
	if (parse_duration(text, &ns)) {
		*out = xasprintf("%" PRId64, clock_wall() - ns / 1000000000);
		return 0;
	}
	for (int i = 0; endings[i]; i++) {
		autofree char *full = xasprintf("%s%s", text, endings[i]);
		int64_t wall = clock_parse_rfc3339(full);

		if (wall >= 0) {
			*out = xasprintf("%" PRId64, wall);
			return 0;
		}
	}
	return err_set(
		err, ERR_USAGE, "\"%s\" is no time (try 10m, 2h30m or 2026-11-21T09:00:00Z)", text);
}

static int log_path(const char *id, const struct logs_spec *spec, struct buf *path, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *since = NULL, *until = NULL;

	if (spec->since && engine_time(spec->since, &since, err) < 0)
		return -1;
	if (spec->until && engine_time(spec->until, &until, err) < 0)
		return -1;
	buf_addf(path, "/containers/%s/logs?stdout=1&stderr=1&follow=%d&timestamps=%d", name,
		spec->follow, spec->timestamps);
	if (since)
		buf_addf(path, "&since=%s", since);
	if (until)
		buf_addf(path, "&until=%s", until);
	if (spec->tail >= 0)
		buf_addf(path, "&tail=%d", spec->tail);
	return 0;
}

int container_logs(struct engine *engine, const char *id, const struct logs_spec *spec,
	const struct stream_io *io, struct err *err)
{
	autobuf struct buf path = BUF_INIT(65536);
	struct http1_request request = {.method = "GET", .body_fd = -1, .cancel_fd = io->cancel_fd};
	struct stream_io output = *io;
	struct copy_spec copy = {.io = &output};
	struct http1_response response;
	bool cancelled;

	if (log_path(id, spec, &path, err) < 0)
		return -1;
	request.path = buf_str(&path);
	output.in = -1;
	/* Podman sends no head before the first line. */
	if (engine_send(engine, &request, &response, err) < 0) {
		if (err->kind != ERR_CANCELLED)
			return -1;
		err_clear(err);
		return 0;
	}
	return stream_copy(engine, &copy, &cancelled, err);
}
