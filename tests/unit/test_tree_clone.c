/* test_tree_clone.c - trees that are copied as they are, and put in their place in any state. */
#include "tree_world.h"

static void clone(const struct world *world)
{
	struct tree_clone_ask ask = {.from = world->root, .target = world->target};
	struct tree_made made;
	struct err err = ERR_INIT;

	if (tree_clone(&ask, &made, &err) < 0)
		fail_msg("%s", err.msg);
	/* Which of the two it is depends on the file system of the test's folder. */
	assert_true(made.cloned + made.copied > 0);
	assert_true(made.cloned + made.copied <= made.bytes);
	assert_int_equal(made.unpacked, 0);
}

static void commit(const struct world *world)
{
	struct err err = ERR_INIT;

	if (tree_commit(world->root, world->target, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
	assert_int_equal(tree_interrupted(world->target, &err), 0);
}

static bool is_there(const struct world *world, const char *name)
{
	return faccessat(world->target, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_clone(void **state)
{
	struct world *world = *state;

	make_world(world->root);
	put_text(world->target, "before", "x");
	clone(world);
	assert_true(is_there(world, "before"));
	commit(world);
	/* Nothing is staged: nothing happens. */
	commit(world);
}

static void test_abandon(void **state)
{
	struct world *world = *state;
	struct err err = ERR_INIT;

	make_world(world->root);
	put_text(world->target, "before", "x");
	clone(world);
	tree_abandon(world->target);
	assert_int_equal(tree_interrupted(world->target, &err), 0);
	assert_int_equal(tree_commit(world->root, world->target, &err), 0);
	assert_true(is_there(world, "before"));
}

/* Killed while what was there is being removed, and while the new is being moved up. */
static void test_killed(void **state)
{
	struct world *world = *state;

	make_world(world->root);
	put_text(world->target, "before", "x");
	clone(world);
	assert_int_equal(renameat(world->target, TREE_STAGING, world->target, TREE_SWAP), 0);
	commit(world);
	clone(world);
	assert_int_equal(unlinkat(world->target, "pipe", 0), 0);
	assert_int_equal(renameat(world->target, TREE_STAGING, world->target, TREE_SWAP), 0);
	commit(world);
	clone(world);
	assert_int_equal(unlinkat(world->target, "log", 0), 0);
	assert_int_equal(renameat(world->target, TREE_STAGING, world->target, TREE_SWAP), 0);
	assert_int_equal(mkdirat(world->target, "half", 0700), 0);
	commit(world);
}

/* What a killed restore left: its staging is not the tree's; the middle of it is no tree at all. */
static void test_from_interrupted(void **state)
{
	struct world *world = *state;
	struct tree_clone_ask ask = {.from = world->root, .target = world->target};
	struct tree_made made;
	struct err err = ERR_INIT;

	put_text(world->root, "mine", "x");
	assert_int_equal(mkdirat(world->root, TREE_STAGING, 0700), 0);
	clone(world);
	assert_int_equal(tree_commit(world->root, world->target, &err), 0);
	assert_true(is_there(world, "mine"));
	assert_false(is_there(world, TREE_STAGING));
	assert_int_equal(renameat(world->root, TREE_STAGING, world->root, TREE_MOVE), 0);
	assert_int_equal(tree_clone(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, "was not finished"));
	assert_true(is_there(world, "mine"));
}

static int stop(void *ctx, uint64_t done, uint64_t total)
{
	return total && done > total / 2;
}

static void test_cancelled(void **state)
{
	struct world *world = *state;
	struct tree_clone_ask ask = {
		.from = world->root, .target = world->target, .watch = {.progress = stop}};
	struct tree_made made;
	struct err err = ERR_INIT;

	for (int i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file-%d", i);
		put_pages(world->root, name, 0, 3 << 20, (uint64_t)i, 'a');
	}
	put_text(world->target, "before", "x");
	assert_int_equal(tree_clone(&ask, &made, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_int_equal(tree_interrupted(world->target, &err), 0);
	assert_true(is_there(world, "before"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_clone),
		TREE_TEST(test_abandon),
		TREE_TEST(test_killed),
		TREE_TEST(test_from_interrupted),
		TREE_TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
