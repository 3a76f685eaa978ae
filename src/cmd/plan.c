/* plan.c - `devenv plan`: what `up` would do, and why. */
#include "bring_up.h"
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

struct plan_options {
	bool exit_code;
};

static const struct option_spec options[] = {
	{.name = "exit-code",
		.type = OPT_FLAG,
		OPT_AT(struct plan_options, exit_code),
		.help = "End with 2 when there is something to do"},
	{0},
};

static int show(const struct app *app, const struct plan *plan, struct err *err)
{
	autobuf struct buf text = BUF_INIT(0);

	if (app->json) {
		autojson json_t *json = plan_json(plan);

		return ui_output_json(json, err);
	}
	plan_print(plan, &text);
	return ui_output(buf_str(&text), err);
}

static int plan_command(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct plan_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {.ws = &session.ws, .words = &words};
	int result;

	if (session_open(app, SESSION_ENGINE, &session, err) < 0)
		return -1;
	engine_forbid_writes(session.engine);
	if (plan_up(session.engine, &request, &plan, err) < 0)
		return -1;
	bring_up_warn(app, &plan);
	result = show(app, &plan, err);
	if (result == 0 && chosen->exit_code && plan.n) {
		err->kind = ERR_EXIT;
		err->status = 2;
		result = -1;
	}
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {
	"devenv plan",
	"devenv plan --format json",
	NULL,
};

const struct command cmd_plan = {
	.name = "plan",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Show what `up` would do, and why",
	.details =
		"The same plan that `up` applies. Reads from the engine, and cannot write to it.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct plan_options),
	.run = plan_command,
};
