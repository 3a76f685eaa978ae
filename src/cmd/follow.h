/* follow.h - the merged logs of several services.  Private to src/cmd. */
#ifndef CMD_FOLLOW_H
#define CMD_FOLLOW_H

#include "session.h"

struct follow {
	struct logs_spec logs;
	const struct strv *words;   /* whose; NULL or empty: all */
	const struct strv *shown;   /* of these only some; NULL or empty: all */
	const struct strv *without; /* not these; NULL: no exceptions */
	int number;                 /* of each service only this container; 0: all */
	bool no_prefix, no_color;
	bool attached; /* leave out services with `attach: false` */

	/*
	 * Until every container, shown or not, has ended for good: each is told to `ended`, from a
	 * thread of its own. Signals are left to `meanwhile`, which runs in the caller's thread and
	 * sees to it that there is an end. Of containers that `plan` did not start, only what is
	 * new is printed.
	 */
	void (*ended)(void *ctx, const struct container *container, int status);
	int (*meanwhile)(void *ctx, size_t n, struct err *err);
	void *ctx;
	const struct plan *plan;
};

/*
 * Print the logs of the words' containers, each line with its service's name before it, stdout to
 * stdout and stderr to stderr. With logs.follow until Ctrl-C, which is success.
 */
int follow_logs(
	struct app *app, struct session *session, const struct follow *wish, struct err *err);

#endif
