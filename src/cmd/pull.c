/* pull.c - `devenv pull`: images ahead of time. */
#include "bring_up.h"
#include "commands.h"

struct pull_options {
	const char *policy;
	bool quiet, include_deps, ignore_buildable, ignore_failures;
};

static const char *const policies[] = {"always", "missing", NULL};

#define AT(member) OPT_AT(struct pull_options, member)

static const struct option_spec options[] = {
	{.name = "ignore-buildable",
		.type = OPT_FLAG,
		AT(ignore_buildable),
		.help = "Leave out services that have `build:`"},
	{.name = "ignore-pull-failures",
		.type = OPT_FLAG,
		AT(ignore_failures),
		.help = "Warn of what cannot be pulled, and pull the others"},
	{.name = "include-deps",
		.type = OPT_FLAG,
		AT(include_deps),
		.help = "Images of what the named services depend on too"},
	{.name = "policy",
		.type = OPT_CHOICE,
		AT(policy),
		.arg = "POLICY",
		.choices = policies,
		.help = "Which images to pull, whatever `pull_policy` says"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "No progress, only errors"},
	{0},
};

static int pull_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct pull_options *pull = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {.ws = &session.ws,
		.words = &words,
		.pull = pull->policy ? bring_up_policy(pull->policy) : PULL_NEWER,
		.ignore_buildable = pull->ignore_buildable};
	struct run_options run = {.ignore_pull_failures = pull->ignore_failures};
	int result;

	if (session_open(app, SESSION_ENGINE, &session, err) < 0 ||
		plan_pull(session.engine, &request, pull->include_deps, &plan, err) < 0)
		return -1;
	if (pull->quiet)
		result = plan_run(&plan, session.engine, &run, err);
	else
		result = session_run_plan(app, &session, &plan, &run,
			plan.n ? "has its images" : "has its images: nothing to do", err);
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {"devenv pull", "devenv pull shop --policy missing", NULL};

const struct command cmd_pull = {
	.name = "pull",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Pull images",
	.details =
		"With the credentials of the Docker configuration. `up` pulls what is missing by "
		"itself; this brings newer ones, which the next `up` uses.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct pull_options),
	.run = pull_run,
};
