/*
 * ignore.h - the patterns of a .dockerignore, as moby's patternmatcher reads them.
 *
 * The last pattern that matches decides; "!" makes an exception.  A pattern that matches a folder
 * matches what is below.  "**" is any number of folders, "*" and "?" stay within one.
 */
#ifndef DEVENV_IGNORE_H
#define DEVENV_IGNORE_H

#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ignore_pattern {
	char *glob; /* cleaned, without the slash in front */
	bool except;
};

struct ignore {
	struct ignore_pattern *list;
	size_t n;
};

/* Add one pattern, "!" in front or not; an empty one is nothing. ERR_MANIFEST names the pattern. */
int ignore_add(struct ignore *ignore, const char *pattern, struct err *err);

/* Read the lines of `text`; `file` names it in errors, which are ERR_MANIFEST. */
int ignore_parse(struct ignore *ignore, const char *text, const char *file, struct err *err);

/*
 * Is `path` (relative to where the patterns are, clean) left out, by itself or with a folder above
 * it?
 */
bool ignore_matches(const struct ignore *ignore, const char *path);

/* May an exception let in something below the folder `path` that is left out? */
bool ignore_may_hold(const struct ignore *ignore, const char *path);

void ignore_release(struct ignore *ignore);

#endif
