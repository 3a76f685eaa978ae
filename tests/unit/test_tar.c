/* test_tar.c - what we write is what the real tar reads. */
#include "devenv/tar.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_NAME \
	"a-folder-with-a-name-that-is-long/another-folder-with-a-name-that-is-long/" \
	"a-file-with-a-name-that-goes-over-one-hundred-bytes-in-all.txt"

static int to_buffer(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len);
}

/* Write `out` to a file and let tar print what it finds there. */
static char *listed(const struct buf *out, const char *option)
{
	char path[] = "/tmp/devenv-tar.XXXXXX";
	int fd = mkstemp(path);
	struct buf text = BUF_INIT(65536);
	struct err err = ERR_INIT;
	const char *argv[] = {"tar", "--numeric-owner", option, "-f", path, NULL};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, out->data, out->len), out->len);
	close(fd);
	assert_int_equal(proc_run(&(struct proc_spec){.argv = argv}, &text, NULL, &err), 0);
	unlink(path);
	return buf_detach(&text);
}

static void add(struct tar_writer *tar, const struct tar_entry *entry, const char *data)
{
	struct err err = ERR_INIT;

	assert_int_equal(tar_add(tar, entry, &err), 0);
	if (data)
		assert_int_equal(tar_data(tar, data, strlen(data), &err), 0);
}

static void test_entries(void **state)
{
	autobuf struct buf out = BUF_INIT(1 << 20);
	struct tar_writer tar = {.write = to_buffer, .ctx = &out};
	struct err err = ERR_INIT;
	autofree char *list = NULL;
	autofree char *content = NULL;

	add(&tar, &(struct tar_entry){.name = "folder/", .type = '5', .mode = 0750, .uid = 7},
		NULL);
	add(&tar,
		&(struct tar_entry){
			.name = "folder/file", .type = '0', .mode = 0640, .gid = 9, .size = 5},
		"hello");
	add(&tar, &(struct tar_entry){.name = "empty", .type = '0', .mode = 0600}, NULL);
	add(&tar,
		&(struct tar_entry){
			.name = "link", .type = '2', .mode = 0777, .link = "folder/file"},
		NULL);
	add(&tar, &(struct tar_entry){.name = LONG_NAME, .type = '0', .mode = 0644, .size = 1},
		"x");
	assert_int_equal(tar_end(&tar, &err), 0);
	assert_int_equal(out.len % 512, 0);
	list = listed(&out, "-tv");
	assert_non_null(strstr(list, "drwxr-x--- 7/0"));
	assert_non_null(strstr(list, "-rw-r----- 0/9"));
	assert_non_null(strstr(list, "link -> folder/file"));
	assert_non_null(strstr(list, LONG_NAME "\n"));
	content = listed(&out, "-xO");
	assert_string_equal(content, "hellox");
}

/* Owners above the header's 21 bits go into a pax record. */
static void test_large_owner(void **state)
{
	autobuf struct buf out = BUF_INIT(1 << 20);
	struct tar_writer tar = {.write = to_buffer, .ctx = &out};
	struct err err = ERR_INIT;
	autofree char *list = NULL;

	add(&tar, &(struct tar_entry){.name = "f", .type = '0', .mode = 0600, .uid = 4000000000},
		NULL);
	assert_int_equal(tar_end(&tar, &err), 0);
	list = listed(&out, "-tv");
	assert_non_null(strstr(list, "4000000000/0"));
}

static void test_too_long(void **state)
{
	autobuf struct buf out = BUF_INIT(1 << 20);
	struct tar_writer tar = {.write = to_buffer, .ctx = &out};
	struct err err = ERR_INIT;
	char *name = xmalloc(100001);

	memset(name, 'a', 100000);
	name[100000] = '\0';
	assert_int_equal(tar_add(&tar, &(struct tar_entry){.name = name, .type = '0'}, &err), -1);
	assert_non_null(strstr(err.msg, "its name is too long"));
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_large_owner),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
