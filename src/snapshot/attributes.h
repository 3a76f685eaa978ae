/* attributes.h - owner, mode, attributes and time of what was made.  Private to src/snapshot. */
#ifndef SNAPSHOT_ATTRIBUTES_H
#define SNAPSHOT_ATTRIBUTES_H

#include "devenv/tree.h"

/* Of an open file or folder. Time last: nothing may be written after it. */
int attributes_set(
	int fd, const struct tree_entry *entry, const struct tree_watch *watch, struct err *err);
int attributes_set_time(int fd, const struct tree_entry *entry, struct err *err);

/* Of a symbolic link or FIFO that is `name` in `dir`. */
int attributes_set_at(int dir, const char *name, const struct tree_entry *entry, struct err *err);

#endif
