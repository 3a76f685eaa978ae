/*
 * restore.c - a snapshot of the cache into the volume.
 *
 * Where the two volumes can share blocks (XFS, btrfs), the tree is made once in the cache and
 * cloned from there: so the second time takes no longer than making the files does, and no space.
 */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int volume_is_empty(const char *path, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (fs_list(path, &names, err) < 0)
		return -1;
	/* Whatever is beside these two is half of a tree. */
	if (strv_has(&names, TREE_SWAP) || strv_has(&names, TREE_MOVE))
		return 1;
	for (size_t i = 0; i < names.n; i++)
		if (!str_eq(names.v[i], "lost+found") && !str_eq(names.v[i], TREE_STAGING))
			return 0;
	return 1;
}

int restore_tree(struct agent *agent, const struct restore_work *work, struct tree_made *made,
	struct err *err)
{
	const struct tree_index *index = work->snapshot->index;
	struct tree_index *parent = snapshot_parent(agent, index);
	int status = tree_materialize(&(struct tree_materialize_ask){.index = index,
					      .blobs = agent->blobs,
					      .target = work->target,
					      .replace = work->replace,
					      .keep = work->keep,
					      .removed = work->removed,
					      .spare = ROOM_LEFT,
					      .parent = parent,
					      .base = work->base >= 0 ? index : NULL,
					      .base_root = work->base,
					      .watch = work->watch},
		made, err);

	tree_index_free(parent);
	return status;
}

int restore_base(const struct snapshot *snapshot)
{
	autofree char *path = NULL;
	char hex[SHA256_HEX];

	hex_encode(snapshot->index->digest, SHA256_SIZE, hex);
	path = xasprintf(CACHE_TREES "/%s", hex);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int make_tree(
	struct agent *agent, const struct snapshot *snapshot, const char *path, struct err *err)
{
	autofree char *temporary = xasprintf("%s.new-XXXXXX", path);
	struct tree_made made = {0};
	struct err ignored = ERR_INIT;
	autoclose int fd = -1;

	if (!mkdtemp(temporary))
		return err_os(err, ERR_SNAPSHOT, errno, "make a folder in the cache");
	fd = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 &&
		restore_tree(agent,
			&(struct restore_work){.snapshot = snapshot,
				.target = fd,
				.base = -1,
				.watch = agent_watch(agent)},
			&made, err) == 0 &&
		rename(temporary, path) == 0)
		return 0;
	if (!err->kind)
		err_os(err, ERR_SNAPSHOT, errno, "make a tree in the cache");
	fs_remove_tree(temporary, &ignored);
	/* Another agent was faster. */
	return fs_is_dir(path) ? 0 : -1;
}

int snapshot_tree(struct agent *agent, const struct snapshot *snapshot, struct err *err)
{
	autofree char *path = NULL;
	char hex[SHA256_HEX];
	int fd;

	hex_encode(snapshot->index->digest, SHA256_SIZE, hex);
	path = xasprintf(CACHE_TREES "/%s", hex);
	if (fs_mkdirs(CACHE_TREES, 0700, err) < 0 ||
		(!fs_is_dir(path) && make_tree(agent, snapshot, path, err) < 0))
		return -1;
	err_clear(err);
	fd = restore_base(snapshot);
	return fd < 0 ? err_os(err, ERR_SNAPSHOT, errno, "open a tree in the cache") : fd;
}

/* *base: the tree to be cloned, -1 where files cannot share their blocks. */
static int make_base(
	struct agent *agent, const struct snapshot *snapshot, int *base, struct err *err)
{
	bool clone = agent_can_clone(AGENT_CACHE, AGENT_TARGET);

	*base = clone ? snapshot_tree(agent, snapshot, err) : -1;
	return clone && *base < 0 ? -1 : 0;
}

int agent_prepare(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	autoclose int base = -1;

	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) < 0 ||
		make_base(agent, &snapshot, &base, err) < 0)
		return -1;
	tree_index_free(agent->prepared);
	agent->prepared = TAKE(snapshot.index);
	return 0;
}

static int materialize(struct agent *agent, const struct snapshot *snapshot, const json_t *request,
	struct tree_made *made, struct err *err)
{
	bool replace = json_bool(request, "replace");
	autoclose int base = -1, target = -1;

	if (make_base(agent, snapshot, &base, err) < 0)
		return -1;
	target = agent_target(err);
	if (target < 0)
		return -1;
	return restore_tree(agent,
		&(struct restore_work){.snapshot = snapshot,
			.target = target,
			.base = base,
			.replace = replace,
			.keep = replace && !json_bool(request, "whole"),
			.removed = &agent->removed,
			.watch = agent_watch(agent)},
		made, err);
}

int agent_restore(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct tree_made made = {0};

	tree_removed_free(&agent->removed);
	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) < 0 ||
		materialize(agent, &snapshot, request, &made, err) < 0)
		return -1;
	*result = json_pack("{s:o, s:I, s:I, s:I, s:b}", "snapshot", snapshot_record(&snapshot),
		"bytes", (json_int_t)made.bytes, "cloned", (json_int_t)made.cloned, "kept",
		(json_int_t)made.kept, "freeing", agent->removed.n > 0);
	return 0;
}
