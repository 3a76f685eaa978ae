/*
 * similar.h - which file of the parent a file is like.  Private to src/snapshot.
 *
 * For deltas.  A server that builds its tables anew gives their files other names (PostgreSQL's
 * relfilenodes), and may give an old name to another table.  So names are only the first guess:
 * files are compared by marks of what they hold.
 */
#ifndef SNAPSHOT_SIMILAR_H
#define SNAPSHOT_SIMILAR_H

#include "source.h"

struct similar;

/* `parent` must live as long. NULL with err: there is no zstd. */
struct similar *similar_new(struct source *parent, struct err *err);
void similar_free(struct similar *similar); /* NULL is fine */

/* The parent's file for the open file of `entry`; NULL: none. Borrowed from the parent's index. */
const struct tree_entry *similar_find(
	struct similar *similar, int fd, const struct tree_entry *entry);

#endif
