/*
 * up.c - `devenv up`: read, plan, act; 0 only when everything is truly ready.
 */
#include "attached.h"
#include "bring_up.h"
#include "commands.h"
#include "common_options.h"
#include "watch.h"

#include "devenv/mem.h"
struct up_options {
	struct strv scale, no_attach;
	bool no_start, build, no_build, detach, attach, dry_run, force_recreate, no_recreate,
		recreate_deps, renew_volumes, no_deps, remove_orphans, wait, quiet_pull,
		quiet_build, abort_exit, abort_failure, attach_deps, no_color, no_prefix,
		timestamps, menu, watch;
	const char *pull, *status_from;
	int64_t wait_timeout;
	int64_t timeout;
};

#define AT(member) OPT_AT(struct up_options, member)

static const struct option_spec options[] = {
	{.name = "abort-on-container-exit",
		.type = OPT_FLAG,
		AT(abort_exit),
		.help = "Show the logs, and stop all when one container ends"},
	{.name = "abort-on-container-failure",
		.type = OPT_FLAG,
		AT(abort_failure),
		.help = "Show the logs, and stop all when one container fails"},
	{.name = "always-recreate-deps",
		.type = OPT_FLAG,
		AT(recreate_deps),
		.help = "Replace what the named services depend on"},
	{.name = "attach",
		.type = OPT_FLAG,
		AT(attach),
		.help = "Follow the logs once all is ready (Ctrl-C leaves it running)"},
	{.name = "attach-dependencies",
		.type = OPT_FLAG,
		AT(attach_deps),
		.help = "Follow the logs of what the named services depend on too"},
	{.name = "build",
		.type = OPT_FLAG,
		AT(build),
		.help = "Build the images of services that have `build:`"},
	{.name = "detach",
		.letter = 'd',
		.type = OPT_FLAG,
		AT(detach),
		.help = "Return when all is ready: the default"},
	{OPTION_DRY_RUN, AT(dry_run)},
	{.name = "exit-code-from",
		.type = OPT_STRING,
		AT(status_from),
		.arg = "SERVICE",
		.help = "As --abort-on-container-exit, with the status of this service",
		.complete = COMPLETE_SERVICE},
	{OPTION_FORCE_RECREATE, AT(force_recreate)},
	{.name = "menu",
		.type = OPT_FLAG,
		AT(menu),
		.help = "Accepted for Compose; there is no menu"},
	{.name = "no-attach",
		.type = OPT_LIST,
		AT(no_attach),
		.arg = "SERVICE",
		.help = "Leave the logs of this service out",
		.complete = COMPLETE_SERVICE},
	{OPTION_NO_BUILD, AT(no_build)},
	{.name = "no-color", .type = OPT_FLAG, AT(no_color), .help = "No colours in the logs"},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(no_deps),
		.help = "Leave the services alone that the named ones depend on"},
	{.name = "no-log-prefix",
		.type = OPT_FLAG,
		AT(no_prefix),
		.help = "Log lines without the name of their service"},
	{OPTION_NO_RECREATE, AT(no_recreate)},
	{.name = "no-start",
		.type = OPT_FLAG,
		AT(no_start),
		.help = "Create the containers without starting them"},
	{OPTION_PULL, AT(pull)},
	{OPTION_QUIET_BUILD, AT(quiet_build)},
	{OPTION_QUIET_PULL, AT(quiet_pull)},
	{OPTION_REMOVE_ORPHANS, AT(remove_orphans)},
	{.name = "renew-anon-volumes",
		.letter = 'V',
		.type = OPT_FLAG,
		AT(renew_volumes),
		.help = "Replace them with new anonymous volumes; the old ones stay unused"},
	{.name = "scale",
		.type = OPT_LIST,
		AT(scale),
		.arg = "SERVICE=NUMBER",
		.help = "Run so many containers of a service"},
	{OPTION_STOP_TIMEOUT, AT(timeout)},
	{.name = "timestamps",
		.type = OPT_FLAG,
		AT(timestamps),
		.help = "Put the time before each line of the logs"},
	{.name = "wait",
		.type = OPT_FLAG,
		AT(wait),
		.help = "Wait until all is ready: the default"},
	{.name = "wait-timeout",
		.type = OPT_SECONDS,
		AT(wait_timeout),
		.arg = "TIME",
		.def = "10m",
		.help = "How long to wait until all is ready"},
	{.name = "watch",
		.letter = 'w',
		.type = OPT_FLAG,
		AT(watch),
		.help = "Then follow changes of files, as `devenv watch` does"},
	{0},
};

static struct run_options run_options(const struct app *app, const struct up_options *up)
{
	return (struct run_options){
		.sink = &app->sink,
		.wait_timeout_ms = up->wait_timeout,
		.stop_timeout_s = (int)up->timeout,
		.quiet_pull = up->quiet_pull,
		.quiet_build = up->quiet_build,
	};
}

/* Does a container that ends end it all? */
static bool is_attached(const struct up_options *up)
{
	return up->abort_exit || up->abort_failure || up->status_from;
}

static int check_options(const struct up_options *up, struct err *err)
{
	const char *attached = up->abort_exit      ? "--abort-on-container-exit"
			       : up->abort_failure ? "--abort-on-container-failure"
						   : "--exit-code-from";
	const struct conflict conflicts[] = {
		{up->build && up->no_build, "--build", "--no-build"},
		{up->force_recreate && up->no_recreate, "--force-recreate", "--no-recreate"},
		{up->recreate_deps && up->no_recreate, "--always-recreate-deps", "--no-recreate"},
		{up->renew_volumes && up->no_recreate, "--renew-anon-volumes", "--no-recreate"},
		{up->attach && up->detach, "--attach", "--detach"},
		{up->attach && up->no_start, "--attach", "--no-start"},
		{up->attach_deps && up->detach, "--attach-dependencies", "--detach"},
		{up->attach_deps && up->no_start, "--attach-dependencies", "--no-start"},
		{up->abort_exit && up->abort_failure, "--abort-on-container-exit",
			"--abort-on-container-failure"},
		{is_attached(up) && up->detach, attached, "--detach"},
		{is_attached(up) && up->wait, attached, "--wait"},
		{is_attached(up) && up->no_start, attached, "--no-start"},
		{is_attached(up) && up->watch, attached, "--watch"},
		{up->watch && up->attach, "--watch", "--attach"},
		{up->watch && up->attach_deps, "--watch", "--attach-dependencies"},
		{up->watch && up->detach, "--watch", "--detach"},
		{up->watch && up->no_start, "--watch", "--no-start"},
		{0},
	};

	return bring_up_conflict(conflicts, err);
}

/* --exit-code-from must be a service of this `up`. */
static int check_status_from(const struct plan_request *request, const char *word, struct err *err)
{
	autostrv struct strv all = STRV_INIT;
	autofree char *name = NULL;
	struct manifest *manifest;
	const char *service;

	if (!word)
		return 0;
	if (workspace_resolve(request->ws, word, &manifest, &service, err) < 0 ||
		plan_words(request, &all, err) < 0)
		return -1;
	name = xasprintf("%s/%s", manifest->name, service ? service : "");
	if (strv_has(&all, name))
		return 0;
	return err_set(err, ERR_USAGE, "--exit-code-from: \"%s\" is no service of this up", word);
}

/* Follow the logs once all is ready, or until one container ends. */
static int up_follow(struct app *app, struct session *session, const struct up_options *up,
	const struct plan_request *request, struct plan *plan, struct err *err)
{
	struct run_options run = run_options(app, up);
	autostrv struct strv all = STRV_INIT;
	struct follow follow = {
		.logs = {.follow = true, .timestamps = up->timestamps, .tail = 10},
		.words = request->words,
		.shown = request->words,
		.without = &up->no_attach,
		.no_color = up->no_color,
		.no_prefix = up->no_prefix,
		.attached = true,
	};

	if (up->attach_deps && plan_words(request, &all, err) < 0)
		return -1;
	if (up->attach_deps)
		follow.words = follow.shown = &all;
	if (!is_attached(up)) {
		session_unlock(session);
		return follow_logs(app, session, &follow, err);
	}
	follow.logs.tail = -1;
	return attached_run(app, session,
		&(struct attached){
			.request = request,
			.run = &run,
			.follow = follow,
			.on_failure = up->abort_failure,
			.status_from = up->status_from,
		},
		plan, err);
}

static int up_apply(struct app *app, struct session *session, const struct up_options *up,
	const struct plan_request *request, struct plan *plan, struct err *err)
{
	struct run_options run = run_options(app, up);

	bring_up_warn(app, plan);
	if (up->dry_run)
		return bring_up_print(plan, err);
	if (!is_attached(up) && session_run_plan(app, session, plan, &run,
					plan->n ? "is ready" : "is ready: nothing to do", err) < 0)
		return -1;
	if (!is_attached(up) && !up->attach && !up->attach_deps)
		return 0;
	return up_follow(app, session, up, request, plan, err);
}

static int up_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct up_options *up = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {
		.ws = &session.ws,
		.words = &words,
		.pull = bring_up_policy(up->pull),
		.force_recreate = up->force_recreate,
		.recreate_deps = up->recreate_deps,
		.no_recreate = up->no_recreate,
		.renew_volumes = up->renew_volumes,
		.no_deps = up->no_deps,
		.no_build = up->no_build,
		.no_start = up->no_start,
		.no_wait = is_attached(up),
		.build = up->build ? &(struct build_wishes){0} : NULL,
		.remove_orphans = session_remove_orphans(up->remove_orphans),
	};
	struct run_options run = run_options(app, up);
	struct watch_wishes watch = {
		.prune = true, .quiet = up->quiet_build, .dry_run = up->dry_run};
	autowatcher struct watcher *watcher = NULL;
	int result;

	if (check_options(up, err) < 0 ||
		session_open(
			app, SESSION_ENGINE | (up->dry_run ? 0 : SESSION_LOCK), &session, err) < 0)
		return -1;
	if (bring_up_scale(&session.ws, &up->scale, err) < 0)
		return -1;
	if (up->watch && watcher_open(app, &session, &words, &watch, &watcher, err) < 0)
		return -1;
	if (up->dry_run)
		engine_forbid_writes(session.engine);
	if (check_status_from(&request, up->status_from, err) < 0 ||
		bring_up_images(&session, &request, &run, up->dry_run, err) < 0 ||
		plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
	result = up_apply(app, &session, up, &request, &plan, err);
	plan_release(&plan);
	return result == 0 && watcher ? watcher_run(watcher, err) : result;
}

static const char *const examples[] = {
	"devenv up # everything in this workspace",
	"devenv up shop # one manifest, and what it requires",
	"devenv up web --attach # one service, then its logs",
	"devenv up --exit-code-from test # for CI: its status, then all is stopped",
	"devenv up --watch # then copy what changes into the containers",
	"devenv up --dry-run # what would be done, and why",
	NULL,
};

const struct command cmd_up = {
	.name = "up",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Bring services up and wait until they are ready",
	.details = "Reads the manifests, compares them with what the engine has, and does only "
		   "what is "
		   "missing: pulls images, restores snapshots, clones sources, creates networks, "
		   "volumes "
		   "and containers, each as soon as what it needs is there.\n"
		   "\n"
		   "Ends with 0 only when every service is truly ready: its healthcheck is "
		   "healthy, or it "
		   "answers in its own protocol (MySQL, PostgreSQL, Redis, memcached, HTTP, TCP), "
		   "or the "
		   "job ended with 0. After Ctrl-C the next `devenv up` goes on from there.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct up_options),
	.run = up_run,
};
