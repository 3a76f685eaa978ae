/* kill.c - `devenv kill`: a signal for containers, at once. */
#include "commands.h"
#include "each.h"

struct kill_options {
	const char *signal;
	bool remove_orphans;
};

static const struct option_spec options[] = {
	{.name = "remove-orphans",
		.type = OPT_FLAG,
		OPT_AT(struct kill_options, remove_orphans),
		.help = "Remove containers whose service is in no manifest"},
	{.name = "signal",
		.letter = 's',
		.type = OPT_STRING,
		OPT_AT(struct kill_options, signal),
		.arg = "SIGNAL",
		.def = "SIGKILL",
		.help = "Which signal to send"},
	{0},
};

static int kill_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	const struct kill_options *chosen = ctx;

	if (container_kill(session->engine, container->id, chosen->signal, err) < 0)
		return -1;
	if (!chosen->remove_orphans || !session_is_orphan(session, container))
		return 0;
	return container_remove(session->engine, container->id, false, err);
}

static int kill_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct kill_options *chosen = opts;
	struct each each = {.run = kill_one,
		.ctx = opts,
		.doing = "Killing",
		.done = "Killed",
		.no_orphans = !session_remove_orphans(chosen->remove_orphans)};

	chosen->remove_orphans = !each.no_orphans;
	return each_container(app, argc, argv, &each, err);
}

static const char *const examples[] = {"devenv kill web", "devenv kill -s SIGHUP web", NULL};

const struct command cmd_kill = {
	.name = "kill",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Send a signal to containers, without waiting",
	.details = "For a clean end, with the time that a service needs for it, there is `devenv "
		   "stop`.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct kill_options),
	.run = kill_run,
};
