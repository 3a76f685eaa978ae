/* network.h - creating and removing networks, whose names the engine does not keep unique. */
#ifndef PLAN_NETWORK_H
#define PLAN_NETWORK_H

#include "devenv/engine.h"

/*
 * Create the network of `body`. It is no error when it is there by now: a run that was killed may
 * have left its request with the engine.
 */
int network_create(struct engine *engine, const json_t *body, struct err *err);

/* Remove every network of this very name. 0 when there is none. */
int network_remove(struct engine *engine, const char *name, struct err *err);

#endif
