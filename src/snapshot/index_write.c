/*
 * index_write.c - an index in memory as a blob.
 *
 * Goes through the index twice: once to count the bytes, which the frame's head needs, and once to
 * write them.
 */
#include "blob.h"
#include "codec.h"
#include "index.h"

#include "devenv/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

struct writer {
	uint64_t size; /* of the plain index so far, without the trailer */
	bool counting;
	struct codec *codec;
	struct sha256 *hash;
	struct buf *blob;         /* what is not in the file yet */
	int fd;                   /* -1: all of it stays in `blob` */
	struct sha256 *blob_hash; /* of what is in the file */
	uint64_t blob_size;
	unsigned char piece[PIECE];
	size_t used;
	struct err *err;
	bool failed;
};

static int write_out(struct writer *writer)
{
	struct buf *blob = writer->blob;

	if (writer->fd < 0)
		return 0;
	if (write_at(writer->fd, blob->data, blob->len, writer->blob_size) < 0)
		return err_os(writer->err, ERR_SNAPSHOT, errno, "write it");
	sha256_add(writer->blob_hash, blob->data, blob->len);
	writer->blob_size += blob->len;
	blob->len = 0;
	return 0;
}

static void flush(struct writer *writer, bool last)
{
	struct bytes piece = {writer->piece, writer->used};

	if (!writer->failed &&
		(codec_stream_pack(writer->codec, piece, last, writer->blob, writer->err) < 0 ||
			write_out(writer) < 0))
		writer->failed = true;
	writer->used = 0;
}

static void put(struct writer *writer, const void *data, size_t len)
{
	const unsigned char *from = data;

	writer->size += len;
	while (len && !writer->counting) {
		size_t n = len < PIECE - writer->used ? len : PIECE - writer->used;

		memcpy(writer->piece + writer->used, from, n);
		writer->used += n;
		from += n;
		len -= n;
		if (writer->used == PIECE) {
			sha256_add(writer->hash, writer->piece, PIECE);
			flush(writer, false);
		}
	}
}

/* The lowest `len` bytes of a number. */
static void number(struct writer *writer, uint64_t value, size_t len)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	put(writer, bytes, len);
}

static void put_head(struct writer *writer, const struct tree_index *index)
{
	put(writer, index->parent, SHA256_SIZE);
	number(writer, index->n_packs, 4);
	number(writer, index->n_chunks, 4);
	number(writer, index->n_deltas, 4);
	number(writer, index->n_entries, 4);
	number(writer, index->bytes, 8);
}

static void put_tables(struct writer *writer, const struct tree_index *index)
{
	for (uint32_t i = 0; i < index->n_packs; i++) {
		put(writer, index->packs[i].sha256, SHA256_SIZE);
		number(writer, index->packs[i].size, 8);
		number(writer, index->packs[i].kind, 1);
	}
	for (uint32_t i = 0; i < index->n_chunks; i++) {
		put(writer, index->chunks[i].id, SHA256_SIZE);
		number(writer, index->chunks[i].size, 4);
		number(writer, index->chunks[i].pack, 4);
		number(writer, index->chunks[i].offset, 4);
		number(writer, index->chunks[i].frame_size, 4);
	}
	for (uint32_t i = 0; i < index->n_deltas; i++) {
		const struct tree_delta *delta = &index->deltas[i];

		number(writer, delta->chunk, 4);
		number(writer, delta->pack, 4);
		number(writer, delta->offset, 4);
		number(writer, delta->frame_size, 4);
		number(writer, delta->n_bases, 1);
		for (uint32_t b = 0; b < delta->n_bases; b++)
			number(writer, index->bases[delta->bases + b], 4);
	}
}

static void put_text(struct writer *writer, const char *text, size_t len_size)
{
	size_t len = strlen(text);

	number(writer, len, len_size);
	put(writer, text, len);
}

static void put_attributes(struct writer *writer, const struct tree_entry *entry)
{
	number(writer, entry->mode, 2);
	number(writer, entry->uid, 4);
	number(writer, entry->gid, 4);
	number(writer, (uint64_t)entry->mtime.tv_sec, 8);
	number(writer, (uint64_t)entry->mtime.tv_nsec, 4);
	number(writer, entry->n_xattrs, 2);
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		put_text(writer, entry->xattrs[i].name, 1);
		number(writer, entry->xattrs[i].len, 4);
		put(writer, entry->xattrs[i].value, entry->xattrs[i].len);
	}
}

static void put_entry(struct writer *writer, const struct tree_entry *entry)
{
	number(writer, entry->type, 1);
	put_text(writer, entry->path, 2);
	if (entry->type == SNAPSHOT_HARDLINK) {
		number(writer, entry->link, 4);
		return;
	}
	put_attributes(writer, entry);
	if (entry->type == SNAPSHOT_FILE) {
		number(writer, entry->size, 8);
		for (uint64_t i = 0; i < tree_slots(entry->size); i++)
			number(writer, entry->slots[i], 4);
	}
	if (entry->type == SNAPSHOT_SYMLINK)
		put_text(writer, entry->target, 2);
}

static void put_index(struct writer *writer, const struct tree_index *index)
{
	put_head(writer, index);
	put_tables(writer, index);
	for (uint32_t i = 0; i < index->n_entries; i++)
		put_entry(writer, &index->entries[i]);
}

static void put_trailer(struct writer *writer)
{
	unsigned char digest[SHA256_SIZE];

	sha256_add(writer->hash, writer->piece, writer->used);
	sha256_end_raw(TAKE(writer->hash), digest);
	if (PIECE - writer->used < SHA256_SIZE)
		flush(writer, false);
	memcpy(writer->piece + writer->used, digest, SHA256_SIZE);
	writer->used += SHA256_SIZE;
	flush(writer, true);
}

static void put_blob(struct writer *writer, const struct tree_index *index)
{
	uint64_t size = writer->size + SHA256_SIZE;
	unsigned char head[SNAPSHOT_INDEX_HEAD] = SNAPSHOT_INDEX_MAGIC;

	for (size_t i = 0; i < 8; i++)
		head[8 + i] = (unsigned char)(size >> (8 * i));
	writer->counting = false;
	writer->hash = sha256_new();
	if (buf_add(writer->blob, head, sizeof(head)) < 0 ||
		codec_stream_begin(writer->codec, size, writer->err) < 0)
		writer->failed = true;
	put_index(writer, index);
	put_trailer(writer);
}

static int write_index(
	struct writer *writer, const struct tree_index *index, struct buf *blob, int fd)
{
	writer->counting = true;
	writer->blob = blob;
	writer->fd = fd;
	put_index(writer, index);
	if (writer->size + SHA256_SIZE > SNAPSHOT_INDEX_MAX ||
		index->n_entries > SNAPSHOT_ENTRIES_MAX)
		return err_set(writer->err, ERR_SNAPSHOT,
			"the index would be over 1 GiB or have over 2097152 entries");
	writer->codec = codec_new(writer->err);
	if (!writer->codec)
		return -1;
	put_blob(writer, index);
	codec_free(writer->codec);
	return writer->failed ? err_wrap(writer->err, "write the index") : 0;
}

int tree_index_encode(struct tree_index *index, struct buf *blob, struct err *err)
{
	autofree struct writer *writer = xcalloc(1, sizeof(*writer));
	size_t start = blob->len;

	writer->err = err;
	if (write_index(writer, index, blob, -1) < 0)
		return -1;
	index->blob_size = blob->len - start;
	sha256_raw(blob->data + start, blob->len - start, index->digest);
	return 0;
}

/* To an open file, never all of it in memory. */
static int write_file(struct tree_index *index, int fd, struct err *err)
{
	autofree struct writer *writer = xcalloc(1, sizeof(*writer));
	autobuf struct buf blob = BUF_INIT(SNAPSHOT_INDEX_MAX);
	int result;

	writer->err = err;
	writer->blob_hash = sha256_new();
	result = write_index(writer, index, &blob, fd);
	index->blob_size = writer->blob_size;
	sha256_end_raw(writer->blob_hash, index->digest);
	return result;
}

int tree_index_store(struct tree_index *index, int blobs, struct err *err)
{
	char staged[BLOB_STAGED];
	autoclose int fd = -1;

	/* What it names is on the disk before it, and its own name when this returns. */
	fsync(blobs);
	fd = blob_begin(blobs, staged, err);
	if (fd < 0)
		return -1;
	if (write_file(index, fd, err) < 0 || blob_sync(fd, index->digest, err) < 0) {
		blob_drop(blobs, staged);
		return -1;
	}
	if (blob_settle(blobs, staged, index->digest, err) < 0)
		return -1;
	fsync(blobs);
	return 0;
}
