/*
 * store_api.c - the stores of devenv/store.h from the command line, for tests/e2e/t_store*.sh.
 *
 *	store_api VERB REFERENCE [ARGUMENT...]      the verbs are in the table at the end
 *
 * One run is one store, so that several blobs of a `put` go over one connection.  Ends as devenv
 * does: the exit status of the error's kind, and the message on stderr.
 */
#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/store.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int out(void *ctx, const void *data, size_t len, struct err *err)
{
	return fwrite(data, 1, len, stdout) == len
		       ? 0
		       : err_os(err, ERR_FAILED, errno, "write to stdout");
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	if (!text || !parse_u64(text, 0, UINT64_MAX, &value)) {
		fprintf(stderr, "store_api: \"%s\" is no number\n", text ? text : "");
		exit(2);
	}
	return value;
}

/* === verbs: a store, and NULL-terminated arguments === */

static int do_exists(struct store *store, char **args, struct err *err)
{
	uint64_t size = 0;
	int there = store_blob_exists(store, args[0], &size, err);

	if (there == 1)
		printf("%llu\n", (unsigned long long)size);
	return there < 0 ? -1 : there == 1 ? 0 : err_set(err, ERR_FAILED, "not there");
}

/* For so many milliseconds again and again: tokens expire meanwhile. */
static int do_hold(struct store *store, char **args, struct err *err)
{
	int64_t end = clock_ms() + (int64_t)number(args[1]);
	struct store *clone = store_clone(store);
	int there = 1;

	while (there == 1 && clock_ms() < end) {
		there = store_blob_exists(store, args[0], NULL, err);
		if (there == 1)
			there = store_blob_exists(clone, args[0], NULL, err);
	}
	store_close(clone);
	return there == 1 ? 0 : -1;
}

static int do_get(struct store *store, char **args, struct err *err)
{
	return store_blob_get(store, args[0], number(args[1]), out, NULL, err);
}

static int out_range(void *ctx, size_t i, const void *data, size_t len, struct err *err)
{
	return out(ctx, data, len, err);
}

/* DIGEST OFFSET LENGTH... */
static int do_ranges(struct store *store, char **args, struct err *err)
{
	struct store_range ranges[64];
	size_t n = 0;

	for (char **at = args + 1; at[0] && at[1] && n < ARRAY_LEN(ranges); at += 2)
		ranges[n++] = (struct store_range){number(at[0]), number(at[1])};
	return store_blob_ranges(store, args[0], ranges, n, out_range, NULL, err);
}

static ssize_t read_file(void *ctx, uint64_t offset, void *data, size_t len, struct err *err)
{
	ssize_t n = pread(*(int *)ctx, data, len, (off_t)offset);

	return n < 0 ? err_os(err, ERR_FAILED, errno, "read") : n;
}

static int put_as(struct store *store, const char *path, const char *digest, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct http_body body = {.read = read_file, .ctx = &fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_os(err, ERR_FAILED, errno, "open %s", path);
	body.size = (uint64_t)st.st_size;
	return store_blob_put(store, digest, &body, err);
}

/* FILE...: prints their digests */
static int do_put(struct store *store, char **args, struct err *err)
{
	for (; *args; args++) {
		char digest[STORE_DIGEST] = "sha256:";

		if (sha256_file(*args, digest + strlen("sha256:"), err) < 0 ||
			put_as(store, *args, digest, err) < 0)
			return -1;
		printf("%s\n", digest);
	}
	return 0;
}

static int do_put_as(struct store *store, char **args, struct err *err)
{
	return put_as(store, args[1], args[0], err);
}

static int do_put_chunks(struct store *store, char **args, struct err *err)
{
	store_chunk_size(store, number(args[0]));
	return do_put(store, args + 1, err);
}

static int do_mount(struct store *store, char **args, struct err *err)
{
	int mounted = store_blob_mount(store, args[0], args[1], err);

	if (mounted >= 0)
		puts(mounted ? "mounted" : "not mounted");
	return mounted < 0 ? -1 : 0;
}

static int do_manifest(struct store *store, char **args, struct err *err)
{
	automanifest struct store_manifest manifest = {0};

	if (store_manifest_get(store, args[0], &manifest, err) < 0)
		return -1;
	printf("%s %s\n%s\n", manifest.digest, manifest.type, buf_str(&manifest.json));
	return 0;
}

/* FILE TYPE: prints the digest */
static int do_put_manifest(struct store *store, char **args, struct err *err)
{
	autobuf struct buf json = BUF_INIT(STORE_MANIFEST_MAX);
	char digest[STORE_DIGEST];

	if (fs_read(args[0], &json, ERR_FAILED, err) < 0 ||
		store_manifest_put(store, NULL, args[1], buf_str(&json), json.len, digest, err) < 0)
		return -1;
	puts(digest);
	return 0;
}

static int do_tags(struct store *store, char **args, struct err *err)
{
	autostrv struct strv tags = STRV_INIT;
	int result = store_tags(store, &tags, err);

	for (size_t i = 0; i < tags.n; i++)
		puts(tags.v[i]);
	return result;
}

static const struct verb {
	const char *name;
	int (*run)(struct store *store, char **args, struct err *err);
	int arguments; /* at least */
} verbs[] = {
	{"exists", do_exists, 1},
	{"hold", do_hold, 2},
	{"get", do_get, 2},
	{"ranges", do_ranges, 3},
	{"put", do_put, 1},
	{"put-as", do_put_as, 2},
	{"put-chunks", do_put_chunks, 2},
	{"mount", do_mount, 2},
	{"manifest", do_manifest, 0},
	{"put-manifest", do_put_manifest, 2},
	{"tags", do_tags, 0},
};

static void say(void *ctx, const struct event *event)
{
	fprintf(stderr, "warning: %s\n", event->text ? event->text : "");
}

static int run(const struct verb *verb, const char *reference, char **args)
{
	struct err err = ERR_INIT;
	struct sink sink = {.emit = say};
	struct store *store = store_open(reference, &sink, &err);
	int result = store ? verb->run(store, args, &err) : -1;

	if (result < 0)
		fprintf(stderr, "%s\n", err.msg);
	store_close(store);
	return result < 0 ? err_exit_status(&err) : 0;
}

int main(int argc, char **argv)
{
	signals_install();
	for (size_t i = 0; argc > 2 && i < ARRAY_LEN(verbs); i++)
		if (str_eq(argv[1], verbs[i].name) && argc - 3 >= verbs[i].arguments)
			return run(&verbs[i], argv[2], argv + 3);
	fprintf(stderr, "usage: store_api VERB REFERENCE [ARGUMENT...]\n");
	return 2;
}
