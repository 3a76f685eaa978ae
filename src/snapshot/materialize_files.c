/*
 * materialize_files.c - the files of a tree that is made.
 *
 * The crew unpacks, checks and writes runs of slots; a file gets its attributes when its last run
 * has come back.  Of a small file that is most of the work: so the caller's thread makes those, as
 * a whole, while the crew is busy with the large ones.
 *
 * A file that a base has under the same path is cloned or copied as a whole when it is the same in
 * both indexes; else its slots that are the same are read from there, and checked as all others.
 * And a file that is in the target already, untouched since an earlier restore, only gets a second
 * name: the time of a reset goes with what has changed.
 */
#include "materialize_files.h"

#include "attributes.h"
#include "blob.h"
#include "crew.h"
#include "index.h"
#include "materialize_job.h"
#include "scan.h"

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
#define LARGE ((uint64_t)1 << 20)
#define THREADS_EACH 8 /* for each processor: most of them wait for the disk */

/* === runs of slots === */

int materialize_tell(const struct making *making)
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

static int settle(struct making *making, struct job *job)
{
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
	return result < 0 ? -1 : materialize_tell(making);
}

static int take_back(struct making *making)
{
	if (settle(making, crew_wait(making->crew)) < 0)
		return -1;
	crew_retire(making->crew);
	return 0;
}

/* A file that is made, and what the base has for it. */
struct file {
	int fd;
	const struct tree_entry *entry;
	int base_fd; /* -1: nothing */
	const struct tree_entry *old;
	bool same, direct;
	bool here; /* by this thread, now */
};

static int make_small_file(struct making *making);

/* Until the crew takes another job. */
static int wait_for_crew(struct making *making)
{
	while (crew_full(making->crew)) {
		int made = crew_ready(making->crew) ? 0 : make_small_file(making);

		if (made < 0 || (made == 0 && take_back(making) < 0))
			return -1;
	}
	return 0;
}

static int describe_run(struct making *making, const struct file *file, uint64_t first, size_t n,
	bool last, struct job *job)
{
	const struct tree_entry *entry = file->entry;
	uint64_t end = (first + n) * SNAPSHOT_CHUNK;

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
	return 0;
}

static int do_run(
	struct making *making, const struct file *file, uint64_t first, size_t n, bool last)
{
	struct job job = {0};
	int result = describe_run(making, file, first, n, last, &job);

	if (result == 0) {
		materialize_job_do(&job, making->kit);
		result = settle(making, &job);
	}
	materialize_job_close(&job);
	return result;
}

static int submit_run(
	struct making *making, const struct file *file, uint64_t first, size_t n, bool last)
{
	if (file->here)
		return do_run(making, file, first, n, last);
	if (wait_for_crew(making) < 0 ||
		describe_run(making, file, first, n, last, crew_next(making->crew)) < 0)
		return -1;
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

	if (file->same || entry->size < LARGE || fcntl(file->fd, F_SETFL, O_DIRECT) < 0)
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
		if (materialize_tell(making) < 0)
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

static int make_new_file(struct making *making, const struct tree_entry *entry, bool here)
{
	autoclose int fd = cursor_open(
		&making->cursor, entry->path, O_WRONLY | O_CREAT | O_EXCL, making->err);
	struct file file = {.fd = fd, .entry = entry, .base_fd = -1, .here = here};
	int result;

	if (fd < 0)
		return -1;
	find_base(making, &file);
	if (file.same && ioctl(fd, FICLONE, file.base_fd) == 0) {
		making->made->cloned += entry->size;
		making->done += entry->size;
		result = attributes_set(fd, entry, &making->ask->watch, making->err);
		if (result == 0)
			result = materialize_tell(making);
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

static int make_file(struct making *making, const struct tree_entry *entry, bool here)
{
	making->made->bytes += entry->size;
	if (!keep_file(making, entry)) {
		if (making->n_fresh < SYNC_EACH)
			making->fresh[making->n_fresh] = entry;
		making->n_fresh++;
		return make_new_file(making, entry, here);
	}
	making->made->kept += entry->size;
	making->done += entry->size;
	return materialize_tell(making);
}

/* The next one that nobody has begun, or NULL. */
static const struct tree_entry *next_small_file(struct making *making)
{
	const struct tree_index *index = making->ask->index;

	while (making->small < index->n_entries) {
		const struct tree_entry *entry = &index->entries[making->small++];

		if (entry->type == SNAPSHOT_FILE && entry->size < LARGE)
			return entry;
	}
	return NULL;
}

/* 1: one was made; 0: none is left. */
static int make_small_file(struct making *making)
{
	const struct tree_entry *entry = next_small_file(making);

	if (!entry)
		return 0;
	return make_file(making, entry, true) < 0 ? -1 : 1;
}

/* === all of them === */

static int make_large_files(struct making *making)
{
	const struct tree_index *index = making->ask->index;

	for (uint32_t i = 1; i < index->n_entries; i++) {
		const struct tree_entry *entry = &index->entries[i];

		if (entry->type == SNAPSHOT_FILE && entry->size >= LARGE &&
			make_file(making, entry, false) < 0)
			return -1;
	}
	return 0;
}

static const struct crew_kind crew = {.job = sizeof(struct job),
	.out = RUN_SLOTS * SNAPSHOT_CHUNK,
	.each = THREADS_EACH,
	.work = materialize_job_do,
	.drop = materialize_job_close};

static int make_files(struct making *making)
{
	const struct tree_entry *entry;

	making->small = 1;
	if (make_large_files(making) < 0)
		return -1;
	while ((entry = next_small_file(making)))
		if (make_file(making, entry, false) < 0)
			return -1;
	while (crew_wait(making->crew))
		if (take_back(making) < 0)
			return -1;
	return 0;
}

int materialize_files(struct making *making)
{
	int result = -1;

	making->crew = crew_new(&crew, making->err);
	if (making->crew)
		making->kit = kit_new(crew.out, making->err);
	if (making->kit)
		result = make_files(making);
	kit_free(TAKE(making->kit));
	crew_free(TAKE(making->crew));
	return result;
}
