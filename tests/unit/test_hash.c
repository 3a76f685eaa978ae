/* test_hash.c - SHA-256 against FIPS 180-4's examples, base64 against RFC 4648's. */
#include "testing.h"

#include "devenv/hash.h"

static void test_sha256(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	autofree char *path = path_join(*state, "abc");
	struct sha256 *hash = sha256_new();
	struct err err = ERR_INIT;
	char out[SHA256_HEX];

	sha256_hex("abc", 3, out);
	assert_string_equal(out, abc);
	sha256_add(hash, "a", 1);
	sha256_add(hash, "", 0);
	sha256_add(hash, "bc", 2);
	sha256_end(hash, out);
	assert_string_equal(out, abc);
	assert_int_equal(fs_write_atomic(path, "abc", 3, 0600, &err), 0);
	assert_int_equal(sha256_file(path, out, &err), 0);
	assert_string_equal(out, abc);
	assert_int_equal(sha256_file("/nowhere/at/all", out, &err), -1);
	assert_int_equal(sha256_file(*state, out, &err), -1);
}

static void test_hex(void **state)
{
	unsigned char raw[SHA256_SIZE], back[SHA256_SIZE];
	char text[SHA256_HEX];

	sha256_raw("abc", 3, raw);
	hex_encode(raw, sizeof(raw), text);
	assert_string_equal(
		text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(hex_decode(text, back, sizeof(back)));
	assert_memory_equal(raw, back, sizeof(raw));
	assert_false(hex_decode(text, back, sizeof(back) - 1));
	text[5] = 'A';
	assert_false(hex_decode(text, back, sizeof(back)));
	assert_false(hex_decode("", back, sizeof(back)));
}

static void test_base64(void **state)
{
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *text = base64_encode(rows[i][0], strlen(rows[i][0]), 0);
		autofree char *back = NULL;
		size_t len = 99;

		assert_string_equal(text, rows[i][1]);
		back = base64_decode(text, &len);
		assert_int_equal(len, strlen(rows[i][0]));
		assert_string_equal(back, rows[i][0]);
	}
}

static void test_base64_odd(void **state)
{
	static const char *const bad[] = {"A", "A===", "Zg=a", "Z g", "Zm9v\n", "\xff\xff"};
	autofree char *url = base64_encode("\xfb\xff", 2, 1), *unpadded = NULL, *both = NULL;
	size_t len = 0;

	assert_string_equal(url, "-_8=");
	unpadded = base64_decode("-_8", &len);
	assert_int_equal(len, 2);
	assert_memory_equal(unpadded, "\xfb\xff", 2);
	both = base64_decode("+/8=", &len);
	assert_memory_equal(both, "\xfb\xff", 2);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(base64_decode(bad[i], &len));
}

static void test_random(void **state)
{
	char a[33], b[33];

	random_hex(a, 16);
	random_hex(b, 16);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_sha256),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_odd),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
