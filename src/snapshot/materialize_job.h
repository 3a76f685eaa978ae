/*
 * materialize_job.h - what the crew does for a restore: unpack, check, write runs of slots.
 *
 * Private to src/snapshot.  Large files are written past the page cache: what is written once and
 * not read soon has no business there, and half of the time went into its pages.
 */
#ifndef SNAPSHOT_MATERIALIZE_JOB_H
#define SNAPSHOT_MATERIALIZE_JOB_H

#include "source.h"

#include "devenv/tree.h"

#define RUN_SLOTS 32 /* of a job: 2 MiB, a huge page */

struct job {
	struct source *source;
	const struct tree_entry *entry;
	int fd;
	bool direct; /* fd has O_DIRECT */
	uint64_t first;
	size_t n;
	bool last;     /* of the file */
	uint64_t size; /* of the run, with its holes */
	uint64_t unpacked, copied;
	/* The file of the base, or 0: all of it is to be copied, or what is the same in `old`. */
	int base_fd;
	bool copy;
	const struct tree_index *base;
	const struct tree_entry *old;
	bool failed;
	struct err err;
};

/* For a crew, with kit->out for a run. */
void materialize_job_do(void *job, struct kit *kit);
void materialize_job_close(void *job);

#endif
