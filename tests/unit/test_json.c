/* test_json.c - parsing with positions, accessors that never crash, printing. */
#include "testing.h"

#include "devenv/json.h"

static void test_parse(void **state)
{
	static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,]", "{} x", "'a'"};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autojson json_t *json = json_parse(bad[i], strlen(bad[i]), "answer", &err);

		assert_null(json);
		assert_memory_equal(err.msg, "answer:", 7);
	}
	for (size_t i = 0; i < 3; i++) {
		const char *good = ((const char *const[]){"1", "\"x\"", "null"})[i];
		autojson json_t *json = json_parse(good, strlen(good), "answer", &err);

		assert_non_null(json);
	}
}

static void test_deep(void **state)
{
	enum { DEPTH = 100000 };
	struct err err = ERR_INIT;
	autofree char *text = xmalloc(DEPTH);

	memset(text, '[', DEPTH);
	assert_null(json_parse(text, DEPTH, "bomb", &err));
}

static void test_accessors(void **state)
{
	static const char text[] = "{\"a\":{\"b\":\"c\",\"n\":5,\"t\":true},\"l\":[\"x\",1,\"y\"]}";
	struct err err = ERR_INIT;
	autojson json_t *json = json_parse(text, strlen(text), "x", &err);
	autostrv struct strv list = STRV_INIT;

	assert_string_equal(json_string_value(json_at(json, "a", "b", NULL)), "c");
	assert_null(json_at(json, "a", "b", "c", NULL));
	assert_null(json_at(json, "q", "b", NULL));
	assert_null(json_at(NULL, "q", NULL));
	assert_int_equal(json_int(json_at(json, "a", NULL), "n"), 5);
	assert_true(json_bool(json_at(json, "a", NULL), "t"));
	assert_null(json_str(NULL, "x"));
	assert_null(json_str(json, "l"));
	assert_int_equal(json_int(NULL, "x"), 0);
	assert_false(json_bool(json, "x"));
	json_to_strv(json_object_get(json, "l"), &list);
	assert_int_equal(list.n, 2);
	json_to_strv(NULL, &list);
	assert_string_equal(list.v[1], "y");
}

static void test_print(void **state)
{
	autojson json_t *json = json_object();
	autofree char *plain = NULL, *sorted = NULL, *pretty = NULL;

	json_setf(json, "b", "%d", 2);
	json_set_str(json, "a", "\xff!");
	json_set_str(json, "none", NULL);
	plain = json_print(json);
	sorted = json_print_sorted(json);
	pretty = json_print_pretty(json);
	assert_string_equal(plain, "{\"b\":\"2\",\"a\":\"?!\"}");
	assert_string_equal(sorted, "{\"a\":\"?!\",\"b\":\"2\"}");
	assert_string_equal(pretty, "{\n  \"b\": \"2\",\n  \"a\": \"?!\"\n}");
}

static void test_file(void **state)
{
	autofree char *path = path_join(*state, "config.json");
	struct err err = ERR_INIT;
	autojson json_t *json = NULL;

	assert_int_equal(fs_write_atomic(path, "{\"a\": 1}", 8, 0600, &err), 0);
	json = json_parse_file(path, ERR_REGISTRY, &err);
	assert_int_equal(json_int(json, "a"), 1);
	assert_int_equal(fs_write_atomic(path, "{\n \"a\" 1}", 9, 0600, &err), 0);
	assert_null(json_parse_file(path, ERR_REGISTRY, &err));
	assert_int_equal(err.kind, ERR_REGISTRY);
	assert_non_null(strstr(err.msg, "config.json:2:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_accessors),
		cmocka_unit_test(test_print),
		FOLDER_TEST(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
