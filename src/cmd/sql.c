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
#include "tunnel_thread.h"
#include "tunnels.h"

#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

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

static int run_through(
	struct app *app, const struct tunnel_entry *entry, int argc, char **argv, struct err *err)
{
	struct tunnel_thread tunnel = {
		.app = app, .spec = entry->spec, .mutex = PTHREAD_MUTEX_INITIALIZER};
	uint16_t open = open_port(entry->spec.id);
	struct sql_client client = {0};
	int status = -1;

	tunnel.spec.port = 0;
	tunnel.spec.gateway = false;
	if (sql_client_find(&client, entry->engine, err) == 0 &&
		(open || tunnel_thread_start(&tunnel, err) == 0)) {
		sql_client_words(&client, entry, open ? open : tunnel.port, argc, argv);
		status = run_client(&tunnel, &client, err);
		if (!open && tunnel_thread_stop(&tunnel, err) < 0)
			status = -1;
	}
	sql_client_release(&client);
	if (status > 0) {
		err->kind = ERR_EXIT;
		err->status = status;
	}
	return status ? -1 : 0;
}

static int sql_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct sql_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct tunnels tunnels = {0};
	struct tunnel_entry *entry;
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = tunnels_find(&session.ws, 1, argv, &tunnels, err);
	if (rc == 0) {
		entry = &tunnels.list[0];
		entry->user = chosen->user ? chosen->user : entry->user;
		entry->database = chosen->database ? chosen->database : entry->database;
		if (!entry->engine)
			rc = err_set(err, ERR_MANIFEST,
				"tunnel \"%s\" does not say what it leads to: write `engine: "
				"mysql` or "
				"`engine: postgres` in manifest \"%s\"",
				entry->spec.name, entry->manifest->name);
		else
			rc = run_through(app, entry, argc - 1, argv + 1, err);
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
	.args = "NAME [CLIENT ARG...]",
	.summary = "Query a read-only replica with its own client",
	.details =
		"Opens the tunnel NAME of the manifests' x-tunnels on a port of its own (or takes "
		"the one that `tunnel up` keeps open), starts mariadb, mysql or psql on it, and "
		"closes it after. The session is read-only, and "
		"the server must be a replica (see `devenv help tunnel`).\n"
		"\n"
		"Login and database come from the options, the tunnel's \"user\" and \"database\", "
		"or the client's own files (~/.my.cnf, ~/.pgpass, ~/.pg_service.conf); a password "
		"that is nowhere is asked for. It never stands on a command line.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_OPTIONS_FIRST,
	.complete = COMPLETE_TUNNEL,
	.options = options,
	.options_size = sizeof(struct sql_options),
	.run = sql_run,
};
