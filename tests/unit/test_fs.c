/* test_fs.c - paths as text; files with ceilings; trees removed without following links. */
#include "testing.h"

#include "devenv/str.h"

#include <sys/stat.h>
#include <unistd.h>

static void test_paths(void **state)
{
	static const char *const rows[][2] = {{"a/../b", "b"}, {"/a/./b//c/", "/a/b/c"}, {"", "."},
		{"..", ".."}, {"../../x", "../../x"}, {"/..", "/"}, {"a/..", "."}, {"/", "/"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *clean = path_clean(rows[i][0]);

		assert_string_equal(clean, rows[i][1]);
	}
}

static void test_join(void **state)
{
	autofree char *a = path_join("/x", "y"), *b = path_join("/x/", "y"),
		      *c = path_join("/x", "/y"), *d = path_absolute("/srv/app", "../lib"),
		      *e = path_dirname("/x"), *f = path_dirname("x"), *g = path_dirname("/a/b");

	assert_string_equal(a, "/x/y");
	assert_string_equal(b, "/x/y");
	assert_string_equal(c, "/y");
	assert_string_equal(d, "/srv/lib");
	assert_string_equal(e, "/");
	assert_string_equal(f, ".");
	assert_string_equal(g, "/a");
	assert_string_equal(path_basename("/a/b"), "b");
}

static void test_relative(void **state)
{
	static const char *const rows[][3] = {{"/a/b", "/a/b", "."}, {"/a/b", "/a/b/c/d", "c/d"},
		{"/a/b", "/a/bc", "../bc"}, {"/a/b/c", "/x", "../../../x"}, {"/", "/x", "x"},
		{"/x", "/", ".."}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *path = path_relative(rows[i][0], rows[i][1]);

		assert_string_equal(path, rows[i][2]);
	}
}

static void test_home(void **state)
{
	autofree char *a = NULL, *b = NULL, *c = NULL;

	setenv("HOME", "/home/ada", 1);
	a = path_expand_home("~");
	b = path_expand_home("~/x");
	c = path_expand_home("~eve");
	assert_string_equal(a, "/home/ada");
	assert_string_equal(b, "/home/ada/x");
	assert_string_equal(c, "~eve");
}

static void test_xdg(void **state)
{
	autofree char *a = NULL, *b = NULL, *c = NULL;

	setenv("HOME", "/home/ada", 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	a = fs_state_dir();
	b = fs_runtime_dir();
	assert_string_equal(a, "/home/ada/.local/state/devenv");
	assert_string_equal(b, "/home/ada/.local/state/devenv/run");
	setenv("XDG_STATE_HOME", "/state", 1);
	c = fs_state_dir();
	assert_string_equal(c, "/state/devenv");
	unsetenv("XDG_STATE_HOME");
}

static void test_write_read(void **state)
{
	autofree char *path = path_join(*state, "a/b/file");
	autofree char *dir = path_join(*state, "a/b");
	autobuf struct buf text = BUF_INIT(0);
	struct err err = ERR_INIT;
	struct stat st;

	assert_int_equal(fs_mkdirs(dir, 0755, &err), 0);
	assert_int_equal(fs_mkdirs(dir, 0755, &err), 0);
	assert_int_equal(fs_write_atomic(path, "one\0two", 7, 0600, &err), 0);
	assert_int_equal(fs_write_atomic(path, "three", 5, 0640, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fs_read(path, &text, ERR_FAILED, &err), 0);
	assert_string_equal(buf_str(&text), "three");
	assert_true(fs_is_file(path) && fs_is_dir(dir) && !fs_is_dir(path));
}

static void test_refused(void **state)
{
	autofree char *pipe = path_join(*state, "pipe"), *file = path_join(*state, "file");
	autobuf struct buf text = BUF_INIT(4);
	struct err err = ERR_INIT;

	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(fs_read(pipe, &text, ERR_MANIFEST, &err), -1);
	assert_int_equal(err.kind, ERR_MANIFEST);
	assert_non_null(strstr(err.msg, "not a regular file"));
	assert_int_equal(fs_read(*state, &text, ERR_FAILED, &err), -1);
	assert_non_null(strstr(err.msg, "is a directory"));
	assert_int_equal(fs_write_atomic(file, "12345", 5, 0600, &err), 0);
	assert_int_equal(fs_read(file, &text, ERR_FAILED, &err), -1);
	assert_non_null(strstr(err.msg, "larger than 4 bytes"));
	unlink(file);
	assert_int_equal(fs_read(file, &text, ERR_FAILED, &err), -1);
	assert_non_null(strstr(err.msg, "No such file"));
}

static void test_mkdirs_refused(void **state)
{
	autofree char *file = path_join(*state, "file"), *below = path_join(file, "dir");
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(file, "", 0, 0600, &err), 0);
	assert_int_equal(fs_mkdirs(below, 0755, &err), -1);
	assert_non_null(strstr(err.msg, file));
	assert_int_equal(fs_mkdirs(file, 0755, &err), -1);
}

static void test_remove_tree(void **state)
{
	autofree char *kept = path_join(*state, "kept"), *tree = path_join(*state, "tree"),
		      *deep = path_join(tree, "a/b/c"), *link = path_join(tree, "link"),
		      *file = path_join(kept, "file");
	struct err err = ERR_INIT;

	assert_int_equal(fs_mkdirs(kept, 0755, &err), 0);
	assert_int_equal(fs_write_atomic(file, "x", 1, 0600, &err), 0);
	assert_int_equal(fs_mkdirs(deep, 0755, &err), 0);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(fs_remove_tree(tree, &err), 0);
	assert_false(fs_exists(tree));
	assert_true(fs_exists(file));
	assert_int_equal(fs_remove_tree(tree, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_xdg),
		FOLDER_TEST(test_write_read),
		FOLDER_TEST(test_refused),
		FOLDER_TEST(test_mkdirs_refused),
		FOLDER_TEST(test_remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
