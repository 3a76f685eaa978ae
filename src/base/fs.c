/* fs.c - whole files: read with a ceiling, write so that a reader sees the old or the new one. */
#include "devenv/fs.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool fs_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool fs_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fs_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int read_all(int fd, const char *path, struct buf *out, enum err_kind kind, struct err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, kind, errno, "read %s", path);
		if (buf_add(out, piece, (size_t)n) < 0)
			return err_set(err, kind, "%s: larger than %zu bytes", path,
				out->limit ? out->limit : BUF_DEFAULT_LIMIT);
	}
	return 0;
}

int fs_list(const char *path, struct strv *names, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return err_os(err, ERR_FAILED, errno, "read the folder %s", path);
	while ((entry = readdir(dir)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			strv_push(names, entry->d_name);
	closedir(dir);
	strv_sort(names);
	return 0;
}

int fs_read(const char *path, struct buf *out, enum err_kind kind, struct err *err)
{
	/* O_NONBLOCK: opening a pipe without a writer must not hang. */
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t limit = out->limit ? out->limit : BUF_DEFAULT_LIMIT;
	struct stat st;

	if (fd < 0)
		return err_os(err, kind, errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_os(err, kind, errno, "stat %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, kind, "%s: is a directory, not a file", path);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) /* /dev/null: see null(4) */
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(err, kind, "%s: is not a regular file", path);
	if (st.st_size > 0 && (uintmax_t)st.st_size > limit)
		return err_set(err, kind, "%s: larger than %zu bytes", path, limit);
	return read_all(fd, path, out, kind, err);
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n >= 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

/* The rename itself must reach the disk too. */
static void sync_dir(const char *path)
{
	autofree char *dir = path_dirname(path);
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	/* A symbolic link stays one: the file it points to is replaced. */
	autofree char *target = path_real(path);
	autofree char *temporary = xasprintf("%s.XXXXXX", target);
	autoclose int fd = mkostemp(temporary, O_CLOEXEC);
	int failed;

	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "write %s", path);
	failed = fs_write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ||
		 rename(temporary, target) < 0;
	if (failed) {
		err_os(err, ERR_FAILED, errno, "write %s", path);
		unlink(temporary);
		return -1;
	}
	sync_dir(target);
	return 0;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *err)
{
	autofree char *copy = xstrdup(path);

	for (char *at = copy + 1; *copy && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return err_os(err, ERR_FAILED, errno, "make the folder %s", copy);
		*at = '/';
	}
	if (mkdir(copy, mode) < 0 && (errno != EEXIST || !fs_is_dir(copy)))
		return err_os(err, ERR_FAILED, errno, "make the folder %s", path);
	return 0;
}

static int remove_at(int parent, const char *name, const char *shown, struct err *err);

static int remove_children(int fd, const char *shown, struct err *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!dir) {
		close(fd);
		return err_os(err, ERR_FAILED, errno, "remove %s", shown);
	}
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			result = remove_at(dirfd(dir), entry->d_name, shown, err);
	closedir(dir);
	return result;
}

static int remove_at(int parent, const char *name, const char *shown, struct err *err)
{
	int fd;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_os(err, ERR_FAILED, errno, "remove %s", shown);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "remove %s", shown);
	if (remove_children(fd, shown, err) < 0)
		return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_os(err, ERR_FAILED, errno, "remove %s", shown);
	return 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
	return remove_at(AT_FDCWD, path, path, err);
}

int fs_remove_tree_at(int dir, const char *name, struct err *err)
{
	return remove_at(dir, name, name, err);
}

static uint64_t usage_below(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t bytes = 0;

	if (!dir) {
		cleanup_close(&fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			bytes += fs_usage_at(dirfd(dir), entry->d_name);
	closedir(dir);
	return bytes;
}

uint64_t fs_usage_at(int dir, const char *name)
{
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)status.st_blocks * 512 +
	       (S_ISDIR(status.st_mode) ? usage_below(dir, name) : 0);
}
