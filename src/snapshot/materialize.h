/*
 * materialize.h - making a tree, and putting it in its place.  Private to src/snapshot.
 */
#ifndef SNAPSHOT_MATERIALIZE_H
#define SNAPSHOT_MATERIALIZE_H

#include "devenv/tree.h"

/*
 * Make the tree in the empty folder `staging`, up to the disk. With ask->blobs -1 there are no
 * packs: index and base are what scan_tree() gave, and each file comes whole from the base.
 */
int materialize_into(const struct tree_materialize_ask *ask, int staging, struct tree_made *made,
	struct err *err);

/*
 * Put what is staged in `target` in the place of what is there, also from where a killed one
 * stopped; `root` tells the attributes of `target` itself, `removed` is as of stage_swap(). Nothing
 * is done where nothing is staged.
 */
int materialize_place(int target, const struct tree_entry *root, const struct tree_watch *watch,
	struct tree_removed *removed, struct err *err);

#endif
