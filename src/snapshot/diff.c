/* diff.c - what is not the same in two indexes, by path and by chunk. */
#include "chunk_map.h"
#include "index.h"
#include "source.h"

#include "devenv/str.h"

#include <string.h>

struct differ {
	const struct tree_index *before, *after;
	void (*change)(void *ctx, const struct tree_change *change);
	void *ctx;
	struct tree_diff *diff;
};

static void report(struct differ *differ, enum tree_change_kind kind,
	const struct tree_entry *before, const struct tree_entry *after, uint64_t bytes)
{
	struct tree_change change = {kind, before, after, bytes};
	uint64_t *counts[] = {[TREE_ADDED] = &differ->diff->added,
		[TREE_REMOVED] = &differ->diff->removed,
		[TREE_CONTENT] = &differ->diff->content,
		[TREE_ATTRIBUTES] = &differ->diff->attributes};

	++*counts[kind];
	differ->diff->bytes += bytes;
	if (differ->change)
		differ->change(differ->ctx, &change);
}

/* The id of a slot's chunk; NULL: a hole, or behind the end. */
static const unsigned char *slot_id(
	const struct tree_index *index, const struct tree_entry *entry, uint64_t i)
{
	if (i >= tree_slots(entry->size) || entry->slots[i] == SNAPSHOT_HOLE)
		return NULL;
	return index->chunks[entry->slots[i]].id;
}

static uint64_t differing_bytes(
	const struct differ *differ, const struct tree_entry *a, const struct tree_entry *b)
{
	const struct tree_entry *longer = a->size > b->size ? a : b;
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < tree_slots(longer->size); i++) {
		const unsigned char *left = slot_id(differ->before, a, i);
		const unsigned char *right = slot_id(differ->after, b, i);

		if (!left != !right || (left && memcmp(left, right, SHA256_SIZE) != 0))
			bytes += index_slot_size(longer->size, i);
	}
	return bytes;
}

static bool same_attributes(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
		a->mtime.tv_sec != b->mtime.tv_sec || a->mtime.tv_nsec != b->mtime.tv_nsec ||
		a->n_xattrs != b->n_xattrs)
		return false;
	for (size_t i = 0; i < a->n_xattrs; i++)
		if (!str_eq(a->xattrs[i].name, b->xattrs[i].name) ||
			a->xattrs[i].len != b->xattrs[i].len ||
			memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len) != 0)
			return false;
	return true;
}

static bool same_content(
	const struct differ *differ, const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->type != b->type || a->size != b->size || !str_eq(a->target, b->target))
		return false;
	return a->type != SNAPSHOT_HARDLINK ||
	       str_eq(differ->before->entries[a->link].path, differ->after->entries[b->link].path);
}

static void compare(struct differ *differ, const struct tree_entry *a, const struct tree_entry *b)
{
	uint64_t bytes = differing_bytes(differ, a, b);

	if (bytes || !same_content(differ, a, b))
		report(differ, TREE_CONTENT, a, b, bytes);
	else if (!same_attributes(a, b))
		report(differ, TREE_ATTRIBUTES, a, b, 0);
}

/* The smaller one of its own frame and the delta that stands on `before`. */
static uint32_t pulled_size(const struct differ *differ, uint32_t number)
{
	const struct tree_index *after = differ->after;
	const struct tree_delta *delta = NULL;
	uint32_t size = after->chunks[number].frame_size;

	if (memcmp(after->parent, differ->before->digest, SHA256_SIZE) == 0)
		delta = source_find_delta(after, number);
	return delta && delta->frame_size < size ? delta->frame_size : size;
}

static void count_new(struct differ *differ)
{
	struct chunk_map map = {0};

	chunk_map_add_index(&map, differ->before);
	for (uint32_t i = 0; i < differ->after->n_chunks; i++) {
		const struct tree_chunk *chunk = &differ->after->chunks[i];

		if (chunk_map_find(&map, differ->before->chunks, chunk->id) != SNAPSHOT_HOLE)
			continue;
		differ->diff->new_bytes += chunk->size;
		differ->diff->new_packed += chunk->frame_size;
		differ->diff->pulled += pulled_size(differ, i);
	}
	if (memcmp(differ->after->digest, differ->before->digest, SHA256_SIZE) != 0)
		differ->diff->pulled += differ->after->blob_size;
	chunk_map_release(&map);
}

void tree_diff(const struct tree_index *before, const struct tree_index *after,
	void (*change)(void *ctx, const struct tree_change *change), void *ctx,
	struct tree_diff *diff)
{
	struct differ differ = {before, after, change, ctx, diff};
	uint32_t a = 0, b = 0;

	*diff = (struct tree_diff){0};
	while (a < before->n_entries || b < after->n_entries) {
		const struct tree_entry *old = a < before->n_entries ? &before->entries[a] : NULL;
		const struct tree_entry *new = b < after->n_entries ? &after->entries[b] : NULL;
		int order = !old ? 1 : !new ? -1 : index_path_order(old->path, new->path);

		if (order < 0)
			report(&differ, TREE_REMOVED, old, NULL, old->size);
		else if (order > 0)
			report(&differ, TREE_ADDED, NULL, new, new->size);
		else
			compare(&differ, old, new);
		a += order <= 0;
		b += order >= 0;
	}
	count_new(&differ);
}
