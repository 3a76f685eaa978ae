/*
 * source.h - git checkouts that manifests mount (x-sources), and the workspace of `devenv onboard`.
 *
 * libgit2 runs in a child process of our own program (it blocks, and its state is process-global);
 * progress and the result come back as JSON lines.  Existing work is never touched: a path that has
 * anything in it is left alone, and only its origin is compared.
 */
#ifndef DEVENV_SOURCE_H
#define DEVENV_SOURCE_H

#include "devenv/err.h"
#include "devenv/event.h"

struct source {
	const char *name; /* for messages */
	const char *url;  /* https, ssh, scp form (git@host:path), file, or a path */
	const char *ref;  /* branch, tag or commit; NULL: the remote's default */
	const char *path; /* absolute */
};

enum source_state { SOURCE_MISSING, SOURCE_READY, SOURCE_OTHER /* something else is there */ };

/* What is at source->path; `detail` (the caller's, may be NULL) says what SOURCE_OTHER is. */
enum source_state source_check(const struct source *source, char **detail);

/*
 * Clone into a folder beside the target and rename it into place when complete: Ctrl-C and kill -9
 * leave nothing half done. 0 at once when SOURCE_READY; SOURCE_OTHER is ERR_FAILED.
 */
int source_clone(const struct source *source, const struct sink *sink, struct err *err);

/*
 * The branch of the git repository that the folder `dir` is in, and the one that was there before
 * (NULL: none), by `git`, which knows about worktrees; the caller's. *branch is NULL when no branch
 * is checked out. -1 with err: it is no repository, or there is no git.
 */
int source_branch(const char *dir, char **branch, char **previous, struct err *err);

/*
 * The hidden command `devenv __clone`: reads {"url", "ref", "path"} as a line of JSON from stdin
 * and clones until stdin ends; {"phase", "done", "total"} lines on stdout, the last one {"commit"}
 * or {"error"}. Exit status.
 */
int source_child_main(void);

#endif
