/* clone.c - a tree as it is, copied beside what is in a folder, and then in its place. */
#include "materialize.h"
#include "scan.h"
#include "stage.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>

/* What a restore that was killed left is not the tree's. */
static bool is_staging(void *ctx, const char *path, bool directory)
{
	return directory && str_eq(path, TREE_STAGING);
}

static bool is_any(void *ctx, const char *path, bool directory)
{
	return true;
}

static struct tree_index *scan(int root, bool (*leave_out)(void *, const char *, bool),
	const struct tree_watch *watch, struct err *err)
{
	struct tree_index *index = xcalloc(1, sizeof(*index));
	struct tree_capture_ask ask = {.root = root, .leave_out = leave_out, .watch = *watch};

	if (scan_tree(&ask, index, err) == 0)
		return index;
	tree_index_free(index);
	return NULL;
}

int tree_clone(const struct tree_clone_ask *ask, struct tree_made *made, struct err *err)
{
	struct tree_materialize_ask make = {
		.blobs = -1, .target = ask->target, .base_root = ask->from, .watch = ask->watch};
	autoclose int staging = -1;
	struct tree_index *index;
	int result;

	if (stage_is_cut(ask->from))
		return err_set(err, ERR_SNAPSHOT,
			"a restore into it was not finished: restore it again first");
	index = scan(ask->from, is_staging, &ask->watch, err);
	if (!index)
		return -1;
	make.index = make.base = index;
	staging = stage_begin(ask->target, true, err);
	result = staging < 0 ? -1 : materialize_into(&make, staging, made, err);
	if (result < 0 && staging >= 0)
		stage_drop(ask->target);
	tree_index_free(index);
	return result;
}

int tree_commit(int from, int target, struct err *err)
{
	static const struct tree_watch silent;
	struct tree_index *index = scan(from, is_any, &silent, err);
	int result;

	if (!index)
		return -1;
	result = materialize_place(target, &index->entries[0], &silent, NULL, err);
	tree_index_free(index);
	return result;
}

void tree_abandon(int target)
{
	stage_drop(target);
}
