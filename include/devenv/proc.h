/*
 * proc.h - running other programs, without a shell.
 *
 * The child gets default signals and an empty mask, and only descriptors 0-2.  With `input`,
 * SIGPIPE must be ignored (signals_install() does it): a child may end without reading.
 */
#ifndef DEVENV_PROC_H
#define DEVENV_PROC_H

#include "devenv/buf.h"
#include "devenv/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct proc_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* "K=V" added to the environment, or NULL */
	const char *dir;         /* working directory, or NULL */
	const char *input;       /* written to stdin (else /dev/null), or NULL */
	int timeout_ms;          /* 0: none; then the child is killed, ERR_TIMEOUT */
	bool merge_stderr;       /* collect stderr in `output` too */
	bool inherit_stderr; /* leave stderr where ours goes; else it is collected in `errors` */
	bool detach;         /* proc_spawn: own session, stdin/stdout/stderr on /dev/null */
	const char *log;     /* proc_spawn with detach: stdout and stderr are appended here */
	bool terminal;       /* proc_spawn: stdin too is ours, for a program that talks to people */
};

/*
 * Run and wait. `output` and `errors` (may be NULL) collect up to their limits. Returns the exit
 * status (128+n when a signal ended it), or -1 with err when it could not be run at all.
 */
int proc_run(const struct proc_spec *spec, struct buf *output, struct buf *errors, struct err *err);

/* Start and return its pid without waiting, or -1. */
pid_t proc_spawn(const struct proc_spec *spec, struct err *err);

/* Wait for one that was spawned: its exit status (128+n when a signal ended it). */
int proc_wait(pid_t pid);

/* A child that we talk with: our ends of its stdin, stdout and stderr, each -1 when not piped. */
struct proc_child {
	pid_t pid;
	int in, out, errs;
};

#define PROC_CHILD_NONE ((struct proc_child){-1, -1, -1, -1})

/*
 * Start with pipes to all three (stderr not with inherit_stderr, and merge_stderr). `input`,
 * timeout_ms and detach do not apply. End it with proc_close, which closes what is open, waits, and
 * returns the exit status (128+n when a signal ended it).
 */
int proc_open(const struct proc_spec *spec, struct proc_child *child, struct err *err);
int proc_close(struct proc_child *child);

/* Is `name` an executable in PATH? Its path (the caller's) or NULL. */
char *proc_find(const char *name);

/* The path of our own program, for child processes of our own. The caller's. */
char *proc_self(void);

#endif
