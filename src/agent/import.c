/*
 * import.c - a tar of a data directory into a snapshot of the cache.
 *
 * The files are made in a folder of the cache and captured from there, so that no volume is needed.
 * The folder is locked as long as somebody fills it: whoever gets the lock may remove it.
 */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CACHE_IMPORTS AGENT_CACHE "/imports"

/* What came of the stream of DATA. */
struct in {
	struct agent *agent;
	const char *at;
	size_t left;
};

static ssize_t read_data(void *ctx, void *data, size_t len, struct err *err)
{
	struct in *in = ctx;
	struct frame frame;

	while (!in->left && !in->agent->data_ended) {
		if (frame_read(&in->agent->link, &frame, err) <= 0)
			return err_set(err, ERR_FAILED, "the other side hung up");
		in->agent->data_ended = frame.type == FRAME_END;
		if (tree_check_room(in->agent->blobs, ROOM_LEFT + frame.len, err) < 0)
			return err_wrap(err, "fill the volume devenv-cache");
		in->at = frame.data;
		in->left = frame.len;
	}
	if (len > in->left)
		len = in->left;
	memcpy(data, in->at, len);
	in->at += len;
	in->left -= len;
	return (ssize_t)len;
}

/* cache_waste: nobody fills it. */
static bool is_left_over(void *ctx, const char *name, const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int import_sweep(struct err *err)
{
	return cache_sweep(CACHE_IMPORTS, is_left_over, NULL, err);
}

static int fill_and_capture(struct agent *agent, const json_t *request, const char *folder,
	json_t **result, struct err *err)
{
	autofree char *path = xasprintf("%s/data", folder);
	struct in in = {.agent = agent};
	autoclose int target = -1;

	if (mkdir(path, 0755) == 0)
		target = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "make a folder in the cache");
	if (tree_fill(&(struct tree_fill_ask){.target = target,
			      .read = read_data,
			      .read_ctx = &in,
			      .watch = agent_watch(agent)},
		    err) < 0)
		return -1;
	while (!agent->data_ended) {
		char rest[512];

		if (read_data(&in, rest, sizeof(rest), err) < 0)
			return -1;
		in.left = 0;
	}
	return capture_tree(agent, request, target, result, err);
}

static int import(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	char folder[] = CACHE_IMPORTS "/XXXXXX";
	struct err second = ERR_INIT;
	autoclose int lock = -1;
	int status;

	if (cache_use(agent, err) < 0 || fs_mkdirs(CACHE_IMPORTS, 0700, err) < 0 ||
		import_sweep(err) < 0)
		return -1;
	if (!mkdtemp(folder))
		return err_os(err, ERR_SNAPSHOT, errno, "make a folder in the cache");
	lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "lock a folder in the cache");
	status = fill_and_capture(agent, request, folder, result, err);
	if (fs_remove_tree(folder, status < 0 ? &second : err) < 0)
		status = -1;
	return status;
}

/* Whoever hangs up leaves a folder as large as the tar, which is removed before we end. */
int agent_import(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	int status;

	agent_hold();
	status = import(agent, request, result, err);
	agent_let_go();
	return status;
}
