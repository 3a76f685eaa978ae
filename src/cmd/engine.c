/* engine.c - `devenv engine`: which engine is used, and the embedded one. */
#include "commands.h"

#include "devenv/engine.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/ui.h"

#include <stdlib.h>

static const char *const state_words[] = {
	[EMBEDDED_ABSENT] = "podman is not installed",
	[EMBEDDED_STOPPED] = "stopped",
	[EMBEDDED_RUNNING] = "running",
};

static int engine_start_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autofree char *socket = NULL;
	autofree char *text = NULL;

	if (embedded_start(&app->sink, err) < 0)
		return -1;
	embedded_status(&socket, NULL);
	text = xasprintf("unix://%s\n", socket);
	return ui_output(text, err);
}

static int engine_stop_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return embedded_stop(&app->sink, err);
}

static json_t *found_json(const struct app *app)
{
	struct engine_ask ask = {
		.context = app->global.context,
		.host = app->global.host,
		.no_embedded = embedded_status(NULL, NULL) != EMBEDDED_RUNNING,
	};
	struct engine_where where = {0};
	struct engine *engine = NULL;
	struct err err = ERR_INIT;
	json_t *out = json_object();

	if (engine_find(&ask, &where, &err) == 0 && engine_open(&where, &engine, &err) == 0) {
		const struct engine_facts *facts = engine_all_facts(engine);

		json_set_str(out, "host", where.host);
		json_set_str(out, "found", where.why);
		json_set_str(out, "engine", facts->podman ? "podman" : "docker");
		json_set_str(out, "version", facts->version);
		json_set_str(out, "api", facts->api);
		json_object_set_new(out, "rootless", json_boolean(facts->rootless));
	} else {
		json_set_str(out, "error", err.msg);
	}
	engine_close(engine);
	engine_where_release(&where);
	return out;
}

static int engine_status_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autofree char *socket = NULL;
	autofree char *root = NULL;
	enum embedded_state state = embedded_status(&socket, &root);
	autojson json_t *out = found_json(app);
	autobuf struct buf text = BUF_INIT(0);
	const char *key;
	json_t *value;

	json_set_str(out, "embedded", state_words[state]);
	json_set_str(out, "embedded_socket", socket);
	json_set_str(out, "embedded_root", root);
	if (app->json)
		return ui_output_json(out, err);
	json_object_foreach (out, key, value)
		buf_addf(&text, "%-16s %s\n", key,
			json_is_string(value) ? json_string_value(value)
			: json_is_true(value) ? "yes"
					      : "no");
	return ui_output(buf_str(&text), err);
}

static const struct command start = {
	.name = "start",
	.summary = "Start the embedded engine and print its address",
	.details = "A private Podman with its own storage, for machines without Docker. `up` "
		   "starts it "
		   "by itself when no engine is found.",
	.run = engine_start_run,
};

static const struct command stop = {
	.name = "stop",
	.summary = "Stop the embedded engine and its containers",
	.details = "Images, volumes and stopped containers stay for the next start.",
	.run = engine_stop_run,
};

static const struct command status = {
	.name = "status",
	.summary = "Tell which engine is used, and why",
	.details = "Also whether the embedded engine runs, and where it keeps its data.",
	.flags = CMD_FORMAT,
	.run = engine_status_run,
};

static const struct command *const subcommands[] = {&start, &stop, &status, NULL};

static const char *const examples[] = {"devenv engine status",
	"export DOCKER_HOST=$(devenv engine start) # for docker itself", NULL};

const struct command cmd_engine = {
	.name = "engine",
	.group = "This machine",
	.args = "start|stop|status",
	.summary = "The engine that runs containers, and the embedded one",
	.details =
		"devenv uses the engine that `docker` would: --context, --host, DOCKER_HOST, "
		"DOCKER_CONTEXT, the current context, the usual sockets. Where there is none and "
		"podman is installed, it runs its own.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.subcommands = subcommands,
};
