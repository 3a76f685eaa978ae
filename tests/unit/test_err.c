/* test_err.c - errors: text, wrapping, truncation, and one table from kinds to exit statuses. */
#include "testing.h"

#include <errno.h>

static void test_text(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(err_set(&err, ERR_PORT, "port %d is taken", 80), -1);
	assert_int_equal(err.kind, ERR_PORT);
	assert_int_equal(err_wrap(&err, "start \"%s\"", "web"), -1);
	assert_string_equal(err.msg, "start \"web\": port 80 is taken");
	err_hint(&err, " (stop %s)", "nginx");
	assert_string_equal(err.msg, "start \"web\": port 80 is taken (stop nginx)");
	err_hint(&err, "or use port %d", 81);
	assert_string_equal(
		err.msg, "start \"web\": port 80 is taken (stop nginx) (or use port 81)");
	assert_int_equal(err_exit_status(&err), 6);
}

static void test_os(void **state)
{
	struct err err = ERR_INIT;

	err_os(&err, ERR_FAILED, ENOENT, "open %s", "/x");
	assert_string_equal(err.msg, "open /x: No such file or directory");
	assert_int_equal(err.os, ENOENT);
	err_clear(&err);
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(err_exit_status(&err), 0);
}

static void test_too_long(void **state)
{
	struct err err = ERR_INIT;
	char cause[3000];

	memset(cause, 'x', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	err_set(&err, ERR_ENGINE, "%s", cause);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_wrap(&err, "pull image");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_memory_equal(err.msg, "pull image: xxx", 15);
	err_hint(&err, " (no room for this)");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void test_statuses(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
	} rows[] = {{ERR_FAILED, 1}, {ERR_USAGE, 2}, {ERR_MANIFEST, 3}, {ERR_ENGINE, 4},
		{ERR_REGISTRY, 5}, {ERR_PORT, 6}, {ERR_NOT_READY, 7}, {ERR_SERVICE, 8},
		{ERR_SNAPSHOT, 9}, {ERR_TUNNEL, 10}, {ERR_TIMEOUT, 124}, {ERR_CANCELLED, 130}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {.kind = rows[i].kind};

		assert_int_equal(err_exit_status(&err), rows[i].status);
	}
	for (int kind = ERR_NONE; kind < ERR_KINDS; kind++)
		assert_non_null(err_kind_name((enum err_kind)kind));
	assert_int_equal(err_exit_status(&(struct err){.kind = ERR_EXIT, .status = 42}), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_os),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
