/* watch.h - what `watch` and `up --watch` share.  Private to src/cmd. */
#ifndef CMD_WATCH_H
#define CMD_WATCH_H

#include "session.h"

struct watch_wishes {
	bool prune;   /* remove what a rebuild leaves without a name */
	bool quiet;   /* nothing of a build but its errors */
	bool dry_run; /* only say what would be done */
};

struct watcher;

/*
 * Note what is there from now on: before `up`, so that no change made meanwhile is lost. Borrows
 * `app`, `session` and `words`. ERR_MANIFEST when nothing is to be watched, ERR_FAILED when
 * somebody watches this workspace already.
 */
int watcher_open(struct app *app, struct session *session, const struct strv *words,
	const struct watch_wishes *wishes, struct watcher **watcher, struct err *err);

/*
 * Follow changes until Ctrl-C, which is ERR_EXIT with 130 as in Compose; lets go of the workspace's
 * lock, but for what re-creates or restarts containers. What fails is told of, and it goes on.
 */
int watcher_run(struct watcher *watcher, struct err *err);

void watcher_close(struct watcher *watcher); /* NULL is fine */

void cleanup_watcher(struct watcher **watcher);
#define autowatcher __attribute__((cleanup(cleanup_watcher)))

#endif
