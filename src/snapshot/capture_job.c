/* capture_job.c - what the crew does for a capture: read, hash, compress, write packs. */
#include "capture_job.h"

#include "index.h"

#include "devenv/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELTA_AROUND 4 /* slots of the parent's file before and behind a chunk's own: 256 KiB */
#define HARD_AROUND 1  /* as its time goes with the bases' length */
#define HARD_WORTH 4096
#define DELTA_WORTH 75 /* percent of the full frame: a delta that is larger is dropped */

_Static_assert(RUN_SLOTS + 2 * DELTA_AROUND <= SNAPSHOT_BASES_MAX, "kit->prefix holds the bases");

static bool is_zero(const unsigned char *data, size_t len)
{
	return !data[0] && memcmp(data, data + 1, len - 1) == 0;
}

static bool is_known(const struct capture_world *world, const unsigned char id[SHA256_SIZE])
{
	const struct tree_index *parent = world->ask->parent;

	return parent && chunk_map_find(&world->known, parent->chunks, id) != SNAPSHOT_HOLE;
}

static void do_slot(struct job *job, struct kit *kit, size_t i)
{
	struct slot *slot = &job->slots[i];
	const unsigned char *data = kit->out + i * SNAPSHOT_CHUNK;
	struct bytes bytes = {data, slot->size}, none = {0};

	slot->delta_size = 0;
	if (is_zero(data, slot->size)) {
		slot->kind = SLOT_HOLE;
		return;
	}
	sha256_raw(data, slot->size, slot->id);
	if (is_known(job->world, slot->id)) {
		slot->kind = SLOT_KNOWN;
		return;
	}
	slot->kind = SLOT_NEW;
	slot->frame_size = (uint32_t)codec_pack(kit->codec, CODEC_PACK, none, bytes,
		job->frames + i * SNAPSHOT_FRAME_MAX, SNAPSHOT_FRAME_MAX);
	if (!slot->frame_size) {
		job->failed = true;
		err_set(&job->err, ERR_SNAPSHOT, "zstd does not compress");
	}
}

/* === deltas === */

/* What the parent's file has around the run; what is not there is left out. */
static void read_bases(struct job *job, struct kit *kit)
{
	struct source *parent = job->world->parent;
	uint64_t from = job->first > DELTA_AROUND ? job->first - DELTA_AROUND : 0;
	uint64_t end = job->first + job->n + DELTA_AROUND, len = 0;
	struct err ignored;

	job->n_bases = 0;
	if (end > tree_slots(job->old->size))
		end = tree_slots(job->old->size);
	for (uint64_t slot = from; slot < end; slot++) {
		uint32_t chunk = job->old->slots[slot];

		if (chunk == SNAPSHOT_HOLE ||
			source_full(parent, kit, chunk, kit->prefix + len, &ignored) < 0)
			continue;
		len += parent->index->chunks[chunk].size;
		job->bases[job->n_bases] = chunk;
		job->base_slots[job->n_bases] = slot;
		job->base_ends[job->n_bases++] = len;
	}
}

/* The bases at most `around` slots from the slot's: a piece of the prefix. */
static struct bytes choose_bases(const struct job *job, const struct kit *kit, struct slot *slot,
	uint64_t place, uint64_t around)
{
	size_t from;

	slot->first_base = slot->n_bases = 0;
	while (slot->first_base < job->n_bases &&
		job->base_slots[slot->first_base] + around < place)
		slot->first_base++;
	while (slot->first_base + slot->n_bases < job->n_bases &&
		job->base_slots[slot->first_base + slot->n_bases] <= place + around)
		slot->n_bases++;
	if (!slot->n_bases)
		return (struct bytes){0};
	from = slot->first_base ? job->base_ends[slot->first_base - 1] : 0;
	return (struct bytes){
		kit->prefix + from, job->base_ends[slot->first_base + slot->n_bases - 1] - from};
}

static void do_delta(struct job *job, struct kit *kit, size_t i)
{
	struct slot *slot = &job->slots[i], hard;
	struct bytes prefix = choose_bases(job, kit, slot, job->first + i, DELTA_AROUND);
	struct bytes in = {kit->out + i * SNAPSHOT_CHUNK, slot->size};
	unsigned char *out = job->deltas + i * SNAPSHOT_FRAME_MAX, shorter[SNAPSHOT_FRAME_MAX];
	size_t worth = (size_t)slot->frame_size * DELTA_WORTH / 100;

	if (!prefix.len)
		return;
	slot->delta_size = (uint32_t)codec_pack(kit->codec, CODEC_DELTA, prefix, in, out, worth);
	if (slot->delta_size && slot->delta_size <= HARD_WORTH)
		return;
	hard = *slot;
	prefix = choose_bases(job, kit, &hard, job->first + i, HARD_AROUND);
	if (!prefix.len)
		return;
	hard.delta_size = (uint32_t)codec_pack(kit->codec, CODEC_HARD, prefix, in, shorter,
		slot->delta_size ? slot->delta_size - 1 : worth);
	if (!hard.delta_size)
		return;
	memcpy(out, shorter, hard.delta_size);
	*slot = hard;
}

static void do_deltas(struct job *job, struct kit *kit)
{
	bool read = false;

	if (!job->deltas)
		job->deltas = xmalloc((size_t)RUN_SLOTS * SNAPSHOT_FRAME_MAX);
	for (size_t i = 0; i < job->n; i++) {
		if (job->slots[i].kind != SLOT_NEW)
			continue;
		if (!read)
			read_bases(job, kit);
		read = true;
		do_delta(job, kit, i);
	}
}

/* What the parent's index says of the slots. */
static void take_old(struct job *job)
{
	const struct tree_index *parent = job->world->ask->parent;

	for (size_t i = 0; i < job->n; i++) {
		uint32_t chunk = job->old->slots[job->first + i];

		job->slots[i].kind = chunk == SNAPSHOT_HOLE ? SLOT_HOLE : SLOT_KNOWN;
		if (chunk != SNAPSHOT_HOLE)
			memcpy(job->slots[i].id, parent->chunks[chunk].id, SHA256_SIZE);
	}
}

static void do_run(struct job *job, struct kit *kit)
{
	const struct tree_entry *entry = job->entry;
	size_t len = 0;

	if (!job->frames)
		job->frames = xmalloc((size_t)RUN_SLOTS * SNAPSHOT_FRAME_MAX);
	for (size_t i = 0; i < job->n; i++) {
		job->slots[i].size = index_slot_size(entry->size, job->first + i);
		len += job->slots[i].size;
	}
	if (job->same) {
		take_old(job);
		return;
	}
	if (read_at(job->fd, kit->out, len, job->first * SNAPSHOT_CHUNK) < 0) {
		job->failed = true;
		err_os(&job->err, ERR_SNAPSHOT, errno ? errno : EIO, "read \"%.200s\"",
			entry->path);
		return;
	}
	for (size_t i = 0; i < job->n && !job->failed; i++)
		do_slot(job, kit, i);
	if (job->old && !job->failed)
		do_deltas(job, kit);
}

void capture_job_do(void *arg, struct kit *kit)
{
	struct job *job = arg;

	job->failed = false;
	if (job->kind == JOB_RUN)
		do_run(job, kit);
	else
		job->failed = blob_stage(job->world->ask->blobs, job->pack, job->len, job->sha256,
				      job->staged, &job->err) < 0;
}

void capture_job_drop(void *arg)
{
	struct job *job = arg;

	if (job->fd > 0)
		close(job->fd);
	free(job->frames);
	free(job->deltas);
	if (job->pack) /* not taken back */
		blob_drop(job->world->ask->blobs, job->staged);
	free(job->pack);
}
