/* sql_client.c - the databases' own clients, and the words that they are given (sql_client.h). */
#include "sql_client.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 20 /* the tunnel is up: so long may a database need to wake */

void sql_client_release(struct sql_client *client)
{
	strv_release(&client->argv);
	strv_release(&client->env);
	free(client->name);
	cleanup_close(&client->secret);
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

/* "host=other dbname=shop", as psql takes it for a database's name. */
static bool is_conninfo(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz_");

	return len && word[len] == '=';
}

/* An option of psql that "name=value" belongs to. */
static bool takes_setting(const char *word)
{
	static const char *const names[] = {"-v", "-P", "--set", "--variable", "--pset", NULL};

	for (const char *const *name = names; *name; name++)
		if (str_eq(word, *name))
			return true;
	return false;
}

bool sql_client_own_login(
	const char *engine, int argc, char *const *argv, const char **defaults_file)
{
	/* Beginnings of words: "-pSECRET", "--user=jane", "host=...". */
	static const char *const mysql[] = {"-u", "-p", "-h", "-P", "-S", "--user", "--password",
		"--host", "--port", "--socket", "--protocol", "--no-defaults", "--defaults-extra-",
		"--defaults-group-", "--login-path", "--ssl", "--skip-ssl", "--disable-ssl", NULL};
	static const char *const postgres[] = {"-U", "-W", "-h", "-p", "--username", "--password",
		"--host", "--port", "--no-password", "-w", "postgres://", "postgresql://", NULL};
	static const char file[] = "--defaults-file=";
	bool is_mysql = str_eq(engine, "mysql");

	*defaults_file = NULL;
	for (int i = 0; i < argc; i++) {
		if (is_mysql && str_starts(argv[i], file))
			*defaults_file = argv[i] + strlen(file);
		for (const char *const *word = is_mysql ? mysql : postgres; *word; word++)
			if (str_starts(argv[i], *word))
				return true;
		if (!is_mysql && is_conninfo(argv[i]) && !(i && takes_setting(argv[i - 1])))
			return true;
	}
	return false;
}

/* === a password that devenv has asked for === */

/*
 * A file that has no name and is never on a disk; its path is good for programs of this user. NULL
 * when the kernel has none: then the client asks once more. The caller's.
 */
static char *keep_secret(struct sql_client *client, const struct buf *text)
{
	autoclose int fd = memfd_create("devenv", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) < 0 || fs_write_all(fd, buf_str(text), text->len) < 0)
		return NULL;
	client->secret = TAKE_FD(fd);
	return xasprintf("/proc/%d/fd/%d", (int)getpid(), client->secret);
}

/* The password between two texts, with a backslash before its special characters. */
static char *write_secret(struct sql_client *client, const char *before, const char *password,
	const char *special, const char *after)
{
	autobuf struct buf text = BUF_INIT(0);
	char *path;

	buf_addstr(&text, before);
	for (; *password; password++) {
		if (strchr(special, *password))
			buf_addch(&text, '\\');
		buf_addch(&text, *password);
	}
	buf_addstr(&text, after);
	path = keep_secret(client, &text);
	explicit_bzero(text.data, text.len);
	return path;
}

static char *mysql_secret(struct sql_client *client, const char *password)
{
	if (!password)
		return NULL;
	return write_secret(client, "[client]\npassword=\"", password, "\\\"", "\"\n");
}

static char *postgres_secret(struct sql_client *client, const char *password)
{
	return password ? write_secret(client, "*:*:*:*:", password, "\\:", "\n") : NULL;
}

/* === words === */

static void mysql_encryption(struct sql_client *client, bool clear, bool tls)
{
	static const struct strv none = STRV_INIT;
	autofree char *version = ask_client(client->name, &none, "--version");
	bool is_mariadb = strstr(version, "MariaDB");

	if (clear)
		strv_push(&client->argv, is_mariadb ? "--skip-ssl" : "--ssl-mode=DISABLED");
	if (!tls)
		return;
	strv_push(&client->argv, is_mariadb ? "--ssl" : "--ssl-mode=REQUIRED");
	if (is_mariadb) /* no certificate is made out to 127.0.0.1 */
		strv_push(&client->argv, "--skip-ssl-verify-server-cert");
}

static void mysql_words(struct sql_client *client, const struct tunnel_entry *entry,
	const struct sql_way *way, bool clear, int argc, char **argv)
{
	autofree char *secret = mysql_secret(client, way->password);
	autostrv struct strv files = STRV_INIT;

	/* These must come before all others. */
	for (; argc && is_file_option(*argv); argc--, argv++)
		strv_push(&files, *argv);
	if (secret)
		strv_pushf(&files, "--defaults-extra-file=%s", secret);
	strv_push(&client->argv, client->name);
	for (size_t i = 0; i < files.n; i++)
		strv_push(&client->argv, files.v[i]);
	strv_pushf(&client->argv, "--host=%s", way->host);
	strv_pushf(&client->argv, "--port=%u", way->port);
	strv_push(&client->argv, "--protocol=tcp");
	strv_pushf(&client->argv, "--connect-timeout=%d", CONNECT_TIMEOUT_S);
	strv_push(&client->argv, "--init-command=SET SESSION TRANSACTION READ ONLY");
	mysql_encryption(client, clear, way->tls);
	if (entry->spec.user)
		strv_pushf(&client->argv, "--user=%s", entry->spec.user);
	if (entry->spec.database)
		strv_pushf(&client->argv, "--database=%s", entry->spec.database);
	if (sql_client_has_terminal() && !knows_password(client->name, &files, argc, argv))
		strv_push(&client->argv, "--password");
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
}

static void postgres_words(struct sql_client *client, const struct tunnel_entry *entry,
	const struct sql_way *way, bool clear, int argc, char **argv)
{
	autofree char *secret = postgres_secret(client, way->password);
	const char *before = getenv("PGOPTIONS");

	strv_push(&client->argv, client->name);
	for (int i = 0; i < argc; i++)
		strv_push(&client->argv, argv[i]);
	strv_push(&client->env, "PGHOST=127.0.0.1"); /* as ~/.pgpass knows it */
	strv_pushf(&client->env, "PGHOSTADDR=%s", way->host);
	strv_pushf(&client->env, "PGPORT=%u", way->port);
	if (secret)
		strv_pushf(&client->env, "PGPASSFILE=%s", secret);
	if (!getenv("PGCONNECT_TIMEOUT"))
		strv_pushf(&client->env, "PGCONNECT_TIMEOUT=%d", CONNECT_TIMEOUT_S);
	strv_pushf(&client->env, "PGOPTIONS=%s -c default_transaction_read_only=on",
		before ? before : "");
	if (clear) {
		strv_push(&client->env, "PGSSLMODE=disable");
		strv_push(&client->env, "PGGSSENCMODE=disable");
	}
	if (entry->spec.user)
		strv_pushf(&client->env, "PGUSER=%s", entry->spec.user);
	if (entry->spec.database)
		strv_pushf(&client->env, "PGDATABASE=%s", entry->spec.database);
}

void sql_client_words(struct sql_client *client, const struct tunnel_entry *entry,
	const struct sql_way *way, int argc, char **argv)
{
	bool clear = entry->spec.guard && !entry->spec.allow_unverified && !way->tls;

	if (str_eq(entry->engine, "mysql"))
		mysql_words(client, entry, way, clear, argc, argv);
	else
		postgres_words(client, entry, way, clear, argc, argv);
}
