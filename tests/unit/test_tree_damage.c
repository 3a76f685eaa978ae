/*
 * test_tree_damage.c - blobs that are damaged, cut short, missing or there in part; and the diff.
 */
#include "tree_world.h"

#include "devenv/buf.h"

/* Some 1 MB in a few packs' worth of everything. */
static struct tree_index *small(const struct world *world)
{
	struct tree_totals totals;

	put_pages(world->root, "letters", 0, 700 * 1000, 1, 'a');
	put_pages(world->root, "raw", 0, 300 * 1000, 2, 0);
	put_text(world->root, "short", "short\n");
	set_length(world->root, "hole", 10 * CHUNK);
	return capture(world, NULL, &totals);
}

static int verify(const struct world *world, const struct tree_index *index, struct err *err)
{
	struct tree_verify_ask ask = {.index = index, .blobs = world->blobs};
	struct tree_verified verified;
	int result = tree_verify(&ask, &verified, err);

	if (result == 0) {
		assert_int_equal(verified.packs, index->n_packs);
		assert_int_equal(verified.chunks, index->n_chunks);
	}
	return result;
}

/* What a restore of the blobs named by `hex` would do: open, verify. */
static int open_and_verify(const struct world *world, const char *hex, struct err *err)
{
	struct tree_index *index = tree_index_open(world->blobs, hex, err);
	int result = index ? verify(world, index, err) : -1;

	tree_index_free(index);
	return result;
}

static void test_flips(void **state)
{
	struct world *world = *state;
	struct tree_index *index = small(world);
	char hex[SHA256_HEX], pack[SHA256_HEX];
	struct err err = ERR_INIT;
	uint64_t x = 42;

	assert_int_equal(index->n_packs, 1);
	hex_encode(index->digest, SHA256_SIZE, hex);
	hex_encode(index->packs[0].sha256, SHA256_SIZE, pack);
	assert_int_equal(open_and_verify(world, hex, &err), 0);
	for (unsigned i = 0; i < 1000; i++) {
		const char *name = i % 4 ? pack : hex;
		uint64_t size = i % 4 ? index->packs[0].size : index->blob_size, bit;

		x = x * 6364136223846793005u + 1442695040888963407u;
		bit = (x >> 20) % (8 * size);
		flip(world, name, bit);
		if (open_and_verify(world, hex, &err) == 0)
			fail_msg("bit %llu of %s was not seen", (unsigned long long)bit, name);
		flip(world, name, bit);
	}
	assert_int_equal(open_and_verify(world, hex, &err), 0);
	tree_index_free(index);
}

/* A restore out of damaged packs either fails or is right (zstd has bits that mean nothing). */
static void test_flips_restored(void **state)
{
	struct world *world = *state;
	struct tree_index *index = small(world);
	struct tree_materialize_ask ask = ask_for(world, index);
	char pack[SHA256_HEX];
	uint64_t x = 7;

	ask.replace = true;
	hex_encode(index->packs[0].sha256, SHA256_SIZE, pack);
	for (unsigned i = 0; i < 50; i++) {
		struct tree_made made;
		struct err err = ERR_INIT;
		uint64_t bit;

		x = x * 6364136223846793005u + 1442695040888963407u;
		bit = (x >> 20) % (8 * index->packs[0].size);
		flip(world, pack, bit);
		if (i % 2)
			forget_blobs(world);
		if (tree_materialize(&ask, &made, &err) == 0)
			same_trees(world->root, world->target, ".");
		else
			assert_int_equal(err.kind, ERR_SNAPSHOT);
		flip(world, pack, bit);
	}
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(index);
}

/* The same tree once more puts right what was damaged. */
static void test_captured_again(void **state)
{
	struct world *world = *state;
	struct tree_index *index = small(world), *again;
	struct tree_totals totals;
	char pack[SHA256_HEX];
	struct err err = ERR_INIT;

	hex_encode(index->packs[0].sha256, SHA256_SIZE, pack);
	flip(world, pack, 12345);
	assert_int_equal(verify(world, index, &err), -1);
	again = capture(world, NULL, &totals);
	assert_int_equal(verify(world, again, &err), 0);
	tree_index_free(again);
	tree_index_free(index);
}

static void count_problem(void *ctx, const char *hex, const char *what)
{
	unsigned *n = ctx;

	(*n)++;
}

static void test_cut_and_missing(void **state)
{
	struct world *world = *state;
	struct tree_index *index = small(world);
	struct tree_materialize_ask ask = ask_for(world, index);
	struct tree_verified verified;
	struct tree_made made;
	struct err err = ERR_INIT;
	char pack[SHA256_HEX];
	unsigned problems = 0;
	struct tree_verify_ask check = {.index = index,
		.blobs = world->blobs,
		.problem = count_problem,
		.problem_ctx = &problems};

	hex_encode(index->packs[0].sha256, SHA256_SIZE, pack);
	set_length(world->blobs, pack, (off_t)index->packs[0].size - 1);
	assert_int_equal(tree_verify(&check, &verified, &err), -1);
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, "is damaged"));
	forget_blobs(world);
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, "is damaged"));
	problems = 0;
	assert_int_equal(unlinkat(world->blobs, pack, 0), 0);
	assert_int_equal(tree_verify(&check, &verified, &err), -1);
	assert_int_equal(problems, 1);
	assert_int_equal(verified.problems, 1);
	assert_int_equal(verified.chunks, 0);
	assert_non_null(strstr(err.msg, "is missing"));
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, pack));
	tree_index_free(index);
}

/* === what is missing === */

static void read_pack(const struct world *world, const struct tree_pack *pack, struct buf *out)
{
	char hex[SHA256_HEX];
	int fd;

	hex_encode(pack->sha256, SHA256_SIZE, hex);
	fd = openat(world->blobs, hex, O_RDONLY | O_CLOEXEC);
	buf_reset(out);
	assert_int_equal(read(fd, buf_reserve(out, pack->size), pack->size), pack->size);
	out->len = pack->size;
	close(fd);
	assert_int_equal(unlinkat(world->blobs, hex, 0), 0);
}

static uint64_t missing_bytes(const struct world *world, const struct tree_index *index, size_t *n)
{
	struct tree_missing missing;
	struct err err = ERR_INIT;
	uint64_t bytes;

	if (tree_missing(index, NULL, world->blobs, &missing, &err) < 0)
		fail_msg("%s", err.msg);
	bytes = missing.bytes;
	*n = missing.n;
	tree_missing_release(&missing);
	return bytes;
}

static void test_missing(void **state)
{
	struct world *world = *state;
	struct tree_index *index = small(world);
	const struct tree_pack *pack = &index->packs[0];
	autobuf struct buf bytes = BUF_INIT(0);
	struct tree_materialize_ask ask = ask_for(world, index);
	struct err err = ERR_INIT;
	uint64_t half = pack->size / 2;
	size_t n;

	assert_int_equal(missing_bytes(world, index, &n), 0);
	assert_int_equal(n, 0);
	read_pack(world, pack, &bytes);
	assert_int_equal(missing_bytes(world, index, &n), pack->size);
	assert_int_equal(n, 1);
	/* The second half: the chunk in the middle is not whole. */
	assert_int_equal(tree_pack_write(world->blobs, pack, half, bytes.data + half,
				 pack->size - half, &err),
		0);
	assert_int_equal(tree_pack_settle(world->blobs, pack, &err), 0);
	assert_true(missing_bytes(world, index, &n) >= half);
	assert_true(missing_bytes(world, index, &n) < half + SNAPSHOT_FRAME_MAX);
	/* The first half, with a fault in it. */
	bytes.data[100] ^= 1;
	assert_int_equal(tree_pack_write(world->blobs, pack, 0, bytes.data, half, &err), 0);
	assert_int_equal(tree_pack_settle(world->blobs, pack, &err), 0);
	assert_int_equal(missing_bytes(world, index, &n), index->chunks[0].frame_size);
	bytes.data[100] ^= 1;
	assert_int_equal(tree_pack_write(world->blobs, pack, 100, bytes.data + 100, 1, &err), 0);
	assert_int_equal(missing_bytes(world, index, &n), 0);
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	assert_int_equal(tree_pack_settle(world->blobs, pack, &err), 1);
	assert_int_equal(verify(world, index, &err), 0);
	assert_int_equal(tree_pack_write(world->blobs, pack, pack->size, bytes.data, 1, &err), -1);
	tree_index_free(index);
}

/* Of a parent's pack only what is still used. */
static void test_missing_of_parent(void **state)
{
	struct world *world = *state;
	struct tree_index *first = small(world), *second;
	struct tree_totals totals;
	autobuf struct buf bytes = BUF_INIT(0);
	struct tree_missing missing;
	struct err err = ERR_INIT;

	assert_int_equal(unlinkat(world->root, "raw", 0), 0);
	put_pages(world->root, "letters", 0, 10, 99, 'a');
	second = capture(world, first, &totals);
	assert_int_equal(second->n_packs, 2);
	assert_int_equal(totals.new_chunks, 1);
	read_pack(world, &first->packs[0], &bytes);
	assert_int_equal(tree_missing(second, NULL, world->blobs, &missing, &err), 0);
	assert_true(missing.bytes + 200 * 1000 < first->packs[0].size);
	assert_int_equal(missing.chunks, second->n_chunks - 1);
	for (size_t i = 0; i < missing.n; i++) {
		const struct tree_range *range = &missing.ranges[i];

		assert_int_equal(
			tree_pack_write(world->blobs, &second->packs[range->pack], range->offset,
				bytes.data + range->offset, range->len, &err),
			0);
	}
	tree_missing_release(&missing);
	assert_int_equal(tree_missing(second, NULL, world->blobs, &missing, &err), 0);
	assert_int_equal(missing.n, 0);
	tree_missing_release(&missing);
	{
		struct tree_materialize_ask ask = ask_for(world, second);
		struct tree_verify_ask check = {.index = second, .blobs = world->blobs};
		struct tree_verified verified;

		materialize(&ask);
		same_trees(world->root, world->target, ".");
		/* A part stands for its chunks. */
		assert_int_equal(tree_verify(&check, &verified, &err), 0);
		assert_int_equal(verified.packs, 1);
		assert_int_equal(verified.chunks, second->n_chunks);
	}
	tree_index_free(first);
	tree_index_free(second);
}

/* === diff === */

static void note_change(void *ctx, const struct tree_change *change)
{
	static const char words[] = {[TREE_ADDED] = '+',
		[TREE_REMOVED] = '-',
		[TREE_CONTENT] = '*',
		[TREE_ATTRIBUTES] = '@'};
	const struct tree_entry *entry = change->after ? change->after : change->before;

	buf_addf(ctx, "%c%s %llu\n", words[change->kind], entry->path,
		(unsigned long long)change->bytes);
}

static void test_diff(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	autobuf struct buf text = BUF_INIT(0);
	struct tree_totals totals;
	struct tree_diff diff;

	first = small(world);
	tree_diff(first, first, note_change, &text, &diff);
	assert_string_equal(buf_str(&text), "");
	assert_int_equal(diff.new_bytes, 0);
	put_pages(world->root, "letters", 3 * CHUNK, 2 * CHUNK, 50, 'a');
	put_pages(world->root, "added", 0, 100, 51, 'a');
	set_length(world->root, "raw", 4 * CHUNK + 1);
	assert_int_equal(unlinkat(world->root, "short", 0), 0);
	assert_int_equal(fchmodat(world->root, "hole", 0444, 0), 0);
	set_times(world->root, ".", 1, 1);
	second = capture(world, first, &totals);
	tree_diff(first, second, note_change, &text, &diff);
	assert_string_equal(buf_str(&text), "@ 0\n+added 100\n@hole 0\n*letters 131072\n"
					    "*raw 37856\n-short 6\n");
	assert_int_equal(diff.added, 1);
	assert_int_equal(diff.removed, 1);
	assert_int_equal(diff.content, 2);
	assert_int_equal(diff.attributes, 2);
	assert_int_equal(diff.bytes, 131072 + 37856 + 106);
	assert_int_equal(diff.new_bytes, 131072 + 100 + 1);
	assert_int_equal(diff.new_packed, totals.packed);
	assert_int_equal(diff.pulled, diff.new_packed + second->blob_size);
	tree_index_free(first);
	tree_index_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_flips),
		TREE_TEST(test_flips_restored),
		TREE_TEST(test_captured_again),
		TREE_TEST(test_cut_and_missing),
		TREE_TEST(test_missing),
		TREE_TEST(test_missing_of_parent),
		TREE_TEST(test_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
