/*
 * build.c - building an image by the engine's own builder.
 *
 * The context is sent as a tar while it is made (feeder.h).  The builder's output is text: lines
 * "Step 2/5 : RUN make" (Podman: "STEP 2/5: RUN make") are steps, the others are what the steps
 * write.
 */
#include "engine_priv.h"

#include "build.h"
#include "build_query.h"
#include "feeder.h"

#include "devenv/credential.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 10)
#define SECRET_MAX ((size_t)1 << 20)
#define TAIL_BYTES 800 /* of the output that an error shows */

struct build {
	const struct build_spec *spec;
	uint64_t step, steps;
	char *text;      /* of the step */
	struct buf line; /* not complete yet */
	struct buf tail; /* what the step wrote last */
};

/* === the output === */

/* "Step 2/5 : RUN make" */
static bool read_step(struct build *build, const char *line)
{
	/* Podman says of which stage it is: "[1/2] STEP 2/4: ..." */
	const char *stage = *line == '[' ? strstr(line, "] ") : NULL;
	autofree char *copy = xstrdup(stage ? stage + 2 : line);
	char *slash, *end;
	uint64_t step, steps;

	if (!str_starts(copy, "Step ") && !str_starts(copy, "STEP "))
		return false;
	slash = strchr(copy, '/');
	end = slash ? slash + strcspn(slash, " :") : NULL;
	if (!end || !*end)
		return false;
	*slash = '\0';
	*end = '\0';
	if (!parse_u64(copy + 5, 1, 100000, &step) || !parse_u64(slash + 1, 1, 100000, &steps))
		return false;
	build->step = step;
	build->steps = steps;
	free(build->text);
	build->text = xstrdup(end + 1 + strspn(end + 1, " :"));
	buf_reset(&build->tail);
	return true;
}

static void keep_tail(struct build *build, const char *line)
{
	buf_addf(&build->tail, "\n  | %.300s", line);
	while (build->tail.len > TAIL_BYTES) {
		const char *next = strchr(buf_str(&build->tail) + 1, '\n');

		buf_consume(
			&build->tail, next ? (size_t)(next - build->tail.data) : build->tail.len);
	}
}

static void on_line(struct build *build, char *line)
{
	struct event event = {
		.kind = EVENT_PROGRESS, .object = build->spec->object, .unit = "steps"};

	line = str_trim(line);
	if (!*line)
		return;
	if (!read_step(build, line) && !str_starts(line, "--->") && !str_starts(line, "-->"))
		keep_tail(build, line);
	event.done = build->step;
	event.total = build->steps;
	event.text = line;
	sink_emit(build->spec->sink, &event);
}

static void on_text(struct build *build, const char *text)
{
	for (; *text; text++) {
		if (*text != '\n' && *text != '\r') {
			buf_addch(&build->line, *text);
			continue;
		}
		if (build->line.len)
			on_line(build, build->line.data);
		buf_reset(&build->line);
	}
}

static int build_failed(struct build *build, const char *message, struct err *err)
{
	char text[600];

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(message, "\r\n"), message);
	if (build->step)
		err_set(err, ERR_ENGINE, "step %d/%d \"%.200s\": %s%s", (int)build->step,
			(int)build->steps, build->text, text, buf_str(&build->tail));
	else
		err_set(err, ERR_ENGINE, "%s%s", text, buf_str(&build->tail));
	if (strstr(text, "BuildKit"))
		return err_hint(err,
			"this engine's API has only the classic builder; build it with "
			"`docker buildx` and name the result as `image:`");
	return -1;
}

static int on_value(void *ctx, json_t *value, struct err *err)
{
	struct build *build = ctx;
	const char *message = json_str(json_object_get(value, "errorDetail"), "message");

	if (!message)
		message = json_str(value, "error");
	if (message) {
		on_text(build, "\n");
		return build_failed(build, message, err);
	}
	if (json_str(value, "stream"))
		on_text(build, json_str(value, "stream"));
	return 0;
}

/* === who we are at the registries of its FROM lines === */

static void add_registry(json_t *all, const char *ref, const struct sink *sink)
{
	autofree char *registry = credential_registry(ref);
	struct credential credential = {0};

	if (credential_find(registry, sink, &credential)) {
		json_t *entry = json_object();

		json_set_str(entry, "username", credential.user);
		json_set_str(entry, "password", credential.password);
		json_set_str(entry, "identitytoken", credential.token);
		json_object_set_new(all, credential.server, entry);
	}
	credential_release(&credential);
}

/* Names with variables in them are the builder's to fill in: only plain ones are looked up. */
static char *registry_line(const char *dockerfile, const struct sink *sink)
{
	autostrv struct strv lines = STRV_INIT;
	autojson json_t *all = json_object();
	autofree char *json = NULL, *encoded = NULL;

	strv_split(&lines, dockerfile ? dockerfile : "", '\n');
	for (size_t i = 0; i < lines.n; i++) {
		autostrv struct strv words = STRV_INIT;
		size_t at = 1;

		strv_split(&words, str_trim(lines.v[i]), ' ');
		while (at < words.n && str_starts(words.v[at], "--"))
			at++;
		if (at < words.n && strcasecmp(words.v[0], "FROM") == 0 &&
			!strchr(words.v[at], '$') && strchr(words.v[at], '/'))
			add_registry(all, words.v[at], sink);
	}
	if (!json_object_size(all))
		return NULL;
	json = json_print(all);
	encoded = base64_encode(json, strlen(json), true);
	return xasprintf("X-Registry-Config: %s\r\n", encoded);
}

/* === secrets (Podman reads them from the context) === */

static int read_secret(const json_t *secret, struct buf *content, struct err *err)
{
	const char *file = json_str(secret, "file");

	if (file)
		return fs_read(file, content, ERR_MANIFEST, err);
	if (json_str(secret, "content"))
		buf_addstr(content, json_str(secret, "content"));
	return 0;
}

static int add_secrets(const struct build_spec *spec, struct build_context *context,
	struct buf *query, struct err *err)
{
	autojson json_t *list = json_array();
	autofree char *text = NULL, *escaped = NULL;
	json_t *secret;
	size_t i;

	json_array_foreach ((json_t *)spec->secrets, i, secret) {
		autobuf struct buf content = BUF_INIT(SECRET_MAX);
		autofree char *entry = NULL;
		const char *name;

		if (read_secret(secret, &content, err) < 0)
			return err_wrap(err, "secret %s", json_str(secret, "id"));
		name = build_context_file(context, "secret", buf_str(&content), content.len);
		if (!name)
			return err_set(err, ERR_MANIFEST, "too many secrets for one build");
		entry = xasprintf("id=%s,src=%s", json_str(secret, "id"), name);
		json_array_append_new(list, json_string_safe(entry));
	}
	if (!json_array_size(list))
		return 0;
	text = json_print(list);
	escaped = engine_escape(text);
	buf_addf(query, "&secrets=%s", escaped);
	return 0;
}

/* === sending === */

static int request_build(struct engine *engine, struct build *build, const char *path,
	const char *headers, int body, struct err *err)
{
	struct http1_request request = {.method = "POST",
		.path = path,
		.headers = headers,
		.type = "application/x-tar",
		.body_fd = body,
		.interruptible = true};
	struct http1_response response;

	if (engine_send(engine, &request, &response, err) < 0)
		return -1;
	return json_stream_read(engine->http, on_value, build, err);
}

struct sending {
	struct engine *engine;
	struct build *build;
	const char *path, *headers;
};

static int make_context(void *ctx, struct tar_writer *tar, struct err *err)
{
	return build_context_write(ctx, tar, err);
}

static int send_context(void *ctx, int fd, struct err *err)
{
	const struct sending *sending = ctx;

	return request_build(
		sending->engine, sending->build, sending->path, sending->headers, fd, err);
}

static int build_run(
	struct engine *engine, struct build *build, struct build_context *context, struct err *err)
{
	bool podman = engine_facts(engine)->podman;
	autobuf struct buf path = BUF_INIT(1 << 20);
	autobuf struct buf query = BUF_INIT(1 << 20);
	autofree char *headers = NULL;
	struct sending sending;

	if (build_check(build->spec, podman, err) < 0 ||
		build_context_open(build->spec->build, context, err) < 0)
		return -1;
	context->plain_ignore = podman;
	build_query(build->spec, context, podman, &query);
	if (add_secrets(build->spec, context, &query, err) < 0)
		return -1;
	headers = registry_line(context->text, build->spec->sink);
	buf_addf(&path, "/build?%s", buf_str(&query));
	if (path.overflow || query.overflow)
		return err_set(err, ERR_MANIFEST, "`build:` is too large");
	if (build_is_remote(context->dir))
		return request_build(engine, build, buf_str(&path), headers, -1, err);
	sending = (struct sending){engine, build, buf_str(&path), headers};
	return feeder_run(make_context, context, send_context, &sending, err);
}

int image_build(struct engine *engine, const struct build_spec *spec, struct err *err)
{
	struct build build = {
		.spec = spec, .line = BUF_INIT(LINE_BYTES), .tail = BUF_INIT(LINE_BYTES)};
	struct build_context context = {0};
	int result = build_run(engine, &build, &context, err);

	build_context_release(&context);
	free(build.text);
	buf_release(&build.line);
	buf_release(&build.tail);
	return result;
}
