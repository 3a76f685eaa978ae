/* test_fswatch.c - real changes to real files; also more of them than the kernel's queue holds. */
#include "testing.h"

#include "devenv/fswatch.h"
#include "devenv/str.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 40

struct scene {
	const char *dir; /* what is watched lies in it */
	struct fswatch *watch;
};

static void make(const char *dir, const char *name)
{
	autofree char *path = path_join(dir, name);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
}

static void folder(const char *dir, const char *name)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_mkdirs(path, 0755, &err), 0);
}

static void move(const char *dir, const char *from, const char *to)
{
	autofree char *old = path_join(dir, from), *new = path_join(dir, to);

	assert_int_equal(rename(old, new), 0);
}

static void delete (const char *dir, const char *name)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_remove_tree(path, &err), 0);
}

static bool skip_vendor(void *ctx, const char *path)
{
	(void)ctx;
	return str_ends(path, "/vendor");
}

static struct scene watch_these(const char *dir, const char *names)
{
	autostrv struct strv list = STRV_INIT, paths = STRV_INIT;
	struct scene scene = {dir, NULL};
	struct err err = ERR_INIT;

	strv_split(&list, names, ' ');
	for (size_t i = 0; i < list.n; i++)
		strv_push_take(&paths, path_join(dir, list.v[i]));
	assert_int_equal(fswatch_open(&(struct fswatch_spec){.paths = &paths, .skip = skip_vendor},
				 &scene.watch, &err),
		0);
	return scene;
}

/* The next batch, as names below the folder. */
static char *batch(const struct scene *scene)
{
	autostrv struct strv changed = STRV_INIT, names = STRV_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(fswatch_wait(scene->watch, QUIET_MS, -1, &changed, &err), 1);
	for (size_t i = 0; i < changed.n; i++)
		strv_push(&names, path_below(scene->dir, changed.v[i]));
	return strv_join(&names, " ");
}

static void expect_batch(const struct scene *scene, const char *wanted)
{
	autofree char *names = batch(scene);

	assert_string_equal(names, wanted);
}

static void test_files(void **state)
{
	const char *dir = *state;
	struct scene scene;

	folder(dir, "src");
	make(dir, "src/old");
	make(dir, "beside");
	scene = watch_these(dir, "src");
	make(dir, "src/new");
	make(dir, "src/old");
	make(dir, "beside");
	expect_batch(&scene, "src/new src/old");
	move(dir, "src/old", "src/other");
	delete (dir, "src/new");
	expect_batch(&scene, "src/new src/old src/other");
	fswatch_close(scene.watch);
}

static void test_folders(void **state)
{
	const char *dir = *state;
	struct scene scene;

	folder(dir, "src/vendor");
	folder(dir, "away");
	make(dir, "away/carried");
	scene = watch_these(dir, "src");
	folder(dir, "src/a/b");
	make(dir, "src/a/b/c");
	make(dir, "src/vendor/c");
	expect_batch(&scene, "src/a src/a/b src/a/b/c");
	make(dir, "src/a/b/c");
	expect_batch(&scene, "src/a/b/c");
	move(dir, "src/a", "src/z");
	expect_batch(&scene, "src/a src/a/b src/a/b/c src/z src/z/b src/z/b/c");
	make(dir, "src/z/b/c");
	expect_batch(&scene, "src/z/b/c");
	move(dir, "away", "src/in");
	expect_batch(&scene, "src/in src/in/carried");
	move(dir, "src/in", "out");
	expect_batch(&scene, "src/in src/in/carried");
	make(dir, "out/carried");
	delete (dir, "src/z");
	expect_batch(&scene, "src/z src/z/b src/z/b/c");
	fswatch_close(scene.watch);
}

/* A file that editors replace, and paths that come, go and come back. */
static void test_roots(void **state)
{
	const char *dir = *state;
	struct scene scene;

	make(dir, "one");
	make(dir, "two");
	scene = watch_these(dir, "one up/there");
	make(dir, "two");
	move(dir, "two", "one");
	expect_batch(&scene, "one");
	folder(dir, "up/there");
	make(dir, "up/there/file");
	expect_batch(&scene, "up/there up/there/file");
	move(dir, "up", "down");
	expect_batch(&scene, "up/there up/there/file");
	make(dir, "down/there/file");
	folder(dir, "up/there");
	expect_batch(&scene, "up/there");
	make(dir, "up/there/file");
	expect_batch(&scene, "up/there/file");
	fswatch_close(scene.watch);
}

static unsigned long queue_length(void)
{
	autobuf struct buf text = BUF_INIT(64);
	struct err err = ERR_INIT;
	uint64_t length;

	assert_int_equal(
		fs_read("/proc/sys/fs/inotify/max_queued_events", &text, ERR_FAILED, &err), 0);
	assert_true(parse_u64(str_trim(text.data), 1, 1 << 20, &length));
	return (unsigned long)length;
}

/* Each file is two events: the first ones are lost in part, and nothing is. */
static void test_overflow(void **state)
{
	const char *dir = *state;
	unsigned long n = queue_length() / 2 + 500;
	autostrv struct strv changed = STRV_INIT;
	struct err err = ERR_INIT;
	struct scene scene;

	folder(dir, "src/sub");
	make(dir, "src/goes");
	scene = watch_these(dir, "src");
	for (unsigned long i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "src/%lu", i);
		make(dir, name);
	}
	delete (dir, "src/goes");
	folder(dir, "src/sub/late");
	make(dir, "src/sub/late/file");
	assert_int_equal(fswatch_wait(scene.watch, QUIET_MS, -1, &changed, &err), 1);
	assert_int_equal(changed.n, n + 3);
	assert_string_equal(path_below(dir, changed.v[n]), "src/goes");
	make(dir, "src/sub/late/file");
	expect_batch(&scene, "src/sub/late/file");
	fswatch_close(scene.watch);
}

static void test_cancel(void **state)
{
	struct scene scene = watch_these(*state, "");
	struct err err = ERR_INIT;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(fswatch_wait(scene.watch, QUIET_MS, pair[0], NULL, &err), 0);
	close(pair[0]);
	close(pair[1]);
	fswatch_close(scene.watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_files),
		FOLDER_TEST(test_folders),
		FOLDER_TEST(test_roots),
		FOLDER_TEST(test_overflow),
		FOLDER_TEST(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
