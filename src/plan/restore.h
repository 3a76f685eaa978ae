/* restore.h - filling a volume that was just created from a snapshot, or from an archive of one. */
#ifndef PLAN_RESTORE_H
#define PLAN_RESTORE_H

#include "devenv/engine.h"
#include "devenv/json.h"
#include "devenv/plan.h"
#include "devenv/snapshot.h"

#include <stdbool.h>

/*
 * Unpack `source` (a path or URL) into `volume` through a container of `image` that is never
 * started. `expect_digest` ("sha256:...") may be NULL. ERR_SNAPSHOT for the archive, ERR_ENGINE for
 * the engine. After a failure the volume may hold a part of it: the caller must not let anybody use
 * it.
 */
int restore_archive(struct engine *engine, const char *volume, const char *image,
	const char *source, const char *expect_digest, const struct sink *sink,
	struct snapshot_result *result, struct err *err);

/*
 * Remove the helper containers that a killed restore left on `volume`: they keep it from being
 * removed. Only for whoever holds the workspace's lock.
 */
int restore_abandon(struct engine *engine, const char *volume, struct err *err);

/* === snapshots (restore_snapshot.c) === */

/*
 * Is `source` of x-snapshot an archive - a file of the folder `dir`, a path, a name that ends as
 * tars do, a URL - and not the name of a snapshot?
 */
bool restore_is_archive(const char *source, const char *dir);

/*
 * Bring the snapshot into the engine's cache: with PULL_ALWAYS in any case, else when it is not
 * there; with PULL_NEVER that is ERR_SNAPSHOT.
 */
int restore_fetch(struct engine *engine, const char *reference, enum pull_policy pull,
	const struct sink *sink, struct err *err);

struct restore_ask {
	const char *volume, *reference; /* the latter is in the cache */
	const char *digest;             /* what it must be, "sha256:..."; or NULL */
	const char *kind;               /* of database that it must be of; or NULL */
	const char *image;              /* that will read it */
	const json_t *service;          /* as plan_snapshot_fits() takes it */
	const struct sink *sink;
};

/*
 * ERR_SNAPSHOT when the snapshot of this record is another one than expected, or one that the image
 * or the service's command line cannot read. What is only doubtful is a warning.
 */
int restore_check(struct engine *engine, const struct restore_ask *ask, const json_t *record,
	struct err *err);

/*
 * Restore it into an empty volume. ERR_SNAPSHOT as of restore_check(). *record is the caller's:
 * plan_snapshot.h.
 */
int restore_snapshot(
	struct engine *engine, const struct restore_ask *ask, json_t **record, struct err *err);

#endif
