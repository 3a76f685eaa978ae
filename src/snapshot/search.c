/*
 * search.c - strings and patterns in all that a snapshot brings along (tree_search()).
 *
 * Jobs are runs of slots of a file, each with the end of the slot before it: so that nothing is
 * missed between two.  A hole ends what follows each other: it is zeros.  A pack that holds more
 * than the index names is looked through from its first frame to its last, by one job.
 */
#include "blob.h"
#include "check.h"
#include "crew.h"
#include "index.h"
#include "source.h"

#include "devenv/mem.h"
#include "devenv/spill.h"
#include "devenv/tree.h"

#include <stdlib.h>
#include <string.h>

#define RUN_SLOTS 8 /* of a job: 512 KiB */

/* What was found of each kind. */
struct tally {
	uint64_t count, offset;
	size_t number;
	char shown[CANARY_REDACTED];
};

struct job {
	struct searching *searching;
	/* Slots of a file... */
	const struct tree_entry *entry;
	uint64_t first;
	size_t n;
	bool last; /* of the file */
	/* ... or a pack, where entry is NULL. */
	uint32_t pack;
	uint64_t size; /* for the progress */
	struct tally tallies[CANARY_KINDS];
	bool failed;
	struct err err;
};

/* Where a frame is that the index names. */
struct spot {
	uint32_t pack, offset;
};

struct searching {
	const struct tree_search_ask *ask;
	struct source source, parent;
	struct crew *crew;
	struct spot *spots; /* sorted */
	struct tally tallies[CANARY_KINDS];
	uint64_t done, total, finds;
	struct err *err;
};

/* === what is found === */

struct looking {
	struct tally *tallies;
	const struct canary_view *view;
	uint64_t offset; /* of the view */
	/* In a pack: which part of the view is of no file, from where to its end. */
	bool some;
	size_t foreign;
};

static void on_hit(void *ctx, const struct canary_hit *hit)
{
	const struct looking *looking = ctx;
	struct tally *tally = &looking->tallies[hit->kind];

	if (looking->some && hit->at + hit->len <= looking->foreign)
		return;
	if (tally->count++)
		return;
	tally->offset = looking->offset + hit->at;
	tally->number = hit->number;
	canary_redact(
		hit->kind, (const char *)looking->view->data + hit->at, hit->len, tally->shown);
}

static void look(const struct searching *searching, const struct canary_view *view, uint64_t offset,
	struct tally *tallies)
{
	struct looking looking = {.tallies = tallies, .view = view, .offset = offset};

	canary_scan(searching->ask->rules, view, on_hit, &looking);
}

static void tell_finds(struct searching *searching, struct tally *tallies, struct tree_find find)
{
	const struct tree_search_ask *ask = searching->ask;

	for (size_t kind = 0; kind < CANARY_KINDS; kind++) {
		const struct tally *tally = &tallies[kind];

		if (!tally->count)
			continue;
		find.kind = (enum canary_kind)kind;
		find.count = tally->count;
		find.offset = tally->offset;
		find.number = tally->number;
		memcpy(find.shown, tally->shown, sizeof(find.shown));
		searching->finds++;
		ask->found(ask->found_ctx, &find);
	}
	memset(tallies, 0, CANARY_KINDS * sizeof(*tallies));
}

/* === the crew's part: files === */

static bool is_hole(const struct tree_entry *entry, uint64_t slot)
{
	return slot >= tree_slots(entry->size) || entry->slots[slot] == SNAPSHOT_HOLE;
}

static int read_slot(struct job *job, struct kit *kit, uint64_t slot, void *out)
{
	return source_chunk(&job->searching->source, kit, job->entry->slots[slot], out, &job->err);
}

static int search_slots(struct job *job, struct kit *kit)
{
	const struct tree_entry *entry = job->entry;
	bool follows = job->first && !is_hole(entry, job->first - 1);
	size_t context = follows ? CANARY_CONTEXT : 0, len = 0;
	unsigned char *begin = kit->out + SNAPSHOT_CHUNK;
	struct canary_view view = {.data = begin - context,
		.from = context,
		.first = !follows,
		.last = is_hole(entry, job->first + job->n)};

	if (follows && read_slot(job, kit, job->first - 1, kit->out) < 0)
		return -1;
	for (size_t i = 0; i < job->n; i++) {
		if (read_slot(job, kit, job->first + i, begin + len) < 0)
			return -1;
		len += index_slot_size(entry->size, job->first + i);
	}
	view.len = context + len;
	look(job->searching, &view, job->first * SNAPSHOT_CHUNK - context, job->tallies);
	return 0;
}

/* === the crew's part: packs === */

static int compare_spots(const void *a, const void *b)
{
	const struct spot *one = a, *two = b;

	if (one->pack != two->pack)
		return one->pack < two->pack ? -1 : 1;
	return one->offset < two->offset ? -1 : one->offset > two->offset;
}

static bool is_named(const struct searching *searching, uint32_t pack, uint64_t offset)
{
	struct spot spot = {pack, (uint32_t)offset};

	return bsearch(&spot, searching->spots, searching->ask->index->n_chunks, sizeof(spot),
		compare_spots);
}

static int damaged(struct job *job, const struct tree_pack *pack)
{
	char hex[SHA256_HEX];

	hex_encode(pack->sha256, SHA256_SIZE, hex);
	return err_set(&job->err, ERR_SNAPSHOT, "the pack %s is damaged", hex);
}

/* The frame at `offset` behind kit->out's first CANARY_CONTEXT bytes; its size, or 0. */
static size_t read_frame(struct job *job, struct kit *kit, int fd, uint64_t offset, size_t *len)
{
	const struct tree_pack *pack = &job->searching->ask->index->packs[job->pack];
	uint64_t left = pack->size - offset;
	struct bytes none = {0}, frame = {kit->frame, SNAPSHOT_FRAME_MAX};

	if (frame.len > left)
		frame.len = (size_t)left;
	if (read_at(fd, kit->frame, frame.len, offset) < 0)
		return 0;
	frame.len = codec_frame_size(frame, len);
	if (!frame.len || *len > SNAPSHOT_CHUNK ||
		!codec_unpack(kit->codec, none, frame, kit->out + CANARY_CONTEXT, *len))
		return 0;
	return frame.len;
}

/* Only what is, in whole or in part, in a frame that the index does not name. */
static int search_pack(struct job *job, struct kit *kit)
{
	const struct tree_pack *pack = &job->searching->ask->index->packs[job->pack];
	autoclose int fd = blob_open(job->searching->ask->blobs, pack->sha256, &job->err);
	bool was_named = true;
	size_t kept = 0, size, len;

	if (fd < 0)
		return -1;
	for (uint64_t offset = 0; offset < pack->size; offset += size) {
		unsigned char *begin = kit->out + CANARY_CONTEXT - kept;
		bool named = is_named(job->searching, job->pack, offset);
		struct canary_view view = {
			.data = begin, .from = kept, .first = kept < CANARY_CONTEXT};
		struct looking looking = {
			.tallies = job->tallies, .view = &view, .offset = offset, .some = true};

		size = read_frame(job, kit, fd, offset, &len);
		if (!size)
			return damaged(job, pack);
		view.len = kept + len;
		view.last = offset + size == pack->size;
		looking.foreign = was_named ? kept : 0;
		if (!named || !was_named)
			canary_scan(job->searching->ask->rules, &view, on_hit, &looking);
		was_named = named;
		kept = view.len < CANARY_CONTEXT ? view.len : CANARY_CONTEXT;
		memmove(kit->out + CANARY_CONTEXT - kept, begin + view.len - kept, kept);
	}
	return 0;
}

static void work(void *arg, struct kit *kit)
{
	struct job *job = arg;

	memset(job->tallies, 0, sizeof(job->tallies));
	job->failed = (job->entry ? search_slots(job, kit) : search_pack(job, kit)) < 0;
}

static const struct crew_kind crew = {.job = sizeof(struct job),
	.out = (RUN_SLOTS + 1) * SNAPSHOT_CHUNK,
	.each = 1,
	.work = work};

/* === the caller's part === */

static int take_back(struct searching *searching)
{
	const struct tree_watch *watch = &searching->ask->watch;
	struct job *job = crew_wait(searching->crew);

	if (job->failed) {
		*searching->err = job->err;
		return -1;
	}
	for (size_t kind = 0; kind < CANARY_KINDS; kind++) {
		uint64_t count = searching->tallies[kind].count + job->tallies[kind].count;

		if (!searching->tallies[kind].count)
			searching->tallies[kind] = job->tallies[kind];
		searching->tallies[kind].count = count;
	}
	if (job->last)
		tell_finds(searching, searching->tallies,
			(struct tree_find){.entry = job->entry,
				.pack = job->entry ? NULL
						   : &searching->ask->index->packs[job->pack]});
	searching->done += job->size;
	crew_retire(searching->crew);
	if (watch->progress && watch->progress(watch->ctx, searching->done, searching->total))
		return err_set(searching->err, ERR_CANCELLED, "cancelled");
	return 0;
}

static int submit(struct searching *searching, const struct job *wanted)
{
	struct job *job;

	while (crew_full(searching->crew))
		if (take_back(searching) < 0)
			return -1;
	job = crew_next(searching->crew);
	job->searching = searching;
	job->entry = wanted->entry;
	job->first = wanted->first;
	job->n = wanted->n;
	job->last = wanted->last;
	job->pack = wanted->pack;
	job->size = wanted->size;
	crew_submit(searching->crew);
	return 0;
}

static uint64_t skip_holes(const struct tree_entry *entry, uint64_t slot)
{
	uint64_t n = tree_slots(entry->size);

	while (slot < n && is_hole(entry, slot))
		slot++;
	return slot;
}

static int search_file(struct searching *searching, const struct tree_entry *entry)
{
	uint64_t slots = tree_slots(entry->size), slot = skip_holes(entry, 0), before = 0;

	while (slot < slots) {
		struct job job = {.entry = entry, .first = slot};
		uint64_t next;

		while (job.n < RUN_SLOTS && !is_hole(entry, slot + job.n))
			job.n++;
		next = skip_holes(entry, slot + job.n);
		job.last = next == slots;
		job.size = (job.last ? entry->size : next * SNAPSHOT_CHUNK) - before;
		before = next * SNAPSHOT_CHUNK;
		if (submit(searching, &job) < 0)
			return -1;
		slot = next;
	}
	searching->done += skip_holes(entry, 0) == slots ? entry->size : 0;
	return 0;
}

static void look_at(
	const struct searching *searching, const char *text, size_t len, struct tally *tallies)
{
	look(searching,
		&(struct canary_view){.data = text, .len = len, .first = true, .last = true}, 0,
		tallies);
}

static void search_names(struct searching *searching, const struct tree_entry *entry)
{
	struct tally tallies[CANARY_KINDS] = {0};
	const char *slash = strrchr(entry->path, '/'), *name = slash ? slash + 1 : entry->path;

	look_at(searching, name, strlen(name), tallies);
	if (entry->target)
		look_at(searching, entry->target, strlen(entry->target), tallies);
	for (size_t i = 0; i < entry->n_xattrs; i++)
		look_at(searching, entry->xattrs[i].value, entry->xattrs[i].len, tallies);
	tell_finds(searching, tallies, (struct tree_find){.entry = entry, .in_name = true});
}

static int search_entries(struct searching *searching)
{
	const struct tree_index *index = searching->ask->index;

	for (uint32_t i = 0; i < index->n_entries; i++) {
		const struct tree_entry *entry = &index->entries[i];

		search_names(searching, entry);
		if (entry->type == SNAPSHOT_FILE && search_file(searching, entry) < 0)
			return -1;
	}
	return 0;
}

/* The bytes of each full pack that are of no chunk of the index. */
static uint64_t *unnamed_bytes(const struct tree_index *index)
{
	uint64_t *bytes = xcalloc(index->n_packs, sizeof(*bytes));

	for (uint32_t i = 0; i < index->n_packs; i++)
		bytes[i] = index->packs[i].kind == SNAPSHOT_PACK_FULL ? index->packs[i].size : 0;
	for (uint32_t i = 0; i < index->n_chunks; i++) {
		uint64_t *left = &bytes[index->chunks[i].pack];

		*left -= *left < index->chunks[i].frame_size ? *left : index->chunks[i].frame_size;
	}
	return bytes;
}

static int search_packs(struct searching *searching)
{
	const struct tree_search_ask *ask = searching->ask;
	autofree uint64_t *unnamed = unnamed_bytes(ask->index);

	for (uint32_t i = 0; i < ask->index->n_packs; i++) {
		struct job job = {.pack = i, .last = true};

		if (unnamed[i] && check_pack(ask->blobs, &ask->index->packs[i]) == CHECK_WHOLE &&
			submit(searching, &job) < 0)
			return -1;
	}
	return 0;
}

static void sort_spots(struct searching *searching)
{
	const struct tree_index *index = searching->ask->index;

	searching->spots = spill_zeroed(index->n_chunks, sizeof(*searching->spots));
	for (uint32_t i = 0; i < index->n_chunks; i++)
		searching->spots[i] = (struct spot){index->chunks[i].pack, index->chunks[i].offset};
	if (index->n_chunks)
		qsort(searching->spots, index->n_chunks, sizeof(*searching->spots), compare_spots);
}

static int search(struct searching *searching)
{
	int result = -1;

	searching->crew = crew_new(&crew, searching->err);
	if (searching->crew)
		result = search_entries(searching) < 0 || search_packs(searching) < 0 ? -1 : 0;
	while (result == 0 && crew_wait(searching->crew))
		result = take_back(searching);
	crew_free(searching->crew);
	return result;
}

int tree_search(const struct tree_search_ask *ask, uint64_t *finds, struct err *err)
{
	autofree struct searching *searching = xcalloc(1, sizeof(*searching));
	int result;

	searching->ask = ask;
	searching->err = err;
	searching->total = ask->index->bytes;
	sort_spots(searching);
	source_init(&searching->source, ask->index, ask->blobs);
	if (ask->parent) {
		source_init(&searching->parent, ask->parent, ask->blobs);
		searching->source.parent = &searching->parent;
	}
	result = search(searching);
	source_release(&searching->source);
	if (ask->parent)
		source_release(&searching->parent);
	spill_free(searching->spots);
	*finds = searching->finds;
	return result;
}
