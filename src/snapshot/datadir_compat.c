/*
 * datadir_compat.c - may this server start on these files?
 *
 * PostgreSQL reads the files of its own major only.  MariaDB and MySQL upgrade older files when
 * they start and refuse or damage newer ones; neither reads the other's.
 */
#include "devenv/datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* === the server === */

const char *datadir_env(const json_t *env, const char *name)
{
	size_t len = strlen(name), i;
	json_t *item;

	json_array_foreach (env, i, item) {
		const char *text = json_string_value(item);

		if (text && strncmp(text, name, len) == 0 && text[len] == '=' && text[len + 1])
			return text + len + 1;
	}
	return NULL;
}

/* "1:11.4.2+maria~ubu2404" is 11.4.2; "8.0.36-1.el8" is 8.0.36. */
static char *plain_version(const char *text)
{
	const char *colon = strchr(text, ':');

	text = colon ? colon + 1 : text;
	return xstrndup(text, strspn(text, "0123456789."));
}

/* "16.3-1.pgdg120+1" is of Debian 12; the image of Alpine has the bare number. */
static char *postgres_libc(const char *version)
{
	const char *mark = strstr(version, ".pgdg");
	size_t digits;

	if (!mark)
		return strchr(version, '-') ? NULL : xstrdup("alpine");
	mark += strlen(".pgdg");
	digits = strspn(mark, "0123456789");
	if (digits < 2)
		return NULL;
	return xasprintf("debian%.*s", (int)(digits - 1), mark);
}

void datadir_server_from_env(const json_t *env, struct datadir_server *out)
{
	const char *postgres = datadir_env(env, "PG_VERSION"),
		   *major = datadir_env(env, "PG_MAJOR");
	const char *mariadb = datadir_env(env, "MARIADB_VERSION");
	const char *mysql = datadir_env(env, "MYSQL_VERSION");

	*out = (struct datadir_server){.kind = DATADIR_OPAQUE};
	if (mariadb || mysql) {
		out->kind = mariadb ? DATADIR_MARIADB : DATADIR_MYSQL;
		out->version = plain_version(mariadb ? mariadb : mysql);
	} else if (postgres || major || datadir_env(env, "PGDATA")) {
		out->kind = DATADIR_POSTGRES;
		if (postgres || major)
			out->version = plain_version(postgres ? postgres : major);
		out->libc = postgres ? postgres_libc(postgres) : NULL;
	}
}

void datadir_server_release(struct datadir_server *server)
{
	free((char *)server->version);
	free((char *)server->libc);
	*server = (struct datadir_server){.kind = DATADIR_OPAQUE};
}

/* === comparing === */

/* The next number of a dotted version, 0 when there is none. */
static unsigned long next_number(const char **version)
{
	unsigned long number = 0;

	while (isdigit((unsigned char)**version) && number < 1000000)
		number = number * 10 + (unsigned long)(*(*version)++ - '0');
	if (**version == '.')
		(*version)++;
	return number;
}

/* Compare the first `parts` numbers of two versions: <0, 0, >0. */
static int compare_versions(const char *a, const char *b, int parts)
{
	for (int i = 0; i < parts; i++) {
		unsigned long x = next_number(&a), y = next_number(&b);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static enum datadir_verdict say(enum datadir_verdict verdict, char **why, char *text)
{
	*why = text;
	return verdict;
}

static enum datadir_verdict compare_postgres(
	const json_t *facts, const struct datadir_server *server, char **why)
{
	const char *version = json_str(facts, "version"), *libc = json_str(facts, "libc");
	const char *architecture = json_str(facts, "architecture");

	/* Before 10 a major was of two numbers. */
	if (version && server->version &&
		compare_versions(version, server->version, strchr(version, '.') ? 2 : 1) != 0)
		return say(DATADIR_REFUSED, why,
			xasprintf("the snapshot is of PostgreSQL %s and the image of %s; a data "
				  "directory is read by its own major version only (use an image "
				  "of PostgreSQL %s, or make a new snapshot)",
				version, server->version, version));
	if (architecture && server->architecture && !str_eq(architecture, server->architecture))
		return say(DATADIR_WARN, why,
			xasprintf("the snapshot was made on %s and the image is for %s: indexes on "
				  "text may be in another order (REINDEX DATABASE puts it right)",
				architecture, server->architecture));
	if (libc && server->libc && !str_eq(libc, server->libc))
		return say(DATADIR_WARN, why,
			xasprintf("the snapshot was made with the C library of %s and the image "
				  "has that of %s: they sort text differently (REINDEX DATABASE "
				  "puts it right)",
				libc, server->libc));
	return DATADIR_FITS;
}

/* Is `word` --NAME=VALUE, or --NAME before VALUE? The server takes - and _ alike. Or NULL. */
static const char *option_value(const char *word, const char *next, const char *name)
{
	if (!word || strncmp(word, "--", 2) != 0)
		return NULL;
	for (word += 2; *name; name++, word++)
		if (*word != *name && !(*word == '_' && *name == '-'))
			return NULL;
	return *word == '=' ? word + 1 : *word ? NULL : next;
}

/* The value of --NAME on the server's command line, where the last one counts; -1: not there. */
static int64_t option_of(const struct datadir_server *server, const char *name)
{
	int64_t found = -1;
	json_t *word;
	size_t i;

	json_array_foreach (server->command, i, word) {
		const char *next = json_string_value(json_array_get(server->command, i + 1));
		const char *value = option_value(json_string_value(word), next, name);

		if (value && !parse_bytes(value, &found))
			found = -1;
	}
	return found;
}

/* What InnoDB and the names of tables were made with, and no server can change. */
static enum datadir_verdict compare_options(
	const json_t *facts, const struct datadir_server *server, char **why)
{
	int64_t page = option_of(server, "innodb-page-size");
	int64_t names = option_of(server, "lower-case-table-names");
	int64_t page_was = json_int(facts, "page_size");
	const json_t *names_was = json_object_get(facts, "lower_case_table_names");
	bool mysql = server->kind == DATADIR_MYSQL;

	if (page > 0 && page_was > 0 && page != page_was)
		return say(DATADIR_REFUSED, why,
			xasprintf("the snapshot has InnoDB pages of %" PRId64
				  " bytes, and the server's command line asks for %" PRId64
				  " (take --innodb-page-size away from it)",
				page_was, page));
	if (mysql && names >= 0 && names_was && json_integer_value(names_was) != names)
		return say(DATADIR_REFUSED, why,
			xasprintf("the snapshot was made with lower_case_table_names=%" PRId64
				  ", and the server's command line asks for %" PRId64
				  ", with which MySQL does not start on it",
				(int64_t)json_integer_value(names_was), names));
	if (names == 1 && json_bool(facts, "capitals"))
		return say(DATADIR_REFUSED, why,
			xstrdup("the snapshot has tables with capital letters in their names, "
				"which a server with lower_case_table_names=1 does not find (take "
				"it away from the server's command line)"));
	return DATADIR_FITS;
}

static enum datadir_verdict compare_mysql(
	const json_t *facts, const struct datadir_server *server, char **why)
{
	const char *version = json_str(facts, "version");
	bool mariadb = server->kind == DATADIR_MARIADB;
	const char *name = mariadb ? "MariaDB" : "MySQL";
	int order;

	if (compare_options(facts, server, why) == DATADIR_REFUSED)
		return DATADIR_REFUSED;
	if (!version || !server->version)
		return DATADIR_FITS;
	/* MariaDB keeps its formats within a series; MySQL 8 refuses any older patch version. */
	order = compare_versions(version, server->version, mariadb ? 2 : 3);
	if (order > 0)
		return say(DATADIR_REFUSED, why,
			xasprintf("the snapshot is of %s %s and the image of the older %s, which "
				  "does not read its files (use an image of %s or later)",
				name, version, server->version, version));
	if (compare_versions(version, server->version, 2) != 0)
		return say(DATADIR_WARN, why,
			xasprintf("the snapshot is of %s %s and the image of %s: the server "
				  "upgrades the files, and there is no way back",
				name, version, server->version));
	return DATADIR_FITS;
}

enum datadir_verdict datadir_compatible(
	const json_t *facts, const struct datadir_server *server, char **why)
{
	enum datadir_kind kind = datadir_kind_of(json_str(facts, "kind"));

	*why = NULL;
	if (server->kind == DATADIR_OPAQUE || kind == DATADIR_OPAQUE || kind == DATADIR_KINDS)
		return DATADIR_FITS;
	if (kind != server->kind)
		return say(DATADIR_REFUSED, why,
			xasprintf("the snapshot is of %s and the image is of %s; neither reads the "
				  "other's files",
				datadir_kind_name(kind), datadir_kind_name(server->kind)));
	if (kind == DATADIR_POSTGRES)
		return compare_postgres(facts, server, why);
	return compare_mysql(facts, server, why);
}
