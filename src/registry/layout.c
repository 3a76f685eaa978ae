/*
 * layout.c - an OCI image layout in a folder: image-spec v1.1, image-layout.md.
 *
 * Files appear under their names only when they are whole and on the disk (written beside, synced,
 * renamed), and index.json last, under a lock: readers need none, and a writer that is killed
 * leaves nothing but a ".part" that nobody reads.
 */
#include "store_priv.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/lock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)256 << 10)
#define LOCK_MS 30000

static char *path_of(const struct store *store, const char *file)
{
	return path_join(store->place.path, file);
}

static char *blob_path(const struct store *store, const char *digest)
{
	autofree char *file = layout_blob(digest);

	return path_of(store, file);
}

/* === reading === */

static int get_file(struct store *store, const char *file, struct buf *out, struct err *err)
{
	autofree char *path = path_of(store, file);

	if (!fs_exists(path))
		return 1;
	return fs_read(path, out, ERR_REGISTRY, err);
}

/* 1, 0 when it is not there, -1. */
static int open_blob(
	const struct store *store, const char *digest, int *fd, uint64_t *size, struct err *err)
{
	autofree char *path = blob_path(store, digest);
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return errno == ENOENT ? 0 : err_os(err, ERR_REGISTRY, errno, "open %s", path);
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		cleanup_close(fd);
		return err_set(err, ERR_REGISTRY, "%s is no regular file", path);
	}
	*size = (uint64_t)st.st_size;
	return 1;
}

static int blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err)
{
	autoclose int fd = -1;
	uint64_t bytes = 0;
	int there = open_blob(store, digest, &fd, &bytes, err);

	if (there == 1 && size)
		*size = bytes;
	return there;
}

static int blob_read(struct store *store, const char *digest, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err)
{
	autofree char *data = xmalloc(PIECE);
	autoclose int fd = -1;
	uint64_t size;
	int there = open_blob(store, digest, &fd, &size, err);

	if (there == 0) {
		err_set(err, ERR_REGISTRY, "it is not there");
		err->status = 404;
	}
	if (there <= 0)
		return -1;
	if (!len)
		len = size > offset ? size - offset : 0;
	while (len) {
		ssize_t n = pread(fd, data, len < PIECE ? (size_t)len : PIECE, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, ERR_REGISTRY, errno, "read");
		if (n == 0)
			return 0; /* what is missing is missed by the caller */
		if (piece(ctx, offset, data, (size_t)n, err) < 0)
			return -1;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err)
{
	return layout_manifest_get(store, get_file, name, manifest, err);
}

static int tags(struct store *store, struct strv *list, struct err *err)
{
	return layout_tags(store, get_file, list, err);
}

/* === writing === */

/* The folder becomes a layout, unless it is somebody's folder of other things. */
static int make_layout(const struct store *store, struct err *err)
{
	autofree char *file = path_of(store, "oci-layout"), *blobs = path_of(store, "blobs/sha256");
	autostrv struct strv names = STRV_INIT;
	const char *folder = store->place.path;

	if (fs_exists(file))
		return fs_mkdirs(blobs, 0755, err);
	if (fs_exists(folder) && fs_list(folder, &names, err) < 0)
		return -1;
	/* Another process may be at this very point. */
	for (size_t i = 0; i < names.n; i++)
		if (!str_eq(names.v[i], "blobs") && !str_starts(names.v[i], ".") &&
			!str_starts(names.v[i], "oci-layout"))
			return err_set(err, ERR_REGISTRY,
				"%s has other files (%s) and is no OCI image layout: name a new "
				"folder",
				folder, names.v[i]);
	if (fs_mkdirs(blobs, 0755, err) < 0)
		return -1;
	return fs_write_atomic(file, LAYOUT_TEXT, strlen(LAYOUT_TEXT), 0644, err);
}

static int to_file(void *ctx, const void *data, size_t len, struct err *err)
{
	if (fs_write_all(*(int *)ctx, data, len) < 0)
		return err_os(err, ERR_REGISTRY, errno, "write");
	return 0;
}

static int copy_body(int fd, const struct http_body *body, struct err *err)
{
	if (body_read(body, to_file, &fd, err) < 0)
		return -1;
	return fsync(fd) < 0 ? err_os(err, ERR_REGISTRY, errno, "write") : 0;
}

static int blob_write(
	struct store *store, const char *digest, const struct http_body *body, struct err *err)
{
	autofree char *path = blob_path(store, digest), *part = NULL;
	autoclose int fd = -1;
	char random[9];
	int result;

	if (make_layout(store, err) < 0) {
		err->kind = ERR_REGISTRY;
		return -1;
	}
	random_hex(random, 4);
	part = xasprintf("%s.%s.part", path, random);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_os(err, ERR_REGISTRY, errno, "create %s", part);
	result = copy_body(fd, body, err);
	if (result == 0 && rename(part, path) < 0)
		result = err_os(err, ERR_REGISTRY, errno, "rename %s", part);
	if (result < 0)
		unlink(part);
	return result;
}

/* The names of the blobs reach the disk before the index that counts on them. */
static int sync_blobs(const struct store *store, struct err *err)
{
	autofree char *path = path_of(store, "blobs/sha256");
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_os(err, ERR_REGISTRY, errno, "sync %s", path);
	return 0;
}

static int write_index(const struct store *store, const char *name, const char *type,
	const char *json, size_t len, const char *digest, struct err *err)
{
	autofree char *path = path_of(store, "index.json"), *text = NULL;
	autobuf struct buf old = BUF_INIT(LAYOUT_INDEX_MAX);

	if (fs_exists(path) && fs_read(path, &old, ERR_REGISTRY, err) < 0)
		return -1;
	text = layout_index_with(&old, name, digest, type, json, len, err);
	return text ? fs_write_atomic(path, text, strlen(text), 0644, err) : -1;
}

static int manifest_put(struct store *store, const char *name, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err)
{
	autofree char *lock_path = path_of(store, ".lock");
	autolock struct lock lock = LOCK_NONE;
	struct http_body body = http_body_text(json, len);
	int result = -1;

	if (!is_layout_name(name))
		return err_set(err, ERR_REGISTRY, "\"%s\" is no name for a manifest", name);
	if (blob_write(store, digest, &body, err) == 0 && sync_blobs(store, err) == 0 &&
		lock_wait(&lock, lock_path, store->place.shown, LOCK_MS, err) == 0)
		result = write_index(store, name, type, json, len, digest, err);
	if (result < 0 && err->kind == ERR_FAILED)
		err->kind = ERR_REGISTRY;
	return result;
}

const struct store_kind layout_kind = {
	.blob_exists = blob_exists,
	.blob_read = blob_read,
	.blob_write = blob_write,
	.manifest_get = manifest_get,
	.manifest_put = manifest_put,
	.tags = tags,
};
