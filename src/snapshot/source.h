/*
 * source.h - the bytes of a chunk, checked, from wherever they are.  Private to src/snapshot.
 *
 * Packs are read whole (HEX) or in part (HEX.part, see tree_missing()): nothing is believed but a
 * chunk's SHA-256.  All but init and release may be called by several threads.
 */
#ifndef SNAPSHOT_SOURCE_H
#define SNAPSHOT_SOURCE_H

#include "kit.h"

#include "devenv/tree.h"

#include <pthread.h>

#define SOURCE_FILES 64

/* A pack that is open. */
struct source_file {
	int fd;     /* meaningful when used */
	int direct; /* the same past the page cache; -1: not wanted, or it is in there */
	uint32_t pack;
	unsigned users;
	bool used;
};

struct source {
	const struct tree_index *index;
	int blobs;
	bool ahead;            /* source_ahead() is called */
	struct source *parent; /* for deltas; NULL: none */
	pthread_mutex_t mutex;
	struct source_file files[SOURCE_FILES];
};

void source_init(struct source *source, const struct tree_index *index, int blobs);
void source_release(struct source *source);

/* Where a frame is. */
struct source_place {
	uint32_t pack;
	uint32_t offset;
	uint32_t size;
};

/* The frame at `place`; -1 with err: missing, cut short. */
int source_frame(
	struct source *source, const struct source_place *place, void *out, struct err *err);

/* chunks[number] out of its own frame. -1 with err. */
int source_full(
	struct source *source, struct kit *kit, uint32_t number, void *out, struct err *err);

/* The same out of a delta and the parent's chunks. */
int source_delta(struct source *source, struct kit *kit, const struct tree_delta *delta, void *out,
	struct err *err);

/* The delta of a chunk, or NULL. */
const struct tree_delta *source_find_delta(const struct tree_index *index, uint32_t number);

/* Are these the chunk's bytes, by their SHA-256? */
bool source_is_chunk(const struct tree_chunk *chunk, const void *data);

/*
 * The chunks that are wanted next, up to a hole or `n`, at least one: the frames that lie one
 * behind the other from the first on are read at once, where that is worth it. What fails shows
 * when the chunk itself is asked for.
 */
void source_ahead(struct source *source, struct kit *kit, const uint32_t *numbers, size_t n);

/* Out of its own frame, or else its delta, where the source has a parent. */
int source_chunk(
	struct source *source, struct kit *kit, uint32_t number, void *out, struct err *err);

#endif
