/* test_dump.c - what a dump is, and what a client gets of it. */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/dump.h"
#include "devenv/packed.h"

#define MARIADB "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n"
#define COMPLETED "-- Dump completed on 2026-11-21\n"
#define POSTGRES "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n"
#define COMPLETE "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n"

static struct dump *open_text(void **state, const char *text, size_t len, struct err *err)
{
	autofree char *path = path_join(*state, "dump");

	assert_int_equal(fs_write_atomic(path, text, len, 0600, err), 0);
	return dump_open(path, err);
}

/* What comes out, or NULL with err. `piece`: as much at once. */
static char *read_all(struct dump *dump, size_t piece, struct err *err)
{
	struct buf out = BUF_INIT(8 << 20);
	ssize_t n;

	do {
		char *into = buf_reserve(&out, piece);

		n = dump_read(dump, into, piece, err);
		out.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (n == 0 && buf_addch(&out, '\0') == 0)
		return buf_detach(&out);
	buf_release(&out);
	return NULL;
}

static void expect(void **state, const char *text, bool keep, const char *wanted)
{
	for (size_t piece = 1; piece < 70000; piece = piece * 7 + 2) {
		struct err err = ERR_INIT;
		struct dump *dump = open_text(state, text, strlen(text), &err);
		autofree char *got = NULL;

		assert_non_null(dump);
		if (keep)
			dump_keep_restrict(dump);
		got = read_all(dump, piece, &err);
		assert_non_null(got);
		assert_string_equal(got, wanted);
		dump_close(dump);
	}
}

static void test_lines(void **state)
{
	expect(state, "SELECT 1;\r\nSELECT 2", false, "SELECT 1;\r\nSELECT 2");
	expect(state, MARIADB COMPLETED, false,
		"                                        \n-- MariaDB dump 10.19\n" COMPLETED);
	expect(state, POSTGRES COMPLETE, true, POSTGRES COMPLETE);
	expect(state, "\\restrict abc\nSELECT 1;\n\\unrestrict abc\n", false,
		"             \nSELECT 1;\n               \n");
	/* A row may begin with a carriage return, which COPY writes as \r. */
	expect(state, "COPY public.t (a) FROM stdin;\n\\restrict abc\n\\.\n\n\\restrict abc\n",
		false, "COPY public.t (a) FROM stdin;\n\\restrict abc\n\\.\n\n             \n");
	expect(state, "COPY t FROM stdin;\nx\n\\.", false, "COPY t FROM stdin;\nx\n\\.");
}

static void test_long_line(void **state)
{
	size_t len = (size_t)3 << 20;
	char *text = xmalloc(len + 1);

	memset(text, 'x', len);
	memcpy(text, "INSERT ", 7);
	text[len - 1] = '\n';
	text[len] = '\0';
	for (size_t piece = 4097; piece < 300000; piece *= 9) {
		struct err err = ERR_INIT;
		struct dump *dump = open_text(state, text, len, &err);
		autofree char *got = read_all(dump, piece, &err);

		assert_non_null(got);
		assert_string_equal(got, text);
		assert_int_equal(dump_taken(dump), len);
		assert_int_equal(dump_size(dump), len);
		dump_close(dump);
	}
	free(text);
}

static void cut(void **state, const char *text)
{
	struct err err = ERR_INIT;
	struct dump *dump = open_text(state, text, strlen(text), &err);

	assert_null(read_all(dump, 100, &err));
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.msg, "cut short"));
	dump_close(dump);
}

static void test_cut(void **state)
{
	cut(state, MARIADB "SELECT 1;\n");
	cut(state, POSTGRES "SELECT 1;\n");
	cut(state, "-- MySQL dump 10.13\nINSERT INTO t VALUES ('");
}

static void kind(
	void **state, const char *text, size_t len, enum dump_kind is, enum datadir_kind origin)
{
	struct err err = ERR_INIT;
	struct dump *dump = open_text(state, text, len, &err);

	assert_non_null(dump);
	assert_int_equal(dump_kind(dump), is);
	assert_int_equal(dump_origin(dump), origin);
	dump_close(dump);
}

static void test_kinds(void **state)
{
	char tar[1024] = "PG_VERSION", archive[1024] = "toc.dat";

	memcpy(tar + 257, "ustar", 5);
	memcpy(archive + 257, "ustar", 5);
	kind(state, "SELECT 1;", 9, DUMP_SQL, DATADIR_OPAQUE);
	kind(state, MARIADB, strlen(MARIADB), DUMP_SQL, DATADIR_MYSQL);
	kind(state, POSTGRES, strlen(POSTGRES), DUMP_SQL, DATADIR_POSTGRES);
	kind(state, "PGDMP\1\16\0", 8, DUMP_PG_ARCHIVE, DATADIR_POSTGRES);
	kind(state, archive, sizeof(archive), DUMP_PG_ARCHIVE, DATADIR_POSTGRES);
	kind(state, tar, sizeof(tar), DUMP_TAR, DATADIR_OPAQUE);
}

static void refused(void **state, const char *text, size_t len, const char *what)
{
	struct err err = ERR_INIT;

	assert_null(open_text(state, text, len, &err));
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	if (!strstr(err.msg, what))
		fail_msg("%s", err.msg);
}

static void test_refused(void **state)
{
	struct err err = ERR_INIT;

	refused(state, "", 0, "it is empty");
	refused(state,
		"\xfd"
		"7zXZ\0\0",
		7, "it is xz");
	refused(state, "PK\3\4", 4, "a zip archive");
	refused(state, "SQLite format 3\0", 16, "a database of SQLite");
	refused(state, "XBSTCK01", 8, "mariabackup");
	refused(state,
		"\xff\xfe"
		"S\0E\0",
		6, "UTF-16");
	refused(state, "<!DOCTYPE html>", 15, "a web page");
	refused(state, "\1\2\3", 3, "no kind that devenv knows");
	refused(state, "\x1f\x8b\x08", 3, "cut short");
	assert_null(dump_open(*state, &err));
	assert_non_null(strstr(err.msg, "it is a folder"));
}

/* === compressed === */

static int to_buffer(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len);
}

static void pack(enum packing packing, const char *text, size_t times, struct buf *out)
{
	struct err err = ERR_INIT;
	struct packer *packer = packer_new(packing, to_buffer, out, &err);

	assert_non_null(packer);
	for (size_t i = 0; i < times; i++)
		assert_int_equal(packer_add(packer, text, strlen(text), &err), 0);
	assert_int_equal(packer_end(packer, &err), 0);
	packer_free(packer);
}

static void test_packed(void **state)
{
	for (enum packing packing = PACKING_NONE; packing <= PACKING_ZSTD; packing++) {
		autobuf struct buf out = BUF_INIT(16 << 20);
		struct err err = ERR_INIT;
		autofree char *got = NULL;
		struct dump *dump;

		pack(packing, "SELECT 1;\n", 200000, &out);
		assert_true((out.len < 100000) == (packing != PACKING_NONE));
		dump = open_text(state, out.data, out.len, &err);
		assert_non_null(dump);
		got = read_all(dump, 65536, &err);
		assert_non_null(got);
		assert_int_equal(strlen(got), 2000000);
		dump_close(dump);
	}
}

static void test_packed_cut(void **state)
{
	for (enum packing packing = PACKING_GZIP; packing <= PACKING_ZSTD; packing++) {
		autobuf struct buf out = BUF_INIT(16 << 20);
		struct err err = ERR_INIT;
		struct dump *dump;

		pack(packing, "SELECT 1;\n", 200000, &out);
		dump = open_text(state, out.data, out.len - 3, &err);
		assert_true(!dump || !read_all(dump, 65536, &err));
		assert_non_null(strstr(err.msg, "cut short"));
		dump_close(dump);
	}
}

static void test_names(void **state)
{
	assert_int_equal(packing_of_name("a.tar"), PACKING_NONE);
	assert_int_equal(packing_of_name("a.tgz"), PACKING_GZIP);
	assert_int_equal(packing_of_name("a.sql.gz"), PACKING_GZIP);
	assert_int_equal(packing_of_name("a.tar.zst"), PACKING_ZSTD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_lines),
		FOLDER_TEST(test_long_line),
		FOLDER_TEST(test_cut),
		FOLDER_TEST(test_kinds),
		FOLDER_TEST(test_refused),
		FOLDER_TEST(test_packed),
		FOLDER_TEST(test_packed_cut),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
