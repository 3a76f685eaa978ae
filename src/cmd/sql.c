/*
 * sql.c - `devenv sql NAME`: the database's own client, through a tunnel that lives as long as it.
 *
 * The tunnel is served by a thread on a port of its own, so that it never collides with one that is
 * open; the client owns the terminal meanwhile.  Its session is read-only, beside the check that
 * the server is a replica.
 */
#include "commands.h"

#include "session.h"
#include "tunnels.h"

#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The tunnel, served by a thread of its own. */
struct background {
	struct app *app;
	struct tunnel_spec spec;
	int stop[2]; /* a pipe: its end is the word to stop */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint16_t port; /* once it is ready */
	bool ended;
	pid_t client; /* while it runs */
	struct err err;
};

/* === the tunnel === */

static void on_ready(void *ctx, const struct tunnel_spec *spec, uint16_t port)
{
	struct background *tunnel = ctx;

	pthread_mutex_lock(&tunnel->mutex);
	tunnel->port = port;
	pthread_cond_signal(&tunnel->changed);
	pthread_mutex_unlock(&tunnel->mutex);
}

static void *serve(void *arg)
{
	struct background *tunnel = arg;
	struct ssh_ask ask = tunnels_ask(tunnel->app);
	struct tunnel_run run = {.ask = &ask,
		.sink = &tunnel->app->sink,
		.ready = on_ready,
		.ctx = tunnel,
		.stop_fd = tunnel->stop[0]};
	struct err err = ERR_INIT;

	tunnel_serve(&tunnel->spec, 1, &run, &err);
	pthread_mutex_lock(&tunnel->mutex);
	tunnel->err = err;
	tunnel->ended = true;
	/* Told to end from outside, or lost for good: the client has nobody to talk to. */
	if (tunnel->client > 0)
		kill(tunnel->client, SIGTERM);
	pthread_cond_signal(&tunnel->changed);
	pthread_mutex_unlock(&tunnel->mutex);
	return NULL;
}

static int stop(struct background *tunnel, struct err *err)
{
	cleanup_close(&tunnel->stop[1]);
	pthread_join(tunnel->thread, NULL);
	cleanup_close(&tunnel->stop[0]);
	if (tunnel->err.kind == ERR_NONE)
		return 0;
	*err = tunnel->err;
	return -1;
}

/* Start, and wait until it is ready. On failure it is gone. */
static int start(struct background *tunnel, struct err *err)
{
	bool ready;

	if (pipe2(tunnel->stop, O_CLOEXEC) < 0)
		return err_set(err, ERR_FAILED, "no more descriptors for a pipe");
	pthread_mutex_init(&tunnel->mutex, NULL);
	pthread_cond_init(&tunnel->changed, NULL);
	if (pthread_create(&tunnel->thread, NULL, serve, tunnel) != 0)
		abort();
	pthread_mutex_lock(&tunnel->mutex);
	while (!tunnel->port && !tunnel->ended)
		pthread_cond_wait(&tunnel->changed, &tunnel->mutex);
	ready = tunnel->port && !tunnel->ended;
	pthread_mutex_unlock(&tunnel->mutex);
	if (ready)
		return 0;
	if (stop(tunnel, err) == 0)
		err_set(err, ERR_CANCELLED, "stopped before the tunnel was open");
	return -1;
}

/* === the clients === */

/* What runs: its words, and what is added to its environment. */
struct client {
	struct strv argv, env;
	char *name;
};

static void client_release(struct client *client)
{
	strv_release(&client->argv);
	strv_release(&client->env);
	free(client->name);
}

static int find_client(struct client *client, const char *engine, struct err *err)
{
	static const char *const mysql[] = {"mariadb", "mysql", NULL}, *const postgres[] = {
									       "psql", NULL};
	const char *const *names = str_eq(engine, "mysql") ? mysql : postgres;

	for (size_t i = 0; names[i]; i++) {
		client->name = proc_find(names[i]);
		if (client->name)
			return 0;
	}
	if (names == mysql)
		return err_set(err, ERR_FAILED,
			"neither mariadb nor mysql is installed: apt install mariadb-client "
			"(Fedora: dnf "
			"install mariadb; macOS: brew install mariadb)");
	return err_set(err, ERR_FAILED,
		"psql is not installed: apt install postgresql-client (Fedora: dnf install "
		"postgresql; macOS: brew install libpq)");
}

/* What `client WORDS...` prints, or "" when it cannot be run. */
static char *ask_client(const char *client, const struct strv *words, const char *question)
{
	autostrv struct strv argv = STRV_INIT;
	struct buf text = BUF_INIT(65536);
	struct err ignored = ERR_INIT;

	strv_push(&argv, client);
	for (size_t i = 0; i < words->n; i++)
		strv_push(&argv, words->v[i]);
	strv_push(&argv, question);
	proc_run(&(struct proc_spec){.argv = (const char *const *)argv.v, .timeout_ms = 5000},
		&text, NULL, &ignored);
	return buf_detach(&text);
}

static bool is_file_option(const char *word)
{
	return str_starts(word, "--defaults-") || str_starts(word, "--no-defaults") ||
	       str_starts(word, "--login-path") || str_starts(word, "--print-defaults");
}

static bool is_password(const char *word)
{
	return str_starts(word, "-p") || str_starts(word, "--password");
}

/* Is a password known, from my.cnf or the environment? Else the client is told to ask for one. */
static bool knows_password(const char *client, const struct strv *files, int argc, char **argv)
{
	autofree char *defaults = ask_client(client, files, "--print-defaults");

	for (int i = 0; i < argc; i++)
		if (is_password(argv[i]))
			return true;
	return strstr(defaults, "--password") || getenv("MYSQL_PWD");
}

static bool has_terminal(void)
{
	autoclose int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

static void mysql_words(struct client *client, const struct tunnel_entry *entry, uint16_t port,
	bool clear, int argc, char **argv)
{
	static const struct strv none = STRV_INIT;
	autofree char *version = ask_client(client->name, &none, "--version");
	autostrv struct strv files = STRV_INIT;

	/* These must come before all others. */
	for (; argc && is_file_option(*argv); argc--, argv++)
		strv_push(&files, *argv);
	strv_push(&client->argv, client->name);
	for (size_t i = 0; i < files.n; i++)
		strv_push(&client->argv, files.v[i]);
	strv_push(&client->argv, "--host=127.0.0.1");
	strv_pushf(&client->argv, "--port=%u", port);
	strv_push(&client->argv, "--protocol=tcp");
	strv_push(&client->argv, "--init-command=SET SESSION TRANSACTION READ ONLY");
	if (clear && strstr(version, "MariaDB"))
		strv_push(&client->argv, "--skip-ssl");
	else if (clear)
		strv_push(&client->argv, "--ssl-mode=DISABLED");
	if (entry->user)
		strv_pushf(&client->argv, "--user=%s", entry->user);
	if (entry->database)
		strv_pushf(&client->argv, "--database=%s", entry->database);
	if (has_terminal() && !knows_password(client->name, &files, argc, argv))
		strv_push(&client->argv, "--password");
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
}

static void postgres_words(struct client *client, const struct tunnel_entry *entry, uint16_t port,
	bool clear, int argc, char **argv)
{
	const char *before = getenv("PGOPTIONS");

	strv_push(&client->argv, client->name);
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
	strv_push(&client->env, "PGHOST=127.0.0.1");
	strv_push(&client->env, "PGHOSTADDR=127.0.0.1");
	strv_pushf(&client->env, "PGPORT=%u", port);
	strv_pushf(&client->env, "PGOPTIONS=%s -c default_transaction_read_only=on",
		before ? before : "");
	if (clear) {
		strv_push(&client->env, "PGSSLMODE=disable");
		strv_push(&client->env, "PGGSSENCMODE=disable");
	}
	if (entry->user)
		strv_pushf(&client->env, "PGUSER=%s", entry->user);
	if (entry->database)
		strv_pushf(&client->env, "PGDATABASE=%s", entry->database);
}

/* === the command === */

static int run_client(struct background *tunnel, const struct client *client, struct err *err)
{
	struct proc_spec spec = {.argv = (const char *const *)client->argv.v,
		.env = (const char *const *)client->env.v,
		.terminal = true};
	int status;

	ui_pause(&tunnel->app->sink);
	signals_yield(true);
	pthread_mutex_lock(&tunnel->mutex);
	tunnel->client = proc_spawn(&spec, err);
	pthread_mutex_unlock(&tunnel->mutex);
	status = tunnel->client > 0 ? proc_wait(tunnel->client) : -1;
	pthread_mutex_lock(&tunnel->mutex);
	tunnel->client = 0;
	pthread_mutex_unlock(&tunnel->mutex);
	signals_yield(false);
	ui_resume(&tunnel->app->sink);
	return status;
}

static int run_through(
	struct app *app, const struct tunnel_entry *entry, int argc, char **argv, struct err *err)
{
	struct background tunnel = {.app = app, .spec = entry->spec, .stop = {-1, -1}};
	bool clear = entry->spec.guard && !entry->spec.allow_unverified;
	struct client client = {0};
	int status = -1;

	tunnel.spec.port = 0;
	tunnel.spec.gateway = false;
	if (find_client(&client, entry->engine, err) == 0 && start(&tunnel, err) == 0) {
		if (str_eq(entry->engine, "mysql"))
			mysql_words(&client, entry, tunnel.port, clear, argc, argv);
		else
			postgres_words(&client, entry, tunnel.port, clear, argc, argv);
		status = run_client(&tunnel, &client, err);
		if (stop(&tunnel, err) < 0)
			status = -1;
	}
	client_release(&client);
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
		"Opens the tunnel NAME of the manifests' x-tunnels on a port of its own, starts "
		"mariadb, mysql or psql on it, and closes it after. The session is read-only, and "
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
