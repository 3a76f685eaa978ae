/* test_interpolate.c - every form of variable, what stays as it is, and what is reported where. */
#include "testing.h"

#include "../../src/manifest/pipeline.h"
#include "../../src/manifest/template.h"

static json_t *environment(void)
{
	return json_pack("{s:s, s:s, s:s}", "SET", "value", "EMPTY", "", "_1", "under");
}

static void test_forms(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"$SET", "value"},
		{"${SET}", "value"},
		{"a$SET-b", "avalue-b"},
		{"a${SET}b", "avalueb"},
		{"$SETx", ""},
		{"${_1}$_1", "underunder"},
		{"$$SET", "$SET"},
		{"$${SET}", "${SET}"},
		{"$$$SET", "$value"},
		{"${SET:-d}", "value"},
		{"${NONE:-d}", "d"},
		{"${EMPTY:-d}", "d"},
		{"${EMPTY-d}", ""},
		{"${NONE-d}", "d"},
		{"${NONE:-}", ""},
		{"${SET:+r}", "r"},
		{"${EMPTY:+r}", ""},
		{"${EMPTY+r}", "r"},
		{"${NONE+r}", ""},
		{"${SET?e}", "value"},
		{"${EMPTY?e}", ""},
		{"${SET:?e}", "value"},
		{"${NONE:-${SET}}", "value"},
		{"${NONE:-a${NONE:-b}c}", "abc"},
		{"${NONE:-${EMPTY:-$SET}}!", "value!"},
		{"${SET:+<${SET}>}", "<value>"},
		{"${NONE:-{}}", "{}"},
		{"${NONE:-a:-b?c}", "a:-b?c"},
		{"${NONE-a-b}", "a-b"},
		{"$1 $ $. 100$", "$1 $ $. 100$"},
		{"${NONE:-$$}", "$"},
		{"plain", "plain"},
	};
	autojson json_t *env = environment();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct template template = {.env = env};
		autobuf struct buf out = BUF_INIT(0);

		if (template_expand(&template, rows[i].text, &out) < 0)
			fail_msg("%s: %s", rows[i].text, template.problem);
		assert_string_equal(buf_str(&out), rows[i].expected);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{"${NONE:?say why}", "the required variable \"NONE\" is not set: say why"},
		{"${NONE?}", "the required variable \"NONE\" is not set"},
		{"${EMPTY:?no $SET}", "the required variable \"EMPTY\" is empty: no value"},
		{"${", "\"${\" is not a variable (write $$ for a dollar sign)"},
		{"a ${}", "\"${}\" is not a variable (write $$ for a dollar sign)"},
		{"${SET", "\"${SET\" is not a variable (write $$ for a dollar sign)"},
		{"${1}", "\"${1}\" is not a variable (write $$ for a dollar sign)"},
		{"${SET!x}", "\"${SET!x}\" is not a variable (write $$ for a dollar sign)"},
	};
	autojson json_t *env = environment();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct template template = {.env = env};
		autobuf struct buf out = BUF_INIT(0);

		assert_int_equal(template_expand(&template, rows[i].text, &out), -1);
		assert_string_equal(template.problem, rows[i].problem);
	}
}

static void test_nesting_has_a_limit(void **state)
{
	struct template template = {0};
	autobuf struct buf text = BUF_INIT(0), out = BUF_INIT(0);

	for (int i = 0; i < 1000; i++)
		buf_addstr(&text, "${A:-");
	for (int i = 0; i < 1000; i++)
		buf_addch(&text, '}');
	assert_int_equal(template_expand(&template, buf_str(&text), &out), -1);
	assert_string_equal(template.problem, "variables are nested too deeply");
}

/* Load `text`, interpolate, and compare what is reported. */
static void assert_report(const char *text, const char *expected)
{
	struct arena *arena = arena_new();
	autojson json_t *env = environment();
	autobuf struct buf out = BUF_INIT(0);
	struct diags diags = DIAGS_INIT;
	struct node *doc = node_item(yaml_parse(arena, "f.yaml", text, strlen(text), &diags), 0);

	assert_non_null(doc);
	interpolate(arena, doc, env, &diags);
	diag_print(&diags, &out);
	assert_string_equal(buf_str(&out), expected);
	diags_release(&diags);
	arena_free(arena);
}

static void test_reports(void **state)
{
	assert_report("a:\n  b: [x, \"$NONE\"]\n",
		"f.yaml:2:10: warning: a.b[1]: the variable \"NONE\" is not set: an empty string "
		"is "
		"used\n      = set it in .env or the environment, or write ${NONE:-default}\n");
	assert_report("a: {b: \"${NONE:?give one}\"}\n",
		"f.yaml:1:8: error: a.b: the required variable \"NONE\" is not set: give one\n");
	assert_report("$NONE: ${SET}\n", "");
}

static void test_values_stay_strings(void **state)
{
	static const char text[] = "a: ${N:-5}\nb: 5\n";
	struct arena *arena = arena_new();
	struct diags diags = DIAGS_INIT;
	struct node *doc = node_item(yaml_parse(arena, "f.yaml", text, strlen(text), &diags), 0);

	interpolate(arena, doc, NULL, &diags);
	assert_int_equal(node_get(doc, "a")->kind, NODE_STRING);
	assert_string_equal(node_get_text(doc, "a"), "5");
	assert_int_equal(node_get(doc, "b")->kind, NODE_INT);
	assert_int_equal(diags.n, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nesting_has_a_limit),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_values_stay_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
