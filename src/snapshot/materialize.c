/*
 * materialize.c - packs and an index into a directory.
 *
 * The caller's thread makes folders, files and links in the order of the index; the crew unpacks,
 * checks and writes runs of slots.  A file gets its attributes when its last run has come back, a
 * folder when everything is in it.
 *
 * A file that a base has under the same path is cloned or copied as a whole when it is the same in
 * both indexes; else its slots that are the same are read from there, and checked as all others.
 * And a file that is in the target already, untouched since an earlier restore, only gets a second
 * name: the time of a reset goes with what has changed.
 */
#include "attributes.h"
#include "blob.h"
#include "crew.h"
#include "cursor.h"
#include "materialize_job.h"
#include "index.h"
#include "materialize.h"
#include "scan.h"
#include "source.h"
#include "stage.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_PIECE ((size_t)1 << 20)
#define DIRECT_MIN ((uint64_t)1 << 20)
#define THREADS_EACH 8 /* for each processor: most of them wait for the disk */
#define SYNC_EACH 128  /* up to so many files and folders are synced one by one */

struct making {
	const struct tree_materialize_ask *ask;
	struct tree_made *made;
	struct source source, parent;
	struct crew *crew;
	struct cursor cursor, other; /* in the staging folder */
	struct cursor base;
	struct cursor present;                     /* in the target: what is to be replaced */
	const struct tree_entry *fresh[SYNC_EACH]; /* files that were made, not kept */
	size_t n_fresh;                            /* of them all */
	uint64_t done;
	struct err *err;
};

/* === files === */

static int tell(const struct making *making)
{
	const struct tree_watch *watch = &making->ask->watch;

	if (watch->progress && watch->progress(watch->ctx, making->done, making->ask->index->bytes))
		return err_set(making->err, ERR_CANCELLED, "cancelled");
	return 0;
}

static int end_file(struct making *making, const struct job *job)
{
	const struct tree_entry *entry = job->entry;

	if (job->direct && entry->size % KIT_ALIGN && ftruncate(job->fd, (off_t)entry->size) < 0)
		return err_os(making->err, ERR_SNAPSHOT, errno, "write \"%.200s\"", entry->path);
	return attributes_set(job->fd, entry, &making->ask->watch, making->err);
}

static int take_back(struct making *making)
{
	struct job *job = crew_wait(making->crew);
	int result = 0;

	if (job->failed) {
		*making->err = job->err;
		return -1;
	}
	making->done += job->size;
	making->made->unpacked += job->unpacked;
	making->made->copied += job->copied;
	if (job->last)
		result = end_file(making, job);
	materialize_job_close(job);
	crew_retire(making->crew);
	return result < 0 ? -1 : tell(making);
}

/* A file that is made, and what the base has for it. */
struct file {
	int fd;
	const struct tree_entry *entry;
	int base_fd; /* -1: nothing */
	const struct tree_entry *old;
	bool same, direct;
};

static int submit_run(
	struct making *making, const struct file *file, uint64_t first, size_t n, bool last)
{
	const struct tree_entry *entry = file->entry;
	uint64_t end = (first + n) * SNAPSHOT_CHUNK;
	struct job *job;

	while (crew_full(making->crew))
		if (take_back(making) < 0)
			return -1;
	job = crew_next(making->crew);
	job->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);
	job->base_fd = file->base_fd < 0 ? 0 : fcntl(file->base_fd, F_DUPFD_CLOEXEC, 3);
	if (job->fd < 0 || job->base_fd < 0)
		return err_os(making->err, ERR_SNAPSHOT, errno, "duplicate a descriptor");
	job->source = &making->source;
	job->base = making->ask->base;
	job->old = file->old;
	job->copy = file->same;
	job->direct = file->direct;
	job->entry = entry;
	job->first = first;
	job->n = n;
	job->last = last;
	job->size = (end < entry->size ? end : entry->size) - first * SNAPSHOT_CHUNK;
	crew_submit(making->crew);
	return 0;
}

/* The first slot from `slot` on that is no hole, or the number of slots. */
static uint64_t skip_holes(const struct tree_entry *entry, uint64_t slot)
{
	uint64_t n = tree_slots(entry->size);

	while (slot < n && entry->slots[slot] == SNAPSHOT_HOLE)
		slot++;
	return slot;
}

/* Past the page cache, if the file system can, into space that is there beforehand. */
static int prepare_direct(struct making *making, struct file *file)
{
	const struct tree_entry *entry = file->entry;
	uint64_t slots = tree_slots(entry->size), from = skip_holes(entry, 0), to;

	if (file->same || entry->size < DIRECT_MIN || fcntl(file->fd, F_SETFL, O_DIRECT) < 0)
		return 0;
	file->direct = true;
	for (; from < slots; from = skip_holes(entry, to)) {
		for (to = from; to < slots && entry->slots[to] != SNAPSHOT_HOLE;)
			to++;
		if (fallocate(file->fd, FALLOC_FL_KEEP_SIZE, (off_t)(from * SNAPSHOT_CHUNK),
			    (off_t)((to - from) * SNAPSHOT_CHUNK)) < 0 &&
			errno == ENOSPC)
			return err_os(
				making->err, ERR_SNAPSHOT, errno, "write \"%.200s\"", entry->path);
	}
	return 0;
}

static int fill_file(struct making *making, struct file *file)
{
	const struct tree_entry *entry = file->entry;
	uint64_t slots = tree_slots(entry->size), slot = skip_holes(entry, 0);

	if (prepare_direct(making, file) < 0)
		return -1;
	making->done += slot < slots ? slot * SNAPSHOT_CHUNK : entry->size;
	if (slot == slots)
		return attributes_set(file->fd, entry, &making->ask->watch, making->err);
	while (slot < slots) {
		uint64_t n = slots - slot < RUN_SLOTS ? slots - slot : RUN_SLOTS;
		uint64_t next = skip_holes(entry, slot + n);

		if (submit_run(making, file, slot, n, next == slots) < 0)
			return -1;
		if (next > slot + n)
			making->done += (next < slots ? next * SNAPSHOT_CHUNK : entry->size) -
					(slot + n) * SNAPSHOT_CHUNK;
		slot = next;
	}
	return 0;
}

static bool is_same(const struct making *making, const struct file *file)
{
	const struct tree_index *index = making->ask->index, *base = making->ask->base;
	const uint32_t *slots = file->entry->slots, *old = file->old->slots;

	if (file->entry->size != file->old->size)
		return false;
	for (uint64_t i = 0; i < tree_slots(file->entry->size); i++) {
		if (slots[i] == SNAPSHOT_HOLE || old[i] == SNAPSHOT_HOLE) {
			if (slots[i] != old[i])
				return false;
		} else if (memcmp(index->chunks[slots[i]].id, base->chunks[old[i]].id,
				   SHA256_SIZE) != 0) {
			return false;
		}
	}
	return true;
}

/* What the base has for the file, if that was not touched since it was made. */
static void find_base(struct making *making, struct file *file)
{
	const struct tree_index *base = making->ask->base;
	struct err ignored;
	struct stat status;

	file->old = base && file->entry->size ? index_find_file(base, file->entry->path) : NULL;
	if (!file->old)
		return;
	file->base_fd = cursor_open(
		&making->base, file->old->path, O_RDONLY | O_NONBLOCK, &ignored);
	if (file->base_fd < 0)
		return;
	if (fstat(file->base_fd, &status) == 0 && scan_same(file->old, &status))
		file->same = is_same(making, file);
	else
		cleanup_close(&file->base_fd);
}

/* === copies of a tree that has no packs === */

/* From `at` up to `end`: by the kernel, or else by hand. */
static int copy_range(struct making *making, const struct file *file, uint64_t at, uint64_t end)
{
	autofree unsigned char *room = NULL;
	bool by_hand = false;

	while (at < end) {
		size_t n = end - at < COPY_PIECE ? (size_t)(end - at) : COPY_PIECE;
		off_t from = (off_t)at, to = from;
		ssize_t copied = by_hand ? 0
					 : copy_file_range(
						   file->base_fd, &from, file->fd, &to, n, 0);

		if (copied <= 0) {
			by_hand = true;
			room = room ? room : xmalloc(COPY_PIECE);
			if (read_at(file->base_fd, room, n, at) < 0 ||
				write_at(file->fd, room, n, at) < 0)
				return err_os(making->err, ERR_SNAPSHOT, errno, "copy \"%.200s\"",
					file->entry->path);
			copied = (ssize_t)n;
		}
		at += (uint64_t)copied;
		making->done += (uint64_t)copied;
		making->made->copied += (uint64_t)copied;
		if (tell(making) < 0)
			return -1;
	}
	return 0;
}

/* All of it but its holes. */
static int copy_file(struct making *making, const struct file *file)
{
	const struct tree_entry *entry = file->entry;
	uint64_t before = making->done;
	off_t data = 0, hole = 0;

	if (entry->size && !file->same)
		return err_set(making->err, ERR_SNAPSHOT, "\"%.200s\" changed while it was copied",
			entry->path);
	if (ftruncate(file->fd, (off_t)entry->size) < 0)
		return err_os(making->err, ERR_SNAPSHOT, errno, "write \"%.200s\"", entry->path);
	while (entry->size && (data = lseek(file->base_fd, hole, SEEK_DATA)) >= 0 &&
		(hole = lseek(file->base_fd, data, SEEK_HOLE)) >= 0)
		if (copy_range(making, file, (uint64_t)data, (uint64_t)hole) < 0)
			return -1;
	if (data < 0 && errno != ENXIO)
		return err_os(making->err, ERR_SNAPSHOT, errno, "read \"%.200s\"", entry->path);
	making->done = before + entry->size;
	return attributes_set(file->fd, entry, &making->ask->watch, making->err);
}

/*
 * Has the target the file already, unchanged since it was restored? Then it gets a second name, the
 * first of which goes with all the others there.
 */
static bool keep_file(struct making *making, const struct tree_entry *entry)
{
	const char *from, *to;
	struct err ignored;
	autoclose int fd = -1;
	int old, new;

	if (!making->present.n)
		return false;
	fd = cursor_open(&making->present, entry->path, O_RDONLY | O_NONBLOCK, &ignored);
	if (fd < 0 || !scan_is_alike(fd, entry))
		return false;
	old = cursor_above(&making->present, entry->path, &from, &ignored);
	new = cursor_above(&making->cursor, entry->path, &to, &ignored);
	return old >= 0 && new >= 0 && linkat(old, from, new, to, 0) == 0;
}

static int make_new_file(struct making *making, const struct tree_entry *entry)
{
	autoclose int fd = cursor_open(
		&making->cursor, entry->path, O_WRONLY | O_CREAT | O_EXCL, making->err);
	struct file file = {.fd = fd, .entry = entry, .base_fd = -1};
	int result;

	if (fd < 0)
		return -1;
	find_base(making, &file);
	if (file.same && ioctl(fd, FICLONE, file.base_fd) == 0) {
		making->made->cloned += entry->size;
		making->done += entry->size;
		result = attributes_set(fd, entry, &making->ask->watch, making->err);
		if (result == 0)
			result = tell(making);
	} else if (making->ask->blobs < 0) {
		result = copy_file(making, &file);
	} else if (entry->size && ftruncate(fd, (off_t)entry->size) < 0) {
		result = err_os(making->err, ERR_SNAPSHOT, errno, "write \"%.200s\"", entry->path);
	} else {
		result = fill_file(making, &file);
	}
	cleanup_close(&file.base_fd);
	return result;
}

static int make_file(struct making *making, const struct tree_entry *entry)
{
	making->made->bytes += entry->size;
	if (!keep_file(making, entry)) {
		if (making->n_fresh < SYNC_EACH)
			making->fresh[making->n_fresh] = entry;
		making->n_fresh++;
		return make_new_file(making, entry);
	}
	making->made->kept += entry->size;
	making->done += entry->size;
	return tell(making);
}

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

	if (entry->type == SNAPSHOT_FILE)
		return make_file(making, entry);
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

static int make_entries(struct making *making)
{
	const struct tree_index *index = making->ask->index;

	for (uint32_t i = 1; i < index->n_entries; i++)
		if (make_entry(making, &index->entries[i]) < 0)
			return -1;
	while (crew_wait(making->crew))
		if (take_back(making) < 0)
			return -1;
	return tell(making);
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

static const struct crew_kind crew = {.job = sizeof(struct job),
	.out = RUN_SLOTS * SNAPSHOT_CHUNK,
	.each = THREADS_EACH,
	.work = materialize_job_do,
	.drop = materialize_job_close};

static int make_tree(struct making *making, int staging)
{
	int result = -1;

	if (open_cursors(making, staging) == 0)
		making->crew = crew_new(&crew, making->err);
	if (making->crew)
		result = make_entries(making);
	crew_free(making->crew);
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
	if (ask->removed && tree_check_room(ask->target, ask->spare, &ignored) < 0)
		tree_removed_free(ask->removed);
	*made = own;
	return 0;
}
