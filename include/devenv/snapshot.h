/*
 * snapshot.h - seeded data directories: a plain tar, tar.gz or tar.zst restored into a fresh
 * volume.
 *
 * The archive (a file or an https URL) is read by a child process which checks every name, counts,
 * hashes and hands the plain tar on; the engine unpacks it into the volume through a container that
 * is never started, so owners, modes, times and hard links are as in the archive on every engine,
 * local or remote.  What is refused and why is in src/snapshot/entry.c.
 *
 *	struct snapshot_ask ask = {.source = "seed.tar.zst", .object = "volume data", .sink = sink};
 *	if (snapshot_stream(&ask, write, ctx, &result, err) < 0)
 *		... throw away what was written: it may begin a broken archive ...
 *
 * Not here: which volumes need it (plan), and OCI artifacts (the issue "Seeded snapshots").
 */
#ifndef DEVENV_SNAPSHOT_H
#define DEVENV_SNAPSHOT_H

#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/hash.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the plain tar goes: called with pieces in order. Non-zero: stop (err filled by the callee).
 */
typedef int snapshot_write_fn(void *ctx, const void *data, size_t len, struct err *err);

struct snapshot_ask {
	const char
		*source; /* a path, file://, http:// or https:// URL; the form is told by content */
	/* Read the archive from here, not from the source, which then is only its name; or NULL. */
	ssize_t (*read)(void *ctx, void *data, size_t len, struct err *err);
	void *read_ctx;
	const char *expect; /* "sha256:..." of the archive as stored, or NULL */
	const char *root;   /* folder put before every name in the plain tar; NULL: "." */
	const char *object; /* of the events: "volume data" */
	const struct sink *sink;
};

struct snapshot_result {
	char digest[SHA256_HEX]; /* of the archive as stored (before decompression) */
	uint64_t bytes;          /* of the plain tar */
	uint64_t entries;
};

/*
 * Stream the archive as a plain pax tar into `write`: owners by number, modes, times, xattrs, hard
 * links and symbolic links as stored; holes are written out. The root folder is always the first
 * entry: where the archive has none, it gets the owner of the archive's first entry. Progress as
 * EVENT_PROGRESS of `object`, in bytes of the archive. ERR_SNAPSHOT names the source and, where it
 * is one, the entry.
 */
int snapshot_stream(const struct snapshot_ask *ask, snapshot_write_fn *write, void *ctx,
	struct snapshot_result *result, struct err *err);

/* The hidden command `devenv __untar ROOT`: archive in, plain tar out. Exit status. */
int snapshot_child_main(const char *root);

#endif
