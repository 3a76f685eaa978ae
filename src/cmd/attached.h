/*
 * attached.h - `up --abort-on-container-exit`: run the plan, show the logs, and stop everything
 * when one container ends.  Private to src/cmd.
 */
#ifndef CMD_ATTACHED_H
#define CMD_ATTACHED_H

#include "follow.h"

struct attached {
	const struct plan_request *request; /* that the plan was made of */
	const struct run_options *run;
	struct follow follow;    /* which logs are shown */
	bool on_failure;         /* only a status that is not 0 is an end */
	const char *status_from; /* a service whose status is ours; NULL: of the first that ended */
};

/*
 * ERR_EXIT with the status that --exit-code-from names, or that of the container that ended first,
 * unless it is 0. A job that others wait for is no end when it succeeds. Ctrl-C stops the
 * containers (ERR_CANCELLED), a second one kills them. When the plan fails, they are stopped too.
 */
int attached_run(struct app *app, struct session *session, const struct attached *wish,
	struct plan *plan, struct err *err);

#endif
