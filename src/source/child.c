/*
 * child.c - `devenv __clone`, the process that a clone happens in.
 *
 * libgit2 blocks without a time limit, so a thread watches standard input: when it ends (the parent
 * was interrupted, or killed), the work is given up and its folder removed.  The clone grows in a
 * folder beside the target, under a lock, and is renamed when it is whole: what is at the target is
 * complete.
 */
#include "devenv/source.h"

#include "clone.h"
#include "git.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)64 << 10)
#define PROGRESS_MS 100
#define GRACE_MS 500

/* Seen by libgit2's callbacks and by the watcher. */
struct child {
	atomic_bool cancelled;
	char *temporary;
	int lock;
	int64_t reported; /* clock_ms of the last progress line */
	const char *phase;
};

static int say(json_t *line)
{
	autofree char *text = json_print(line);
	autofree char *whole = xasprintf("%s\n", text);

	json_decref(line);
	return write(1, whole, strlen(whole)) < 0 ? -1 : 0;
}

static void on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	struct child *child = ctx;
	int64_t now = clock_ms();

	if (str_eq(phase, child->phase) && now - child->reported < PROGRESS_MS && done != total)
		return;
	child->phase = phase;
	child->reported = now;
	if (say(json_pack("{s:s, s:I, s:I}", "phase", phase, "done", (json_int_t)done, "total",
		    (json_int_t)total)) < 0)
		child->cancelled = true;
}

static bool is_cancelled(void *ctx)
{
	struct child *child = ctx;

	return child->cancelled || signals_pending();
}

static void *watch(void *ctx)
{
	struct child *child = ctx;
	struct err ignored = ERR_INIT;
	ssize_t n;
	char c;

	do
		n = read(0, &c, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	child->cancelled = true;
	/* libgit2 hears of it in its next callback; when the network is silent there is none. */
	clock_sleep_ms(GRACE_MS);
	fs_remove_tree(child->temporary, &ignored);
	_exit(1);
}

/* === the folder === */

/* Make the temporary folder and lock it; what an earlier clone left there is removed. */
static int claim(struct child *child, const char *path, struct err *err)
{
	autofree char *parent = path_dirname(path);

	child->temporary = clone_temporary(path);
	if (fs_mkdirs(parent, 0755, err) < 0)
		return -1;
	clone_discard(child->temporary);
	if (mkdir(child->temporary, 0755) < 0 && errno != EEXIST)
		return err_os(err, ERR_FAILED, errno, "make %s", child->temporary);
	child->lock = open(child->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child->lock < 0)
		return err_os(err, ERR_FAILED, errno, "open %s", child->temporary);
	if (flock(child->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_FAILED, "another devenv is cloning there right now");
	return 0;
}

static int install(const struct child *child, const char *path, struct err *err)
{
	/* Replaces an empty folder, and nothing else. */
	if (rename(child->temporary, path) < 0)
		return err_os(err, ERR_FAILED, errno, "move the clone to %s", path);
	return 0;
}

/* === the request === */

static json_t *read_request(struct err *err)
{
	autobuf struct buf line = BUF_INIT(REQUEST_MAX);
	char c = 0;

	while (c != '\n') {
		ssize_t n = read(0, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || buf_addch(&line, c) < 0) {
			err_set(err, ERR_USAGE, "no request on standard input");
			return NULL;
		}
	}
	return json_parse(buf_str(&line), line.len, "request", err);
}

static int run(struct child *child, const json_t *request, char commit[41], struct err *err)
{
	const char *path = json_str(request, "path");
	struct git_job job = {.url = json_str(request, "url"),
		.ref = json_str(request, "ref"),
		.progress = on_progress,
		.cancelled = is_cancelled,
		.ctx = child};
	struct err ignored = ERR_INIT;
	pthread_t watcher;
	int status;

	if (!path || *path != '/' || str_empty(job.url))
		return err_set(
			err, ERR_USAGE, "the request wants \"url\" and an absolute \"path\"");
	if (claim(child, path, err) < 0)
		return -1;
	job.path = child->temporary;
	status = pthread_create(&watcher, NULL, watch, child);
	if (status)
		return err_os(err, ERR_FAILED, status, "start a thread");
	status = git_clone_job(&job, commit, err);
	if (status == 0)
		status = install(child, path, err);
	if (status < 0)
		fs_remove_tree(child->temporary, &ignored);
	return status;
}

int source_child_main(void)
{
	struct child child = {.lock = -1};
	struct err err = ERR_INIT;
	autojson json_t *request = read_request(&err);
	char commit[41] = "";
	int status = -1;

	if (request)
		status = run(&child, request, commit, &err);
	if (status < 0)
		say(json_pack("{s:o}", "error", json_string_safe(err.msg)));
	else
		say(json_pack("{s:s}", "commit", commit));
	/* The watcher lives on: leave without waiting for it. */
	_exit(status < 0);
}
