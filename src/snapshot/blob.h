/*
 * blob.h - files named by their SHA-256 in an open folder.  Private to src/snapshot.
 *
 * A blob is written under a name of its own and gets its digest's name once it is on the disk: so
 * what has such a name is whole.
 */
#ifndef SNAPSHOT_BLOB_H
#define SNAPSHOT_BLOB_H

#include "devenv/err.h"
#include "devenv/hash.h"

#include <stddef.h>
#include <stdint.h>

/* Open BLOBS/HEX to read; -1 with err, which says that it is missing. */
int blob_open(int blobs, const unsigned char sha256[SHA256_SIZE], struct err *err);

/* The blob's size, or -1 when there is none of that name. */
int64_t blob_size(int blobs, const unsigned char sha256[SHA256_SIZE]);

/*
 * In two steps, to sync many at once: blob_stage() writes a blob under the name `staged` ("": it is
 * there already, and whole), which after a sync blob_settle() makes its digest's; that goes into
 * `sha256`.
 */
#define BLOB_STAGED 32
int blob_stage(int blobs, const void *data, size_t len, unsigned char sha256[SHA256_SIZE],
	char staged[BLOB_STAGED], struct err *err);
int blob_settle(
	int blobs, const char *staged, const unsigned char sha256[SHA256_SIZE], struct err *err);
void blob_drop(int blobs, const char *staged);

/*
 * And in pieces, by the caller: the descriptor of an empty file under the name `staged`, which is
 * synced before it is settled.
 */
int blob_begin(int blobs, char staged[BLOB_STAGED], struct err *err);
int blob_sync(int fd, const unsigned char sha256[SHA256_SIZE], struct err *err);

/* The SHA-256 of the first `size` bytes, read into `room`; -1: there are not as many. */
int blob_hash(
	int fd, uint64_t size, void *room, size_t room_size, unsigned char sha256[SHA256_SIZE]);

/* pread/pwrite of all of it; -1 with errno (0: the file ended). */
int read_at(int fd, void *data, size_t len, uint64_t offset);
int write_at(int fd, const void *data, size_t len, uint64_t offset);

/* Let the disk begin with what was written there, so that a later sync waits for less. */
void write_behind(int fd, uint64_t offset, uint64_t len);

#endif
