/* leftover.h - what a killed run's last requests still make in the engine.  Private to src/plan. */
#ifndef PLAN_LEFTOVER_H
#define PLAN_LEFTOVER_H

#include "devenv/engine.h"
#include "devenv/plan.h"

/*
 * A container that appeared after our plan was made is in the way: it has the name of the one that
 * `body` asks for, or holds `volume`. Ours by its labels and never started, it goes. The engine may
 * be at work on it still: then a moment is waited. true: try again.
 */
bool leftover_remove_named(struct engine *engine, const char *name, const json_t *body);
bool leftover_remove_using(struct engine *engine, const struct workspace *ws, const char *volume);

#endif
