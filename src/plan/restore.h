/* restore.h - filling a volume that was just created from a snapshot archive. */
#ifndef PLAN_RESTORE_H
#define PLAN_RESTORE_H

#include "devenv/engine.h"
#include "devenv/snapshot.h"

/*
 * Unpack `source` (a path or URL) into `volume` through a container of `image` that is never
 * started. `expect_digest` ("sha256:...") may be NULL. ERR_SNAPSHOT for the archive, ERR_ENGINE for
 * the engine. After a failure the volume may hold a part of it: the caller must not let anybody use
 * it.
 */
int plan_restore_volume(struct engine *engine, const char *volume, const char *image,
	const char *source, const char *expect_digest, const struct sink *sink,
	struct snapshot_result *result, struct err *err);

/*
 * Remove the helper containers that a killed plan_restore_volume() left on `volume`: they keep it
 * from being removed. Only for whoever holds the workspace's lock.
 */
int plan_restore_abandon(struct engine *engine, const char *volume, struct err *err);

#endif
