/*
 * follow.c - the merged logs of several services.
 *
 * One thread a container, because each is a connection that blocks; whole lines are printed under a
 * lock, so that no two services share a line.
 */
#include "follow.h"

#include "each.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stream {
	struct buf part; /* the line that is not complete yet */
	FILE *to;
};

struct follower {
	struct engine *engine;
	const struct logs_spec *spec;
	const char *id;
	char *prefix; /* "" for none */
	bool tty;
	struct stream streams[2]; /* stdout, stderr */
	pthread_mutex_t *print;
	pthread_t thread;
	struct err err;
	int result;
};

static void print_line(struct follower *follower, FILE *to, const char *line, size_t len)
{
	pthread_mutex_lock(follower->print);
	fputs(follower->prefix, to);
	fwrite(line, 1, len, to);
	putc('\n', to);
	fflush(to);
	pthread_mutex_unlock(follower->print);
}

/* Cut into lines; a line of more than the buffer's limit is printed in pieces. */
static int on_data(void *ctx, int stream, const char *data, size_t len)
{
	struct follower *follower = ctx;
	struct stream *to = &follower->streams[stream == 2];

	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		if (buf_add(&to->part, data, n) < 0 || end) {
			print_line(follower, to->to, buf_str(&to->part), to->part.len);
			buf_reset(&to->part);
		}
		data += n + (end != NULL);
		len -= n + (end != NULL);
	}
	return ferror(stdout) ? -1 : 0;
}

static void *follow(void *arg)
{
	struct follower *follower = arg;
	struct stream_io io = {.in = -1,
		.out = -1,
		.errfd = -1,
		.tty = follower->tty,
		.on_data = on_data,
		.ctx = follower,
		.cancel_fd = signals_fd()};

	follower->result = container_logs(
		follower->engine, follower->id, follower->spec, &io, &follower->err);
	for (size_t i = 0; i < 2; i++)
		if (follower->streams[i].part.len)
			print_line(follower, follower->streams[i].to,
				buf_str(&follower->streams[i].part), follower->streams[i].part.len);
	return NULL;
}

static char *prefix_of(
	const struct session *session, const struct container *container, size_t index, int width)
{
	static const char *const colors[] = {"cyan", "yellow", "green", "magenta", "blue"};
	const char *manifest = json_str(container->labels, "io.devenv.manifest");
	autofree char *name = session->ws.single || !manifest
				      ? xasprintf("%s-%d", container->service, container->number)
				      : xasprintf("%s/%s", manifest, container->service);

	return xasprintf("%s%-*s |%s ", ui_style(1, colors[index % ARRAY_LEN(colors)]), width, name,
		ui_style(1, "reset"));
}

static void follower_release(struct follower *follower)
{
	engine_close(follower->engine);
	free(follower->prefix);
	buf_release(&follower->streams[0].part);
	buf_release(&follower->streams[1].part);
}

static bool has_tty(struct session *session, const char *id)
{
	autojson json_t *inspect = NULL;
	struct err ignored = ERR_INIT;

	return container_inspect(session->engine, id, &inspect, &ignored) == 0 &&
	       json_is_true(json_at(inspect, "Config", "Tty", NULL));
}

static int run_all(struct follower *followers, size_t n, struct err *err)
{
	sigset_t all, before;
	int result = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < n; i++)
		if (pthread_create(&followers[i].thread, NULL, follow, &followers[i]) != 0)
			abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < n; i++) {
		pthread_join(followers[i].thread, NULL);
		if (followers[i].result < 0 && !signals_pending() && result == 0) {
			*err = followers[i].err;
			result = -1;
		}
	}
	return result;
}

static int name_width(const struct actual *actual)
{
	size_t width = 0;

	for (size_t i = 0; i < actual->n; i++) {
		const struct container *one = &actual->containers[i];
		const char *manifest = json_str(one->labels, "io.devenv.manifest");
		size_t len = strlen(one->service ? one->service : "") +
			     (manifest ? strlen(manifest) : 1) + 1;

		if (len > width)
			width = len;
	}
	return (int)(width < 32 ? width : 32);
}

int follow_logs(struct app *app, struct session *session, const struct strv *words,
	const struct logs_spec *spec, struct err *err)
{
	pthread_mutex_t print = PTHREAD_MUTEX_INITIALIZER;
	struct follower *followers;
	struct actual actual = {0};
	size_t n = 0;
	int result;

	if (actual_read(session->engine, &session->ws, &actual, err) < 0)
		return -1;
	followers = xcalloc(actual.n, sizeof(*followers));
	for (size_t i = 0; i < actual.n; i++) {
		const struct container *container = &actual.containers[i];

		if (container->oneoff || !container->service ||
			!each_chosen(&session->ws, words, container))
			continue;
		followers[n] = (struct follower){
			.engine = engine_clone(session->engine),
			.spec = spec,
			.id = container->id,
			.prefix = prefix_of(session, container, n, name_width(&actual)),
			.tty = has_tty(session, container->id),
			.streams = {{BUF_INIT(1 << 20), stdout}, {BUF_INIT(1 << 20), stderr}},
			.print = &print,
		};
		n++;
	}
	err_clear(err);
	ui_pause(&app->sink);
	result = run_all(followers, n, err);
	ui_resume(&app->sink);
	for (size_t i = 0; i < n; i++)
		follower_release(&followers[i]);
	free(followers);
	actual_release(&actual);
	return result;
}
