/* build.h - images that are built; private to plan/. */
#ifndef DEVENV_PLAN_BUILD_H
#define DEVENV_PLAN_BUILD_H

#include "plan_priv.h"

/* Add the build of a service's image (once for each image); its index. `pull_first`: only when the
 * registry has no such image. */
size_t build_add(struct plan *plan, const struct plan_request *request, const struct selected *one,
	const char *reason, bool pull_first);

int act_build(struct act_context *context, const struct action *action, struct engine *engine,
	struct err *err);

#endif
