/* tunnel_env.c - `devenv tunnel env NAME`: how programs find a tunnel's local end. */
#include "commands.h"

#include "session.h"
#include "tunnels.h"

#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>

struct env_options {
	const char *format;
};

static const char *const formats[] = {"shell", "json", "my.cnf", NULL};

static const struct option_spec options[] = {
	{.name = "format",
		.type = OPT_CHOICE,
		OPT_AT(struct env_options, format),
		.arg = "FORMAT",
		.help = "How it is printed",
		.choices = formats,
		.def = "shell"},
	{0},
};

/* "USER@127.0.0.1:PORT/DATABASE", of what is known. */
static char *authority(const struct tunnel_entry *entry)
{
	return xasprintf("%s%s127.0.0.1:%u/%s", entry->spec.user ? entry->spec.user : "",
		entry->spec.user ? "@" : "", entry->spec.port,
		entry->spec.database ? entry->spec.database : "");
}

/* In the clear where the guard is to look; ssh encrypts. */
static bool in_the_clear(const struct tunnel_entry *entry)
{
	return entry->spec.guard && !entry->spec.allow_unverified;
}

/* "jdbc:ENGINE://127.0.0.1:PORT/DATABASE?user=USER&CLEAR", of what is known and wanted. */
static void add_jdbc(
	json_t *out, const char *engine, const struct tunnel_entry *entry, const char *clear)
{
	autofree char *user = entry->spec.user ? xasprintf("user=%s", entry->spec.user) : NULL;
	autostrv struct strv words = STRV_INIT;
	autofree char *query = NULL;

	if (user)
		strv_push(&words, user);
	if (in_the_clear(entry))
		strv_push(&words, clear);
	query = strv_join(&words, "&");
	json_setf(out, "JDBC_URL", "jdbc:%s://127.0.0.1:%u/%s%s%s", engine, entry->spec.port,
		entry->spec.database ? entry->spec.database : "", *query ? "?" : "", query);
}

static void add_mysql(json_t *out, const struct tunnel_entry *entry)
{
	autofree char *where = authority(entry);

	json_set_str(out, "MYSQL_HOST", "127.0.0.1");
	json_setf(out, "MYSQL_TCP_PORT", "%u", entry->spec.port);
	json_setf(out, "DATABASE_URL", "mysql://%s", where);
	add_jdbc(out, "mysql", entry, "sslMode=DISABLED&allowPublicKeyRetrieval=true");
}

static void add_postgres_session(json_t *out, const struct tunnel_entry *entry)
{
	json_set_str(out, "PGUSER", entry->spec.user);
	json_set_str(out, "PGDATABASE", entry->spec.database);
	json_set_str(out, "PGOPTIONS", "-c default_transaction_read_only=on");
	if (in_the_clear(entry)) {
		json_set_str(out, "PGSSLMODE", "disable");
		json_set_str(out, "PGGSSENCMODE", "disable");
	}
}

static void add_postgres(json_t *out, const struct tunnel_entry *entry)
{
	autofree char *where = authority(entry);
	const char *mode = in_the_clear(entry) ? "?sslmode=disable" : "";

	json_set_str(out, "PGHOST", "127.0.0.1");
	json_setf(out, "PGPORT", "%u", entry->spec.port);
	add_postgres_session(out, entry);
	json_setf(out, "DATABASE_URL", "postgresql://%s%s", where, mode);
	add_jdbc(out, "postgresql", entry, "sslmode=disable");
}

/* JDBC knows no Unix sockets. */
static void add_socket(json_t *out, const struct tunnel_entry *entry)
{
	autofree char *dir = path_dirname(entry->socket);
	const char *user = entry->spec.user ? entry->spec.user : "",
		   *at = entry->spec.user ? "@" : "";
	const char *database = entry->spec.database ? entry->spec.database : "";

	json_set_str(out, "DEVENV_TUNNEL_SOCKET", entry->socket);
	if (str_eq(entry->engine, "mysql")) {
		json_set_str(out, "MYSQL_HOST", "localhost");
		json_set_str(out, "MYSQL_UNIX_PORT", entry->socket);
		json_setf(out, "DATABASE_URL", "mysql://%s%slocalhost/%s?socket=%s", user, at,
			database, entry->socket);
	} else if (str_eq(entry->engine, "postgres")) {
		json_set_str(out, "PGHOST", dir);
		json_set_str(out, "PGPORT", tunnel_socket_port(entry->socket));
		add_postgres_session(out, entry);
		json_setf(out, "DATABASE_URL", "postgresql://%s%s/%s?host=%s&port=%s", user, at,
			database, dir, tunnel_socket_port(entry->socket));
	}
}

static json_t *environment(const struct tunnel_entry *entry)
{
	json_t *out = json_object();

	if (entry->socket) {
		add_socket(out, entry);
		return out;
	}
	json_set_str(out, "DEVENV_TUNNEL_HOST", "127.0.0.1");
	json_setf(out, "DEVENV_TUNNEL_PORT", "%u", entry->spec.port);
	if (str_eq(entry->engine, "mysql"))
		add_mysql(out, entry);
	else if (str_eq(entry->engine, "postgres"))
		add_postgres(out, entry);
	return out;
}

static void print_shell(const json_t *variables, struct buf *out)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)variables, name, value) {
		autofree char *quoted = str_shell_quote(json_string_value(value));

		buf_addf(out, "export %s=%s\n", name, quoted);
	}
}

static int print_my_cnf(const struct tunnel_entry *entry, struct buf *out, struct err *err)
{
	if (!str_eq(entry->engine, "mysql"))
		return err_set(err, ERR_USAGE, "tunnel \"%s\" leads to no MySQL server: it is %s",
			entry->spec.name, entry->engine ? entry->engine : "of no named engine");
	if (entry->socket)
		buf_addf(out, "[client]\nsocket = %s\nprotocol = socket\n", entry->socket);
	else
		buf_addf(out, "[client]\nhost = 127.0.0.1\nport = %u\nprotocol = tcp\n",
			entry->spec.port);
	if (entry->spec.user)
		buf_addf(out, "user = %s\n", entry->spec.user);
	if (in_the_clear(entry))
		buf_addf(out, "# devenv's replica check looks at the login; ssh encrypts it\n"
			      "loose-ssl-mode = DISABLED\nloose-skip-ssl\n");
	buf_addf(out, "[mysql]\ninit-command = SET SESSION TRANSACTION READ ONLY\n");
	if (entry->spec.database)
		buf_addf(out, "database = %s\n", entry->spec.database);
	return 0;
}

static int print(const struct tunnel_entry *entry, const char *format, struct err *err)
{
	autojson json_t *variables = environment(entry);
	autobuf struct buf text = BUF_INIT(0);

	if (str_eq(format, "json"))
		return ui_output_json(variables, err);
	if (str_eq(format, "shell"))
		print_shell(variables, &text);
	else if (print_my_cnf(entry, &text, err) < 0)
		return -1;
	return ui_output(buf_str(&text), err);
}

static int env_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct env_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct tunnels tunnels = {0};
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = tunnels_find(&session.ws, argc, argv, &tunnels, err);
	if (rc == 0)
		rc = print(&tunnels.list[0], chosen->format, err);
	tunnels_release(&tunnels);
	return rc;
}

static const char *const examples[] = {
	"eval \"$(devenv tunnel env reader)\"       # then psql, or a program of yours",
	"devenv tunnel env reader --format my.cnf # into a file for mariadb --defaults-file=FILE",
	NULL,
};

const struct command cmd_tunnel_env = {
	.name = "env",
	.args = "NAME",
	.summary = "Print how programs reach a tunnel: variables, URLs, my.cnf",
	.details = "DATABASE_URL, JDBC_URL, and what MySQL's or PostgreSQL's own programs read. No "
		   "password is among it. The tunnel itself is opened by `devenv tunnel NAME`.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_TUNNEL,
	.options = options,
	.options_size = sizeof(struct env_options),
	.run = env_run,
};
