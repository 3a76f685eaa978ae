/* feeder.h - a tar that is sent while it is made.  Private to src/engine. */
#ifndef ENGINE_FEEDER_H
#define ENGINE_FEEDER_H

#include "devenv/engine.h"

/* Sends what `fd` gives, to its end; need not read all of it. */
typedef int feeder_send_fn(void *ctx, int fd, struct err *err);

/*
 * Run `make` in a thread and `send` here, joined by a pipe. The error is that of `make` where it
 * failed by itself, else that of `send`.
 */
int feeder_run(
	tar_make_fn *make, void *make_ctx, feeder_send_fn *send, void *send_ctx, struct err *err);

#endif
