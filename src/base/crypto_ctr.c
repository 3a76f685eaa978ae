/*
 * crypto_ctr.c - AES-128 in counter mode, of which libssh2 asks 16 bytes a call.
 *
 * A call into OpenSSL costs several times what 16 bytes cost, and that was a third of a tunnel's
 * time.  So this is a provider of OpenSSL 3 (provider(7)) in front of its own one: it has that one
 * make the key stream some kilobytes ahead, which is what counter mode allows, and a call is left
 * with an XOR.  No cipher is implemented here.  Where it cannot be loaded, all works without it.
 *
 * Only AES-128: with AES-256 in counter mode OpenSSL makes its random numbers, and that stays its
 * own.
 */
#include "devenv/crypto.h"

#include "devenv/mem.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER "devenv"
#define AHEAD 4096
#define BLOCK 16
#define KEY 16

struct ahead {
	EVP_CIPHER_CTX *source; /* OpenSSL's own */
	size_t used;            /* of the stream */
	unsigned char stream[AHEAD];
};

static void ahead_free(void *ctx)
{
	struct ahead *ahead = ctx;

	EVP_CIPHER_CTX_free(ahead->source);
	OPENSSL_cleanse(ahead, sizeof(*ahead));
	free(ahead);
}

static void *ahead_new(void *provider)
{
	struct ahead *ahead = xcalloc(1, sizeof(*ahead));

	ahead->source = EVP_CIPHER_CTX_new();
	if (ahead->source)
		return ahead;
	free(ahead);
	return NULL;
}

/* Both ways: what is encrypted twice is plain. */
static int ahead_init(void *ctx, const unsigned char *key, size_t key_len, const unsigned char *iv,
	size_t iv_len, const OSSL_PARAM params[])
{
	struct ahead *ahead = ctx;
	EVP_CIPHER *cipher = NULL;
	int result;

	if ((key && key_len != KEY) || (iv && iv_len != BLOCK))
		return 0;
	if (key)
		cipher = EVP_CIPHER_fetch(NULL, "AES-128-CTR", "provider=default");
	if (key && !cipher)
		return 0;
	result = EVP_EncryptInit_ex2(ahead->source, cipher, key, iv, params);
	EVP_CIPHER_free(cipher);
	ahead->used = AHEAD;
	return result;
}

static int refill(struct ahead *ahead)
{
	int len;

	memset(ahead->stream, 0, AHEAD);
	ahead->used = 0;
	return EVP_EncryptUpdate(ahead->source, ahead->stream, &len, ahead->stream, AHEAD) == 1 &&
	       len == AHEAD;
}

/* The one length that matters, in two words. */
static void xor_block(unsigned char *out, const unsigned char *in, const unsigned char *stream)
{
	uint64_t words[2], keys[2];

	memcpy(words, in, BLOCK);
	memcpy(keys, stream, BLOCK);
	words[0] ^= keys[0];
	words[1] ^= keys[1];
	memcpy(out, words, BLOCK);
}

static void xor_bytes(
	unsigned char *out, const unsigned char *in, const unsigned char *stream, size_t len)
{
	if (len == BLOCK) {
		xor_block(out, in, stream);
		return;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] ^ stream[i];
}

__attribute__((noinline)) static int update_any(
	struct ahead *ahead, unsigned char *out, const unsigned char *in, size_t len)
{
	while (len) {
		size_t n = AHEAD - ahead->used;

		if (!n && !refill(ahead))
			return 0;
		if (!n)
			n = AHEAD;
		if (n > len)
			n = len;
		xor_bytes(out, in, ahead->stream + ahead->used, n);
		ahead->used += n;
		in += n;
		out += n;
		len -= n;
	}
	return 1;
}

static int ahead_update(void *ctx, unsigned char *out, size_t *out_len, size_t out_size,
	const unsigned char *in, size_t len)
{
	struct ahead *ahead = ctx;
	size_t used = ahead->used;

	if (out_size < len)
		return 0;
	*out_len = len;
	if (len != BLOCK || used > AHEAD - BLOCK)
		return update_any(ahead, out, in, len);
	ahead->used = used + BLOCK;
	xor_block(out, in, ahead->stream + used);
	return 1;
}

static int ahead_final(void *ctx, unsigned char *out, size_t *out_len, size_t out_size)
{
	*out_len = 0;
	return 1;
}

/* === what OpenSSL asks about it === */

static int get_params(OSSL_PARAM params[])
{
	static const struct {
		const char *name;
		size_t value;
	} sizes[] = {{OSSL_CIPHER_PARAM_BLOCK_SIZE, 1}, {OSSL_CIPHER_PARAM_KEYLEN, KEY},
		{OSSL_CIPHER_PARAM_IVLEN, BLOCK}};
	OSSL_PARAM *mode = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);

	if (mode && !OSSL_PARAM_set_uint(mode, EVP_CIPH_CTR_MODE))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		OSSL_PARAM *param = OSSL_PARAM_locate(params, sizes[i].name);

		if (param && !OSSL_PARAM_set_size_t(param, sizes[i].value))
			return 0;
	}
	return 1;
}

static int get_ctx_params(void *ctx, OSSL_PARAM params[])
{
	return get_params(params);
}

static const OSSL_PARAM *known_params(void *ctx, void *provider)
{
	static const OSSL_PARAM known[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
		OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL), OSSL_PARAM_END};

	return known;
}

/* OpenSSL's table of functions has them all as this type. */
#define FUNCTION(f) ((void (*)(void))(f))

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_CIPHER_NEWCTX, FUNCTION(ahead_new)},
		{OSSL_FUNC_CIPHER_FREECTX, FUNCTION(ahead_free)},
		{OSSL_FUNC_CIPHER_ENCRYPT_INIT, FUNCTION(ahead_init)},
		{OSSL_FUNC_CIPHER_DECRYPT_INIT, FUNCTION(ahead_init)},
		{OSSL_FUNC_CIPHER_UPDATE, FUNCTION(ahead_update)},
		{OSSL_FUNC_CIPHER_FINAL, FUNCTION(ahead_final)},
		{OSSL_FUNC_CIPHER_CIPHER, FUNCTION(ahead_update)},
		{OSSL_FUNC_CIPHER_GET_PARAMS, FUNCTION(get_params)},
		{OSSL_FUNC_CIPHER_GET_CTX_PARAMS, FUNCTION(get_ctx_params)},
		{OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS, FUNCTION(known_params)}, {0, NULL}};
	static const OSSL_ALGORITHM ciphers[] = {
		{"AES-128-CTR", "provider=" PROVIDER, functions, NULL}, {0}};

	*no_cache = 0;
	return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, FUNCTION(query)}, {0, NULL}};

	*out = functions;
	*provider = (void *)(uintptr_t)handle;
	return 1;
}

void crypto_ctr_ahead(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static OSSL_PROVIDER *loaded; /* for good */
	static bool tried;

	pthread_mutex_lock(&mutex);
	/* Who wants validated code gets it. */
	if (!tried && !EVP_default_properties_is_fips_enabled(NULL) &&
		OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init))
		loaded = OSSL_PROVIDER_try_load(NULL, PROVIDER, 1);
	if (!tried && loaded)
		EVP_set_default_properties(NULL, "?provider=" PROVIDER);
	tried = true;
	pthread_mutex_unlock(&mutex);
}
