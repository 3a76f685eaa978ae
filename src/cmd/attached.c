/*
 * attached.c - `up --abort-on-container-exit`.
 *
 * The followers' threads report each end through a pipe; this thread polls it beside the signals.
 * Stopping is a plan of its own, in a thread, so that a second Ctrl-C can kill meanwhile.
 */
#include "attached.h"

#include "each.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

struct end {
	const struct container *container; /* NULL: everything is stopped */
	int status;
};

struct watch {
	struct app *app;
	struct session *session;
	const struct attached *wish;
	struct strv words;    /* all services of this `up`, with what they depend on */
	int ends[2];          /* a pipe of struct end */
	size_t left;          /* containers that have not ended */
	bool aborting, taken; /* taken: `status` is what --exit-code-from means */
	int status;
	struct err stop_err; /* of stopping */
};

static void report(struct watch *watch, const struct end *end)
{
	/* Less than PIPE_BUF: whole or not at all. Without a reader nobody waits for it. */
	if (write(watch->ends[1], end, sizeof(*end)) < 0)
		return;
}

static void on_end(void *ctx, const struct container *container, int status)
{
	report(ctx, &(struct end){container, status});
}

/* === stopping === */

static void *stop_all(void *arg)
{
	struct watch *watch = arg;
	struct plan_request request = {.ws = &watch->session->ws, .words = &watch->words};
	struct engine *engine = engine_clone(watch->session->engine);
	struct run_options run = *watch->wish->run;
	struct plan plan = {0};

	run.sink = &watch->app->sink;
	if (plan_stop(engine, &request, &plan, &watch->stop_err) == 0)
		plan_run(&plan, engine, &run, &watch->stop_err);
	plan_release(&plan);
	engine_close(engine);
	report(watch, &(struct end){NULL, 0});
	return NULL;
}

static void kill_all(struct watch *watch)
{
	struct engine *engine = engine_clone(watch->session->engine);
	struct actual actual = {0};
	struct err ignored = ERR_INIT;

	if (actual_read(engine, &watch->session->ws, &actual, &ignored) == 0)
		for (size_t i = 0; i < actual.n; i++)
			if (each_chosen(&watch->session->ws, &watch->words, &actual.containers[i]))
				container_kill(
					engine, actual.containers[i].id, "SIGKILL", &ignored);
	actual_release(&actual);
	engine_close(engine);
}

/* Said at once, also while the live display stands still. */
__attribute__((format(printf, 2, 3))) static void say(struct watch *watch, const char *fmt, ...)
{
	va_list args;
	autofree char *text = NULL;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	ui_resume(&watch->app->sink);
	sink_info(&watch->app->sink, NULL, "%s", text);
	ui_pause(&watch->app->sink);
}

/* === waiting === */

static bool is_job(const struct workspace *ws, const struct container *container)
{
	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, container->project))
			return plan_is_job(&ws->manifests[i], container->service);
	return false;
}

static bool is_service(
	const struct watch *watch, const struct container *container, const char *word)
{
	struct strv words = {.v = (char *[]){(char *)word, NULL}, .n = 1};

	return each_chosen(&watch->session->ws, &words, container);
}

/* One has ended: does everything else end with it? */
static bool is_abort(struct watch *watch, const struct end *end)
{
	const struct attached *wish = watch->wish;
	bool counts = end->status != 0 ||
		      (!wish->on_failure && !is_job(&watch->session->ws, end->container));

	if (wish->status_from && !watch->taken &&
		is_service(watch, end->container, wish->status_from)) {
		watch->status = end->status;
		watch->taken = true;
	}
	if (watch->aborting || !counts)
		return false;
	if (!wish->status_from)
		watch->status = end->status;
	watch->aborting = true;
	say(watch, "%s ended with status %d; stopping all", end->container->name, end->status);
	return true;
}

/* Until everything is stopped and every container has ended. */
static void stop_and_wait(struct watch *watch)
{
	struct pollfd fds[] = {
		{.fd = watch->ends[0], .events = POLLIN}, {.fd = signals_fd(), .events = POLLIN}};
	bool stopped = false;
	pthread_t thread;

	watch->aborting = true;
	signals_forget();
	signals_thread(&thread, stop_all, watch);
	while (!stopped || watch->left) {
		struct end end;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents) {
			kill_all(watch);
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
		if (!fds[0].revents || read(watch->ends[0], &end, sizeof(end)) != sizeof(end))
			continue;
		if (end.container) {
			watch->left--;
			is_abort(watch, &end);
		} else {
			stopped = true;
			if (watch->stop_err.kind != ERR_NONE &&
				watch->stop_err.kind != ERR_CANCELLED)
				kill_all(watch);
		}
	}
	pthread_join(thread, NULL);
}

static int cancelled(struct err *err, int signal)
{
	err_set(err, ERR_CANCELLED, "stopped by a signal; the containers are stopped too");
	err->status = 128 + signal;
	return -1;
}

static int outcome(const struct watch *watch, struct err *err)
{
	if (watch->stop_err.kind != ERR_NONE && watch->stop_err.kind != ERR_CANCELLED) {
		*err = watch->stop_err;
		return -1;
	}
	if (!watch->status)
		return 0;
	err->kind = ERR_EXIT;
	err->status = watch->status;
	return -1;
}

/* The main thread while the followers follow: `n` containers. */
static int until_abort(void *ctx, size_t n, struct err *err)
{
	struct watch *watch = ctx;
	struct pollfd fds[] = {
		{.fd = watch->ends[0], .events = POLLIN}, {.fd = signals_fd(), .events = POLLIN}};

	watch->left = n;
	while (watch->left) {
		struct end end;
		int signal = signals_pending();

		if (signal) {
			say(watch, "stopping all; Ctrl-C again kills");
			stop_and_wait(watch);
			return cancelled(err, signal);
		}
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 || !fds[0].revents ||
			read(watch->ends[0], &end, sizeof(end)) != sizeof(end))
			continue;
		watch->left--;
		if (is_abort(watch, &end)) {
			stop_and_wait(watch);
			break;
		}
	}
	return outcome(watch, err);
}

static int run_plan(struct watch *watch, struct plan *plan, struct err *err)
{
	int result = session_run_plan(
		watch->app, watch->session, plan, watch->wish->run, "is started", err);

	/* The end may take hours: others may work on the workspace meanwhile. */
	session_unlock(watch->session);
	if (result == 0)
		return 0;
	ui_pause(&watch->app->sink);
	stop_and_wait(watch);
	ui_resume(&watch->app->sink);
	return -1;
}

int attached_run(struct app *app, struct session *session, const struct attached *wish,
	struct plan *plan, struct err *err)
{
	struct watch watch = {
		.app = app,
		.session = session,
		.wish = wish,
		.words = STRV_INIT,
		.stop_err = ERR_INIT,
	};
	struct follow follow = wish->follow;
	int result = -1;

	if (plan_words(wish->request, &watch.words, err) < 0)
		return -1;
	if (pipe2(watch.ends, O_CLOEXEC) < 0) {
		strv_release(&watch.words);
		return err_os(err, ERR_FAILED, errno, "make a pipe");
	}
	follow.words = &watch.words;
	follow.ended = on_end;
	follow.meanwhile = until_abort;
	follow.ctx = &watch;
	follow.plan = plan;
	if (run_plan(&watch, plan, err) == 0)
		result = follow_logs(app, session, &follow, err);
	close(watch.ends[0]);
	close(watch.ends[1]);
	strv_release(&watch.words);
	return result;
}
