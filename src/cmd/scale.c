/* scale.c - `devenv scale SERVICE=NUMBER...`: so many containers of a service. */
#include "bring_up.h"
#include "commands.h"

#include "devenv/mem.h"

#include <string.h>

struct scale_options {
	bool no_deps;
};

static const struct option_spec options[] = {
	{.name = "no-deps",
		.type = OPT_FLAG,
		OPT_AT(struct scale_options, no_deps),
		.help = "Do not bring up what the services depend on"},
	{0},
};

static int scale_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct scale_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv scale = session_words(argc, argv);
	autostrv struct strv words = STRV_INIT;
	struct plan_request request = {
		.ws = &session.ws, .words = &words, .no_deps = chosen->no_deps};
	struct plan plan = {0};
	int result;

	for (int i = 0; i < argc; i++)
		strv_push_take(&words, xstrndup(argv[i], strcspn(argv[i], "=")));
	if (session_open(app, SESSION_ENGINE | SESSION_LOCK, &session, err) < 0 ||
		bring_up_scale(&session.ws, &scale, err) < 0 ||
		plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
	result = session_run_plan(app, &session, &plan, &(struct run_options){.stop_timeout_s = -1},
		"is scaled", err);
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {"devenv scale worker=3", NULL};

const struct command cmd_scale = {
	.name = "scale",
	.group = "Every day",
	.args = "SERVICE=NUMBER...",
	.summary = "Run so many containers of a service",
	.details = "Until the next `devenv up`, which goes by the manifest again.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.options = options,
	.options_size = sizeof(struct scale_options),
	.run = scale_run,
};
