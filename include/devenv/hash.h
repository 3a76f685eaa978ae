/* hash.h - SHA-256 and base64. */
#ifndef DEVENV_HASH_H
#define DEVENV_HASH_H

#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_HEX 65 /* 64 digits and NUL */

void sha256_raw(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX]);

/* In pieces: sha256_new, sha256_add..., sha256_end or sha256_end_raw (which free). */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *hash, const void *data, size_t len);
void sha256_end(struct sha256 *hash, char out[SHA256_HEX]);
void sha256_end_raw(struct sha256 *hash, unsigned char out[SHA256_SIZE]);

int sha256_file(const char *path, char out[SHA256_HEX], struct err *err);

/* `n` bytes as 2n lower-case digits and NUL, and back (false: not exactly that). */
void hex_encode(const void *data, size_t n, char *out);
bool hex_decode(const char *text, unsigned char *out, size_t n);

/* RFC 4648; `url` chooses the URL-safe alphabet. The caller's. */
char *base64_encode(const void *data, size_t len, int url);

/*
 * Either alphabet, padding optional; NULL when it is not base64. *len gets the size. The caller's,
 * NUL added.
 */
char *base64_decode(const char *text, size_t *len);

/* `n` random bytes from the system as 2n hex digits into `out` (2n+1 bytes). */
void random_hex(char *out, size_t n);

#endif
