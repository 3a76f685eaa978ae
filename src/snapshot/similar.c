/*
 * similar.c - files by their marks.
 *
 * A mark is a hash of 32 bytes in a row.  Of some chunks of a file, at places that are the same in
 * every file, the smallest hashes are kept (A. Broder, "On the resemblance and containment of
 * documents"): two chunks with the same rows share most of them, whatever the headers of pages and
 * rows between hold, and wherever the rows are in the chunk.
 */
#include "similar.h"

#include "blob.h"
#include "index.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* Slots whose chunks are looked at. */
static const uint64_t places[] = {0, 1, 4, 16, 64, 256, 1024, 4096};

#define PLACES ARRAY_LEN(places)
#define MARKS 16 /* of a chunk */

/* Smaller files have little to save. */
#define SIZE_MIN ((uint64_t)2 * SNAPSHOT_CHUNK)
/* As many of the parent's files are compared. */
#define FILES_MAX 4096

/* Of 8 marks of a file one at least must be there in the other. */
#define LIKE 8
/* Of 2 one: it needs no comparison with others. */
#define SAME 2

struct marks {
	uint32_t marks[MARKS]; /* rising */
	size_t n;
};

struct sketch {
	const struct tree_entry *entry;
	struct marks chunks[PLACES];
};

struct similar {
	struct source *parent;
	struct kit *kit;
	unsigned char chunk[SNAPSHOT_CHUNK];
	uint32_t gear[256];
	bool listed; /* `files` is there */
	struct sketch *files;
	size_t n;
};

/* === marks === */

/*
 * Numbers without a pattern (Steele and others, "Fast splittable pseudorandom number generators").
 */
static void fill_gear(uint32_t gear[256])
{
	uint64_t state = 0;

	for (size_t i = 0; i < 256; i++) {
		uint64_t z = state += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		gear[i] = (uint32_t)(z >> 32);
	}
}

static void add_mark(struct marks *marks, uint32_t mark)
{
	size_t at = marks->n;

	while (at && marks->marks[at - 1] > mark)
		at--;
	if (at && marks->marks[at - 1] == mark)
		return;
	if (marks->n == MARKS)
		marks->n--;
	memmove(marks->marks + at + 1, marks->marks + at, (marks->n - at) * sizeof(mark));
	marks->marks[at] = mark;
	marks->n++;
}

/* Each step shifts one bit out: 32 bytes later nothing is left of a byte. */
static void mark_chunk(
	const struct similar *similar, const unsigned char *data, size_t len, struct marks *marks)
{
	uint32_t hash = 0;

	marks->n = 0;
	for (size_t i = 0; i < len; i++) {
		uint32_t mark;

		hash = (hash << 1) + similar->gear[data[i]];
		mark = (hash ^ hash >> 15) * 0x2c1b3c6d;
		if (marks->n < MARKS || mark < marks->marks[MARKS - 1])
			add_mark(marks, mark);
	}
}

static size_t count_common(const struct marks *a, const struct marks *b)
{
	size_t common = 0;

	for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
		common += a->marks[i] == b->marks[k];
		if (a->marks[i] <= b->marks[k])
			i++;
		else
			k++;
	}
	return common;
}

/* === files === */

static void sketch_old(struct similar *similar, const struct tree_entry *entry, struct sketch *out)
{
	struct err ignored;

	*out = (struct sketch){.entry = entry};
	for (size_t i = 0; i < PLACES && places[i] < tree_slots(entry->size); i++) {
		uint32_t chunk = entry->slots[places[i]];

		if (chunk != SNAPSHOT_HOLE && source_full(similar->parent, similar->kit, chunk,
						      similar->chunk, &ignored) == 0)
			mark_chunk(similar, similar->chunk,
				similar->parent->index->chunks[chunk].size, &out->chunks[i]);
	}
}

static void sketch_new(
	struct similar *similar, int fd, const struct tree_entry *entry, struct sketch *out)
{
	*out = (struct sketch){.entry = entry};
	for (size_t i = 0; i < PLACES && places[i] < tree_slots(entry->size); i++) {
		uint32_t size = index_slot_size(entry->size, places[i]);

		if (read_at(fd, similar->chunk, size, places[i] * SNAPSHOT_CHUNK) == 0)
			mark_chunk(similar, similar->chunk, size, &out->chunks[i]);
	}
}

/* A chunk that is the same at its place: so is the file, as far as it goes. */
static bool shares_chunk(struct similar *similar, int fd, const struct tree_entry *entry,
	const struct tree_entry *old)
{
	for (size_t i = 0; i < PLACES && places[i] < tree_slots(entry->size) &&
			   places[i] < tree_slots(old->size);
		i++) {
		uint32_t number = old->slots[places[i]];
		const struct tree_chunk *chunk = &similar->parent->index->chunks[number];

		if (number != SNAPSHOT_HOLE &&
			index_slot_size(entry->size, places[i]) == chunk->size &&
			read_at(fd, similar->chunk, chunk->size, places[i] * SNAPSHOT_CHUNK) == 0 &&
			source_is_chunk(chunk, similar->chunk))
			return true;
	}
	return false;
}

static bool is_large(const struct tree_entry *entry)
{
	return entry->type == SNAPSHOT_FILE && entry->size >= SIZE_MIN;
}

static void list_files(struct similar *similar)
{
	const struct tree_index *index = similar->parent->index;

	similar->listed = true;
	for (uint32_t i = 0; i < index->n_entries && similar->n < FILES_MAX; i++) {
		if (!is_large(&index->entries[i]))
			continue;
		similar->files = xgrow(similar->files, similar->n, sizeof(*similar->files));
		sketch_old(similar, &index->entries[i], &similar->files[similar->n++]);
	}
}

static size_t count_marks(const struct sketch *sketch)
{
	size_t n = 0;

	for (size_t i = 0; i < PLACES; i++)
		n += sketch->chunks[i].n;
	return n;
}

static size_t likeness(const struct sketch *a, const struct sketch *b)
{
	size_t common = 0;

	for (size_t i = 0; i < PLACES; i++)
		common += count_common(&a->chunks[i], &b->chunks[i]);
	return common;
}

/* === finding === */

struct similar *similar_new(struct source *parent, struct err *err)
{
	struct similar *similar = xcalloc(1, sizeof(*similar));

	similar->parent = parent;
	fill_gear(similar->gear);
	similar->kit = kit_new(0, err);
	if (similar->kit)
		return similar;
	free(similar);
	return NULL;
}

void similar_free(struct similar *similar)
{
	if (!similar)
		return;
	kit_free(similar->kit);
	free(similar->files);
	free(similar);
}

const struct tree_entry *similar_find(
	struct similar *similar, int fd, const struct tree_entry *entry)
{
	const struct tree_entry *best = index_find_file(similar->parent->index, entry->path);
	struct sketch wanted, old;
	size_t all, most = 0;

	if (!is_large(entry) || (best && shares_chunk(similar, fd, entry, best)))
		return best;
	sketch_new(similar, fd, entry, &wanted);
	all = count_marks(&wanted);
	if (best) {
		sketch_old(similar, best, &old);
		most = likeness(&wanted, &old);
	}
	if (most * SAME >= all)
		return best;
	if (!similar->listed)
		list_files(similar);
	for (size_t i = 0; i < similar->n; i++) {
		size_t like = likeness(&wanted, &similar->files[i]);

		if (like > most && like * LIKE >= all) {
			most = like;
			best = similar->files[i].entry;
		}
	}
	return best;
}
