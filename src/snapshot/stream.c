/*
 * stream.c - an archive from a file or URL, through the child that reads it, to the caller.
 *
 * The archive is untrusted and its reader is somebody else's C, so it works in a process of its own
 * (untar.c) that has nothing but its two pipes.  This side pushes what arrives into the child and
 * hands on what comes out, in one thread: a pipe that is full on one side never stops the other.
 */
#include "devenv/snapshot.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/http.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 131072
#define PROGRESS_MS 100
#define REPORT_MAX 65536

struct pump {
	const struct snapshot_ask *ask;
	snapshot_write_fn *write;
	void *ctx;
	struct proc_child child;
	struct sha256 *hash;
	uint64_t in, total, out;
	int64_t reported; /* clock_ms of the last progress event */
	bool ended;       /* the child's output did, so the child has: its report says why */
	char piece[PIECE];
};

/* === between child and caller === */

/* Hand on what the child has written: 1, 0 at its end, -1. */
static int drain(struct pump *pump, struct err *err)
{
	ssize_t n = read(pump->child.out, pump->piece, sizeof(pump->piece));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			       ? 1
			       : err_os(err, ERR_SNAPSHOT, errno, "read the plain tar");
	if (n == 0)
		return 0;
	pump->out += (uint64_t)n;
	return pump->write(pump->ctx, pump->piece, (size_t)n, err) ? -1 : 1;
}

/* Wait until the child takes or gives something. Returns the poll bits of its stdin, or -1. */
static int exchange(struct pump *pump, struct err *err)
{
	struct pollfd fds[3] = {{pump->child.out, POLLIN, 0}, {pump->child.in, POLLOUT, 0},
		{signals_fd(), POLLIN, 0}};

	if (signals_pending())
		return err_set(err, ERR_CANCELLED, "interrupted");
	if (poll(fds, 3, 1000) < 0)
		return errno == EINTR ? 0 : err_os(err, ERR_SNAPSHOT, errno, "poll");
	if (fds[0].revents) {
		int more = drain(pump, err);

		if (more < 0)
			return -1;
		if (more == 0)
			pump->ended = true;
	}
	return fds[1].revents;
}

static void progress(struct pump *pump, size_t len)
{
	int64_t now = clock_ms();

	pump->in += len;
	if (now - pump->reported < PROGRESS_MS)
		return;
	pump->reported = now;
	sink_emit(pump->ask->sink, &(struct event){.kind = EVENT_PROGRESS,
					   .object = pump->ask->object,
					   .text = "Restoring",
					   .done = pump->in,
					   .total = pump->total});
}

/* A piece of the archive as stored. */
static int feed(void *ctx, const void *data, size_t len, struct err *err)
{
	struct pump *pump = ctx;
	const char *at = data;
	size_t left = len;

	sha256_add(pump->hash, data, len);
	while (left && !pump->ended) {
		int events = exchange(pump, err);
		ssize_t n;

		if (events < 0)
			return -1;
		if (!events || pump->ended)
			continue;
		n = write(pump->child.in, at, left);
		if (n > 0) {
			at += n;
			left -= (size_t)n;
		} else if (n < 0 && errno == EPIPE) {
			pump->ended = true;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return err_os(err, ERR_SNAPSHOT, errno, "pass the archive on");
		}
	}
	progress(pump, len);
	/* The child's report is the better error; this one only ends the transfer. */
	return pump->ended ? err_set(err, ERR_SNAPSHOT, "the archive is refused") : 0;
}

static void on_http_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct pump *pump = ctx;

	pump->total = total;
}

/* === sources === */

static int feed_file(struct pump *pump, const char *path, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	autofree char *piece = xmalloc(PIECE);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_SNAPSHOT, "is no regular file");
	pump->total = (uint64_t)st.st_size;
	while ((n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, ERR_SNAPSHOT, errno, "read");
		if (feed(pump, piece, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

static int feed_read(struct pump *pump, struct err *err)
{
	autofree char *piece = xmalloc(PIECE);
	ssize_t n;

	while ((n = pump->ask->read(pump->ask->read_ctx, piece, PIECE, err)) > 0)
		if (feed(pump, piece, (size_t)n, err) < 0)
			return -1;
	return (int)n;
}

static int feed_source(struct pump *pump, struct err *err)
{
	const char *source = pump->ask->source;

	if (pump->ask->read)
		return feed_read(pump, err);

	if (str_starts(source, "http://") || str_starts(source, "https://"))
		return http_get(&(struct http_get){.url = source,
					.on_data = feed,
					.on_progress = on_http_progress,
					.ctx = pump},
			err);
	if (str_starts(source, "file://"))
		source += strlen("file://");
	else if (strstr(source, "://"))
		return err_set(err, ERR_SNAPSHOT, "only files, http and https are understood");
	return feed_file(pump, source, err);
}

/* === the child === */

static int pump_start(struct pump *pump, struct err *err)
{
	autofree char *self = proc_self();
	const char *root = pump->ask->root ? pump->ask->root : ".";
	const char *argv[] = {self, "__untar", root, NULL};

	if (proc_open(&(struct proc_spec){.argv = argv}, &pump->child, err) < 0)
		return -1;
	pump->hash = sha256_new();
	return 0;
}

/* Everything is in: take the rest of the plain tar. */
static int pump_finish(struct pump *pump, struct err *err)
{
	int more = 1;

	cleanup_close(&pump->child.in);
	while (more > 0 && !pump->ended) {
		if (exchange(pump, err) < 0)
			return -1;
		more = !pump->ended;
	}
	return 0;
}

/* The child's last words: its entries into *result, or its error. */
static int pump_report(struct pump *pump, struct snapshot_result *result, struct err *err)
{
	autobuf struct buf text = BUF_INIT(REPORT_MAX);
	autojson json_t *report = NULL;
	struct err ignored = ERR_INIT;
	char *into;
	ssize_t n;
	int status;

	while ((into = buf_reserve(&text, 4096)) && (n = read(pump->child.errs, into, 4096)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		text.len += n > 0 ? (size_t)n : 0;
	}
	status = proc_close(&pump->child);
	report = json_parse(text.data ? text.data : "", text.len, "report", &ignored);
	if (json_str(report, "error"))
		return err_set(err, ERR_SNAPSHOT, "%s", json_str(report, "error"));
	if (status != 0 || !report)
		return err_set(err, ERR_SNAPSHOT, "the program that reads it ended with %d: %.300s",
			status, text.len ? buf_str(&text) : "it said nothing");
	result->entries = (uint64_t)json_int(report, "entries");
	return 0;
}

static int check_digest(const struct snapshot_ask *ask, const char *digest, struct err *err)
{
	const char *expect = ask->expect;

	if (!expect)
		return 0;
	if (str_starts(expect, "sha256:"))
		expect += strlen("sha256:");
	if (str_eq(expect, digest))
		return 0;
	return err_set(err, ERR_SNAPSHOT, "its digest is sha256:%s, but %s is wanted", digest,
		ask->expect);
}

static int pump_run(struct pump *pump, struct snapshot_result *result, struct err *err)
{
	struct err reported = ERR_INIT;
	int fed, told;

	if (pump_start(pump, err) < 0)
		return -1;
	fed = feed_source(pump, err);
	if (fed == 0)
		fed = pump_finish(pump, err);
	sha256_end(pump->hash, result->digest);
	if (fed < 0 && !pump->ended) {
		/* Ours is the error; the child only sees its input end. */
		proc_close(&pump->child);
		return -1;
	}
	told = pump_report(pump, result, &reported);
	if (told < 0)
		*err = reported;
	else if (fed < 0)
		err_set(err, ERR_SNAPSHOT, "there is something behind its end");
	result->bytes = pump->out;
	return told < 0 || fed < 0 ? -1 : check_digest(pump->ask, result->digest, err);
}

int snapshot_stream(const struct snapshot_ask *ask, snapshot_write_fn *write, void *ctx,
	struct snapshot_result *result, struct err *err)
{
	struct pump *pump = xcalloc(1, sizeof(*pump));
	autofree char *shown = http_shown(ask->source);
	struct snapshot_result found = {0};
	int status;

	pump->ask = ask;
	pump->write = write;
	pump->ctx = ctx;
	pump->child = PROC_CHILD_NONE;
	err_clear(err);
	status = pump_run(pump, &found, err);
	cleanup_free(&pump);
	if (status == 0) {
		*result = found;
		return 0;
	}
	if (err->kind == ERR_FAILED || err->kind == ERR_TIMEOUT)
		err->kind = ERR_SNAPSHOT;
	return err_wrap(err, "snapshot %s", shown);
}
