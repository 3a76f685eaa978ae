/*
 * follow.c - the merged logs of several services.
 *
 * One thread a container, because each is a connection that blocks; whole lines are printed under a
 * lock, so that no two services share a line.
 */
#include "follow.h"

#include "each.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stream {
	struct buf part; /* the line that is not complete yet */
	FILE *to;
};

struct follower {
	struct engine *engine;
	const struct follow *wish;
	const struct container *container;
	struct logs_spec logs; /* of this one */
	char *since;           /* owned: logs.since */
	char *prefix;          /* "" for none */
	bool tty, shown;
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

static void copy_logs(struct follower *follower)
{
	struct stream_io io = {.in = -1,
		.out = -1,
		.errfd = -1,
		.tty = follower->tty,
		.on_data = on_data,
		.ctx = follower,
		.cancel_fd = follower->wish->ended ? -1 : signals_fd()};

	follower->result = container_logs(
		follower->engine, follower->container->id, &follower->logs, &io, &follower->err);
	for (size_t i = 0; i < 2; i++) {
		struct buf *part = &follower->streams[i].part;

		if (part->len)
			print_line(follower, follower->streams[i].to, buf_str(part), part->len);
		buf_reset(part);
	}
}

/* "" when it is gone. */
static char *state_of(struct follower *follower, char **started, int *status)
{
	autojson json_t *inspect = NULL;
	struct err ignored = ERR_INIT;
	json_t *state;

	container_inspect(follower->engine, follower->container->id, &inspect, &ignored);
	state = json_object_get(inspect, "State");
	*started = xstrdup(json_str(state, "StartedAt"));
	*status = (int)json_int(state, "ExitCode");
	return xstrdup(json_str(state, "Status") ? json_str(state, "Status") : "");
}

/* Follow from where `started` says; what it wrote before was printed, or is old. */
static void copy_next(struct follower *follower, const char *started)
{
	follower->logs = (struct logs_spec){
		.follow = true,
		.timestamps = follower->logs.timestamps,
		.since = started,
		.tail = -1,
	};
	copy_logs(follower);
}

/* Through restarts, until it has ended for good: its status. */
static int until_end(struct follower *follower)
{
	int status;
	autofree char *followed = NULL, *first = state_of(follower, &followed, &status);

	if (follower->shown)
		copy_logs(follower);
	for (;;) {
		struct err ignored = ERR_INIT;
		autofree char *started = NULL;
		autofree char *state = state_of(follower, &started, &status);

		if (str_eq(state, "restarting") || str_eq(state, "stopping")) {
			clock_sleep_ms(50);
		} else if (!str_eq(state, "running") && !str_eq(state, "paused")) {
			return status;
		} else if (follower->shown && !str_eq(started, followed)) {
			copy_next(follower, started);
			free(followed);
			followed = TAKE(started);
		} else if (container_wait(follower->engine, follower->container->id, &status,
				   &ignored) < 0) {
			clock_sleep_ms(50);
		}
	}
}

static void *follow(void *arg)
{
	struct follower *follower = arg;
	const struct follow *wish = follower->wish;

	if (wish->ended)
		wish->ended(wish->ctx, follower->container, until_end(follower));
	else
		copy_logs(follower);
	return NULL;
}

static char *prefix_of(const struct session *session, const struct follow *wish,
	const struct container *container, size_t index, int width)
{
	static const char *const colors[] = {"cyan", "yellow", "green", "magenta", "blue"};
	const char *manifest = json_str(container->labels, "io.devenv.manifest");
	autofree char *name = session->ws.single || !manifest
				      ? xasprintf("%s-%d", container->service, container->number)
				      : xasprintf("%s/%s", manifest, container->service);

	if (wish->no_prefix)
		return xstrdup("");
	return xasprintf("%s%-*s |%s ",
		wish->no_color ? "" : ui_style(1, colors[index % ARRAY_LEN(colors)]), width, name,
		wish->no_color ? "" : ui_style(1, "reset"));
}

static void follower_release(struct follower *follower)
{
	engine_close(follower->engine);
	free(follower->since);
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

static int run_all(struct follower *followers, size_t n, const struct follow *wish, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < n; i++)
		signals_thread(&followers[i].thread, follow, &followers[i]);
	if (wish->meanwhile)
		result = wish->meanwhile(wish->ctx, n, err);
	for (size_t i = 0; i < n; i++) {
		pthread_join(followers[i].thread, NULL);
		if (!wish->ended && followers[i].result < 0 && !signals_pending() && result == 0) {
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

static bool is_chosen(
	const struct session *session, const struct follow *wish, const struct container *container)
{
	static const struct strv none = STRV_INIT;

	return !container->oneoff && container->service &&
	       (!wish->number || container->number == wish->number) &&
	       each_chosen(&session->ws, wish->words ? wish->words : &none, container);
}

/* `attach: false` of its service. */
static bool opted_out(const struct session *session, const struct container *container)
{
	for (size_t i = 0; i < session->ws.n; i++)
		if (str_eq(session->ws.manifests[i].project, container->project))
			return json_is_false(json_at(session->ws.manifests[i].model, "services",
				container->service, "attach", NULL));
	return false;
}

static bool is_shown(
	const struct session *session, const struct follow *wish, const struct container *container)
{
	if (wish->attached && opted_out(session, container))
		return false;
	if (wish->without && wish->without->n &&
		each_chosen(&session->ws, wish->without, container))
		return false;
	return !wish->shown || each_chosen(&session->ws, wish->shown, container);
}

static bool was_started(const struct plan *plan, const struct container *container)
{
	for (size_t i = 0; i < plan->n; i++)
		if ((plan->actions[i].kind == ACTION_START ||
			    plan->actions[i].kind == ACTION_RESTART) &&
			str_eq(plan->actions[i].name, container->name))
			return true;
	return false;
}

/* What it wrote before `plan` came is old. */
static void skip_old(struct follower *follower, const struct plan *plan)
{
	autofree char *state = NULL;
	int status;

	if (!was_started(plan, follower->container)) {
		follower->logs.tail = 0;
		return;
	}
	state = state_of(follower, &follower->since, &status);
	follower->logs.since = follower->since;
}

static void follower_init(struct follower *follower, struct session *session,
	const struct follow *wish, const struct container *container, pthread_mutex_t *print)
{
	*follower = (struct follower){
		.engine = engine_clone(session->engine),
		.wish = wish,
		.container = container,
		.logs = wish->logs,
		.tty = has_tty(session, container->id),
		.shown = is_shown(session, wish, container),
		.streams = {{BUF_INIT(1 << 20), stdout}, {BUF_INIT(1 << 20), stderr}},
		.print = print,
	};
	if (wish->plan)
		skip_old(follower, wish->plan);
}

int follow_logs(
	struct app *app, struct session *session, const struct follow *wish, struct err *err)
{
	pthread_mutex_t print = PTHREAD_MUTEX_INITIALIZER;
	struct follower *followers;
	struct actual actual = {0};
	size_t n = 0;
	int result, width;

	if (actual_read(session->engine, &session->ws, &actual, err) < 0)
		return -1;
	width = name_width(&actual);
	followers = xcalloc(actual.n, sizeof(*followers));
	for (size_t i = 0; i < actual.n; i++) {
		const struct container *container = &actual.containers[i];

		if (!is_chosen(session, wish, container) ||
			(!wish->ended && !is_shown(session, wish, container)))
			continue;
		follower_init(&followers[n], session, wish, container, &print);
		followers[n].prefix = prefix_of(session, wish, container, n, width);
		n++;
	}
	err_clear(err);
	ui_pause(&app->sink);
	result = run_all(followers, n, wish, err);
	ui_resume(&app->sink);
	for (size_t i = 0; i < n; i++)
		follower_release(&followers[i]);
	free(followers);
	actual_release(&actual);
	return result;
}
