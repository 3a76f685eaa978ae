/*
 * tree_world.h - for the tests of tree.h: folders to capture from and restore to, a data directory
 * with everything in it, and a comparison of two trees as stat(2) and read(2) see them.
 */
#ifndef TREE_WORLD_H
#define TREE_WORLD_H

#include "testing.h"

#include "devenv/str.h"
#include "devenv/strv.h"
#include "devenv/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK SNAPSHOT_CHUNK

struct world {
	char *dir;
	int root, blobs, target; /* DIR/root, DIR/blobs, DIR/target */
};

static inline int world_folder(const struct world *world, const char *name)
{
	autofree char *path = path_join(world->dir, name);
	int fd;

	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline int world_open(void **state)
{
	struct world *world = xcalloc(1, sizeof(*world));
	void *dir;

	if (test_folder(&dir) < 0)
		return -1;
	world->dir = dir;
	world->root = world_folder(world, "root");
	world->blobs = world_folder(world, "blobs");
	world->target = world_folder(world, "target");
	*state = world;
	return 0;
}

static inline int world_close(void **state)
{
	struct world *world = *state;
	void *dir = world->dir;

	close(world->root);
	close(world->blobs);
	close(world->target);
	free(world);
	return test_folder_remove(&dir);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

/* === files === */

/* Pages of letters from `kind` on; 0: bytes that do not compress. */
static inline void put_pages(
	int dir, const char *name, off_t offset, size_t len, uint64_t seed, int kind)
{
	autofree unsigned char *data = xmalloc(len);
	uint64_t x = seed * 2654435761u + 1;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	for (size_t i = 0; i < len; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		data[i] = (unsigned char)(x >> 56);
		if (kind)
			data[i] = (unsigned char)(kind + data[i] % 16);
	}
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, offset), len);
	close(fd);
}

static inline void put_text(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void set_length(int dir, const char *name, off_t length)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, length), 0);
	close(fd);
}

static inline void put_zeros(int dir, const char *name, off_t offset, size_t len)
{
	autofree char *zeros = xcalloc(1, len);
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(pwrite(fd, zeros, len, offset), len);
	close(fd);
}

static inline void make_files(int root)
{
	assert_int_equal(mkdirat(root, "base", 0700), 0);
	put_pages(root, "base/big", 0, 5 * 1000 * 1000, 1, 'a');
	put_pages(root, "base/raw", 0, 3 * 1000 * 1000 + 7, 2, 0);
	put_pages(root, "base/same", 0, 5 * 1000 * 1000, 1, 'a');
	put_pages(root, "base/one-slot", 0, CHUNK, 3, 'a');
	put_pages(root, "base/one-more", 0, CHUNK + 1, 3, 'a');
	put_text(root, "base/empty", "");
	put_text(root, "PG_VERSION", "15\n");
	/* Holes at the start, in the middle and at the end, and zeros that are written. */
	put_pages(root, "base/holes", 20 * CHUNK + 5, 3 * CHUNK, 4, 'a');
	put_pages(root, "base/holes", 90 * CHUNK, CHUNK, 5, 'b');
	put_zeros(root, "base/holes", 40 * CHUNK, 4 * CHUNK);
	set_length(root, "base/holes", 200 * CHUNK + 99);
	set_length(root, "base/all-hole", (off_t)1 << 32);
}

static inline void set_times(int root, const char *name, time_t seconds, long nanoseconds)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {seconds, nanoseconds}};

	assert_int_equal(utimensat(root, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* Owners can be set by root only. */
static inline void set_owner(int root, const char *name, uid_t uid, gid_t gid)
{
	if (geteuid() == 0)
		assert_int_equal(fchownat(root, name, uid, gid, AT_SYMLINK_NOFOLLOW), 0);
}

/* false: this file system has no extended attributes. */
static inline bool set_xattr(int root, const char *name, const char *attribute, const char *value)
{
	int fd = openat(root, name, O_RDONLY | O_CLOEXEC);
	int result = fsetxattr(fd, attribute, value, strlen(value), 0);

	close(fd);
	assert_true(result == 0 || errno == ENOTSUP);
	return result == 0;
}

static inline void make_world(int root)
{
	make_files(root);
	assert_int_equal(mkdirat(root, "base-2", 0755), 0);
	assert_int_equal(mkdirat(root, "base/read-only", 0755), 0);
	put_text(root, "base/read-only/x", "x");
	put_text(root, "\xff\xfe not UTF-8\n", "x");
	assert_int_equal(linkat(root, "PG_VERSION", root, "base/read-only/hard", 0), 0);
	assert_int_equal(linkat(root, "PG_VERSION", root, "z-hard", 0), 0);
	assert_int_equal(symlinkat("/var/log/none", root, "log"), 0);
	assert_int_equal(linkat(root, "log", root, "log-hard", 0), 0);
	assert_int_equal(symlinkat("../..", root, "base/up"), 0);
	assert_int_equal(mkfifoat(root, "pipe", 0620), 0);
	set_xattr(root, "base", "user.folder", "of pages");
	set_xattr(root, "base/big", "user.empty", "");
	set_xattr(root, "base/big", "user.a", "1");
	set_owner(root, "base", 999, 998);
	set_owner(root, "base/big", 1, 4000000000u);
	set_owner(root, "log", 5, 6);
	set_owner(root, "pipe", 7, 8);
	assert_int_equal(fchmodat(root, "base/raw", 06755, 0), 0);
	assert_int_equal(fchmodat(root, "base/one-slot", 0, 0), 0);
	set_times(root, "base/big", 1, 999999999);
	set_times(root, "base/raw", -100, 5);
	set_times(root, "log", 1000, 7);
	set_times(root, "pipe", 1001, 8);
	assert_int_equal(fchmodat(root, "base/read-only", 0555, 0), 0);
	set_times(root, "base/read-only", 123456789, 1);
	set_times(root, "base", 123456789, 2);
	set_owner(root, ".", 70, 71);
	assert_int_equal(fchmodat(root, ".", 01770, 0), 0);
	set_times(root, ".", 5000, 6000);
}

/* === comparing === */

static inline void same_content(int a, int b, const char *path)
{
	autofree char *left = xmalloc(CHUNK), *right = xmalloc(CHUNK);
	int fd_a = openat(a, path, O_RDONLY | O_CLOEXEC);
	int fd_b = openat(b, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd_a >= 0 && fd_b >= 0);
	/* The first 64 MiB: what is longer is all hole. */
	for (off_t at = 0; at < 64 << 20 && (n = pread(fd_a, left, CHUNK, at)) > 0; at += n) {
		assert_int_equal(pread(fd_b, right, (size_t)n, at), n);
		if (memcmp(left, right, (size_t)n) != 0)
			fail_msg("%s differs at %lld", path, (long long)at);
	}
	close(fd_a);
	close(fd_b);
}

static inline void same_xattrs(int a, int b, const char *path)
{
	char names_a[4096], names_b[4096], left[4096], right[4096];
	int fd_a = openat(a, path, O_RDONLY | O_CLOEXEC);
	int fd_b = openat(b, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = flistxattr(fd_a, names_a, sizeof(names_a));

	assert_int_equal(flistxattr(fd_b, names_b, sizeof(names_b)), n);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names_a + at) + 1) {
		ssize_t len = fgetxattr(fd_a, names_a + at, left, sizeof(left));

		assert_int_equal(fgetxattr(fd_b, names_a + at, right, sizeof(right)), len);
		assert_memory_equal(left, right, (size_t)len);
	}
	close(fd_a);
	close(fd_b);
}

static inline void same_status(int a, int b, const char *path)
{
	struct stat left, right;

	if (fstatat(a, path, &left, AT_SYMLINK_NOFOLLOW) < 0 ||
		fstatat(b, path, &right, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s is not in both", path);
	if (left.st_mode != right.st_mode || left.st_uid != right.st_uid ||
		left.st_gid != right.st_gid || left.st_nlink != right.st_nlink ||
		left.st_mtim.tv_sec != right.st_mtim.tv_sec ||
		left.st_mtim.tv_nsec != right.st_mtim.tv_nsec)
		fail_msg("%s has not the same attributes", path);
	if (S_ISREG(left.st_mode)) {
		assert_int_equal(left.st_size, right.st_size);
		if (right.st_blocks > left.st_blocks + 256)
			fail_msg("%s has lost its holes", path);
		same_content(a, b, path);
	}
	if (S_ISREG(left.st_mode) || S_ISDIR(left.st_mode))
		same_xattrs(a, b, path);
	if (S_ISLNK(left.st_mode)) {
		char to_a[256] = "", to_b[256] = "";

		assert_true(readlinkat(a, path, to_a, 255) > 0);
		assert_true(readlinkat(b, path, to_b, 255) > 0);
		assert_string_equal(to_a, to_b);
	}
}

static inline void list_names(int dir, const char *path, struct strv *names)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fdopendir(fd);
	struct dirent *entry;

	assert_non_null(stream);
	while ((entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_push(names, entry->d_name);
	closedir(stream);
	strv_sort(names);
}

/* Fails unless both trees are alike at and below `path`. */
static inline void same_trees(int a, int b, const char *path)
{
	struct strv left = STRV_INIT, right = STRV_INIT;
	struct stat status;

	same_status(a, b, path);
	assert_int_equal(fstatat(a, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	if (!S_ISDIR(status.st_mode))
		return;
	list_names(a, path, &left);
	list_names(b, path, &right);
	if (left.n != right.n)
		fail_msg("%s: %zu names, and %zu", path, left.n, right.n);
	for (size_t i = 0; i < left.n; i++) {
		autofree char *below = strcmp(path, ".") == 0 ? xstrdup(left.v[i])
							      : path_join(path, left.v[i]);

		assert_string_equal(left.v[i], right.v[i]);
		same_trees(a, b, below);
	}
	strv_release(&left);
	strv_release(&right);
}

/* === capture and restore that must succeed === */

static inline struct tree_index *capture(
	const struct world *world, const struct tree_index *parent, struct tree_totals *totals)
{
	struct tree_capture_ask ask = {
		.root = world->root, .blobs = world->blobs, .parent = parent};
	struct err err = ERR_INIT;
	struct tree_index *index = tree_capture(&ask, totals, &err);

	if (!index || tree_index_store(index, world->blobs, &err) < 0)
		fail_msg("%s", err.msg);
	return index;
}

/* No blob is in memory any more, but on the disk. */
static inline void forget_blobs(const struct world *world)
{
	struct strv names = STRV_INIT;

	list_names(world->blobs, ".", &names);
	for (size_t i = 0; i < names.n; i++) {
		int fd = openat(world->blobs, names.v[i], O_RDONLY | O_CLOEXEC);

		assert_int_equal(fsync(fd), 0);
		assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		close(fd);
	}
	strv_release(&names);
}

static inline struct tree_materialize_ask ask_for(
	const struct world *world, const struct tree_index *index)
{
	return (struct tree_materialize_ask){
		.index = index, .blobs = world->blobs, .target = world->target, .base_root = -1};
}

static inline void materialize(const struct tree_materialize_ask *ask)
{
	struct tree_made made;
	struct err err = ERR_INIT;

	if (tree_materialize(ask, &made, &err) < 0)
		fail_msg("%s", err.msg);
}

/* One bit of the blob `name`. */
static inline void flip(const struct world *world, const char *name, uint64_t bit)
{
	int fd = openat(world->blobs, name, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
	byte ^= (unsigned char)(1 << bit % 8);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
	close(fd);
}

#endif
