/*
 * entry.h - is this archive entry fit for a volume, and under which name?
 *
 * Private to src/snapshot.  Knows nothing of libarchive.
 */
#ifndef SNAPSHOT_ENTRY_H
#define SNAPSHOT_ENTRY_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>

/* What was seen of an archive so far. */
struct entry_check {
	const char *root; /* put before every name */
	json_t *links; /* set of the symbolic links' names: nothing may be written through them */
	uint64_t entries;
	uint64_t bytes; /* of the files' content */
};

void entry_check_release(struct entry_check *check);

/*
 * The name for the plain tar: "./a//b/" gives ROOT/a/b, "./" gives ROOT. Refused: absolute names,
 * "..", control characters, no UTF-8, over 4096 bytes, and what lies behind a symbolic link. The
 * caller's, or NULL.
 */
char *entry_name(const struct entry_check *check, const char *name, struct err *err);

/* Count an entry; the ceilings are in entry.c. */
int entry_count(struct entry_check *check, int64_t size, struct err *err);

/* Remember that `name` (of entry_name) is now a symbolic link, or is none any more. */
void entry_seen(struct entry_check *check, const char *name, bool is_link);

#endif
