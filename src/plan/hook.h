/* hook.h - commands that a manifest has run inside its containers.  Private to src/plan. */
#ifndef PLAN_HOOK_H
#define PLAN_HOOK_H

#include "devenv/engine.h"
#include "devenv/event.h"
#include "devenv/plan.h"

/*
 * Run one: `hook` has command (not empty), user, working_dir, privileged and environment. A
 * variable without a value is taken from `variables`. Its output goes to `sink`, a line an event,
 * as logs of `object`. ERR_SERVICE when it ends with another status than 0.
 */
int hook_run(struct engine *engine, const char *id, const json_t *hook, const json_t *variables,
	const char *object, const struct sink *sink, struct err *err);

/*
 * The hooks of the action's service under `key` (post_start or pre_stop; compose-spec 05-services)
 * in their order, in container `id`, until one fails. Nothing where it does not run.
 */
int hooks_run(struct engine *engine, const char *id, const struct action *action, const char *key,
	const struct sink *sink, struct err *err);

#endif
