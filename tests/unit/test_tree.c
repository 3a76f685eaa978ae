/* test_tree.c - real trees into packs and back. */
#include "tree_world.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static void test_there_and_back(void **state)
{
	struct world *world = *state;
	struct tree_index *index, *opened;
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct err err = ERR_INIT;
	char hex[SHA256_HEX];

	make_world(world->root);
	index = capture(world, NULL, &totals);
	assert_int_equal(totals.files, 11);
	assert_int_equal(totals.bytes, index->bytes);
	assert_int_equal(totals.new_chunks, index->n_chunks);
	/* "same" is "big" once more, and holes are nothing. */
	assert_true(totals.new_bytes < 9 * 1000 * 1000);
	hex_encode(index->digest, SHA256_SIZE, hex);
	opened = tree_index_open(world->blobs, hex, &err);
	assert_non_null(opened);
	ask = ask_for(world, opened);
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	assert_int_equal(tree_interrupted(world->target, &err), 0);
	forget_blobs(world);
	ask.replace = true;
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(opened);
	tree_index_free(index);
}

static void test_same_again(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second, *third;
	struct tree_totals totals;

	make_world(world->root);
	first = capture(world, NULL, &totals);
	second = capture(world, NULL, &totals);
	assert_memory_equal(first->digest, second->digest, SHA256_SIZE);
	third = capture(world, second, &totals);
	assert_int_equal(totals.new_chunks, 0);
	assert_int_equal(totals.packed, 0);
	assert_int_equal(third->n_packs, first->n_packs);
	tree_index_free(first);
	tree_index_free(second);
	tree_index_free(third);
}

static void test_from_parent(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	struct tree_materialize_ask ask;

	make_world(world->root);
	first = capture(world, NULL, &totals);
	put_pages(world->root, "base/big", 10 * CHUNK + 9, 100, 77, 'a');
	put_pages(world->root, "base/new", 0, 3 * CHUNK, 78, 'a');
	assert_int_equal(unlinkat(world->root, "base/raw", 0), 0);
	second = capture(world, first, &totals);
	assert_memory_equal(second->parent, first->digest, SHA256_SIZE);
	assert_int_equal(totals.new_chunks, 4);
	assert_int_equal(totals.new_bytes, 4 * CHUNK);
	assert_true(totals.packed > 0 && totals.packed < 5 * CHUNK);
	ask = ask_for(world, second);
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(first);
	tree_index_free(second);
}

/* What the file system says is as it was is not read, even where that is not true. */
static void test_unread(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second, *third;
	struct tree_totals totals;
	struct tree_capture_ask ask = {.root = world->root, .blobs = world->blobs, .unread = true};
	struct err err = ERR_INIT;
	struct stat before;

	make_world(world->root);
	first = capture(world, NULL, &totals);
	ask.parent = first;
	assert_int_equal(fstatat(world->root, "base/big", &before, 0), 0);
	put_pages(world->root, "base/big", 10 * CHUNK, 100, 77, 'a');
	put_pages(world->root, "base/new", 0, 3 * CHUNK, 78, 'a');
	second = tree_capture(&ask, &totals, &err);
	assert_non_null(second);
	assert_int_equal(totals.new_chunks, 4);
	assert_int_equal(utimensat(world->root, "base/big",
				 (struct timespec[]){before.st_atim, before.st_mtim}, 0),
		0);
	third = tree_capture(&ask, &totals, &err);
	assert_non_null(third);
	assert_int_equal(totals.new_chunks, 3);
	tree_index_free(first);
	tree_index_free(second);
	tree_index_free(third);
}

/* === what is left out or refused === */

static bool leave_out(void *ctx, const char *path, bool directory)
{
	return strcmp(path, "base") == 0 ? directory : strcmp(path, "pipe") == 0;
}

static void count_warning(void *ctx, const char *path, const char *what)
{
	int *n = ctx;

	assert_string_equal(path, "socket");
	(*n)++;
}

static void test_left_out(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), warnings = 0;
	struct tree_capture_ask ask = {.root = world->root,
		.blobs = world->blobs,
		.leave_out = leave_out,
		.watch = {.warn = count_warning, .ctx = &warnings}};
	struct tree_totals totals;
	struct tree_index *index;
	struct err err = ERR_INIT;

	make_world(world->root);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/socket", world->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	index = tree_capture(&ask, &totals, &err);
	assert_non_null(index);
	assert_int_equal(warnings, 1);
	for (uint32_t i = 0; i < index->n_entries; i++) {
		assert_false(str_starts(index->entries[i].path, "base/"));
		assert_string_not_equal(index->entries[i].path, "base");
		assert_string_not_equal(index->entries[i].path, "pipe");
		assert_string_not_equal(index->entries[i].path, "socket");
	}
	tree_index_free(index);
}

static int touch_on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct world *world = ctx;

	put_text(world->root, "base/same", "shorter");
	return 0;
}

static void test_changed_while_read(void **state)
{
	struct world *world = *state;
	struct tree_capture_ask ask = {.root = world->root,
		.blobs = world->blobs,
		.watch = {.progress = touch_on_progress, .ctx = world}};
	struct tree_totals totals;
	struct err err = ERR_INIT;

	make_world(world->root);
	put_pages(world->root, "base/first", 0, 20 << 20, 5, 'a');
	assert_null(tree_capture(&ask, &totals, &err));
	assert_non_null(strstr(err.msg, "\"base/same\" changed"));
}

static int stop(void *ctx, uint64_t done, uint64_t total)
{
	return 1;
}

static void test_cancelled(void **state)
{
	struct world *world = *state;
	struct tree_capture_ask ask = {
		.root = world->root, .blobs = world->blobs, .watch = {.progress = stop}};
	struct tree_materialize_ask back;
	struct tree_totals totals;
	struct tree_index *index;
	struct tree_made made;
	struct err err = ERR_INIT;

	make_world(world->root);
	assert_null(tree_capture(&ask, &totals, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	index = capture(world, NULL, &totals);
	back = ask_for(world, index);
	back.watch.progress = stop;
	assert_int_equal(tree_materialize(&back, &made, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_int_equal(tree_interrupted(world->target, &err), 0);
	tree_index_free(index);
}

/* === what is in the target === */

static void test_not_empty(void **state)
{
	struct world *world = *state;
	struct tree_materialize_ask ask;
	struct tree_index *index;
	struct tree_totals totals;
	struct tree_made made;
	struct err err = ERR_INIT;
	char hex[SHA256_HEX];

	make_world(world->root);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	put_text(world->target, "mine", "x");
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, "\"mine\""));
	assert_int_equal(faccessat(world->target, "mine", F_OK, 0), 0);
	/* What fails leaves it. */
	ask.replace = true;
	hex_encode(index->packs[0].sha256, SHA256_SIZE, hex);
	assert_int_equal(renameat(world->blobs, hex, world->blobs, "away"), 0);
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_non_null(strstr(err.msg, "is missing"));
	assert_int_equal(faccessat(world->target, "mine", F_OK, 0), 0);
	assert_int_equal(renameat(world->blobs, "away", world->blobs, hex), 0);
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(index);
}

static void test_lost_and_found(void **state)
{
	struct world *world = *state;
	struct tree_materialize_ask ask;
	struct tree_index *index;
	struct tree_totals totals;

	put_text(world->root, "x", "x");
	assert_int_equal(mkdirat(world->root, "lost+found", 0700), 0);
	index = capture(world, NULL, &totals);
	assert_int_equal(index->n_entries, 2);
	assert_int_equal(mkdirat(world->target, "lost+found", 0700), 0);
	ask = ask_for(world, index);
	materialize(&ask);
	assert_int_equal(faccessat(world->target, "lost+found", F_OK, 0), 0);
	tree_index_free(index);
}

/* What a killed run leaves in each of its states; `beside` is somebody's only in the first. */
static void test_states(void **state)
{
	static const char *const states[] = {TREE_STAGING, TREE_SWAP, TREE_MOVE};
	struct world *world = *state;
	struct tree_index *index;
	struct tree_totals totals;
	struct tree_made made;
	struct err err = ERR_INIT;

	make_world(world->root);
	index = capture(world, NULL, &totals);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct tree_materialize_ask ask = ask_for(world, index);
		autofree char *below = path_join(states[i], "half");
		int result;

		ask.replace = i == 0;
		assert_int_equal(mkdirat(world->target, states[i], 0700), 0);
		put_text(world->target, below, "x");
		put_text(world->target, "beside", "x");
		assert_int_equal(tree_interrupted(world->target, &err), 1);
		if (i == 0) {
			ask.replace = false;
			assert_int_equal(tree_materialize(&ask, &made, &err), -1);
			assert_non_null(strstr(err.msg, "\"beside\""));
			ask.replace = true;
		}
		result = tree_materialize(&ask, &made, &err);
		if (result < 0)
			fail_msg("%s: %s", states[i], err.msg);
		same_trees(world->root, world->target, ".");
		assert_int_equal(tree_interrupted(world->target, &err), 0);
	}
	tree_index_free(index);
}

/* What is large, and nobody's any more, goes when it is closed. */
static void test_removed(void **state)
{
	struct world *world = *state;
	struct tree_removed removed = {0};
	struct tree_materialize_ask ask;
	struct tree_index *index;
	struct tree_totals totals;
	struct stat status;

	make_world(world->root);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	materialize(&ask);
	put_pages(world->target, "base/big", 0, 100, 77, 'a');
	put_text(world->target, "small", "x");
	ask.replace = ask.keep = true;
	ask.removed = &removed;
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	assert_int_equal(removed.n, 1);
	assert_int_equal(fstat(removed.fds[0], &status), 0);
	assert_int_equal(status.st_nlink, 0);
	assert_true(status.st_size > 1 << 20);
	tree_removed_free(&removed);
	assert_int_equal(removed.n, 0);
	tree_index_free(index);
}

/* === from a base === */

static void test_from_base(void **state)
{
	struct world *world = *state;
	struct tree_index *first, *second;
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct tree_made made;
	struct err err = ERR_INIT;
	int base = world_folder(world, "base");

	make_world(world->root);
	first = capture(world, NULL, &totals);
	ask = ask_for(world, first);
	ask.target = base;
	materialize(&ask);
	put_pages(world->root, "base/big", 10 * CHUNK + 9, 100, 77, 'a');
	put_pages(world->root, "base/new", 0, 3 * CHUNK, 78, 'a');
	set_length(world->root, "base/raw", 1000 * 1000);
	put_pages(world->root, "base/holes", 150 * CHUNK, CHUNK, 79, 'a');
	put_zeros(world->root, "base/holes", 90 * CHUNK, CHUNK);
	second = capture(world, first, &totals);
	ask = ask_for(world, second);
	ask.base = first;
	ask.base_root = base;
	/* Touched since it was made, in spite of its time: seen by its chunks. */
	put_pages(base, "base/big", 0, 10, 80, 'a');
	set_times(base, "base/big", 1, 999999999);
	/* And one with another time: not used. */
	set_times(base, "base/one-more", 5, 5);
	if (tree_materialize(&ask, &made, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
	assert_int_equal(made.bytes, second->bytes);
	/* "big" has three slots to unpack: that which changed and that which was spoiled. */
	assert_true(made.unpacked < 8 * CHUNK + 1000);
	assert_true(made.copied + made.cloned > 10 * 1000 * 1000);
	tree_index_free(first);
	tree_index_free(second);
	close(base);
}

/* A reset: the base is what is wanted, and no pack is there. */
static void test_reset(void **state)
{
	struct world *world = *state;
	struct tree_index *index;
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct tree_made made;
	struct err err = ERR_INIT;
	int base = world_folder(world, "base"), none = world_folder(world, "none");

	make_world(world->root);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	ask.target = base;
	materialize(&ask);
	ask = ask_for(world, index);
	ask.blobs = none;
	ask.base = index;
	ask.base_root = base;
	if (tree_materialize(&ask, &made, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
	assert_int_equal(made.unpacked, 0);
	put_text(world->target, "scratch", "x");
	ask.replace = true;
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(index);
	close(base);
	close(none);
}

/* === over what is there === */

static ino_t inode(int dir, const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_nlink, 1);
	return status.st_ino;
}

/* Which of these files stayed? Those that are alike in all that can be seen unread. */
static void test_keep(void **state)
{
	static const struct {
		const char *name;
		bool stays;
	} files[] = {{"base/big", false}, {"base/raw", true}, {"base/same", false},
		{"base/one-slot", false}, {"base/one-more", true}, {"base/holes", false}};
	ino_t inodes[ARRAY_LEN(files)];
	struct world *world = *state;
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct tree_made made;
	struct tree_index *index;
	struct err err = ERR_INIT;
	struct stat before;

	make_world(world->root);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	materialize(&ask);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		inodes[i] = inode(world->target, files[i].name);
	put_pages(world->target, "base/big", 10 * CHUNK + 9, 100, 77, 'a');
	assert_int_equal(fchmodat(world->target, "base/same", 0604, 0), 0);
	/* Other bytes with the old time, but longer by one. */
	assert_int_equal(fstatat(world->target, "base/one-slot", &before, 0), 0);
	put_pages(world->target, "base/one-slot", 0, CHUNK + 1, 80, 'a');
	set_times(world->target, "base/one-slot", before.st_mtim.tv_sec, before.st_mtim.tv_nsec);
	/* Another name would show the new tree's changes in the old one. */
	assert_int_equal(linkat(world->target, "base/holes", world->target, "other", 0), 0);
	put_text(world->target, "scratch", "x");
	ask.replace = ask.keep = true;
	if (tree_materialize(&ask, &made, &err) < 0)
		fail_msg("%s", err.msg);
	same_trees(world->root, world->target, ".");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if ((inode(world->target, files[i].name) == inodes[i]) != files[i].stays)
			fail_msg("%s", files[i].name);
	assert_true(made.kept >= 3 * 1000 * 1000 && made.unpacked >= 5 * 1000 * 1000);
	tree_index_free(index);
}

/* What was there before is as it was when the new tree cannot be made. */
static void test_keep_nothing_lost(void **state)
{
	struct world *world = *state;
	int none = world_folder(world, "none");
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct tree_made made;
	struct tree_index *index;
	struct err err = ERR_INIT;

	make_world(world->root);
	index = capture(world, NULL, &totals);
	ask = ask_for(world, index);
	materialize(&ask);
	put_pages(world->target, "base/same", 0, 100, 77, 'a');
	put_pages(world->root, "base/same", 0, 100, 77, 'a');
	ask.blobs = none;
	ask.replace = ask.keep = true;
	assert_int_equal(tree_materialize(&ask, &made, &err), -1);
	assert_int_equal(err.os, EBADMSG);
	ask.blobs = world->blobs;
	inode(world->target, "base/raw");
	tree_index_free(index);
	close(none);
}

/* === killed === */

struct kill_at {
	uint64_t at;
};

static int kill_self(void *ctx, uint64_t done, uint64_t total)
{
	const struct kill_at *kill_at = ctx;

	if (done >= kill_at->at)
		raise(SIGKILL);
	return 0;
}

static void test_killed(void **state)
{
	struct world *world = *state;
	struct tree_index *index;
	struct tree_totals totals;
	struct tree_materialize_ask ask;
	struct err err = ERR_INIT;

	make_world(world->root);
	index = capture(world, NULL, &totals);
	for (unsigned i = 0; i < 10; i++) {
		struct kill_at kill_at = {index->bytes / 10 * i};
		pid_t pid = fork();
		int status;

		ask = ask_for(world, index);
		if (pid == 0) {
			struct tree_made made;

			ask.watch.progress = kill_self;
			ask.watch.ctx = &kill_at;
			_exit(tree_materialize(&ask, &made, &err) < 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(tree_interrupted(world->target, &err), 1);
		assert_int_equal(faccessat(world->target, "PG_VERSION", F_OK, 0), -1);
	}
	materialize(&ask);
	same_trees(world->root, world->target, ".");
	tree_index_free(index);
}

static void test_capture_of_interrupted(void **state)
{
	struct world *world = *state;
	struct tree_capture_ask ask = {.root = world->root, .blobs = world->blobs};
	struct tree_totals totals;
	struct err err = ERR_INIT;

	assert_int_equal(mkdirat(world->root, TREE_SWAP, 0700), 0);
	assert_null(tree_capture(&ask, &totals, &err));
	assert_non_null(strstr(err.msg, "restore"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_there_and_back),
		TREE_TEST(test_same_again),
		TREE_TEST(test_from_parent),
		TREE_TEST(test_unread),
		TREE_TEST(test_left_out),
		TREE_TEST(test_changed_while_read),
		TREE_TEST(test_cancelled),
		TREE_TEST(test_not_empty),
		TREE_TEST(test_lost_and_found),
		TREE_TEST(test_states),
		TREE_TEST(test_removed),
		TREE_TEST(test_from_base),
		TREE_TEST(test_reset),
		TREE_TEST(test_keep),
		TREE_TEST(test_keep_nothing_lost),
		TREE_TEST(test_killed),
		TREE_TEST(test_capture_of_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
