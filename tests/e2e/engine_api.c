/*
 * engine_api.c - the engine client against a real engine.
 *
 *	DOCKER_HOST=unix:///path engine_api IMAGE
 *
 * IMAGE is there already and has busybox's or any other sh.  Prints "ok" and "not ok" lines and a
 * plan, as TAP does; ends with 1 when anything failed.  The same program runs against dockerd and
 * Podman.
 */
#include "engine_api.h"

#include "devenv/clock.h"
#include "devenv/engine.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* === the tests === */

static void test_facts(const struct env *env)
{
	const struct engine_facts *facts = engine_all_facts(env->engine);
	struct err err = ERR_INIT;

	printf("# %s %s, API %s%s%s\n", facts->podman ? "Podman" : "Docker", facts->version,
		facts->api, facts->rootless ? ", rootless" : "",
		facts->no_health_timer ? ", no timers" : "");
	ok(*facts->version && str_starts(facts->api, "1."), "facts", &err);
}

static void test_images(const struct env *env)
{
	autojson json_t *image = NULL;
	struct err err = ERR_INIT;

	ok(image_inspect(env->engine, env->image, &image, &err) == 0 && json_str(image, "Id"),
		"inspect the image", &err);
	ok(image_inspect(env->engine, "localhost/devenv-none:1", NULL, &err) < 0 &&
			err.kind == ERR_ENGINE && err.status == 404,
		"an unknown image is 404", &err);
	ok(image_pull(env->engine, "127.0.0.1:1/devenv-none:1", NULL, NULL, &err) < 0 &&
			err.kind == ERR_REGISTRY && strstr(err.msg, "127.0.0.1:1/devenv-none:1"),
		"pull from a registry that is not there", &err);
	ok(image_load(env->engine, -1, &err) < 0, "loading nothing fails", &err);
}

static void test_attach(const struct env *env)
{
	struct sink_to to = {0};
	struct err err = ERR_INIT;
	autofree char *id = create(env,
		interactive(body_of(env, "echo out; echo bad >&2; read x; echo got $x; exit 3")),
		&err);
	struct start start = {env->engine, id};
	struct stream_io io = io_to(&to, pipe_with("hello\n"));
	int status = -1;

	if (!ok(id != NULL, "create", &err))
		return;
	ok(container_attach(env->engine, id, &io, false, start_now, &start, &err) == 0,
		"attach, start, copy until the end", &err);
	ok(str_eq(buf_str(&to.out), "out\ngot hello\n"), "stdout with what came of stdin", &err);
	ok(str_eq(buf_str(&to.errs), "bad\n"), "stderr apart", &err);
	ok(container_wait(env->engine, id, &status, &err) == 0 && status == 3, "exit status", &err);
	ok(container_remove(env->engine, id, true, &err) == 0, "remove", &err);
	ok(container_remove(env->engine, id, true, &err) == 0, "remove what is gone", &err);
	ok(container_inspect(env->engine, id, NULL, &err) < 0 && err.status == 404,
		"inspect what is gone is 404", &err);
	close(io.in);
	gather_release(&to);
}

/* A file of BIG zeros, deleted already. */
static int zeros(void)
{
	char path[] = "/tmp/devenv-zeros-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	if (fd < 0 || ftruncate(fd, (off_t)BIG) < 0)
		abort();
	return fd;
}

static void test_big(const struct env *env)
{
	struct sink_to to = {0};
	struct err err = ERR_INIT;
	autofree char *id = create(env, interactive(body_of(env, "cat")), &err);
	struct start start = {env->engine, id};
	struct stream_io io = io_to(&to, zeros());
	autofree char *counter = create(env, interactive(body_of(env, "cat | wc -c")), &err);
	struct start second = {env->engine, counter};

	if (!ok(id && counter, "create", &err))
		return;
	container_attach(env->engine, id, &io, false, start_now, &start, &err);
	ok(to.total == BIG && !to.wrong, "20 MB through a container and back, binary safe", &err);
	gather_release(&to);
	if (lseek(io.in, 0, SEEK_SET) < 0)
		abort();
	container_attach(env->engine, counter, &io, false, start_now, &second, &err);
	ok(str_eq(buf_str(&to.out), "20000000\n"), "the end of stdin reaches the container", &err);
	container_remove(env->engine, id, true, &err);
	container_remove(env->engine, counter, true, &err);
	close(io.in);
	gather_release(&to);
}

static void test_exec_results(const struct env *env, const char *id)
{
	static const char *const exits[] = {"sh", "-c", "echo $A $PWD; echo no >&2; exit 7", NULL};
	static const char *const added[] = {"A=b", NULL};
	static const char *const none[] = {"/no/such/program", NULL};
	static const char *const sleeps[] = {"sleep", "60", NULL};
	struct exec_spec spec = {.argv = exits, .env = added, .dir = "/tmp"};
	autobuf struct buf output = BUF_INIT(OUTPUT_MAX);
	struct sink_to to = {0};
	struct stream_io io = io_to(&to, -1);
	struct err err = ERR_INIT;
	int status = -1, result;
	int64_t began = clock_ms();

	result = container_exec(env->engine, id, &spec, &io, &status, &err);
	ok(result == 0 && status == 7, "exec's status", &err);
	ok(str_eq(buf_str(&to.out), "b /tmp\n"), "exec's environment and folder", &err);
	ok(str_eq(buf_str(&to.errs), "no\n"), "exec's stderr", &err);
	gather_release(&to);
	result = container_exec_output(env->engine, id, exits, 10000, &output, &status, &err);
	ok(result == 0 && status == 7 && strstr(buf_str(&output), "no\n"), "exec_output", &err);
	result = container_exec_output(env->engine, id, none, 10000, NULL, &status, &err);
	ok(result < 0 ? err.kind == ERR_ENGINE : status == 126 || status == 127,
		"a program that does not exist", &err);
	result = container_exec_output(env->engine, id, sleeps, 300, NULL, &status, &err);
	ok(result < 0 && err.kind == ERR_TIMEOUT && clock_ms() - began < 30000,
		"exec_output's timeout", &err);
	spec = (struct exec_spec){.argv = sleeps, .detach = true};
	ok(container_exec(env->engine, id, &spec, NULL, &status, &err) == 0, "a detached exec",
		&err);
}

static void test_exec_input(const struct env *env, const char *id)
{
	static const char *const cat[] = {"cat", NULL};
	static const char *const tty[] = {"sh", "-c", "test -t 1 && echo terminal", NULL};
	struct exec_spec spec = {.argv = cat};
	struct sink_to to = {0};
	struct stream_io io = io_to(&to, pipe_with("through\n"));
	struct err err = ERR_INIT;
	int status = -1;

	ok(container_exec(env->engine, id, &spec, &io, &status, &err) == 0 && status == 0,
		"exec with stdin ends at its end", &err);
	ok(str_eq(buf_str(&to.out), "through\n"), "stdin came through", &err);
	close(io.in);
	gather_release(&to);
	spec = (struct exec_spec){.argv = tty, .tty = true};
	io = io_to(&to, -1);
	io.tty = true;
	ok(container_exec(env->engine, id, &spec, &io, &status, &err) == 0 && status == 0,
		"exec on a terminal", &err);
	ok(str_eq(buf_str(&to.out), "terminal\r\n"), "a terminal's output is raw", &err);
	gather_release(&to);
}

static void test_put(const struct env *env, const char *id)
{
	static const char *const show[] = {
		"sh", "-c", "cat /tmp/secret; stat -c %u:%a /tmp/secret", NULL};
	char tar[4 * 512] = "secret";
	autobuf struct buf output = BUF_INIT(OUTPUT_MAX);
	struct err err = ERR_INIT;
	unsigned sum = 0;
	int status = -1;

	/* ustar: mode, uid, gid, size, time in octal; the sum is made with blanks in its place. */
	memcpy(tar + 100, "0000640", 8);
	memcpy(tar + 108, "0002322", 8);
	memcpy(tar + 116, "0000000", 8);
	memcpy(tar + 124, "00000000006", 12);
	memcpy(tar + 136, "00000000000", 12);
	memcpy(tar + 148, "        ", 8);
	tar[156] = '0';
	memcpy(tar + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)tar[i];
	snprintf(tar + 148, 8, "%06o", sum);
	memcpy(tar + 512, "hidden", 6);
	ok(container_put(env->engine, id, "/tmp", tar, sizeof(tar), &err) == 0, "put a tar", &err);
	container_exec_output(env->engine, id, show, 10000, &output, &status, &err);
	ok(str_eq(buf_str(&output), "hidden1234:640\n"), "its content, owner and mode", &err);
}

static void test_life(const struct env *env)
{
	autojson json_t *info = NULL;
	struct err err = ERR_INIT;
	autofree char *id = create(env, body_of(env, "while :; do sleep 1; done"), &err);
	autofree char *name = xasprintf("devenv-api-renamed-%s", env->suffix);
	int status = -1;

	if (!ok(id != NULL, "create", &err))
		return;
	ok(container_start(env->engine, id, &err) == 0, "start", &err);
	ok(container_start(env->engine, id, &err) == 0, "start what runs already", &err);
	test_exec_results(env, id);
	test_exec_input(env, id);
	test_put(env, id);
	ok(container_rename(env->engine, id, name, &err) == 0, "rename", &err);
	ok(container_inspect(env->engine, name, &info, &err) == 0 &&
			json_bool(json_object_get(info, "State"), "Running"),
		"inspect by the new name", &err);
	ok(container_restart(env->engine, id, 0, &err) == 0, "restart", &err);
	ok(container_kill(env->engine, id, "KILL", &err) == 0, "kill", &err);
	ok(container_wait(env->engine, id, &status, &err) == 0 && status == 137, "wait: 137", &err);
	ok(container_stop(env->engine, id, 1, &err) == 0, "stop what is stopped", &err);
	ok(container_kill(env->engine, id, "KILL", &err) < 0 && err.status >= 400,
		"kill what is dead fails", &err);
	ok(container_remove(env->engine, id, true, &err) == 0, "remove", &err);
}

static int logs_of(const struct env *env, const char *id, const struct logs_spec *spec,
	struct sink_to *to, int cancel_fd, struct err *err)
{
	struct stream_io io = io_to(to, -1);

	io.cancel_fd = cancel_fd;
	return container_logs(env->engine, id, spec, &io, err);
}

static void test_logs(const struct env *env)
{
	struct logs_spec spec = {.tail = -1};
	struct sink_to to = {0};
	struct err err = ERR_INIT;
	autofree char *id = create(
		env, body_of(env, "echo one; echo two; echo three >&2; sleep 1"), &err);
	int status = -1;

	if (!ok(id && container_start(env->engine, id, &err) == 0 &&
			    container_wait(env->engine, id, &status, &err) == 0,
		    "run to the end", &err))
		return;
	ok(logs_of(env, id, &spec, &to, -1, &err) == 0, "logs", &err);
	ok(str_eq(buf_str(&to.out), "one\ntwo\n") && str_eq(buf_str(&to.errs), "three\n"),
		"logs of both streams, apart", &err);
	gather_release(&to);
	spec = (struct logs_spec){.tail = 0};
	ok(logs_of(env, id, &spec, &to, -1, &err) == 0 && to.total == 0, "tail 0", &err);
	spec = (struct logs_spec){.tail = -1, .since = "2000-01-01T00:00:00Z", .timestamps = true};
	ok(logs_of(env, id, &spec, &to, -1, &err) == 0 && strstr(buf_str(&to.out), "Z one\n"),
		"since a time, with timestamps", &err);
	gather_release(&to);
	spec = (struct logs_spec){.tail = -1, .since = "1h", .follow = true};
	ok(logs_of(env, id, &spec, &to, -1, &err) == 0 && strstr(buf_str(&to.out), "one\n"),
		"since 1h; following what has ended ends", &err);
	gather_release(&to);
	spec = (struct logs_spec){.tail = -1, .since = "yesterday"};
	ok(logs_of(env, id, &spec, &to, -1, &err) < 0 && err.kind == ERR_USAGE, "since nonsense",
		&err);
	container_remove(env->engine, id, true, &err);
}

static void test_follow(const struct env *env)
{
	struct logs_spec spec = {.tail = -1, .follow = true};
	struct sink_to to = {0};
	struct err err = ERR_INIT;
	autofree char *id = create(env, body_of(env, "while :; do sleep 1; done"), &err);
	int readable = pipe_with("x");
	int64_t began = clock_ms();

	if (!ok(id && container_start(env->engine, id, &err) == 0, "start", &err))
		return;
	ok(logs_of(env, id, &spec, &to, readable, &err) == 0 && clock_ms() - began < 20000,
		"following ends when cancel_fd is readable", &err);
	container_remove(env->engine, id, true, &err);
	close(readable);
}

static void test_network(const struct env *env, const char *name, struct err *err)
{
	autofree char *other = xasprintf("%s-b", name);
	autofree char *filters = engine_filters("name", name, NULL);
	json_t *body = body_of(env, "true");
	json_t *host = json_object(), *config = json_object(), *ends = json_object();
	autojson json_t *connect = json_object();
	autojson json_t *network = NULL, *list = NULL, *info = NULL;
	autofree char *id = NULL;

	json_object_set_new(host, "NetworkMode", json_string(name));
	json_object_set_new(ends, name, json_object());
	json_object_set_new(config, "EndpointsConfig", ends);
	json_object_set_new(body, "HostConfig", host);
	json_object_set_new(body, "NetworkingConfig", config);
	network = json_pack("{s:s, s:b}", "Name", name, "CheckDuplicate", 1);
	ok(engine_post(env->engine, network, NULL, err, "/networks/create") == 0, "a network", err);
	json_object_set_new(network, "Name", json_string(other));
	ok(engine_post(env->engine, network, NULL, err, "/networks/create") == 0, "one more", err);
	ok(engine_get(env->engine, &list, err, "/networks?filters=%s", filters) == 0 &&
			json_array_size(list) == 2,
		"list networks by name", err);
	id = create(env, body, err);
	if (ok(id != NULL, "a container in it", err)) {
		json_object_set_new(connect, "Container", json_string(id));
		ok(engine_post(env->engine, connect, NULL, err, "/networks/%s/connect", other) == 0,
			"connected to the other too", err);
		container_inspect(env->engine, id, &info, err);
		ok(json_at(info, "NetworkSettings", "Networks", name, NULL) &&
				json_at(info, "NetworkSettings", "Networks", other, NULL),
			"inspect names both", err);
		container_remove(env->engine, id, true, err);
	}
	ok(engine_delete(env->engine, err, "/networks/%s", name) == 0, "delete a network", err);
	ok(engine_delete(env->engine, err, "/networks/%s", other) == 0, "delete the other", err);
	ok(engine_delete(env->engine, err, "/networks/%s", other) < 0 && err->status == 404,
		"delete one that is gone", err);
}

static void test_objects(const struct env *env)
{
	autofree char *name = xasprintf("devenv-api-%s", env->suffix);
	autojson json_t *volume = json_pack("{s:s, s:{s:s}}", "Name", name, "Labels", "a", "b");
	autofree char *filters = engine_filters("label", "a=b", "name", name, NULL);
	autojson json_t *list = NULL;
	struct err err = ERR_INIT;

	ok(engine_post(env->engine, volume, NULL, &err, "/volumes/create") == 0, "a volume", &err);
	ok(engine_get(env->engine, &list, &err, "/volumes?filters=%s", filters) == 0 &&
			json_array_size(json_object_get(list, "Volumes")) == 1,
		"list volumes by label", &err);
	ok(engine_delete(env->engine, &err, "/volumes/%s", name) == 0, "delete it", &err);
	test_network(env, name, &err);
}

/* === events: listened to in a thread, until the pipe says so === */

struct listener {
	struct engine *engine;
	int cancel_fd, seen_fd;
	char *container;
	int result;
};

static int on_event(void *ctx, json_t *event)
{
	struct listener *listener = ctx;

	if (!str_eq(json_str(event, "Action"), "create") &&
		!str_eq(json_str(event, "status"), "create"))
		return 0;
	listener->container = xstrdup(json_str(json_object_get(event, "Actor"), "ID"));
	return write(listener->seen_fd, "x", 1) == 1;
}

static void *listen_events(void *ctx)
{
	struct listener *listener = ctx;
	struct events_spec spec = {0};
	struct err err = ERR_INIT;

	listener->result = engine_events(
		listener->engine, &spec, on_event, listener, listener->cancel_fd, &err);
	return NULL;
}

static void test_events(const struct env *env)
{
	struct listener listener = {.engine = engine_clone(env->engine)};
	int cancel[2], seen[2];
	struct err err = ERR_INIT;
	autofree char *last = NULL;
	int64_t deadline = clock_ms() + 15000;
	pthread_t thread;
	bool arrived = false;
	char byte;

	if (pipe(cancel) < 0 || pipe2(seen, O_NONBLOCK) < 0)
		abort();
	listener.cancel_fd = cancel[0];
	listener.seen_fd = seen[1];
	pthread_create(&thread, NULL, listen_events, &listener);
	/* The listener may not be there yet for the first one: create until one was heard. */
	while (!arrived && clock_ms() < deadline) {
		free(last);
		last = create(env, body_of(env, "true"), &err);
		if (last)
			container_remove(env->engine, last, true, &err);
		arrived = read(seen[0], &byte, 1) == 1;
	}
	if (write(cancel[1], "x", 1) != 1)
		abort();
	pthread_join(thread, NULL);
	ok(arrived && listener.result == 0, "events tell of a container", &err);
	ok(listener.container && strlen(listener.container) == 64, "and its id", &err);
	free(listener.container);
	engine_close(listener.engine);
	close(cancel[0]);
	close(cancel[1]);
	close(seen[0]);
	close(seen[1]);
}

static void *inspect_often(void *ctx)
{
	const struct env *env = ctx;
	struct engine *engine = engine_clone(env->engine);
	struct err err = ERR_INIT;
	intptr_t failed = 0;

	for (int i = 0; i < 20; i++)
		failed += image_inspect(engine, env->image, NULL, &err) < 0;
	engine_close(engine);
	return (void *)failed;
}

static void test_threads(const struct env *env)
{
	pthread_t threads[4];
	intptr_t failed = 0;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, inspect_often, (void *)env);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *each;

		pthread_join(threads[i], &each);
		failed += (intptr_t)each;
	}
	ok(failed == 0, "four clones at once", &err);
}

static void test_health(const struct env *env)
{
	json_t *body = body_of(env, "while :; do sleep 1; done");
	struct err err = ERR_INIT;
	autofree char *id = NULL;
	int result;

	json_object_set_new(body, "Healthcheck",
		json_pack("{s:[s,s], s:I, s:I, s:i}", "Test", "CMD-SHELL", "test -e /tmp/up",
			"Interval", (json_int_t)30000000000, "Timeout", (json_int_t)5000000000,
			"Retries", 1));
	id = create(env, body, &err);
	if (!ok(id && container_start(env->engine, id, &err) == 0, "start with a healthcheck",
		    &err))
		return;
	if (engine_all_facts(env->engine)->no_health_timer) {
		static const char *const heal[] = {"sh", "-c", ": > /tmp/up", NULL};
		int status = -1;

		result = engine_healthcheck(env->engine, id, &err);
		ok(result == 1, "a check by hand: not healthy", &err);
		container_exec_output(env->engine, id, heal, 10000, NULL, &status, &err);
		result = engine_healthcheck(env->engine, id, &err);
		ok(result == 0, "a check by hand: healthy", &err);
	}
	container_remove(env->engine, id, true, &err);
}

static void test_refusal(const struct env *env)
{
	struct err err = ERR_INIT;

	/* The last test: there is no way back. */
	engine_forbid_writes(env->engine);
	ok(engine_post(env->engine, NULL, NULL, &err, "/networks/prune") < 0 &&
			err.kind == ERR_FAILED,
		"a dry run sends nothing that writes", &err);
	ok(engine_get(env->engine, NULL, &err, "/containers/json") == 0, "but asks", &err);
}

int main(int argc, char **argv)
{
	struct engine_where where = {0};
	struct err err = ERR_INIT;
	struct env env = {.image = argc > 1 ? argv[1] : NULL};

	if (!env.image) {
		fprintf(stderr, "usage: DOCKER_HOST=unix:///path %s IMAGE\n", argv[0]);
		return 2;
	}
	signals_install();
	random_hex(env.suffix, 4);
	if (!ok(engine_find(&(struct engine_ask){.no_embedded = true}, &where, &err) == 0 &&
			    engine_open(&where, &env.engine, &err) == 0,
		    "find and open", &err))
		return 1;
	test_facts(&env);
	test_images(&env);
	test_attach(&env);
	test_big(&env);
	test_life(&env);
	test_logs(&env);
	test_follow(&env);
	test_objects(&env);
	test_events(&env);
	test_threads(&env);
	test_health(&env);
	test_refusal(&env);
	engine_close(env.engine);
	engine_where_release(&where);
	printf("1..%d\n", count);
	return failures ? 1 : 0;
}
