/*
 * each.h - one request for each chosen container: what kill, pause, wait, ... share.  Private
 * to src/cmd.
 */
#ifndef CMD_EACH_H
#define CMD_EACH_H

#include "session.h"

/* Does it to one container; `ctx` is the caller's. */
typedef int each_fn(
	void *ctx, struct session *session, const struct container *container, struct err *err);

struct each {
	each_fn *run;
	void *ctx;
	const char *doing, *done; /* "Pausing", "Paused"; NULL: no events */
	bool all;                 /* stopped containers too; else only running ones */
	bool no_orphans;          /* not those whose service is in no manifest */
	bool needs_one;           /* having nothing to do is an error */
};

/* For the containers of the words' services (of all without words), in the order of their names. */
int each_container(
	struct app *app, int argc, char **argv, const struct each *each, struct err *err);

/* Running, paused or restarting: what `docker ps` lists. */
bool container_runs(const struct container *container);

/* Is the container one of a service that the words name (or are there no words)? */
bool each_chosen(
	const struct workspace *ws, const struct strv *words, const struct container *container);

#endif
