/* wait.c - `devenv wait SERVICE...`: until containers end; their status is ours. */
#include "commands.h"
#include "each.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

static int wait_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	int *worst = ctx, status = 0;
	autofree char *line = NULL;

	if (container_wait(session->engine, container->id, &status, err) < 0)
		return -1;
	if (status)
		*worst = status;
	line = xasprintf("%s %d\n", container->name, status);
	return ui_output(line, err);
}

static int wait_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	int worst = 0;
	struct each each = {.run = wait_one, .ctx = &worst, .all = true, .needs_one = true};

	if (each_container(app, argc, argv, &each, err) < 0)
		return -1;
	if (!worst)
		return 0;
	err->kind = ERR_EXIT;
	err->status = worst;
	return -1;
}

static const char *const examples[] = {"devenv wait migrate # 0 when it has migrated", NULL};

const struct command cmd_wait = {
	.name = "wait",
	.group = "Look",
	.args = "SERVICE...",
	.summary = "Wait until containers end, and exit with their status",
	.details = "Prints the name and the status of each. With several the exit status is the "
		   "last one "
		   "that is not 0.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = wait_run,
};
