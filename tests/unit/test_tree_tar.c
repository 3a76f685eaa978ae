/* test_tree_tar.c - trees as tars: what the real tar makes of them, and what comes back. */
#include "tree_world.h"

#include "devenv/buf.h"
#include "devenv/proc.h"

static int to_buffer(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len);
}

static void export_tree(struct world *world, struct buf *tar)
{
	struct tree_totals totals;
	struct tree_index *index = capture(world, NULL, &totals);
	struct tree_export_ask ask = {
		.index = index, .blobs = world->blobs, .write = to_buffer, .write_ctx = tar};
	struct err err = ERR_INIT;

	if (tree_export(&ask, &err) < 0)
		fail_msg("%s", err.msg);
	tree_index_free(index);
}

/* Up to 777 bytes at once: no border of anything is one of the reading. */
static ssize_t from_buffer(void *ctx, void *data, size_t len, struct err *err)
{
	struct buf *tar = ctx;
	size_t n = tar->len < len ? tar->len : len;

	n = n < 777 ? n : 777;
	memcpy(data, buf_str(tar), n);
	buf_consume(tar, n);
	return (ssize_t)n;
}

static int fill(struct world *world, struct buf *tar, struct err *err)
{
	struct tree_fill_ask ask = {.target = world->target, .read = from_buffer, .read_ctx = tar};

	return tree_fill(&ask, err);
}

static void test_real_tar(void **state)
{
	struct world *world = *state;
	autobuf struct buf tar = BUF_INIT(64 << 20);
	autofree char *path = path_join(world->dir, "x.tar");
	autofree char *target = path_join(world->dir, "target");
	const char *argv[] = {"tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf",
		path, "-C", target, NULL};
	struct err err = ERR_INIT;

	make_world(world->root);
	export_tree(world, &tar);
	/* A hole of 4 GB is none of bytes. */
	assert_true(tar.len < 40 << 20);
	assert_int_equal(fs_write_atomic(path, tar.data, tar.len, 0600, &err), 0);
	if (proc_run(&(struct proc_spec){.argv = argv}, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
}

static void test_same_again(void **state)
{
	struct world *world = *state;
	autobuf struct buf one = BUF_INIT(64 << 20), two = BUF_INIT(64 << 20);

	make_world(world->root);
	export_tree(world, &one);
	export_tree(world, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

/* Everything but large holes, which only engines' child makes plain. */
static void test_back(void **state)
{
	struct world *world = *state;
	autobuf struct buf tar = BUF_INIT(64 << 20);
	char name[201];
	struct err err = ERR_INIT;

	memset(name, 'n', 200);
	name[200] = '\0';
	make_world(world->root);
	assert_int_equal(unlinkat(world->root, "base/holes", 0), 0);
	assert_int_equal(unlinkat(world->root, "base/all-hole", 0), 0);
	put_text(world->root, name, "long");
	put_pages(world->root, "gap", 9 * CHUNK, CHUNK, 6, 'a');
	set_xattr(world->root, name, "user.long", name);
	set_times(world->root, "base", -5, 250000000);
	set_times(world->root, ".", 5000, 6000);
	export_tree(world, &tar);
	if (fill(world, &tar, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
}

/* One entry, and what becomes of it. */
static void hostile(void **state, const struct tar_entry *entry)
{
	struct world *world = *state;
	autobuf struct buf tar = BUF_INIT(1 << 20);
	struct tar_writer writer = {.write = to_buffer, .ctx = &tar};
	struct err err = ERR_INIT;

	assert_int_equal(symlinkat("../root", world->target, "link"), 0);
	assert_int_equal(tar_add(&writer, entry, &err), 0);
	assert_int_equal(tar_data(&writer, "text", entry->size, &err), 0);
	assert_int_equal(tar_end(&writer, &err), 0);
	assert_int_equal(fill(world, &tar, &err), -1);
	assert_int_equal(unlinkat(world->target, "link", 0), 0);
	assert_int_equal(faccessat(world->root, "x", F_OK, 0), -1);
}

static void test_outside(void **state)
{
	hostile(state, &(struct tar_entry){.name = "./../root/x", .type = '0', .size = 4});
	hostile(state, &(struct tar_entry){.name = "/x", .type = '0', .size = 4});
	hostile(state, &(struct tar_entry){.name = "./link/x", .type = '0', .size = 4});
	hostile(state, &(struct tar_entry){.name = "./link/x/y", .type = '0', .size = 4});
	hostile(state, &(struct tar_entry){.name = "./x", .link = "./../root/y", .type = '1'});
	hostile(state, &(struct tar_entry){.name = "./x", .type = '3'});
}

static void test_cut(void **state)
{
	struct world *world = *state;
	autobuf struct buf tar = BUF_INIT(64 << 20);
	struct err err = ERR_INIT;

	put_text(world->root, "x", "text");
	export_tree(world, &tar);
	tar.len -= 1024;
	assert_int_equal(fill(world, &tar, &err), -1);
	assert_non_null(strstr(err.msg, "cut short"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_real_tar),
		TREE_TEST(test_same_again),
		TREE_TEST(test_back),
		TREE_TEST(test_outside),
		TREE_TEST(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
