/*
 * engine_priv.h - what the files of src/engine share.
 *
 * client.c owns the connection and turns answers into errors; everything else goes through its
 * request functions.
 */
#ifndef DEVENV_ENGINE_PRIV_H
#define DEVENV_ENGINE_PRIV_H

#include "devenv/engine.h"
#include "devenv/http1.h"

#include <pthread.h>
#include <stdarg.h>

/* What clones share; immutable after engine_open but for the facts that are asked late. */
struct engine_shared {
	pthread_mutex_t mutex;
	int users;
	char *host;
	char *why;
	bool embedded;
	bool forbid_writes;
	bool asked; /* facts.rootless and no_health_timer are known */
	struct engine_facts facts;
};

struct engine {
	struct engine_shared *shared;
	struct http1 *http;
};

/*
 * No answer to a plain question takes this long; an engine that is gone must not hang us for ever.
 */
#define ENGINE_TIMEOUT_MS 120000

/*
 * Send a request; the path gets the version in front. On a status of 400 and over (but not 304) the
 * body is read and becomes the error. Afterwards read the body from engine->http.
 */
int engine_send(struct engine *engine, struct http1_request *request,
	struct http1_response *response, struct err *err);

/* The same, and the whole answer as JSON into *out (may be NULL; NULL for an empty body). */
int engine_request(
	struct engine *engine, struct http1_request *request, json_t **out, struct err *err);

/* The kind becomes ERR_ENGINE, unless it says more; returns -1. */
int engine_failed(struct err *err);

/*
 * A time as people write it ("10m" ago, RFC 3339 with or without time and zone, or unix seconds) as
 * the unix seconds of a query. *out is the caller's. ERR_USAGE.
 */
int engine_time(const char *text, char **out, struct err *err);

/*
 * "repo:tag@sha256:x" as the two parameters of a query, escaped; the digest wins over the tag,
 * "latest" is the default. Both are the caller's.
 */
void engine_split_ref(const char *ref, char **repository, char **tag);

/* The header line with the credentials for an image's registry, or NULL. The caller's. */
char *registry_auth_line(const char *ref, const struct sink *sink);

/* Find out facts.rootless and no_health_timer (quirks.c). */
void quirks_ask(struct engine *engine);

/*
 * The body of a new container as this engine has to be asked for it: quirk_create.c. A new
 * reference.
 */
json_t *quirk_create_body(struct engine *engine, const json_t *body);

/* What the header Server tells: "Docker/20.10.24 (linux)", "Libpod/4.3.1 (linux)" (quirks.c). */
void quirks_read_server(const char *server, struct engine_facts *facts);

/* === splitting a stream of JSON values (json_stream.c) === */

struct json_stream {
	struct buf text; /* of the value that is incomplete */
	int depth;
	bool in_string, escaped;
};

#define JSON_STREAM_INIT ((struct json_stream){.text = {.limit = (size_t)4 << 20}})

/* Feed bytes; `on_value` gets each whole object and may end it all by returning non-zero. */
int json_stream_add(struct json_stream *stream, const char *data, size_t len,
	int (*on_value)(void *ctx, json_t *value, struct err *err), void *ctx, struct err *err);

/* Read the whole body as such a stream. */
int json_stream_read(struct http1 *http, int (*on_value)(void *ctx, json_t *value, struct err *err),
	void *ctx, struct err *err);

/* === copying (stream.c) === */

struct copy_spec {
	const struct stream_io *io;
	const char *resize; /* path of the resize request, or NULL: there is none */
	int timeout_ms;     /* for it all; 0: none */
};

/*
 * Copy between engine->http (after an upgrade, or with an answer's body) and `io` until the end.
 * *cancelled tells that cancel_fd or on_data ended it. ERR_TIMEOUT after timeout_ms.
 */
int stream_copy(
	struct engine *engine, const struct copy_spec *spec, bool *cancelled, struct err *err);

/* === where (context.c) === */

/*
 * The host of a docker context. ERR_ENGINE when there is no such context, or it has no docker host.
 */
int context_host(const char *name, char **host, struct err *err);

/* currentContext of config.json, the caller's; NULL when it is not set or "default". */
char *context_current(void);

/* true when something accepts connections there. */
bool engine_answers(const char *host);

/* The embedded engine's address "unix://..."; the caller's. */
char *embedded_host(void);

#endif
