/* start.c - `devenv start`. */
#include "commands.h"
#include "lifecycle.h"

static int start_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return lifecycle_run(app, options, argc, argv, plan_start, "is started", err);
}

static const char *const examples[] = {
	"devenv start # all of the workspace",
	"devenv start web",
	NULL,
};

const struct command cmd_start = {
	.name = "start",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Start stopped containers and wait until they are ready",
	.details = "Starts what is there, as it is; `devenv up` also creates and replaces.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = lifecycle_options,
	.options_size = sizeof(struct lifecycle_options),
	.run = start_run,
};
