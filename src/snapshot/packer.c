/* packer.c - gzip and zstd, written piece by piece (packed.h). */
#include "devenv/packed.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_SIZE 131072
#define GZIP_BITS (15 + 16) /* the largest window, with gzip's head and checksum */
#define GZIP_MEMORY 8       /* zlib's own default */
#define ZSTD_LEVEL 3

#define ZLIB_FUNCTIONS(X) X(deflateInit2_) X(deflate) X(deflateEnd)
#define LAZY_STRUCT zlib
LAZY_LIBRARY(zlib, LAZY_ZLIB, ZLIB_FUNCTIONS)
#undef LAZY_STRUCT

#define ZSTD_FUNCTIONS(X) \
	X(ZSTD_createCCtx) \
	X(ZSTD_freeCCtx) \
	X(ZSTD_CCtx_setParameter) \
	X(ZSTD_compressStream2) \
	X(ZSTD_isError) \
	X(ZSTD_getErrorName)
#define LAZY_STRUCT zstd
LAZY_LIBRARY(zstd, LAZY_ZSTD, ZSTD_FUNCTIONS)

struct packer {
	enum packing packing;
	packer_write_fn *write;
	void *ctx;
	z_stream gzip;
	ZSTD_CCtx *zstd;
	unsigned char out[OUT_SIZE];
};

enum packing packing_of_name(const char *name)
{
	if (str_ends(name, ".gz") || str_ends(name, ".tgz"))
		return PACKING_GZIP;
	if (str_ends(name, ".zst") || str_ends(name, ".tzst"))
		return PACKING_ZSTD;
	return PACKING_NONE;
}

static int start_gzip(struct packer *packer, struct err *err)
{
	if (zlib_load(err) < 0)
		return -1;
	if (zlib.deflateInit2_(&packer->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_BITS,
		    GZIP_MEMORY, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
		    (int)sizeof(packer->gzip)) != Z_OK)
		return err_set(err, ERR_SNAPSHOT, "zlib does not start");
	return 0;
}

static int start_zstd(struct packer *packer, struct err *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (zstd_load(err) < 0)
		return -1;
	packer->zstd = zstd.ZSTD_createCCtx();
	if (!packer->zstd)
		return err_set(err, ERR_SNAPSHOT, "zstd does not start");
	zstd.ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	zstd.ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
	/* A library without threads refuses, and works in ours. */
	zstd.ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_nbWorkers, cores > 1 ? (int)cores : 0);
	return 0;
}

struct packer *packer_new(enum packing packing, packer_write_fn *write, void *ctx, struct err *err)
{
	struct packer *packer = xcalloc(1, sizeof(*packer));

	*packer = (struct packer){.packing = packing, .write = write, .ctx = ctx};
	if ((packing != PACKING_GZIP || start_gzip(packer, err) == 0) &&
		(packing != PACKING_ZSTD || start_zstd(packer, err) == 0))
		return packer;
	free(packer);
	return NULL;
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	if (packer->packing == PACKING_GZIP)
		zlib.deflateEnd(&packer->gzip);
	if (packer->packing == PACKING_ZSTD)
		zstd.ZSTD_freeCCtx(packer->zstd);
	free(packer);
}

static int pass(struct packer *packer, size_t len, struct err *err)
{
	return len ? packer->write(packer->ctx, packer->out, len, err) : 0;
}

static int gzip_add(struct packer *packer, const void *data, size_t len, bool end, struct err *err)
{
	z_stream *gzip = &packer->gzip;

	/* zlib takes a pointer to what it only reads. */
	gzip->next_in = (unsigned char *)(uintptr_t)data;
	gzip->avail_in = (uInt)len;
	do {
		gzip->next_out = packer->out;
		gzip->avail_out = OUT_SIZE;
		if (zlib.deflate(gzip, end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return err_set(err, ERR_SNAPSHOT, "zlib does not compress");
		if (pass(packer, OUT_SIZE - gzip->avail_out, err) < 0)
			return -1;
	} while (gzip->avail_out == 0);
	return 0;
}

static int zstd_add(struct packer *packer, const void *data, size_t len, bool end, struct err *err)
{
	ZSTD_inBuffer in = {data, len, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {packer->out, OUT_SIZE, 0};

		left = zstd.ZSTD_compressStream2(
			packer->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (zstd.ZSTD_isError(left))
			return err_set(err, ERR_SNAPSHOT, "zstd: %s", zstd.ZSTD_getErrorName(left));
		if (pass(packer, out.pos, err) < 0)
			return -1;
	} while (end ? left != 0 : in.pos < in.size);
	return 0;
}

static int add(struct packer *packer, const void *data, size_t len, bool end, struct err *err)
{
	if (packer->packing == PACKING_GZIP)
		return gzip_add(packer, data, len, end, err);
	if (packer->packing == PACKING_ZSTD)
		return zstd_add(packer, data, len, end, err);
	return len ? packer->write(packer->ctx, data, len, err) : 0;
}

int packer_add(struct packer *packer, const void *data, size_t len, struct err *err)
{
	return add(packer, data, len, false, err);
}

int packer_end(struct packer *packer, struct err *err)
{
	return add(packer, NULL, 0, true, err);
}
