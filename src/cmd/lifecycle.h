/* lifecycle.h - what `stop`, `start` and `restart` share.  Private to src/cmd. */
#ifndef CMD_LIFECYCLE_H
#define CMD_LIFECYCLE_H

#include "session.h"

struct lifecycle_options {
	bool dry_run, no_deps;
	int64_t timeout, wait_timeout; /* seconds; wait_timeout 0: as plan_run() */
};

/* Of stop and restart; start, which stops nothing, has its own. */
extern const struct option_spec lifecycle_options[];

typedef int plan_fn(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);

/* Make the plan with `make` and run it, or print it. */
int lifecycle_run(struct app *app, void *options, int argc, char **argv, plan_fn *make,
	const char *verb, struct err *err);

#endif
