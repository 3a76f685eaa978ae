/* test_yaml.c - YAML to nodes: types, places, anchors and merges, and what is refused, where. */
#include "testing.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/str.h"

struct fixture {
	struct arena *arena;
	struct diags diags;
};

static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->arena = arena_new();
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	arena_free(fixture->arena);
	diags_release(&fixture->diags);
	free(fixture);
	return 0;
}

static struct node *parse(struct fixture *fixture, const char *text)
{
	return node_item(
		yaml_parse(fixture->arena, "f.yaml", text, strlen(text), &fixture->diags), 0);
}

/* The text has to give exactly this one error. */
static void assert_error(void **state, const char *text, const char *expected)
{
	struct fixture *fixture = *state;
	autobuf struct buf out = BUF_INIT(0);

	parse(fixture, text);
	diag_print(&fixture->diags, &out);
	assert_string_equal(buf_str(&out), expected);
	diags_release(&fixture->diags);
}

static void test_types(void **state)
{
	static const struct {
		const char *text;
		enum node_kind kind;
	} rows[] = {{"true", NODE_BOOL}, {"False", NODE_BOOL}, {"yes", NODE_STRING},
		{"on", NODE_STRING}, {"no", NODE_STRING}, {"~", NODE_NULL}, {"null", NODE_NULL},
		{"", NODE_NULL}, {"12", NODE_INT}, {"-12", NODE_INT}, {"0x1F", NODE_INT},
		{"0o17", NODE_INT}, {"0777", NODE_INT}, {"1_000", NODE_INT}, {"1.5", NODE_FLOAT},
		{"1e3", NODE_FLOAT}, {".inf", NODE_FLOAT}, {"1.2.3", NODE_STRING},
		{"12:30", NODE_STRING}, {"\"12\"", NODE_STRING}, {"'true'", NODE_STRING},
		{"!!str 12", NODE_STRING}, {"!!int \"12\"", NODE_INT}, {"-", NODE_LIST},
		{"9223372036854775808", NODE_FLOAT}, {"0b101", NODE_INT}, {"08", NODE_FLOAT}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *text = xasprintf(
			"a: %s\n", str_eq(rows[i].text, "-") ? "\n - x" : rows[i].text);
		struct node *doc = parse(fixture, text);

		assert_non_null(doc);
		assert_int_equal(node_get(doc, "a")->kind, rows[i].kind);
	}
	assert_int_equal(node_get(parse(fixture, "a: 0777"), "a")->integer, 511);
	assert_int_equal(node_get(parse(fixture, "a: -0x10"), "a")->integer, -16);
	assert_string_equal(node_get_text(parse(fixture, "a: 0777"), "a"), "0777");
}

static void test_places(void **state)
{
	struct fixture *fixture = *state;
	struct node *doc = parse(fixture, "a:\n  b: [1, é, x]\n"), *list;

	list = node_get(node_get(doc, "a"), "b");
	assert_string_equal(list->at.file, "f.yaml");
	assert_int_equal(list->at.line, 2);
	assert_int_equal(list->at.column, 6);
	assert_int_equal(list->items[2]->at.column, 13);
	assert_int_equal(node_get_key(doc, "a")->at.line, 1);
}

static void test_merge_keys(void **state)
{
	struct fixture *fixture = *state;
	struct node *doc = parse(fixture, "x: &x {a: 1, b: 1}\n"
					  "y: &y {b: 2, c: 2}\n"
					  "one: {<<: *x, a: 9}\n"
					  "two:\n  a: 9\n  <<: [*x, *y]\n"
					  "list: [*x, *x]\n");
	struct node *two = node_get(doc, "two");

	assert_non_null(doc);
	assert_string_equal(node_get_text(node_get(doc, "one"), "a"), "9");
	assert_string_equal(node_get_text(node_get(doc, "one"), "b"), "1");
	assert_string_equal(node_get_text(two, "a"), "9");
	assert_string_equal(node_get_text(two, "b"), "1");
	assert_string_equal(node_get_text(two, "c"), "2");
	assert_null(node_get(two, "<<"));
	assert_ptr_not_equal(node_get(doc, "list")->items[0], node_get(doc, "list")->items[1]);
	assert_int_equal(fixture->diags.errors, 0);
}

static void test_tags(void **state)
{
	struct node *doc = parse(*state, "a: !reset null\nb: !override [x]\nc: [!reset x, y]\n");

	assert_int_equal(node_get(doc, "a")->tag, TAG_RESET);
	assert_int_equal(node_get(doc, "b")->tag, TAG_OVERRIDE);
	assert_int_equal(node_get(doc, "c")->n, 1);
}

static void test_borrowed_keys(void **state)
{
	struct fixture *fixture = *state;
	struct node *from = parse(fixture, "a: 1\nb: 2\nc: 3\n");
	struct node *one = node_new(fixture->arena, NODE_MAP, NULL);
	struct node *two = node_new(fixture->arena, NODE_MAP, NULL);

	node_borrow_keys(fixture->arena, one, from);
	node_borrow_keys(fixture->arena, two, from);
	node_set(fixture->arena, one, "c", node_int(fixture->arena, NULL, 7));
	assert_true(node_remove(fixture->arena, one, "a"));
	node_set(fixture->arena, two, "d", node_int(fixture->arena, NULL, 8));
	assert_string_equal(node_get_text(one, "c"), "7");
	assert_int_equal(one->n, 2);
	assert_string_equal(node_get_key(two, "a")->text, "a");
	assert_string_equal(node_get_text(two, "d"), "8");
	assert_true(node_remove(fixture->arena, from, "b"));
	assert_string_equal(node_get_key(two, "b")->text, "b");
	assert_string_equal(node_get_text(from, "c"), "3");
}

static void test_large_map(void **state)
{
	struct fixture *fixture = *state;
	autobuf struct buf text = BUF_INIT(0);
	struct node *doc;

	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "k%d: %d\n", i, i);
	doc = parse(fixture, buf_str(&text));
	assert_int_equal(doc->n, 5000);
	assert_string_equal(node_get_text(doc, "k4999"), "4999");
	assert_null(node_get(doc, "k5000"));
	assert_true(node_remove(fixture->arena, doc, "k17"));
	assert_null(node_get(doc, "k17"));
	assert_string_equal(node_get_text(doc, "k18"), "18");
	node_set(fixture->arena, doc, "k17", node_int(fixture->arena, NULL, 1));
	assert_string_equal(node_get_text(doc, "k17"), "1");
	assert_true(node_equal(doc, node_copy(fixture->arena, doc)));
}

static void test_syntax_errors(void **state)
{
	assert_error(state, "a:\n\tb: 1\n",
		"f.yaml:2:1: error: a tab is used for indentation\n"
		"      = use spaces: YAML does not allow tabs here\n");
	assert_error(state, "a: 1\nb: 2\na: 3\n",
		"f.yaml:3:1: error: the key \"a\" is already given at line 1\n"
		"      = a key can be given once; merge the two, or remove one\n");
	assert_error(state, "s:\n  web:\n    p: 1\n    p: 2\n",
		"f.yaml:4:5: error: s.web: the key \"p\" is already given at line 3\n"
		"      = a key can be given once; merge the two, or remove one\n");
	assert_error(state, "a: [1, 2\nb: 3\n",
		"f.yaml:1:4: error: the list that opens here is not closed with ]\n");
	assert_error(state, "a: \"1\nb: 3\n",
		"f.yaml:1:4: error: the quote that opens here is not closed\n");
	assert_error(state, "a: b: c\n",
		"f.yaml:1:5: error: a value with a colon and a space in it has to be in quotes\n"
		"      = for example: key: \"a: b\"\n");
	assert_error(state, "a:\n  b: 1\n    c: 2\n",
		"f.yaml:3:5: error: this key is indented more than the line above it allows\n"
		"      = keys of one map begin at the same column\n");
	assert_error(state, "a:\n  b: 1\n c: 2\n",
		"f.yaml:3:2: error: this does not fit the lines above: check the indentation\n"
		"      = keys of one map begin at the same column\n");
	assert_error(state, "a: @b\n",
		"f.yaml:1:4: error: a value cannot begin with @\n"
		"      = put it in quotes\n");
	assert_error(
		state, "a: *b\n", "f.yaml:1:4: error: a: the alias *b has no anchor &b above it\n");
	assert_error(state, "a: &a [*a]\n",
		"f.yaml:1:8: error: a[0]: the alias *a is inside what &a names\n");
	assert_error(state, "a: {<<: 5}\n",
		"f.yaml:1:5: error: a.<<: a merge key (<<) needs a map, or a list of maps, not a "
		"whole number\n"
		"      = for example: <<: *defaults\n");
	assert_error(state, "a: {80: 5}\n",
		"f.yaml:1:5: error: a.80: the key 80 is not a string but a whole number\n"
		"      = put it in quotes: \"80\"\n");
}

static void test_bytes(void **state)
{
	struct fixture *fixture = *state;
	autobuf struct buf out = BUF_INIT(0);

	yaml_parse(fixture->arena, "f.yaml", "a: 1\nb: x\0y\n", 12, &fixture->diags);
	yaml_parse(fixture->arena, "g.yaml", "a: 1\n\xc3\xa9: \xff\n", 10, &fixture->diags);
	diag_print(&fixture->diags, &out);
	assert_string_equal(buf_str(&out),
		"f.yaml:2:5: error: a NUL byte: this is not a text file\n"
		"      = save the file as UTF-8 text\n"
		"g.yaml:2:4: error: bytes that are not UTF-8\n"
		"      = save the file as UTF-8 text\n");
}

static void test_too_deep(void **state)
{
	autobuf struct buf text = BUF_INIT(0);

	buf_addstr(&text, "a: ");
	for (int i = 0; i < 100000; i++)
		buf_addch(&text, '[');
	assert_error(
		state, buf_str(&text), "f.yaml:1:67: error: nested more than 64 levels deep\n");
	assert_error(state,
		"a: &a [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n"
		"b: &b [[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]\n"
		"c: &c [[[[[[[[[[[[[[[[[[[[[[[[[[[[[*b]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
		"f.yaml:3:36: error: nested more than 64 levels deep\n");
}

static void test_alias_bomb(void **state)
{
	struct fixture *fixture = *state;
	autobuf struct buf text = BUF_INIT(0);

	buf_addstr(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++) {
		buf_addf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_addf(&text, "%s*a%d", j ? ", " : "", i - 1);
		buf_addstr(&text, "]\n");
	}
	assert_null(parse(fixture, buf_str(&text)));
	assert_int_equal(fixture->diags.errors, 1);
	assert_string_equal(
		fixture->diags.list[0].text, "the document is too large (aliases included)");
	assert_true(arena_size(fixture->arena) < (size_t)64 << 20);
}

static void test_empty(void **state)
{
	struct fixture *fixture = *state;

	assert_null(parse(fixture, ""));
	assert_null(parse(fixture, "# only a comment\n"));
	assert_int_equal(fixture->diags.n, 0);
}

#define YAML_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		YAML_TEST(test_types),
		YAML_TEST(test_places),
		YAML_TEST(test_merge_keys),
		YAML_TEST(test_tags),
		YAML_TEST(test_borrowed_keys),
		YAML_TEST(test_large_map),
		YAML_TEST(test_syntax_errors),
		YAML_TEST(test_bytes),
		YAML_TEST(test_too_deep),
		YAML_TEST(test_alias_bomb),
		YAML_TEST(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
