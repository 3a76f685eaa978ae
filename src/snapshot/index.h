/* index.h - what reader and writer of the index share.  Private to src/snapshot. */
#ifndef SNAPSHOT_INDEX_H
#define SNAPSHOT_INDEX_H

#include "devenv/tree.h"

/* As strcmp, in the order of an index: "/" before all other bytes. */
int index_path_order(const char *a, const char *b);

/* NULL, or what is wrong with a path that is not the root's, or with a slot's chunk. */
const char *index_path_fault(const char *path, size_t len);

/* The bytes of slot `i` of a file of `size` bytes. */
uint32_t index_slot_size(uint64_t size, uint64_t i);

/* The regular file at `path`, or NULL. */
const struct tree_entry *index_find_file(const struct tree_index *index, const char *path);

void index_entry_release(struct tree_entry *entry);

/*
 * Walks entries in their order and says whether the directory of each was there: call with every
 * entry. NULL, or what is wrong. `open` are the directories from the root down.
 */
struct index_walk {
	uint32_t open[SNAPSHOT_DEPTH_MAX + 1];
	size_t n;
};

const char *index_walk(struct index_walk *walk, const struct tree_entry *entries, uint32_t number);

#endif
