/*
 * snapshot.h - seeded data directories: a plain tar, tar.gz or tar.zst restored into a fresh volume.
 *
 * The archive (a file or an https URL) is read by a child process which checks every name, counts,
 * hashes and hands the plain tar on; the engine unpacks it into the volume through a container that
 * is never started, so owners, modes, times and hard links are as in the archive on every engine,
 * local or remote.  What is refused and why is in src/snapshot/tar.c.
 *
 * Not here: which volumes need it (plan), and OCI artifacts (the issue "Seeded snapshots").
 */
#ifndef DEVENV_SNAPSHOT_H
#define DEVENV_SNAPSHOT_H

#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/hash.h"

#include <stdint.h>

/*
 * Where the plain tar goes: called with pieces in order. Non-zero: stop (err filled by the callee).
 */
typedef int snapshot_write_fn(void *ctx, const void *data, size_t len, struct err *err);

struct snapshot_result {
	char digest[SHA256_HEX]; /* of the archive as stored (before decompression) */
	uint64_t bytes;          /* of the plain tar */
	uint64_t entries;
};

/*
 * Stream `source` (a path, file:// or https:// URL; .tar, .tar.gz, .tar.zst by content) as a plain tar
 * into `write`. Progress as EVENT_PROGRESS of `object`. When `expect` is not NULL ("sha256:...") the
 * archive must have that digest. ERR_SNAPSHOT names the source and the entry.
 */
int snapshot_stream(const char *source, const char *expect, const char *object,
	const struct sink *sink, snapshot_write_fn *write, void *ctx,
	struct snapshot_result *result, struct err *err);

#endif
