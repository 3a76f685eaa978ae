/* follow.h - the merged logs of several services.  Private to src/cmd. */
#ifndef CMD_FOLLOW_H
#define CMD_FOLLOW_H

#include "session.h"

/*
 * Print the logs of the words' containers (all without words), each line with its service's name
 * before it (not for a single one without a terminal), stdout to stdout and stderr to stderr. With
 * spec->follow until Ctrl-C, which is success.
 */
int follow_logs(struct app *app, struct session *session, const struct strv *words,
	const struct logs_spec *spec, struct err *err);

#endif
