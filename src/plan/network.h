/* network.h - creating and removing networks, whose names the engine does not keep unique. */
#ifndef PLAN_NETWORK_H
#define PLAN_NETWORK_H

#include "devenv/engine.h"
#include "devenv/manifest.h"

/*
 * Create the network of `body`. It is no error when it is there by now: a run that was killed may
 * have left its request with the engine.
 */
int network_create(struct engine *engine, const json_t *body, struct err *err);

/* Remove every network of this very name. 0 when there is none. */
int network_remove(struct engine *engine, const char *name, struct err *err);

/*
 * The engine calls a network ambiguous: of those of one name that `manifest` made, keep the oldest.
 * true: there were several and are no more, so try again.
 */
bool network_settle(struct engine *engine, const struct manifest *manifest);

#endif
