/* pause.c - `devenv pause` and `devenv unpause`: freeze containers and let them go on. */
#include "commands.h"
#include "each.h"

#include "devenv/str.h"

static int pause_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	if (str_eq(container->state, "paused"))
		return 0;
	return engine_post(session->engine, NULL, NULL, err, "/containers/%s/pause", container->id);
}

static int pause_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct each each = {.run = pause_one, .doing = "Pausing", .done = "Paused"};

	return each_container(app, argc, argv, &each, err);
}

static const char *const pause_examples[] = {"devenv pause db", NULL};

const struct command cmd_pause = {
	.name = "pause",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Freeze containers where they are",
	.details =
		"Their processes get no time until `devenv unpause`; memory and connections stay.",
	.examples = pause_examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = pause_run,
};

static int unpause_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	if (!str_eq(container->state, "paused"))
		return 0;
	return engine_post(
		session->engine, NULL, NULL, err, "/containers/%s/unpause", container->id);
}

static int unpause_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct each each = {.run = unpause_one, .doing = "Unpausing", .done = "Unpaused"};

	return each_container(app, argc, argv, &each, err);
}

static const char *const unpause_examples[] = {"devenv unpause", NULL};

const struct command cmd_unpause = {
	.name = "unpause",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Let frozen containers go on",
	.details = "The other half of `devenv pause`.",
	.examples = unpause_examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = unpause_run,
};
