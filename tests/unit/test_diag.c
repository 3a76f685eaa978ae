/* test_diag.c - how problems look: order, source line, caret, tabs, long lines. */
#include "testing.h"

#include "devenv/diag.h"

#include <unistd.h>

static void write_file(const char *dir, const char *name, const char *text)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
	assert_int_equal(chdir(dir), 0);
}

static void assert_printed(struct diags *diags, const char *expected)
{
	autobuf struct buf out = BUF_INIT(0);

	diag_print(diags, &out);
	assert_string_equal(buf_str(&out), expected);
	diags_release(diags);
}

static void test_source_and_caret(void **state)
{
	struct diags diags = DIAGS_INIT;

	write_file(*state, "a.yaml", "one: 1\nservices:\n  web: {portz: [80]}\n");
	diag_add(&diags, DIAG_WARNING, "a.yaml", 3, 3, NULL, NULL, "second");
	diag_add(&diags, DIAG_ERROR, "a.yaml", 3, 9, "services.web.portz", "write ports: [80]",
		"unknown key (did you mean \"%s\"?)", "ports");
	diag_add(&diags, DIAG_ERROR, "a.yaml", 1, 1, NULL, NULL, "first");
	diag_add(&diags, DIAG_ERROR, "a.yaml", 1, 1, NULL, NULL, "first");
	assert_int_equal(diags.n, 3);
	assert_int_equal(diags.errors, 2);
	assert_printed(&diags, "a.yaml:1:1: error: first\n"
			       "    1 | one: 1\n"
			       "      | ^\n"
			       "a.yaml:3:3: warning: second\n"
			       "    3 |   web: {portz: [80]}\n"
			       "      |   ^\n"
			       "a.yaml:3:9: error: services.web.portz: unknown key (did you mean "
			       "\"ports\"?)\n"
			       "    3 |   web: {portz: [80]}\n"
			       "      |         ^\n"
			       "      = write ports: [80]\n");
}

static void test_tabs_and_controls(void **state)
{
	struct diags diags = DIAGS_INIT;

	write_file(*state, "a.yaml", "a\tb: \x01x\r\n\u00e9\u00e9: y\n");
	diag_add(&diags, DIAG_ERROR, "a.yaml", 1, 3, NULL, NULL, "tab");
	diag_add(&diags, DIAG_ERROR, "a.yaml", 2, 5, NULL, NULL, "accents");
	assert_printed(&diags, "a.yaml:1:3: error: tab\n"
			       "    1 | a       b: ?x\n"
			       "      |         ^\n"
			       "a.yaml:2:5: error: accents\n"
			       "    2 | \u00e9\u00e9: y\n"
			       "      |     ^\n");
}

static void test_without_source(void **state)
{
	struct diags diags = DIAGS_INIT;

	diag_add(&diags, DIAG_ERROR, "no/such/file", 4, 2, "a.b", NULL, "gone");
	diag_add(&diags, DIAG_ERROR, "/dev/null", 0, 0, NULL, NULL, "not a regular file");
	diag_add(&diags, DIAG_ERROR, NULL, 0, 0, NULL, NULL, "nowhere");
	assert_printed(&diags, "no/such/file:4:2: error: a.b: gone\n"
			       "/dev/null: error: not a regular file\n"
			       "error: nowhere\n");
}

static void test_long_line(void **state)
{
	struct diags diags = DIAGS_INIT;
	autobuf struct buf line = BUF_INIT(0), out = BUF_INIT(0);
	const char *caret, *source;

	for (int i = 0; i < 1000; i++)
		buf_addstr(&line, i == 500 ? "X" : "-");
	write_file(*state, "a.yaml", buf_str(&line));
	diag_add(&diags, DIAG_ERROR, "a.yaml", 1, 501, NULL, NULL, "here");
	diag_print(&diags, &out);
	source = strstr(buf_str(&out), "    1 | ");
	caret = strstr(buf_str(&out), "      | ");
	assert_non_null(source);
	assert_non_null(caret);
	assert_true(out.len < 500);
	assert_int_equal(strchr(source, 'X') - source, strchr(caret, '^') - caret);
	diags_release(&diags);
}

static void test_many(void **state)
{
	struct diags diags = DIAGS_INIT;
	autobuf struct buf out = BUF_INIT(0);

	for (int i = 0; i < 1000; i++)
		diag_add(&diags, DIAG_ERROR, "x", i + 1, 1, NULL, NULL, "wrong");
	assert_int_equal(diags.errors, 1000);
	diag_print(&diags, &out);
	assert_non_null(strstr(buf_str(&out), "and 980 more errors\n"));
	diags_release(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_source_and_caret),
		FOLDER_TEST(test_tabs_and_controls),
		FOLDER_TEST(test_without_source),
		FOLDER_TEST(test_long_line),
		FOLDER_TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
