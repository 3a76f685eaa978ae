/*
 * run.c - the runner: a bounded pool of threads over the actions of a plan.
 *
 * A worker takes, of the actions whose needs are done and whose time has come, the one that the
 * longest chain waits for.  The first failure, or Ctrl-C, stops new actions; what runs is finished.
 */
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define WORKERS_DEFAULT 10
/* Creations at once: more would only slow the start that everything else waits for. */
#define CREATIONS_MAX 3
#define WAIT_DEFAULT_MS (10 * 60 * 1000)

enum step { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_FAILED };

struct task {
	enum step step;
	bool begun;      /* its start was emitted */
	int64_t started; /* ms */
	int64_t due;     /* not before (readiness) */
	int retry_ms;
	int depth; /* how many actions wait for it, in the longest chain */
};

struct runner {
	struct plan *plan;
	const struct run_options *options;
	struct act_context context;
	struct task *tasks;
	size_t left;     /* actions that are not done */
	size_t creating; /* of the running ones */
	bool stopping;
	int64_t deadline;
	struct err err; /* the first failure */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

struct worker {
	struct runner *runner;
	struct engine *engine;
	pthread_t thread;
};

static const struct {
	const char *doing, *done;
} words[] = {
	[ACTION_CLONE] = {"Cloning", "Cloned"},
	[ACTION_PULL] = {"Pulling", "Pulled"},
	[ACTION_BUILD] = {"Building", "Built"},
	[ACTION_FETCH] = {"Pulling", "Pulled"},
	[ACTION_NETWORK] = {"Creating", "Created"},
	[ACTION_VOLUME] = {"Creating", "Created"},
	[ACTION_RESTORE] = {"Restoring", "Restored"},
	[ACTION_CREATE] = {"Creating", "Created"},
	[ACTION_START] = {"Starting", "Started"},
	[ACTION_RESTART] = {"Restarting", "Restarted"},
	[ACTION_READY] = {"Waiting", NULL}, /* ready_word() */
	[ACTION_STOP] = {"Stopping", "Stopped"},
	[ACTION_REMOVE] = {"Removing", "Removed"},
	[ACTION_REMOVE_NETWORK] = {"Removing", "Removed"},
	[ACTION_REMOVE_VOLUME] = {"Removing", "Removed"},
};

/* === choosing === */

/*
 * Needs point backwards or forwards: repeat until nothing grows; cycles were refused when loading.
 */
static void measure_depths(struct runner *runner)
{
	bool grown = true;

	for (size_t round = 0; grown && round < runner->plan->n; round++) {
		grown = false;
		for (size_t i = 0; i < runner->plan->n; i++) {
			const struct action *action = &runner->plan->actions[i];

			for (size_t n = 0; n < action->n_needs; n++) {
				struct task *needed = &runner->tasks[action->needs[n]];

				if (needed->depth <= runner->tasks[i].depth) {
					needed->depth = runner->tasks[i].depth + 1;
					grown = true;
				}
			}
		}
	}
}

static bool needs_done(const struct runner *runner, size_t index)
{
	const struct action *action = &runner->plan->actions[index];

	for (size_t i = 0; i < action->n_needs; i++)
		if (runner->tasks[action->needs[i]].step != STEP_DONE)
			return false;
	return true;
}

/* The next action, or NO_ACTION with *wait_ms until one may be due. */
static size_t choose(const struct runner *runner, int *wait_ms)
{
	int64_t now = clock_ms();
	size_t best = NO_ACTION;

	*wait_ms = 1000;
	for (size_t i = 0; i < runner->plan->n; i++) {
		const struct task *task = &runner->tasks[i];

		if (task->step != STEP_WAITING || !needs_done(runner, i))
			continue;
		if (runner->plan->actions[i].kind == ACTION_CREATE &&
			runner->creating >= CREATIONS_MAX)
			continue;
		if (task->due > now) {
			if (task->due - now < *wait_ms)
				*wait_ms = (int)(task->due - now);
			continue;
		}
		if (best == NO_ACTION || task->depth > runner->tasks[best].depth)
			best = i;
	}
	return best;
}

/* === doing === */

static void emit(
	struct runner *runner, size_t index, enum event_kind kind, const char *text, int code)
{
	const struct action *action = &runner->plan->actions[index];
	int64_t ms = clock_ms() - runner->tasks[index].started;

	sink_emit(runner->options->sink, &(struct event){.kind = kind,
						 .object = action->object,
						 .text = text,
						 .ms = ms,
						 .code = code});
}

static void begin(struct runner *runner, size_t index)
{
	struct task *task = &runner->tasks[index];

	task->step = STEP_RUNNING;
	runner->creating += runner->plan->actions[index].kind == ACTION_CREATE;
	if (task->begun)
		return;
	task->begun = true;
	task->started = clock_ms();
	emit(runner, index, EVENT_START, words[runner->plan->actions[index].kind].doing, 0);
}

static void fail(struct runner *runner, size_t index, struct err *err)
{
	struct task *task = &runner->tasks[index];

	task->step = STEP_FAILED;
	if (err->kind == ERR_CANCELLED || (signals_pending() && runner->stopping)) {
		runner->stopping = true;
		return;
	}
	emit(runner, index, EVENT_FAILED, err->msg, err_exit_status(err));
	if (!runner->stopping) {
		runner->err = *err;
		if (!str_starts(err->msg, runner->plan->actions[index].object))
			err_wrap(&runner->err, "%s", runner->plan->actions[index].object);
	}
	runner->stopping = true;
}

static void timed_out(struct runner *runner, size_t index)
{
	struct err err = ERR_INIT;
	char waited[16];

	err_set(&err, ERR_NOT_READY,
		"%s is not ready after %s; `devenv logs %s` shows what it does",
		runner->plan->actions[index].object,
		format_ms(waited, clock_ms() - runner->tasks[index].started),
		runner->plan->actions[index].service);
	fail(runner, index, &err);
}

static const char *done_word(const struct runner *runner, size_t index)
{
	enum action_kind kind = runner->plan->actions[index].kind;

	return kind == ACTION_READY ? ready_word(runner->context.states[index]) : words[kind].done;
}

static void finish(struct runner *runner, size_t index, int result, struct err *err)
{
	struct task *task = &runner->tasks[index];

	runner->creating -= runner->plan->actions[index].kind == ACTION_CREATE;
	if (result < 0) {
		fail(runner, index, err);
	} else if (result > 0) {
		task->step = STEP_WAITING;
		task->due = clock_ms() + task->retry_ms;
		if (clock_ms() >= runner->deadline)
			timed_out(runner, index);
	} else {
		task->step = STEP_DONE;
		runner->left--;
		emit(runner, index, EVENT_DONE, done_word(runner, index), 0);
	}
	pthread_cond_broadcast(&runner->changed);
}

static void wait_changed(struct runner *runner, int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&runner->changed, &runner->mutex, &until);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct runner *runner = worker->runner;

	pthread_mutex_lock(&runner->mutex);
	while (runner->left && !runner->stopping) {
		struct err err = ERR_INIT;
		int wait_ms, result;
		size_t index = choose(runner, &wait_ms);

		if (signals_pending()) {
			runner->stopping = true;
			break;
		}
		if (index == NO_ACTION) {
			wait_changed(runner, wait_ms < 100 ? wait_ms : 100);
			continue;
		}
		begin(runner, index);
		pthread_mutex_unlock(&runner->mutex);
		result = act(&runner->context, index, worker->engine,
			&runner->tasks[index].retry_ms, &err);
		pthread_mutex_lock(&runner->mutex);
		finish(runner, index, result, &err);
	}
	pthread_cond_broadcast(&runner->changed);
	pthread_mutex_unlock(&runner->mutex);
	return NULL;
}

/* === the pool === */

static void runner_init(struct runner *runner, struct plan *plan, const struct run_options *options)
{
	pthread_condattr_t attributes;
	int64_t wait = options->wait_timeout_ms ? options->wait_timeout_ms : WAIT_DEFAULT_MS;

	*runner = (struct runner){.plan = plan, .options = options, .left = plan->n};
	runner->tasks = xcalloc(plan->n, sizeof(*runner->tasks));
	runner->context = (struct act_context){options, plan, xcalloc(plan->n, sizeof(char *)),
		xcalloc(plan->n, sizeof(struct ready_state *))};
	runner->deadline = clock_ms() + wait;
	pthread_mutex_init(&runner->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&runner->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	measure_depths(runner);
}

static void runner_release(struct runner *runner)
{
	for (size_t i = 0; i < runner->plan->n; i++) {
		free(runner->context.ids[i]);
		ready_free(runner->context.states[i]);
	}
	free(runner->context.ids);
	free(runner->context.states);
	free(runner->tasks);
	pthread_cond_destroy(&runner->changed);
	pthread_mutex_destroy(&runner->mutex);
}

static void start_workers(
	struct worker *workers, size_t n, struct runner *runner, struct engine *engine)
{
	for (size_t i = 0; i < n; i++) {
		workers[i] = (struct worker){.runner = runner, .engine = engine_clone(engine)};
		signals_thread(&workers[i].thread, work, &workers[i]);
	}
}

int plan_run(struct plan *plan, struct engine *engine, const struct run_options *options,
	struct err *err)
{
	size_t n = options->workers ? (size_t)options->workers : WORKERS_DEFAULT;
	struct runner runner;
	struct worker *workers;
	int result = 0;

	if (!plan->n)
		return 0;
	if (n > plan->n)
		n = plan->n;
	runner_init(&runner, plan, options);
	workers = xcalloc(n, sizeof(*workers));
	start_workers(workers, n, &runner, engine);
	for (size_t i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		engine_close(workers[i].engine);
	}
	free(workers);
	if (runner.err.kind != ERR_NONE) {
		*err = runner.err;
		result = -1;
	} else if (runner.left && signals_pending()) {
		err_set(err, ERR_CANCELLED, "stopped; the next `devenv up` goes on from here");
		err->status = 128 + signals_pending();
		result = -1;
	} else if (runner.left) {
		result = err_set(err, ERR_FAILED, "the plan has actions that wait for each other");
	}
	runner_release(&runner);
	return result;
}
