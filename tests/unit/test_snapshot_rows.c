/* test_snapshot_rows.c - which tables do not have the rows that were recorded. */
#include "testing.h"

#include "../../src/plan/snapshot_rows.h"

/* What the comparison of two lists prints. */
static void expect(const char *recorded, const char *found, const char *wanted)
{
	struct err err = ERR_INIT;
	autojson json_t *before = json_parse(recorded, strlen(recorded), "recorded", &err);
	autojson json_t *after = json_parse(found, strlen(found), "found", &err);
	autojson json_t *differ = snapshot_rows_compare(before, after);
	autofree char *text = json_print(differ);

	assert_int_equal(err.kind, ERR_NONE);
	assert_string_equal(text, wanted);
}

#define ROW(database, table, rows) \
	"{\"database\":\"" database "\",\"table\":\"" table "\",\"rows\":" rows "}"
#define DIFFERS(database, table, rows) \
	"{\"database\":\"" database "\",\"table\":\"" table "\"," rows "}"

static void same(void **state)
{
	expect("[]", "[]", "[]");
	expect("[" ROW("shop", "t", "2") "," ROW("shop", "u", "0") "]",
		"[" ROW("shop", "u", "0") "," ROW("shop", "t", "2") "]", "[]");
}

static void different(void **state)
{
	expect("[" ROW("shop", "gone", "0") "," ROW("shop", "t", "2") "]",
		"[" ROW("shop", "new", "7") "," ROW("shop", "t", "3") "]",
		"[" DIFFERS("shop", "gone", "\"recorded\":0") "," DIFFERS(
			"shop", "t", "\"recorded\":2,\"found\":3") "," DIFFERS("shop", "new",
			"\"found\":7") "]");
}

static void names_with_spaces(void **state)
{
	expect("[" ROW("a", "b c", "1") "]", "[" ROW("a b", "c", "1") "]",
		"[" DIFFERS("a", "b c", "\"recorded\":1") "," DIFFERS(
			"a b", "c", "\"found\":1") "]");
}

/* A config comes from anywhere. */
static void hostile(void **state)
{
	expect("7", "[]", "[]");
	expect("[7, {\"database\": 1, \"table\": \"t\", \"rows\": 1}, {\"rows\": 1}]", "[]", "[]");
	expect("[{\"database\": \"d\", \"table\": \"t\", \"rows\": \"2\"}]",
		"[" ROW("d", "t", "2") "]",
		"[" DIFFERS("d", "t", "\"recorded\":\"2\",\"found\":2") "]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same),
		cmocka_unit_test(different),
		cmocka_unit_test(names_with_spaces),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
