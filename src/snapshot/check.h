/* check.h - which chunks are there and right.  Private to src/snapshot. */
#ifndef SNAPSHOT_CHECK_H
#define SNAPSHOT_CHECK_H

#include "devenv/tree.h"

enum check_pack { CHECK_ABSENT, CHECK_PART, CHECK_WHOLE };

/* Is the pack in `blobs` (by its size only), or a part of it? */
enum check_pack check_pack(int blobs, const struct tree_pack *pack);

/* The name of its part: HEX.part. */
#define PART_NAME (SHA256_HEX + 5)
void part_name(const struct tree_pack *pack, char name[PART_NAME]);

struct check_ask {
	const struct tree_index *index, *parent; /* parent: NULL, or also by deltas */
	int blobs;
	/* For each job that comes back, in bytes of frames; non-zero ends it. */
	int (*progress)(void *ctx, uint64_t bytes, struct err *err);
	void *ctx;
};

/*
 * Read each chunk that has wanted[number] and clear it there when it is right. -1 with err for what
 * is no chunk's fault.
 */
int check_chunks(const struct check_ask *ask, bool *wanted, struct err *err);

/* The same for deltas[number]; needs a parent. */
int check_deltas(const struct check_ask *ask, bool *wanted, struct err *err);

/* The digest of each pack that has wanted[number]; cleared when it is right. */
int check_packs(const struct check_ask *ask, bool *wanted, struct err *err);

#endif
