/* test_buf.c - growing buffers and lists of strings, and their ceilings. */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/strv.h"

static void test_grow(void **state)
{
	autobuf struct buf buf = BUF_INIT(0);

	assert_string_equal(buf_str(&buf), "");
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_addf(&buf, "%d,", i % 10), 0);
	assert_int_equal(buf.len, 20000);
	assert_memory_equal(buf_str(&buf) + 19996, "8,9,", 5);
	buf_consume(&buf, 19996);
	assert_string_equal(buf_str(&buf), "8,9,");
	buf_reset(&buf);
	assert_string_equal(buf_str(&buf), "");
}

static void test_long_format(void **state)
{
	autobuf struct buf buf = BUF_INIT(0);
	char text[1000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(buf_addf(&buf, "<%s>", text), 0);
	assert_int_equal(buf.len, 1001);
	assert_int_equal(buf.data[1000], '>');
}

static void test_limit(void **state)
{
	autobuf struct buf buf = BUF_INIT(8);

	assert_int_equal(buf_add(&buf, "12345678", 8), 0);
	assert_false(buf.overflow);
	assert_int_equal(buf_addch(&buf, '9'), -1);
	assert_true(buf.overflow);
	assert_string_equal(buf_str(&buf), "12345678");
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_int_equal(buf_addf(&buf, "%0300d", 1), -1);
	assert_int_equal(buf.len, 8);
}

static void test_binary(void **state)
{
	autobuf struct buf buf = BUF_INIT(0);
	autofree char *taken = NULL;

	buf_add(&buf, "a\0b", 3);
	assert_int_equal(buf.len, 3);
	taken = buf_detach(&buf);
	assert_memory_equal(taken, "a\0b", 4);
	assert_int_equal(buf.len, 0);
	free(taken);
	taken = buf_detach(&buf);
	assert_string_equal(taken, "");
}

static void test_strv(void **state)
{
	autostrv struct strv list = STRV_INIT;
	autofree char *joined = NULL;

	strv_split(&list, "c::a:b:", ':');
	strv_pushf(&list, "%d", 7);
	assert_int_equal(list.n, 4);
	assert_null(list.v[4]);
	assert_true(strv_has(&list, "a"));
	assert_false(strv_has(&list, ""));
	strv_sort(&list);
	joined = strv_join(&list, ", ");
	assert_string_equal(joined, "7, a, b, c");
	for (int i = 0; i < 1000; i++)
		strv_pushf(&list, "%d", i);
	assert_string_equal(list.v[1003], "999");
	assert_null(list.v[1004]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_long_format),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_strv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
