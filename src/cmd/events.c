/* events.c - `devenv events`: what happens to the workspace's containers, as it happens. */
#include "commands.h"
#include "each.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct events_options {
	bool json;
	const char *since, *until;
};

static const struct option_spec options[] = {
	{.name = "json",
		.type = OPT_FLAG,
		OPT_AT(struct events_options, json),
		.help = "One JSON object a line"},
	{.name = "since",
		.type = OPT_STRING,
		OPT_AT(struct events_options, since),
		.arg = "TIME",
		.help = "Those since then too: 10m, 2h30m ago, or 2026-11-21T09:00:00Z"},
	{.name = "until",
		.type = OPT_STRING,
		OPT_AT(struct events_options, until),
		.arg = "TIME",
		.help = "End then"},
	{0},
};

struct watcher {
	const struct workspace *ws;
	const struct strv *words;
	bool json;
	struct err *err;
};

static bool ours(const struct watcher *watcher, const char *project, const char *service)
{
	const struct container container = {.project = (char *)project, .service = (char *)service};

	for (size_t i = 0; i < watcher->ws->n; i++)
		if (str_eq(watcher->ws->manifests[i].project, project))
			return each_chosen(watcher->ws, watcher->words, &container);
	return false;
}

static int on_event(void *ctx, json_t *event)
{
	const struct watcher *watcher = ctx;
	json_t *attributes = json_at(event, "Actor", "Attributes", NULL);
	const char *service = json_str(attributes, "com.docker.compose.service");
	autofree char *line = NULL;
	char when[32];

	if (!ours(watcher, json_str(attributes, "com.docker.compose.project"), service))
		return 0;
	if (watcher->json) {
		autofree char *text = json_print(event);

		line = xasprintf("%s\n", text);
	} else {
		line = xasprintf("%s %s %s (%s)\n", clock_rfc3339(json_int(event, "time"), when),
			json_str(event, "Action"), service ? service : "?",
			json_str(attributes, "name"));
	}
	return ui_output(line, watcher->err) < 0;
}

static int events_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct events_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct watcher watcher = {&session.ws, &words, chosen->json || app->json, err};
	autofree char *filters = engine_filters("type", "container", NULL);
	struct events_spec spec = {filters, chosen->since, chosen->until};
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	if (session_check_words(&session, argc, argv, err) < 0)
		return -1;
	result = engine_events(session.engine, &spec, on_event, &watcher, signals_fd(), err);
	return signals_pending() ? 0 : result;
}

static const char *const examples[] = {"devenv events --json | jq .Action",
	"devenv events web --since 10m --until 0s # and no longer", NULL};

const struct command cmd_events = {
	.name = "events",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Print what happens to containers, as it happens",
	.details = "Until Ctrl-C, or the time of --until.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct events_options),
	.run = events_run,
};
