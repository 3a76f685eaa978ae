/* create.c - `devenv create`: everything that `up` makes, without starting it. */
#include "bring_up.h"
#include "commands.h"
#include "common_options.h"
#include "session.h"

struct create_options {
	struct strv scale;
	const char *pull;
	bool build, no_build, force_recreate, no_recreate, quiet_pull, remove_orphans;
};

#define AT(member) OPT_AT(struct create_options, member)

static const struct option_spec options[] = {
	{.name = "build",
		.type = OPT_FLAG,
		AT(build),
		.help = "Build the images of services that have `build:`"},
	{OPTION_FORCE_RECREATE, AT(force_recreate)},
	{OPTION_NO_BUILD, AT(no_build)},
	{OPTION_NO_RECREATE, AT(no_recreate)},
	{OPTION_PULL, AT(pull)},
	{OPTION_QUIET_PULL, AT(quiet_pull)},
	{OPTION_REMOVE_ORPHANS, AT(remove_orphans)},
	{.name = "scale",
		.type = OPT_LIST,
		AT(scale),
		.arg = "SERVICE=NUMBER",
		.help = "Make so many containers of a service"},
	{0},
};

static int check_options(const struct create_options *chosen, struct err *err)
{
	const struct conflict conflicts[] = {
		{chosen->build && chosen->no_build, "--build", "--no-build"},
		{chosen->force_recreate && chosen->no_recreate, "--force-recreate",
			"--no-recreate"},
		{0},
	};

	return bring_up_conflict(conflicts, err);
}

static int create_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct create_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {
		.ws = &session.ws,
		.words = &words,
		.no_start = true,
		.pull = bring_up_policy(chosen->pull),
		.force_recreate = chosen->force_recreate,
		.no_recreate = chosen->no_recreate,
		.no_build = chosen->no_build,
		.build = chosen->build ? &(struct build_wishes){0} : NULL,
		.remove_orphans = chosen->remove_orphans,
	};
	struct run_options run = {
		.sink = &app->sink, .stop_timeout_s = -1, .quiet_pull = chosen->quiet_pull};
	int result;

	if (check_options(chosen, err) < 0 ||
		session_open(app, SESSION_ENGINE | SESSION_LOCK, &session, err) < 0 ||
		bring_up_scale(&session.ws, &chosen->scale, err) < 0 ||
		bring_up_images(&session, &request, &run, false, err) < 0 ||
		plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
	bring_up_warn(app, &plan);
	result = session_run_plan(app, &session, &plan, &run,
		plan.n ? "is created" : "is created: nothing to do", err);
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {"devenv create && devenv start", NULL};

const struct command cmd_create = {
	.name = "create",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Make all that `up` makes, without starting it",
	.details =
		"Pulls images, makes networks, volumes and containers; `devenv start` starts them.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct create_options),
	.run = create_run,
};
