/* test_extract.c - archives that try to leave the folder they are unpacked in. */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/extract.h"
#include "devenv/tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
	struct buf data;
	size_t at, piece;
};

static int to_stream(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(&((struct stream *)ctx)->data, data, len);
}

static ssize_t from_stream(void *ctx, void *data, size_t len, struct err *err)
{
	struct stream *stream = ctx;
	size_t n = stream->data.len - stream->at;

	if (n > len)
		n = len;
	if (n > stream->piece)
		n = stream->piece;
	memcpy(data, stream->data.data + stream->at, n);
	stream->at += n;
	return (ssize_t)n;
}

struct entry {
	const char *name;
	char type;
	const char *text; /* content or target */
	unsigned mode;
};

/* The tar of `entries`, which end with no name. */
static struct stream tar_of(const struct entry *entries)
{
	struct stream stream = {.data = BUF_INIT(1 << 20), .piece = 1000};
	struct tar_writer tar = {.write = to_stream, .ctx = &stream};
	struct err err = ERR_INIT;

	for (; entries->name; entries++) {
		bool file = entries->type == '0';
		struct tar_entry one = {.name = entries->name,
			.type = entries->type,
			.link = file ? NULL : entries->text,
			.size = file ? strlen(entries->text) : 0,
			.mode = entries->mode ? entries->mode : 0755,
			.mtime = 1000000000};

		assert_int_equal(tar_add(&tar, &one, &err), 0);
		if (file)
			assert_int_equal(tar_data(&tar, entries->text, one.size, &err), 0);
	}
	assert_int_equal(tar_end(&tar, &err), 0);
	return stream;
}

static int unpack(
	const char *folder, const char *name, bool rooted, struct stream *stream, struct err *err)
{
	autoclose int dir = open(folder, O_RDONLY | O_DIRECTORY);
	struct extract_spec spec = {
		.dir = dir, .name = name, .rooted = rooted, .read = from_stream, .ctx = stream};

	assert_true(dir >= 0);
	return extract(&spec, err);
}

static char *content(const char *folder, const char *name)
{
	autofree char *path = path_join(folder, name);
	struct buf text = BUF_INIT(4096);
	struct err err = ERR_INIT;

	assert_int_equal(fs_read(path, &text, ERR_FAILED, &err), 0);
	return buf_detach(&text);
}

static struct stat status_of(const char *folder, const char *name)
{
	autofree char *path = path_join(folder, name);
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status;
}

static void test_tree(void **state)
{
	static const struct entry entries[] = {
		{"app/", '5', NULL, 0750},
		{"app/closed/", '5', NULL, 0555},
		{"app/closed/file", '0', "deep", 04640},
		{"app/link", '2', "/etc/passwd", 0},
		{"app/twin", '1', "app/closed/file", 0},
		{"app/pipe", '6', NULL, 0600},
		{"app/no/folder/before", '0', "x", 0},
		{0},
	};
	struct stream stream = tar_of(entries);
	struct err err = ERR_INIT;
	autofree char *text = NULL, *closed = NULL;

	assert_int_equal(unpack(*state, "other", true, &stream, &err), 0);
	assert_int_equal(stream.at, stream.data.len);
	text = content(*state, "other/closed/file");
	assert_string_equal(text, "deep");
	assert_int_equal(status_of(*state, "other").st_mode & 07777, 0750);
	assert_int_equal(status_of(*state, "other/closed").st_mode & 07777, 0555);
	assert_int_equal(status_of(*state, "other/closed").st_mtime, 1000000000);
	/* Without `owned` no set-id bit. */
	assert_int_equal(status_of(*state, "other/closed/file").st_mode & 07777, 0640);
	assert_true(S_ISLNK(status_of(*state, "other/link").st_mode));
	assert_true(S_ISFIFO(status_of(*state, "other/pipe").st_mode));
	assert_int_equal(status_of(*state, "other/twin").st_ino,
		status_of(*state, "other/closed/file").st_ino);
	assert_true(S_ISREG(status_of(*state, "other/no/folder/before").st_mode));
	closed = path_join(*state, "other/closed");
	assert_int_equal(chmod(closed, 0755), 0);
	buf_release(&stream.data);
}

static void test_contents(void **state)
{
	static const struct entry entries[] = {
		{"./", '5', NULL, 0700},
		{"./a", '0', "1", 0},
		{"b", '0', "2", 0},
		{0},
	};
	struct stream stream = tar_of(entries);
	struct err err = ERR_INIT;
	autofree char *a = NULL, *b = NULL;

	assert_int_equal(chmod(*state, 0711), 0);
	assert_int_equal(unpack(*state, NULL, false, &stream, &err), 0);
	a = content(*state, "a");
	b = content(*state, "b");
	assert_string_equal(a, "1");
	assert_string_equal(b, "2");
	assert_int_equal(status_of(*state, ".").st_mode & 07777, 0711);
	buf_release(&stream.data);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *says;
		struct entry entries[4];
	} cases[] = {
		{"\"..\" in a name", {{"top/../../planted", '0', "x", 0}, {0}}},
		{"\"..\" in a name", {{"../planted", '0', "x", 0}, {0}}},
		{"is not below \"top\"", {{"top/", '5', NULL, 0}, {"/planted", '0', "x", 0}, {0}}},
		{"links are not followed",
			{{"top/out", '2', "..", 0}, {"top/out/planted", '0', "x", 0}, {0}}},
		{"links are not followed",
			{{"top/out", '2', "..", 0}, {"top/out/", '5', NULL, 0}, {0}}},
		{"make the hard link",
			{{"top/out", '2', "..", 0}, {"top/twin", '1', "top/out/secret", 0}, {0}}},
		{"\"..\" in a name", {{"top/twin", '1', "top/../../secret", 0}, {0}}},
		{"is not below \"top\"",
			{{"top/", '5', NULL, 0}, {"top/twin", '1', "secret", 0}, {0}}},
		{"replace a folder by", {{"top/a/", '5', NULL, 0}, {"top/a", '0', "x", 0}, {0}}},
	};
	autofree char *inner = path_join(*state, "inner");
	autofree char *planted = path_join(*state, "planted");
	autofree char *secret = path_join(*state, "secret");
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(secret, "s", 1, 0600, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stream stream = tar_of(cases[i].entries);

		err_clear(&err);
		assert_int_equal(mkdir(inner, 0700), 0);
		assert_int_equal(unpack(inner, "top", true, &stream, &err), -1);
		assert_non_null(strstr(err.msg, cases[i].says));
		assert_false(fs_exists(planted));
		assert_int_equal(status_of(*state, "secret").st_nlink, 1);
		assert_int_equal(fs_remove_tree(inner, &err), 0);
		buf_release(&stream.data);
	}
}

/* Cut anywhere, it is an error, and no file is there in part. */
static void test_cut(void **state)
{
	static const struct entry entries[] = {
		{"a/", '5', NULL, 0}, {"a/file", '0', "whole", 0}, {"a/next", '0', "too", 0}, {0}};

	for (size_t cut = 0; cut < 6 * 512; cut += 256) {
		struct stream stream = tar_of(entries);
		autofree char *file = path_join(*state, "a/file");
		struct err err = ERR_INIT;

		stream.data.len = cut;
		assert_int_equal(unpack(*state, "a", true, &stream, &err), -1);
		assert_int_equal(err.kind, ERR_FAILED);
		if (fs_exists(file)) {
			autofree char *text = content(*state, "a/file");

			assert_string_equal(text, "whole");
		}
		buf_release(&stream.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_tree),
		FOLDER_TEST(test_contents),
		FOLDER_TEST(test_hostile),
		FOLDER_TEST(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
