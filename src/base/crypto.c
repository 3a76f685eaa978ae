/*
 * crypto.c - HMAC-SHA1 for hashed known_hosts names and RSA signatures for ssh, by OpenSSL.
 *
 * Here because OpenSSL belongs to base; the ssh formats around these are net's.
 */
#include "devenv/crypto.h"

#include "devenv/mem.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

struct rsa_key {
	EVP_PKEY *pkey;
};

void sha1_raw(const void *data, size_t len, unsigned char out[SHA1_SIZE])
{
	if (!EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL))
		abort();
}

void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[HMAC_SHA1_SIZE])
{
	unsigned int out_len = HMAC_SHA1_SIZE;

	HMAC(EVP_sha1(), key, (int)key_len, data, len, out, &out_len);
}

static int pem_passphrase(char *out, int size, int writing, void *ctx)
{
	const char *passphrase = ctx;
	size_t len = passphrase ? strlen(passphrase) : 0;

	if (!passphrase || len > (size_t)size)
		return -1;
	memcpy(out, passphrase, len);
	return (int)len;
}

static struct rsa_key *rsa_key_wrap(EVP_PKEY *pkey)
{
	struct rsa_key *key = xcalloc(1, sizeof(*key));

	key->pkey = pkey;
	return key;
}

struct rsa_key *rsa_key_from_pem(
	const char *text, size_t len, const char *passphrase, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(
				       bio, NULL, pem_passphrase, (void *)(uintptr_t)passphrase)
			     : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (!pkey) {
		err_set(err, ERR_FAILED,
			passphrase ? "wrong passphrase" : "not a readable PEM key");
		return NULL;
	}
	if (EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA) {
		EVP_PKEY_free(pkey);
		err_set(err, ERR_FAILED, "not an RSA key");
		return NULL;
	}
	return rsa_key_wrap(pkey);
}

static OSSL_PARAM *rsa_params(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d))
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	return params;
}

struct rsa_key *rsa_key_from_numbers(
	struct rsa_number n, struct rsa_number e, struct rsa_number d, struct err *err)
{
	BIGNUM *bn = BN_bin2bn(n.data, (int)n.len, NULL);
	BIGNUM *be = BN_bin2bn(e.data, (int)e.len, NULL);
	BIGNUM *bd = BN_bin2bn(d.data, (int)d.len, NULL);
	OSSL_PARAM *params = bn && be && bd ? rsa_params(bn, be, bd) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	BN_free(bn);
	BN_free(be);
	BN_clear_free(bd);
	ERR_clear_error();
	if (!pkey) {
		err_set(err, ERR_FAILED, "the RSA key is damaged");
		return NULL;
	}
	return rsa_key_wrap(pkey);
}

static int add_number(const struct rsa_key *key, const char *name, struct buf *out)
{
	BIGNUM *number = NULL;
	char *to;
	int rc = -1;

	if (EVP_PKEY_get_bn_param(key->pkey, name, &number) != 1)
		return -1;
	to = buf_reserve(out, (size_t)BN_num_bytes(number));
	if (to) {
		out->len += (size_t)BN_bn2bin(number, (unsigned char *)to);
		rc = 0;
	}
	BN_free(number);
	return rc;
}

int rsa_key_modulus(const struct rsa_key *key, struct buf *out)
{
	return add_number(key, OSSL_PKEY_PARAM_RSA_N, out);
}

int rsa_key_exponent(const struct rsa_key *key, struct buf *out)
{
	return add_number(key, OSSL_PKEY_PARAM_RSA_E, out);
}

int rsa_key_sign(const struct rsa_key *key, bool sha512, const void *data, size_t len,
	struct buf *out, struct err *err)
{
	size_t size = (size_t)EVP_PKEY_size(key->pkey);
	char *to = buf_reserve(out, size);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = to && ctx &&
		 EVP_DigestSignInit(
			 ctx, NULL, sha512 ? EVP_sha512() : EVP_sha256(), NULL, key->pkey) == 1 &&
		 EVP_DigestSign(ctx, (unsigned char *)to, &size, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return err_set(err, ERR_FAILED, "OpenSSL could not sign with the RSA key");
	out->len += size;
	return 0;
}

void rsa_key_free(struct rsa_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}
