/*
 * index_read.c - an index out of a blob, every number of which may be a lie.
 *
 * The blob is read and decompressed in pieces, and tables grow with what has arrived: a count alone
 * makes no memory.  After the first fault every number reads as 0, and the loops stop.
 */
#include "blob.h"
#include "chunk_map.h"
#include "codec.h"
#include "index.h"

#include "devenv/mem.h"
#include "devenv/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 131072

struct reader {
	struct bytes in; /* of the blob: not decompressed yet */
	int fd;          /* more of it, or -1 */
	unsigned char *input;
	struct sha256 *blob_hash;
	uint64_t blob_size;
	struct codec *codec;
	bool ended; /* the frame */
	unsigned char out[PIECE];
	size_t start, end; /* of what is decompressed and not taken */
	size_t hashed;     /* of `out`, at most start */
	uint64_t left;     /* of the plain index without its trailer: not taken */
	struct sha256 *hash;
	struct err *err;
	bool failed;
};

static int fault(struct reader *reader, const char *what)
{
	if (!reader->failed)
		err_set(reader->err, ERR_SNAPSHOT, "the index is damaged: %s", what);
	reader->failed = true;
	return -1;
}

static int entry_fault(struct reader *reader, const struct tree_entry *entry, const char *what)
{
	if (!reader->failed)
		err_set(reader->err, ERR_SNAPSHOT, "the index is damaged: \"%.200s\" %s",
			entry->path ? entry->path : "", what);
	reader->failed = true;
	return -1;
}

/* === bytes === */

/* More of the blob; nothing at its end. */
static void fill(struct reader *reader)
{
	ssize_t n;

	if (reader->in.len || reader->fd < 0)
		return;
	do
		n = read(reader->fd, reader->input, PIECE);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		err_os(reader->err, ERR_SNAPSHOT, errno, "read the index");
		reader->failed = true;
		return;
	}
	reader->in = (struct bytes){reader->input, (size_t)n};
	sha256_add(reader->blob_hash, reader->input, (size_t)n);
	reader->blob_size += (uint64_t)n;
}

static void hash_taken(struct reader *reader)
{
	sha256_add(reader->hash, reader->out + reader->hashed, reader->start - reader->hashed);
	reader->hashed = reader->start;
}

/* One step of the frame: up to PIECE bytes to `out`, or nothing yet. */
static int unpack_more(struct reader *reader, void *out, size_t *got)
{
	size_t before;
	int result;

	fill(reader);
	if (reader->failed)
		return -1;
	/* Without input too: zstd may hold back what did not fit. */
	before = reader->in.len;
	result = codec_stream_unpack(reader->codec, &reader->in, out, PIECE, got);
	if (result < 0)
		return fault(reader, "its frame is no zstd");
	reader->ended = result > 0;
	if (!before && !*got && !reader->ended)
		return fault(reader, "it is cut short");
	return 0;
}

/* More of the plain index into `out`, which is empty. */
static int refill(struct reader *reader)
{
	hash_taken(reader);
	reader->start = reader->end = reader->hashed = 0;
	while (!reader->failed && !reader->end) {
		if (reader->ended)
			return fault(reader, "it is shorter than its head says");
		if (unpack_more(reader, reader->out, &reader->end) < 0)
			return -1;
	}
	return reader->failed ? -1 : 0;
}

static int get_any(struct reader *reader, void *data, size_t len)
{
	unsigned char *to = data;

	while (len && !reader->failed) {
		size_t n = reader->end - reader->start;

		if (!n && refill(reader) < 0)
			break;
		n = reader->end - reader->start < len ? reader->end - reader->start : len;
		memcpy(to, reader->out + reader->start, n);
		reader->start += n;
		to += n;
		len -= n;
	}
	memset(to, 0, len);
	return reader->failed ? -1 : 0;
}

static int get(struct reader *reader, void *data, size_t len)
{
	if (len > reader->left) {
		memset(data, 0, len);
		return fault(reader, "a table goes over its end");
	}
	reader->left -= len;
	return get_any(reader, data, len);
}

static uint64_t number(struct reader *reader, size_t len)
{
	unsigned char bytes[8];
	uint64_t value = 0;

	get(reader, bytes, len);
	while (len)
		value = value << 8 | bytes[--len];
	return value;
}

/* `len` bytes and a NUL; NULL after a fault. */
static char *text(struct reader *reader, size_t len)
{
	char *out;

	if (reader->failed || len > reader->left) {
		fault(reader, "a text goes over its end");
		return NULL;
	}
	out = xmalloc(len + 1);
	get(reader, out, len);
	out[len] = '\0';
	return out;
}

/* === tables === */

static void get_head(struct reader *reader, struct tree_index *index)
{
	get(reader, index->parent, SHA256_SIZE);
	index->n_packs = (uint32_t)number(reader, 4);
	index->n_chunks = (uint32_t)number(reader, 4);
	index->n_deltas = (uint32_t)number(reader, 4);
	index->n_entries = (uint32_t)number(reader, 4);
	index->bytes = number(reader, 8);
}

static void get_packs(struct reader *reader, struct tree_index *index)
{
	uint32_t n = index->n_packs;

	for (index->n_packs = 0; index->n_packs < n && !reader->failed; index->n_packs++) {
		struct tree_pack pack = {.kind = SNAPSHOT_PACK_FULL};
		unsigned kind;

		get(reader, pack.sha256, SHA256_SIZE);
		pack.size = number(reader, 8);
		kind = (unsigned)number(reader, 1);
		if (!pack.size || pack.size > SNAPSHOT_PACK_MAX || kind > SNAPSHOT_PACK_DELTA)
			fault(reader, "a pack's size or kind");
		pack.kind = (enum snapshot_pack_kind)kind;
		index->packs = xgrow(index->packs, index->n_packs, sizeof(pack));
		index->packs[index->n_packs] = pack;
	}
}

/* Where a frame is, and is it in such a pack? */
static bool frame_fits(const struct tree_index *index, uint32_t pack, uint32_t offset,
	uint32_t size, enum snapshot_pack_kind kind)
{
	return size && size <= SNAPSHOT_FRAME_MAX && pack < index->n_packs &&
	       index->packs[pack].kind == kind &&
	       (uint64_t)offset + size <= index->packs[pack].size;
}

static void get_chunks(struct reader *reader, struct tree_index *index)
{
	uint32_t n = index->n_chunks;
	struct chunk_map map = {0};

	for (index->n_chunks = 0; index->n_chunks < n && !reader->failed; index->n_chunks++) {
		struct tree_chunk chunk;

		get(reader, chunk.id, SHA256_SIZE);
		chunk.size = (uint32_t)number(reader, 4);
		chunk.pack = (uint32_t)number(reader, 4);
		chunk.offset = (uint32_t)number(reader, 4);
		chunk.frame_size = (uint32_t)number(reader, 4);
		if (!chunk.size || chunk.size > SNAPSHOT_CHUNK ||
			!frame_fits(index, chunk.pack, chunk.offset, chunk.frame_size,
				SNAPSHOT_PACK_FULL))
			fault(reader, "a chunk's size or place");
		if (chunk_map_find(&map, index->chunks, chunk.id) != SNAPSHOT_HOLE)
			fault(reader, "a chunk is listed twice");
		if (reader->failed)
			break;
		index->chunks = spill_grow(index->chunks, index->n_chunks, sizeof(chunk));
		index->chunks[index->n_chunks] = chunk;
		chunk_map_add(&map, index->chunks, index->n_chunks);
	}
	chunk_map_release(&map);
}

static void get_bases(struct reader *reader, struct tree_index *index, uint32_t n)
{
	for (uint32_t i = 0; i < n && !reader->failed; i++) {
		index->bases = spill_grow(index->bases, index->n_bases, sizeof(*index->bases));
		index->bases[index->n_bases++] = (uint32_t)number(reader, 4);
	}
}

static void get_deltas(struct reader *reader, struct tree_index *index)
{
	static const unsigned char none[SHA256_SIZE];
	uint32_t n = index->n_deltas;

	if (n && memcmp(index->parent, none, SHA256_SIZE) == 0)
		fault(reader, "it has deltas and no parent");
	for (index->n_deltas = 0; index->n_deltas < n && !reader->failed; index->n_deltas++) {
		const struct tree_delta *before = index->n_deltas
							  ? &index->deltas[index->n_deltas - 1]
							  : NULL;
		struct tree_delta delta = {.bases = index->n_bases};

		delta.chunk = (uint32_t)number(reader, 4);
		delta.pack = (uint32_t)number(reader, 4);
		delta.offset = (uint32_t)number(reader, 4);
		delta.frame_size = (uint32_t)number(reader, 4);
		delta.n_bases = (uint32_t)number(reader, 1);
		if (!delta.n_bases || delta.n_bases > SNAPSHOT_BASES_MAX ||
			delta.chunk >= index->n_chunks ||
			(before && delta.chunk <= before->chunk) ||
			!frame_fits(index, delta.pack, delta.offset, delta.frame_size,
				SNAPSHOT_PACK_DELTA))
			fault(reader, "a delta's chunk, place or bases");
		get_bases(reader, index, delta.n_bases);
		index->deltas = spill_grow(index->deltas, index->n_deltas, sizeof(delta));
		index->deltas[index->n_deltas] = delta;
	}
}

/* === entries === */

/* What holds across entries. */
struct entries {
	struct index_walk walk;
	uint32_t first; /* number of chunks that were used so far */
	uint64_t bytes;
	uint64_t items; /* entries and extended attributes */
};

static void get_xattrs(struct reader *reader, struct entries *all, struct tree_entry *entry)
{
	size_t n = (size_t)number(reader, 2);

	all->items += n;
	if (n > SNAPSHOT_XATTRS_MAX || all->items > SNAPSHOT_ENTRIES_MAX)
		entry_fault(reader, entry, "has too many extended attributes");
	while (entry->n_xattrs < n && !reader->failed) {
		struct tree_xattr xattr = {0};
		size_t len = (size_t)number(reader, 1);

		xattr.name = text(reader, len);
		xattr.len = (size_t)number(reader, 4);
		if (xattr.len <= SNAPSHOT_XATTR_MAX)
			xattr.value = text(reader, xattr.len);
		entry->xattrs = xgrow(entry->xattrs, entry->n_xattrs, sizeof(xattr));
		entry->xattrs[entry->n_xattrs++] = xattr;
		if (!xattr.name || !len || strlen(xattr.name) != len || !xattr.value ||
			(entry->n_xattrs > 1 &&
				strcmp(xattr.name, entry->xattrs[entry->n_xattrs - 2].name) <= 0))
			entry_fault(reader, entry, "has a bad extended attribute");
	}
}

static void get_attributes(struct reader *reader, struct entries *all, struct tree_entry *entry)
{
	uint64_t mode = number(reader, 2), nanoseconds;

	entry->mode = (mode_t)mode;
	entry->uid = (uid_t)number(reader, 4);
	entry->gid = (gid_t)number(reader, 4);
	entry->mtime.tv_sec = (time_t)(int64_t)number(reader, 8);
	nanoseconds = number(reader, 4);
	entry->mtime.tv_nsec = (long)nanoseconds;
	if (mode & ~(uint64_t)07777 || nanoseconds >= 1000000000)
		entry_fault(reader, entry, "has a bad mode or time");
	get_xattrs(reader, all, entry);
}

static void get_slot(struct reader *reader, const struct tree_index *index, struct entries *all,
	struct tree_entry *entry, uint64_t i)
{
	uint32_t chunk = (uint32_t)number(reader, 4);

	entry->slots[i] = chunk;
	if (chunk == SNAPSHOT_HOLE || reader->failed)
		return;
	if (chunk > all->first || chunk >= index->n_chunks)
		entry_fault(reader, entry, "has a chunk out of order");
	else if (index->chunks[chunk].size != index_slot_size(entry->size, i))
		entry_fault(reader, entry, "has a chunk of another size");
	all->first += chunk == all->first;
}

static void get_file(struct reader *reader, const struct tree_index *index, struct entries *all,
	struct tree_entry *entry)
{
	uint64_t n;

	entry->size = number(reader, 8);
	n = tree_slots(entry->size);
	if (entry->size > INT64_MAX || n > reader->left / 4 ||
		__builtin_add_overflow(all->bytes, entry->size, &all->bytes)) {
		entry->size = 0;
		entry_fault(reader, entry, "has a bad size");
		return;
	}
	for (uint64_t i = 0; i < n && !reader->failed; i++) {
		entry->slots = spill_grow(entry->slots, i, sizeof(*entry->slots));
		get_slot(reader, index, all, entry, i);
	}
}

static void get_symlink(struct reader *reader, struct tree_entry *entry)
{
	size_t len = (size_t)number(reader, 2);

	entry->target = text(reader, len);
	if (!len || len > SNAPSHOT_TARGET_MAX || !entry->target || strlen(entry->target) != len)
		entry_fault(reader, entry, "has a bad link target");
}

static void get_hardlink(
	struct reader *reader, const struct tree_index *index, uint32_t n, struct tree_entry *entry)
{
	enum snapshot_entry_type type;

	entry->link = (uint32_t)number(reader, 4);
	type = entry->link < n ? index->entries[entry->link].type : SNAPSHOT_HARDLINK;
	if (type == SNAPSHOT_HARDLINK || type == SNAPSHOT_DIRECTORY)
		entry_fault(reader, entry, "is a hard link to nothing");
}

static void get_path(struct reader *reader, const struct tree_index *index, struct entries *all,
	uint32_t n, struct tree_entry *entry)
{
	size_t len = (size_t)number(reader, 2);
	const char *wrong = NULL;

	entry->path = text(reader, len > SNAPSHOT_PATH_MAX ? 0 : len);
	if (!entry->path)
		return;
	if (n)
		wrong = index_path_fault(entry->path, len);
	if (!wrong && n && index_path_order(index->entries[n - 1].path, entry->path) >= 0)
		wrong = "is out of order";
	if (!wrong)
		wrong = index_walk(&all->walk, index->entries, n);
	if (wrong)
		entry_fault(reader, entry, wrong);
}

static void get_entry(
	struct reader *reader, const struct tree_index *index, struct entries *all, uint32_t n)
{
	struct tree_entry *entry = &index->entries[n];
	unsigned type = (unsigned)number(reader, 1);

	if (type < SNAPSHOT_DIRECTORY || type > SNAPSHOT_HARDLINK)
		fault(reader, "an entry's type");
	entry->type = (enum snapshot_entry_type)type;
	get_path(reader, index, all, n, entry);
	if (reader->failed)
		return;
	if (entry->type == SNAPSHOT_HARDLINK) {
		get_hardlink(reader, index, n, entry);
		return;
	}
	get_attributes(reader, all, entry);
	if (entry->type == SNAPSHOT_FILE)
		get_file(reader, index, all, entry);
	if (entry->type == SNAPSHOT_SYMLINK)
		get_symlink(reader, entry);
}

static void get_entries(struct reader *reader, struct tree_index *index)
{
	struct entries all = {.items = index->n_entries};
	uint32_t n = index->n_entries;

	if (!n || n > SNAPSHOT_ENTRIES_MAX)
		fault(reader, "the number of its entries");
	index->n_entries = 0;
	while (index->n_entries < n && !reader->failed) {
		index->entries = spill_grow(
			index->entries, index->n_entries, sizeof(*index->entries));
		index->entries[index->n_entries] = (struct tree_entry){0};
		/* Counted first: what there is of it is freed with the index. */
		index->n_entries++;
		get_entry(reader, index, &all, index->n_entries - 1);
	}
	if (all.first != index->n_chunks || all.bytes != index->bytes)
		fault(reader, "the number of its chunks or bytes");
}

/* === the whole === */

static void get_trailer(struct reader *reader)
{
	unsigned char expect[SHA256_SIZE], digest[SHA256_SIZE];

	if (reader->left)
		fault(reader, "there is more behind the entries");
	hash_taken(reader);
	sha256_end_raw(TAKE(reader->hash), digest);
	reader->hash = sha256_new(); /* for the rest, which is not looked at */
	get_any(reader, expect, SHA256_SIZE);
	if (memcmp(expect, digest, SHA256_SIZE) != 0)
		fault(reader, "its checksum is wrong");
	while (!reader->failed && !reader->ended && reader->start == reader->end) {
		reader->start = reader->end = 0;
		unpack_more(reader, reader->out, &reader->end);
	}
	if (!reader->failed)
		fill(reader);
	if (reader->start != reader->end || reader->in.len)
		fault(reader, "there is more behind it");
}

static void get_magic(struct reader *reader)
{
	unsigned char head[SNAPSHOT_INDEX_HEAD];
	uint64_t size = 0;

	fill(reader);
	if (reader->failed)
		return;
	if (reader->in.len < sizeof(head) ||
		memcmp(reader->in.data, SNAPSHOT_INDEX_MAGIC, 8) != 0) {
		err_set(reader->err, ERR_SNAPSHOT, "it is no index of a snapshot");
		reader->failed = true;
		return;
	}
	memcpy(head, reader->in.data, sizeof(head));
	reader->in.data = (const char *)reader->in.data + sizeof(head);
	reader->in.len -= sizeof(head);
	for (size_t i = 16; i-- > 8;)
		size = size << 8 | head[i];
	if (size < SHA256_SIZE || size > SNAPSHOT_INDEX_MAX)
		fault(reader, "its size is not between 32 bytes and 1 GiB");
	else
		reader->left = size - SHA256_SIZE;
}

static struct tree_index *get_index(struct reader *reader)
{
	struct tree_index *index = xcalloc(1, sizeof(*index));

	get_magic(reader);
	get_head(reader, index);
	get_packs(reader, index);
	get_chunks(reader, index);
	get_deltas(reader, index);
	get_entries(reader, index);
	get_trailer(reader);
	return index;
}

static struct tree_index *read_index(struct reader *reader)
{
	struct tree_index *index = NULL;

	reader->codec = codec_new(reader->err);
	if (!reader->codec)
		return NULL;
	reader->hash = sha256_new();
	index = get_index(reader);
	sha256_end_raw(reader->hash, index->digest);
	codec_free(reader->codec);
	if (!reader->failed)
		return index;
	tree_index_free(index);
	return NULL;
}

struct tree_index *tree_index_decode(const void *blob, size_t len, struct err *err)
{
	autofree struct reader *reader = xcalloc(1, sizeof(*reader));
	struct tree_index *index;

	reader->in = (struct bytes){blob, len};
	reader->fd = -1;
	reader->err = err;
	index = read_index(reader);
	if (index) {
		index->blob_size = len;
		sha256_raw(blob, len, index->digest);
	}
	return index;
}

struct tree_index *tree_index_open(int blobs, const char *hex, struct err *err)
{
	autofree struct reader *reader = xcalloc(1, sizeof(*reader));
	autofree unsigned char *input = xmalloc(PIECE);
	unsigned char expect[SHA256_SIZE], digest[SHA256_SIZE];
	struct tree_index *index;
	autoclose int fd = -1;

	if (!hex_decode(hex, expect, sizeof(expect))) {
		err_set(err, ERR_SNAPSHOT, "\"%.100s\" is no SHA-256", hex);
		return NULL;
	}
	fd = blob_open(blobs, expect, err);
	if (fd < 0)
		return NULL;
	reader->fd = fd;
	reader->input = input;
	reader->blob_hash = sha256_new();
	reader->err = err;
	index = read_index(reader);
	sha256_end_raw(reader->blob_hash, digest);
	if (index && memcmp(digest, expect, SHA256_SIZE) != 0) {
		err_set(err, ERR_SNAPSHOT, "the blob %s has not the digest of its name", hex);
		tree_index_free(index);
		return NULL;
	}
	if (index) {
		memcpy(index->digest, digest, SHA256_SIZE);
		index->blob_size = reader->blob_size;
	}
	return index;
}
