/*
 * tar.h - plain tar streams (POSIX.1-2017 pax), written and read piece by piece.
 *
 * For what goes to the engine: build contexts and inline files.  Archives from elsewhere,
 * compressed or hostile, are the business of snapshot.h.
 *
 *	struct tar_writer tar = {write, ctx};
 *	tar_add(&tar, &(struct tar_entry){.name = "hello", .type = '0', .size = 5}, err);
 *	tar_data(&tar, "hello", 5, err);
 *	tar_end(&tar, err);
 */
#ifndef DEVENV_TAR_H
#define DEVENV_TAR_H

#include "devenv/buf.h"
#include "devenv/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define TAR_BLOCK 512

struct tar_xattr {
	const char *name, *value; /* borrowed */
	size_t len;
};

struct tar_entry {
	const char *name; /* with a slash at its end for a folder */
	const char *link; /* target of '1' and '2' */
	char type;        /* '0' file, '1' hard link, '2' symbolic link, '5' folder, '6' pipe */
	unsigned mode;    /* permission bits */
	uint64_t uid, gid;
	uint64_t size; /* of the data that follows: '0' only */
	int64_t mtime;
	uint32_t mtime_ns;
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
	/* Not 0: the data is in GNU's sparse format 1.0, of a file of this size. */
	uint64_t real_size;
};

/* Where it goes: called with pieces in order. Non-zero: stop (err filled by the callee). */
typedef int tar_write_fn(void *ctx, const void *data, size_t len, struct err *err);

struct tar_writer {
	tar_write_fn *write;
	void *ctx;
	uint64_t left; /* of the entry's data, with padding after it */
	unsigned padding;
};

/* Begin an entry; exactly entry->size bytes of data must follow through tar_data(). */
int tar_add(struct tar_writer *tar, const struct tar_entry *entry, struct err *err);
int tar_data(struct tar_writer *tar, const void *data, size_t len, struct err *err);
int tar_end(struct tar_writer *tar, struct err *err);

/* === reading: streams of regular pax only, as snapshot_stream() writes them === */

/* Where it comes from: up to `len` bytes, 0 at the end, -1 with err. */
typedef ssize_t tar_read_fn(void *ctx, void *data, size_t len, struct err *err);

struct tar_reader {
	tar_read_fn *read;
	void *ctx;
	/* Private: */
	struct tar_entry entry;
	uint64_t left; /* of the entry's data, with padding after it */
	unsigned padding;
	bool sized, timed, uid, gid; /* an extended header told */
	char *name, *link;
	struct tar_xattr *xattrs;
	size_t n_xattrs;
	struct buf records;
};

/*
 * The next entry, borrowed until the next call; what is unread of the one before is skipped. 1; 0
 * at the end mark; -1 with err. tar_read() gives its data: up to `len` bytes, 0 at the end.
 */
int tar_next(struct tar_reader *tar, const struct tar_entry **entry, struct err *err);
ssize_t tar_read(struct tar_reader *tar, void *data, size_t len, struct err *err);
void tar_reader_release(struct tar_reader *tar);

/* === what is on the disk === */

/*
 * Add what is at `path` (links not followed) as `name`. `owned`: keep owner and group, else they
 * are root's. A file that grew or shrank meanwhile is cut or filled. Sockets and devices are left
 * out.
 */
int tar_add_path(
	struct tar_writer *tar, const char *path, const char *name, int owned, struct err *err);

/*
 * The same with everything below it, in the order of names: NAME, NAME/a, NAME/a/b. With the name
 * "." only what is below it: a, a/b. Folders nested over 256 deep are refused.
 */
int tar_add_tree(
	struct tar_writer *tar, const char *path, const char *name, int owned, struct err *err);

#endif
