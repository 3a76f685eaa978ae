/*
 * engine_api.h - what the tests of engine_api.c need: TAP lines, containers, collected output.
 *
 * Included by that one file.
 */
#ifndef ENGINE_API_H
#define ENGINE_API_H

#include "devenv/buf.h"
#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/hash.h"
#include "devenv/json.h"
#include "devenv/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIG ((size_t)20000000)
#define OUTPUT_MAX 65536

static int count, failures;

/* One line of TAP; what follows a failure is its error. */
static bool ok(bool passed, const char *name, struct err *err)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++count, name);
	if (!passed && err->kind)
		printf("# %s: %s\n", err_kind_name(err->kind), err->msg);
	fflush(stdout);
	failures += !passed;
	err_clear(err);
	return passed;
}

struct env {
	struct engine *engine;
	const char *image;
	char suffix[9];
};

/* {"Image":..., "Cmd": ["sh", "-c", script]} */
static json_t *body_of(const struct env *env, const char *script)
{
	json_t *body = json_object();
	json_t *command = json_array();

	json_array_append_new(command, json_string("sh"));
	json_array_append_new(command, json_string("-c"));
	json_array_append_new(command, json_string(script));
	json_object_set_new(body, "Image", json_string(env->image));
	json_object_set_new(body, "Cmd", command);
	return body;
}

static json_t *interactive(json_t *body)
{
	json_object_set_new(body, "OpenStdin", json_true());
	json_object_set_new(body, "StdinOnce", json_true());
	json_object_set_new(body, "AttachStdin", json_true());
	json_object_set_new(body, "AttachStdout", json_true());
	json_object_set_new(body, "AttachStderr", json_true());
	return body;
}

/* Create from a body that it releases. */
static char *create(const struct env *env, json_t *body, struct err *err)
{
	autofree char *name = NULL;
	char *id = NULL;
	char random[9];

	random_hex(random, 4);
	name = xasprintf("devenv-api-%s-%s", env->suffix, random);
	if (container_create(env->engine, name, NULL, body, NULL, &id, err) < 0)
		id = NULL;
	json_decref(body);
	return id;
}

struct sink_to {
	struct buf out, errs;
	size_t total;
	bool wrong; /* a byte that is not NUL, for the big stream */
};

static int gather(void *ctx, int stream, const char *data, size_t len)
{
	struct sink_to *to = ctx;

	to->total += len;
	if (to->total <= OUTPUT_MAX)
		buf_add(stream == 2 ? &to->errs : &to->out, data, len);
	for (size_t i = 0; i < len; i++)
		to->wrong = to->wrong || data[i];
	return 0;
}

static void gather_release(struct sink_to *to)
{
	buf_release(&to->out);
	buf_release(&to->errs);
	*to = (struct sink_to){0};
}

static struct stream_io io_to(struct sink_to *to, int in)
{
	return (struct stream_io){
		.in = in, .out = -1, .errfd = -1, .cancel_fd = -1, .on_data = gather, .ctx = to};
}

struct start {
	struct engine *engine;
	const char *id;
};

static int start_now(void *ctx, struct err *err)
{
	struct start *start = ctx;
	struct engine *other = engine_clone(start->engine);
	int result = container_start(other, start->id, err);

	engine_close(other);
	return result;
}

/* A pipe with `text` in it and its end closed. */
static int pipe_with(const char *text)
{
	int fds[2];

	if (pipe(fds) < 0 || write(fds[1], text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fds[1]);
	return fds[0];
}

#endif
