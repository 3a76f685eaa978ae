/*
 * materialize_files.h - the files of a tree that is made.  Private to src/snapshot.
 */
#ifndef SNAPSHOT_MATERIALIZE_FILES_H
#define SNAPSHOT_MATERIALIZE_FILES_H

#include "cursor.h"
#include "source.h"

#include "devenv/tree.h"

#define SYNC_EACH 128 /* up to so many files and folders are synced one by one */

/* A tree in the making; crew, kit and small are those of its files alone. */
struct making {
	const struct tree_materialize_ask *ask;
	struct tree_made *made;
	struct source source, parent;
	struct crew *crew;
	struct kit *kit;             /* the caller's thread's own */
	uint32_t small;              /* all small files before this entry are begun */
	struct cursor cursor, other; /* in the staging folder */
	struct cursor base;
	struct cursor present;                     /* in the target: what is to be replaced */
	const struct tree_entry *fresh[SYNC_EACH]; /* files that were made, not kept */
	size_t n_fresh;                            /* of them all */
	uint64_t done;
	struct err *err;
};

/* All files of the index, their folders being there, with their attributes. -1 with making->err. */
int materialize_files(struct making *making);

/* The caller of it all hears how far it is. -1 with making->err: it does not want to go on. */
int materialize_tell(const struct making *making);

#endif
