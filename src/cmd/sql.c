/*
 * sql.c - `devenv sql NAME`: the database's own client, through a tunnel that lives as long as it.
 *
 * The client owns the terminal meanwhile.  Its session is read-only, beside the check that the
 * server is a replica.
 */
#include "commands.h"

#include "session.h"
#include "sql_client.h"
#include "tunnel_daemon.h"
#include "tunnel_login.h"
#include "tunnel_thread.h"
#include "tunnels.h"

#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>

struct sql_options {
	const char *user, *database;
};

static const struct option_spec options[] = {
	{.name = "user",
		.letter = 'u',
		.type = OPT_STRING,
		OPT_AT(struct sql_options, user),
		.arg = "NAME",
		.help = "Database login, in place of the manifest's"},
	{.name = "database",
		.letter = 'd',
		.type = OPT_STRING,
		OPT_AT(struct sql_options, database),
		.arg = "NAME",
		.help = "Database, in place of the manifest's"},
	{0},
};

/* === the command === */

static int run_client(
	struct tunnel_thread *tunnel, const struct sql_client *client, struct err *err)
{
	struct proc_spec spec = {.argv = (const char *const *)client->argv.v,
		.env = (const char *const *)client->env.v,
		.terminal = true};
	int status;

	ui_pause(&tunnel->app->sink);
	signals_yield(true);
	status = tunnel_thread_client(tunnel, &spec, err);
	signals_yield(false);
	ui_resume(&tunnel->app->sink);
	return status;
}

/* The port of the tunnel that `tunnel up` keeps open, or 0. */
static uint16_t open_port(const char *id)
{
	struct err ignored = ERR_INIT;
	autojson json_t *status = daemon_status(&ignored);
	const json_t *tunnel = daemon_tunnel(status, id);

	return str_eq(json_str(tunnel, "state"), "up") ? (uint16_t)json_int(tunnel, "port") : 0;
}

/* A tunnel for one client: its own, or the daemon's; and what is known of the server. */
struct sql_run {
	struct tunnel_thread tunnel;
	struct tunnel_login login;
	const struct tunnel_entry *entry;
	uint16_t open;    /* the daemon's port, or 0 */
	struct role role; /* what the server says, or */
	struct err why;   /* why it does not, or was not asked */
};

static int open_tunnel(struct sql_run *run, bool ask, struct err *err)
{
	struct tunnel_spec *spec = &run->tunnel.spec;

	spec->gateway = false;
	spec->aside = true; /* ~/.pgpass knows the tunnel's port, which may be open elsewhere */
	run->tunnel.login = ask ? &run->login : NULL;
	run->open = open_port(spec->id);
	if (!run->open && tunnel_thread_start(&run->tunnel, err) < 0)
		return -1;
	if (!ask)
		err_set(&run->why, ERR_TUNNEL, "the client's words name a login of their own");
	else if (run->open)
		tunnel_login_prove(&run->login, run->tunnel.app, spec, &run->role, &run->why);
	run->role = run->open ? run->role : run->tunnel.role;
	run->why = run->open || !ask ? run->why : run->tunnel.role_err;
	return 0;
}

/*
 * Who did not answer us may still answer the client, which the guard then looks after; where it was
 * a password that was missing the client says so itself.
 */
static int no_word(struct sql_run *run, struct err *err)
{
	if (signals_pending())
		return err_set(err, ERR_CANCELLED, "interrupted");
	if (run->login.tries)
		return tunnel_login_failed(run->entry, &run->why, err);
	if (run->tunnel.login && run->why.os != EKEYREJECTED)
		tunnel_login_told(&run->login, run->tunnel.app, &run->entry->spec, NULL, &run->why);
	return 0;
}

static int check_role(struct sql_run *run, struct err *err)
{
	const struct tunnel_spec *spec = &run->entry->spec;
	autofree char *text = tunnel_role_text(&run->role);

	if (run->why.kind)
		return no_word(run, err);
	if (spec->guard && !run->role.replica)
		return tunnel_login_writer(spec, err);
	sink_info(&run->tunnel.app->sink, NULL, "tunnel \"%s\": %s", spec->name, text);
	return 0;
}

static int run_in(
	struct sql_run *run, struct sql_client *client, int argc, char **argv, struct err *err)
{
	bool aside = !run->open && run->tunnel.port == run->tunnel.spec.port;
	const struct sql_way way = {
		.host = aside ? TUNNEL_ASIDE : "127.0.0.1",
		.port = run->open ? run->open : run->tunnel.port,
		.tls = !run->why.kind && run->role.tls,
		.password = run->login.password,
	};
	int status = -1;

	if (check_role(run, err) == 0) {
		sql_client_words(client, run->entry, &way, argc, argv);
		status = run_client(&run->tunnel, client, err);
	}
	return status;
}

static int run_through(
	struct app *app, const struct tunnel_entry *entry, int argc, char **argv, struct err *err)
{
	struct sql_run run = {
		.tunnel = {.app = app, .spec = entry->spec, .mutex = PTHREAD_MUTEX_INITIALIZER},
		.login = {.role = {.engine = entry->engine, .port = entry->spec.port}},
		.entry = entry,
	};
	struct sql_client client = SQL_CLIENT_INIT;
	bool ask = !sql_client_own_login(entry->engine, argc, argv, &run.login.role.defaults_file);
	struct err later = ERR_INIT;
	int status = -1;

	/* A client that is given its only file could not be told of another password. */
	run.login.silent = run.login.role.defaults_file != NULL;
	if (sql_client_find(&client, entry->engine, err) == 0 && open_tunnel(&run, ask, err) == 0) {
		status = run_in(&run, &client, argc, argv, err);
		if (!run.open && tunnel_thread_stop(&run.tunnel, &later) < 0 && !err->kind) {
			*err = later;
			status = -1;
		}
	}
	if (err->kind == ERR_TUNNEL)
		tunnel_name_error(&entry->spec, err);
	sql_client_release(&client);
	tunnel_login_release(&run.login);
	if (status > 0) {
		err->kind = ERR_EXIT;
		err->status = status;
	}
	return status ? -1 : 0;
}

/* Without a name it is the only one that there is. */
static int find_tunnel(
	const struct workspace *ws, int argc, char **argv, struct tunnels *tunnels, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *list = NULL;

	if (tunnels_find(ws, argc ? 1 : 0, argv, tunnels, err) < 0)
		return -1;
	if (tunnels->n == 1)
		return 0;
	for (size_t i = 0; i < tunnels->n; i++)
		strv_push(&names, tunnels->list[i].spec.name);
	list = strv_join(&names, ", ");
	return err_set(err, ERR_USAGE, "through which tunnel? There are: %s", list);
}

static int sql_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct sql_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct tunnels tunnels = {0};
	struct tunnel_entry *entry;
	/* The client's words begin here. */
	int own = argc > 1 && str_eq(argv[1], "--") ? 2 : argc > 0;
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = find_tunnel(&session.ws, argc, argv, &tunnels, err);
	if (rc == 0) {
		entry = &tunnels.list[0];
		entry->spec.user = chosen->user ? chosen->user : entry->spec.user;
		entry->spec.database = chosen->database ? chosen->database : entry->spec.database;
		if (!entry->engine)
			rc = err_set(err, ERR_MANIFEST,
				"tunnel \"%s\" does not say what it leads to: write `engine: "
				"mysql` or "
				"`engine: postgres` in manifest \"%s\"",
				entry->spec.name, entry->manifest->name);
		else
			rc = run_through(app, entry, argc - own, argv + own, err);
	}
	tunnels_release(&tunnels);
	return rc;
}

static const char *const examples[] = {
	"devenv sql reader",
	"devenv sql reader -e 'SELECT COUNT(*) FROM orders'   # what follows NAME is the client's",
	"devenv sql -u jane warehouse -c '\\dt'                # PostgreSQL",
	NULL,
};

const struct command cmd_sql = {
	.name = "sql",
	.group = "Databases far away",
	.args = "[NAME [CLIENT ARG...]]",
	.summary = "Query a read-only replica with its own client",
	.details =
		"Opens the tunnel NAME of the manifests' x-tunnels on a port of its own (or takes "
		"the one that `tunnel up` keeps open), starts mariadb, mysql or psql on it, and "
		"closes it after. NAME may be left out where there is only one. The session is "
		"read-only, and "
		"the server must be a replica (see `devenv help tunnel`). What follows NAME, and a "
		"\"--\" if you like, is the client's.\n"
		"\n"
		"Login and database come from the options, the tunnel's \"user\" and \"database\", "
		"or the client's own files (~/.my.cnf, ~/.pgpass, ~/.pg_service.conf); a password "
		"that is nowhere is asked for. It never stands on a command line.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_OPTIONS_FIRST,
	.complete = COMPLETE_TUNNEL,
	.options = options,
	.options_size = sizeof(struct sql_options),
	.run = sql_run,
};
