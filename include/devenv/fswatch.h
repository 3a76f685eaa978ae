/*
 * fswatch.h - what changes below some paths, in batches (inotify(7)).
 *
 * Folders that are made, moved in or moved away while watching are followed, and so is a path that
 * does not exist yet or goes away and comes back.  Symbolic links are not followed.  When the
 * kernel drops events because too many came at once, everything is looked at again and compared
 * with what was there before: nothing is lost, it only takes longer.
 *
 *	struct fswatch_spec spec = {.paths = &paths, .skip = skip, .ctx = rules};
 *	struct fswatch *watch = NULL;
 *	if (fswatch_open(&spec, &watch, err) < 0)
 *		return -1;
 *	while ((n = fswatch_wait(watch, 500, signals_fd(), &changed, err)) > 0)
 *		...
 *	fswatch_close(watch);
 *
 * Not here: what a change means.  Writes through shared memory mappings and changes made by other
 * machines on network file systems are unknown to the kernel, and so to us.
 */
#ifndef DEVENV_FSWATCH_H
#define DEVENV_FSWATCH_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>

struct fswatch;

struct fswatch_spec {
	const struct strv *paths; /* absolute and clean: folders and files */
	/* Does nothing at or below `path` matter? Such folders cost no watch; may be NULL. */
	bool (*skip)(void *ctx, const char *path);
	void *ctx;
};

/*
 * Watch from now on. Borrows spec->ctx, copies the rest. ERR_FAILED: a path cannot be read, or the
 * kernel's limits on watches are reached (the error says how to raise them).
 */
int fswatch_open(const struct fswatch_spec *spec, struct fswatch **watch, struct err *err);

/*
 * Wait until something changed and then nothing for `quiet_ms`. 1: `changed` gets the absolute
 * paths that were made, written, given another mode, or removed, each once, sorted; a folder that
 * came or went is there with all that is or was in it. 0: `cancel_fd` (-1: none)
 * is readable. -1: as fswatch_open(); the watch is still usable.
 */
int fswatch_wait(
	struct fswatch *watch, int quiet_ms, int cancel_fd, struct strv *changed, struct err *err);

/* All that is there, as far as events were read: absolute, sorted. */
void fswatch_paths(const struct fswatch *watch, struct strv *paths);

void fswatch_close(struct fswatch *watch); /* NULL is fine */

#endif
