/*
 * crypto.h - what ssh needs of OpenSSL beside hash.h: SHA-1, HMAC-SHA1, RSA signatures, AES-CTR.
 *
 * libssh2 1.10 (Debian 12) signs with RSA only by SHA-1, which every current sshd refuses, so
 * devenv makes the rsa-sha2 signatures (RFC 8332) itself.  No file formats here but PEM.
 */
#ifndef DEVENV_CRYPTO_H
#define DEVENV_CRYPTO_H

#include "devenv/buf.h"
#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SHA1_SIZE 20
#define HMAC_SHA1_SIZE SHA1_SIZE

/* Only where a protocol or format wants it. */
void sha1_raw(const void *data, size_t len, unsigned char out[SHA1_SIZE]);

void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[HMAC_SHA1_SIZE]);

/*
 * From here on, in the whole process, OpenSSL's AES-128-CTR is quick also for those who ask for 16
 * bytes a call, as libssh2 does. Without effect in FIPS mode.
 */
void crypto_ctr_ahead(void);

struct rsa_key;

/*
 * An RSA key out of PEM text (PKCS#1 or PKCS#8), `passphrase` NULL for none. NULL with ERR_FAILED
 * when it is no RSA key, is damaged, or the passphrase is wrong.
 */
struct rsa_key *rsa_key_from_pem(
	const char *text, size_t len, const char *passphrase, struct err *err);

/* One big-endian unsigned number. */
struct rsa_number {
	const unsigned char *data;
	size_t len;
};

struct rsa_key *rsa_key_from_numbers(
	struct rsa_number n, struct rsa_number e, struct rsa_number d, struct err *err);

/* Append the public modulus or exponent, big-endian without leading zeros. */
int rsa_key_modulus(const struct rsa_key *key, struct buf *out);
int rsa_key_exponent(const struct rsa_key *key, struct buf *out);

/* Append the PKCS#1 v1.5 signature of `data` with SHA-512 or SHA-256. */
int rsa_key_sign(const struct rsa_key *key, bool sha512, const void *data, size_t len,
	struct buf *out, struct err *err);

void rsa_key_free(struct rsa_key *key);

#endif
