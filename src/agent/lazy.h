/*
 * lazy.h - process 1 of a service whose volumes are restored on the first connection
 * (include/devenv/agent.h).  Private to src/agent.
 */
#ifndef AGENT_LAZY_H
#define AGENT_LAZY_H

#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>
#include <stddef.h>

/* "lazy CONFIG COMMAND [ARG...]" of argv: becomes COMMAND, or returns an exit status. */
int lazy_main(int argc, char **argv);

/* === doors.c: who comes before the server is there === */

struct doors {
	int *fds; /* listening */
	size_t n;
	int *callers; /* accepted, in the order they came */
	size_t n_callers;
};

/* Listen on these TCP ports of all addresses. What was opened is open after a failure too. */
int doors_open(struct doors *doors, const json_t *ports, struct err *err);

enum doors_event { DOORS_CALLER, DOORS_SIGNAL };

/*
 * Wait for a caller, who is kept, or until `signals` is readable. Who comes over a loopback address
 * is not let in: that is a health check from inside.
 */
enum doors_event doors_wait(struct doors *doors, int signals);

/*
 * Keep all who have come, and listen no more: somebody else may. Who comes before that somebody
 * does is refused, as by any server that is being started.
 */
void doors_close(struct doors *doors);

/* Hang up on all who have come. */
void doors_refuse(struct doors *doors);

/*
 * Connect each caller to the server that listens where the doors were, once it does, and copy until
 * all are done. With `pid_file` not before PostgreSQL says there that it is ready (NULL: no such
 * file). The server sees the container's own address in place of the caller's.
 */
void doors_pass_on(struct doors *doors, const char *pid_file);

#endif
