/*
 * session.h - what most commands begin with: the workspace and the engine.  Private to src/cmd.
 *
 *	autosession struct session session = SESSION_INIT;
 *	if (session_open(app, SESSION_ENGINE, &session, err) < 0)
 *		return -1;
 */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "devenv/cli.h"
#include "devenv/engine.h"
#include "devenv/lock.h"
#include "devenv/manifest.h"
#include "devenv/plan.h"

struct session {
	struct workspace ws;
	struct engine_where where;
	struct engine *engine;
	struct lock lock;
	bool journal; /* state_end() is due */
};

#define SESSION_INIT ((struct session){.lock = {.fd = -1}})

enum session_flags {
	SESSION_ENGINE = 1 << 0,   /* find and open it */
	SESSION_LOCK = 1 << 1,     /* nobody else may change the workspace meanwhile */
	SESSION_ALL = 1 << 2,      /* services of inactive profiles too */
	SESSION_NO_START = 1 << 3, /* do not start the embedded engine just for this */
	SESSION_RAW = 1 << 4,      /* leave ${...} as written */
	SESSION_LIST = 1 << 6,     /* the problems as JSON on stdout: diag_json() */
	SESSION_SALVAGE = 1 << 5,  /* go by labels when the files cannot be loaded */
	/* as of struct load_options: */
	SESSION_KEEP_PATHS = 1 << 7,
	SESSION_NO_NORMALIZE = 1 << 8,
	SESSION_NO_CONSISTENCY = 1 << 9,
};

/* Load, print every problem of the manifests to stderr, and find the engine when asked for. */
int session_open(struct app *app, unsigned flags, struct session *session, struct err *err);
void session_close(struct session *session);

/* The lock and its journal, before what may take hours: others may work on the workspace then. */
void session_unlock(struct session *session);

#define autosession __attribute__((cleanup(session_close)))

/* argv as the words of a request; borrowed. */
struct strv session_words(int argc, char **argv);

/* Does each of them name a service or a manifest? ERR_USAGE for the first that does not. */
int session_check_words(const struct session *session, int argc, char **argv, struct err *err);

/* The running (or, without `running`, any) container of a service named as the user does. */
int session_container(struct session *session, const char *word, int number, bool running,
	struct actual *actual, const struct container **container, struct err *err);

/* --remove-orphans, whose default is COMPOSE_REMOVE_ORPHANS. */
bool session_remove_orphans(bool chosen);

/* Is its service in no manifest, active or not? */
bool session_is_orphan(const struct session *session, const struct container *container);

/* Run a plan with the app's progress, and emit a summary "VERB in 3.2 s". */
int session_run_plan(struct app *app, struct session *session, struct plan *plan,
	const struct run_options *options, const char *verb, struct err *err);

#endif
