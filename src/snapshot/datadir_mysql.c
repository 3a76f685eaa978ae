/*
 * datadir_mysql.c - MariaDB's and MySQL's data directories: which of the two, its version, how it
 * ended, and the names of its binary and relay logs.
 */
#include "datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MAX (1 << 20) /* of a log's index file; longer ones are not read */

/* === version === */

static char *read_line(int dir, const char *name)
{
	char text[64];
	ssize_t len = datadir_read(dir, name, text, sizeof(text) - 1);
	char *line = text;

	if (len <= 0)
		return NULL;
	text[len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	line = str_trim(text);
	return isdigit((unsigned char)*line) && str_is_utf8(line, strlen(line)) ? xstrdup(line)
										: NULL;
}

/* MySQL 8 writes the version of the server into page 0 of its dictionary: FIL_PAGE_SRV_VERSION. */
static char *dictionary_version(int dir)
{
	unsigned char page[16];
	uint32_t version;

	if (datadir_read(dir, "mysql.ibd", page, sizeof(page)) != sizeof(page))
		return NULL;
	version = datadir_be32(page + 8);
	if (version < 80000 || version > 999999)
		return NULL;
	return xasprintf("%u.%u.%u", version / 10000, version / 100 % 100, version % 100);
}

static void find_version(int dir, const char *creator, struct datadir *out)
{
	out->version = read_line(dir, "mariadb_upgrade_info");
	if (!out->version)
		out->version = read_line(dir, "mysql_upgrade_info");
	if (!out->version)
		out->version = dictionary_version(dir);
	if (!out->version && str_starts(creator, "MariaDB "))
		out->version = xstrdup(creator + strlen("MariaDB "));
	else if (!out->version && str_starts(creator, "MySQL "))
		out->version = xstrdup(creator + strlen("MySQL "));
}

/* === names with capitals === */

static bool has_capital(const char *name)
{
	/* Up to "@" or ".": what follows in file names is encoded, or "#p#" of a partition. */
	for (; *name && *name != '.' && *name != '@' && *name != '#'; name++)
		if (isupper((unsigned char)*name))
			return true;
	return false;
}

static int on_table_name(void *ctx, int dir, const char *name)
{
	static const char *const kinds[] = {".ibd", ".frm", ".MAI", ".MYI"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_ends(name, kinds[i]) && has_capital(name))
			return 1;
	return 0;
}

static int on_database_name(void *ctx, int dir, const char *name)
{
	int found = datadir_names(dir, name, on_table_name, ctx);

	return found > 0 || (found == 0 && has_capital(name));
}

/* === binary and relay logs === */

/* Is `line` a log that belongs to the index file "STEM.index": "./STEM.000001"? */
static const char *log_of(const char *line, const char *stem)
{
	const char *name = str_starts(line, "./") ? line + 2 : line;
	const char *digits = name + strlen(stem);

	if (!str_starts(name, stem) || *digits != '.' || strlen(digits) < 7)
		return NULL;
	return digits[1 + strspn(digits + 1, "0123456789")] ? NULL : name;
}

/*
 * The logs that an index file names, if each line of it is one: a file that only ends in ".index"
 * may be anybody's.
 */
static int on_index(void *ctx, int dir, const char *name)
{
	struct datadir *out = ctx;
	autofree char *text = NULL, *stem = NULL;
	autostrv struct strv lines = STRV_INIT;
	ssize_t len;

	if (!str_ends(name, ".index") || str_starts(name, "."))
		return 0;
	text = xmalloc(INDEX_MAX + 1);
	stem = xstrndup(name, strlen(name) - strlen(".index"));
	len = datadir_read(dir, name, text, INDEX_MAX);
	if (len <= 0 || len == INDEX_MAX)
		return 0;
	text[len] = '\0';
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (!log_of(lines.v[i], stem))
			return 0;
	for (size_t i = 0; i < lines.n; i++)
		strv_push(&out->left_logs, log_of(lines.v[i], stem));
	strv_push(&out->left_logs, name);
	return 0;
}

/* === the whole === */

static enum datadir_kind which(int dir, const char *creator)
{
	if (datadir_has(dir, "aria_log_control") || str_starts(creator, "MariaDB "))
		return DATADIR_MARIADB;
	return DATADIR_MYSQL;
}

void datadir_examine_mysql(int dir, struct datadir *out)
{
	char creator[33];

	innodb_judge_log(dir, out, creator);
	out->kind = which(dir, creator);
	if (out->state != DATADIR_NOT_CLEAN)
		aria_judge_log(dir, out);
	find_version(dir, creator, out);
	innodb_read_pages(dir, out);
	out->capitals = datadir_names(dir, ".", on_database_name, NULL) > 0;
	datadir_names(dir, ".", on_index, out);
}
