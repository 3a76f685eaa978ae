/*
 * datadir.h - what devenv knows of the data directories of MariaDB, MySQL and PostgreSQL.
 *
 * A copy of a data directory is a seed only when its server had ended cleanly, when what belongs to
 * one server alone stayed behind, and when the server that gets it can read it.  All three are
 * answered here, from the files alone: no server runs.
 *
 *	struct datadir found;
 *
 *	if (datadir_examine(volume_fd, &found, err) < 0)
 *		return -1;
 *	if (found.state == DATADIR_NOT_CLEAN)
 *		... refuse, with found.proof ...
 *	... for each path: datadir_leaves_out(&found, path) ...
 *	datadir_print_facts(&found, &json);
 *	datadir_release(&found);
 *
 * Examining runs inside the agent and needs libc only; what the volume holds may be hostile.
 * Comparing with an image (datadir_compatible) is the client's.
 *
 * Not here: stopping a server, and masking what a seed must not hold.
 */
#ifndef DEVENV_DATADIR_H
#define DEVENV_DATADIR_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/json.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stdint.h>

enum datadir_kind {
	DATADIR_OPAQUE, /* none that devenv knows: captured as it is */
	DATADIR_POSTGRES,
	DATADIR_MARIADB,
	DATADIR_MYSQL,
	DATADIR_KINDS
};

/* "opaque", "postgres", "mariadb", "mysql". */
const char *datadir_kind_name(enum datadir_kind kind);

/* The kind of that name; DATADIR_KINDS for another word, or NULL. */
enum datadir_kind datadir_kind_of(const char *name);

enum datadir_state {
	DATADIR_CLEAN,     /* proven from the bytes: a copy starts without recovery */
	DATADIR_NOT_CLEAN, /* proven: it would need recovery, or is not whole */
	/* The bytes cannot tell: rely on the exit status of the container that used it. */
	DATADIR_CANNOT_TELL,
};

/* "clean", "not clean", "cannot tell". */
const char *datadir_state_name(enum datadir_state state);

struct datadir {
	enum datadir_kind kind;
	char *path;    /* below the volume's root: "", "data", "18/docker" */
	char *version; /* PostgreSQL's major "15"; "10.11.6-MariaDB", "8.0.36"; NULL: unknown */
	enum datadir_state state;
	char *proof;        /* the reason for `state`, one clause */
	uint32_t page_size; /* 0: unknown */
	int checksums;      /* of pages: 1, 0, -1 unknown */
	/*
	 * MariaDB and MySQL: 1 when a database or table has a capital letter in its name, which
	 * only lower_case_table_names=0 or 2 makes; 0 when none has; -1 unknown.
	 */
	int capitals;
	/* PostgreSQL, from global/pg_control: */
	uint32_t control_version, catalog_version, max_align, segment_size;
	int char_signed;       /* since 18: 1, 0; -1 unknown */
	char wal_first[25];    /* segment with the last checkpoint's record; "": unknown */
	char wal_last[25];     /* and its end: mostly the same */
	struct strv left_logs; /* names of binary and relay logs, by their index files */
};

/*
 * Look for a data directory in the folder `root` and two levels below it, and fill `out` (the
 * caller's to release, on success only).  DATADIR_OPAQUE when there is none.  A damaged control
 * file is DATADIR_NOT_CLEAN with its proof; ERR_SNAPSHOT only for what cannot be read, and for two
 * data directories in one volume.  Links are not followed.
 */
int datadir_examine(int root, struct datadir *out, struct err *err);

void datadir_release(struct datadir *dir);

/*
 * Must `path` (below the volume's root, no leading "/") stay out of a copy?  Sockets, pid files and
 * temporary files always; of a clean directory also recycled WAL, binary and relay logs.  Files in
 * folders whose content only is left out (pg_notify) are asked for one by one; a folder that goes
 * whole (#innodb_temp, pgsql_tmp) is told by its own name.  What is recreated by the server, and
 * why: src/snapshot/datadir_leave.c.
 */
bool datadir_leaves_out(const struct datadir *dir, const char *path);

/*
 * The facts as a JSON object on one line: kind, path, version, state, proof, page_size, checksums,
 * capitals and, for PostgreSQL, control_version, catalog_version, max_align, segment_size,
 * char_signed.  What is unknown is left out.  UTF-8 whatever the names are.
 */
void datadir_print_facts(const struct datadir *dir, struct buf *out);

/* === the client's side === */

/*
 * What the file `path` (below the data directory) belongs to, for people: "shop.orders" where
 * MariaDB and MySQL name a file by its table, "16384/16385" (database and relfilenode) for
 * PostgreSQL, and else a part of the server: "(system)", "(redo log)", "(undo log)", "(WAL)",
 * "(transactions)", "(other)".  The caller's.
 */
char *datadir_group(enum datadir_kind kind, const char *path);

/* A server that shall use a data directory. NULL: unknown. */
struct datadir_server {
	enum datadir_kind kind;   /* DATADIR_OPAQUE: unknown */
	const char *version;      /* "16.3", "11.4.2", "8.0.36" */
	const char *architecture; /* "amd64", "arm64": as images name it */
	const char *libc;         /* "debian12", "alpine" */
	/* an array, the words that it is started with; borrowed */
	const json_t *command;
};

/* The value of a variable in such an array of "NAME=value", borrowed; NULL: not set, or empty. */
const char *datadir_env(const json_t *env, const char *name);

/*
 * Read kind, version and libc from an image's environment (an array of "NAME=value"), as Docker's
 * official images have them: PG_MAJOR, PG_VERSION, PGDATA, MARIADB_VERSION, MYSQL_VERSION.  The
 * strings are the caller's, in `out->version` and `out->libc`: release with
 * datadir_server_release().
 */
void datadir_server_from_env(const json_t *env, struct datadir_server *out);
void datadir_server_release(struct datadir_server *server);

enum datadir_verdict { DATADIR_FITS, DATADIR_WARN, DATADIR_REFUSED };

/*
 * May `server` start on a directory with these facts (as datadir_print_facts() prints them, with
 * "architecture", "libc" and "lower_case_table_names" beside them)?  `why` (the caller's) gets the
 * reason, NULL when it fits: another PostgreSQL major, MySQL on MariaDB's files or the other way
 * round, an older server, and a command line that asks for other InnoDB pages or for names of
 * tables in lower case where there are others are refused; another processor or C library is a
 * warning for PostgreSQL, whose indexes sort by them.
 */
enum datadir_verdict datadir_compatible(
	const json_t *facts, const struct datadir_server *server, char **why);

#endif
