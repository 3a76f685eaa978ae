/* create.c - `devenv create`: everything that `up` makes, without starting it. */
#include "commands.h"
#include "session.h"

struct create_options {
	bool force_recreate, no_recreate;
};

static const struct option_spec options[] = {
	{.name = "force-recreate",
		.type = OPT_FLAG,
		OPT_AT(struct create_options, force_recreate),
		.help = "Replace containers that are as they should be"},
	{.name = "no-recreate",
		.type = OPT_FLAG,
		OPT_AT(struct create_options, no_recreate),
		.help = "Keep containers that differ from their manifest"},
	{0},
};

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
		.force_recreate = chosen->force_recreate,
		.no_recreate = chosen->no_recreate,
	};
	struct run_options run = {.stop_timeout_s = -1};
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_LOCK, &session, err) < 0 ||
		plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
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
