/* down.c - `devenv down`: stop and remove; data stays unless --volumes says otherwise. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

#include <unistd.h>

struct down_options {
	bool volumes, dry_run, remove_orphans;
	int64_t timeout;
};

#define AT(member) OPT_AT(struct down_options, member)

static const struct option_spec options[] = {
	{.name = "dry-run",
		.type = OPT_FLAG,
		AT(dry_run),
		.help = "Print the plan; change nothing"},
	{.name = "remove-orphans",
		.type = OPT_FLAG,
		AT(remove_orphans),
		.help = "Accepted for Compose; what carries our labels always goes"},
	{.name = "timeout",
		.letter = 't',
		.type = OPT_INT,
		AT(timeout),
		.arg = "SECONDS",
		.min = -1,
		.max = 86400,
		.def = "-1",
		.help = "How long a container may take to stop"},
	{.name = "volumes",
		.type = OPT_FLAG,
		AT(volumes),
		.help = "Remove the volumes too, with all data in them"},
	{0},
};

static int confirm_volumes(const struct app *app, const struct plan *plan, struct err *err)
{
	autobuf struct buf question = BUF_INIT(0);
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->actions[i].kind == ACTION_REMOVE_VOLUME)
			buf_addf(&question, "%s%s", n++ ? ", " : "Delete all data in ",
				plan->actions[i].name);
	buf_addstr(&question, "?");
	/* --volumes is the word for it; a person at a terminal is asked once more. */
	if (!n || app->global.yes || !(isatty(0) && isatty(2)) || ui_confirm(buf_str(&question)))
		return 0;
	return err_set(err, ERR_FAILED, "nothing was removed");
}

static int down_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct down_options *down = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {
		.ws = &session.ws, .words = &words, .volumes = down->volumes};
	struct run_options run = {.stop_timeout_s = (int)down->timeout};
	unsigned flags = SESSION_ENGINE | SESSION_ALL | SESSION_NO_START | SESSION_SALVAGE |
			 (down->dry_run ? 0 : SESSION_LOCK);
	int result;

	if (session_open(app, flags, &session, err) < 0)
		return -1;
	if (plan_down(session.engine, &request, &plan, err) < 0)
		return -1;
	if (down->dry_run) {
		autobuf struct buf text = BUF_INIT(0);

		plan_print(&plan, &text);
		result = ui_output(buf_str(&text), err);
	} else {
		result = down->volumes ? confirm_volumes(app, &plan, err) : 0;
		if (result == 0)
			result = session_run_plan(app, &session, &plan, &run,
				plan.n ? "is down" : "is down: nothing to do", err);
	}
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {
	"devenv down # containers and networks; volumes stay",
	"devenv down --volumes # the data too",
	NULL,
};

const struct command cmd_down = {
	.name = "down",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Stop and remove containers and networks; data stays",
	.details =
		"Dependents end before what they depend on. Goes by the labels that `up` wrote, so "
		"what runs is found even when its service is gone from the manifest. Volumes are "
		"only removed with --volumes.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct down_options),
	.run = down_run,
};
