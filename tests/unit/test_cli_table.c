/*
 * test_cli_table.c - the real command table: free of problems, and complete in everything made from
 * it.
 */
#include "testing.h"

#include "devenv/cli.h"

static void test_no_problems(void **state)
{
	autobuf struct buf problems = BUF_INIT(0);

	cli_check_table(&problems);
	if (problems.len)
		fail_msg("%s", buf_str(&problems));
}

static void assert_names_all(const struct buf *text, const char *before)
{
	for (size_t i = 0; commands[i]; i++) {
		autofree char *name = xasprintf("%s%s", before, commands[i]->name);

		if (!(commands[i]->flags & CMD_HIDDEN) && !strstr(buf_str(text), name))
			fail_msg("\"%s\" is missing", name);
		if ((commands[i]->flags & CMD_HIDDEN) && strstr(buf_str(text), name))
			fail_msg("hidden \"%s\" is shown", name);
	}
}

static void test_everywhere(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	autobuf struct buf help = BUF_INIT(0), man = BUF_INIT(0), readme = BUF_INIT(0);
	struct err err = ERR_INIT;

	cli_help(NULL, NULL, &help);
	cli_man(&man);
	cli_readme(&readme);
	assert_names_all(&help, "\n  ");
	assert_names_all(&man, ".SS \"devenv ");
	assert_names_all(&readme, "| `devenv ");
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		autobuf struct buf script = BUF_INIT(0);

		assert_int_equal(cli_completion(shells[i], &script, &err), 0);
		assert_names_all(&script, ":");
	}
	assert_int_equal(cli_completion("tcsh", &help, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_problems),
		cmocka_unit_test(test_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
