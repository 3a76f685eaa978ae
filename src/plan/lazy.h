/*
 * lazy.h - services that restore their volume themselves, on the first connection: x-snapshot with
 * `lazy: true`.  Private to src/plan.
 *
 * The container is made with the agent as its process 1, which waits on the service's ports and
 * then becomes what the service is (agent.h).  What it needs to know stands in the container's
 * label LABEL_LAZY.  A volume that began so stays so until it is removed, whatever its manifest
 * says later: a server that was started on the empty volume would make a database of its own.
 */
#ifndef PLAN_LAZY_H
#define PLAN_LAZY_H

#include "restore.h"

/*
 * The volumes that a container of the service restores itself: [{"volume": the engine's name,
 * "target", "snapshot": a reference, "digest"?, "engine"?: as x-snapshot has them}, ...]. A new
 * reference; NULL with ERR_MANIFEST for an archive.
 */
json_t *lazy_volumes(const struct workspace *ws, const struct manifest *manifest,
	const char *service, struct err *err);

struct lazy_ask {
	const struct workspace *ws;
	const json_t *volumes; /* lazy_volumes(); they are there */
	const char *object;    /* of the events */
	bool oneoff;           /* restore at once: nobody connects to it */
	enum pull_policy pull; /* of a snapshot that is gone from the cache */
	const struct sink *sink;
};

/*
 * Change the body of the container that is about to be created. A snapshot that is not in the cache
 * comes now. ERR_SNAPSHOT as of restore_check(); ERR_MANIFEST when the image runs as another user
 * than root.
 */
int lazy_arrange(struct engine *engine, const struct lazy_ask *ask, json_t *body, struct err *err);

/* The LAZY of all containers of the engine, of any workspace. A new reference; NULL with err. */
json_t *lazy_all(struct engine *engine, struct err *err);

#endif
