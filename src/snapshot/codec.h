/*
 * codec.h - zstd for chunks and the index.  Private to src/snapshot.
 *
 * The only place of the tree library that knows zstd.  A codec is one thread's, and does one thing
 * at a time.
 */
#ifndef SNAPSHOT_CODEC_H
#define SNAPSHOT_CODEC_H

#include "devenv/buf.h"
#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec;

/* NULL with err: the library is missing. */
struct codec *codec_new(struct err *err);
void codec_free(struct codec *codec);

/* Borrowed bytes. */
struct bytes {
	const void *data;
	size_t len;
};

/*
 * How hard it tries: level 3 for what all have to take; for deltas level 9, which is no slower
 * behind a prefix; and the optimal parser, 15 ms a chunk, for what is new in a changed chunk.
 */
enum codec_effort { CODEC_PACK, CODEC_DELTA, CODEC_HARD };
#define CODEC_EFFORTS (CODEC_HARD + 1)

/*
 * `in` as one frame behind the raw content `prefix` (len 0: none) into `out`: its size, or 0 when
 * it is over `room`.
 */
size_t codec_pack(struct codec *codec, enum codec_effort effort, struct bytes prefix,
	struct bytes in, void *out, size_t room);

/* One frame back: true when it gives exactly `len` bytes. */
bool codec_unpack(
	struct codec *codec, struct bytes prefix, struct bytes frame, void *out, size_t len);

/*
 * The size of the frame that `in` begins with, and in *len that of its content; 0: it is none, is
 * not whole or does not say. Only while a codec is there.
 */
size_t codec_frame_size(struct bytes in, size_t *len);

/* A frame of `size` bytes in pieces, appended to `out`; `last` ends it. -1: no room, wrong size. */
int codec_stream_begin(struct codec *codec, uint64_t size, struct err *err);
int codec_stream_pack(
	struct codec *codec, struct bytes in, bool last, struct buf *out, struct err *err);

/*
 * Take from `in`, which moves on, up to `room` bytes into `out`, `*got` of them. 1: the frame has
 * ended; 0: it goes on; -1: it is damaged.
 */
int codec_stream_unpack(struct codec *codec, struct bytes *in, void *out, size_t room, size_t *got);

#endif
