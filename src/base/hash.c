/*
 * hash.c - SHA-256 through OpenSSL, base64 by hand (OpenSSL's wants padding).
 *
 * SHA256_Init() and not EVP_DigestInit(): the same code without OpenSSL 3's providers, which take
 * 1 ms to set up and would make the agent, which is linked statically, three times as large.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "devenv/hash.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct sha256 {
	SHA256_CTX context;
};

static const char hex_digits[] = "0123456789abcdef";

void hex_encode(const void *data, size_t n, char *out)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digits[bytes[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

bool hex_decode(const char *text, unsigned char *out, size_t n)
{
	if (strlen(text) != 2 * n || strspn(text, hex_digits) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *high = strchr(hex_digits, text[2 * i]);
		const char *low = strchr(hex_digits, text[2 * i + 1]);

		out[i] = (unsigned char)((high - hex_digits) << 4 | (low - hex_digits));
	}
	return true;
}

struct sha256 *sha256_new(void)
{
	struct sha256 *hash = xcalloc(1, sizeof(*hash));

	SHA256_Init(&hash->context);
	return hash;
}

void sha256_add(struct sha256 *hash, const void *data, size_t len)
{
	SHA256_Update(&hash->context, data, len);
}

void sha256_end_raw(struct sha256 *hash, unsigned char out[SHA256_SIZE])
{
	SHA256_Final(out, &hash->context);
	free(hash);
}

void sha256_end(struct sha256 *hash, char out[SHA256_HEX])
{
	unsigned char digest[SHA256_SIZE];

	sha256_end_raw(hash, digest);
	hex_encode(digest, sizeof(digest), out);
}

void sha256_raw(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
	struct sha256 *hash = sha256_new();

	sha256_add(hash, data, len);
	sha256_end_raw(hash, out);
}

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX])
{
	struct sha256 *hash = sha256_new();

	sha256_add(hash, data, len);
	sha256_end(hash, out);
}

int sha256_file(const char *path, char out[SHA256_HEX], struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sha256 *hash;
	char piece[65536];
	ssize_t n;

	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "open %s", path);
	hash = sha256_new();
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		sha256_add(hash, piece, (size_t)n);
	sha256_end(hash, out);
	if (n < 0)
		return err_os(err, ERR_FAILED, errno, "read %s", path);
	return 0;
}

char *base64_encode(const void *data, size_t len, int url)
{
	static const char standard[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = data;
	char *out = xmalloc((len + 2) / 3 * 4 + 1), *to = out;

	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)in[i] << 16;

		if (i + 1 < len)
			bits |= (unsigned)in[i + 1] << 8;
		if (i + 2 < len)
			bits |= in[i + 2];
		*to++ = standard[bits >> 18];
		*to++ = standard[bits >> 12 & 63];
		*to++ = i + 1 < len ? standard[bits >> 6 & 63] : '=';
		*to++ = i + 2 < len ? standard[bits & 63] : '=';
	}
	*to = '\0';
	for (to = out; url && *to; to++)
		*to = *to == '+' ? '-' : *to == '/' ? '_' : *to;
	return out;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

char *base64_decode(const char *text, size_t *len)
{
	size_t n = strlen(text), used = 0;
	autofree char *out = xmalloc(n / 4 * 3 + 4);
	unsigned bits = 0, have = 0;

	while (n && text[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return NULL;
		bits = bits << 6 | (unsigned)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[used++] = (char)(bits >> have & 255);
		}
	}
	out[used] = '\0';
	*len = used;
	return TAKE(out);
}

void random_hex(char *out, size_t n)
{
	unsigned char bytes[64];

	if (n > sizeof(bytes) || getrandom(bytes, n, 0) != (ssize_t)n)
		abort();
	hex_encode(bytes, n, out);
}
