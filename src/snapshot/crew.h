/*
 * crew.h - threads for each processor, and jobs whose results come back in order.
 *
 * Private to src/snapshot.  One thread, the caller's, fills jobs and takes them back; the crew
 * works on them meanwhile, each thread with a kit of its own.  As results come in the order of the
 * jobs, nothing depends on the number of threads.
 *
 *	while (there is more) {
 *		if (crew_full(crew))
 *			take_back(crew_wait(crew));	... then crew_retire(crew)
 *		fill(crew_next(crew));
 *		crew_submit(crew);
 *	}
 *	while ((job = crew_wait(crew)))
 *		...
 */
#ifndef SNAPSHOT_CREW_H
#define SNAPSHOT_CREW_H

#include "kit.h"

#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>

struct crew;

struct crew_kind {
	size_t job;    /* its bytes, zeroed once; memory that a job holds may stay in it */
	size_t out;    /* bytes of kit->out */
	unsigned each; /* threads for a processor: 1, or more where they wait for the disk */
	unsigned most; /* but not more than these; 0: as many as crews have */
	void (*work)(void *job, struct kit *kit);
	void (*drop)(void *job); /* each job at the end, used or not; NULL is fine */
};

/* NULL with err. */
struct crew *crew_new(const struct crew_kind *kind, struct err *err);

bool crew_full(const struct crew *crew);
bool crew_ready(struct crew *crew); /* crew_wait() would not have to wait for a job */
void *crew_next(struct crew *crew); /* the job to fill; only when not full */
void crew_submit(struct crew *crew);

/* Wait for the oldest job that was submitted; NULL: there is none. */
void *crew_wait(struct crew *crew);
void crew_retire(struct crew *crew); /* it is free again */

/* End the threads. */
void crew_free(struct crew *crew);

#endif
