/* thin.h - what thin.c and thin_convert.c share.  Private to src/plan. */
#ifndef PLAN_THIN_H
#define PLAN_THIN_H

#include "devenv/plan_thin.h"

#include "agent.h"

/*
 * "state" of a volume's record (state.h) while it is converted. Beside it: "body", the create
 * request of the volume; "services" that have containers on it and those of them that are
 * "running", MANIFEST/SERVICE; and "inherit", as of plan_request.
 */
#define THINNING "thinning"

/* The engine's entry of a volume; NULL: there is none. A new reference. */
int thin_entry(struct engine *engine, const char *volume, json_t **entry, struct err *err);

/* The options of a thin volume; a new reference. NULL with err: ERR_SNAPSHOT when it cannot be. */
json_t *thin_options(struct engine *engine, const char *volume, struct err *err);

/* The containers that use it, but devenv's own: entries of the engine's list. */
int thin_containers(struct engine *engine, const char *volume, json_t **users, struct err *err);
const char *thin_container_name(const json_t *container); /* borrowed */

/* The manifest that has the service of such an entry, or NULL. */
const struct manifest *thin_manifest(const struct workspace *ws, const json_t *container);

#endif
