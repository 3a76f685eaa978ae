/*
 * pull.c - pulling an image: credentials, progress over all layers, and errors a user can act on.
 *
 * The engine reports each layer by itself; users want one number.  So the bytes of all layers known
 * so far are added up.  A layer's size is only known when its download starts, so the total grows.
 */
#include "engine_priv.h"

#include "devenv/clock.h"
#include "devenv/credential.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/*
 * An image of more layers than this shows the progress of the first ones (Docker's own limit is
 * 127).
 */
#define LAYERS_MAX 256
#define EMIT_EVERY_MS 100

struct layer {
	char *id;
	uint64_t done, total;
};

struct pull {
	const struct sink *sink;
	const char *ref;
	char *object;
	struct layer layers[LAYERS_MAX];
	size_t n;
	int64_t emitted;
};

static struct layer *layer_of(struct pull *pull, const char *id)
{
	for (size_t i = 0; i < pull->n; i++)
		if (str_eq(pull->layers[i].id, id))
			return &pull->layers[i];
	if (pull->n == LAYERS_MAX)
		return NULL;
	pull->layers[pull->n] = (struct layer){.id = xstrdup(id)};
	return &pull->layers[pull->n++];
}

static void emit_progress(struct pull *pull, const char *status)
{
	struct event event = {.kind = EVENT_PROGRESS, .object = pull->object, .text = status};
	int64_t now = clock_ms();

	if (now - pull->emitted < EMIT_EVERY_MS)
		return;
	pull->emitted = now;
	for (size_t i = 0; i < pull->n; i++) {
		event.done += pull->layers[i].done;
		event.total += pull->layers[i].total;
	}
	sink_emit(pull->sink, &event);
}

static bool says(const char *message, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(message, *words))
			return true;
	return false;
}

/* One engine's sentence into the kind of problem it is, by the words that all engines share. */
static int pull_error(const char *ref, const char *message, int status, struct err *err)
{
	static const char *const denied[] = {"unauthorized", "denied", "no basic auth",
		"authentication required", "forbidden", NULL};
	static const char *const missing[] = {"manifest unknown", "not found", "name unknown",
		"no such image", "no matching manifest", "does not exist", NULL};
	static const char *const unreachable[] = {
		"connection refused", "no such host", "i/o timeout", "no route to host", NULL};
	autofree char *registry = credential_registry(ref);
	char text[sizeof(err->msg)];

	/* A copy: err_set() writes where `message` may be. */
	snprintf(text, sizeof(text), "%s", message);
	err_set(err, ERR_REGISTRY, "pull %s: %s", ref, text);
	err->status = status;
	if (says(text, denied))
		return err_hint(err, "check the name; if %s wants a login, run: docker login %s",
			registry, registry);
	if (says(text, missing))
		return err_hint(err, "check the name and the tag of %s", ref);
	if (says(text, unreachable))
		return err_hint(err, "the engine cannot reach %s: is it up, and is the name right?",
			registry);
	if (strstr(text, "server gave HTTP response to HTTPS client"))
		return err_hint(err, "%s speaks no TLS: add it to the engine's insecure-registries",
			registry);
	return -1;
}

static int on_status(void *ctx, json_t *value, struct err *err)
{
	struct pull *pull = ctx;
	const char *message = json_str(value, "error");
	const char *status = json_str(value, "status");
	const char *id = json_str(value, "id");
	const json_t *detail = json_object_get(value, "progressDetail");
	struct layer *layer;

	if (!message)
		message = json_str(json_object_get(value, "errorDetail"), "message");
	if (message)
		return pull_error(pull->ref, message, 0, err);
	layer = id && detail && json_int(detail, "total") > 0 ? layer_of(pull, id) : NULL;
	/* Extracting counts the same bytes again; downloading is what takes long. */
	if (layer && str_eq(status, "Downloading")) {
		layer->done = (uint64_t)json_int(detail, "current");
		layer->total = (uint64_t)json_int(detail, "total");
	} else if (id && (str_eq(status, "Download complete") || str_eq(status, "Pull complete"))) {
		layer = layer_of(pull, id);
		if (layer)
			layer->done = layer->total;
	}
	emit_progress(pull, status ? status : "Pulling");
	return 0;
}

void engine_split_ref(const char *ref, char **repository, char **tag)
{
	const char *digest = strchr(ref, '@');
	size_t len = digest ? (size_t)(digest - ref) : strlen(ref);
	autofree char *name = xstrndup(ref, len);
	char *slash = strrchr(name, '/');
	char *colon = strrchr(slash ? slash : name, ':');
	autofree char *given = xstrdup(digest ? digest + 1 : colon ? colon + 1 : "latest");

	if (colon)
		*colon = '\0';
	*repository = engine_escape(name);
	*tag = engine_escape(given);
}

char *registry_auth_line(const char *ref, const struct sink *sink)
{
	autofree char *registry = credential_registry(ref);
	struct credential credential = {0};
	autofree char *value = NULL;

	credential_find(registry, sink, &credential);
	value = credential_header(&credential);
	credential_release(&credential);
	return value ? xasprintf("X-Registry-Auth: %s\r\n", value) : NULL;
}

static int pull_run(struct engine *engine, struct pull *pull, const char *path, struct err *err)
{
	autofree char *auth = registry_auth_line(pull->ref, pull->sink);
	struct http1_request request = {.method = "POST",
		.path = path,
		.headers = auth,
		.body_fd = -1,
		.interruptible = true};
	struct http1_response response;

	if (engine_send(engine, &request, &response, err) < 0) {
		if (err->status)
			return pull_error(pull->ref, err->msg, err->status, err);
		return err_wrap(err, "pull %s", pull->ref);
	}
	if (json_stream_read(engine->http, on_status, pull, err) < 0)
		return err->kind == ERR_REGISTRY ? -1 : err_wrap(err, "pull %s", pull->ref);
	return 0;
}

static void pull_free(struct pull *pull)
{
	for (size_t i = 0; i < pull->n; i++)
		free(pull->layers[i].id);
	free(pull->object);
	free(pull);
}

int image_pull(struct engine *engine, const char *ref, const char *platform,
	const struct sink *sink, struct err *err)
{
	autofree char *repository = NULL, *tag = NULL, *path = NULL;
	autofree char *wanted = platform ? engine_escape(platform) : NULL;
	struct pull *pull = xcalloc(1, sizeof(*pull));
	int result;

	engine_split_ref(ref, &repository, &tag);
	path = xasprintf("/images/create?fromImage=%s&tag=%s%s%s", repository, tag,
		wanted ? "&platform=" : "", wanted ? wanted : "");
	pull->sink = sink;
	pull->ref = ref;
	pull->object = xasprintf("image %s", ref);
	result = pull_run(engine, pull, path, err);
	pull_free(pull);
	return result;
}

/* === push === */

static int on_push(void *ctx, json_t *value, struct err *err)
{
	struct pull *push = ctx;
	const json_t *detail = json_object_get(value, "progressDetail");
	const char *message = json_str(value, "error"), *id = json_str(value, "id");
	struct layer *layer;

	if (message)
		return err_set(err, ERR_REGISTRY, "push %s: %s", push->ref, message);
	layer = id && json_int(detail, "total") > 0 ? layer_of(push, id) : NULL;
	if (layer) {
		layer->done = (uint64_t)json_int(detail, "current");
		layer->total = (uint64_t)json_int(detail, "total");
	}
	emit_progress(push, "Pushing");
	return 0;
}

static int push_run(struct engine *engine, struct pull *push, struct err *err)
{
	autofree char *auth = registry_auth_line(push->ref, push->sink);
	autofree char *name = xstrdup(push->ref);
	char *slash = strrchr(name, '/'), *colon = strrchr(slash ? slash : name, ':');
	autofree char *tag = engine_escape(colon ? colon + 1 : "latest");
	autofree char *path = NULL;
	/* The header must be there, also when we are nobody: "{}" in base64. */
	struct http1_request request = {.method = "POST",
		.headers = auth ? auth : "X-Registry-Auth: e30=\r\n",
		.body_fd = -1,
		.interruptible = true};
	struct http1_response response;

	if (colon)
		*colon = '\0';
	path = xasprintf("/images/%s/push?tag=%s", name, tag);
	request.path = path;
	if (engine_send(engine, &request, &response, err) < 0 ||
		json_stream_read(engine->http, on_push, push, err) < 0)
		return err->kind == ERR_REGISTRY ? -1 : err_wrap(err, "push %s", push->ref);
	return 0;
}

int image_push(struct engine *engine, const char *ref, const struct sink *sink, struct err *err)
{
	struct pull *push = xcalloc(1, sizeof(*push));
	int result;

	push->sink = sink;
	push->ref = ref;
	push->object = xasprintf("image %s", ref);
	result = push_run(engine, push, err);
	pull_free(push);
	return result;
}
