/* index.c - an index in memory, and the rules for its paths. */
#include "index.h"

#include "devenv/mem.h"
#include "devenv/spill.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

uint64_t tree_slots(uint64_t size)
{
	return size / SNAPSHOT_CHUNK + (size % SNAPSHOT_CHUNK != 0);
}

uint32_t index_slot_size(uint64_t size, uint64_t i)
{
	uint64_t left = size - i * SNAPSHOT_CHUNK;

	return left < SNAPSHOT_CHUNK ? (uint32_t)left : SNAPSHOT_CHUNK;
}

void index_entry_release(struct tree_entry *entry)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		free(entry->xattrs[i].name);
		free(entry->xattrs[i].value);
	}
	free(entry->xattrs);
	free(entry->path);
	spill_free(entry->slots);
	free(entry->target);
}

void tree_index_free(struct tree_index *index)
{
	if (!index)
		return;
	for (uint32_t i = 0; i < index->n_entries; i++)
		index_entry_release(&index->entries[i]);
	free(index->packs);
	spill_free(index->chunks);
	spill_free(index->deltas);
	spill_free(index->bases);
	spill_free(index->entries);
	free(index);
}

static unsigned rank(char c)
{
	return c == '/' ? 0 : (unsigned char)c;
}

int index_path_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	return rank(*a) < rank(*b) ? -1 : 1;
}

const char *index_path_fault(const char *path, size_t len)
{
	const char *at = path;

	if (len > SNAPSHOT_PATH_MAX)
		return "is over 4096 bytes";
	if (memchr(path, '\0', len))
		return "has a NUL in it";
	for (;;) {
		size_t part = strcspn(at, "/");

		if (!part)
			return "has an empty part";
		if (part > SNAPSHOT_NAME_MAX)
			return "has a part of over 255 bytes";
		if ((part == 1 && *at == '.') || (part == 2 && at[0] == '.' && at[1] == '.'))
			return "has \".\" or \"..\" as a part";
		if (!at[part])
			return NULL;
		at += part + 1;
	}
}

/* Is `directory` the path up to the last "/" of `path`? */
static bool is_above(const char *directory, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	return strncmp(directory, path, len) == 0 && !directory[len];
}

const char *index_walk(struct index_walk *walk, const struct tree_entry *entries, uint32_t number)
{
	const struct tree_entry *entry = &entries[number];

	if (number == 0) {
		walk->n = 0;
		if (entry->type != SNAPSHOT_DIRECTORY || *entry->path)
			return "is not the root directory";
	} else {
		while (walk->n && !is_above(entries[walk->open[walk->n - 1]].path, entry->path))
			walk->n--;
		if (!walk->n)
			return "is in no directory";
	}
	if (entry->type == SNAPSHOT_DIRECTORY) {
		if (walk->n > SNAPSHOT_DEPTH_MAX)
			return "is over 256 deep";
		walk->open[walk->n++] = number;
	}
	return NULL;
}

const struct tree_entry *index_find_file(const struct tree_index *index, const char *path)
{
	uint32_t low = 0, high = index->n_entries;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct tree_entry *entry = &index->entries[middle];
		int order = index_path_order(entry->path, path);

		if (order == 0)
			return entry->type == SNAPSHOT_FILE ? entry : NULL;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
