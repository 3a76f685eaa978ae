/* datadir_files.c - small reads below a folder that others wrote, and two checksums. */
#include "datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* === reading === */

int datadir_open(int dir, const char *path, uint64_t *size)
{
	/* Not blocking: somebody may have put a pipe there. */
	autoclose int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if (size)
		*size = (uint64_t)status.st_size;
	return TAKE_FD(fd);
}

int datadir_open_folder(int dir, const char *path)
{
	return openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

ssize_t datadir_read_at(int fd, void *data, size_t len, uint64_t offset)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, (char *)data + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

ssize_t datadir_read(int dir, const char *path, void *data, size_t len)
{
	autoclose int fd = datadir_open(dir, path, NULL);

	return fd < 0 ? -1 : datadir_read_at(fd, data, len, 0);
}

bool datadir_has(int dir, const char *path)
{
	struct stat status;

	return fstatat(dir, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int datadir_names(int dir, const char *path, datadir_name_fn *each, void *ctx)
{
	int fd = datadir_open_folder(dir, path);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!folder) {
		cleanup_close(&fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(folder)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			result = each(ctx, dirfd(folder), entry->d_name);
	closedir(folder);
	return result;
}

void datadir_judge(struct datadir *out, enum datadir_state state, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	free(out->proof);
	out->proof = xvasprintf(fmt, args);
	out->state = state;
	va_end(args);
}

/* === checksums === */

/* Bit by bit: at most a megabyte is summed, once. */
static uint32_t crc(uint32_t polynomial, uint32_t sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	sum = ~sum;
	for (size_t i = 0; i < len; i++) {
		sum ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? polynomial : 0);
	}
	return ~sum;
}

uint32_t datadir_crc32(uint32_t sum, const void *data, size_t len)
{
	return crc(0xedb88320, sum, data, len);
}

uint32_t datadir_crc32c(uint32_t sum, const void *data, size_t len)
{
	return crc(0x82f63b78, sum, data, len);
}

/* === numbers === */

uint32_t datadir_le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t datadir_le64(const unsigned char *p)
{
	return datadir_le32(p) | (uint64_t)datadir_le32(p + 4) << 32;
}

uint32_t datadir_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t datadir_be64(const unsigned char *p)
{
	return (uint64_t)datadir_be32(p) << 32 | datadir_be32(p + 4);
}
