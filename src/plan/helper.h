/*
 * helper.h - whose a helper container or volume is.
 *
 * Private to src/plan.  What devenv makes for its own use in the engine is removed by whoever made
 * it.  After a kill -9 it stays; so each has an id in a label, and a file of that name below the
 * state folder that is locked as long as its devenv lives: whoever gets the lock may remove it.
 */
#ifndef PLAN_HELPER_H
#define PLAN_HELPER_H

#include "devenv/err.h"
#include "devenv/lock.h"

#include <stdbool.h>

#define HELPER_ID_BYTES 8

/* Folders of locks. */
#define HELPER_AGENTS "agents"
#define HELPER_SCRATCH "scratch"

struct helper {
	char id[2 * HELPER_ID_BYTES + 1];
	struct lock lock;
	char *path; /* of the lock; NULL: none */
};

#define HELPER_NONE ((struct helper){.lock = LOCK_NONE})

/* A new id, and its lock in `folder`; `kind` ("agent") is for messages. */
int helper_new(struct helper *helper, const char *folder, const char *kind, struct err *err);

/*
 * The lock of what a label says is `id`. false: its devenv lives, or is another user's or
 * machine's.
 */
bool helper_take(struct helper *helper, const char *folder, const char *id);

/*
 * Remove the locks of agents that nobody holds and whose containers nobody found for an hour: the
 * engine removes those itself when the agent ends. A scratch volume needs its lock until it goes.
 */
void helper_sweep_agents(void);

/* `gone`: what has the id was removed, so that nobody needs the lock any more. */
void helper_release(struct helper *helper, bool gone);

#endif
