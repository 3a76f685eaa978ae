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
#include <unistd.h>

void source_init(struct source *source, const struct tree_index *index, int blobs)
{
	*source = (struct source){.index = index, .blobs = blobs};
	pthread_mutex_init(&source->mutex, NULL);
}

void source_release(struct source *source)
{
	for (size_t i = 0; i < SOURCE_FILES; i++)
		if (source->files[i].used)
			close(source->files[i].fd);
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

/* An open pack; *file NULL: it is the caller's to close. */
static int borrow(struct source *source, uint32_t pack, struct source_file **file, struct err *err)
{
	struct source_file *place = &source->files[pack % SOURCE_FILES];
	int fd;

	pthread_mutex_lock(&source->mutex);
	*file = place;
	if (place->used && place->pack != pack && !place->users) {
		close(place->fd);
		place->used = false;
	}
	if (!place->used) {
		fd = open_pack(source, pack, err);
		if (fd >= 0)
			*place = (struct source_file){.fd = fd, .pack = pack, .used = true};
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

/* === chunks === */

bool source_is_chunk(const struct tree_chunk *chunk, const void *data)
{
	unsigned char id[SHA256_SIZE];

	sha256_raw(data, chunk->size, id);
	return memcmp(id, chunk->id, SHA256_SIZE) == 0;
}

int source_full(struct source *source, struct codec *codec, struct source_room *room,
	uint32_t number, void *out, struct err *err)
{
	const struct tree_chunk *chunk = &source->index->chunks[number];
	struct source_place place = {chunk->pack, chunk->offset, chunk->frame_size};
	struct bytes none = {0}, frame = {room->frame, chunk->frame_size};

	if (source_frame(source, &place, room->frame, err) < 0)
		return -1;
	if (!codec_unpack(codec, none, frame, out, chunk->size) || !source_is_chunk(chunk, out))
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
static int read_prefix(struct source *source, struct codec *codec, struct source_room *room,
	const struct tree_delta *delta, size_t *len, struct err *err)
{
	const struct tree_index *parent = source->parent->index;

	*len = 0;
	for (uint32_t i = 0; i < delta->n_bases; i++) {
		uint32_t base = source->index->bases[delta->bases + i];

		if (base >= parent->n_chunks)
			return err_set(err, ERR_SNAPSHOT,
				"a delta needs a chunk that the parent "
				"has not");
		if (source_full(source->parent, codec, room, base, room->prefix + *len, err) < 0)
			return -1;
		*len += parent->chunks[base].size;
	}
	return 0;
}

int source_delta(struct source *source, struct codec *codec, struct source_room *room,
	const struct tree_delta *delta, void *out, struct err *err)
{
	const struct tree_chunk *chunk = &source->index->chunks[delta->chunk];
	struct source_place place = {delta->pack, delta->offset, delta->frame_size};
	struct bytes prefix = {room->prefix, 0}, frame = {room->frame, delta->frame_size};

	if (read_prefix(source, codec, room, delta, &prefix.len, err) < 0 ||
		source_frame(source, &place, room->frame, err) < 0)
		return -1;
	if (!codec_unpack(codec, prefix, frame, out, chunk->size) || !source_is_chunk(chunk, out))
		return damaged(source, delta->pack, err);
	return 0;
}

int source_chunk(struct source *source, struct codec *codec, struct source_room *room,
	uint32_t number, void *out, struct err *err)
{
	const struct tree_delta *delta = NULL;
	struct err ignored;

	if (source_full(source, codec, room, number, out, err) == 0)
		return 0;
	if (source->parent)
		delta = source_find_delta(source->index, number);
	return delta ? source_delta(source, codec, room, delta, out, &ignored) : -1;
}
