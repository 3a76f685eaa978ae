/*
 * lock.h - one devenv at a time, with the name of the one that holds it.
 *
 * flock on a file that is never deleted: unlinking it would let two processes hold "the" lock on
 * different inodes.  The text inside (pid and command) is only for the message.
 */
#ifndef DEVENV_LOCK_H
#define DEVENV_LOCK_H

#include "devenv/err.h"

struct lock {
	int fd;
};

#define LOCK_NONE ((struct lock){.fd = -1})

/*
 * Take the lock at once, or fail with ERR_FAILED "... is busy: PID (COMMAND) since TIME".
 * `what` names the thing locked, `command` is written for whoever has to wait.
 */
int lock_take(struct lock *lock, const char *path, const char *what, const char *command,
	struct err *err);

/* The same, waiting up to timeout_ms: for short critical sections. */
int lock_wait(
	struct lock *lock, const char *path, const char *what, int timeout_ms, struct err *err);

void lock_release(struct lock *lock);

#define autolock __attribute__((cleanup(lock_release), unused))

#endif
