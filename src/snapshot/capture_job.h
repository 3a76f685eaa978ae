/*
 * capture_job.h - what the crew does for a capture: read, hash, compress, write packs.
 *
 * Private to src/snapshot.  A job sees only what does not change while it runs.
 *
 * A delta is made for a chunk of a file to which the parent has a similar one: against what that
 * has around the place, as rows move by some pages when a table is written anew.  One that is still
 * long holds what is new, and is worth another, slower try.
 */
#ifndef SNAPSHOT_CAPTURE_JOB_H
#define SNAPSHOT_CAPTURE_JOB_H

#include "blob.h"
#include "chunk_map.h"
#include "codec.h"
#include "source.h"

#include "devenv/tree.h"

#define RUN_SLOTS 8 /* of a job: 512 KiB */

/* What all jobs read. */
struct capture_world {
	const struct tree_capture_ask *ask;
	struct chunk_map known; /* chunks of the parent */
	struct source *parent;  /* to read bases from; NULL: no deltas */
};

enum slot_kind { SLOT_HOLE, SLOT_KNOWN, SLOT_NEW };

struct slot {
	enum slot_kind kind;
	unsigned char id[SHA256_SIZE];
	uint32_t size;
	uint32_t frame_size;          /* SLOT_NEW */
	uint32_t delta_size;          /* 0: none */
	uint32_t first_base, n_bases; /* of job->bases */
};

enum job_kind { JOB_RUN, JOB_PACK };

struct job {
	enum job_kind kind;
	const struct capture_world *world;
	bool failed;
	struct err err;
	/* JOB_RUN: slots of a file */
	int fd;
	const struct tree_entry *entry;
	uint64_t first;
	size_t n;
	struct slot slots[RUN_SLOTS];
	unsigned char *frames; /* RUN_SLOTS * SNAPSHOT_FRAME_MAX */
	/* JOB_RUN with a file of the parent */
	const struct tree_entry *old;
	bool same;                          /* as `old`, by what the file system says: not read */
	unsigned char *deltas;              /* as frames */
	uint32_t bases[SNAPSHOT_BASES_MAX]; /* chunks of the parent */
	uint64_t base_slots[SNAPSHOT_BASES_MAX]; /* where they are in `old` */
	size_t base_ends[SNAPSHOT_BASES_MAX];    /* in kit->prefix, one behind the other */
	uint32_t n_bases;
	/* JOB_PACK */
	unsigned char *pack;
	size_t len;
	uint32_t number;
	unsigned char sha256[SHA256_SIZE];
	char staged[BLOB_STAGED];
};

/* For a crew, with kit->out of CAPTURE_OUT bytes: what was read. */
#define CAPTURE_OUT (RUN_SLOTS * SNAPSHOT_CHUNK)
void capture_job_do(void *job, struct kit *kit);
void capture_job_drop(void *job);

#endif
