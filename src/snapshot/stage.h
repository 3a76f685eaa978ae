/*
 * stage.h - a new tree beside what is in a folder, and then in its place.  Private to src/snapshot.
 *
 * The states of tree_materialize() in tree.h: TREE_STAGING, TREE_SWAP, TREE_MOVE.
 */
#ifndef SNAPSHOT_STAGE_H
#define SNAPSHOT_STAGE_H

#include "devenv/strv.h"
#include "devenv/tree.h"

/*
 * Remove what a killed run left and make the folder to fill: its descriptor, the caller's. -1 with
 * err: `target` is not empty, and `replace` is false.
 */
int stage_begin(int target, bool replace, struct err *err);

/*
 * Put what is in TREE_STAGING, complete, with its attributes and on the disk, in the place of what
 * is in `target`; also from where a killed one stopped. `removed` (NULL: nobody) gets what is large
 * of that. 1: only the folder TREE_MOVE is left, empty, for stage_end(); 0: nothing was staged; -1
 * with err.
 */
int stage_swap(int target, struct tree_removed *removed, struct err *err);
int stage_end(int target, struct err *err);

/* Open what is large of these names in `target`, or below, before it is removed (removed.c). */
void stage_hold(struct tree_removed *removed, int target, const struct strv *names);

/* Was stage_swap() killed, so that `target` has parts of both? */
bool stage_is_cut(int target);

/* Bytes on the disk of what is in `target` beside what is staged. */
uint64_t stage_replaced(int target);

/* Remove TREE_STAGING. */
void stage_drop(int target);

#endif
