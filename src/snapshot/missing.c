/* missing.c - what has to come before a snapshot can be restored, and where it is put. */
#include "blob.h"
#include "check.h"
#include "source.h"

#include "devenv/mem.h"
#include "devenv/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

/* Ranges beside one a pack: with more, a request each would take longer than what is between. */
#define RANGES_SPARE 256

/* === what is missing === */

/* The chunks that neither a whole pack nor a part has. */
static int find_missing(
	const struct check_ask *check, const enum check_pack *packs, bool *missing, struct err *err)
{
	const struct tree_index *index = check->index;
	autofree bool *part = xcalloc(index->n_chunks, sizeof(*part));

	for (uint32_t i = 0; i < index->n_chunks; i++) {
		const struct tree_delta *delta = check->parent ? source_find_delta(index, i) : NULL;

		missing[i] = packs[index->chunks[i].pack] != CHECK_WHOLE;
		part[i] = missing[i] && (packs[index->chunks[i].pack] == CHECK_PART ||
						(delta && packs[delta->pack] != CHECK_ABSENT));
	}
	/* check_chunks() clears those that are right. */
	for (uint32_t i = 0; i < index->n_chunks; i++)
		missing[i] = missing[i] && !part[i];
	if (check_chunks(check, part, err) < 0)
		return -1;
	for (uint32_t i = 0; i < index->n_chunks; i++)
		missing[i] = missing[i] || part[i];
	return 0;
}

/* The delta of a chunk, when it is smaller and its bases are here. */
static const struct tree_delta *usable_delta(
	const struct check_ask *check, const enum check_pack *parent_packs, uint32_t number)
{
	const struct tree_index *index = check->index, *parent = check->parent;
	const struct tree_delta *delta = parent ? source_find_delta(index, number) : NULL;

	if (!delta || delta->frame_size >= index->chunks[number].frame_size)
		return NULL;
	for (uint32_t i = 0; i < delta->n_bases; i++) {
		uint32_t base = index->bases[delta->bases + i];

		if (base >= parent->n_chunks ||
			parent_packs[parent->chunks[base].pack] != CHECK_WHOLE)
			return NULL;
	}
	return delta;
}

static int range_order(const void *a, const void *b)
{
	const struct tree_range *left = a, *right = b;

	if (left->pack != right->pack)
		return left->pack < right->pack ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Make one of those that are nearer than `gap`. The number of packs. */
static size_t join(struct tree_missing *missing, uint64_t gap)
{
	size_t n = 0, packs = 0;

	for (size_t i = 0; i < missing->n; i++) {
		const struct tree_range *range = &missing->ranges[i];
		struct tree_range *last = n ? &missing->ranges[n - 1] : NULL;
		uint64_t end = range->offset + range->len;
		bool same = last && last->pack == range->pack;

		if (same && range->offset <= last->offset + last->len + gap) {
			if (end > last->offset + last->len)
				last->len = end - last->offset;
		} else {
			missing->ranges[n++] = *range;
			packs += !same;
		}
	}
	missing->n = n;
	return packs;
}

static void coalesce(struct tree_missing *missing)
{
	uint64_t gap = TREE_GAP;

	if (missing->n)
		qsort(missing->ranges, missing->n, sizeof(*missing->ranges), range_order);
	while (missing->n > join(missing, gap) + RANGES_SPARE)
		gap *= 2;
	for (size_t i = 0; i < missing->n; i++)
		missing->bytes += missing->ranges[i].len;
}

static void add_range(struct tree_missing *missing, uint32_t pack, uint64_t offset, uint64_t len)
{
	struct tree_range *last = missing->n ? &missing->ranges[missing->n - 1] : NULL;

	if (last && last->pack == pack && last->offset + last->len == offset) {
		last->len += len;
		return;
	}
	missing->ranges = spill_grow(missing->ranges, missing->n, sizeof(*missing->ranges));
	missing->ranges[missing->n++] = (struct tree_range){pack, offset, len};
}

static enum check_pack *look_at_packs(const struct tree_index *index, int blobs)
{
	enum check_pack *packs = xcalloc(index ? index->n_packs : 0, sizeof(*packs));

	for (uint32_t i = 0; index && i < index->n_packs; i++)
		packs[i] = check_pack(blobs, &index->packs[i]);
	return packs;
}

int tree_missing(const struct tree_index *index, const struct tree_index *parent, int blobs,
	struct tree_missing *missing, struct err *err)
{
	struct check_ask check = {.index = index, .parent = parent, .blobs = blobs};
	autofree enum check_pack *packs = look_at_packs(index, blobs);
	autofree enum check_pack *parent_packs = look_at_packs(parent, blobs);
	autofree bool *lacking = xcalloc(index->n_chunks, sizeof(*lacking));

	*missing = (struct tree_missing){0};
	if (find_missing(&check, packs, lacking, err) < 0)
		return -1;
	for (uint32_t i = 0; i < index->n_chunks; i++) {
		const struct tree_chunk *chunk = &index->chunks[i];
		const struct tree_delta *delta = NULL;

		if (!lacking[i])
			continue;
		missing->chunks++;
		delta = usable_delta(&check, parent_packs, i);
		missing->deltas += delta != NULL;
		if (delta)
			add_range(missing, delta->pack, delta->offset, delta->frame_size);
		else
			add_range(missing, chunk->pack, chunk->offset, chunk->frame_size);
	}
	coalesce(missing);
	return 0;
}

void tree_missing_release(struct tree_missing *missing)
{
	spill_free(missing->ranges);
	*missing = (struct tree_missing){0};
}

/* === parts of packs === */

static int failed(const struct tree_pack *pack, int os, struct err *err)
{
	char hex[SHA256_HEX];

	hex_encode(pack->sha256, SHA256_SIZE, hex);
	return err_os(err, ERR_SNAPSHOT, os, "write the pack %s", hex);
}

int tree_pack_write(int blobs, const struct tree_pack *pack, uint64_t offset, const void *data,
	size_t len, struct err *err)
{
	autoclose int fd = -1;
	char name[PART_NAME];

	if (offset > pack->size || len > pack->size - offset)
		return failed(pack, EFBIG, err);
	part_name(pack, name);
	fd = openat(blobs, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || write_at(fd, data, len, offset) < 0)
		return failed(pack, errno, err);
	return 0;
}

/* Has the part all bytes of the pack? */
static bool is_whole(int fd, const struct tree_pack *pack)
{
	autofree unsigned char *room = xmalloc(PIECE);
	unsigned char sha256[SHA256_SIZE];
	struct stat status;

	return fstat(fd, &status) == 0 && (uint64_t)status.st_size == pack->size &&
	       blob_hash(fd, pack->size, room, PIECE, sha256) == 0 &&
	       memcmp(sha256, pack->sha256, SHA256_SIZE) == 0;
}

int tree_pack_settle(int blobs, const struct tree_pack *pack, struct err *err)
{
	autoclose int fd = -1;
	char name[PART_NAME], hex[SHA256_HEX];

	part_name(pack, name);
	hex_encode(pack->sha256, SHA256_SIZE, hex);
	if (check_pack(blobs, pack) == CHECK_WHOLE) {
		unlinkat(blobs, name, 0);
		return 1;
	}
	fd = openat(blobs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return failed(pack, errno, err);
	if (!is_whole(fd, pack))
		return 0;
	if (fsync(fd) < 0 || renameat(blobs, name, blobs, hex) < 0 || fsync(blobs) < 0)
		return failed(pack, errno, err);
	return 1;
}
