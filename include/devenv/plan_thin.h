/*
 * plan_thin.h - thin volumes: a snapshot's tree in the cache, and above it only what is written.
 *
 * Where the engine's file system cannot share blocks (ext4), a restore copies everything.  A thin
 * volume is an overlay instead, which the engine's own "local" driver mounts for its containers:
 * below, the tree, which all thin volumes of that snapshot share; above, a folder for what is
 * written.  So a reset takes as long as making an empty folder; a file is copied up when it is
 * first opened to be written, which databases do.  Tree and folder are in the cache (agent.h).
 *
 *	if (plan_thin_check(engine, ws, volume, err) < 0 ||
 *		plan_thin_prepare(agent, digest, err) < 0) ...
 *	... stop what uses the volume; keep what is in it for undo ...
 *	struct thin_ask ask = {.agent = agent, .ws = ws, .volume = volume, .name = digest, ...};
 *	plan_thin_reset(engine, &ask, err);		also plan_snapshot_close(agent)
 *	plan_thin_convert(engine, &ask, err);		where the volume is not thin yet
 *	... start what was stopped ...
 *
 * The options of a volume cannot be changed: plan_thin_convert() removes it with the containers
 * that use it, and makes all of them anew, with the labels, and the anonymous volumes, that they
 * had.  Before that the state folder says {"state": "thinning", ...} (state.h): so after a kill
 * plan_thin_is_cut() is true, and the same calls for the same volume end it.  Until then nothing
 * else may be done with the volume: what was in it may be in the undo copy only.
 *
 * Errors as of plan_snapshot.h.
 */
#ifndef DEVENV_PLAN_THIN_H
#define DEVENV_PLAN_THIN_H

#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"
#include "devenv/manifest.h"
#include "devenv/strv.h"

#include <stdbool.h>

/* Is this, the engine's entry of a volume, a thin one? */
bool plan_thin_is(const json_t *volume);

/* The names of the engine's thin volumes, an array; a new reference. */
int plan_thin_list(struct engine *engine, json_t **names, struct err *err);

/*
 * Can the volume be made thin, or is it? ERR_SNAPSHOT for an engine that cannot mount overlays for
 * volumes, one with options of its own, and one that containers use which no `up` would make again.
 * What only a try can tell, plan_thin_convert() does.
 */
int plan_thin_check(
	struct engine *engine, const struct workspace *ws, const char *volume, struct err *err);

/* Make the tree of a snapshot while the volume may still be used; it may take long. */
struct agent;
int plan_thin_prepare(struct agent *agent, const char *name, struct err *err);

struct thin_ask {
	struct agent *agent; /* of plan_snapshot_open() for the volume, or for none after a kill */
	const struct workspace *ws;
	const char *volume;
	const char *name;           /* in the cache, or "sha256:..." of a manifest there */
	bool replace;               /* the word for it was given: what is in the volume goes */
	const struct strv *running; /* MANIFEST/SERVICE that a convert notes as to be started */
	const struct sink *sink;
};

/*
 * What the volume shows from the next mount on is the snapshot, if it is thin; else only what a
 * convert needs is made. *dropped gets the bytes that had been written. ERR_SNAPSHOT while another
 * container than the agent's uses it, and without `replace` for one that is not empty.
 */
int plan_thin_reset(
	struct engine *engine, const struct thin_ask *ask, uint64_t *dropped, struct err *err);

/*
 * Make the volume a thin one; nothing where it is, and nothing is cut. First it is tried with
 * another volume whether the engine can mount it: nothing is removed when it cannot. The services
 * of the containers that were removed have containers again, not started. The agent must be closed.
 */
int plan_thin_convert(struct engine *engine, const struct thin_ask *ask, struct err *err);

/* Was one killed? */
bool plan_thin_is_cut(const struct workspace *ws, const char *volume);

/* The services that it noted as to be started. */
void plan_thin_running(const struct workspace *ws, const char *volume, struct strv *running);

/* -1 with ERR_SNAPSHOT: what ends it, for whoever wants something else. */
int plan_thin_cut_error(const char *volume, struct err *err);

#endif
