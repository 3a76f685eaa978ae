/* cp.h - the two directions of `devenv cp`.  Private to src/cmd. */
#ifndef CMD_CP_H
#define CMD_CP_H

#include "devenv/engine.h"

struct cp {
	struct engine *engine;
	const struct sink *sink;
	const char *id, *container; /* its name, for messages */
	bool owned;                 /* --archive */
	bool follow;                /* --follow-link: the source */
	char *object;               /* of the events */
	uint64_t done, total;       /* bytes; total 0: not known */
	int64_t told_ms;            /* when the progress was told last */
};

/* `src` of this machine, "-" for a tar on stdin, to `path` of the container. */
int cp_in(struct cp *cp, const char *src, const char *path, struct err *err);

/* `path` of the container to `dest` of this machine, "-" for a tar on stdout. */
int cp_out(struct cp *cp, const char *path, const char *dest, struct err *err);

/* === what both share (cp_path.c) === */

/* "dir/.", ".": what is in the folder, not the folder. */
bool cp_names_contents(const char *path);

/* "dir/", "dir/.": must be a folder. */
bool cp_names_folder(const char *path);

/* The last part of the cleaned absolute path; "" for "/". The caller's. */
char *cp_name(const char *path);

/* What is at `path` in the container: 1, 0 for nothing, -1. */
int cp_stat(struct cp *cp, const char *path, struct archive_stat *stat, struct err *err);

/* `n` more bytes went through: an event now and then. */
void cp_count(struct cp *cp, size_t n);

#endif
