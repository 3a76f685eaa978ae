/*
 * materialize.c - packs and an index into a directory.
 *
 * Folders come first, then files (materialize_files.h), then hard links to them; a folder gets its
 * attributes when everything is in it.  All of it is made in a folder of its own, and swapped in
 * when it is on the disk.
 */
#include "materialize.h"

#include "attributes.h"
#include "index.h"
#include "materialize_files.h"
#include "stage.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLENTY ((uint64_t)1 << 30)

/* === all entries === */

static int make_hardlink(
	struct making *making, int dir, const char *name, const struct tree_entry *entry)
{
	const char *path = making->ask->index->entries[entry->link].path, *old;
	int above = cursor_above(&making->other, path, &old, making->err);

	if (above < 0)
		return -1;
	if (linkat(above, old, dir, name, 0) < 0)
		return err_os(making->err, ERR_SNAPSHOT, errno, "make the hard link \"%.200s\"",
			entry->path);
	return 0;
}

static int make_entry(struct making *making, const struct tree_entry *entry)
{
	const char *name;
	int dir, result;

	dir = cursor_above(&making->cursor, entry->path, &name, making->err);
	if (dir < 0)
		return -1;
	if (entry->type == SNAPSHOT_HARDLINK)
		return make_hardlink(making, dir, name, entry);
	if (entry->type == SNAPSHOT_DIRECTORY)
		result = mkdirat(dir, name, 0700);
	else if (entry->type == SNAPSHOT_SYMLINK)
		result = symlinkat(entry->target, dir, name);
	else
		result = mkfifoat(dir, name, 0600);
	if (result < 0)
		return err_os(making->err, ERR_SNAPSHOT, errno, "make \"%.200s\"", entry->path);
	if (entry->type == SNAPSHOT_DIRECTORY)
		return 0;
	return attributes_set_at(dir, name, entry, making->err);
}

/* Hard links, or what is neither these nor files. */
static int make_others(struct making *making, bool hardlinks)
{
	const struct tree_index *index = making->ask->index;

	for (uint32_t i = 1; i < index->n_entries; i++) {
		const struct tree_entry *entry = &index->entries[i];

		if (entry->type != SNAPSHOT_FILE &&
			(entry->type == SNAPSHOT_HARDLINK) == hardlinks &&
			make_entry(making, entry) < 0)
			return -1;
	}
	return 0;
}

static int make_entries(struct making *making)
{
	if (make_others(making, false) < 0 || materialize_files(making) < 0 ||
		make_others(making, true) < 0)
		return -1;
	return materialize_tell(making);
}

/* From the deepest: what is set on one may keep us from what is in it. */
static int finish_folders(struct making *making)
{
	const struct tree_index *index = making->ask->index;

	for (uint32_t i = index->n_entries; i-- > 1;) {
		const struct tree_entry *entry = &index->entries[i];
		autoclose int fd = -1;

		if (entry->type != SNAPSHOT_DIRECTORY)
			continue;
		fd = cursor_open(&making->cursor, entry->path, O_RDONLY | O_DIRECTORY, making->err);
		if (fd < 0 || attributes_set(fd, entry, &making->ask->watch, making->err) < 0)
			return -1;
	}
	return 0;
}

/* === to the disk === */

static int sync_entry(struct making *making, const struct tree_entry *entry, int flags)
{
	autoclose int fd = cursor_open(&making->cursor, entry->path, flags, making->err);

	if (fd < 0)
		return -1;
	return fsync(fd) < 0 ? err_os(making->err, ERR_SNAPSHOT, errno, "write to the disk") : 0;
}

static size_t count_folders(const struct tree_index *index)
{
	size_t n = 0;

	for (uint32_t i = 1; i < index->n_entries; i++)
		n += index->entries[i].type == SNAPSHOT_DIRECTORY;
	return n;
}

/*
 * Where little is new, that alone: what a server that was killed had still to write, into files
 * that go in a moment, would be waited for otherwise.
 */
static int sync_tree(struct making *making, int staging)
{
	const struct tree_index *index = making->ask->index;

	if (making->n_fresh + count_folders(index) > SYNC_EACH)
		return syncfs(staging) < 0
			       ? err_os(making->err, ERR_SNAPSHOT, errno, "write to the disk")
			       : 0;
	for (size_t i = 0; i < making->n_fresh; i++)
		if (sync_entry(making, making->fresh[i], O_RDONLY) < 0)
			return -1;
	for (uint32_t i = index->n_entries; i-- > 1;)
		if (index->entries[i].type == SNAPSHOT_DIRECTORY &&
			sync_entry(making, &index->entries[i], O_RDONLY | O_DIRECTORY) < 0)
			return -1;
	return fsync(staging) < 0 ? err_os(making->err, ERR_SNAPSHOT, errno, "write to the disk")
				  : 0;
}

static int open_cursors(struct making *making, int staging)
{
	const struct tree_materialize_ask *ask = making->ask;

	if (cursor_init(&making->cursor, staging, making->err) < 0 ||
		cursor_init(&making->other, staging, making->err) < 0 ||
		(ask->base && cursor_init(&making->base, ask->base_root, making->err) < 0))
		return -1;
	return ask->keep ? cursor_init(&making->present, ask->target, making->err) : 0;
}

static int make_tree(struct making *making, int staging)
{
	int result = -1;

	if (open_cursors(making, staging) == 0)
		result = make_entries(making);
	if (result == 0)
		result = finish_folders(making);
	if (result == 0)
		result = sync_tree(making, staging);
	cursor_release(&making->present);
	cursor_release(&making->base);
	cursor_release(&making->other);
	cursor_release(&making->cursor);
	return result;
}

/* What is in the target now will be free, too. */
static int check_room(
	const struct tree_materialize_ask *ask, const struct tree_made *made, struct err *err)
{
	uint64_t freed;

	if (!ask->spare || (!made->unpacked && !made->copied) ||
		tree_check_room(ask->target, ask->spare, err) == 0)
		return 0;
	freed = stage_replaced(ask->target);
	freed -= freed < made->kept ? freed : made->kept;
	err_clear(err);
	return freed < ask->spare ? tree_check_room(ask->target, ask->spare - freed, err) : 0;
}

int materialize_into(const struct tree_materialize_ask *ask, int staging, struct tree_made *made,
	struct err *err)
{
	autofree struct making *making = xcalloc(1, sizeof(*making));
	int result;

	*made = (struct tree_made){0};
	making->ask = ask;
	making->made = made;
	making->err = err;
	source_init(&making->source, ask->index, ask->blobs);
	making->source.ahead = true;
	if (ask->parent) {
		source_init(&making->parent, ask->parent, ask->blobs);
		making->source.parent = &making->parent;
	}
	result = make_tree(making, staging);
	source_release(&making->source);
	if (ask->parent)
		source_release(&making->parent);
	return result < 0 ? -1 : check_room(ask, made, err);
}

int materialize_place(int target, const struct tree_entry *root, const struct tree_watch *watch,
	struct tree_removed *removed, struct err *err)
{
	int staged = stage_swap(target, removed, err);

	if (staged <= 0)
		return staged;
	if (attributes_set(target, root, watch, err) < 0 || stage_end(target, err) < 0 ||
		attributes_set_time(target, root, err) < 0)
		return -1;
	fsync(target);
	return 0;
}

int tree_root(
	const struct tree_index *index, int target, const struct tree_watch *watch, struct err *err)
{
	if (attributes_set(target, &index->entries[0], watch, err) < 0)
		return -1;
	return attributes_set_time(target, &index->entries[0], err);
}

int tree_materialize(
	const struct tree_materialize_ask *ask, struct tree_made *made, struct err *err)
{
	autoclose int staging = stage_begin(ask->target, ask->replace, err);
	struct err ignored = ERR_INIT;
	struct tree_made own;

	if (staging < 0)
		return -1;
	if (materialize_into(ask, staging, &own, err) < 0) {
		stage_drop(ask->target);
		return -1;
	}
	if (materialize_place(
		    ask->target, &ask->index->entries[0], &ask->watch, ask->removed, err) < 0)
		return -1;
	if (ask->removed && tree_check_room(ask->target, PLENTY, &ignored) < 0)
		tree_removed_free(ask->removed);
	*made = own;
	return 0;
}
