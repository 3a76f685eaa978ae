/* source.c - the bytes of a chunk, checked, from wherever they are. */
#include "source.h"

#include "blob.h"
#include "check.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AHEAD_MIN ((uint64_t)1 << 16)                   /* less is not worth a read of its own */
#define AHEAD_MAX (((uint64_t)2 << 20) - 2 * KIT_ALIGN) /* with its edges a huge page */

static void close_file(struct source_file *file)
{
	if (!file->used)
		return;
	close(file->fd);
	cleanup_close(&file->direct);
	file->used = false;
}

void source_init(struct source *source, const struct tree_index *index, int blobs)
{
	*source = (struct source){.index = index, .blobs = blobs};
	pthread_mutex_init(&source->mutex, NULL);
}

void source_release(struct source *source)
{
	for (size_t i = 0; i < SOURCE_FILES; i++)
		close_file(&source->files[i]);
	pthread_mutex_destroy(&source->mutex);
}

/* === packs === */

static int open_pack(const struct source *source, uint32_t pack, struct err *err)
{
	const struct tree_pack *wanted = &source->index->packs[pack];
	int fd = blob_open(source->blobs, wanted->sha256, err);
	char name[PART_NAME];

	if (fd >= 0)
		return fd;
	part_name(wanted, name);
	/* When there is none, err says that the whole is missing. */
	return openat(source->blobs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Is most of it in memory? */
static bool is_cached(int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0, pages = (size + page - 1) / page;
	autofree unsigned char *there = xcalloc(pages, 1);
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return true;
	mincore(map, size, there);
	munmap(map, size);
	for (size_t i = 0; i < pages; i++)
		n += there[i] & 1;
	return n > pages / 2;
}

/*
 * What is read once has no business in the page cache, and to fill that takes half as long as to
 * unpack; but where a pack came just now it is there already. -1: not past it.
 */
static int open_direct(const struct source *source, uint32_t pack)
{
	struct err ignored = ERR_INIT;
	autoclose int fd = open_pack(source, pack, &ignored);

	if (fd < 0 || is_cached(fd, source->index->packs[pack].size) ||
		fcntl(fd, F_SETFL, O_DIRECT) < 0)
		return -1;
	return TAKE_FD(fd);
}

/* An open pack; *file NULL: it is the caller's to close. */
static int borrow(struct source *source, uint32_t pack, struct source_file **file, struct err *err)
{
	struct source_file *place = &source->files[pack % SOURCE_FILES];
	int fd;

	pthread_mutex_lock(&source->mutex);
	*file = place;
	if (place->pack != pack && !place->users)
		close_file(place);
	if (!place->used) {
		fd = open_pack(source, pack, err);
		if (fd >= 0)
			*place = (struct source_file){.fd = fd,
				.direct = source->ahead ? open_direct(source, pack) : -1,
				.pack = pack,
				.used = true};
	} else if (place->pack == pack) {
		fd = place->fd;
	} else {
		*file = NULL;
		fd = open_pack(source, pack, err);
	}
	if (fd >= 0 && *file)
		place->users++;
	pthread_mutex_unlock(&source->mutex);
	return fd;
}

static void give_back(struct source *source, int fd, struct source_file *file)
{
	if (!file) {
		close(fd);
		return;
	}
	pthread_mutex_lock(&source->mutex);
	file->users--;
	pthread_mutex_unlock(&source->mutex);
}

static int damaged(const struct source *source, uint32_t pack, struct err *err)
{
	char hex[SHA256_HEX];

	hex_encode(source->index->packs[pack].sha256, SHA256_SIZE, hex);
	err_set(err, ERR_SNAPSHOT, "the pack %s is damaged", hex);
	err->os = EBADMSG;
	return -1;
}

int source_frame(
	struct source *source, const struct source_place *place, void *out, struct err *err)
{
	struct source_file *file;
	int fd = borrow(source, place->pack, &file, err), result;

	if (fd < 0)
		return -1;
	result = read_at(fd, out, place->size, place->offset);
	if (result < 0 && errno) {
		char hex[SHA256_HEX];

		hex_encode(source->index->packs[place->pack].sha256, SHA256_SIZE, hex);
		err_os(err, ERR_SNAPSHOT, errno, "read the pack %s", hex);
	} else if (result < 0) {
		damaged(source, place->pack, err);
	}
	give_back(source, fd, file);
	return result;
}

/* === ahead === */

/* The chunk's frame, if it was read ahead. */
static const void *span_find(
	const struct kit_span *span, const struct source *source, const struct tree_chunk *chunk)
{
	if (span->source != source || span->pack != chunk->pack || chunk->offset < span->from ||
		(uint64_t)chunk->offset + chunk->frame_size > span->to)
		return NULL;
	return span->data + (chunk->offset - span->from);
}

static void span_read(
	struct kit_span *span, struct source *source, uint32_t pack, uint64_t from, uint64_t to)
{
	uint64_t before = from % KIT_ALIGN, after = (KIT_ALIGN - to % KIT_ALIGN) % KIT_ALIGN;
	struct source_file *file;
	struct err ignored = ERR_INIT;
	int fd = borrow(source, pack, &file, &ignored);
	ssize_t n = -1;

	if (fd < 0)
		return;
	if (!span->data)
		span->data = kit_memory(AHEAD_MAX + 2 * KIT_ALIGN);
	span->source = NULL;
	if (file && file->direct >= 0) {
		from -= before;
		n = pread(file->direct, span->data, to + after - from, (off_t)from);
	}
	/* Also for a file system that took the flag and then not the read. */
	if (n < 0)
		n = pread(fd, span->data, to - from, (off_t)from);
	if (n > 0)
		*span = (struct kit_span){source, pack, from, from + (uint64_t)n, span->data};
	give_back(source, fd, file);
}

void source_ahead(struct source *source, struct kit *kit, const uint32_t *numbers, size_t n)
{
	const struct tree_chunk *chunks = source->index->chunks, *first = &chunks[numbers[0]];
	uint64_t end = first->offset;

	if (span_find(&kit->span, source, first))
		return;
	for (size_t i = 0; i < n && numbers[i] != SNAPSHOT_HOLE; i++) {
		const struct tree_chunk *chunk = &chunks[numbers[i]];

		if (chunk->pack != first->pack || chunk->offset != end ||
			end + chunk->frame_size - first->offset > AHEAD_MAX)
			break;
		end += chunk->frame_size;
	}
	if (end - first->offset >= AHEAD_MIN)
		span_read(&kit->span, source, first->pack, first->offset, end);
}

/* === chunks === */

bool source_is_chunk(const struct tree_chunk *chunk, const void *data)
{
	unsigned char id[SHA256_SIZE];

	sha256_raw(data, chunk->size, id);
	return memcmp(id, chunk->id, SHA256_SIZE) == 0;
}

int source_full(struct source *source, struct kit *kit, uint32_t number, void *out, struct err *err)
{
	const struct tree_chunk *chunk = &source->index->chunks[number];
	struct source_place place = {chunk->pack, chunk->offset, chunk->frame_size};
	struct bytes none = {0};
	struct bytes frame = {span_find(&kit->span, source, chunk), chunk->frame_size};

	if (!frame.data) {
		frame.data = kit->frame;
		if (source_frame(source, &place, kit->frame, err) < 0)
			return -1;
	}
	if (!codec_unpack(kit->codec, none, frame, out, chunk->size) ||
		!source_is_chunk(chunk, out))
		return damaged(source, chunk->pack, err);
	return 0;
}

const struct tree_delta *source_find_delta(const struct tree_index *index, uint32_t number)
{
	uint32_t low = 0, high = index->n_deltas;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->deltas[middle].chunk < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < index->n_deltas && index->deltas[low].chunk == number ? &index->deltas[low]
									   : NULL;
}

/* The parent's chunks, one behind the other. */
static int read_prefix(struct source *source, struct kit *kit, const struct tree_delta *delta,
	size_t *len, struct err *err)
{
	const struct tree_index *parent = source->parent->index;

	*len = 0;
	for (uint32_t i = 0; i < delta->n_bases; i++) {
		uint32_t base = source->index->bases[delta->bases + i];

		if (base >= parent->n_chunks)
			return err_set(err, ERR_SNAPSHOT,
				"a delta needs a chunk that the parent "
				"has not");
		if (source_full(source->parent, kit, base, kit->prefix + *len, err) < 0)
			return -1;
		*len += parent->chunks[base].size;
	}
	return 0;
}

int source_delta(struct source *source, struct kit *kit, const struct tree_delta *delta, void *out,
	struct err *err)
{
	const struct tree_chunk *chunk = &source->index->chunks[delta->chunk];
	struct source_place place = {delta->pack, delta->offset, delta->frame_size};
	struct bytes prefix = {kit->prefix, 0}, frame = {kit->frame, delta->frame_size};

	if (read_prefix(source, kit, delta, &prefix.len, err) < 0 ||
		source_frame(source, &place, kit->frame, err) < 0)
		return -1;
	if (!codec_unpack(kit->codec, prefix, frame, out, chunk->size) ||
		!source_is_chunk(chunk, out))
		return damaged(source, delta->pack, err);
	return 0;
}

int source_chunk(
	struct source *source, struct kit *kit, uint32_t number, void *out, struct err *err)
{
	const struct tree_delta *delta = NULL;
	struct err ignored;

	if (source_full(source, kit, number, out, err) == 0)
		return 0;
	if (source->parent)
		delta = source_find_delta(source->index, number);
	return delta ? source_delta(source, kit, delta, out, &ignored) : -1;
}
