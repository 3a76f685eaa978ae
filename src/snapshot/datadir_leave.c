/*
 * datadir_leave.c - what stays out of a copy of a data directory.
 *
 * PostgreSQL: what pg_basebackup leaves out as well (src/backend/backup/basebackup.c), and, because
 * the directory is clean, every WAL segment but the one with the shutdown checkpoint: recycled
 * segments are often half of a freshly loaded directory.
 *
 * MariaDB and MySQL: auto.cnf (the server's own UUID: two servers with one confuse replication),
 * temporary tablespaces, and the binary and relay logs with their index files.  The InnoDB log
 * stays: the server wants it, and empty it compresses to nothing.
 */
#include "datadir.h"

#include "devenv/str.h"

#include <string.h>

static bool in_list(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (str_eq(*list, name))
			return true;
	return false;
}

/* === PostgreSQL === */

static bool leaves_wal(const struct datadir *dir, const char *name)
{
	if (dir->state != DATADIR_CLEAN || !*dir->wal_first)
		return false;
	if (str_starts(name, "archive_status/"))
		name += strlen("archive_status/");
	if (str_eq(name, "archive_status") || str_eq(name, "summaries") ||
		str_ends(name, ".history") || str_ends(name, ".history.done") ||
		str_ends(name, ".history.ready"))
		return false;
	return !str_eq(name, dir->wal_first) && !str_eq(name, dir->wal_last);
}

static bool leaves_postgres(const struct datadir *dir, const char *path)
{
	static const char *const files[] = {
		"postmaster.pid", "postmaster.opts", "postgresql.auto.conf.tmp", NULL};
	/* The server makes their content anew when it starts. */
	static const char *const emptied[] = {"pg_dynshmem", "pg_notify", "pg_replslot",
		"pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", NULL};
	const char *slash = strchr(path, '/'), *last = strrchr(path, '/');
	char folder[32];

	if (in_list(files, path) || str_starts(last ? last + 1 : path, "pgsql_tmp"))
		return true;
	if (!slash || (size_t)(slash - path) >= sizeof(folder))
		return false;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	if (str_eq(folder, "pg_wal") || str_eq(folder, "pg_xlog"))
		return leaves_wal(dir, slash + 1);
	return in_list(emptied, folder);
}

/* === MariaDB and MySQL === */

static bool leaves_mysql(const struct datadir *dir, const char *path)
{
	static const char *const files[] = {
		"auto.cnf", "ibtmp1", "#innodb_temp", "master.info", "relay-log.info", NULL};

	if (strchr(path, '/'))
		return false;
	if (in_list(files, path) || str_ends(path, ".pid") || str_ends(path, ".sock") ||
		str_ends(path, ".sock.lock"))
		return true;
	return dir->state == DATADIR_CLEAN && strv_has(&dir->left_logs, path);
}

bool datadir_leaves_out(const struct datadir *dir, const char *path)
{
	const char *last = strrchr(path, '/');
	size_t len = strlen(dir->path);

	/* Of a Finder that once looked into the folder. MariaDB takes it for a database. */
	if (dir->kind != DATADIR_OPAQUE && str_eq(last ? last + 1 : path, ".DS_Store"))
		return true;
	if (len && (!str_starts(path, dir->path) || path[len] != '/'))
		return false;
	path += len ? len + 1 : 0;
	if (dir->kind == DATADIR_POSTGRES)
		return leaves_postgres(dir, path);
	return (dir->kind == DATADIR_MARIADB || dir->kind == DATADIR_MYSQL) &&
	       leaves_mysql(dir, path);
}
