/*
 * dump.h - what people call a dump: SQL, PostgreSQL's archives, a tar of a data directory.
 *
 * Compressed or not, from a file or a pipe: what it is is told by its first bytes, not by its name,
 * and what it is not is said by name.  SQL comes out as the client of an older server takes it,
 * line for line (dump_read()).
 *
 *	struct dump *dump = dump_open("shop.sql.gz", err);
 *	if (dump && dump_kind(dump) == DUMP_SQL) ...
 *	while ((n = dump_read(dump, data, sizeof(data), err)) > 0) ...
 *	dump_close(dump);
 *
 * Errors are ERR_SNAPSHOT and name the file; Ctrl-C ends a wait for more with ERR_CANCELLED.
 */
#ifndef DEVENV_DUMP_H
#define DEVENV_DUMP_H

#include "devenv/datadir.h"
#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum dump_kind {
	DUMP_SQL,        /* for a client's stdin */
	DUMP_PG_ARCHIVE, /* of pg_dump -Fc or -Ft: for pg_restore */
	DUMP_TAR,        /* files */
};

struct dump;

/*
 * Open a file, or stdin ("-"). NULL with err: it cannot be read, or is none of the above; then what
 * it is is named where that is known.
 */
struct dump *dump_open(const char *path, struct err *err);
void dump_close(struct dump *dump); /* NULL is fine */

enum dump_kind dump_kind(const struct dump *dump);

/*
 * The server whose program wrote it: MariaDB and MySQL, which read each other's SQL, are both
 * DATADIR_MYSQL. DATADIR_OPAQUE: it does not say.
 */
enum datadir_kind dump_origin(const struct dump *dump);

/* "SQL of pg_dump", "tar", ...: for people. Borrowed. */
const char *dump_what(const struct dump *dump);

/* Bytes as stored: read so far, and in all (0: unknown). */
uint64_t dump_taken(const struct dump *dump);
uint64_t dump_size(const struct dump *dump);

/*
 * The client knows \restrict of PostgreSQL 17.6 and later: then it gets it. Before dump_read().
 */
void dump_keep_restrict(struct dump *dump);

/*
 * The content, decompressed: up to `len` bytes, 0 at the end, -1 with err when it is damaged or cut
 * short. Of SQL the lines that only newer clients understand are blanked out: MariaDB's sandbox
 * mode, PostgreSQL's \restrict and \unrestrict. A dump that says at its top what made it must also
 * have that program's last line.
 */
ssize_t dump_read(struct dump *dump, void *data, size_t len, struct err *err);

#endif
