/* restart.c - `devenv restart`. */
#include "commands.h"
#include "lifecycle.h"

static int restart_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return lifecycle_run(app, options, argc, argv, plan_restart, "is restarted", err);
}

static const char *const examples[] = {
	"devenv restart # all of the workspace",
	"devenv restart web",
	NULL,
};

const struct command cmd_restart = {
	.name = "restart",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Restart containers and wait until they are ready",
	.details = "Stops and starts containers as they are; `devenv up` applies changes of a "
		   "manifest.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = lifecycle_options,
	.options_size = sizeof(struct lifecycle_options),
	.run = restart_run,
};
