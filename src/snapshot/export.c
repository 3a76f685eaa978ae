/*
 * export.c - packs and an index into a tar, without a directory in between.
 *
 * The crew unpacks and checks runs of slots; the caller's thread writes what comes back, in the
 * order of the index: an entry's header goes out with its first run.
 */
#include "crew.h"
#include "index.h"
#include "source.h"

#include "devenv/mem.h"
#include "devenv/tar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RUN_SLOTS 8 /* of a job: 512 KiB */

/* A file with less of them has its holes written out, because not every tar knows them. */
#define HOLES_WORTH ((uint64_t)1 << 20)

static const unsigned char zeros[SNAPSHOT_CHUNK];

struct job {
	struct source *source;
	const struct tree_entry *entry;
	uint64_t first; /* 0: the header comes before it */
	size_t n;       /* slots; 0: nothing but the header */
	bool sparse;
	bool failed;
	struct err err;
	unsigned char *out; /* RUN_SLOTS * SNAPSHOT_CHUNK, holes left as they are */
};

struct exporting {
	const struct tree_export_ask *ask;
	struct source source, parent;
	struct crew *crew;
	struct tar_writer tar;
	uint64_t done;
	struct err *err;
};

/* === the crew's part === */

static void work(void *arg, struct kit *kit)
{
	struct job *job = arg;

	if (!job->out)
		job->out = xmalloc(RUN_SLOTS * SNAPSHOT_CHUNK);
	job->failed = false;
	for (size_t i = 0; i < job->n && !job->failed; i++) {
		uint32_t number = job->entry->slots[job->first + i];

		job->failed = number != SNAPSHOT_HOLE &&
			      source_chunk(job->source, kit, number, job->out + i * SNAPSHOT_CHUNK,
				      &job->err) < 0;
	}
}

static void drop(void *arg)
{
	struct job *job = arg;

	free(job->out);
}

static const struct crew_kind crew = {
	.job = sizeof(struct job), .each = 1, .work = work, .drop = drop};

/* === headers === */

/* The bytes of slots that are holes. */
static uint64_t hole_bytes(const struct tree_entry *entry)
{
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < tree_slots(entry->size); i++)
		if (entry->slots[i] == SNAPSHOT_HOLE)
			bytes += index_slot_size(entry->size, i);
	return bytes;
}

/*
 * GNU's sparse format 1.0: before the data the number of its pieces, and offset and size of each,
 * one number a line, filled up to a block. A last piece of no size says where the file ends.
 */
static void print_map(const struct tree_entry *entry, struct buf *map)
{
	autobuf struct buf pieces = BUF_INIT(0);
	uint64_t slots = tree_slots(entry->size), n = 1;

	for (uint64_t i = 0; i < slots; i++) {
		uint64_t first = i, end;

		if (entry->slots[i] == SNAPSHOT_HOLE)
			continue;
		while (i + 1 < slots && entry->slots[i + 1] != SNAPSHOT_HOLE)
			i++;
		end = i + 1 == slots ? entry->size : (i + 1) * SNAPSHOT_CHUNK;
		buf_addf(&pieces, "%" PRIu64 "\n%" PRIu64 "\n", first * SNAPSHOT_CHUNK,
			end - first * SNAPSHOT_CHUNK);
		n++;
	}
	buf_addf(map, "%" PRIu64 "\n%s%" PRIu64 "\n0\n", n, buf_str(&pieces), entry->size);
	while (map->len % TAR_BLOCK)
		buf_addch(map, '\0');
}

static char tar_type(enum snapshot_entry_type type)
{
	static const char types[] = {[SNAPSHOT_DIRECTORY] = '5',
		[SNAPSHOT_FILE] = '0',
		[SNAPSHOT_SYMLINK] = '2',
		[SNAPSHOT_FIFO] = '6',
		[SNAPSHOT_HARDLINK] = '1'};

	return types[type];
}

static struct tar_xattr *tar_xattrs(const struct tree_entry *entry)
{
	struct tar_xattr *xattrs = xcalloc(entry->n_xattrs + 1, sizeof(*xattrs));

	for (size_t i = 0; i < entry->n_xattrs; i++)
		xattrs[i] = (struct tar_xattr){
			entry->xattrs[i].name, entry->xattrs[i].value, entry->xattrs[i].len};
	return xattrs;
}

static int put_header(struct exporting *exporting, const struct job *job)
{
	const struct tree_entry *entry = job->entry, *real = entry, *linked = NULL;
	bool folder = entry->type == SNAPSHOT_DIRECTORY;
	autofree char *name = xasprintf("./%s%s", entry->path, folder && *entry->path ? "/" : "");
	autofree char *link = NULL;
	autofree struct tar_xattr *xattrs = NULL;
	autobuf struct buf map = BUF_INIT(0);
	struct tar_entry header = {.name = name, .type = tar_type(entry->type)};

	if (entry->type == SNAPSHOT_HARDLINK) {
		/* It has no attributes of its own. */
		linked = real = &exporting->ask->index->entries[entry->link];
		link = xasprintf("./%s", linked->path);
	}
	header.link = link ? link : entry->target;
	header.mode = real->mode;
	header.uid = real->uid;
	header.gid = real->gid;
	header.mtime = real->mtime.tv_sec;
	header.mtime_ns = (uint32_t)real->mtime.tv_nsec;
	header.size = entry->type == SNAPSHOT_FILE ? entry->size : 0;
	xattrs = linked ? NULL : tar_xattrs(entry);
	header.xattrs = xattrs;
	header.n_xattrs = linked ? 0 : entry->n_xattrs;
	if (job->sparse) {
		print_map(entry, &map);
		header.real_size = entry->size;
		header.size = entry->size - hole_bytes(entry) + map.len;
	}
	if (tar_add(&exporting->tar, &header, exporting->err) < 0)
		return -1;
	return map.len ? tar_data(&exporting->tar, map.data, map.len, exporting->err) : 0;
}

/* === jobs === */

static int put_slots(struct exporting *exporting, const struct job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		uint64_t slot = job->first + i;
		bool hole = job->entry->slots[slot] == SNAPSHOT_HOLE;

		if ((!hole || !job->sparse) &&
			tar_data(&exporting->tar, hole ? zeros : job->out + i * SNAPSHOT_CHUNK,
				index_slot_size(job->entry->size, slot), exporting->err) < 0)
			return -1;
		exporting->done += index_slot_size(job->entry->size, slot);
	}
	return 0;
}

static int take_back(struct exporting *exporting)
{
	const struct tree_watch *watch = &exporting->ask->watch;
	struct job *job = crew_wait(exporting->crew);

	if (job->failed) {
		*exporting->err = job->err;
		return err_wrap(exporting->err, "\"%.200s\"", job->entry->path);
	}
	if ((!job->first && put_header(exporting, job) < 0) || put_slots(exporting, job) < 0)
		return -1;
	crew_retire(exporting->crew);
	if (watch->progress &&
		watch->progress(watch->ctx, exporting->done, exporting->ask->index->bytes))
		return err_set(exporting->err, ERR_CANCELLED, "cancelled");
	return 0;
}

static int submit(struct exporting *exporting, const struct tree_entry *entry, uint64_t first,
	size_t n, bool sparse)
{
	struct job *job;

	while (crew_full(exporting->crew))
		if (take_back(exporting) < 0)
			return -1;
	job = crew_next(exporting->crew);
	job->source = &exporting->source;
	job->entry = entry;
	job->first = first;
	job->n = n;
	job->sparse = sparse;
	crew_submit(exporting->crew);
	return 0;
}

static int export_entry(struct exporting *exporting, const struct tree_entry *entry)
{
	uint64_t slots = entry->type == SNAPSHOT_FILE ? tree_slots(entry->size) : 0, slot = 0;
	bool sparse = slots && hole_bytes(entry) >= HOLES_WORTH;

	do {
		size_t n = slots - slot < RUN_SLOTS ? (size_t)(slots - slot) : RUN_SLOTS;

		if (submit(exporting, entry, slot, n, sparse) < 0)
			return -1;
		slot += n;
	} while (slot < slots);
	return 0;
}

static int export_all(struct exporting *exporting)
{
	const struct tree_index *index = exporting->ask->index;

	for (uint32_t i = 0; i < index->n_entries; i++)
		if (export_entry(exporting, &index->entries[i]) < 0)
			return -1;
	while (crew_wait(exporting->crew))
		if (take_back(exporting) < 0)
			return -1;
	return tar_end(&exporting->tar, exporting->err);
}

int tree_export(const struct tree_export_ask *ask, struct err *err)
{
	autofree struct exporting *exporting = xcalloc(1, sizeof(*exporting));
	int result = -1;

	*exporting = (struct exporting){
		.ask = ask, .tar = {.write = ask->write, .ctx = ask->write_ctx}, .err = err};
	source_init(&exporting->source, ask->index, ask->blobs);
	if (ask->parent) {
		source_init(&exporting->parent, ask->parent, ask->blobs);
		exporting->source.parent = &exporting->parent;
	}
	exporting->crew = crew_new(&crew, err);
	if (exporting->crew)
		result = export_all(exporting);
	crew_free(exporting->crew);
	source_release(&exporting->source);
	if (ask->parent)
		source_release(&exporting->parent);
	return result;
}
