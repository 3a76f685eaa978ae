/*
 * cursor.h - the open folder of one path after the other.  Private to src/snapshot.
 *
 * Folders are entered one by one and links are never followed, so whatever is in a tree, nothing
 * outside it is reached.  With paths in the order of an index each folder is opened once.
 */
#ifndef SNAPSHOT_CURSOR_H
#define SNAPSHOT_CURSOR_H

#include "devenv/err.h"
#include "devenv/snapshot_format.h"

#include <stddef.h>

struct cursor_level {
	int fd;
	size_t len; /* of the folder's path */
};

struct cursor {
	struct cursor_level levels[SNAPSHOT_DEPTH_MAX + 1];
	size_t n;
	char path[SNAPSHOT_PATH_MAX + 1]; /* of the last level */
};

/* `root` is duplicated. */
int cursor_init(struct cursor *cursor, int root, struct err *err);
void cursor_release(struct cursor *cursor);

/*
 * The folder that `path` (as in an index, not the root's) is in, borrowed until the next call;
 * *name is its last part. -1 with err.
 */
int cursor_above(struct cursor *cursor, const char *path, const char **name, struct err *err);

/* Open the file at `path` itself: flags as of open(2). -1 with err, which names `path`. */
int cursor_open(struct cursor *cursor, const char *path, int flags, struct err *err);

#endif
