/*
 * plan_branch.h - branches: several independent contents of the same volumes.
 *
 * One content is in the volume, the others are put aside in the cache (plan_snapshot.h): as copies
 * that share their blocks with the volume where the file system can (XFS, btrfs), so that a branch
 * takes no time and no space until it is changed; as full copies elsewhere.  Volumes keep their
 * names and options, and containers stay what they are.
 *
 *	struct branches *branches = branches_open(engine, &volumes, sink, err);
 *	branches_read(branches, &states, err);
 *	... stop what uses the volumes ...
 *	branches_switch(branches, "feature", notes, &switched, err);
 *	branches_close(branches);
 *
 * STATES tell it of volumes that have branches, {VOLUME: STATE}:
 *
 *	{"current": NAME,        of the content that is in the volume
 *	 "to": NAME,             only after a crash in a switch: the next call ends it
 *	 "branches": {NAME: {"created": RFC 3339 time,
 *		"from": NAME of what it began as; absent for the first,
 *		"note": as below}, ...}}
 *
 * NOTES are {VOLUME: what the caller wants to be told when the present content comes back, an
 * object or null}.
 *
 * All volumes of a call change together: Ctrl-C, kill -9 or a failure leaves all of them as they
 * were or all of them on the other branch, and after a crash of the machine the next call finishes
 * what had begun.  Errors as of plan_snapshot.h.
 */
#ifndef DEVENV_PLAN_BRANCH_H
#define DEVENV_PLAN_BRANCH_H

#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"
#include "devenv/strv.h"

struct branches;

/*
 * Start an agent that has these volumes, which must be there. Containers may still use them.
 */
struct branches *branches_open(struct engine *engine, const struct strv *volumes,
	const struct sink *sink, struct err *err);

/* End it; NULL is fine. */
void branches_close(struct branches *branches);

/* The STATES of all volumes of the engine, also of those that are gone. */
int branches_read(struct branches *branches, json_t **states, struct err *err);

/*
 * Keep what is in the volumes of `notes` as the branch that they are on - `first`, where they have
 * no branches yet - and go on in a new one of that name. ERR_SNAPSHOT when there is one, and while
 * a container uses a volume. *result: {"volumes": STATES, "bytes": of all copies, "cloned": of
 * them, those that share their blocks}.
 */
int branches_make(struct branches *branches, const char *name, const char *first,
	const json_t *notes, json_t **result, struct err *err);

/*
 * Put aside what is in those volumes of `notes` that have the branch and are not on it, and go on
 * with what it has. ERR_SNAPSHOT when none has it, and while a container uses one. *result: as
 * before, with "notes": the NOTES of what came back, for the volumes that changed.
 */
int branches_switch(struct branches *branches, const char *name, const json_t *notes,
	json_t **result, struct err *err);

/* Delete what a branch has, for the volumes of `notes`. ERR_SNAPSHOT when it is the present one. */
int branches_remove(
	struct branches *branches, const char *name, const json_t *notes, struct err *err);

#endif
