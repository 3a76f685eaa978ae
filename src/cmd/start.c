/* start.c - `devenv start`. */
#include "commands.h"
#include "lifecycle.h"

/* `wait` is what start does anyway. */
struct start_options {
	struct lifecycle_options lifecycle;
	bool wait;
};

#define AT(member) OPT_AT(struct start_options, member)

static const struct option_spec rows[] = {
	{.name = "dry-run",
		.type = OPT_FLAG,
		AT(lifecycle.dry_run),
		.help = "Print the plan; change nothing"},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(lifecycle.no_deps),
		.help = "Accepted for Compose; only the named services are meant"},
	{.name = "wait",
		.type = OPT_FLAG,
		AT(wait),
		.help = "Wait until they are ready: the default"},
	{.name = "wait-timeout",
		.type = OPT_INT,
		AT(lifecycle.wait_timeout),
		.arg = "SECONDS",
		.min = 0,
		.max = 86400,
		.def = "0",
		.help = "How long to wait until they are ready; 0: 10 minutes"},
	{0},
};

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
	.options = rows,
	.options_size = sizeof(struct start_options),
	.run = start_run,
};
