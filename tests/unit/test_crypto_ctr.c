/* AES-CTR a block at a time, as libssh2 asks for it, is what OpenSSL makes of the whole. */
#include "testing.h"

#include "devenv/crypto.h"
#include "devenv/mem.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <string.h>

#define LEN 20000

static const unsigned char key[16] = "the key of tests";
/* The counter passes over its last byte's end, and its last but one's. */
static const unsigned char iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0xff, 0xf0};

static void whole(const unsigned char *in, unsigned char *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-CTR", "provider=default");
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	assert_non_null(cipher);
	assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &len, in, LEN), 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

static void in_pieces(bool encrypt, size_t piece, const unsigned char *in, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	assert_int_equal(EVP_CipherInit(ctx, EVP_aes_128_ctr(), key, iv, encrypt), 1);
	assert_string_equal(
		OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(EVP_CIPHER_CTX_get0_cipher(ctx))),
		"devenv");
	assert_int_equal(EVP_CIPHER_CTX_get_block_size(ctx), 1);
	assert_int_equal(EVP_CIPHER_CTX_get_iv_length(ctx), 16);
	assert_int_equal(EVP_CIPHER_CTX_get_mode(ctx), EVP_CIPH_CTR_MODE);
	for (size_t at = 0; at < LEN; at += piece) {
		size_t n = LEN - at < piece ? LEN - at : piece;

		assert_int_equal(EVP_Cipher(ctx, out + at, in + at, (unsigned)n), (int)n);
	}
	EVP_CIPHER_CTX_free(ctx);
}

static void test_same(void **state)
{
	static const size_t pieces[] = {16, 1, 15, 17, 4096, 4095, 4097, 9000, LEN};
	static unsigned char plain[LEN], expected[LEN], out[LEN], back[LEN];

	crypto_ctr_ahead();
	for (size_t i = 0; i < LEN; i++)
		plain[i] = (unsigned char)(i * 7 + i / 256);
	whole(plain, expected);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		in_pieces(true, pieces[i], plain, out);
		assert_memory_equal(out, expected, LEN);
		in_pieces(false, pieces[i], out, back);
		assert_memory_equal(back, plain, LEN);
	}
}

/* A context that is used again begins anew. */
static void test_again(void **state)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char first[16], again[16];

	crypto_ctr_ahead();
	assert_int_equal(EVP_CipherInit(ctx, EVP_aes_128_ctr(), key, iv, 1), 1);
	assert_int_equal(EVP_Cipher(ctx, first, key, 16), 16);
	assert_int_equal(EVP_CipherInit(ctx, NULL, NULL, iv, 1), 1);
	assert_int_equal(EVP_Cipher(ctx, again, key, 16), 16);
	assert_memory_equal(first, again, 16);
	EVP_CIPHER_CTX_free(ctx);
}

/* The rest of OpenSSL is as it was: what makes its random numbers, above all. */
static void test_others(void **state)
{
	static const char *const names[] = {"AES-256-CTR", "AES-128-GCM", "AES-256-ECB"};
	unsigned char bytes[64];

	crypto_ctr_ahead();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[i], NULL);

		assert_non_null(cipher);
		assert_string_equal(
			OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(cipher)), "default");
		EVP_CIPHER_free(cipher);
	}
	assert_int_equal(RAND_bytes(bytes, sizeof(bytes)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
