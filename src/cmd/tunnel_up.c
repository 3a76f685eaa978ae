/* tunnel_up.c - `devenv tunnel up|down|status`: tunnels that stay when the command has ended. */
#include "commands.h"

#include "tunnel_daemon.h"
#include "tunnels.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 3

/* === up === */

struct request {
	struct app *app;
	const struct tunnels *tunnels;
	json_t *answers;   /* to questions of ssh */
	json_t *questions; /* that had none */
	struct err err;    /* of the first tunnel that failed */
	size_t failed;
};

static json_t *up_request(const struct request *request)
{
	json_t *out = json_object(), *list = json_array();

	for (size_t i = 0; i < request->tunnels->n; i++)
		json_array_append_new(list, tunnel_spec_json(&request->tunnels->list[i].spec));
	json_set_str(out, "command", "up");
	json_set_str(out, "agent", getenv("SSH_AUTH_SOCK"));
	json_object_set_new(out, "tunnels", list);
	json_object_set(out, "answers", request->answers);
	return out;
}

static const struct tunnel_spec *spec_of(const struct tunnels *tunnels, const char *id)
{
	for (size_t i = 0; i < tunnels->n; i++)
		if (str_eq(tunnels->list[i].spec.id, id))
			return &tunnels->list[i].spec;
	return NULL;
}

static void tell(struct request *request, const json_t *line)
{
	const struct tunnel_spec *spec = spec_of(request->tunnels, json_str(line, "id"));
	const char *error = json_str(line, "error");
	autofree char *local = spec ? tunnel_local(spec, (uint16_t)json_int(line, "port")) : NULL;

	json_array_extend(request->questions, json_object_get(line, "questions"));
	if (!error && spec) {
		sink_info(
			&request->app->sink, NULL, "tunnel \"%s\": %s is open", spec->name, local);
	} else if (error) {
		if (!request->failed++)
			err_set(&request->err, ERR_TUNNEL, "%s", error);
	}
}

static int ask_daemon(struct request *request, struct err *err)
{
	autodaemon struct daemon daemon = DAEMON_NONE;
	autojson json_t *wish = up_request(request);
	json_t *line = daemon_ask(&daemon, true, wish, err);

	while (line && !json_bool(line, "done")) {
		tell(request, line);
		json_decref(line);
		line = daemon_read(&daemon, err);
	}
	json_decref(line);
	return err->kind ? -1 : 0;
}

/* Ask a person what ssh wanted to know; false: there is nothing new to say. */
static bool ask_person(struct request *request)
{
	struct ssh_ask ask = tunnels_ask(request->app);
	bool any = false;

	for (size_t i = 0; i < json_array_size(request->questions); i++) {
		const char *question = json_string_value(json_array_get(request->questions, i));

		if (json_object_get(request->answers, question))
			continue;
		if (str_starts(question, "Passphrase of ")) {
			char *text = ask.secret(ask.ctx, question);

			any |= text != NULL;
			json_set_str(request->answers, question, text);
			if (text)
				explicit_bzero(text, strlen(text));
			free(text);
		} else if (ask.confirm(ask.ctx, question)) {
			any = true;
			json_object_set_new(request->answers, question, json_true());
		}
	}
	return any;
}

static int bring_up(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	autojson json_t *answers = json_object(), *questions = json_array();
	struct request request = {
		.app = app, .tunnels = tunnels, .answers = answers, .questions = questions};

	for (int i = 0; i < TRIES; i++) {
		request.failed = 0;
		json_array_clear(questions);
		if (ask_daemon(&request, err) < 0)
			return -1;
		if (!request.failed)
			return 0;
		if (!json_array_size(questions) || !ask_person(&request))
			break;
	}
	*err = request.err;
	return -1;
}

static int up_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return tunnels_with(app, argc, argv, bring_up, err);
}

const struct command cmd_tunnel_up = {
	.name = "up",
	.args = "[NAME...]",
	.summary = "Open tunnels that stay open, in the background",
	.details =
		"Returns when they are ready, or says why they are not. One process a user keeps "
		"them, and connects again when the connection is lost; `devenv tunnel down` ends "
		"them. One that is open already is left alone. A passphrase is asked for here and "
		"kept in that process's memory. What it has to say later is in tunnels.log in "
		"devenv's state folder.",
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_TUNNEL,
	.run = up_run,
};

/* === down === */

static int take_down(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	autodaemon struct daemon daemon = DAEMON_NONE;
	autojson json_t *request = json_object();
	autojson json_t *answer = NULL;
	json_t *ids = json_array();

	json_set_str(request, "command", "down");
	json_object_set_new(request, "ids", ids);
	for (size_t i = 0; i < tunnels->n; i++)
		json_array_append_new(ids, json_string(tunnels->list[i].spec.id));
	answer = daemon_ask(&daemon, false, request, err);
	if (err->kind)
		return -1;
	sink_info(&app->sink, NULL, "%d taken down", (int)json_int(answer, "down"));
	return 0;
}

static int down_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return tunnels_with(app, argc, argv, take_down, err);
}

const struct command cmd_tunnel_down = {
	.name = "down",
	.args = "[NAME...]",
	.summary = "Close tunnels that `tunnel up` opened",
	.details = "Their connections end. With the last one the background process ends too.",
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_TUNNEL,
	.run = down_run,
};

/* === status === */

static json_t *state_of(const struct tunnel_spec *spec, const json_t *status)
{
	const json_t *found = daemon_tunnel(status, spec->id);
	json_t *out = found ? json_deep_copy(found) : json_object();

	json_set_str(out, "name", spec->name);
	json_set_str(out, "socket", spec->socket);
	if (!found) {
		json_object_set_new(out, "port", json_integer(spec->port));
		json_set_str(out, "state", "down");
	}
	return out;
}

static void add_row(struct table *table, const struct tunnel_spec *spec, const json_t *state)
{
	bool down = str_eq(json_str(state, "state"), "down");
	autofree char *local = tunnel_local(spec, (uint16_t)json_int(state, "port"));
	autofree char *live = xasprintf("%d", (int)json_int(state, "connections"));
	char up[16], received[16];
	const char *cells[] = {
		spec->name,
		json_str(state, "state"),
		local,
		json_str(state, "since"),
		down ? NULL : live,
		down ? NULL : format_bytes(up, (uint64_t)json_int(state, "bytes_up")),
		down ? NULL : format_bytes(received, (uint64_t)json_int(state, "bytes_down")),
	};

	table_add(table, cells);
}

static int show_status(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	static const char *const headings[] = {
		"NAME", "STATE", "LOCAL", "SINCE", "CONNECTIONS", "UP", "DOWN", NULL};
	autojson json_t *status = daemon_status(err), *list = json_array();
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;

	if (!status && err->kind)
		return -1;
	table = table_new(headings);
	for (size_t i = 0; i < tunnels->n; i++) {
		json_t *state = state_of(&tunnels->list[i].spec, status);

		add_row(table, &tunnels->list[i].spec, state);
		json_array_append_new(list, state);
	}
	table_print(table, &text);
	table_free(table);
	return app->json ? ui_output_json(list, err) : ui_output(buf_str(&text), err);
}

static int status_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return tunnels_with(app, argc, argv, show_status, err);
}

const struct command cmd_tunnel_status = {
	.name = "status",
	.args = "[NAME...]",
	.summary = "Show which tunnels `tunnel up` keeps open, and their traffic",
	.details = "States: down, connecting, up, and reconnecting when the connection to the ssh "
		   "server was lost.",
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = status_run,
};
