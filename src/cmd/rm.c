/* rm.c - `devenv rm`: remove stopped containers. */
#include "commands.h"
#include "each.h"

#include "devenv/str.h"

struct rm_options {
	bool force, stop, volumes;
};

#define AT(member) OPT_AT(struct rm_options, member)

static const struct option_spec options[] = {
	{.name = "force",
		.letter = 'f',
		.type = OPT_FLAG,
		AT(force),
		.help = "Accepted for Compose; there is no question to skip"},
	{.name = "stop",
		.letter = 's',
		.type = OPT_FLAG,
		AT(stop),
		.help = "Stop running ones first; else they are left alone"},
	{.name = "volumes",
		.letter = 'v',
		.type = OPT_FLAG,
		AT(volumes),
		.help = "Anonymous volumes too"},
	{0},
};

static int rm_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	const struct rm_options *chosen = ctx;
	bool running = str_eq(container->state, "running") || str_eq(container->state, "paused");

	if (running && !chosen->stop)
		return 0;
	if (running && container_stop(session->engine, container->id, -1, err) < 0)
		return -1;
	return container_remove(session->engine, container->id, chosen->volumes, err);
}

static int rm_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct each each = {.run = rm_one, .ctx = opts, .all = true};

	return each_container(app, argc, argv, &each, err);
}

static const char *const examples[] = {"devenv rm --stop web", NULL};

const struct command cmd_rm = {
	.name = "rm",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Remove stopped containers; data stays",
	.details = "`devenv down` removes running ones and networks too.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct rm_options),
	.run = rm_run,
};
