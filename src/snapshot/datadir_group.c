/*
 * datadir_group.c - which table a file of a data directory is of, as far as its name tells.
 *
 * MariaDB and MySQL: DATABASE/TABLE.ibd and other endings, where what is no letter, digit or
 * underscore is "@" and four hex digits, and a partition follows "#P#" (MySQL's manual, "Mapping of
 * Identifiers to File Names").  PostgreSQL: base/DATABASE/RELFILENODE, then "_fsm", "_vm", "_init"
 * or ".N" (its manual, "Database File Layout"); below 16384 are the catalogs of the system.
 */
#include "devenv/datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <string.h>

#define POSTGRES_FIRST_OWN 16384 /* FirstNormalObjectId */

/* Starts of paths, and what they are part of. */
struct part {
	const char *start, *group;
};

static const char *part_of(const struct part *parts, const char *path)
{
	for (; parts->start; parts++)
		if (str_starts(path, parts->start))
			return parts->group;
	return NULL;
}

/* === MariaDB and MySQL === */

static void add_utf8(struct buf *out, unsigned code)
{
	if (code < 0x80) {
		buf_addch(out, (char)code);
	} else if (code < 0x800) {
		buf_addch(out, (char)(0xc0 | code >> 6));
		buf_addch(out, (char)(0x80 | (code & 0x3f)));
	} else {
		buf_addch(out, (char)(0xe0 | code >> 12));
		buf_addch(out, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_addch(out, (char)(0x80 | (code & 0x3f)));
	}
}

/* The four hex digits behind an "@"; 0: they are not there. */
static unsigned escaped(const char *at, const char *end)
{
	unsigned code = 0;

	for (int i = 1; i <= 4; i++) {
		unsigned char c = at + i < end ? (unsigned char)at[i] : 0;

		if (!isxdigit(c))
			return 0;
		code = code << 4 | (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
	}
	return code;
}

static void add_identifier(struct buf *out, const char *name, const char *end)
{
	while (name < end) {
		unsigned code = *name == '@' ? escaped(name, end) : 0;

		if (code)
			add_utf8(out, code);
		else
			buf_addch(out, *name);
		name += code ? 5 : 1;
	}
}

static const char *table_end(const char *table)
{
	const char *end = table + strcspn(table, ".");
	const char *partition = strstr(table, "#P#");

	if (!partition)
		partition = strstr(table, "#p#");
	return partition && partition < end ? partition : end;
}

static char *group_mysql(const char *path)
{
	static const struct part parts[] = {{"#innodb_redo", "(redo log)"},
		{"ib_logfile", "(redo log)"}, {"aria_log", "(redo log)"}, {"undo", "(undo log)"},
		{"ibdata", "(system)"}, {"mysql.ibd", "(system)"}, {"mysql/", "(system)"},
		{"sys/", "(system)"}, {"performance_schema/", "(system)"}, {NULL, NULL}};
	const char *part = part_of(parts, path), *slash = strchr(path, '/');
	autobuf struct buf name = BUF_INIT(0);

	if (part)
		return xstrdup(part);
	if (!slash || strchr(slash + 1, '/') || str_eq(slash, "/db.opt"))
		return xstrdup("(other)");
	add_identifier(&name, path, slash);
	buf_addch(&name, '.');
	add_identifier(&name, slash + 1, table_end(slash + 1));
	return buf_detach(&name);
}

/* === PostgreSQL === */

static char *group_postgres(const char *path)
{
	static const struct part parts[] = {{"pg_wal/", "(WAL)"}, {"pg_xlog/", "(WAL)"},
		{"pg_xact/", "(transactions)"}, {"pg_clog/", "(transactions)"},
		{"pg_multixact/", "(transactions)"}, {"pg_commit_ts/", "(transactions)"},
		{"global/", "(system)"}, {NULL, NULL}};
	const char *part = part_of(parts, path), *slash;
	autofree char *number = NULL;
	uint64_t node;

	if (part)
		return xstrdup(part);
	if (!str_starts(path, "base/"))
		return xstrdup("(other)");
	path += strlen("base/");
	slash = strchr(path, '/');
	number = slash ? xstrndup(slash + 1, strspn(slash + 1, "0123456789")) : NULL;
	if (!number || !parse_u64(number, 0, UINT32_MAX, &node) || node < POSTGRES_FIRST_OWN)
		return xstrdup("(system)");
	return xasprintf("%.*s/%s", (int)(slash - path), path, number);
}

char *datadir_group(enum datadir_kind kind, const char *path)
{
	switch (kind) {
	case DATADIR_POSTGRES:
		return group_postgres(path);
	case DATADIR_MARIADB:
	case DATADIR_MYSQL:
		return group_mysql(path);
	default:
		return xstrdup("(other)");
	}
}
