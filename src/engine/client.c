/*
 * client.c - the connection to an engine: open, clone, requests, and answers as errors.
 *
 * The version is negotiated as docker's client does: the engine's own, but not newer than what this
 * program knows.
 */
#include "engine_priv.h"

#include "devenv/http.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The newest version whose answers were read for this program; older ones down to 1.41 are the
 * same.
 */
#define API_NEWEST 47
#define API_OLDEST 40
#define ANSWER_MAX ((size_t)64 << 20)

static struct engine *engine_new(struct engine_shared *shared)
{
	struct engine *engine = xcalloc(1, sizeof(*engine));

	engine->shared = shared;
	engine->http = http1_new(shared->host);
	return engine;
}

struct engine *engine_clone(const struct engine *engine)
{
	pthread_mutex_lock(&engine->shared->mutex);
	engine->shared->users++;
	pthread_mutex_unlock(&engine->shared->mutex);
	return engine_new(engine->shared);
}

void engine_close(struct engine *engine)
{
	struct engine_shared *shared;
	bool last;

	if (!engine)
		return;
	shared = engine->shared;
	http1_free(engine->http);
	free(engine);
	pthread_mutex_lock(&shared->mutex);
	last = --shared->users == 0;
	pthread_mutex_unlock(&shared->mutex);
	if (!last)
		return;
	pthread_mutex_destroy(&shared->mutex);
	free(shared->host);
	free(shared->why);
	free(shared);
}

void engine_forbid_writes(struct engine *engine)
{
	engine->shared->forbid_writes = true;
}

const struct engine_facts *engine_facts(struct engine *engine)
{
	return &engine->shared->facts;
}

const struct engine_facts *engine_all_facts(struct engine *engine)
{
	quirks_ask(engine);
	return &engine->shared->facts;
}

int engine_failed(struct err *err)
{
	if (err->kind == ERR_FAILED)
		err->kind = ERR_ENGINE;
	return -1;
}

/* === errors === */

/* The engine's own words: {"message": ...}, or what it sent, or the status. */
static int answer_error(struct engine *engine, int status, const char *path, struct err *err)
{
	autobuf struct buf body = BUF_INIT(65536);
	struct err ignored = ERR_INIT;
	autojson json_t *json = NULL;
	const char *message;

	if (http1_read_all(engine->http, &body, &ignored) < 0)
		buf_reset(&body);
	json = json_parse(buf_str(&body), body.len, "answer", &ignored);
	message = json_str(json, "message");
	if (str_empty(message) && body.len && body.len < 300 && !json)
		message = buf_str(&body);
	if (str_empty(message))
		err_set(err, ERR_ENGINE, "the engine answered %d to %s", status, path);
	else
		err_set(err, ERR_ENGINE, "%.*s", (int)strcspn(message, "\r\n"), message);
	err->status = status;
	/* In the words of its operating system, or of what it runs. */
	if (strstr(err->msg, "no space left on device") || strstr(err->msg, "disk quota exceeded"))
		err_hint(err, "make room where the engine keeps its data");
	return -1;
}

/* === requests === */

static bool is_write(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

int engine_send(struct engine *engine, struct http1_request *request,
	struct http1_response *response, struct err *err)
{
	autofree char *path = xasprintf("/v%s%s", engine->shared->facts.api, request->path);
	struct http1_request sent = *request;

	if (engine->shared->forbid_writes && is_write(request->method))
		return err_set(err, ERR_FAILED, "a dry run must not send %s %s", request->method,
			request->path);
	sent.path = path;
	if (http1_send(engine->http, &sent, response, err) < 0)
		return engine_failed(err);
	if (response->status >= 400)
		return answer_error(engine, response->status, request->path, err);
	return 0;
}

int engine_request(
	struct engine *engine, struct http1_request *request, json_t **out, struct err *err)
{
	autobuf struct buf body = BUF_INIT(ANSWER_MAX);
	struct http1_response response;
	json_t *json = NULL;

	if (engine_send(engine, request, &response, err) < 0)
		return -1;
	if (http1_read_all(engine->http, &body, err) < 0)
		return engine_failed(err);
	if (out && body.len) {
		json = json_parse(buf_str(&body), body.len, request->path, err);
		if (!json)
			return engine_failed(err);
	}
	if (out)
		*out = json;
	return 0;
}

int engine_get(struct engine *engine, json_t **out, struct err *err, const char *fmt, ...)
{
	autofree char *path = NULL;
	va_list args;

	va_start(args, fmt);
	path = xvasprintf(fmt, args);
	va_end(args);
	return engine_request(engine,
		&(struct http1_request){.method = "GET",
			.path = path,
			.body_fd = -1,
			.interruptible = true,
			.timeout_ms = ENGINE_TIMEOUT_MS},
		out, err);
}

int engine_post(struct engine *engine, const json_t *body, json_t **out, struct err *err,
	const char *fmt, ...)
{
	autofree char *text = body ? json_print(body) : NULL;
	autofree char *path = NULL;
	va_list args;

	va_start(args, fmt);
	path = xvasprintf(fmt, args);
	va_end(args);
	return engine_request(engine,
		&(struct http1_request){.method = "POST",
			.path = path,
			.body = text,
			.body_len = text ? strlen(text) : 0,
			.type = text ? "application/json" : NULL,
			.body_fd = -1},
		out, err);
}

int engine_delete(struct engine *engine, struct err *err, const char *fmt, ...)
{
	autofree char *path = NULL;
	va_list args;

	va_start(args, fmt);
	path = xvasprintf(fmt, args);
	va_end(args);
	return engine_request(engine,
		&(struct http1_request){.method = "DELETE", .path = path, .body_fd = -1}, NULL,
		err);
}

/* === opening === */

static int negotiate(const char *theirs, struct engine_facts *facts, struct err *err)
{
	const char *chosen = getenv("DOCKER_API_VERSION");
	uint64_t minor;

	if (!theirs || !str_starts(theirs, "1.") || !parse_u64(theirs + 2, 0, 10000, &minor))
		return err_set(
			err, ERR_ENGINE, "it names no API version; is it a container engine?");
	if (minor < API_OLDEST)
		return err_set(err, ERR_ENGINE,
			"it speaks API %s; devenv needs 1.%d (Docker 20.10 or Podman 4.3)", theirs,
			API_OLDEST);
	if (!str_empty(chosen) && str_starts(chosen, "1.") &&
		parse_u64(chosen + 2, API_OLDEST, API_NEWEST, &minor))
		;
	else if (minor > API_NEWEST)
		minor = API_NEWEST;
	snprintf(facts->api, sizeof(facts->api), "1.%u", (unsigned)minor);
	return 0;
}

/* The ping and not /version, for which Docker runs several programs and takes 10 ms. */
static int ping(struct engine *engine, struct err *err)
{
	struct http1_request request = {.method = "GET",
		.path = "/_ping",
		.body_fd = -1,
		.interruptible = true,
		.timeout_ms = ENGINE_TIMEOUT_MS};
	struct engine_facts *facts = &engine->shared->facts;
	struct http1_response response;
	autobuf struct buf body = BUF_INIT(4096);

	if (http1_send(engine->http, &request, &response, err) < 0)
		return engine_failed(err);
	if (response.status != 200)
		return answer_error(engine, response.status, request.path, err);
	quirks_read_server(http1_header(engine->http, "Server"), facts);
	facts->local = str_starts(engine->shared->host, "unix://");
	if (negotiate(http1_header(engine->http, "Api-Version"), facts, err) < 0)
		return -1;
	if (http1_read_all(engine->http, &body, err) < 0)
		return engine_failed(err);
	return 0;
}

int engine_open(const struct engine_where *where, struct engine **out, struct err *err)
{
	struct engine_shared *shared = xcalloc(1, sizeof(*shared));
	struct engine *engine;

	pthread_mutex_init(&shared->mutex, NULL);
	shared->users = 1;
	shared->host = xstrdup(where->host);
	shared->why = xstrdup(where->why);
	shared->embedded = where->embedded;
	engine = engine_new(shared);
	if (ping(engine, err) < 0) {
		engine_close(engine);
		err_wrap(err, "engine at %s (%s)", where->host,
			where->why ? where->why : "as given");
		if (err->kind == ERR_ENGINE && !err->status)
			err_hint(err, "%s \"devenv doctor\" looks further",
				err->os == EACCES ? "you are not in the group of its socket;"
						  : "is it running?");
		return -1;
	}
	*out = engine;
	return 0;
}

/* === texts for paths === */

char *engine_escape(const char *text)
{
	return http_escape(text);
}

char *engine_filters(const char *key, const char *value, ...)
{
	autojson json_t *filters = json_object();
	autofree char *text = NULL;
	va_list args;

	va_start(args, value);
	while (key && value) {
		json_t *list = json_object_get(filters, key);

		if (!list) {
			list = json_array();
			json_object_set_new(filters, key, list);
		}
		json_array_append_new(list, json_string_safe(value));
		key = va_arg(args, const char *);
		value = key ? va_arg(args, const char *) : NULL;
	}
	va_end(args);
	text = json_print(filters);
	return engine_escape(text);
}
