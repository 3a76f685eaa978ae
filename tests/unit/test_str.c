/* test_str.c - the one parser of numbers, sizes and durations, and "did you mean". */
#include "testing.h"

#include "devenv/str.h"

static void test_integers(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "--1",
		"18446744073709551616", "99999999999999999999999"};
	uint64_t u = 77;
	int64_t i = 77;
	uint16_t port = 77;

	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		assert_false(parse_u64(bad[k], 0, UINT64_MAX, &u));
		assert_false(parse_i64(bad[k], INT64_MIN, INT64_MAX, &i));
	}
	assert_false(parse_u64(NULL, 0, 9, &u));
	assert_int_equal(u, 77);
	assert_int_equal(i, 77);
	assert_true(parse_u64("18446744073709551615", 0, UINT64_MAX, &u));
	assert_true(u == UINT64_MAX);
	assert_false(parse_u64("11", 0, 10, &u));
	assert_false(parse_u64("-1", 0, 10, &u));
	assert_true(parse_i64("-5", -5, 5, &i));
	assert_int_equal(i, -5);
	assert_false(parse_i64("-6", -5, 5, &i));
	assert_true(parse_port("65535", &port));
	assert_int_equal(port, 65535);
	assert_false(parse_port("0", &port));
	assert_false(parse_port("65536", &port));
}

static void test_octal(void **state)
{
	uint64_t mode = 0;

	assert_true(parse_octal("0644", 07777, &mode));
	assert_int_equal(mode, 0644);
	assert_true(parse_octal("7777", 07777, &mode));
	assert_false(parse_octal("10000", 07777, &mode));
	assert_false(parse_octal("8", 07777, &mode));
	assert_false(parse_octal("", 07777, &mode));
}

static void test_bytes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} rows[] = {{"0", 0}, {"512", 512}, {"512b", 512}, {"64k", 65536}, {"64K", 65536},
		{"64kb", 65536}, {"1.5G", 1610612736}, {"10MiB", 10485760}, {"2gb", 2147483648},
		{"1t", 1099511627776}};
	static const char *const bad[] = {
		"", "k", "-1", "1x", "1kbb", "1 2", "1.2.3", "1bb", "1e9g"};
	int64_t out = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(parse_bytes(rows[i].text, &out));
		assert_int_equal(out, rows[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse_bytes(bad[i], &out));
	assert_false(parse_bytes(NULL, &out));
}

static void test_durations(void **state)
{
	static const struct {
		const char *text, *printed;
		int64_t ns;
	} rows[] = {{"90s", "1m30s", 90000000000}, {"1h30m", "1h30m0s", 5400000000000},
		{"1.5s", "1.5s", 1500000000}, {"100ms", "100ms", 100000000}, {"0", "0s", 0},
		{"15us", "15\xc2\xb5s", 15000}, {"7ns", "7ns", 7}, {"1m", "1m0s", 60000000000}};
	static const char *const bad[] = {"", "5", "-2s", "s", "1x", "1s2", ".s", "1..5s", "1 s"};
	int64_t ns = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *printed = NULL;

		assert_true(parse_duration(rows[i].text, &ns));
		assert_int_equal(ns, rows[i].ns);
		printed = format_duration(ns);
		assert_string_equal(printed, rows[i].printed);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse_duration(bad[i], &ns));
}

static void test_for_people(void **state)
{
	char out[16];

	assert_string_equal(format_bytes(out, 0), "0 B");
	assert_string_equal(format_bytes(out, 1400), "1.4 kB");
	assert_string_equal(format_bytes(out, 999999), "1.0 MB");
	assert_string_equal(format_bytes(out, 80000000), "80 MB");
	assert_true(strlen(format_bytes(out, UINT64_MAX)) < 16);
	assert_string_equal(format_ms(out, 999), "999 ms");
	assert_string_equal(format_ms(out, 3250), "3.2 s");
	assert_string_equal(format_ms(out, 61000), "1m01s");
}

static void test_suggest(void **state)
{
	static const char *const words[] = {"ports", "profiles", "privileged", "up", "down", NULL};

	assert_string_equal(str_suggest("portz", words), "ports");
	assert_string_equal(str_suggest("prots", words), "ports");
	assert_string_equal(str_suggest("dwon", words), "down");
	assert_string_equal(str_suggest("pu", words), "up");
	assert_null(str_suggest("zzzzzz", words));
	assert_int_equal(str_distance("ab", "ba"), 1);
	assert_int_equal(str_distance("", "abc"), 3);
}

static void test_utf8(void **state)
{
	static const char *const good[] = {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xb3"};
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_false(str_is_utf8("a\0b", 3));
}

static void test_compare(void **state)
{
	char spaces[] = " \t a b \r\n", only[] = "  ";

	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_starts("devenv", "dev"));
	assert_false(str_starts("de", "dev"));
	assert_true(str_ends("a.tar.gz", ".gz"));
	assert_false(str_ends("gz", ".gz"));
	assert_string_equal(str_trim(spaces), "a b");
	assert_string_equal(str_trim(only), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_octal),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_for_people),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
