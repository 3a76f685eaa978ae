/* test_dotenv.c - the dialect of .env and env_file, line by line. */
#include "testing.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/str.h"

/* Parse with HOST=host in the environment; the values as sorted JSON. */
static char *parsed(const char *text, bool raw, struct diags *diags)
{
	autojson json_t *env = json_pack("{s:s}", "HOST", "host");
	autojson json_t *out = json_object();

	if (dotenv_parse("f.env", text, strlen(text), env, raw, out, NULL, diags) < 0)
		return xstrdup("refused");
	return json_print_sorted(out);
}

static void test_syntax(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"A=1\nB = 2\n C=3", "{\"A\":\"1\",\"B\":\"2\",\"C\":\"3\"}"},
		{"A: yaml\n", "{\"A\":\"yaml\"}"},
		{"export A=1\nexport   B=2\n", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"exported=1\n", "{\"exported\":\"1\"}"},
		{"# c\n\n  # c\nA=1 # c\nB=1#no\nC=\n", "{\"A\":\"1\",\"B\":\"1#no\",\"C\":\"\"}"},
		{"A=a b  \nB=a=b\n", "{\"A\":\"a b\",\"B\":\"a=b\"}"},
		{"A='a # \\' $HOST\\n'\n", "{\"A\":\"a # ' $HOST\\\\n\"}"},
		{"A=\"a # \\\" \\t$HOST\"\n", "{\"A\":\"a # \\\" \\thost\"}"},
		{"A=\"x\ny\"\nB='p\nq'\n", "{\"A\":\"x\\ny\",\"B\":\"p\\nq\"}"},
		{"A=\"\\$HOST\"\nB=\"\\\\n\"\n", "{\"A\":\"$HOST\",\"B\":\"\\\\n\"}"},
		{"A=1\nB=${A}2\nC=${NO:-d}$HOST\n", "{\"A\":\"1\",\"B\":\"12\",\"C\":\"dhost\"}"},
		{"HOST=mine\nB=$HOST\n", "{\"B\":\"host\",\"HOST\":\"mine\"}"},
		{"HOST\nNONE\n", "{\"HOST\":\"host\"}"},
		{"A=1\r\nB=\"2\"\r\n", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"\xef\xbb\xbf"
		 "A=1\n",
			"{\"A\":\"1\"}"},
		{"A=1\nA=2\n", "{\"A\":\"2\"}"},
		{"a.b-c[0]=1\n", "{\"a.b-c[0]\":\"1\"}"},
		{"A=\"1\" # c\nB=2\n", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"", "{}"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diags diags = DIAGS_INIT;
		autofree char *out = parsed(rows[i].text, false, &diags);

		assert_string_equal(out, rows[i].expected);
		assert_int_equal(diags.n, 0);
	}
}

static void test_raw(void **state)
{
	struct diags diags = DIAGS_INIT;
	autofree char *out = parsed("# c\nA='q' # $HOST\nHOST\n B=2\n", true, &diags);

	assert_string_equal(out, "{\"A\":\"'q' # $HOST\",\"B\":\"2\",\"HOST\":\"host\"}");
}

static void test_lines(void **state)
{
	static const char text[] = "# c\nA=\"x\ny\"\n\nB=1\n";
	autojson json_t *out = json_object(), *lines = json_object();
	struct diags diags = DIAGS_INIT;

	assert_int_equal(
		dotenv_parse("f.env", text, strlen(text), NULL, false, out, lines, &diags), 0);
	assert_int_equal(json_int(lines, "A"), 2);
	assert_int_equal(json_int(lines, "B"), 5);
}

static void assert_refused(const char *text, const char *expected)
{
	struct diags diags = DIAGS_INIT;
	autobuf struct buf out = BUF_INIT(0);
	autofree char *json = parsed(text, false, &diags);

	diag_print(&diags, &out);
	assert_string_equal(json, "refused");
	assert_string_equal(buf_str(&out), expected);
	diags_release(&diags);
}

static void test_refused_lines(void **state)
{
	assert_refused("A=1\nB C=2\n",
		"f.env:2:1: error: the name of a variable has a space in it\n"
		"      = a line is NAME=value\n");
	assert_refused("A=1\nB!=2\n",
		"f.env:2:2: error: unexpected character in the name of a variable\n"
		"      = a line is NAME=value; a comment starts with #\n");
	assert_refused("A=1\nB=\"x\n", "f.env:2:3: error: a quote that is not closed\n");
	assert_refused(
		"A=${B:?why}\n", "f.env:1:3: error: the required variable \"B\" is not set: why\n");
}

static void test_growth_is_bounded(void **state)
{
	autobuf struct buf text = BUF_INIT(0);
	struct diags diags = DIAGS_INIT;
	autofree char *out = NULL;

	buf_addstr(&text, "A0=0123456789\n");
	for (int i = 1; i < 40; i++)
		buf_addf(&text, "A%d=$A%d$A%d\n", i, i - 1, i - 1);
	out = parsed(buf_str(&text), false, &diags);
	assert_string_equal(out, "refused");
	assert_string_equal(diags.list[0].text, "the text becomes too long");
	diags_release(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_refused_lines),
		cmocka_unit_test(test_growth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
