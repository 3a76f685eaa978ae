/*
 * unpack.c - plain, gzip and zstd, read piece by piece (packed.h).
 *
 * Not left to libarchive, because it does not compare gzip's checksum.  Both libraries are quiet
 * about input that just stops: zlib wants more for ever, and zstd returns a number of bytes that it
 * would like.  The end of the input anywhere but behind a frame is therefore an error here.
 */
#include "devenv/packed.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define IN_SIZE 131072
#define GZIP_BITS (15 + 16) /* the largest window, with gzip's head and checksum */

#define ZLIB_FUNCTIONS(X) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)
#define LAZY_STRUCT zlib
LAZY_LIBRARY(zlib, LAZY_ZLIB, ZLIB_FUNCTIONS)
#undef LAZY_STRUCT

#define ZSTD_FUNCTIONS(X) \
	X(ZSTD_createDStream) \
	X(ZSTD_freeDStream) \
	X(ZSTD_decompressStream) \
	X(ZSTD_isError) \
	X(ZSTD_getErrorName)
#define LAZY_STRUCT zstd
LAZY_LIBRARY(zstd, LAZY_ZSTD, ZSTD_FUNCTIONS)

enum form { FORM_PLAIN, FORM_GZIP, FORM_ZSTD };

struct unpack {
	int fd, cancel_fd;
	enum form form;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool between; /* the input may end here: behind a member or frame */
	size_t start, end;
	uint64_t taken;
	unsigned char in[IN_SIZE];
};

/* === the input === */

/* Read more behind what is left: 1, 0 at the end, -1. */
static int fill(struct unpack *unpack, struct err *err)
{
	struct pollfd fds[2] = {{unpack->fd, POLLIN, 0}, {unpack->cancel_fd, POLLIN, 0}};
	ssize_t n;

	/* The signal itself ends the first poll; a read would wait for whoever writes. */
	while (unpack->cancel_fd >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[1].revents)
		return err_set(err, ERR_CANCELLED, "interrupted");
	memmove(unpack->in, unpack->in + unpack->start, unpack->end - unpack->start);
	unpack->end -= unpack->start;
	unpack->start = 0;
	do
		n = read(unpack->fd, unpack->in + unpack->end, IN_SIZE - unpack->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "read");
	unpack->end += (size_t)n;
	unpack->taken += (uint64_t)n;
	return n > 0;
}

static int detect(struct unpack *unpack, struct err *err)
{
	static const unsigned char gzip[] = {0x1f, 0x8b}, zstd_frame[] = {0x28, 0xb5, 0x2f, 0xfd};
	int more = 1;

	while (more > 0 && unpack->end < sizeof(zstd_frame))
		more = fill(unpack, err);
	if (more < 0)
		return -1;
	if (!unpack->end)
		return err_set(err, ERR_SNAPSHOT, "it is empty");
	if (unpack->end >= sizeof(gzip) && memcmp(unpack->in, gzip, sizeof(gzip)) == 0)
		unpack->form = FORM_GZIP;
	if (unpack->end >= sizeof(zstd_frame) &&
		memcmp(unpack->in, zstd_frame, sizeof(zstd_frame)) == 0)
		unpack->form = FORM_ZSTD;
	return 0;
}

static int start(struct unpack *unpack, struct err *err)
{
	if (detect(unpack, err) < 0)
		return -1;
	if (unpack->form == FORM_GZIP) {
		if (zlib_load(err) < 0)
			return -1;
		if (zlib.inflateInit2_(&unpack->gzip, GZIP_BITS, ZLIB_VERSION,
			    (int)sizeof(unpack->gzip)) != Z_OK)
			return err_set(err, ERR_SNAPSHOT, "zlib does not start");
	}
	if (unpack->form == FORM_ZSTD) {
		if (zstd_load(err) < 0)
			return -1;
		unpack->zstd = zstd.ZSTD_createDStream();
		if (!unpack->zstd)
			return err_set(err, ERR_SNAPSHOT, "zstd does not start");
	}
	return 0;
}

struct unpack *unpack_new(int fd, int cancel_fd, struct err *err)
{
	struct unpack *unpack = xcalloc(1, sizeof(*unpack));

	unpack->fd = fd;
	unpack->cancel_fd = cancel_fd;
	if (start(unpack, err) == 0)
		return unpack;
	free(unpack);
	return NULL;
}

void unpack_free(struct unpack *unpack)
{
	if (!unpack)
		return;
	if (unpack->form == FORM_GZIP)
		zlib.inflateEnd(&unpack->gzip);
	if (unpack->form == FORM_ZSTD)
		zstd.ZSTD_freeDStream(unpack->zstd);
	free(unpack);
}

/* === the forms: each turns input into `*done` bytes of output, once === */

static int step_plain(struct unpack *unpack, void *data, size_t len, size_t *done)
{
	size_t n = unpack->end - unpack->start;

	if (n > len)
		n = len;
	memcpy(data, unpack->in + unpack->start, n);
	unpack->start += n;
	unpack->between = true;
	*done = n;
	return 0;
}

static int step_gzip(struct unpack *unpack, void *data, size_t len, size_t *done, struct err *err)
{
	z_stream *gzip = &unpack->gzip;
	int result;

	gzip->next_in = unpack->in + unpack->start;
	gzip->avail_in = (uInt)(unpack->end - unpack->start);
	gzip->next_out = data;
	gzip->avail_out = len > IN_SIZE ? IN_SIZE : (uInt)len;
	*done = gzip->avail_out;
	result = zlib.inflate(gzip, Z_NO_FLUSH);
	*done -= gzip->avail_out;
	unpack->start = unpack->end - gzip->avail_in;
	unpack->between = result == Z_STREAM_END;
	if (result == Z_STREAM_END)
		/* What follows must be another member. */
		result = zlib.inflateReset(gzip);
	if (result != Z_OK && result != Z_BUF_ERROR)
		return err_set(err, ERR_SNAPSHOT, "it is damaged: gzip: %s",
			gzip->msg ? gzip->msg : "no reason given");
	return 0;
}

static int step_zstd(struct unpack *unpack, void *data, size_t len, size_t *done, struct err *err)
{
	ZSTD_inBuffer in = {unpack->in, unpack->end, unpack->start};
	ZSTD_outBuffer out = {data, len, 0};
	size_t result = zstd.ZSTD_decompressStream(unpack->zstd, &out, &in);

	if (zstd.ZSTD_isError(result))
		return err_set(err, ERR_SNAPSHOT, "it is damaged: zstd: %s",
			zstd.ZSTD_getErrorName(result));
	unpack->start = in.pos;
	unpack->between = result == 0;
	*done = out.pos;
	return 0;
}

static int step(struct unpack *unpack, void *data, size_t len, size_t *done, struct err *err)
{
	if (unpack->form == FORM_GZIP)
		return step_gzip(unpack, data, len, done, err);
	if (unpack->form == FORM_ZSTD)
		return step_zstd(unpack, data, len, done, err);
	return step_plain(unpack, data, len, done);
}

ssize_t unpack_read(struct unpack *unpack, void *data, size_t len, struct err *err)
{
	for (;;) {
		size_t before = unpack->start, done = 0;
		bool input = unpack->start < unpack->end;
		int more;

		/* Without input too: a library may hold back output that did not fit. */
		if ((input || !unpack->between) && step(unpack, data, len, &done, err) < 0)
			return -1;
		if (done)
			return (ssize_t)done;
		if (input && unpack->start > before)
			continue;
		more = fill(unpack, err);
		if (more < 0)
			return -1;
		if (!more && unpack->between && unpack->start == unpack->end)
			return 0;
		if (!more)
			return err_set(err, ERR_SNAPSHOT, "it is cut short");
	}
}

uint64_t unpack_taken(const struct unpack *unpack)
{
	return unpack->taken;
}
