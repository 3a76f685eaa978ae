/*
 * up.c - `devenv up`: read, plan, act; 0 only when everything is truly ready.
 */
#include "commands.h"
#include "follow.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct up_options {
	struct strv scale;
	bool no_start, build, no_build, detach, attach, dry_run, force_recreate, no_recreate,
		no_deps, remove_orphans, wait;
	const char *pull;
	int64_t wait_timeout;
	int64_t timeout;
};

#define AT(member) OPT_AT(struct up_options, member)

static const char *const pull_choices[] = {"missing", "always", "never", NULL};

static const struct option_spec options[] = {
	{.name = "attach",
		.type = OPT_FLAG,
		AT(attach),
		.help = "Follow the logs once all is ready (Ctrl-C leaves it running)"},
	{.name = "build",
		.type = OPT_FLAG,
		AT(build),
		.help = "Build the images of services that have `build:`"},
	{.name = "detach",
		.letter = 'd',
		.type = OPT_FLAG,
		AT(detach),
		.help = "Return when all is ready: the default"},
	{.name = "dry-run",
		.type = OPT_FLAG,
		AT(dry_run),
		.help = "Print the plan; change nothing"},
	{.name = "force-recreate",
		.type = OPT_FLAG,
		AT(force_recreate),
		.help = "Replace containers that are as they should be"},
	{.name = "no-build",
		.type = OPT_FLAG,
		AT(no_build),
		.help = "Build no image, even a missing one"},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(no_deps),
		.help = "Leave the services alone that the named ones depend on"},
	{.name = "no-recreate",
		.type = OPT_FLAG,
		AT(no_recreate),
		.help = "Keep containers that differ from their manifest"},
	{.name = "no-start",
		.type = OPT_FLAG,
		AT(no_start),
		.help = "Create the containers without starting them"},
	{.name = "pull",
		.type = OPT_CHOICE,
		AT(pull),
		.arg = "POLICY",
		.choices = pull_choices,
		.def = "missing",
		.help = "When to pull images"},
	{.name = "remove-orphans",
		.type = OPT_FLAG,
		AT(remove_orphans),
		.help = "Remove containers whose service is in no manifest"},
	{.name = "scale",
		.type = OPT_LIST,
		AT(scale),
		.arg = "SERVICE=NUMBER",
		.help = "Run so many containers of a service"},
	{.name = "timeout",
		.letter = 't',
		.type = OPT_INT,
		AT(timeout),
		.arg = "SECONDS",
		.min = -1,
		.max = 86400,
		.def = "-1",
		.help = "How long a container that is replaced may take to stop"},
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
	{0},
};

static int print_plan(const struct plan *plan, struct err *err)
{
	autobuf struct buf text = BUF_INIT(0);

	plan_print(plan, &text);
	return ui_output(buf_str(&text), err);
}

static int pull_first(struct app *app, struct session *session, const struct plan_request *request,
	bool dry_run, struct err *err)
{
	struct run_options run = {.sink = &app->sink};
	struct plan plan = {0};
	int result;

	if (request->pull != PULL_ALWAYS)
		return 0;
	if (plan_pull(session->engine, request, &plan, err) < 0)
		return -1;
	result = dry_run ? print_plan(&plan, err) : plan_run(&plan, session->engine, &run, err);
	plan_release(&plan);
	return result;
}

/* What is built first may be newer than what runs: the plan of `up` has to see it. */
static int build_first(struct app *app, struct session *session, const struct plan_request *request,
	bool dry_run, struct err *err)
{
	struct run_options run = {.sink = &app->sink};
	struct plan plan = {0};
	int result = 0;

	if (request->no_build)
		return 0;
	if (plan_build(request, true, &plan, err) < 0)
		return -1;
	if (plan.n)
		result = dry_run ? print_plan(&plan, err)
				 : plan_run(&plan, session->engine, &run, err);
	plan_release(&plan);
	return result;
}

static void warn(struct app *app, const struct plan *plan)
{
	for (size_t i = 0; i < plan->warnings.n; i++)
		sink_warn(&app->sink, NULL, "%s", plan->warnings.v[i]);
	for (size_t i = 0; i < plan->orphans.n; i++)
		sink_warn(&app->sink, NULL,
			"container %s belongs to no service any more; `devenv up --remove-orphans` "
			"removes it",
			plan->orphans.v[i]);
}

static int up_apply(struct app *app, struct session *session, const struct up_options *up,
	struct plan *plan, struct err *err)
{
	struct run_options run = {
		.wait_timeout_ms = up->wait_timeout,
		.stop_timeout_s = (int)up->timeout,
	};

	warn(app, plan);
	if (up->dry_run)
		return print_plan(plan, err);
	return session_run_plan(
		app, session, plan, &run, plan->n ? "is ready" : "is ready: nothing to do", err);
}

/* --scale goes over what the manifest says. */
static int set_scale(struct workspace *ws, const struct strv *scale, struct err *err)
{
	for (size_t i = 0; i < scale->n; i++) {
		const char *equals = strchr(scale->v[i], '=');
		autofree char *word = equals ? xstrndup(scale->v[i], (size_t)(equals - scale->v[i]))
					     : NULL;
		struct manifest *manifest;
		const char *service = NULL;
		uint64_t number;

		if (!equals || !parse_u64(equals + 1, 0, 1000, &number))
			return err_set(err, ERR_USAGE, "--scale: \"%s\" is not SERVICE=NUMBER",
				scale->v[i]);
		if (workspace_resolve(ws, word, &manifest, &service, err) < 0)
			return -1;
		if (!service)
			return err_set(err, ERR_USAGE, "--scale: \"%s\" is a manifest", word);
		json_object_set_new(json_at(manifest->model, "services", service, NULL), "scale",
			json_integer((json_int_t)number));
	}
	return 0;
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
		.pull = str_eq(up->pull, "always")  ? PULL_ALWAYS
			: str_eq(up->pull, "never") ? PULL_NEVER
						    : PULL_MISSING,
		.force_recreate = up->force_recreate,
		.no_recreate = up->no_recreate,
		.no_deps = up->no_deps,
		.no_build = up->no_build,
		.no_start = up->no_start,
		.build = up->build ? &(struct build_wishes){0} : NULL,
		.remove_orphans = up->remove_orphans,
	};
	int result;

	if (session_open(app, SESSION_ENGINE | (up->dry_run ? 0 : SESSION_LOCK), &session, err) < 0)
		return -1;
	if (set_scale(&session.ws, &up->scale, err) < 0)
		return -1;
	if (up->dry_run)
		engine_forbid_writes(session.engine);
	if (pull_first(app, &session, &request, up->dry_run, err) < 0 ||
		build_first(app, &session, &request, up->dry_run, err) < 0 ||
		plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
	result = up_apply(app, &session, up, &plan, err);
	plan_release(&plan);
	if (result == 0 && up->attach && !up->dry_run) {
		/* Others may work on it while we only look. */
		lock_release(&session.lock);
		result = follow_logs(app, &session, &words,
			&(struct logs_spec){.follow = true, .tail = 10}, err);
	}
	return result;
}

static const char *const examples[] = {
	"devenv up # everything in this workspace",
	"devenv up shop # one manifest, and what it requires",
	"devenv up web --attach # one service, then its logs",
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
