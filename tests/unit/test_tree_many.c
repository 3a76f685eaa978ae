/* test_tree_many.c - trees of many packs, and of many files. */
#include "tree_world.h"

static void test_many_packs(void **state)
{
	struct world *world = *state;
	struct tree_materialize_ask ask;
	struct tree_index *index;
	struct tree_totals totals;

	put_pages(world->root, "raw", 0, 30 << 20, 9, 0);
	index = capture(world, NULL, &totals);
	assert_int_equal(index->n_packs, 3);
	for (uint32_t i = 0; i < index->n_packs; i++)
		assert_true(index->packs[i].size <= SNAPSHOT_PACK_MAX);
	ask = ask_for(world, index);
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	forget_blobs(world);
	ask.replace = true;
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(index);
}

/* Small files are made beside large ones, by two ways; each once. */
static void test_many_files(void **state)
{
	struct world *world = *state;
	struct tree_materialize_ask ask;
	struct tree_index *index;
	struct tree_totals totals;

	put_pages(world->root, "large", 0, 3 << 20, 5, 0);
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "small%03d", i);
		put_pages(world->root, name, 0, (size_t)i * 100, (uint64_t)i + 10, 'a');
	}
	put_pages(world->root, "zlarge", 0, 2 << 20, 6, 0);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	for (int i = 0; i < 10; i++) {
		ask.replace = i > 0;
		materialize(&ask);
		same_trees(world->root, world->target, ".");
	}
	tree_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_many_packs),
		TREE_TEST(test_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
