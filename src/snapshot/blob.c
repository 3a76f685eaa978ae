/* blob.c - files named by their SHA-256 in an open folder. */
#include "blob.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

int read_at(int fd, void *data, size_t len, uint64_t offset)
{
	char *to = data;

	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : 0;
			return -1;
		}
		to += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int write_at(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *from = data;

	while (len) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		from += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

void write_behind(int fd, uint64_t offset, uint64_t len)
{
#ifdef SYNC_FILE_RANGE_WRITE
	sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
#endif
}

int blob_open(int blobs, const unsigned char sha256[SHA256_SIZE], struct err *err)
{
	char hex[SHA256_HEX];
	int fd;

	hex_encode(sha256, SHA256_SIZE, hex);
	fd = openat(blobs, hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		err_set(err, ERR_SNAPSHOT, "the blob %s is missing", hex);
		err->os = EBADMSG;
		return -1;
	}
	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open the blob %s", hex);
	return fd;
}

int64_t blob_size(int blobs, const unsigned char sha256[SHA256_SIZE])
{
	char hex[SHA256_HEX];
	struct stat status;

	hex_encode(sha256, SHA256_SIZE, hex);
	if (fstatat(blobs, hex, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
		return -1;
	return status.st_size;
}

int blob_hash(
	int fd, uint64_t size, void *room, size_t room_size, unsigned char sha256[SHA256_SIZE])
{
	struct sha256 *hash = sha256_new();
	uint64_t at = 0;

	while (at < size) {
		size_t n = size - at < room_size ? (size_t)(size - at) : room_size;

		if (read_at(fd, room, n, at) < 0)
			break;
		sha256_add(hash, room, n);
		at += n;
	}
	sha256_end_raw(hash, sha256);
	return at < size ? -1 : 0;
}

/* Is it there already, and not damaged? */
static bool is_there(int blobs, size_t len, const unsigned char sha256[SHA256_SIZE])
{
	autofree unsigned char *room = xmalloc(PIECE);
	unsigned char found[SHA256_SIZE];
	autoclose int fd = -1;
	struct err ignored;

	if (blob_size(blobs, sha256) != (int64_t)len)
		return false;
	fd = blob_open(blobs, sha256, &ignored);
	return fd >= 0 && blob_hash(fd, len, room, PIECE, found) == 0 &&
	       memcmp(found, sha256, SHA256_SIZE) == 0;
}

static int write_failed(const unsigned char sha256[SHA256_SIZE], int os, struct err *err)
{
	char hex[SHA256_HEX];

	hex_encode(sha256, SHA256_SIZE, hex);
	return err_os(err, ERR_SNAPSHOT, os, "write the blob %s", hex);
}

static int make_staged(int blobs, char staged[BLOB_STAGED])
{
	char random[17];

	random_hex(random, 8);
	snprintf(staged, BLOB_STAGED, ".new-%s", random);
	return openat(blobs, staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

/* Write it under a new name: its descriptor. */
static int write_staged(int blobs, const void *data, size_t len, char staged[BLOB_STAGED])
{
	int fd = make_staged(blobs, staged);

	if (fd < 0 || write_at(fd, data, len, 0) == 0)
		return fd;
	close(fd);
	return -1;
}

int blob_begin(int blobs, char staged[BLOB_STAGED], struct err *err)
{
	int fd = make_staged(blobs, staged);

	return fd < 0 ? err_os(err, ERR_SNAPSHOT, errno, "make a blob") : fd;
}

void blob_drop(int blobs, const char *staged)
{
	int os = errno;

	if (*staged)
		unlinkat(blobs, staged, 0);
	errno = os;
}

int blob_stage(int blobs, const void *data, size_t len, unsigned char sha256[SHA256_SIZE],
	char staged[BLOB_STAGED], struct err *err)
{
	autoclose int fd = -1;

	*staged = '\0';
	sha256_raw(data, len, sha256);
	if (is_there(blobs, len, sha256))
		return 0;
	fd = write_staged(blobs, data, len, staged);
	if (fd < 0) {
		blob_drop(blobs, staged);
		return write_failed(sha256, errno, err);
	}
	write_behind(fd, 0, len);
	return 0;
}

int blob_settle(
	int blobs, const char *staged, const unsigned char sha256[SHA256_SIZE], struct err *err)
{
	char hex[SHA256_HEX];

	if (!*staged)
		return 0;
	hex_encode(sha256, SHA256_SIZE, hex);
	if (renameat(blobs, staged, blobs, hex) == 0)
		return 0;
	blob_drop(blobs, staged);
	return write_failed(sha256, errno, err);
}

int blob_sync(int fd, const unsigned char sha256[SHA256_SIZE], struct err *err)
{
	return fsync(fd) < 0 ? write_failed(sha256, errno, err) : 0;
}
