/* events.c - `devenv events`: what happens to the workspace's containers, as it happens. */
#include "commands.h"
#include "session.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct events_options {
	bool json;
};

static const struct option_spec options[] = {
	{.name = "json",
		.type = OPT_FLAG,
		OPT_AT(struct events_options, json),
		.help = "One JSON object a line"},
	{0},
};

struct watcher {
	const struct workspace *ws;
	bool json;
	struct err *err;
};

static bool ours(const struct workspace *ws, const char *project)
{
	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, project))
			return true;
	return false;
}

static int on_event(void *ctx, json_t *event)
{
	const struct watcher *watcher = ctx;
	json_t *attributes = json_at(event, "Actor", "Attributes", NULL);
	const char *service = json_str(attributes, "com.docker.compose.service");
	autofree char *line = NULL;
	char when[32];

	if (!ours(watcher->ws, json_str(attributes, "com.docker.compose.project")))
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
	struct watcher watcher = {&session.ws, chosen->json || app->json, err};
	autofree char *filters = engine_filters("type", "container", NULL);
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	result = engine_events(session.engine, filters, on_event, &watcher, signals_fd(), err);
	return signals_pending() ? 0 : result;
}

static const char *const examples[] = {"devenv events --json | jq .Action", NULL};

const struct command cmd_events = {
	.name = "events",
	.group = "Look",
	.summary = "Print what happens to containers, as it happens",
	.details = "Until Ctrl-C.",
	.examples = examples,
	.min_args = 0,
	.max_args = 0,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct events_options),
	.run = events_run,
};
