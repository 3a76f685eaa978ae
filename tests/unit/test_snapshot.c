/*
 * test_snapshot.c - real archives through the real child: what comes out, and what is refused.
 *
 * Good archives are made by tar, gzip and zstd; hostile ones by hand: no program makes them.
 */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/proc.h"
#include "devenv/snapshot.h"
#include "devenv/str.h"

#include <signal.h>
#include <unistd.h>

/* === making archives === */

static void run(const char *dir, const char *const *argv)
{
	autobuf struct buf errors = BUF_INIT(0);
	struct err err = ERR_INIT;
	int status = proc_run(&(struct proc_spec){.argv = argv, .dir = dir}, NULL, &errors, &err);

	if (status)
		fail_msg("%s: %d %s %s", argv[0], status, err.msg, buf_str(&errors));
}
#define RUN(dir, ...) run(dir, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(const char *dir, const char *name, const void *data, size_t len)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, data, len, 0640, &err), 0);
}

/* A data directory, as seed.tar, seed.tar.gz and seed.tar.zst in `dir`. */
static void make_seed(const char *dir)
{
	autofree char *data = path_join(dir, "data"), *below = path_join(data, "base/1");
	autofree char *pages = xmalloc(700000);
	struct err err = ERR_INIT;

	/* Does not compress: the compressed files are long enough to be cut in many places. */
	for (size_t i = 0, x = 1; i < 700000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		pages[i] = (char)(x >> 56);
	}
	assert_int_equal(fs_mkdirs(below, 0700, &err), 0);
	write_file(below, "pages", pages, 700000);
	write_file(data, "PG_VERSION", "15\n", 3);
	RUN(data, "ln", "PG_VERSION", "hard");
	RUN(data, "ln", "-s", "/var/log/postgresql", "log");
	RUN(data, "chmod", "0700", ".");
	RUN(data, "chmod", "4755", "hard");
	RUN(data, "touch", "-d", "2020-02-02 02:02:02.123456789 UTC", "base/1/pages");
	RUN(dir, "tar", "--format=posix", "--owner=999", "--group=998", "--numeric-owner", "-C",
		"data", "-cf", "seed.tar", ".");
	RUN(dir, "gzip", "-k", "seed.tar");
	RUN(dir, "zstd", "-q", "seed.tar");
}

/* A tar header (POSIX ustar), and the content with its padding. */
static void add_entry(struct buf *tar, const char *name, char type, const char *link,
	const void *data, size_t len)
{
	char header[512] = "";
	unsigned sum = 0;

	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", 0640u);
	snprintf(header + 108, 8, "%07o", 70u);
	snprintf(header + 116, 8, "%07o", 71u);
	snprintf(header + 124, 12, "%011zo", len);
	snprintf(header + 136, 12, "%011o", 1700000000u);
	memset(header + 148, ' ', 8);
	header[156] = type;
	snprintf(header + 157, 100, "%s", link ? link : "");
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	buf_add(tar, header, sizeof(header));
	buf_add(tar, data, len);
	while (tar->len % 512)
		buf_addch(tar, '\0');
}

static void add_end(struct buf *tar)
{
	static const char zeros[1024];

	buf_add(tar, zeros, sizeof(zeros));
}

/* === running === */

static int take(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len) < 0 ? err_set(err, ERR_FAILED, "too much") : 0;
}

static int stream(const char *source, const char *expect, const char *root, struct buf *out,
	struct snapshot_result *result, struct err *err)
{
	struct snapshot_ask ask = {
		.source = source, .expect = expect, .root = root, .object = "volume data"};

	return snapshot_stream(&ask, take, out, result, err);
}

/* The archive in `tar` must be refused with a message that has `why` in it. */
static void refused(const char *dir, const struct buf *tar, const char *why)
{
	autofree char *path = path_join(dir, "hostile.tar");
	autobuf struct buf out = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	write_file(dir, "hostile.tar", buf_str(tar), tar->len);
	assert_int_equal(stream(path, NULL, NULL, &out, &result, &err), -1);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.msg, path));
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" has no \"%s\" in it", err.msg, why);
}

/* What GNU tar reads in the plain tar. */
static void list(const char *dir, const struct buf *tar, struct buf *text)
{
	static const char *const argv[] = {
		"tar", "--numeric-owner", "--full-time", "--utc", "-tvf", "out.tar", NULL};
	struct err err = ERR_INIT;

	write_file(dir, "out.tar", buf_str(tar), tar->len);
	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = argv, .dir = dir}, text, NULL, &err), 0);
}

static void has(const struct buf *text, const char *part)
{
	if (!strstr(buf_str(text), part))
		fail_msg("no \"%s\" in:\n%s", part, buf_str(text));
}

/* === tests: what comes out === */

static void test_forms(void **state)
{
	static const char *const forms[] = {"seed.tar", "seed.tar.gz", "seed.tar.zst"};
	autobuf struct buf first = BUF_INIT(0);

	make_seed(*state);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		autofree char *path = path_join(*state, forms[i]);
		autobuf struct buf out = BUF_INIT(0), text = BUF_INIT(0);
		struct snapshot_result result;
		struct err err = ERR_INIT;
		char digest[SHA256_HEX];

		assert_int_equal(stream(path, NULL, "restore", &out, &result, &err), 0);
		assert_int_equal(sha256_file(path, digest, &err), 0);
		assert_string_equal(result.digest, digest);
		assert_int_equal(result.bytes, out.len);
		assert_int_equal(result.entries, 7);
		list(*state, &out, &text);
		has(&text, "drwx------ 999/998");
		has(&text, " restore/\n");
		has(&text, "-> /var/log/postgresql");
		has(&text, "-rwsr-xr-x");
		has(&text, " link to restore/");
		has(&text, "700000 2020-02-02 02:02:02.123456789 restore/base/1/pages");
		if (i == 0)
			buf_add(&first, out.data, out.len);
		assert_int_equal(out.len, first.len);
		assert_memory_equal(out.data, first.data, first.len);
	}
}

static void test_content(void **state)
{
	autofree char *path = path_join(*state, "seed.tar.zst");
	autobuf struct buf out = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	make_seed(*state);
	assert_int_equal(stream(path, NULL, NULL, &out, &result, &err), 0);
	write_file(*state, "out.tar", out.data, out.len);
	RUN(*state, "mkdir", "restored");
	RUN(*state, "tar", "--no-same-owner", "-C", "restored", "-xf", "out.tar");
	RUN(*state, "diff", "-r", "--no-dereference", "data", "restored");
}

static void test_xattrs(void **state)
{
	autofree char *path = path_join(*state, "x.tar");
	autobuf struct buf tar = BUF_INIT(0), out = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	add_entry(&tar, "pax", 'x', NULL, "31 SCHILY.xattr.user.seed=gold\n", 31);
	add_entry(&tar, "file", '0', NULL, "x", 1);
	add_end(&tar);
	write_file(*state, "x.tar", tar.data, tar.len);
	assert_int_equal(stream(path, NULL, NULL, &out, &result, &err), 0);
	assert_non_null(memmem(out.data, out.len, "SCHILY.xattr.user.seed=gold\n", 28));
}

/* "tar -c *" has no entry for the folder itself. */
static void test_root_is_made(void **state)
{
	autofree char *path = path_join(*state, "x.tar");
	autobuf struct buf tar = BUF_INIT(0), out = BUF_INIT(0), text = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	add_entry(&tar, "file", '0', NULL, "x", 1);
	add_end(&tar);
	write_file(*state, "x.tar", tar.data, tar.len);
	assert_int_equal(stream(path, NULL, "restore", &out, &result, &err), 0);
	list(*state, &out, &text);
	assert_true(str_starts(buf_str(&text), "drwx------ 70/71"));
	has(&text, " restore/\n");
	has(&text, " restore/file\n");
}

/* Engines know no holes: they are written out, and the sizes are right. */
static void test_sparse(void **state)
{
	autofree char *path = path_join(*state, "s.tar");
	autobuf struct buf out = BUF_INIT(0), text = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	RUN(*state, "truncate", "-s", "2000000", "holes");
	RUN(*state, "tar", "--sparse", "-cf", "s.tar", "holes");
	assert_int_equal(stream(path, NULL, NULL, &out, &result, &err), 0);
	assert_true(out.len > 2000000);
	list(*state, &out, &text);
	has(&text, " 2000000 ");
}

static void test_digest(void **state)
{
	autofree char *path = path_join(*state, "seed.tar.gz"), *right = NULL;
	autobuf struct buf out = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;
	char digest[SHA256_HEX];

	make_seed(*state);
	assert_int_equal(sha256_file(path, digest, &err), 0);
	right = xasprintf("sha256:%s", digest);
	assert_int_equal(stream(path, right, NULL, &out, &result, &err), 0);
	right[10] = right[10] == 'a' ? 'b' : 'a';
	assert_int_equal(stream(path, right, NULL, &out, &result, &err), -1);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.msg, digest));
}

/* === tests: what is refused === */

struct hostile {
	const char *name;
	char type;
	const char *link;
	const char *why;
};

static void test_hostile_entries(void **state)
{
	static const struct hostile cases[] = {
		{"/etc/passwd", '0', NULL, "absolute"},
		{"a/../../b", '0', NULL, "\"..\""},
		{"..", '5', NULL, "\"..\""},
		{"sda", '4', NULL, "device"},
		{"null", '3', NULL, "device"},
		{"hard", '1', "/etc/shadow", "absolute"},
		{"hard", '1', "../../etc/shadow", "\"..\""},
		{"bell\a", '0', NULL, "control character"},
		{"line\nbreak", '0', NULL, "control character"},
		{"out/pwn", '0', NULL, "symbolic link"},
		{"out/deep/pwn", '0', NULL, "symbolic link"},
		{"hard", '1', "out/passwd", "symbolic link"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct buf tar = BUF_INIT(0);

		add_entry(&tar, "out", '2', "/etc", NULL, 0);
		add_entry(&tar, cases[i].name, cases[i].type, cases[i].link, NULL, 0);
		add_end(&tar);
		refused(*state, &tar, cases[i].why);
	}
}

static void test_bad_names(void **state)
{
	autobuf struct buf tar = BUF_INIT(0);

	add_entry(&tar, "no\xff\xfeutf8", '0', NULL, "x", 1);
	add_end(&tar);
	refused(*state, &tar, "hostile.tar");
}

/* A link that a later entry replaces by a folder is no way out any more. */
static void test_replaced_link(void **state)
{
	autofree char *path = path_join(*state, "x.tar");
	autobuf struct buf tar = BUF_INIT(0), out = BUF_INIT(0);
	struct snapshot_result result;
	struct err err = ERR_INIT;

	add_entry(&tar, "a", '2', "/etc", NULL, 0);
	add_entry(&tar, "a/", '5', NULL, NULL, 0);
	add_entry(&tar, "a/file", '0', NULL, "x", 1);
	add_end(&tar);
	write_file(*state, "x.tar", tar.data, tar.len);
	assert_int_equal(stream(path, NULL, NULL, &out, &result, &err), 0);
}

static void test_no_archive(void **state)
{
	autobuf struct buf text = BUF_INIT(0);

	refused(*state, &text, "");
	buf_addstr(&text, "<html>404 Not Found</html>");
	refused(*state, &text, "no tar");
	while (text.len < 5000)
		buf_addstr(&text, "INSERT INTO t VALUES (1);\n");
	refused(*state, &text, "no tar");
}

/* Cut anywhere, in any form, an archive is an error: never half of it. */
static void test_cut_short(void **state)
{
	static const char *const forms[] = {"seed.tar", "seed.tar.gz", "seed.tar.zst"};

	make_seed(*state);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		autofree char *path = path_join(*state, forms[i]);
		autobuf struct buf whole = BUF_INIT(0);
		struct err err = ERR_INIT;

		assert_int_equal(fs_read(path, &whole, ERR_FAILED, &err), 0);
		for (size_t part = 1; part < 12; part++) {
			struct buf cut = {.data = whole.data, .len = whole.len * part / 12};

			refused(*state, &cut, "");
		}
		/* All but the last byte: the checksum's, or the end mark's. */
		if (i > 0) {
			struct buf cut = {.data = whole.data, .len = whole.len - 1};

			refused(*state, &cut, "cut short");
		}
	}
}

/* libarchive itself takes a tar without an end mark for a whole one. */
static void test_cut_between_entries(void **state)
{
	autobuf struct buf tar = BUF_INIT(0);

	add_entry(&tar, "a", '0', NULL, "x", 1);
	add_entry(&tar, "b", '0', NULL, "y", 1);
	refused(*state, &tar, "end mark");
}

static void test_something_behind(void **state)
{
	autobuf struct buf tar = BUF_INIT(0);

	add_entry(&tar, "a", '0', NULL, "x", 1);
	add_end(&tar);
	add_entry(&tar, "b", '0', NULL, "y", 1);
	add_end(&tar);
	refused(*state, &tar, "behind its end");
}

static void test_damaged(void **state)
{
	static const char *const forms[] = {"seed.tar.gz", "seed.tar.zst"};

	make_seed(*state);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		autofree char *path = path_join(*state, forms[i]);
		autobuf struct buf whole = BUF_INIT(0);
		struct err err = ERR_INIT;

		assert_int_equal(fs_read(path, &whole, ERR_FAILED, &err), 0);
		for (size_t part = 1; part < 8; part++) {
			size_t at = whole.len * part / 8;

			whole.data[at] = (char)(whole.data[at] ^ 0x10);
			refused(*state, &whole, "");
			whole.data[at] = (char)(whole.data[at] ^ 0x10);
		}
	}
}

static int stop(void *ctx, const void *data, size_t len, struct err *err)
{
	return err_set(err, ERR_ENGINE, "the engine is gone");
}

static void test_stopped(void **state)
{
	autofree char *path = path_join(*state, "seed.tar");
	struct snapshot_ask ask = {.source = path};
	struct snapshot_result result;
	struct err err = ERR_INIT;

	make_seed(*state);
	assert_int_equal(snapshot_stream(&ask, stop, NULL, &result, &err), -1);
	assert_int_equal(err.kind, ERR_ENGINE);
	assert_non_null(strstr(err.msg, "the engine is gone"));
}

static void test_no_source(void **state)
{
	static const char *const sources[] = {"/nonexistent/seed.tar", "/tmp",
		"s3://bucket/seed.tar", "http://127.0.0.1:1/seed.tar"};

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		autobuf struct buf out = BUF_INIT(0);
		struct snapshot_result result;
		struct err err = ERR_INIT;

		assert_int_equal(stream(sources[i], NULL, NULL, &out, &result, &err), -1);
		assert_int_equal(err.kind, ERR_SNAPSHOT);
		assert_non_null(strstr(err.msg, sources[i]));
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_forms),
		FOLDER_TEST(test_content),
		FOLDER_TEST(test_xattrs),
		FOLDER_TEST(test_root_is_made),
		FOLDER_TEST(test_sparse),
		FOLDER_TEST(test_digest),
		FOLDER_TEST(test_hostile_entries),
		FOLDER_TEST(test_bad_names),
		FOLDER_TEST(test_replaced_link),
		FOLDER_TEST(test_no_archive),
		FOLDER_TEST(test_cut_short),
		FOLDER_TEST(test_cut_between_entries),
		FOLDER_TEST(test_something_behind),
		FOLDER_TEST(test_damaged),
		FOLDER_TEST(test_stopped),
		cmocka_unit_test(test_no_source),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
