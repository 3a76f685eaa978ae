/* tunnel_up.c - `devenv tunnel up|down|status`: tunnels that stay when the command has ended. */
#include "commands.h"

#include "tunnel_daemon.h"
#include "tunnel_login.h"
#include "tunnels.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 3   /* with wrong answers */
#define ROUNDS 12 /* of questions */

/* === up === */

struct request {
	struct app *app;
	const struct tunnels *tunnels;
	json_t *answers;      /* to questions of ssh */
	json_t *questions;    /* that had none */
	struct strv said;     /* warnings, which tunnels of one bastion share */
	struct strv failures; /* of the last round, what each tunnel says */
	struct err err;       /* why nobody can be asked */
	int wrong;            /* rounds with wrong answers */
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

static void pass_on(struct request *request, const json_t *warnings)
{
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		if (!text || strv_has(&request->said, text))
			continue;
		sink_warn(&request->app->sink, NULL, "%s", text);
		strv_push(&request->said, text);
	}
}

static void tell(struct request *request, const json_t *line)
{
	const struct tunnel_spec *spec = spec_of(request->tunnels, json_str(line, "id"));
	const char *error = json_str(line, "error");
	autofree char *local = spec ? tunnel_local(spec, (uint16_t)json_int(line, "port")) : NULL;

	pass_on(request, json_object_get(line, "warnings"));
	json_array_extend(request->questions, json_object_get(line, "questions"));
	if (!error && spec) {
		sink_info(
			&request->app->sink, NULL, "tunnel \"%s\": %s is open", spec->name, local);
	} else if (error) {
		struct err why = ERR_INIT;

		err_set(&why, ERR_TUNNEL, "%s", error);
		if (spec)
			tunnel_name_error(spec, &why);
		strv_push(&request->failures, why.msg);
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

/* Ask a person one thing that ssh wanted to know; false: there is no answer. */
static bool ask_person(struct request *request, const json_t *question)
{
	struct ssh_ask ask = tunnels_ask(request->app);
	struct ssh_prompt prompt = {.text = json_str(question, "text"),
		.info = json_str(question, "info"),
		.echo = json_bool(question, "echo"),
		.again = json_bool(question, "again")};
	bool confirm = json_bool(question, "confirm");
	char *text;

	if (!prompt.text)
		return false;
	if (confirm && !ask.confirm(ask.ctx, prompt.text))
		return false;
	if (confirm) {
		json_object_set_new(request->answers, prompt.text, json_true());
		return true;
	}
	text = ask.answer(ask.ctx, &prompt);
	if (!text)
		return false;
	json_set_str(request->answers, prompt.text, text);
	explicit_bzero(text, strlen(text));
	free(text);
	return true;
}

/*
 * A server that asks for something else each time ("Challenge 4711: ") has not asked again what was
 * answered: every question begins with "(USER@HOST:PORT)", and those of a server come in order.
 */
static bool is_moving(const struct request *request, const json_t *question)
{
	const char *text = json_str(question, "text"), *key;
	size_t len = text ? strcspn(text, ")") : 0;
	json_t *value;

	if (!text || json_bool(question, "confirm"))
		return false;
	json_object_foreach (request->answers, key, value) {
		if (json_is_string(value) && strncmp(key, text, len) == 0 && !str_eq(key, text) &&
			!json_object_get(json_object_get(question, "used"), key))
			return true;
	}
	return false;
}

/* false: there is nothing new to say. */
static bool ask_all(struct request *request)
{
	bool any = false, wrong = false;

	for (size_t i = 0; i < json_array_size(request->questions); i++) {
		const json_t *question = json_array_get(request->questions, i);
		bool again = json_bool(question, "again");

		wrong |= again;
		if (!again && is_moving(request, question)) {
			err_set(&request->err, ERR_TUNNEL,
				"\"%s\" is another question each time, which cannot be answered in "
				"the background: run \"devenv tunnel\" on a terminal",
				json_str(question, "text"));
			return false;
		}
		if (!again && json_object_get(request->answers, json_str(question, "text")))
			continue;
		if (again && request->wrong + 1 >= TRIES)
			continue;
		any |= ask_person(request, question);
	}
	request->wrong += wrong;
	return any;
}

/* Each of several is told, and the others stay open. */
static int report(struct request *request, struct err *err)
{
	if (request->err.kind) {
		*err = request->err;
		return -1;
	}
	if (request->failures.n == 1)
		return err_set(err, ERR_TUNNEL, "%s", request->failures.v[0]);
	for (size_t i = 0; i < request->failures.n; i++)
		sink_warn(&request->app->sink, NULL, "%s", request->failures.v[i]);
	return err_set(err, ERR_TUNNEL, "%zu of %zu tunnels are not open", request->failures.n,
		request->tunnels->n);
}

/* Each question costs the daemon an attempt to connect: it waits for nobody. */
static int ask_until_up(struct request *request, struct err *err)
{
	for (int i = 0; i < ROUNDS; i++) {
		strv_release(&request->failures);
		json_array_clear(request->questions);
		if (ask_daemon(request, err) < 0)
			return -1;
		if (!request->failures.n)
			return 0;
		if (!ask_all(request))
			break;
	}
	return report(request, err);
}

static int bring_up(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	autojson json_t *answers = json_object(), *questions = json_array();
	struct request request = {
		.app = app, .tunnels = tunnels, .answers = answers, .questions = questions};
	int rc = ask_until_up(&request, err);

	strv_release(&request.said);
	strv_release(&request.failures);
	return rc;
}

/* With the password that is typed now; the daemon keeps it. */
static int prove(struct app *app, const struct tunnel_entry *entry, struct err *err)
{
	const struct tunnel_spec *spec = &entry->spec;
	struct tunnel_login login = {0};
	struct role role;
	struct err why = ERR_INIT;
	int rc = 0;

	/* Where nobody can be asked, files may know it. */
	tunnel_login_ask(&login, app, spec);
	if (signals_pending())
		rc = err_set(err, ERR_CANCELLED, "interrupted");
	else if (tunnel_login_prove(&login, app, spec, &role, &why) < 0)
		rc = tunnel_login_failed(entry, &why, err);
	else if (!role.replica)
		rc = tunnel_login_writer(spec, err);
	else
		tunnel_login_told(&login, app, spec, &role, NULL);
	tunnel_login_release(&login);
	return rc;
}

/* Those that are open; who cannot be asked keeps nobody else from it. */
static int prove_open(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	struct err own = ERR_INIT;
	autojson json_t *status = daemon_status(&own);
	size_t failed = 0;

	for (size_t i = 0; i < tunnels->n; i++) {
		const struct tunnel_spec *spec = &tunnels->list[i].spec;

		err_clear(&own);
		if (!spec->guard || !daemon_tunnel(status, spec->id) ||
			prove(app, &tunnels->list[i], &own) == 0)
			continue;
		if (tunnels->n == 1 || own.kind == ERR_CANCELLED) {
			*err = own;
			return -1;
		}
		sink_warn(&app->sink, NULL, "%s", own.msg);
		failed++;
	}
	if (!failed)
		return 0;
	return err_set(err, ERR_TUNNEL, "%zu of %zu databases are not proven replicas", failed,
		tunnels->n);
}

static int bring_up_asked(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	struct err later = ERR_INIT;
	int rc = bring_up(app, tunnels, err);

	if (rc < 0 && err->kind == ERR_CANCELLED)
		return -1;
	if (prove_open(app, tunnels, &later) < 0 && (rc == 0 || later.kind == ERR_CANCELLED)) {
		*err = later;
		return -1;
	}
	return rc;
}

static int up_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct tunnel_options *chosen = opts;

	return tunnels_with(app, argc, argv, chosen->password ? bring_up_asked : bring_up, err);
}

const struct command cmd_tunnel_up = {
	.name = "up",
	.args = "[NAME...]",
	.summary = "Open tunnels that stay open, in the background",
	.details =
		"Returns when they are ready, or says why they are not. One process a user keeps "
		"them, and connects again when the connection is lost; `devenv tunnel down` ends "
		"them. One that is open already is left alone. A passphrase or a password is asked "
		"for here and kept in that process's memory; where more than a password is "
		"needed, a lost connection waits for the next `tunnel up`. So is the database's "
		"password with --password. What it has to say later is in tunnels.log in devenv's "
		"state folder.",
	.options = tunnel_password_options,
	.options_size = sizeof(struct tunnel_options),
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
	int closed;

	json_set_str(request, "command", "down");
	json_object_set_new(request, "ids", ids);
	for (size_t i = 0; i < tunnels->n; i++)
		json_array_append_new(ids, json_string(tunnels->list[i].spec.id));
	answer = daemon_ask(&daemon, false, request, err);
	if (err->kind)
		return -1;
	closed = (int)json_int(answer, "down");
	if (closed)
		sink_info(&app->sink, NULL, "%d tunnel%s closed", closed, closed == 1 ? "" : "s");
	else
		sink_info(&app->sink, NULL, "no tunnel was open");
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

/* NULL: it was not asked. */
static char *server_of(const json_t *state)
{
	struct role role;

	if (!tunnel_role_read(state, &role))
		return NULL;
	if (!role.replica)
		return xstrdup("writer");
	if (role.lag_s < 0)
		return xstrdup("replica");
	return xasprintf("replica, %lld s behind", (long long)role.lag_s);
}

static void add_row(struct table *table, const struct tunnel_spec *spec, const json_t *state)
{
	bool down = str_eq(json_str(state, "state"), "down");
	autofree char *local = tunnel_local(spec, (uint16_t)json_int(state, "port"));
	autofree char *live = xasprintf("%d", (int)json_int(state, "connections"));
	autofree char *server = server_of(state);
	char up[16], received[16];
	const char *cells[] = {
		spec->name,
		json_str(state, "state"),
		local,
		json_str(state, "since"),
		down ? NULL : live,
		down ? NULL : format_bytes(up, (uint64_t)json_int(state, "bytes_up")),
		down ? NULL : format_bytes(received, (uint64_t)json_int(state, "bytes_down")),
		server,
	};

	table_add(table, cells);
}

static int show_status(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	static const char *const headings[] = {
		"NAME", "STATE", "LOCAL", "SINCE", "CLIENTS", "UP", "DOWN", "SERVER", NULL};
	autojson json_t *status = daemon_status(err), *list = json_array();
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;

	if (!status && err->kind)
		return -1;
	table = table_new(headings);
	for (size_t i = 0; i < tunnels->n; i++) {
		json_t *state = state_of(&tunnels->list[i].spec, status);

		add_row(table, &tunnels->list[i].spec, state);
		if (json_str(state, "error"))
			sink_warn(&app->sink, NULL, "tunnel \"%s\": %s", tunnels->list[i].spec.name,
				json_str(state, "error"));
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
	.details = "States: down, connecting, up, reconnecting when the connection to the ssh "
		   "server was lost, and lost when that needs a person: `devenv tunnel up` again. "
		   "SERVER is what the database is, and how far behind, where devenv asked it on a "
		   "session of its own.",
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = status_run,
};
