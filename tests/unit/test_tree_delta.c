/* test_tree_delta.c - delta packs: made against a parent, fetched in place of chunks, restored. */
#include "tree_world.h"

#include "devenv/buf.h"

static struct tree_index *capture_deltas(
	const struct world *world, const struct tree_index *parent, struct tree_totals *totals)
{
	struct tree_capture_ask ask = {
		.root = world->root, .blobs = world->blobs, .parent = parent, .deltas = true};
	struct err err = ERR_INIT;
	struct tree_index *index = tree_capture(&ask, totals, &err);

	if (!index || tree_index_store(index, world->blobs, &err) < 0)
		fail_msg("%s", err.msg);
	return index;
}

/* A byte of each 8 KiB page: every chunk is another. */
static void touch_pages(int root, const char *name, off_t size)
{
	int fd = openat(root, name, O_WRONLY | O_CLOEXEC);

	for (off_t at = 100; at < size; at += 8192)
		assert_int_equal(pwrite(fd, "\1", 1, at), 1);
	close(fd);
}

/* The same, written anew behind 40,000 other bytes: nothing is where it was. */
static void shift(int root, const char *name, size_t size)
{
	autofree char *data = xmalloc(size);
	int fd = openat(root, name, O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, data, size, 0), size);
	assert_int_equal(pwrite(fd, data, size, 40000), size);
	close(fd);
}

static struct tree_index *make_two(
	const struct world *world, struct tree_index **second, struct tree_totals *totals)
{
	struct tree_index *first;

	put_pages(world->root, "table", 0, 4000 * 1000, 1, 0);
	put_pages(world->root, "moved", 0, 2000 * 1000, 2, 0);
	put_pages(world->root, "kept", 0, 1000 * 1000, 3, 0);
	first = capture(world, NULL, totals);
	touch_pages(world->root, "table", 4000 * 1000);
	shift(world->root, "moved", 2000 * 1000);
	put_pages(world->root, "new", 0, 100 * 1000, 4, 0);
	*second = capture_deltas(world, first, totals);
	return first;
}

static void test_small(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second, *again;
	struct tree_totals totals;

	first = make_two(world, &second, &totals);
	/* 6 MB that do not compress; "new" has no parent. */
	assert_true(totals.packed > 6000 * 1000);
	assert_true(totals.delta_packed < 150 * 1000);
	assert_true(second->n_deltas >= 61 + 30);
	again = capture_deltas(world, first, &totals);
	assert_memory_equal(again->digest, second->digest, SHA256_SIZE);
	tree_index_free(again);
	tree_index_free(first);
	tree_index_free(second);
}

static void test_verify(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	struct tree_verified verified;
	struct tree_verify_ask ask = {.blobs = world->blobs};
	struct err err = ERR_INIT;

	first = make_two(world, &second, &totals);
	ask.index = second;
	ask.parent = first;
	if (tree_verify(&ask, &verified, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(verified.deltas, second->n_deltas);
	assert_int_equal(verified.packs, second->n_packs);
	/* Against another parent the deltas are wrong, and it is said. */
	ask.parent = second;
	assert_int_equal(tree_verify(&ask, &verified, &err), -1);
	assert_non_null(strstr(err.msg, "delta"));
	tree_index_free(first);
	tree_index_free(second);
}

static int verify_both(const struct world *world, const char *hex, const struct tree_index *parent)
{
	struct err err = ERR_INIT;
	struct tree_index *index = tree_index_open(world->blobs, hex, &err);
	struct tree_verify_ask ask = {.index = index, .blobs = world->blobs, .parent = parent};
	struct tree_verified verified;
	int result = index ? tree_verify(&ask, &verified, &err) : -1;

	tree_index_free(index);
	return result;
}

static uint64_t blob_length(const struct world *world, const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(world->blobs, name, &status, 0), 0);
	return (uint64_t)status.st_size;
}

/* The packs of the parent, of the new chunks and of the deltas, and the index. */
static void test_flips(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	char names[8][SHA256_HEX];
	uint64_t x = 11;
	uint32_t n;

	put_pages(world->root, "table", 0, 300 * 1000, 1, 0);
	first = capture(world, NULL, &totals);
	touch_pages(world->root, "table", 200 * 1000);
	second = capture_deltas(world, first, &totals);
	n = second->n_packs + 1;
	assert_true(second->n_deltas && n >= 4 && n <= 8);
	hex_encode(second->digest, SHA256_SIZE, names[0]);
	for (uint32_t i = 1; i < n; i++)
		hex_encode(second->packs[i - 1].sha256, SHA256_SIZE, names[i]);
	assert_int_equal(verify_both(world, names[0], first), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		const char *name = names[i % n];
		uint64_t bit;

		x = x * 6364136223846793005u + 1442695040888963407u;
		bit = (x >> 20) % (8 * blob_length(world, name));
		flip(world, name, bit);
		if (verify_both(world, names[0], first) == 0)
			fail_msg("bit %llu of %s was not seen", (unsigned long long)bit, name);
		flip(world, name, bit);
	}
	assert_int_equal(verify_both(world, names[0], first), 0);
	tree_index_free(first);
	tree_index_free(second);
}

/* Move the packs that only `second` has to the folder `remote`. */
static void take_away(const struct world *world, const struct tree_index *first,
	const struct tree_index *second, int remote)
{
	for (uint32_t i = 0; i < second->n_packs; i++) {
		char hex[SHA256_HEX];
		bool shared = false;

		for (uint32_t p = 0; p < first->n_packs; p++)
			shared |= memcmp(first->packs[p].sha256, second->packs[i].sha256,
					  SHA256_SIZE) == 0;
		hex_encode(second->packs[i].sha256, SHA256_SIZE, hex);
		if (!shared)
			assert_int_equal(renameat(world->blobs, hex, remote, hex), 0);
	}
}

static void fetch(const struct world *world, const struct tree_index *index,
	const struct tree_missing *missing, int remote)
{
	for (size_t i = 0; i < missing->n; i++) {
		const struct tree_range *range = &missing->ranges[i];
		const struct tree_pack *pack = &index->packs[range->pack];
		autofree char *data = xmalloc(range->len);
		struct err err = ERR_INIT;
		char hex[SHA256_HEX];
		int fd;

		hex_encode(pack->sha256, SHA256_SIZE, hex);
		fd = openat(remote, hex, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, data, range->len, (off_t)range->offset), range->len);
		close(fd);
		assert_int_equal(
			tree_pack_write(world->blobs, pack, range->offset, data, range->len, &err),
			0);
		assert_true(tree_pack_settle(world->blobs, pack, &err) >= 0);
	}
}

static void test_fetched(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	struct tree_missing missing;
	struct tree_materialize_ask ask;
	struct tree_made made;
	struct err err = ERR_INIT;
	int remote = world_folder(world, "remote");

	first = make_two(world, &second, &totals);
	take_away(world, first, second, remote);
	assert_int_equal(tree_missing(second, NULL, world->blobs, &missing, &err), 0);
	assert_true(missing.bytes > 6000 * 1000);
	assert_int_equal(missing.deltas, 0);
	tree_missing_release(&missing);
	assert_int_equal(tree_missing(second, first, world->blobs, &missing, &err), 0);
	assert_true(missing.bytes < 400 * 1000);
	assert_true(missing.deltas >= 61 + 30);
	fetch(world, second, &missing, remote);
	tree_missing_release(&missing);
	assert_int_equal(tree_missing(second, first, world->blobs, &missing, &err), 0);
	assert_int_equal(missing.n, 0);
	tree_missing_release(&missing);
	ask = ask_for(world, second);
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	ask.parent = first;
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(first);
	tree_index_free(second);
	close(remote);
}

/* Built anew: each table has another file's name, and no page is as it was. */
static void test_renamed(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;

	put_pages(world->root, "16385", 0, 1000 * 1000, 1, 0);
	put_pages(world->root, "16388", 0, 1200 * 1000, 2, 0);
	put_pages(world->root, "16391", 0, 800 * 1000, 3, 0);
	first = capture(world, NULL, &totals);
	assert_int_equal(renameat(world->root, "16391", world->root, "16400"), 0);
	assert_int_equal(renameat(world->root, "16388", world->root, "16391"), 0);
	assert_int_equal(renameat(world->root, "16385", world->root, "16388"), 0);
	touch_pages(world->root, "16388", 1000 * 1000);
	touch_pages(world->root, "16391", 1200 * 1000);
	touch_pages(world->root, "16400", 800 * 1000);
	second = capture_deltas(world, first, &totals);
	assert_int_equal(second->n_deltas, totals.new_chunks);
	assert_true(totals.delta_packed < 100 * 1000);
	tree_index_free(first);
	tree_index_free(second);
}

/* Who has the parent needs all of each pack, or nothing of it. */
static void test_apart(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	struct tree_missing missing;
	struct err err = ERR_INIT;
	int remote = world_folder(world, "remote");

	put_pages(world->root, "table", 0, 3000 * 1000, 1, 0);
	first = capture(world, NULL, &totals);
	touch_pages(world->root, "table", 3000 * 1000);
	put_pages(world->root, "table", 20 * CHUNK, 5 * CHUNK, 2, 0);
	second = capture_deltas(world, first, &totals);
	take_away(world, first, second, remote);
	assert_int_equal(tree_missing(second, first, world->blobs, &missing, &err), 0);
	assert_int_equal(missing.n, 2);
	assert_int_equal(missing.chunks - missing.deltas, 5);
	for (size_t i = 0; i < missing.n; i++)
		assert_int_equal(missing.ranges[i].len, second->packs[missing.ranges[i].pack].size);
	tree_missing_release(&missing);
	tree_index_free(first);
	tree_index_free(second);
	close(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_small),
		TREE_TEST(test_verify),
		TREE_TEST(test_flips),
		TREE_TEST(test_fetched),
		TREE_TEST(test_renamed),
		TREE_TEST(test_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
