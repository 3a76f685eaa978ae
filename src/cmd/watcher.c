/*
 * watcher.c - batches of changes, each followed by what the rules ask for: in the order of Compose,
 * rebuild, copy, restart, run.
 */
#include "watch.h"

#include "devenv/clock.h"
#include "devenv/fswatch.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/watch.h"

#include <stdlib.h>

/* Compose's figure: what an editor or a checkout writes at once is one batch. */
#define QUIET_MS 500
#define LOCK_WITHIN_MS 60000

struct watcher {
	struct app *app;
	struct session *session;
	struct watch_wishes wishes;
	struct watch_rules rules;
	struct fswatch *files;
	struct lock lock; /* of two watchers each would copy, and each would rebuild */
};

static void emit(const struct watcher *watcher, enum event_kind kind, const char *object,
	const char *text, int code)
{
	sink_emit(&watcher->app->sink,
		&(struct event){.kind = kind, .object = object, .text = text, .code = code});
}

/* It is told of, and the next change gets its chance. */
static void failed(const struct watcher *watcher, const char *object, const struct err *err)
{
	if (!signals_pending())
		emit(watcher, EVENT_FAILED, object, err->msg, err_exit_status(err));
}

/* === rebuild and restart: plans, under the workspace's lock === */

/* Somebody else may be at work in another terminal: that ends. */
static int take_lock(const struct watcher *watcher, struct lock *lock, struct err *err)
{
	const struct workspace *ws = &watcher->session->ws;
	int64_t until = clock_ms() + LOCK_WITHIN_MS;

	while (state_lock(ws->lock_id, ws->name, "devenv watch", lock, err) < 0) {
		if (clock_ms() >= until || signals_pending())
			return -1;
		clock_sleep_ms(200);
	}
	err_clear(err);
	return 0;
}

static int run_plan(const struct watcher *watcher, struct plan *plan, struct err *err)
{
	struct run_options run = {
		.sink = &watcher->app->sink,
		.stop_timeout_s = -1,
		.quiet_build = watcher->wishes.quiet,
	};
	int result = plan_run(plan, watcher->session->engine, &run, err);

	plan_release(plan);
	return result;
}

/* The project's images that lost their name, except those that a container still runs. */
static void prune(const struct watcher *watcher, const struct manifest *manifest)
{
	struct engine *engine = watcher->session->engine;
	autofree char *label = xasprintf("com.docker.compose.project=%s", manifest->project);
	autofree char *filters = engine_filters("dangling", "true", "label", label, NULL);
	autojson json_t *images = NULL;
	struct err ignored = ERR_INIT;
	json_t *image;
	size_t i;

	if (engine_get(engine, &images, &ignored, "/images/json?filters=%s", filters) < 0)
		return;
	json_array_foreach (images, i, image) {
		autofree char *id = engine_escape(json_str(image, "Id"));

		engine_delete(engine, &ignored, "/images/%s", id);
	}
}

static int rebuild(const struct watcher *watcher, const struct strv *words, struct err *err)
{
	struct engine *engine = watcher->session->engine;
	struct build_wishes wishes = {0};
	struct plan_request request = {.ws = &watcher->session->ws,
		.words = words,
		.no_deps = true,
		.force_recreate = true,
		.build = &wishes};
	struct plan plan = {0};

	if (plan_build(&request, false, &plan, err) < 0 || run_plan(watcher, &plan, err) < 0)
		return -1;
	request.build = NULL;
	request.no_build = true;
	if (plan_up(engine, &request, &plan, err) < 0)
		return -1;
	return run_plan(watcher, &plan, err);
}

static int restart(const struct watcher *watcher, const struct strv *words, struct err *err)
{
	struct plan_request request = {.ws = &watcher->session->ws, .words = words};
	struct plan plan = {0};

	if (plan_restart(watcher->session->engine, &request, &plan, err) < 0)
		return -1;
	return run_plan(watcher, &plan, err);
}

/* Of all services of the batch that ask for it, at once. */
static void rebuild_or_restart(
	const struct watcher *watcher, const struct watch_batch *batch, bool building)
{
	autostrv struct strv words = STRV_INIT;
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	int result;

	for (size_t i = 0; i < batch->n; i++) {
		const struct watch_job *job = &batch->jobs[i];

		if (!(building ? job->rebuild : job->restart))
			continue;
		strv_pushf(&words, "%s/%s", job->manifest->name, job->service);
		emit(watcher, EVENT_INFO, job->object, building ? "rebuild" : "restart", 0);
	}
	if (!words.n || watcher->wishes.dry_run)
		return;
	result = take_lock(watcher, &lock, &err);
	if (result == 0)
		result = building ? rebuild(watcher, &words, &err) : restart(watcher, &words, &err);
	lock_release(&lock);
	if (result < 0)
		failed(watcher, NULL, &err);
	else if (building && watcher->wishes.prune)
		for (size_t i = 0; i < batch->n; i++)
			prune(watcher, batch->jobs[i].manifest);
}

/* === copying and running === */

static void copy(
	const struct watcher *watcher, const struct actual *actual, const struct watch_job *job)
{
	autofree char *text = NULL;
	struct watch_count count;
	struct err err = ERR_INIT;

	if (watcher->wishes.dry_run) {
		for (size_t i = 0; i < job->from.n; i++)
			sink_info(&watcher->app->sink, job->object, "sync %s to %s", job->from.v[i],
				job->to.v[i]);
		return;
	}
	emit(watcher, EVENT_START, job->object, "Syncing", 0);
	if (watch_sync(watcher->session->engine, actual, job, &watcher->app->sink, &count, &err) <
		0) {
		failed(watcher, job->object, &err);
		return;
	}
	text = xasprintf("Synced: %zu copied, %zu removed", count.copied, count.removed);
	emit(watcher, EVENT_DONE, job->object, text, 0);
}

static void run_hooks(
	const struct watcher *watcher, const struct actual *actual, const struct watch_job *job)
{
	for (size_t i = 0; i < job->n_execs; i++) {
		autostrv struct strv argv = STRV_INIT;
		autofree char *command = NULL, *text = NULL;
		struct err err = ERR_INIT;

		json_to_strv(json_object_get(job->execs[i], "command"), &argv);
		command = strv_join(&argv, " ");
		text = xasprintf("run: %s", command);
		emit(watcher, EVENT_INFO, job->object, text, 0);
		if (!watcher->wishes.dry_run &&
			watch_exec(watcher->session->engine, actual, job, job->execs[i],
				&watcher->app->sink, &err) < 0)
			failed(watcher, job->object, &err);
	}
}

/* For each job of the batch, in what runs by now. */
static void for_jobs(const struct watcher *watcher, const struct watch_batch *batch,
	void (*run)(const struct watcher *, const struct actual *, const struct watch_job *),
	bool (*wanted)(const struct watch_job *))
{
	struct session *session = watcher->session;
	struct actual actual = {0};
	struct err err = ERR_INIT;
	bool some = false;

	for (size_t i = 0; i < batch->n; i++)
		some |= wanted(&batch->jobs[i]);
	if (!some)
		return;
	if (actual_read(session->engine, &session->ws, &actual, &err) < 0) {
		failed(watcher, NULL, &err);
		return;
	}
	for (size_t i = 0; i < batch->n && !signals_pending(); i++)
		if (wanted(&batch->jobs[i]))
			run(watcher, &actual, &batch->jobs[i]);
	actual_release(&actual);
}

static bool has_files(const struct watch_job *job)
{
	return job->from.n > 0;
}

static bool has_hooks(const struct watch_job *job)
{
	return job->n_execs > 0;
}

static void follow_batch(const struct watcher *watcher, const struct strv *changed, bool initial)
{
	struct watch_batch batch;

	watch_batch_make(&watcher->session->ws, &watcher->rules, changed, initial, &batch);
	rebuild_or_restart(watcher, &batch, true);
	for_jobs(watcher, &batch, copy, has_files);
	rebuild_or_restart(watcher, &batch, false);
	for_jobs(watcher, &batch, run_hooks, has_hooks);
	watch_batch_release(&batch);
}

/* === the loop === */

static int take_watch(struct watcher *watcher, struct err *err)
{
	const struct workspace *ws = &watcher->session->ws;
	autofree char *command = xasprintf("devenv %s", watcher->app->name);

	return state_lock_watch(ws->lock_id, ws->name, command, &watcher->lock, err);
}

int watcher_open(struct app *app, struct session *session, const struct strv *words,
	const struct watch_wishes *wishes, struct watcher **out, struct err *err)
{
	struct watcher *watcher = xcalloc(1, sizeof(*watcher));
	struct plan_request request = {.ws = &session->ws, .words = words, .no_deps = true};
	autostrv struct strv paths = STRV_INIT;
	struct fswatch_spec spec = {
		.paths = &paths, .skip = watch_rules_skip, .ctx = &watcher->rules};

	*watcher = (struct watcher){
		.app = app, .session = session, .wishes = *wishes, .lock = LOCK_NONE};
	if ((!wishes->dry_run && take_watch(watcher, err) < 0) ||
		watch_rules_make(&request, &app->sink, &watcher->rules, err) < 0) {
		watcher_close(watcher);
		return -1;
	}
	for (size_t i = 0; i < watcher->rules.n; i++)
		if (!strv_has(&paths, watcher->rules.list[i].path))
			strv_push(&paths, watcher->rules.list[i].path);
	if (fswatch_open(&spec, &watcher->files, err) < 0) {
		watcher_close(watcher);
		return -1;
	}
	*out = watcher;
	return 0;
}

static void copy_at_first(const struct watcher *watcher)
{
	autostrv struct strv all = STRV_INIT;

	fswatch_paths(watcher->files, &all);
	follow_batch(watcher, &all, true);
}

int watcher_run(struct watcher *watcher, struct err *err)
{
	session_unlock(watcher->session);
	copy_at_first(watcher);
	emit(watcher, EVENT_INFO, NULL, "watching for changes; Ctrl-C ends it", 0);
	for (;;) {
		autostrv struct strv changed = STRV_INIT;
		struct err own = ERR_INIT;
		int n = fswatch_wait(watcher->files, QUIET_MS, signals_fd(), &changed, &own);

		if (n == 0 || signals_pending())
			break;
		if (n < 0)
			failed(watcher, NULL, &own);
		else
			follow_batch(watcher, &changed, false);
	}
	emit(watcher, EVENT_INFO, NULL, "no longer watching", 0);
	err_set(err, ERR_EXIT, "stopped");
	err->status = 128 + signals_pending();
	return -1;
}

void watcher_close(struct watcher *watcher)
{
	if (!watcher)
		return;
	fswatch_close(watcher->files);
	watch_rules_release(&watcher->rules);
	lock_release(&watcher->lock);
	free(watcher);
}

void cleanup_watcher(struct watcher **watcher)
{
	watcher_close(*watcher);
}
