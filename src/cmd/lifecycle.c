/* lifecycle.c - what `stop`, `start` and `restart` share. */
#include "common_options.h"
#include "lifecycle.h"

#include "devenv/ui.h"

#define AT(member) OPT_AT(struct lifecycle_options, member)

const struct option_spec lifecycle_options[] = {
	{OPTION_DRY_RUN, AT(dry_run)},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(no_deps),
		.help = "Accepted for Compose; only the named services are meant"},
	{OPTION_STOP_TIMEOUT, AT(timeout)},
	{0},
};

int lifecycle_run(struct app *app, void *options, int argc, char **argv, plan_fn *make,
	const char *verb, struct err *err)
{
	const struct lifecycle_options *chosen = options;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {.ws = &session.ws, .words = &words};
	struct run_options run = {.stop_timeout_s = (int)chosen->timeout,
		.wait_timeout_ms = chosen->wait_timeout * 1000};
	unsigned flags = SESSION_ENGINE | SESSION_ALL | (chosen->dry_run ? 0 : SESSION_LOCK);
	int result;

	if (session_open(app, flags, &session, err) < 0 ||
		make(session.engine, &request, &plan, err) < 0)
		return -1;
	if (chosen->dry_run) {
		autobuf struct buf text = BUF_INIT(0);

		plan_print(&plan, &text);
		result = ui_output(buf_str(&text), err);
	} else {
		result = session_run_plan(app, &session, &plan, &run, verb, err);
	}
	plan_release(&plan);
	return result;
}
