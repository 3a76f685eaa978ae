/*
 * scratch.h - a database server of a moment, on a volume of a moment.
 *
 * Private to src/plan.  For work that needs a server and must touch nobody's: importing a dump,
 * trying a snapshot.  Its container has no network but its own loopback, publishes nothing, and
 * mounts nothing that may be written but its own volume, "devenv-scratch-ID".
 *
 *	if (scratch_image(engine, &spec, &image, err) < 0) ...
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
#include "devenv/manifest.h"

#include <stdbool.h>

struct scratch_spec {
	const char *image; /* a reference or an id */
	/*
	 * The service whose environment, command, user, limits, and files (only to be read) it
	 * gets. Where that has `volume`, the engine's name of one, the server's own volume goes.
	 */
	const struct workspace *ws;
	const struct manifest *manifest;
	const char *service, *volume;
	/* Trade what only a crash would need for speed: what it makes is thrown away then. */
	bool fast;
	const char *object; /* of the events; borrowed */
	const struct sink *sink;
};

struct scratch;

/*
 * The image as the engine has it (a new reference); one that is not there is pulled, unless the
 * service is to build it. ERR_SNAPSHOT, or as of image_pull().
 */
int scratch_image(
	struct engine *engine, const struct scratch_spec *spec, json_t **image, struct err *err);

/* Make the volume and the container, not started. The image must be there. NULL with err. */
struct scratch *scratch_open(
	struct engine *engine, const struct scratch_spec *spec, struct err *err);

/* The engine's names; borrowed. */
const char *scratch_volume(const struct scratch *scratch);
const char *scratch_container(const struct scratch *scratch);

/*
 * Start the server and wait until it answers (dbclient_answers()). ERR_SNAPSHOT with its last lines
 * when it ends instead, and when the disk is full: some servers wait for room, and say nothing.
 */
int scratch_start(struct scratch *scratch, struct err *err);

/*
 * To the error of a client: what the server said, if it is not there any more, or only its
 * connection; and what to do when its disk is full.
 */
void scratch_explain(const struct scratch *scratch, struct err *err);

/* Stop it and wait for its end, which must be one with status 0: else ERR_SNAPSHOT. */
int scratch_stop(struct scratch *scratch, struct err *err);

/* Remove both, whatever runs; NULL is fine. */
void scratch_close(struct scratch *scratch);

/* Remove what runs of this user that ended without doing so have left. */
int scratch_sweep(struct engine *engine, struct err *err);

#endif
