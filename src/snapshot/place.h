/*
 * place.h - making files below a folder, links never followed.  Private to src/snapshot.
 *
 * Keeps the folders from the top to the present one open: a folder gets its mode and time when it
 * is left, so that one that may not be written in can be filled.
 */
#ifndef SNAPSHOT_PLACE_H
#define SNAPSHOT_PLACE_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#define PLACE_DEPTH 256

struct place_attr {
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

struct place_level {
	int fd;
	char *name;
	bool noted; /* `attr` is set on leaving */
	struct place_attr attr;
};

struct place {
	bool owned; /* set owners and set-id bits */
	struct place_level levels[PLACE_DEPTH];
	size_t n;
};

/* A duplicate of `dir` is the first level. */
int place_init(struct place *place, int dir, bool owned, struct err *err);

/* Give all open folders their modes and times; -1 with the first error. */
int place_finish(struct place *place, struct err *err);
void place_release(struct place *place); /* without that */

/* `parts` name what is made, from the top on; missing folders above it are made. */
int place_folder(struct place *place, const struct strv *parts, const struct place_attr *attr,
	struct err *err);
int place_symlink(
	struct place *place, const struct strv *parts, const char *target, struct err *err);
int place_hardlink(
	struct place *place, const struct strv *parts, const struct strv *target, struct err *err);
int place_pipe(struct place *place, const struct strv *parts, const struct place_attr *attr,
	struct err *err);

/* A file under a name of its own until place_file_end; write to the descriptor in between. */
struct place_file {
	int fd;
	char temporary[32];
};

int place_file_begin(
	struct place *place, const struct strv *parts, struct place_file *file, struct err *err);
int place_file_end(struct place *place, const struct strv *parts, struct place_file *file,
	const struct place_attr *attr, struct err *err);
void place_file_abandon(struct place *place, struct place_file *file);

#endif
