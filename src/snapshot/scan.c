/*
 * scan.c - what is in a directory, as the entries of an index.
 *
 * Names are sorted in each folder, and a folder's content follows it at once: that is the order of
 * an index.
 */
#include "scan.h"

#include "index.h"

#include "devenv/mem.h"
#include "devenv/spill.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIST_MAX 65536 /* bytes of attribute names: what the kernel gives */

/* A file with several names, and the entry that it has. */
struct seen {
	dev_t dev;
	ino_t ino;
	uint32_t entry;
};

struct scan {
	const struct tree_capture_ask *ask;
	struct tree_index *index;
	void *seen; /* tsearch(3) */
	size_t depth;
	struct err *err;
};

static int scan_folder(struct scan *scan, int fd, const char *path);

static int failed(struct scan *scan, int os, const char *doing, const char *path)
{
	return err_os(scan->err, ERR_SNAPSHOT, os, "%s \"%.200s\"", doing, path);
}

static void warn(const struct scan *scan, const char *path, const char *what)
{
	if (scan->ask->watch.warn)
		scan->ask->watch.warn(scan->ask->watch.ctx, path, what);
}

static int seen_order(const void *a, const void *b)
{
	const struct seen *left = a, *right = b;

	if (left->ino != right->ino)
		return left->ino < right->ino ? -1 : 1;
	return (left->dev > right->dev) - (left->dev < right->dev);
}

/* === extended attributes === */

/* Those that are the data's; SELinux labels, trusted.* and the like are the machine's. */
static bool is_carried(const char *name)
{
	return str_starts(name, "user.") || str_starts(name, "system.posix_acl_") ||
	       str_eq(name, "security.capability");
}

static int xattr_order(const void *a, const void *b)
{
	const struct tree_xattr *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int add_xattr(struct tree_entry *entry, int fd, const char *name)
{
	autofree char *value = xmalloc(SNAPSHOT_XATTR_MAX);
	ssize_t len = fgetxattr(fd, name, value, SNAPSHOT_XATTR_MAX);
	struct tree_xattr xattr = {.len = (size_t)len};

	if (len < 0)
		return -1;
	if (entry->n_xattrs == SNAPSHOT_XATTRS_MAX) {
		errno = E2BIG;
		return -1;
	}
	xattr.name = xstrdup(name);
	xattr.value = xmalloc((size_t)len + 1);
	memcpy(xattr.value, value, (size_t)len);
	entry->xattrs = xgrow(entry->xattrs, entry->n_xattrs, sizeof(xattr));
	entry->xattrs[entry->n_xattrs++] = xattr;
	return 0;
}

static int add_xattrs(struct tree_entry *entry, int fd)
{
	char probe;
	ssize_t len = flistxattr(fd, &probe, 0);
	autofree char *names = NULL;

	if (len == 0 || (len < 0 && errno == ENOTSUP))
		return 0;
	names = xmalloc(LIST_MAX);
	len = len < 0 ? -1 : flistxattr(fd, names, LIST_MAX);
	if (len < 0)
		return -1;
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		if (is_carried(name) && add_xattr(entry, fd, name) < 0)
			return -1;
	if (entry->n_xattrs)
		qsort(entry->xattrs, entry->n_xattrs, sizeof(*entry->xattrs), xattr_order);
	return 0;
}

/* === entries === */

/* The next entry; takes `path`. Valid until the one after it. */
static struct tree_entry *add_entry(
	struct scan *scan, enum snapshot_entry_type type, char *path, const struct stat *status)
{
	struct tree_index *index = scan->index;
	struct tree_entry *entry;

	index->entries = spill_grow(index->entries, index->n_entries, sizeof(*entry));
	entry = &index->entries[index->n_entries++];
	*entry = (struct tree_entry){.type = type, .path = path};
	if (type == SNAPSHOT_HARDLINK)
		return entry;
	entry->mode = status->st_mode & 07777;
	entry->uid = status->st_uid;
	entry->gid = status->st_gid;
	entry->mtime = status->st_mtim;
	return entry;
}

/* true: the file is there under another name, and this one was added as its link. */
static bool add_hardlink(struct scan *scan, char **path, const struct stat *status)
{
	struct seen key = {status->st_dev, status->st_ino, scan->index->n_entries};
	struct seen **found, *own;

	if (status->st_nlink < 2)
		return false;
	own = xmalloc(sizeof(*own));
	*own = key;
	found = tsearch(own, &scan->seen, seen_order);
	if (*found == own)
		return false;
	free(own);
	add_entry(scan, SNAPSHOT_HARDLINK, TAKE(*path), status)->link = (*found)->entry;
	return true;
}

static int add_file(struct scan *scan, int fd, char **path, const struct stat *status)
{
	struct tree_entry *entry;
	uint64_t slots;

	if (add_hardlink(scan, path, status))
		return 0;
	entry = add_entry(scan, SNAPSHOT_FILE, TAKE(*path), status);
	entry->size = (uint64_t)status->st_size;
	slots = tree_slots(entry->size);
	if (slots > SNAPSHOT_INDEX_MAX / sizeof(*entry->slots)) {
		entry->size = 0;
		return err_set(scan->err, ERR_SNAPSHOT, "\"%.200s\" is over 16 TiB", entry->path);
	}
	entry->slots = spill_zeroed(slots, sizeof(*entry->slots));
	memset(entry->slots, 0xff, slots * sizeof(*entry->slots));
	scan->index->bytes += entry->size;
	return add_xattrs(entry, fd) < 0
		       ? failed(scan, errno, "read the extended attributes of", entry->path)
		       : 0;
}

static int add_symlink(
	struct scan *scan, int dir, const char *name, char **path, const struct stat *status)
{
	char target[SNAPSHOT_TARGET_MAX + 1];
	ssize_t len = readlinkat(dir, name, target, sizeof(target));

	if (len > SNAPSHOT_TARGET_MAX)
		errno = ENAMETOOLONG;
	if (len <= 0 || len > SNAPSHOT_TARGET_MAX)
		return failed(scan, errno, "read the link", *path);
	if (add_hardlink(scan, path, status))
		return 0;
	add_entry(scan, SNAPSHOT_SYMLINK, TAKE(*path), status)->target = xstrndup(
		target, (size_t)len);
	return 0;
}

static int add_folder(struct scan *scan, int fd, char **path, const struct stat *status)
{
	struct tree_entry *entry = add_entry(scan, SNAPSHOT_DIRECTORY, TAKE(*path), status);
	autofree char *below = xstrdup(entry->path);

	if (add_xattrs(entry, fd) < 0)
		return failed(scan, errno, "read the extended attributes of", entry->path);
	if (scan->depth == SNAPSHOT_DEPTH_MAX + 1)
		return err_set(scan->err, ERR_SNAPSHOT, "\"%.200s\" is over 256 deep", below);
	return scan_folder(scan, fd, below);
}

static int add_open(
	struct scan *scan, int dir, const char *name, char **path, const struct stat *status)
{
	/* O_NONBLOCK: what became a FIFO meanwhile must not hang. */
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat now;

	if (fd < 0 || fstat(fd, &now) < 0)
		return failed(scan, errno, "open", *path);
	if ((now.st_mode & S_IFMT) != (status->st_mode & S_IFMT))
		return failed(scan, ESTALE, "open", *path);
	if (S_ISDIR(now.st_mode))
		return add_folder(scan, fd, path, &now);
	return add_file(scan, fd, path, &now);
}

static bool is_left_out(const struct scan *scan, const char *path, const struct stat *status)
{
	const struct tree_capture_ask *ask = scan->ask;
	bool directory = S_ISDIR(status->st_mode);

	/* Comes with an ext4 file system, not with the data. */
	if (directory && str_eq(path, "lost+found"))
		return true;
	return ask->leave_out && ask->leave_out(ask->leave_out_ctx, path, directory);
}

static int add_name(struct scan *scan, int dir, const char *above, const char *name)
{
	autofree char *path = *above ? xasprintf("%s/%s", above, name) : xstrdup(name);
	struct stat status;

	if (strlen(path) > SNAPSHOT_PATH_MAX)
		return failed(scan, ENAMETOOLONG, "read", path);
	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(scan, errno, "read", path);
	if (is_left_out(scan, path, &status))
		return 0;
	switch (status.st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return add_open(scan, dir, name, &path, &status);
	case S_IFLNK:
		return add_symlink(scan, dir, name, &path, &status);
	case S_IFIFO:
		if (!add_hardlink(scan, &path, &status))
			add_entry(scan, SNAPSHOT_FIFO, TAKE(path), &status);
		return 0;
	default:
		warn(scan, path, "is a socket or a device and is left out");
		return 0;
	}
}

static int list_names(int fd, struct strv *names)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	int os;

	if (!dir) {
		cleanup_close(&own);
		return -1;
	}
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			strv_push(names, entry->d_name);
	os = errno;
	closedir(dir);
	strv_sort(names);
	errno = os;
	return os ? -1 : 0;
}

static int scan_folder(struct scan *scan, int fd, const char *path)
{
	autostrv struct strv names = STRV_INIT;
	int result = 0;

	if (list_names(fd, &names) < 0)
		return failed(scan, errno, "read the folder", path);
	scan->depth++;
	for (size_t i = 0; i < names.n && result == 0; i++)
		result = add_name(scan, fd, path, names.v[i]);
	scan->depth--;
	return result;
}

int scan_tree(const struct tree_capture_ask *ask, struct tree_index *index, struct err *err)
{
	struct scan scan = {.ask = ask, .index = index, .err = err};
	autofree char *path = xstrdup("");
	struct stat status;
	int result;

	if (fstat(ask->root, &status) < 0 || !S_ISDIR(status.st_mode))
		return err_set(err, ERR_SNAPSHOT, "the root is no folder");
	result = add_folder(&scan, ask->root, &path, &status);
	tdestroy(scan.seen, free);
	return result;
}

bool scan_same(const struct tree_entry *entry, const struct stat *status)
{
	return S_ISREG(status->st_mode) && (uint64_t)status->st_size == entry->size &&
	       status->st_mtim.tv_sec == entry->mtime.tv_sec &&
	       status->st_mtim.tv_nsec == entry->mtime.tv_nsec;
}

static bool same_xattrs(const struct tree_entry *left, const struct tree_entry *right)
{
	if (left->n_xattrs != right->n_xattrs)
		return false;
	for (size_t i = 0; i < left->n_xattrs; i++) {
		const struct tree_xattr *a = &left->xattrs[i], *b = &right->xattrs[i];

		if (!str_eq(a->name, b->name) || a->len != b->len ||
			memcmp(a->value, b->value, a->len) != 0)
			return false;
	}
	return true;
}

bool scan_is_alike(int fd, const struct tree_entry *entry)
{
	struct tree_entry found = {.type = SNAPSHOT_FILE};
	struct stat status;
	bool alike;

	if (fstat(fd, &status) < 0 || !scan_same(entry, &status) || status.st_nlink != 1 ||
		(status.st_mode & 07777) != entry->mode || status.st_uid != entry->uid ||
		status.st_gid != entry->gid)
		return false;
	alike = add_xattrs(&found, fd) == 0 && same_xattrs(&found, entry);
	index_entry_release(&found);
	return alike;
}
