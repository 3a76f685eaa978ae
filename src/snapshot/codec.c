/* codec.c - zstd for chunks and the index: every frame with its content size. */
#include "codec.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"

#include <stdlib.h>
#include <zstd.h>

#define WINDOW_LOG_MAX 23 /* 8 MiB: a frame that wants more memory than that is refused */

#define ZSTD_FUNCTIONS(X) \
	X(ZSTD_createCCtx) \
	X(ZSTD_freeCCtx) \
	X(ZSTD_CCtx_reset) \
	X(ZSTD_CCtx_setParameter) \
	X(ZSTD_CCtx_setPledgedSrcSize) \
	X(ZSTD_CCtx_refPrefix) \
	X(ZSTD_compress2) \
	X(ZSTD_compressStream2) \
	X(ZSTD_createDCtx) \
	X(ZSTD_freeDCtx) \
	X(ZSTD_DCtx_reset) \
	X(ZSTD_DCtx_setParameter) \
	X(ZSTD_DCtx_refPrefix) \
	X(ZSTD_decompressDCtx) \
	X(ZSTD_decompressStream) \
	X(ZSTD_findFrameCompressedSize) \
	X(ZSTD_getFrameContentSize) \
	X(ZSTD_isError) \
	X(ZSTD_getErrorName)
#define LAZY_STRUCT zstd
LAZY_LIBRARY(zstd, LAZY_ZSTD, ZSTD_FUNCTIONS)

struct codec {
	ZSTD_CCtx *pack[CODEC_EFFORTS];
	ZSTD_DCtx *unpack;
};

static const struct {
	enum codec_effort effort;
	ZSTD_cParameter parameter;
	int value;
} settings[] = {
	{CODEC_PACK, ZSTD_c_compressionLevel, 3},
	{CODEC_DELTA, ZSTD_c_compressionLevel, 9},
	{CODEC_HARD, ZSTD_c_compressionLevel, 12},
	{CODEC_HARD, ZSTD_c_strategy, ZSTD_btopt},
	{CODEC_HARD, ZSTD_c_searchLog, 2},
	{CODEC_HARD, ZSTD_c_minMatch, 4},
	{CODEC_HARD, ZSTD_c_targetLength, 16},
};

struct codec *codec_new(struct err *err)
{
	struct codec *codec;

	if (zstd_load(err) < 0)
		return NULL;
	codec = xcalloc(1, sizeof(*codec));
	for (size_t i = 0; i < CODEC_EFFORTS; i++)
		codec->pack[i] = zstd.ZSTD_createCCtx();
	codec->unpack = zstd.ZSTD_createDCtx();
	if (!codec->pack[CODEC_PACK] || !codec->pack[CODEC_DELTA] || !codec->pack[CODEC_HARD] ||
		!codec->unpack) {
		codec_free(codec);
		err_set(err, ERR_SNAPSHOT, "zstd does not start");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		zstd.ZSTD_CCtx_setParameter(
			codec->pack[settings[i].effort], settings[i].parameter, settings[i].value);
	zstd.ZSTD_DCtx_setParameter(codec->unpack, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return codec;
}

void codec_free(struct codec *codec)
{
	if (!codec)
		return;
	for (size_t i = 0; i < CODEC_EFFORTS; i++)
		zstd.ZSTD_freeCCtx(codec->pack[i]);
	zstd.ZSTD_freeDCtx(codec->unpack);
	free(codec);
}

size_t codec_pack(struct codec *codec, enum codec_effort effort, struct bytes prefix,
	struct bytes in, void *out, size_t room)
{
	ZSTD_CCtx *pack = codec->pack[effort];
	size_t size;

	zstd.ZSTD_CCtx_reset(pack, ZSTD_reset_session_only);
	if (prefix.len &&
		zstd.ZSTD_isError(zstd.ZSTD_CCtx_refPrefix(pack, prefix.data, prefix.len)))
		return 0;
	size = zstd.ZSTD_compress2(pack, out, room, in.data, in.len);
	return zstd.ZSTD_isError(size) ? 0 : size;
}

bool codec_unpack(
	struct codec *codec, struct bytes prefix, struct bytes frame, void *out, size_t len)
{
	zstd.ZSTD_DCtx_reset(codec->unpack, ZSTD_reset_session_only);
	if (prefix.len &&
		zstd.ZSTD_isError(zstd.ZSTD_DCtx_refPrefix(codec->unpack, prefix.data, prefix.len)))
		return false;
	/* An error is a number far over any length. */
	return zstd.ZSTD_decompressDCtx(codec->unpack, out, len, frame.data, frame.len) == len;
}

size_t codec_frame_size(struct bytes in, size_t *len)
{
	unsigned long long content = zstd.ZSTD_getFrameContentSize(in.data, in.len);
	size_t size = zstd.ZSTD_findFrameCompressedSize(in.data, in.len);

	if (zstd.ZSTD_isError(size) || content > SIZE_MAX)
		return 0;
	*len = (size_t)content;
	return size;
}

static int failed(size_t result, struct err *err)
{
	return err_set(err, ERR_SNAPSHOT, "zstd: %s", zstd.ZSTD_getErrorName(result));
}

int codec_stream_begin(struct codec *codec, uint64_t size, struct err *err)
{
	size_t result;

	zstd.ZSTD_CCtx_reset(codec->pack[CODEC_PACK], ZSTD_reset_session_only);
	result = zstd.ZSTD_CCtx_setPledgedSrcSize(codec->pack[CODEC_PACK], size);
	return zstd.ZSTD_isError(result) ? failed(result, err) : 0;
}

int codec_stream_pack(
	struct codec *codec, struct bytes in, bool last, struct buf *out, struct err *err)
{
	ZSTD_inBuffer from = {in.data, in.len, 0};
	size_t result;

	do {
		ZSTD_outBuffer to = {NULL, 65536, 0};

		to.dst = buf_reserve(out, to.size);
		if (!to.dst)
			return err_set(err, ERR_SNAPSHOT, "it is over %zu bytes", out->limit);
		result = zstd.ZSTD_compressStream2(
			codec->pack[CODEC_PACK], &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
		if (zstd.ZSTD_isError(result))
			return failed(result, err);
		out->len += to.pos;
	} while (from.pos < from.size || (last && result));
	return 0;
}

int codec_stream_unpack(struct codec *codec, struct bytes *in, void *out, size_t room, size_t *got)
{
	ZSTD_inBuffer from = {in->data, in->len, 0};
	ZSTD_outBuffer to = {out, room, 0};
	size_t result = zstd.ZSTD_decompressStream(codec->unpack, &to, &from);

	if (zstd.ZSTD_isError(result))
		return -1;
	in->data = (const char *)in->data + from.pos;
	in->len -= from.pos;
	*got = to.pos;
	return result == 0;
}
