/*
 * packed.h - streams that are plain, gzip'ed or zstd-compressed.
 *
 * Reading tells the form from the first bytes, and checks what libraries are lax about: gzip's
 * checksum, and that the compression comes to its end.
 *
 *	struct unpack *in = unpack_new(fd, -1, err);
 *	while ((n = unpack_read(in, data, sizeof(data), err)) > 0) ...
 *	unpack_free(in);
 *
 *	struct packer *out = packer_new(PACKING_ZSTD, write, ctx, err);
 *	if (packer_add(out, data, n, err) < 0 || packer_end(out, err) < 0) ...
 *	packer_free(out);
 *
 * Errors are ERR_SNAPSHOT.
 */
#ifndef DEVENV_PACKED_H
#define DEVENV_PACKED_H

#include "devenv/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

/* By the end of a file's name: .gz, .tgz, .zst, .tzst. */
enum packing packing_of_name(const char *name);

/* === reading === */

struct unpack;

/*
 * Look at the first bytes of `fd` (borrowed). NULL with err: the library is missing, or it is
 * empty. When `cancel_fd` (or -1) becomes readable, reading ends with ERR_CANCELLED.
 */
struct unpack *unpack_new(int fd, int cancel_fd, struct err *err);
void unpack_free(struct unpack *unpack);

/* Up to `len` bytes; 0 at the end; -1 with err for what is damaged or cut short. */
ssize_t unpack_read(struct unpack *unpack, void *data, size_t len, struct err *err);

/* The bytes that were read from the descriptor so far, as they are stored. */
uint64_t unpack_taken(const struct unpack *unpack);

/* === writing === */

struct packer;

/* Where it goes: called with pieces in order. Non-zero: stop (err filled by the callee). */
typedef int packer_write_fn(void *ctx, const void *data, size_t len, struct err *err);

/* NULL with err: the library is missing. */
struct packer *packer_new(enum packing packing, packer_write_fn *write, void *ctx, struct err *err);
int packer_add(struct packer *packer, const void *data, size_t len, struct err *err);

/* What is held back, and the end of the compression. */
int packer_end(struct packer *packer, struct err *err);
void packer_free(struct packer *packer); /* NULL is fine */

#endif
