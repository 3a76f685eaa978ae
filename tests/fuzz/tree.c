/*
 * tree.c - an index of a snapshot, and its packs.
 *
 * The input is a plain index without its checksum, "%%", and what each of its packs holds: the
 * checksum and the zstd frame around it are made here, or nothing would get past them.
 */
#include "fuzz.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 100000 /* of a raw block: under zstd's 128 KiB */
#define PACKS 4

static char folder[] = "/tmp/devenv-fuzz.XXXXXX";

static void remove_folder(void)
{
	struct err err = ERR_INIT;

	fs_remove_tree(folder, &err);
}

static int open_folder(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static void add_number(struct buf *out, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_addch(out, (char)(value >> (8 * i)));
}

/* A frame of raw blocks (RFC 8878 section 3.1.1). */
static void add_frame(struct buf *out, const struct buf *plain)
{
	buf_add(out, "\x28\xb5\x2f\xfd\xe0", 5); /* single segment, 8 bytes of content size */
	add_number(out, plain->len, 8);
	for (size_t at = 0; at < plain->len; at += BLOCK) {
		size_t n = plain->len - at < BLOCK ? plain->len - at : BLOCK;

		add_number(out, n << 3 | (at + n == plain->len), 3);
		buf_add(out, plain->data + at, n);
	}
}

static void make_blob(struct buf *blob, const char *data, size_t len)
{
	struct buf plain = BUF_INIT(0);
	unsigned char digest[SHA256_SIZE];

	sha256_raw(data, len, digest);
	buf_add(&plain, data, len);
	buf_add(&plain, digest, sizeof(digest));
	buf_addstr(blob, SNAPSHOT_INDEX_MAGIC);
	add_number(blob, plain.len, 8);
	add_frame(blob, &plain);
	buf_release(&plain);
}

/* What was taken is written as it was read. */
static void there_and_back(struct tree_index *index)
{
	struct buf blob = BUF_INIT(0);
	struct tree_index *again;
	struct tree_diff diff;
	struct err err = ERR_INIT;

	if (tree_index_encode(index, &blob, &err) < 0)
		abort();
	again = tree_index_decode(blob.data, blob.len, &err);
	if (!again)
		abort();
	tree_diff(index, again, NULL, NULL, &diff);
	if (diff.added || diff.removed || diff.content || diff.attributes || diff.new_bytes)
		abort();
	tree_index_free(again);
	buf_release(&blob);
}

static void read_packs(const struct tree_index *index, const char *data, size_t len)
{
	struct tree_verify_ask ask = {.index = index, .parent = index, .blobs = open_folder()};
	struct tree_missing missing;
	struct tree_verified verified;
	struct err err = ERR_INIT;

	for (uint32_t i = 0; i < index->n_packs; i++)
		tree_pack_write(ask.blobs, &index->packs[i], 0, data, len, &err);
	if (tree_missing(index, index, ask.blobs, &missing, &err) == 0)
		tree_missing_release(&missing);
	for (uint32_t i = 0; i < index->n_packs; i++)
		tree_pack_settle(ask.blobs, &index->packs[i], &err);
	tree_verify(&ask, &verified, &err);
	for (uint32_t i = 0; i < index->n_packs; i++) {
		char name[SHA256_HEX + 8];

		hex_encode(index->packs[i].sha256, SHA256_SIZE, name);
		unlinkat(ask.blobs, name, 0);
		memcpy(name + SHA256_HEX - 1, ".part", sizeof(".part"));
		unlinkat(ask.blobs, name, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf blob = BUF_INIT(0);
	struct tree_index *index;
	struct parts parts;
	struct err err = ERR_INIT;

	tree_index_free(tree_index_decode(data, size, &err));
	parts_cut(data, size, &parts);
	make_blob(&blob, parts.text[0], parts.len[0]);
	index = tree_index_decode(blob.data, blob.len, &err);
	if (index) {
		there_and_back(index);
		if (index->n_packs <= PACKS && parts.n > 1)
			read_packs(index, parts.text[1], parts.len[1]);
	}
	tree_index_free(index);
	buf_release(&blob);
	parts_release(&parts);
	return 0;
}
