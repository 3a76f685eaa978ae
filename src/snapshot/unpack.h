/*
 * unpack.h - the bytes of a tar out of a descriptor, whether plain, gzip or zstd.
 *
 * Private to src/snapshot.  Checks what libarchive does not: gzip's checksum, and that the
 * compression comes to its end.
 */
#ifndef SNAPSHOT_UNPACK_H
#define SNAPSHOT_UNPACK_H

#include "devenv/err.h"

#include <stddef.h>
#include <sys/types.h>

struct unpack;

/*
 * Look at the first bytes of `fd` (borrowed). NULL with err: the library is missing, or it is
 * empty.
 */
struct unpack *unpack_new(int fd, struct err *err);
void unpack_free(struct unpack *unpack);

/* Up to `len` bytes; 0 at the end; -1 with err for what is damaged or cut short. */
ssize_t unpack_read(struct unpack *unpack, void *data, size_t len, struct err *err);

#endif
