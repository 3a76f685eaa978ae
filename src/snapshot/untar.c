/*
 * untar.c - the child of a restore: any of the archives in, checked plain tar out.
 *
 * libarchive reads the tar and writes the other one.  What it is given was decompressed before
 * (unpack.c), so we know where the stream ends, which its tar reader does not tell: it takes a tar
 * that was cut at the border of two entries for a whole one, and stops reading at the end mark,
 * before the checksum of the compression.  Here an archive counts only with its end mark, and with
 * its last byte read.
 *
 * Nothing is printed but one line of JSON on standard error for the parent: {"entries": n}, or
 * {"error":
 * ...} and exit status 1.
 */
#include "devenv/snapshot.h"

#include "entry.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/packed.h"
#include "devenv/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 131072
#define OUT_BLOCK 65536

#define ARCHIVE_FUNCTIONS(X) \
	X(archive_read_new) \
	X(archive_read_support_format_tar) \
	X(archive_read_open) \
	X(archive_read_next_header) \
	X(archive_read_data) \
	X(archive_read_free) \
	X(archive_filter_bytes) \
	X(archive_set_error) \
	X(archive_error_string) \
	X(archive_write_new) \
	X(archive_write_set_format_pax) \
	X(archive_write_set_format_option) \
	X(archive_write_set_bytes_per_block) \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_open_fd) \
	X(archive_write_header) \
	X(archive_write_data) \
	X(archive_write_close) \
	X(archive_write_free) \
	X(archive_entry_new) \
	X(archive_entry_free) \
	X(archive_entry_pathname) \
	X(archive_entry_copy_pathname) \
	X(archive_entry_hardlink) \
	X(archive_entry_copy_hardlink) \
	X(archive_entry_filetype) \
	X(archive_entry_set_filetype) \
	X(archive_entry_mode) \
	X(archive_entry_perm) \
	X(archive_entry_set_perm) \
	X(archive_entry_uid) \
	X(archive_entry_set_uid) \
	X(archive_entry_gid) \
	X(archive_entry_set_gid) \
	X(archive_entry_mtime) \
	X(archive_entry_mtime_nsec) \
	X(archive_entry_set_mtime) \
	X(archive_entry_size) \
	X(archive_entry_set_size) \
	X(archive_entry_unset_atime) \
	X(archive_entry_unset_ctime) \
	X(archive_entry_sparse_clear) \
	X(archive_entry_copy_uname) \
	X(archive_entry_copy_gname)
#define LAZY_STRUCT libarchive
LAZY_LIBRARY(libarchive, LAZY_ARCHIVE, ARCHIVE_FUNCTIONS)

struct untar {
	struct unpack *packed;
	struct archive *tar; /* reads entries */
	struct archive *out;
	bool ended;    /* `packed` has no more */
	int64_t given; /* bytes that `tar` was given, and of these in `stream` */
	size_t in_stream;
	bool rooted; /* the root folder was written */
	struct entry_check check;
	struct err err; /* of the callback */
	char stream[PIECE];
	char piece[PIECE];
};

static int untar_error(struct archive *archive, const char *doing, struct err *err)
{
	const char *text = libarchive.archive_error_string(archive);

	return err_set(err, ERR_SNAPSHOT, "%s: %s", doing, text ? text : "no reason given");
}

/* === the stream === */

static la_ssize_t on_read(struct archive *tar, void *ctx, const void **data)
{
	struct untar *untar = ctx;
	ssize_t n = unpack_read(untar->packed, untar->stream, sizeof(untar->stream), &untar->err);

	*data = untar->stream;
	if (n < 0) {
		libarchive.archive_set_error(tar, EILSEQ, "damaged");
		return ARCHIVE_FATAL;
	}
	untar->ended = n == 0;
	untar->given += n;
	untar->in_stream = (size_t)n;
	return n;
}

static int open_tar(struct untar *untar, struct err *err)
{
	untar->tar = libarchive.archive_read_new();
	libarchive.archive_read_support_format_tar(untar->tar);
	if (libarchive.archive_read_open(untar->tar, untar, NULL, on_read, NULL) == ARCHIVE_OK)
		return 0;
	if (untar->err.kind)
		*err = untar->err;
	else
		untar_error(untar->tar, "it is no tar, tar.gz or tar.zst", err);
	return -1;
}

static int open_out(struct untar *untar, struct err *err)
{
	untar->out = libarchive.archive_write_new();
	libarchive.archive_write_set_format_pax(untar->out);
	/* The form that engines know; libarchive's own beside it would only be double. */
	libarchive.archive_write_set_format_option(untar->out, "pax", "xattrheader", "SCHILY");
	libarchive.archive_write_set_bytes_per_block(untar->out, OUT_BLOCK);
	libarchive.archive_write_set_bytes_in_last_block(untar->out, 1);
	if (libarchive.archive_write_open_fd(untar->out, 1) != ARCHIVE_OK)
		return untar_error(untar->out, "write the tar", err);
	return 0;
}

/* === one entry === */

/* Engines would take names over numbers on some hosts; and these times nobody restores. */
static void strip(struct archive_entry *entry)
{
	libarchive.archive_entry_copy_uname(entry, "");
	libarchive.archive_entry_copy_gname(entry, "");
	libarchive.archive_entry_unset_atime(entry);
	libarchive.archive_entry_unset_ctime(entry);
	libarchive.archive_entry_sparse_clear(entry);
}

static int check_type(struct archive_entry *entry, const char *name, struct err *err)
{
	switch (libarchive.archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		return 0;
	case AE_IFCHR:
	case AE_IFBLK:
		return err_set(err, ERR_SNAPSHOT, "the entry \"%.200s\" is a device", name);
	default:
		/* A hard link has no type of its own in some archives. */
		if (libarchive.archive_entry_hardlink(entry))
			return 0;
		return err_set(err, ERR_SNAPSHOT,
			"the entry \"%.200s\" is no file, folder, link or pipe", name);
	}
}

static int set_names(struct untar *untar, struct archive_entry *entry, struct err *err)
{
	const char *stored = libarchive.archive_entry_pathname(entry);
	const char *linked = libarchive.archive_entry_hardlink(entry);
	autofree char *name = NULL, *target = NULL;

	if (!stored)
		return err_set(err, ERR_SNAPSHOT, "an entry has no readable name");
	name = entry_name(&untar->check, stored, err);
	if (!name || check_type(entry, stored, err) < 0)
		return -1;
	if (linked) {
		target = entry_name(&untar->check, linked, err);
		if (!target)
			return err_wrap(err, "hard link \"%.200s\"", stored);
		libarchive.archive_entry_copy_hardlink(entry, target);
		libarchive.archive_entry_set_size(entry, 0);
	}
	libarchive.archive_entry_copy_pathname(entry, name);
	entry_seen(&untar->check, name,
		!linked && libarchive.archive_entry_filetype(entry) == AE_IFLNK);
	return 0;
}

static int write_header(struct untar *untar, struct archive_entry *entry, struct err *err)
{
	if (libarchive.archive_write_header(untar->out, entry) != ARCHIVE_OK)
		return untar_error(untar->out, "pass an entry on", err);
	return 0;
}

/*
 * The root of the volume, when the archive does not begin with it ("tar -c *"): it gets the first
 * entry's owner, because a server that may not write in its own data directory does not start.
 * PostgreSQL wants
 * 0700; what others may read below is not to be hidden by the root.
 */
static int write_root(struct untar *untar, struct archive_entry *first, struct err *err)
{
	struct archive_entry *root = libarchive.archive_entry_new();
	bool open = libarchive.archive_entry_perm(first) & S_IROTH;
	int result;

	libarchive.archive_entry_copy_pathname(root, untar->check.root);
	libarchive.archive_entry_set_filetype(root, AE_IFDIR);
	libarchive.archive_entry_set_perm(root, open ? 0755 : 0700);
	libarchive.archive_entry_set_uid(root, libarchive.archive_entry_uid(first));
	libarchive.archive_entry_set_gid(root, libarchive.archive_entry_gid(first));
	libarchive.archive_entry_set_mtime(root, libarchive.archive_entry_mtime(first),
		libarchive.archive_entry_mtime_nsec(first));
	result = write_header(untar, root, err);
	libarchive.archive_entry_free(root);
	return result;
}

static int copy_data(struct untar *untar, int64_t left, struct err *err)
{
	while (left > 0) {
		size_t want = left < PIECE ? (size_t)left : PIECE;
		la_ssize_t n = libarchive.archive_read_data(untar->tar, untar->piece, want);

		if (n < 0 && untar->err.kind) {
			*err = untar->err;
			return -1;
		}
		if (n < 0)
			return untar_error(untar->tar, "it is damaged or cut short", err);
		/* The end of the entry: the rest is a hole (a cut file is an error above). */
		if (n == 0) {
			n = (la_ssize_t)want;
			memset(untar->piece, 0, want);
		}
		if (libarchive.archive_write_data(untar->out, untar->piece, (size_t)n) != n)
			return untar_error(untar->out, "pass a file on", err);
		left -= n;
	}
	return 0;
}

static int pass_entry(struct untar *untar, struct archive_entry *entry, struct err *err)
{
	int64_t size;

	if (set_names(untar, entry, err) < 0)
		return -1;
	strip(entry);
	if (libarchive.archive_entry_filetype(entry) != AE_IFREG)
		libarchive.archive_entry_set_size(entry, 0);
	size = libarchive.archive_entry_size(entry);
	if (entry_count(&untar->check, size, err) < 0)
		return -1;
	if (!untar->rooted &&
		!str_eq(libarchive.archive_entry_pathname(entry), untar->check.root) &&
		write_root(untar, entry, err) < 0)
		return -1;
	untar->rooted = true;
	if (write_header(untar, entry, err) < 0)
		return -1;
	return copy_data(untar, size, err);
}

/* === the whole === */

static bool is_zero(const char *data, size_t len)
{
	return !len || (!data[0] && memcmp(data, data + 1, len - 1) == 0);
}

/* After the end mark: only zeros, and the compression's own end. */
static int check_end(struct untar *untar, struct err *err)
{
	int64_t used = libarchive.archive_filter_bytes(untar->tar, 0);
	int64_t left = untar->given - used;
	ssize_t n;
	bool zero;

	if (untar->ended)
		return err_set(err, ERR_SNAPSHOT, "it is cut short: it has no end mark");
	zero = left >= 0 && left <= (int64_t)untar->in_stream &&
	       is_zero(untar->stream + untar->in_stream - left, (size_t)left);
	while ((n = unpack_read(untar->packed, untar->stream, sizeof(untar->stream), err)) > 0)
		zero = zero && is_zero(untar->stream, (size_t)n);
	if (n < 0)
		return -1;
	return zero ? 0 : err_set(err, ERR_SNAPSHOT, "there is something behind its end mark");
}

static int pass_all(struct untar *untar, struct err *err)
{
	struct archive_entry *entry;
	int result;

	while ((result = libarchive.archive_read_next_header(untar->tar, &entry)) == ARCHIVE_OK)
		if (pass_entry(untar, entry, err) < 0)
			return -1;
	if (untar->err.kind) {
		*err = untar->err;
		return -1;
	}
	if (result != ARCHIVE_EOF)
		return untar_error(untar->tar,
			untar->check.entries ? "it is damaged or cut short"
					     : "it is no tar, tar.gz or tar.zst",
			err);
	if (!untar->check.entries)
		return err_set(err, ERR_SNAPSHOT, "it is empty");
	if (check_end(untar, err) < 0)
		return -1;
	if (libarchive.archive_write_close(untar->out) != ARCHIVE_OK)
		return untar_error(untar->out, "write the tar", err);
	return 0;
}

static int untar_run(struct untar *untar, struct err *err)
{
	if (libarchive_load(err) < 0)
		return -1;
	/* Without it libarchive has no UTF-8 names. */
	if (!setlocale(LC_CTYPE, "C.UTF-8") && !setlocale(LC_CTYPE, "en_US.UTF-8"))
		return err_set(err, ERR_SNAPSHOT, "this system has no UTF-8 locale");
	untar->packed = unpack_new(0, -1, err);
	if (!untar->packed || open_tar(untar, err) < 0 || open_out(untar, err) < 0)
		return -1;
	return pass_all(untar, err);
}

static int report(const struct untar *untar, const struct err *err)
{
	autojson json_t *line = json_object();
	autofree char *text = NULL;

	if (err->kind)
		json_object_set_new(line, "error", json_string_safe(err->msg));
	json_object_set_new(line, "entries", json_integer((json_int_t)untar->check.entries));
	text = json_print(line);
	if (write(2, text, strlen(text)) < 0)
		return 1;
	return err->kind != ERR_NONE;
}

int snapshot_child_main(const char *root)
{
	struct untar *untar = xcalloc(1, sizeof(*untar));
	struct err err = ERR_INIT;
	int status;

	untar->check.root = root;
	untar_run(untar, &err);
	status = report(untar, &err);
	if (err.kind)
		/*
		 * Freeing the writer would write an end mark, and make half an archive look whole.
		 */
		_exit(status);
	libarchive.archive_read_free(untar->tar);
	unpack_free(untar->packed);
	libarchive.archive_write_free(untar->out);
	entry_check_release(&untar->check);
	free(untar);
	return status;
}
