/*
 * stage.h - a new tree beside what is in a folder, and then in its place.  Private to src/snapshot.
 *
 * The states of tree_materialize() in tree.h: TREE_STAGING, TREE_SWAP, TREE_MOVE.
 */
#ifndef SNAPSHOT_STAGE_H
#define SNAPSHOT_STAGE_H

#include "devenv/tree.h"

/*
 * Remove what a killed run left and make the folder to fill: its descriptor, the caller's. -1 with
 * err: `target` is not empty, and `replace` is false.
 */
int stage_begin(int target, bool replace, struct err *err);

/*
 * Put what is in `staging`, complete and with its attributes, in the place of what is in `target`.
 * Afterwards only the folder TREE_MOVE is left, empty, for stage_end().
 */
int stage_swap(int target, int staging, struct err *err);
int stage_end(int target, struct err *err);

#endif
