/*
 * extract.c - a tar stream onto this machine's disk (why it is safe: extract.h and place.c).
 *
 * libarchive only reads here.  Its own writer to the disk works by paths and on the process's
 * working directory, which other threads share.
 */
#include "devenv/extract.h"

#include "place.h"

#include "devenv/fs.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536
#define NAME_MAX_BYTES 4096

#define ARCHIVE_FUNCTIONS(X) \
	X(archive_read_new) \
	X(archive_read_support_format_tar) \
	X(archive_read_open) \
	X(archive_read_next_header) \
	X(archive_read_data) \
	X(archive_read_free) \
	X(archive_set_error) \
	X(archive_error_string) \
	X(archive_entry_pathname) \
	X(archive_entry_hardlink) \
	X(archive_entry_symlink) \
	X(archive_entry_filetype) \
	X(archive_entry_perm) \
	X(archive_entry_uid) \
	X(archive_entry_gid) \
	X(archive_entry_mtime) \
	X(archive_entry_mtime_nsec)
#define LAZY_STRUCT libarchive
LAZY_LIBRARY(libarchive, LAZY_ARCHIVE, ARCHIVE_FUNCTIONS)

struct extraction {
	const struct extract_spec *spec;
	struct archive *tar;
	char *top;  /* the first entry's first part, when rooted */
	bool ended; /* there is no more to read */
	struct place place;
	struct err err; /* of the callback */
	char stream[PIECE];
	char piece[PIECE];
};

static int tar_error(struct extraction *x, const char *doing, struct err *err)
{
	const char *text;

	if (x->err.kind) {
		*err = x->err;
		return -1;
	}
	text = libarchive.archive_error_string(x->tar);
	return err_set(err, ERR_FAILED, "%s: %s", doing, text ? text : "no reason given");
}

static la_ssize_t on_read(struct archive *tar, void *ctx, const void **data)
{
	struct extraction *x = ctx;
	ssize_t n = x->spec->read(x->spec->ctx, x->stream, sizeof(x->stream), &x->err);

	*data = x->stream;
	if (n < 0) {
		libarchive.archive_set_error(tar, EIO, "not read");
		return ARCHIVE_FATAL;
	}
	x->ended = n == 0;
	return n;
}

/* === names === */

/*
 * The parts of where it goes below spec->dir; none for the top itself when that has no name.
 */
static int parts_of(struct extraction *x, const char *name, struct strv *parts, struct err *err)
{
	autostrv struct strv words = STRV_INIT;
	size_t n = 0;

	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(err, ERR_FAILED, "\"%.200s...\": its name is too long", name);
	strv_split(&words, name, '/');
	if (x->spec->name)
		strv_push(parts, x->spec->name);
	for (size_t i = 0; i < words.n; i++) {
		if (str_eq(words.v[i], "."))
			continue;
		if (str_eq(words.v[i], ".."))
			return err_set(err, ERR_FAILED, "\"%.200s\": \"..\" in a name", name);
		if (n++ || !x->spec->rooted) {
			strv_push(parts, words.v[i]);
			continue;
		}
		if (!x->top)
			x->top = xstrdup(words.v[i]);
		if (!str_eq(x->top, words.v[i]))
			return err_set(err, ERR_FAILED, "\"%.200s\" is not below \"%.200s\"", name,
				x->top);
	}
	return 0;
}

/* === one entry === */

static int copy_data(struct extraction *x, int fd, const char *name, struct err *err)
{
	for (;;) {
		la_ssize_t n = libarchive.archive_read_data(x->tar, x->piece, sizeof(x->piece));

		if (n < 0) {
			tar_error(x, "it is cut short", err);
			return -1;
		}
		if (n == 0)
			return 0;
		if (fs_write_all(fd, x->piece, (size_t)n) < 0)
			return err_os(err, ERR_FAILED, errno, "write %s", name);
	}
}

static int add_file(struct extraction *x, const struct strv *parts, const struct place_attr *attr,
	struct err *err)
{
	struct place_file file;

	if (place_file_begin(&x->place, parts, &file, err) < 0)
		return -1;
	if (copy_data(x, file.fd, parts->v[parts->n - 1], err) < 0) {
		place_file_abandon(&x->place, &file);
		return -1;
	}
	return place_file_end(&x->place, parts, &file, attr, err);
}

static int add_hardlink(
	struct extraction *x, const struct strv *parts, const char *to, struct err *err)
{
	autostrv struct strv target = STRV_INIT;

	if (parts_of(x, to, &target, err) < 0)
		return -1;
	if (!target.n)
		return err_set(err, ERR_FAILED, "a hard link to a folder");
	return place_hardlink(&x->place, parts, &target, err);
}

static int add_typed(struct extraction *x, struct archive_entry *entry, const struct strv *parts,
	struct err *err)
{
	struct place_attr attr = {
		.mode = libarchive.archive_entry_perm(entry),
		.uid = (uid_t)libarchive.archive_entry_uid(entry),
		.gid = (gid_t)libarchive.archive_entry_gid(entry),
		.mtime = {libarchive.archive_entry_mtime(entry),
			libarchive.archive_entry_mtime_nsec(entry)},
	};
	const char *target;

	switch (libarchive.archive_entry_filetype(entry)) {
	case AE_IFREG:
		return add_file(x, parts, &attr, err);
	case AE_IFDIR:
		return place_folder(&x->place, parts, &attr, err);
	case AE_IFIFO:
		return place_pipe(&x->place, parts, &attr, err);
	case AE_IFLNK:
		target = libarchive.archive_entry_symlink(entry);
		if (!target)
			return err_set(err, ERR_FAILED, "a link without a target");
		return place_symlink(&x->place, parts, target, err);
	default:
		sink_warn(x->spec->sink, x->spec->object, "%s is a device: left out",
			parts->v[parts->n - 1]);
		return 0;
	}
}

static int add_entry(struct extraction *x, struct archive_entry *entry, struct err *err)
{
	const char *name = libarchive.archive_entry_pathname(entry);
	const char *linked = libarchive.archive_entry_hardlink(entry);
	autostrv struct strv parts = STRV_INIT;

	if (!name)
		return err_set(err, ERR_FAILED, "an entry has no readable name");
	if (parts_of(x, name, &parts, err) < 0)
		return -1;
	if (!parts.n)
		return 0;
	return linked ? add_hardlink(x, &parts, linked, err) : add_typed(x, entry, &parts, err);
}

/* === the whole === */

/* A top of which the archive may say nothing: there is at least an empty folder. */
static int add_top(struct extraction *x, struct err *err)
{
	if (x->spec->rooted || !x->spec->name || mkdirat(x->spec->dir, x->spec->name, 0777) == 0 ||
		errno == EEXIST)
		return 0;
	return err_os(err, ERR_FAILED, errno, "make the folder %s", x->spec->name);
}

/*
 * Behind the end mark there is only padding; it is read so that the connection can be used again.
 */
static int read_rest(struct extraction *x, struct err *err)
{
	ssize_t n;

	/* libarchive stops at the end mark: it saw the stream's end only if there was none. */
	if (x->ended)
		return err_set(err, ERR_FAILED, "it is cut short: it has no end mark");
	do
		n = x->spec->read(x->spec->ctx, x->stream, sizeof(x->stream), err);
	while (n > 0);
	return n < 0 ? -1 : 0;
}

static int extract_all(struct extraction *x, struct err *err)
{
	struct archive_entry *entry;
	int result;

	libarchive.archive_read_support_format_tar(x->tar);
	if (libarchive.archive_read_open(x->tar, x, NULL, on_read, NULL) != ARCHIVE_OK)
		return tar_error(x, "it is no tar", err);
	if (place_init(&x->place, x->spec->dir, x->spec->owned, err) < 0 || add_top(x, err) < 0)
		return -1;
	/* ARCHIVE_WARN: a name that is no UTF-8, which is then used as it is. */
	while ((result = libarchive.archive_read_next_header(x->tar, &entry)) == ARCHIVE_OK ||
		result == ARCHIVE_WARN)
		if (add_entry(x, entry, err) < 0)
			return -1;
	if (result != ARCHIVE_EOF)
		return tar_error(x, "it is damaged", err);
	if (place_finish(&x->place, err) < 0)
		return -1;
	return read_rest(x, err);
}

int extract(const struct extract_spec *spec, struct err *err)
{
	/* libarchive reads names in the locale's character set; only this thread changes it. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = (locale_t)0;
	struct extraction *x;
	int result;

	if (libarchive_load(err) < 0)
		return -1;
	if (utf8)
		before = uselocale(utf8);
	x = xcalloc(1, sizeof(*x));
	x->spec = spec;
	x->tar = libarchive.archive_read_new();
	result = extract_all(x, err);
	place_release(&x->place);
	libarchive.archive_read_free(x->tar);
	free(x->top);
	free(x);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return result;
}
