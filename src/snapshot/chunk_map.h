/*
 * chunk_map.h - the number of a chunk by its id.  Private to src/snapshot.
 *
 * Holds numbers only; the ids stay in the caller's table, which may move.
 */
#ifndef SNAPSHOT_CHUNK_MAP_H
#define SNAPSHOT_CHUNK_MAP_H

#include "devenv/tree.h"

struct chunk_map {
	uint32_t *numbers; /* 0: empty, else the number and one */
	size_t room;       /* a power of two, or 0 */
	size_t used;
};

/* The number of `id` in `chunks`, or SNAPSHOT_HOLE. */
uint32_t chunk_map_find(const struct chunk_map *map, const struct tree_chunk *chunks,
	const unsigned char id[SHA256_SIZE]);

/* Add chunks[number], which must not be there. */
void chunk_map_add(struct chunk_map *map, const struct tree_chunk *chunks, uint32_t number);

/* Add all chunks of an index. */
void chunk_map_add_index(struct chunk_map *map, const struct tree_index *index);

void chunk_map_release(struct chunk_map *map);

#endif
