/*
 * err.h - what went wrong, and what the user can do about it.
 *
 * Every function that can fail takes `struct err *err` last and returns 0 or -1 (or NULL).  The
 * struct is the caller's, of fixed size: nothing to free, works without memory, copies between
 * threads.  Errors are created where they happen with err_set() or err_os(), wrapped on the way up
 * with err_wrap() ("what was being done: cause") and printed once, in main.
 *
 *	if (image_pull(engine, ref, &err) < 0)
 *		return err_wrap(err, "start \"%s\"", service);
 */
#ifndef DEVENV_ERR_H
#define DEVENV_ERR_H

/* One kind for each thing that the user can do differently; the kind gives the exit status. */
enum err_kind {
	ERR_NONE,
	ERR_FAILED,    /* 1: anything else */
	ERR_USAGE,     /* 2: the command line */
	ERR_MANIFEST,  /* 3: a manifest or a file that it names */
	ERR_ENGINE,    /* 4: no engine, or the engine refused */
	ERR_REGISTRY,  /* 5: registry or authentication */
	ERR_PORT,      /* 6: a host port is taken */
	ERR_NOT_READY, /* 7: not ready in time */
	ERR_SERVICE,   /* 8: a service died or is unhealthy */
	ERR_SNAPSHOT,  /* 9 */
	ERR_TUNNEL,    /* 10 */
	ERR_TIMEOUT,   /* 124 */
	ERR_CANCELLED, /* 130: Ctrl-C */
	ERR_EXIT, /* `status` is the exit status of somebody else's command; nothing is printed */
	ERR_KINDS
};

struct err {
	enum err_kind kind;
	int os; /* errno, when the error came from the system; else 0 */
	/* HTTP status for engine and registry errors, exit status for ERR_EXIT; else 0 */
	int status;
	char msg[2048];
};

#define ERR_INIT ((struct err){.kind = ERR_NONE})

/* Set `err` to `kind` and the text; returns -1. A message says what to do next where it can. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), with ": strerror(os)" after the text. Pass errno as `os` (read before any call). */
int err_os(struct err *err, enum err_kind kind, int os, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Put "text: " before the message; returns -1. What does not fit is cut off the end of the cause.
 */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Add a hint on what to do after the message; returns -1.  It is put in brackets unless it begins
 * with its own separator: a space, a line end or punctuation.
 */
int err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* The exit status of `err` (design.md section 3). */
int err_exit_status(const struct err *err);

/* The stable word for a kind in JSON output: "manifest", "port-taken", ... */
const char *err_kind_name(enum err_kind kind);

#endif
