/*
 * capture.c - a directory into packs and an index.
 *
 * The crew reads, hashes and compresses runs of slots; the caller's thread takes them back in the
 * order of the index and alone decides what is new, so the result is the same however many threads
 * there are.  A full pack is hashed and written by the crew too, and named when all are on the
 * disk.
 */
#include "capture_job.h"
#include "crew.h"
#include "cursor.h"
#include "index.h"
#include "scan.h"
#include "similar.h"

#include "devenv/mem.h"
#include "devenv/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each holds some 25 MB of contexts for what deltas are made with; the agent keeps below 256 MB. */
#define DELTA_THREADS 6

/* A pack is closed after the job that made it too long, or the one after that: make_room(). */
#define PACK_ROOM (SNAPSHOT_PACK_CLOSE + (size_t)2 * RUN_SLOTS * SNAPSHOT_FRAME_MAX)

/*
 * Chunks that have a delta have packs of their own: who has the parent takes the others' whole.
 */
enum content { CONTENT_ALONE, CONTENT_WITH_DELTA, CONTENT_DELTA, CONTENTS };

/* A pack that is being filled. */
struct filling {
	unsigned char *data; /* NULL: not begun */
	size_t len;
	uint32_t number;
};

/* A pack that is written, and not named yet. */
struct staged {
	char name[BLOB_STAGED];
	uint32_t number;
};

struct capture {
	struct capture_world world;
	struct tree_index *index;
	struct tree_totals *totals;
	struct crew *crew;
	struct chunk_map own;    /* chunks of the index */
	struct similar *similar; /* for deltas, else NULL */
	uint32_t *packs;         /* a pack of the parent: its number here and one, or 0 */
	struct filling fillings[CONTENTS];
	struct staged *staged;
	size_t n_staged;
	bool written; /* one of them was not there before */
	uint64_t done;
	struct err *err;
};

/* === results, in order === */

static uint32_t add_pack(struct tree_index *index, const struct tree_pack *pack)
{
	index->packs = xgrow(index->packs, index->n_packs, sizeof(*pack));
	index->packs[index->n_packs] = *pack;
	return index->n_packs++;
}

/* Append a frame; *pack and *offset are its place. */
static void pack_frame(struct capture *capture, enum content content, struct bytes frame,
	uint32_t *pack, uint32_t *offset)
{
	struct filling *filling = &capture->fillings[content];
	struct tree_pack begun = {
		.kind = content == CONTENT_DELTA ? SNAPSHOT_PACK_DELTA : SNAPSHOT_PACK_FULL};

	if (!filling->data) {
		filling->data = xmalloc(PACK_ROOM);
		filling->len = 0;
		filling->number = add_pack(capture->index, &begun);
	}
	memcpy(filling->data + filling->len, frame.data, frame.len);
	*pack = filling->number;
	*offset = (uint32_t)filling->len;
	filling->len += frame.len;
}

static void add_delta(struct capture *capture, const struct job *job, size_t i)
{
	struct tree_index *index = capture->index;
	const struct slot *slot = &job->slots[i];
	struct tree_delta delta = {.chunk = index->n_chunks,
		.frame_size = slot->delta_size,
		.n_bases = slot->n_bases,
		.bases = index->n_bases};

	pack_frame(capture, CONTENT_DELTA,
		(struct bytes){job->deltas + i * SNAPSHOT_FRAME_MAX, slot->delta_size}, &delta.pack,
		&delta.offset);
	for (uint32_t b = 0; b < slot->n_bases; b++) {
		index->bases = spill_grow(index->bases, index->n_bases, sizeof(*index->bases));
		index->bases[index->n_bases++] = job->bases[slot->first_base + b];
	}
	index->deltas = spill_grow(index->deltas, index->n_deltas, sizeof(delta));
	index->deltas[index->n_deltas++] = delta;
}

/* The chunk as the parent has it, in a pack of the parent. */
static void refer_to_parent(struct capture *capture, struct tree_chunk *chunk)
{
	const struct tree_index *parent = capture->world.ask->parent;
	uint32_t number = chunk_map_find(&capture->world.known, parent->chunks, chunk->id);
	const struct tree_chunk *old = &parent->chunks[number];

	if (!capture->packs[old->pack])
		capture->packs[old->pack] = add_pack(capture->index, &parent->packs[old->pack]) + 1;
	*chunk = *old;
	chunk->pack = capture->packs[old->pack] - 1;
}

static uint32_t add_chunk(struct capture *capture, const struct job *job, size_t i)
{
	struct tree_index *index = capture->index;
	const struct slot *slot = &job->slots[i];
	struct tree_chunk chunk = {.size = slot->size, .frame_size = slot->frame_size};

	memcpy(chunk.id, slot->id, SHA256_SIZE);
	if (slot->kind == SLOT_KNOWN) {
		refer_to_parent(capture, &chunk);
	} else {
		pack_frame(capture, slot->delta_size ? CONTENT_WITH_DELTA : CONTENT_ALONE,
			(struct bytes){job->frames + i * SNAPSHOT_FRAME_MAX, slot->frame_size},
			&chunk.pack, &chunk.offset);
		if (slot->delta_size)
			add_delta(capture, job, i);
		capture->totals->new_chunks++;
		capture->totals->new_bytes += slot->size;
	}
	index->chunks = spill_grow(index->chunks, index->n_chunks, sizeof(chunk));
	index->chunks[index->n_chunks] = chunk;
	chunk_map_add(&capture->own, index->chunks, index->n_chunks);
	return index->n_chunks++;
}

static int take_slots(struct capture *capture, const struct job *job)
{
	struct tree_index *index = capture->index;
	uint32_t *slots = job->entry->slots + job->first;

	for (size_t i = 0; i < job->n; i++) {
		const struct slot *slot = &job->slots[i];

		capture->done += slot->size;
		if (slot->kind == SLOT_HOLE)
			continue;
		slots[i] = chunk_map_find(&capture->own, index->chunks, slot->id);
		if (slots[i] == SNAPSHOT_HOLE)
			slots[i] = add_chunk(capture, job, i);
	}
	return 0;
}

static int check_unchanged(const struct capture *capture, int fd, const struct tree_entry *entry)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_os(capture->err, ERR_SNAPSHOT, errno, "read \"%.200s\"", entry->path);
	if (!scan_same(entry, &status))
		return err_set(capture->err, ERR_SNAPSHOT,
			"\"%.200s\" changed while it was read: stop what writes to it first",
			entry->path);
	return 0;
}

static int tell(const struct capture *capture)
{
	const struct tree_watch *watch = &capture->world.ask->watch;

	if (watch->progress && watch->progress(watch->ctx, capture->done, capture->index->bytes))
		return err_set(capture->err, ERR_CANCELLED, "cancelled");
	return 0;
}

static void take_pack(struct capture *capture, struct job *job)
{
	struct tree_pack *pack = &capture->index->packs[job->number];
	struct staged *staged;

	memcpy(pack->sha256, job->sha256, SHA256_SIZE);
	pack->size = job->len;
	*(pack->kind == SNAPSHOT_PACK_FULL ? &capture->totals->packed
					   : &capture->totals->delta_packed) += job->len;
	free(TAKE(job->pack));
	capture->staged = xgrow(capture->staged, capture->n_staged, sizeof(*staged));
	staged = &capture->staged[capture->n_staged++];
	memcpy(staged->name, job->staged, sizeof(staged->name));
	capture->written |= *job->staged != '\0';
	staged->number = job->number;
}

/* One sync for all of them: what has a digest's name is on the disk. */
static int settle_packs(struct capture *capture)
{
	int blobs = capture->world.ask->blobs;

	if (capture->n_staged && syncfs(blobs) < 0)
		return err_os(capture->err, ERR_SNAPSHOT, errno, "write the packs to the disk");
	if (capture->written && tree_check_room(blobs, capture->world.ask->spare, capture->err) < 0)
		return -1;
	for (; capture->n_staged; capture->n_staged--) {
		const struct staged *last = &capture->staged[capture->n_staged - 1];

		if (blob_settle(blobs, last->name, capture->index->packs[last->number].sha256,
			    capture->err) < 0)
			return -1;
	}
	return 0;
}

/* Those that failed before they were named. */
static void drop_packs(struct capture *capture)
{
	for (size_t i = 0; i < capture->n_staged; i++)
		blob_drop(capture->world.ask->blobs, capture->staged[i].name);
	free(capture->staged);
}

/* The oldest job's results. */
static int take_back(struct capture *capture)
{
	struct job *job = crew_wait(capture->crew);
	int result;

	if (job->failed) {
		*capture->err = job->err;
		return -1;
	}
	if (job->kind == JOB_PACK) {
		take_pack(capture, job);
		crew_retire(capture->crew);
		return 0;
	}
	result = check_unchanged(capture, job->fd, job->entry);
	close(job->fd);
	job->fd = 0;
	if (result == 0)
		result = take_slots(capture, job);
	crew_retire(capture->crew);
	return result < 0 ? -1 : tell(capture);
}

static struct job *next_job(struct capture *capture, enum job_kind kind)
{
	struct job *job = crew_next(capture->crew);

	job->kind = kind;
	job->world = &capture->world;
	return job;
}

static void submit_pack(struct capture *capture, struct filling *filling)
{
	struct job *job = next_job(capture, JOB_PACK);

	job->pack = TAKE(filling->data);
	job->len = filling->len;
	job->number = filling->number;
	filling->len = 0;
	crew_submit(capture->crew);
}

/* A pack that is longer than `limit`, or NULL. */
static struct filling *find_pack(struct capture *capture, size_t limit)
{
	for (size_t i = 0; i < CONTENTS; i++)
		if (capture->fillings[i].len > limit)
			return &capture->fillings[i];
	return NULL;
}

/* Until a job is free, and no pack is longer than `limit`. */
static int make_room(struct capture *capture, size_t limit)
{
	for (;;) {
		struct filling *pack = find_pack(capture, limit);

		if (crew_full(capture->crew)) {
			if (take_back(capture) < 0)
				return -1;
		} else if (pack) {
			submit_pack(capture, pack);
		} else {
			return 0;
		}
	}
}

static int finish_jobs(struct capture *capture)
{
	while (crew_wait(capture->crew))
		if (take_back(capture) < 0 || make_room(capture, SNAPSHOT_PACK_CLOSE) < 0)
			return -1;
	return 0;
}

/* === files === */

static int submit_run(struct capture *capture, int fd, const struct tree_entry *entry,
	const struct tree_entry *old, uint64_t first, size_t n)
{
	const struct tree_capture_ask *ask = capture->world.ask;
	struct job *job;

	if (make_room(capture, SNAPSHOT_PACK_CLOSE) < 0)
		return -1;
	job = next_job(capture, JOB_RUN);
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (job->fd < 0) {
		job->fd = 0;
		return err_os(capture->err, ERR_SNAPSHOT, errno, "duplicate a descriptor");
	}
	job->entry = entry;
	job->old = old;
	job->same = ask->unread && old;
	job->first = first;
	job->n = n;
	crew_submit(capture->crew);
	return 0;
}

/* The first slot from `slot` on that is not all hole. */
static uint64_t skip_hole(int fd, uint64_t slot)
{
	off_t data = lseek(fd, (off_t)(slot * SNAPSHOT_CHUNK), SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? UINT64_MAX : slot;
	return (uint64_t)data / SNAPSHOT_CHUNK > slot ? (uint64_t)data / SNAPSHOT_CHUNK : slot;
}

/* The parent's file that this one is, or is like; NULL: none. */
static const struct tree_entry *find_old(
	struct capture *capture, int fd, const struct tree_entry *entry)
{
	const struct tree_capture_ask *ask = capture->world.ask;
	const struct tree_entry *old;

	if (!ask->unread)
		return capture->similar ? similar_find(capture->similar, fd, entry) : NULL;
	old = ask->parent ? index_find_file(ask->parent, entry->path) : NULL;
	return old && old->size == entry->size && old->mtime.tv_sec == entry->mtime.tv_sec &&
			       old->mtime.tv_nsec == entry->mtime.tv_nsec
		       ? old
		       : NULL;
}

static int capture_file(struct capture *capture, int fd, const struct tree_entry *entry)
{
	const struct tree_entry *old;
	uint64_t n = tree_slots(entry->size), slot = 0;

	if (check_unchanged(capture, fd, entry) < 0)
		return -1;
	old = find_old(capture, fd, entry);
	while (slot < n) {
		uint64_t from = skip_hole(fd, slot), run;

		if (from > n)
			from = n;
		capture->done += from < n ? (from - slot) * SNAPSHOT_CHUNK
					  : entry->size - slot * SNAPSHOT_CHUNK;
		run = n - from < RUN_SLOTS ? n - from : RUN_SLOTS;
		if (run && submit_run(capture, fd, entry, old, from, run) < 0)
			return -1;
		slot = from + run;
	}
	return 0;
}

static int capture_files(struct capture *capture, struct cursor *cursor)
{
	struct tree_index *index = capture->index;

	for (uint32_t i = 0; i < index->n_entries; i++) {
		const struct tree_entry *entry = &index->entries[i];
		autoclose int fd = -1;

		if (entry->type != SNAPSHOT_FILE)
			continue;
		capture->totals->files++;
		if (!entry->size)
			continue;
		fd = cursor_open(cursor, entry->path, O_RDONLY | O_NONBLOCK, capture->err);
		if (fd < 0 || capture_file(capture, fd, entry) < 0)
			return -1;
	}
	if (finish_jobs(capture) < 0 || make_room(capture, 0) < 0 || finish_jobs(capture) < 0 ||
		settle_packs(capture) < 0)
		return -1;
	return tell(capture);
}

/* === the whole === */

static int begin(struct capture *capture)
{
	const struct tree_capture_ask *ask = capture->world.ask;

	capture->crew = crew_new(&(struct crew_kind){.job = sizeof(struct job),
					 .out = CAPTURE_OUT,
					 .each = 1,
					 .most = ask->deltas ? DELTA_THREADS : 0,
					 .work = capture_job_do,
					 .drop = capture_job_drop},
		capture->err);
	if (!capture->crew)
		return -1;
	if (!ask->parent)
		return 0;
	memcpy(capture->index->parent, ask->parent->digest, SHA256_SIZE);
	chunk_map_add_index(&capture->world.known, ask->parent);
	capture->packs = xcalloc(ask->parent->n_packs, sizeof(*capture->packs));
	if (!ask->deltas)
		return 0;
	capture->world.parent = xcalloc(1, sizeof(*capture->world.parent));
	source_init(capture->world.parent, ask->parent, ask->blobs);
	capture->similar = similar_new(capture->world.parent, capture->err);
	return capture->similar ? 0 : -1;
}

static void end(struct capture *capture)
{
	crew_free(capture->crew);
	drop_packs(capture);
	chunk_map_release(&capture->world.known);
	chunk_map_release(&capture->own);
	free(capture->packs);
	for (size_t i = 0; i < CONTENTS; i++)
		free(capture->fillings[i].data);
	similar_free(capture->similar);
	if (capture->world.parent)
		source_release(capture->world.parent);
	free(capture->world.parent);
}

static int capture_tree(struct capture *capture)
{
	const struct tree_capture_ask *ask = capture->world.ask;
	autofree struct cursor *cursor = xcalloc(1, sizeof(*cursor));
	int result;

	if (scan_tree(ask, capture->index, capture->err) < 0 ||
		cursor_init(cursor, ask->root, capture->err) < 0)
		return -1;
	result = begin(capture) < 0 ? -1 : capture_files(capture, cursor);
	end(capture);
	cursor_release(cursor);
	return result;
}

struct tree_index *tree_capture(
	const struct tree_capture_ask *ask, struct tree_totals *totals, struct err *err)
{
	struct tree_totals own = {0};
	struct capture capture = {.world = {.ask = ask}, .totals = &own, .err = err};
	int unfinished = tree_interrupted(ask->root, err);

	if (unfinished > 0)
		err_set(err, ERR_SNAPSHOT,
			"it holds what a restore left that did not end (restore it again)");
	if (unfinished)
		return NULL;
	capture.index = xcalloc(1, sizeof(*capture.index));
	if (capture_tree(&capture) < 0) {
		tree_index_free(capture.index);
		return NULL;
	}
	own.bytes = capture.index->bytes;
	own.chunks = capture.index->n_chunks;
	*totals = own;
	return capture.index;
}
