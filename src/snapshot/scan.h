/* scan.h - what is in a directory, as the entries of an index.  Private to src/snapshot. */
#ifndef SNAPSHOT_SCAN_H
#define SNAPSHOT_SCAN_H

#include "devenv/tree.h"

#include <sys/stat.h>

/*
 * Fill index->entries and index->bytes from ask->root: all but the content of files, whose slots
 * are holes.
 */
int scan_tree(const struct tree_capture_ask *ask, struct tree_index *index, struct err *err);

/* Is `status` still what the scan saw? */
bool scan_same(const struct tree_entry *entry, const struct stat *status);

/* Is the open file, under one name only, what `entry` says, as far as that can be seen unread? */
bool scan_is_alike(int fd, const struct tree_entry *entry);

#endif
