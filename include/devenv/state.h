/*
 * state.h - what devenv remembers on this machine, beside what the engine's labels say.
 *
 * Labels are the truth about what exists; the state folder holds the workspace lock and a journal
 * of what was under way (so that `up` after kill -9 can say so).
 */
#ifndef DEVENV_STATE_H
#define DEVENV_STATE_H

#include "devenv/err.h"
#include "devenv/json.h"
#include "devenv/lock.h"
#include "devenv/strv.h"

/* $XDG_STATE_HOME/devenv/ID, made when it is not there. The caller's. NULL with err. */
char *state_dir(const char *id, struct err *err);

/* One `up`, `down`, ... at a time a workspace; the error says who holds it. */
int state_lock(const char *id, const char *workspace, const char *command, struct lock *lock,
	struct err *err);

/* The same for those who follow changes of files, beside whom others may work. */
int state_lock_watch(const char *id, const char *workspace, const char *command, struct lock *lock,
	struct err *err);

/*
 * The journal: state_begin notes that `command` runs now and returns the command of an earlier run
 * that never ended (the caller's), or NULL. state_end removes the note.
 */
char *state_begin(const char *id, const char *command);
void state_end(const char *id);

/*
 * What is known of a volume's content: {"state": "restoring" | "restored", "source", "digest",
 * "engine": the kind of its database, "lazy": was it to be restored on the first connection?}.
 * Written before a restore begins, so that one that never ended is begun again from nothing.
 * "thinning": plan_thin.h.
 */
int state_volume_write(const char *id, const char *volume, const json_t *record, struct err *err);
json_t *state_volume_read(const char *id, const char *volume); /* NULL: nothing known */
void state_volume_forget(const char *id, const char *volume);

/*
 * The services (MANIFEST/SERVICE) that a command stopped and means to start again: so that the next
 * one does when it was killed. An empty list removes the note.
 */
int state_stopped_write(const char *id, const struct strv *services, struct err *err);
void state_stopped_read(const char *id, struct strv *services);

#endif
