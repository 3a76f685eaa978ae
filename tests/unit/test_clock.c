/* test_clock.c - RFC 3339 both ways, and time that only goes forward. */
#include "testing.h"

#include "devenv/clock.h"

static void test_print(void **state)
{
	char out[32];

	assert_string_equal(clock_rfc3339(0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_rfc3339(1795252356, out), "2026-11-21T09:12:36Z");
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t wall;
	} rows[] = {{"1970-01-01T00:00:00Z", 0}, {"2026-11-21T09:12:36Z", 1795252356},
		{"2026-11-21T09:12:36.123456789Z", 1795252356},
		{"2026-11-21T10:12:36+01:00", 1795252356},
		{"2026-11-21T04:42:36-04:30", 1795252356}, {"2024-02-29T00:00:00Z", 1709164800},
		{"2024-02-29T00:00:00", 1709164800}};
	static const char *const bad[] = {
		"", "yesterday", "2026-11-21", "2026-11-21T09:12:36+0100x", "2026-11-21 09:12"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(clock_parse_rfc3339(rows[i].text), rows[i].wall);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(clock_parse_rfc3339(bad[i]), -1);
}

static void test_forward(void **state)
{
	int64_t start = clock_us();

	clock_sleep_ms(20);
	assert_true(clock_us() - start >= 20000);
	assert_true(clock_ms() >= start / 1000);
	assert_true(clock_wall() > 1700000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
