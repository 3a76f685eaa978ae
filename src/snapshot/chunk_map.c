/* chunk_map.c - a hash table with open addressing; ids are hashes already. */
#include "chunk_map.h"

#include "devenv/mem.h"
#include "devenv/spill.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct chunk_map *map, const struct tree_chunk *chunks,
	const unsigned char id[SHA256_SIZE])
{
	uint64_t hash;
	size_t at;

	memcpy(&hash, id, sizeof(hash));
	at = hash & (map->room - 1);
	while (map->numbers[at] && memcmp(chunks[map->numbers[at] - 1].id, id, SHA256_SIZE) != 0)
		at = (at + 1) & (map->room - 1);
	return at;
}

uint32_t chunk_map_find(const struct chunk_map *map, const struct tree_chunk *chunks,
	const unsigned char id[SHA256_SIZE])
{
	size_t at;

	if (!map->room)
		return SNAPSHOT_HOLE;
	at = place_of(map, chunks, id);
	return map->numbers[at] ? map->numbers[at] - 1 : SNAPSHOT_HOLE;
}

static void grow(struct chunk_map *map, const struct tree_chunk *chunks, size_t room)
{
	uint32_t *old = map->numbers;
	size_t old_room = map->room;

	map->room = room;
	map->numbers = spill_zeroed(room, sizeof(*map->numbers));
	for (size_t i = 0; i < old_room; i++)
		if (old[i])
			map->numbers[place_of(map, chunks, chunks[old[i] - 1].id)] = old[i];
	spill_free(old);
}

void chunk_map_add(struct chunk_map *map, const struct tree_chunk *chunks, uint32_t number)
{
	if (map->used * 2 >= map->room)
		grow(map, chunks, map->room ? map->room * 2 : 64);
	map->numbers[place_of(map, chunks, chunks[number].id)] = number + 1;
	map->used++;
}

void chunk_map_add_index(struct chunk_map *map, const struct tree_index *index)
{
	for (uint32_t i = 0; i < index->n_chunks; i++)
		chunk_map_add(map, index->chunks, i);
}

void chunk_map_release(struct chunk_map *map)
{
	spill_free(map->numbers);
	*map = (struct chunk_map){0};
}
