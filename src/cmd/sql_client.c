/* sql_client.c - the databases' own clients, and the words that they are given (sql_client.h). */
#include "sql_client.h"

#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S 20 /* the tunnel is up: so long may a database need to wake */

void sql_client_release(struct sql_client *client)
{
	strv_release(&client->argv);
	strv_release(&client->env);
	free(client->name);
}

int sql_client_find(struct sql_client *client, const char *engine, struct err *err)
{
	static const char *const mysql[] = {"mariadb", "mysql", NULL};
	static const char *const postgres[] = {"psql", NULL};
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

bool sql_client_has_terminal(void)
{
	autoclose int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

static void mysql_words(struct sql_client *client, const struct tunnel_entry *entry, uint16_t port,
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
	strv_pushf(&client->argv, "--connect-timeout=%d", CONNECT_TIMEOUT_S);
	strv_push(&client->argv, "--init-command=SET SESSION TRANSACTION READ ONLY");
	if (clear && strstr(version, "MariaDB"))
		strv_push(&client->argv, "--skip-ssl");
	else if (clear)
		strv_push(&client->argv, "--ssl-mode=DISABLED");
	if (entry->user)
		strv_pushf(&client->argv, "--user=%s", entry->user);
	if (entry->database)
		strv_pushf(&client->argv, "--database=%s", entry->database);
	if (sql_client_has_terminal() && !knows_password(client->name, &files, argc, argv))
		strv_push(&client->argv, "--password");
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
}

static void postgres_words(struct sql_client *client, const struct tunnel_entry *entry,
	uint16_t port, bool clear, int argc, char **argv)
{
	const char *before = getenv("PGOPTIONS");

	strv_push(&client->argv, client->name);
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
	strv_push(&client->env, "PGHOST=127.0.0.1");
	strv_push(&client->env, "PGHOSTADDR=127.0.0.1");
	strv_pushf(&client->env, "PGPORT=%u", port);
	if (!getenv("PGCONNECT_TIMEOUT"))
		strv_pushf(&client->env, "PGCONNECT_TIMEOUT=%d", CONNECT_TIMEOUT_S);
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

void sql_client_words(struct sql_client *client, const struct tunnel_entry *entry, uint16_t port,
	int argc, char **argv)
{
	bool clear = entry->spec.guard && !entry->spec.allow_unverified;

	if (str_eq(entry->engine, "mysql"))
		mysql_words(client, entry, port, clear, argc, argv);
	else
		postgres_words(client, entry, port, clear, argc, argv);
}
