/* stop.c - `devenv stop`. */
#include "commands.h"
#include "lifecycle.h"

static int stop_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return lifecycle_run(app, options, argc, argv, plan_stop, "is stopped", err);
}

static const char *const examples[] = {
	"devenv stop # all of the workspace",
	"devenv stop web",
	NULL,
};

const struct command cmd_stop = {
	.name = "stop",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Stop containers without removing them",
	.details = "Dependents stop before what they depend on. `devenv start` or `devenv up` "
		   "starts them again.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = lifecycle_options,
	.options_size = sizeof(struct lifecycle_options),
	.run = stop_run,
};
