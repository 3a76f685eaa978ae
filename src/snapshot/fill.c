/*
 * fill.c - a plain tar into an empty directory, to be captured from there.
 *
 * Folders are entered without following links (cursor.h), so whatever the names are, nothing
 * outside is reached.  Folders get their attributes at the end, when nothing is written in them any
 * more.
 */
#include "attributes.h"
#include "cursor.h"
#include "index.h"

#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE SNAPSHOT_CHUNK

struct filling {
	const struct tree_fill_ask *ask;
	struct tar_reader tar;
	struct cursor cursor, other;
	struct tree_entry *folders; /* in the order of the tar */
	size_t n;
	struct err *err;
	char piece[PIECE];
};

static int failed(struct filling *filling, const char *what, const char *path)
{
	return err_os(filling->err, ERR_SNAPSHOT, errno, "%s \"%.200s\"", what, path);
}

/* === one entry === */

/* "./a/b/" is a/b, "./" the root's "". NULL with err: no path for an index. The caller's. */
static char *clean_path(const char *name, struct err *err)
{
	size_t len;
	char *path;
	const char *fault;

	while (str_starts(name, "./"))
		name += 2;
	len = strlen(name);
	while (len && name[len - 1] == '/')
		len--;
	path = xstrndup(name, str_eq(name, ".") ? 0 : len);
	fault = *path ? index_path_fault(path, strlen(path)) : NULL;
	if (!fault)
		return path;
	err_set(err, ERR_SNAPSHOT, "the name \"%.200s\" %s", name, fault);
	free(path);
	return NULL;
}

/* The attributes, as what makes trees has them; xattrs are borrowed. */
static void to_entry(const struct tar_entry *from, char *path, struct tree_entry *entry)
{
	*entry = (struct tree_entry){.path = path,
		.mode = from->mode,
		.uid = (uid_t)from->uid,
		.gid = (gid_t)from->gid,
		.mtime = {.tv_sec = from->mtime, .tv_nsec = from->mtime_ns},
		.xattrs = xcalloc(from->n_xattrs + 1, sizeof(*entry->xattrs)),
		.n_xattrs = from->n_xattrs};
	for (size_t i = 0; i < from->n_xattrs; i++)
		entry->xattrs[i] = (struct tree_xattr){xstrdup(from->xattrs[i].name),
			memcpy(xmalloc(from->xattrs[i].len + 1), from->xattrs[i].value,
				from->xattrs[i].len),
			from->xattrs[i].len};
}

/* Folders that the tar does not have: as open as the first thing in them needs. */
static int make_above(struct filling *filling, const struct tree_entry *entry)
{
	for (const char *slash = strchr(entry->path, '/'); slash; slash = strchr(slash + 1, '/')) {
		autofree char *path = xstrndup(entry->path, (size_t)(slash - entry->path));
		const char *name;
		int dir = cursor_above(&filling->cursor, path, &name, filling->err);

		if (dir < 0)
			return -1;
		if (mkdirat(dir, name, 0755) < 0) {
			if (errno == EEXIST)
				continue;
			return failed(filling, "make the folder", path);
		}
		if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return failed(filling, "set the owner of", path);
	}
	return 0;
}

static bool is_zero(const char *data, size_t len)
{
	return !data[0] && memcmp(data, data + 1, len - 1) == 0;
}

/* Zeros become holes. */
static int write_content(struct filling *filling, int fd, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		size_t len = 0, want = size - done < PIECE ? (size_t)(size - done) : PIECE;

		while (len < want) {
			ssize_t n = tar_read(
				&filling->tar, filling->piece + len, want - len, filling->err);

			if (n < 0)
				return -1;
			len += (size_t)n;
		}
		done += len;
		if (is_zero(filling->piece, len) ? lseek(fd, (off_t)len, SEEK_CUR) < 0
						 : fs_write_all(fd, filling->piece, len) < 0)
			return err_os(filling->err, ERR_SNAPSHOT, errno, "write");
	}
	return ftruncate(fd, (off_t)size) < 0 ? err_os(filling->err, ERR_SNAPSHOT, errno, "write")
					      : 0;
}

static int make_file(struct filling *filling, const struct tree_entry *entry, uint64_t size)
{
	autoclose int fd = cursor_open(
		&filling->cursor, entry->path, O_WRONLY | O_CREAT | O_EXCL, filling->err);

	if (fd < 0)
		return -1;
	if (write_content(filling, fd, size) < 0)
		return err_wrap(filling->err, "\"%.200s\"", entry->path);
	return attributes_set(fd, entry, &filling->ask->watch, filling->err);
}

static int make_hardlink(
	struct filling *filling, int dir, const char *name, const struct tar_entry *from)
{
	autofree char *path = clean_path(from->link, filling->err);
	const char *old;
	int above = path ? cursor_above(&filling->other, path, &old, filling->err) : -1;

	if (above < 0)
		return -1;
	return linkat(above, old, dir, name, 0) < 0 ? failed(filling, "make the hard link", path)
						    : 0;
}

/* A name that comes again, as `tar -r` makes them, is another version of it. */
static int make_other(
	struct filling *filling, const struct tar_entry *from, const struct tree_entry *entry)
{
	const char *name;
	int dir = cursor_above(&filling->cursor, entry->path, &name, filling->err);

	if (dir < 0)
		return -1;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return failed(filling, "replace", entry->path);
	switch (from->type) {
	case '0':
		return make_file(filling, entry, from->size);
	case '1':
		return make_hardlink(filling, dir, name, from);
	case '2':
		if (symlinkat(from->link, dir, name) < 0)
			return failed(filling, "make the link", entry->path);
		return attributes_set_at(dir, name, entry, filling->err);
	case '6':
		if (mkfifoat(dir, name, 0600) < 0)
			return failed(filling, "make the pipe", entry->path);
		return attributes_set_at(dir, name, entry, filling->err);
	default:
		return err_set(filling->err, ERR_SNAPSHOT,
			"\"%.200s\" is of a type that no tree has", entry->path);
	}
}

/* Takes what `entry` holds. */
static int make_folder(struct filling *filling, struct tree_entry *entry)
{
	const char *name;
	int dir = *entry->path ? cursor_above(&filling->cursor, entry->path, &name, filling->err)
			       : 0;

	filling->folders = xgrow(filling->folders, filling->n, sizeof(*filling->folders));
	filling->folders[filling->n++] = *entry;
	if (dir < 0)
		return -1;
	if (*entry->path && mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return failed(filling, "make the folder", entry->path);
	return 0;
}

static int make_entry(struct filling *filling, const struct tar_entry *from)
{
	char *path = clean_path(from->name, filling->err);
	struct tree_entry entry;
	int status;

	if (!path)
		return -1;
	to_entry(from, path, &entry);
	entry.type = from->type == '6' ? SNAPSHOT_FIFO : SNAPSHOT_SYMLINK;
	status = make_above(filling, &entry);
	if (status == 0 && from->type == '5')
		return make_folder(filling, &entry);
	if (status == 0)
		status = make_other(filling, from, &entry);
	index_entry_release(&entry);
	return status;
}

/* === the whole === */

/* From the last: what is set on one may keep us from what is in it. Of two of a name the last. */
static int finish_folders(struct filling *filling)
{
	autojson json_t *seen = json_object();

	for (size_t i = filling->n; i-- > 0;) {
		const struct tree_entry *folder = &filling->folders[i];
		autoclose int fd = -1;

		if (json_object_get(seen, folder->path))
			continue;
		json_object_set_new(seen, folder->path, json_true());
		fd = *folder->path ? cursor_open(&filling->cursor, folder->path,
					     O_RDONLY | O_DIRECTORY, filling->err)
				   : fcntl(filling->ask->target, F_DUPFD_CLOEXEC, 0);
		if (fd < 0 || attributes_set(fd, folder, &filling->ask->watch, filling->err) < 0)
			return -1;
	}
	return 0;
}

static int fill_all(struct filling *filling)
{
	const struct tar_entry *entry;
	int more;

	while ((more = tar_next(&filling->tar, &entry, filling->err)) > 0) {
		if (filling->n >= SNAPSHOT_ENTRIES_MAX)
			return err_set(filling->err, ERR_SNAPSHOT, "it has too many folders");
		if (make_entry(filling, entry) < 0)
			return -1;
	}
	return more < 0 ? -1 : finish_folders(filling);
}

int tree_fill(const struct tree_fill_ask *ask, struct err *err)
{
	autofree struct filling *filling = xcalloc(1, sizeof(*filling));
	int status = -1;

	filling->ask = ask;
	filling->tar = (struct tar_reader){.read = ask->read, .ctx = ask->read_ctx};
	filling->err = err;
	if (cursor_init(&filling->cursor, ask->target, err) < 0)
		return -1;
	if (cursor_init(&filling->other, ask->target, err) == 0) {
		status = fill_all(filling);
		cursor_release(&filling->other);
	}
	cursor_release(&filling->cursor);
	for (size_t i = 0; i < filling->n; i++)
		index_entry_release(&filling->folders[i]);
	free(filling->folders);
	tar_reader_release(&filling->tar);
	return status;
}
