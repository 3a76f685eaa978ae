/*
 * tunnel.c - `devenv tunnel [NAME...]`: serve the manifests' x-tunnels in the foreground.
 */
#include "commands.h"

#include "session.h"
#include "tunnel_daemon.h"
#include "tunnel_login.h"
#include "tunnels.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>

/* What `ready` is told about: specs[i] is of tunnels->list[i]. */
struct serving {
	struct app *app;
	const struct tunnels *tunnels;
	const struct tunnel_spec *specs;
	struct tunnel_login *logins; /* of each, or NULL: no password was asked for */
};

/* What to type to try it; NULL: nobody knows what answers. The caller's. */
static char *client_line(const struct tunnel_entry *entry, uint16_t port)
{
	const struct tunnel_spec *spec = &entry->spec;
	autofree char *user = spec->user ? str_shell_quote(spec->user) : xstrdup("USER");
	autofree char *database = spec->database ? str_shell_quote(spec->database) : NULL;
	autofree char *path = spec->socket ? str_shell_quote(spec->socket) : NULL;
	autofree char *dir = spec->socket ? path_dirname(spec->socket) : NULL;
	autofree char *quoted_dir = dir ? str_shell_quote(dir) : NULL;
	autofree char *where = NULL;

	if (str_eq(entry->engine, "mysql")) {
		where = path ? xasprintf("-S %s", path) : xasprintf("-h 127.0.0.1 -P %u", port);
		return xasprintf("mysql %s -u %s -p%s%s", where, user, database ? " " : "",
			database ? database : "");
	}
	if (!str_eq(entry->engine, "postgres"))
		return NULL;
	where = path ? xasprintf("-h %s -p %s", quoted_dir, tunnel_socket_port(spec->socket))
		     : xasprintf("-h 127.0.0.1 -p %u", port);
	return xasprintf(
		"psql %s -U %s%s%s", where, user, database ? " -d " : "", database ? database : "");
}

static json_t *tunnel_json(const struct tunnel_spec *spec, uint16_t port)
{
	json_t *out = json_object();

	json_set_str(out, "name", spec->name);
	json_set_str(out, "socket", spec->socket);
	if (!spec->socket) {
		json_set_str(out, "host", "127.0.0.1");
		json_object_set_new(out, "port", json_integer(port));
	}
	json_setf(out, "to", "%s:%u", spec->to_host, spec->to_port);
	json_set_str(out, "via", spec->via);
	return out;
}

static void show_json(const struct tunnel_spec *spec, uint16_t port, const char *client)
{
	autojson json_t *line = tunnel_json(spec, port);
	autofree char *text = NULL, *shown = NULL;
	struct err ignored = ERR_INIT;

	json_set_str(line, "client", client);
	text = json_print(line);
	shown = xasprintf("%s\n", text);
	ui_output(shown, &ignored);
}

static void show_ready(void *ctx, const struct tunnel_spec *spec, uint16_t port)
{
	const struct serving *serving = ctx;
	const struct tunnel_entry *entry = &serving->tunnels->list[spec - serving->specs];
	autofree char *client = client_line(entry, port), *local = tunnel_local(spec, port);
	autobuf struct buf text = BUF_INIT(65536);
	struct err ignored = ERR_INIT;

	if (serving->app->json) {
		show_json(spec, port, client);
		return;
	}
	ui_text(&text, spec->name);
	buf_addstr(&text, "  ");
	ui_text(&text, local);
	buf_addstr(&text, " -> ");
	ui_text(&text, spec->to_host);
	buf_addf(&text, ":%u via ", spec->to_port);
	ui_text(&text, spec->via);
	buf_addch(&text, '\n');
	if (client)
		buf_addf(&text, "    %s\n", client);
	ui_output(buf_str(&text), &ignored);
}

/* === what the servers are === */

static struct tunnel_login *login_of(const struct serving *serving, const struct tunnel_spec *spec)
{
	return serving->logins ? &serving->logins[spec - serving->specs] : NULL;
}

static bool get_login(void *ctx, const struct tunnel_spec *spec, struct role_login *login)
{
	struct tunnel_login *found = login_of(ctx, spec);
	const struct serving *serving = ctx;

	if (!found || !spec->guard)
		return false;
	if (!found->password && !tunnel_login_ask(found, serving->app, spec))
		return false;
	*login = found->role;
	return true;
}

static bool show_role(
	void *ctx, const struct tunnel_spec *spec, const struct role *role, const struct err *err)
{
	const struct serving *serving = ctx;

	return tunnel_login_told(login_of(serving, spec), serving->app, spec, role, err);
}

static int serve(struct app *app, const struct tunnels *tunnels, bool password, struct err *err)
{
	autofree struct tunnel_spec *specs = xcalloc(tunnels->n, sizeof(*specs));
	autofree struct tunnel_login *logins = xcalloc(tunnels->n, sizeof(*logins));
	struct serving serving = {
		.app = app, .tunnels = tunnels, .specs = specs, .logins = password ? logins : NULL};
	struct ssh_ask ask = tunnels_ask(app);
	autofree char *audit = tunnel_audit_path();
	struct tunnel_run run = {.ask = &ask,
		.sink = &app->sink,
		.audit = audit,
		.ready = show_ready,
		.login = get_login,
		.role = show_role,
		.ctx = &serving,
		.stop_fd = -1};
	int rc;

	for (size_t i = 0; i < tunnels->n; i++) {
		specs[i] = tunnels->list[i].spec;
		if (specs[i].gateway)
			sink_warn(&app->sink, NULL,
				"tunnel \"%s\" listens on all addresses (gateway: true): every "
				"machine of your network can use it",
				specs[i].name);
	}
	rc = tunnel_serve(specs, tunnels->n, &run, err);
	if (rc < 0 && tunnels->n == 1 && err->kind == ERR_TUNNEL)
		tunnel_name_error(&specs[0], err);
	for (size_t i = 0; i < tunnels->n; i++)
		tunnel_login_release(&logins[i]);
	return rc;
}

static int all_open(const struct tunnels *tunnels, struct err *err)
{
	if (tunnels->n > 1)
		return err_set(err, ERR_TUNNEL,
			"the tunnels are open in the background already: see \"devenv tunnel "
			"status\", "
			"or run \"devenv tunnel down\" first");
	return err_set(err, ERR_TUNNEL,
		"tunnel \"%s\" is open in the background already: see \"devenv tunnel status\", or "
		"run \"devenv tunnel down %s\" first",
		tunnels->list[0].spec.name, tunnels->list[0].spec.name);
}

/* What `tunnel up` keeps open is open, and has its ports. */
static int serve_closed(
	struct app *app, const struct tunnels *tunnels, bool password, struct err *err)
{
	struct err ignored = ERR_INIT;
	autojson json_t *status = daemon_status(&ignored);
	struct tunnels closed = {xcalloc(tunnels->n, sizeof(*closed.list)), 0};
	int rc;

	for (size_t i = 0; i < tunnels->n; i++) {
		const struct tunnel_spec *spec = &tunnels->list[i].spec;

		if (!daemon_tunnel(status, spec->id))
			closed.list[closed.n++] = tunnels->list[i];
		else if (tunnels->n > 1)
			sink_warn(&app->sink, NULL,
				"tunnel \"%s\" is open in the background already", spec->name);
	}
	if (closed.n)
		rc = serve(app, &closed, password, err);
	else
		rc = all_open(tunnels, err);
	free(closed.list);
	return rc;
}

static int serve_plain(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	return serve_closed(app, tunnels, false, err);
}

static int serve_asked(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	return serve_closed(app, tunnels, true, err);
}

static int tunnel_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct tunnel_options *chosen = opts;

	return tunnels_with(app, argc, argv, chosen->password ? serve_asked : serve_plain, err);
}

/* === list === */

static int list_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	static const char *const headings[] = {"NAME", "LOCAL", "TO", "VIA", "ENGINE", NULL};
	autosession struct session session = SESSION_INIT;
	struct table *table = table_new(headings);
	autojson json_t *list = json_array();
	autobuf struct buf text = BUF_INIT(0);
	struct tunnels tunnels = {0};
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = tunnels_find(&session.ws, argc, argv, &tunnels, err);
	for (size_t i = 0; i < tunnels.n; i++) {
		const struct tunnel_entry *entry = &tunnels.list[i];
		const struct tunnel_spec *spec = &entry->spec;
		autofree char *local = tunnel_local(spec, spec->port);
		json_t *item = tunnel_json(spec, spec->port);
		const char *cells[] = {
			spec->name, local, json_str(item, "to"), spec->via, entry->engine};

		json_set_str(item, "engine", entry->engine);
		json_object_set_new(item, "read_only", json_boolean(spec->guard != NULL));
		json_array_append_new(list, item);
		table_add(table, cells);
	}
	table_print(table, &text);
	if (rc == 0)
		rc = app->json ? ui_output_json(list, err) : ui_output(buf_str(&text), err);
	table_free(table);
	tunnels_release(&tunnels);
	return rc;
}

static const struct command list = {
	.name = "list",
	.args = "[NAME...]",
	.summary = "Show the tunnels of the workspace, without opening them",
	.details = "A tunnel whose manifest names no port has one made from its name: it stays the "
		   "same, so that clients can keep it in their settings.",
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = list_run,
};

/* === the command === */

static const struct command *const subcommands[] = {&cmd_tunnel_up, &cmd_tunnel_down, &list,
	&cmd_tunnel_status, &cmd_tunnel_check, &cmd_tunnel_logs, &cmd_tunnel_env,
	&cmd_tunnel_daemon, NULL};

static const char *const examples[] = {
	"devenv tunnel          # every tunnel of the workspace",
	"devenv tunnel reader   # only this one; Ctrl-C ends it",
	"devenv tunnel check reader  # where on the way it fails",
	"devenv tunnel list     # what there is, and on which ports",
	"eval \"$(devenv tunnel env reader)\"",
	NULL,
};

const struct command cmd_tunnel = {
	.name = "tunnel",
	.group = "Databases far away",
	.args = "[NAME...]",
	.summary = "Open SSH tunnels to databases",
	.details =
		"Opens the tunnels that the manifests describe under x-tunnels, all of them or the "
		"named ones, and serves until Ctrl-C. Each is a port on 127.0.0.1 that leads "
		"through "
		"an ssh server to a database; with \"socket: PATH\" it is a Unix socket, which "
		"only "
		"its owner can use (\"engine: postgres\": PATH is the folder for psql -h). When "
		"the connection is lost it is made again while "
		"the "
		"port stays open.\n"
		"\n"
		"Keys come from the tunnel's \"identity\", the ssh configuration, the ssh agent or "
		"~/.ssh; ~/.ssh/config is read by asking the installed ssh, or without one by "
		"devenv itself. The server's key must be "
		"in known_hosts or pinned as \"host_key\"; an unknown one is asked about on a "
		"terminal and refused without. With \"ssh_engine: openssh\" the installed ssh "
		"makes "
		"the session, with all that it can and the built-in libssh2 cannot, and asks by "
		"itself; what of the configuration needs that is named in a warning.\n"
		"\n"
		"With \"engine: mysql\" or \"engine: postgres\" each connection is asked, once its "
		"login is done and before its first command, whether the server is a read-only "
		"replica; one that reached a writer is refused with an error that the client "
		"shows. It is asked again between later commands, and when the server has become "
		"a writer all connections of the tunnel are closed. "
		"devenv needs no credentials for it, but a login in the clear (the ssh tunnel "
		"encrypts). Where TLS or compression hides it, devenv asks the server on a session "
		"of its own, as the tunnel's \"user\", before such a connection goes on and every "
		"3 s while it is open. The password comes from ~/.my.cnf, ~/.pgpass, "
		"~/.pg_service.conf and their variables, or with --password from you. What cannot "
		"be proven is refused, unless the tunnel has \"allow_unverified: true\". "
		"\"read_only: false\" turns the check off.\n"
		"\n"
		"Each connection leaves a line of what it was, never of what was said: `devenv "
		"tunnel logs`.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.options = tunnel_password_options,
	.options_size = sizeof(struct tunnel_options),
	.subcommands = subcommands,
	.run = tunnel_run,
};
