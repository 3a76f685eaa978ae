/*
 * scratch.h - a database server of a moment, on a volume of a moment.
 *
 * Private to src/plan.  For work that needs a server and must touch nobody's: importing a dump,
 * trying a snapshot.  Its container has no network but its own loopback, publishes nothing, and
 * mounts nothing that may be written but its own volume, "devenv-scratch-ID".
 *
 *	struct scratch *scratch = scratch_open(engine, &spec, err);
 *	... fill scratch_volume(scratch), or let the image do it ...
 *	if (scratch_start(scratch, err) < 0) ...
 *	... talk to it: dbclient.h with scratch_container(scratch) ...
 *	if (scratch_stop(scratch, err) < 0) ...
 *	... the volume is at rest ...
 *	scratch_close(scratch);
 *
 * Both go on every way out; what a killed run left goes with the next scratch_open(), or `snapshot
 * prune`.
 */
#ifndef PLAN_SCRATCH_H
#define PLAN_SCRATCH_H

#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"

#include <stdbool.h>

struct scratch_spec {
	const char *image;  /* a reference or an id, in the engine */
	const char *target; /* where the volume goes: the data directory */
	/*
	 * A create request (plan_body()) whose environment, command, user, limits, and files (only
	 * to be read) it gets, with what plan_complete() puts in; NULL: as the image says.
	 */
	const json_t *like, *extra;
	/* Trade what only a crash would need for speed: what it makes is thrown away then. */
	bool fast;
	const char *object; /* of the events; borrowed */
	const struct sink *sink;
};

struct scratch;

/* Make the volume and the container, not started. NULL with err: ERR_ENGINE. */
struct scratch *scratch_open(
	struct engine *engine, const struct scratch_spec *spec, struct err *err);

/* The engine's names; borrowed. */
const char *scratch_volume(const struct scratch *scratch);
const char *scratch_container(const struct scratch *scratch);

/*
 * Start the server and wait until it answers (dbclient_answers()). ERR_SNAPSHOT with its last lines
 * when it ends instead.
 */
int scratch_start(struct scratch *scratch, struct err *err);

/* Stop it and wait for its end, which must be one with status 0: else ERR_SNAPSHOT. */
int scratch_stop(struct scratch *scratch, struct err *err);

/* Remove both, whatever runs; NULL is fine. */
void scratch_close(struct scratch *scratch);

/* Remove what runs of this user that ended without doing so have left. */
int scratch_sweep(struct engine *engine, struct err *err);

#endif
