/*
 * test_tree_search.c - canaries in files, across slots, in names, and in what packs hold besides.
 */
#include "tree_world.h"

#include "devenv/json.h"

struct finds {
	struct buf text; /* "PATH KIND COUNT OFFSET;" */
};

static void note(void *ctx, const struct tree_find *find)
{
	struct finds *finds = ctx;

	buf_addf(&finds->text, "%s%s %s %llu", find->entry ? find->entry->path : "(pack)",
		find->in_name ? "(name)" : "", canary_kind_name(find->kind),
		(unsigned long long)find->count);
	if (find->entry && !find->in_name)
		buf_addf(&finds->text, " %llu", (unsigned long long)find->offset);
	buf_addch(&finds->text, ';');
}

static char *search(const struct world *world, const struct tree_index *index)
{
	struct err err = ERR_INIT;
	autojson json_t *strings = json_pack("[s]", "the canary sings");
	struct canary_rules *rules = canary_rules_new(strings, NULL, &err);
	struct finds finds = {BUF_INIT(0)};
	struct tree_search_ask ask = {.index = index,
		.blobs = world->blobs,
		.rules = rules,
		.found = note,
		.found_ctx = &finds};
	uint64_t places = 0;

	if (tree_search(&ask, &places, &err) < 0)
		fail_msg("%s", err.msg);
	canary_rules_free(rules);
	return buf_detach(&finds.text);
}

static void put(const struct world *world, const char *name, off_t offset, const char *text)
{
	int fd = openat(world->root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), offset), strlen(text));
	close(fd);
}

static void expect(const struct world *world, const char *wanted)
{
	struct tree_totals totals;
	struct tree_index *index = capture(world, NULL, &totals);
	autofree char *found = search(world, index);

	assert_string_equal(found, wanted);
	tree_index_free(index);
}

static void test_files(void **state)
{
	const struct world *world = *state;

	put_pages(world->root, "pages", 0, 40 * CHUNK, 1, 'a');
	expect(world, "");
	put(world, "pages", 3 * CHUNK + 100, "the canary sings");
	put(world, "small", 0, "4111111111111111");
	expect(world, "pages canary 1 196708;small card number 1 0;");
	/* Across slots, also those of two jobs, and at the end. */
	put(world, "pages", 5 * CHUNK - 7, "the canary sings");
	put(world, "pages", 8 * CHUNK - 1, "the canary sings");
	put(world, "pages", 16 * CHUNK - 16, "the canary sings");
	put(world, "pages", 24 * CHUNK, "the canary sings");
	put(world, "pages", 40 * CHUNK - 16, "the canary sings");
	expect(world, "pages canary 6 196708;small card number 1 0;");
}

static void test_holes(void **state)
{
	const struct world *world = *state;

	put(world, "holes", 100 * CHUNK, "anna@acme.io");
	put(world, "holes", 200 * CHUNK - 12, "anna@acme.io");
	put(world, "holes", 300 * CHUNK - 1, "x");
	expect(world, "holes e-mail address 2 6553600;");
}

static void test_same_chunks(void **state)
{
	const struct world *world = *state;

	for (off_t i = 0; i < 20; i++) {
		put_pages(world->root, "twins", i * CHUNK, CHUNK, 1, 'a');
		put(world, "twins", i * CHUNK + 50, "the canary sings");
	}
	expect(world, "twins canary 20 50;");
}

static void test_names(void **state)
{
	const struct world *world = *state;

	assert_int_equal(mkdirat(world->root, "anna@acme.io", 0755), 0);
	put(world, "anna@acme.io/mail", 0, "nothing");
	assert_int_equal(symlinkat("to/bob@acme.io", world->root, "link"), 0);
	expect(world, "anna@acme.io(name) e-mail address 1;link(name) e-mail address 1;");
}

/* What is no longer in any file but goes along in a pack of the parent. */
static void test_packs(void **state)
{
	const struct world *world = *state;
	struct tree_index *parent, *child;
	struct tree_totals totals;
	autofree char *found = NULL;

	put_pages(world->root, "pages", 0, 20 * CHUNK, 1, 'a');
	put(world, "pages", 4 * CHUNK - 5, "the canary sings");
	put(world, "pages", 9 * CHUNK + 5, "the canary sings");
	parent = capture(world, NULL, &totals);
	put_pages(world->root, "pages", 3 * CHUNK, 2 * CHUNK, 2, 'a');
	child = capture(world, parent, &totals);
	found = search(world, child);
	assert_string_equal(found, "pages canary 1 589829;(pack) canary 1;");
	tree_index_free(child);
	tree_index_free(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_files),
		TREE_TEST(test_holes),
		TREE_TEST(test_same_chunks),
		TREE_TEST(test_names),
		TREE_TEST(test_packs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
