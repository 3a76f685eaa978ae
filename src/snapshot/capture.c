/*
 * capture.c - a directory into packs and an index.
 *
 * The crew reads, hashes and compresses runs of slots; the caller's thread takes them back in the
 * order of the index and alone decides what is new, so the result is the same however many threads
 * there are.  A full pack is hashed and written by the crew too.
 */
#include "blob.h"
#include "chunk_map.h"
#include "crew.h"
#include "cursor.h"
#include "index.h"
#include "scan.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_SLOTS 8 /* of a job: 512 KiB */

/* A pack is closed after the job that made it too long. */
#define PACK_ROOM (SNAPSHOT_PACK_CLOSE + (size_t)RUN_SLOTS * SNAPSHOT_FRAME_MAX)

enum slot_kind { SLOT_HOLE, SLOT_KNOWN, SLOT_NEW };

struct slot {
	enum slot_kind kind;
	unsigned char id[SHA256_SIZE];
	uint32_t size;
	uint32_t frame_size; /* SLOT_NEW */
};

enum job_kind { JOB_RUN, JOB_PACK };

struct job {
	enum job_kind kind;
	const struct capture *capture;
	bool failed;
	struct err err;
	/* JOB_RUN: slots of a file */
	int fd;
	uint32_t entry;
	uint64_t first;
	size_t n;
	struct slot slots[RUN_SLOTS];
	unsigned char *in;     /* RUN_SLOTS * SNAPSHOT_CHUNK */
	unsigned char *frames; /* RUN_SLOTS * SNAPSHOT_FRAME_MAX */
	/* JOB_PACK */
	unsigned char *pack;
	size_t len;
	uint32_t number;
	unsigned char sha256[SHA256_SIZE];
};

struct capture {
	const struct tree_capture_ask *ask;
	struct tree_index *index;
	struct tree_totals *totals;
	struct crew *crew;
	struct chunk_map own, known; /* chunks of the index, and of the parent */
	uint32_t *packs;             /* a pack of the parent: its number here and one, or 0 */
	unsigned char *pack;         /* that is being filled, or NULL */
	size_t len;
	uint32_t number; /* of that pack */
	uint64_t done;
	struct err *err;
};

/* === the crew's part === */

static bool is_zero(const unsigned char *data, size_t len)
{
	return !data[0] && memcmp(data, data + 1, len - 1) == 0;
}

static bool is_known(const struct capture *capture, const unsigned char id[SHA256_SIZE])
{
	const struct tree_index *parent = capture->ask->parent;

	return parent && chunk_map_find(&capture->known, parent->chunks, id) != SNAPSHOT_HOLE;
}

static void do_slot(struct job *job, struct codec *codec, size_t i)
{
	struct slot *slot = &job->slots[i];
	const unsigned char *data = job->in + i * SNAPSHOT_CHUNK;
	struct bytes bytes = {data, slot->size}, none = {0};

	if (is_zero(data, slot->size)) {
		slot->kind = SLOT_HOLE;
		return;
	}
	sha256_raw(data, slot->size, slot->id);
	if (is_known(job->capture, slot->id)) {
		slot->kind = SLOT_KNOWN;
		return;
	}
	slot->kind = SLOT_NEW;
	slot->frame_size = (uint32_t)codec_pack(
		codec, none, bytes, job->frames + i * SNAPSHOT_FRAME_MAX, SNAPSHOT_FRAME_MAX);
	if (!slot->frame_size) {
		job->failed = true;
		err_set(&job->err, ERR_SNAPSHOT, "zstd does not compress");
	}
}

static void do_run(struct job *job, struct codec *codec)
{
	const struct tree_entry *entry = &job->capture->index->entries[job->entry];
	size_t len = 0;

	if (!job->in) {
		job->in = xmalloc(RUN_SLOTS * SNAPSHOT_CHUNK);
		job->frames = xmalloc((size_t)RUN_SLOTS * SNAPSHOT_FRAME_MAX);
	}
	for (size_t i = 0; i < job->n; i++) {
		job->slots[i].size = index_slot_size(entry->size, job->first + i);
		len += job->slots[i].size;
	}
	if (read_at(job->fd, job->in, len, job->first * SNAPSHOT_CHUNK) < 0) {
		job->failed = true;
		err_os(&job->err, ERR_SNAPSHOT, errno ? errno : EIO, "read \"%.200s\"",
			entry->path);
		return;
	}
	for (size_t i = 0; i < job->n && !job->failed; i++)
		do_slot(job, codec, i);
}

static void work(void *arg, struct codec *codec)
{
	struct job *job = arg;

	job->failed = false;
	if (job->kind == JOB_RUN)
		do_run(job, codec);
	else
		job->failed = blob_write(job->capture->ask->blobs, job->pack, job->len, job->sha256,
				      &job->err) < 0;
}

static void drop(void *arg)
{
	struct job *job = arg;

	if (job->fd > 0)
		close(job->fd);
	free(job->in);
	free(job->frames);
	free(job->pack);
}

/* === results, in order === */

static int take_back(struct capture *capture);

/* A job to fill; NULL with err. */
static struct job *next_job(struct capture *capture, enum job_kind kind)
{
	struct job *job;

	while (crew_full(capture->crew))
		if (take_back(capture) < 0)
			return NULL;
	job = crew_next(capture->crew);
	job->kind = kind;
	job->capture = capture;
	return job;
}

static uint32_t add_pack(struct tree_index *index, const struct tree_pack *pack)
{
	index->packs = xgrow(index->packs, index->n_packs, sizeof(*pack));
	index->packs[index->n_packs] = *pack;
	return index->n_packs++;
}

static int close_pack(struct capture *capture)
{
	struct job *job;

	if (!capture->pack)
		return 0;
	job = next_job(capture, JOB_PACK);
	if (!job)
		return -1;
	job->pack = TAKE(capture->pack);
	job->len = capture->len;
	job->number = capture->number;
	crew_submit(capture->crew);
	return 0;
}

static void pack_frame(struct capture *capture, struct tree_chunk *chunk, const void *frame)
{
	if (!capture->pack) {
		struct tree_pack pack = {.kind = SNAPSHOT_PACK_FULL};

		capture->pack = xmalloc(PACK_ROOM);
		capture->len = 0;
		capture->number = add_pack(capture->index, &pack);
	}
	memcpy(capture->pack + capture->len, frame, chunk->frame_size);
	chunk->pack = capture->number;
	chunk->offset = (uint32_t)capture->len;
	capture->len += chunk->frame_size;
}

/* The chunk as the parent has it, in a pack of the parent. */
static void refer_to_parent(struct capture *capture, struct tree_chunk *chunk)
{
	const struct tree_index *parent = capture->ask->parent;
	uint32_t number = chunk_map_find(&capture->known, parent->chunks, chunk->id);
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
		pack_frame(capture, &chunk, job->frames + i * SNAPSHOT_FRAME_MAX);
		capture->totals->new_chunks++;
		capture->totals->new_bytes += slot->size;
	}
	index->chunks = xgrow(index->chunks, index->n_chunks, sizeof(chunk));
	index->chunks[index->n_chunks] = chunk;
	chunk_map_add(&capture->own, index->chunks, index->n_chunks);
	return index->n_chunks++;
}

static int take_slots(struct capture *capture, const struct job *job)
{
	struct tree_index *index = capture->index;
	uint32_t *slots = index->entries[job->entry].slots + job->first;

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

static int check_unchanged(const struct capture *capture, int fd, uint32_t number)
{
	const struct tree_entry *entry = &capture->index->entries[number];
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
	const struct tree_watch *watch = &capture->ask->watch;

	if (watch->progress && watch->progress(watch->ctx, capture->done, capture->index->bytes))
		return err_set(capture->err, ERR_CANCELLED, "cancelled");
	return 0;
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
		struct tree_pack *pack = &capture->index->packs[job->number];

		memcpy(pack->sha256, job->sha256, SHA256_SIZE);
		pack->size = job->len;
		capture->totals->packed += job->len;
		free(TAKE(job->pack));
		crew_retire(capture->crew);
		return 0;
	}
	result = check_unchanged(capture, job->fd, job->entry);
	close(job->fd);
	job->fd = 0;
	if (result == 0)
		result = take_slots(capture, job);
	crew_retire(capture->crew);
	/* Only now is there room for the pack. */
	if (result == 0 && capture->pack && capture->len > SNAPSHOT_PACK_CLOSE)
		result = close_pack(capture);
	return result < 0 ? -1 : tell(capture);
}

/* === files === */

static int submit_run(struct capture *capture, int fd, uint32_t entry, uint64_t first, size_t n)
{
	struct job *job = next_job(capture, JOB_RUN);

	if (!job)
		return -1;
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (job->fd < 0) {
		job->fd = 0;
		return err_os(capture->err, ERR_SNAPSHOT, errno, "duplicate a descriptor");
	}
	job->entry = entry;
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

static int capture_file(struct capture *capture, int fd, uint32_t number)
{
	const struct tree_entry *entry = &capture->index->entries[number];
	uint64_t n = tree_slots(entry->size), slot = 0;

	if (check_unchanged(capture, fd, number) < 0)
		return -1;
	while (slot < n) {
		uint64_t from = skip_hole(fd, slot), run;

		if (from > n)
			from = n;
		capture->done += from < n ? (from - slot) * SNAPSHOT_CHUNK
					  : entry->size - slot * SNAPSHOT_CHUNK;
		run = n - from < RUN_SLOTS ? n - from : RUN_SLOTS;
		if (run && submit_run(capture, fd, number, from, run) < 0)
			return -1;
		slot = from + run;
	}
	return 0;
}

static int capture_files(struct capture *capture, struct cursor *cursor)
{
	struct tree_index *index = capture->index;

	for (uint32_t i = 0; i < index->n_entries; i++) {
		autoclose int fd = -1;

		if (index->entries[i].type != SNAPSHOT_FILE)
			continue;
		capture->totals->files++;
		if (!index->entries[i].size)
			continue;
		fd = cursor_open(
			cursor, index->entries[i].path, O_RDONLY | O_NONBLOCK, capture->err);
		if (fd < 0 || capture_file(capture, fd, i) < 0)
			return -1;
	}
	while (crew_wait(capture->crew))
		if (take_back(capture) < 0)
			return -1;
	if (close_pack(capture) < 0)
		return -1;
	while (crew_wait(capture->crew))
		if (take_back(capture) < 0)
			return -1;
	return tell(capture);
}

/* === the whole === */

static int capture_tree(struct capture *capture)
{
	const struct tree_capture_ask *ask = capture->ask;
	autofree struct cursor *cursor = xcalloc(1, sizeof(*cursor));
	int result;

	if (scan_tree(ask, capture->index, capture->err) < 0 ||
		cursor_init(cursor, ask->root, capture->err) < 0)
		return -1;
	if (ask->parent) {
		memcpy(capture->index->parent, ask->parent->digest, SHA256_SIZE);
		chunk_map_add_index(&capture->known, ask->parent);
		capture->packs = xcalloc(ask->parent->n_packs, sizeof(*capture->packs));
	}
	capture->crew = crew_new(sizeof(struct job), work, capture->err);
	result = capture->crew ? capture_files(capture, cursor) : -1;
	crew_free(capture->crew, drop);
	cursor_release(cursor);
	chunk_map_release(&capture->known);
	chunk_map_release(&capture->own);
	free(capture->packs);
	free(capture->pack);
	return result;
}

struct tree_index *tree_capture(
	const struct tree_capture_ask *ask, struct tree_totals *totals, struct err *err)
{
	struct tree_totals own = {0};
	struct capture capture = {.ask = ask, .totals = &own, .err = err};
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
