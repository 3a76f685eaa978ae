/*
 * watch_sync.c - changed files into running containers, and commands in them (hook.c).
 *
 * The tar is made once, in a file without a name, and sent to each replica.
 */
#include "devenv/watch.h"

#include "hook.h"
#include "plan_priv.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one `rm -rf`: engines and kernels take more, but not everyone takes much more. */
#define ARGUMENTS_MAX ((size_t)64 << 10)
#define REMOVE_WITHIN_MS 60000

/* === the containers === */

typedef int container_fn(void *ctx, const char *id, struct err *err);

/* The first failure is the result; the other containers get theirs all the same. */
static int for_each_container(const struct actual *actual, const struct watch_job *job,
	container_fn *run, void *ctx, struct err *err)
{
	size_t n = 0;
	int result = 0;

	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];
		struct err own = ERR_INIT;

		if (container->oneoff || !str_eq(container->project, job->manifest->project) ||
			!str_eq(container->service, job->service) ||
			!str_eq(container->state, "running"))
			continue;
		n++;
		if (run(ctx, container->id, &own) == 0 || result < 0)
			continue;
		*err = own;
		result = err_wrap(err, "container %s", container->name);
	}
	if (!n)
		return err_set(err, ERR_FAILED,
			"no container of it runs; start it with `devenv up %s`", job->service);
	return result;
}

/* === the tar === */

struct bundle {
	int fd;
	struct strv gone; /* paths in the container that are to be removed */
};

static int open_unnamed(int *fd, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];

	*fd = open(dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s/devenv-sync.XXXXXX", dir ? dir : "/tmp");
	*fd = mkostemp(path, O_CLOEXEC);
	if (*fd < 0)
		return err_os(err, ERR_FAILED, errno, "make the file %s", path);
	unlink(path);
	return 0;
}

static int to_file(void *ctx, const void *data, size_t len, struct err *err)
{
	if (fs_write_all(*(int *)ctx, data, len) < 0)
		return err_os(err, ERR_FAILED, errno, "write the files to send");
	return 0;
}

/* Is the path, or a folder above it, removed already? The list is in order. */
static bool is_gone(const struct strv *gone, const char *path)
{
	return gone->n && path_below(gone->v[gone->n - 1], path);
}

/* An unreadable or vanished file leaves nothing in the tar: it is opened before its header. */
static int add_one(struct bundle *bundle, struct tar_writer *tar, const char *from, const char *to,
	const struct sink *sink, struct watch_count *count, struct err *err)
{
	struct err own = ERR_INIT;

	if (str_eq(to, "/"))
		return 0; /* a container's root is neither made nor removed */
	if (tar_add_path(tar, from, to + strspn(to, "/"), false, &own) == 0) {
		count->copied++;
		return 0;
	}
	if (own.os == ENOENT || own.os == ENOTDIR) {
		count->removed++;
		if (!is_gone(&bundle->gone, to))
			strv_push(&bundle->gone, to);
		return 0;
	}
	if (own.os == EACCES || own.os == EPERM) {
		sink_warn(sink, NULL, "%s; it is not copied", own.msg);
		return 0;
	}
	*err = own;
	return -1;
}

static int make_bundle(const struct watch_job *job, const struct sink *sink, struct bundle *bundle,
	struct watch_count *count, struct err *err)
{
	struct tar_writer tar = {.write = to_file, .ctx = &bundle->fd};

	if (open_unnamed(&bundle->fd, err) < 0)
		return -1;
	for (size_t i = 0; i < job->from.n; i++)
		if (add_one(bundle, &tar, job->from.v[i], job->to.v[i], sink, count, err) < 0)
			return -1;
	return tar_end(&tar, err);
}

/* === sending === */

struct delivery {
	struct engine *engine;
	const struct bundle *bundle;
	bool copy;
};

/* As many of the paths from `at` on as one command takes; returns the next. */
static size_t next_paths(const struct strv *gone, size_t at, struct strv *argv)
{
	size_t bytes = 0;

	for (; at < gone->n && bytes < ARGUMENTS_MAX; at++) {
		strv_push(argv, gone->v[at]);
		bytes += strlen(gone->v[at]) + 1;
	}
	return at;
}

static int remove_gone(
	struct engine *engine, const char *id, const struct strv *gone, struct err *err)
{
	for (size_t at = 0; at < gone->n;) {
		autostrv struct strv argv = STRV_INIT;
		autobuf struct buf out = BUF_INIT(1024);
		int status;

		strv_split(&argv, "rm -rf --", ' ');
		at = next_paths(gone, at, &argv);
		if (container_exec_output(engine, id, (const char *const *)argv.v, REMOVE_WITHIN_MS,
			    &out, &status, err) < 0)
			return err_wrap(err, "remove what is gone");
		if (status)
			return err_set(err, ERR_FAILED,
				"remove what is gone: rm ended with status %d: %s", status,
				buf_str(&out));
	}
	return 0;
}

static int deliver(void *ctx, const char *id, struct err *err)
{
	const struct delivery *delivery = ctx;
	int removed = remove_gone(delivery->engine, id, &delivery->bundle->gone, err);
	struct err own = ERR_INIT;

	if (!delivery->copy)
		return removed;
	if (lseek(delivery->bundle->fd, 0, SEEK_SET) < 0)
		return err_os(err, ERR_FAILED, errno, "read the files to send");
	if (container_put_fd(delivery->engine, id, "/", delivery->bundle->fd, &own) == 0)
		return removed;
	*err = own;
	return err_wrap(err, "copy files");
}

int watch_sync(struct engine *engine, const struct actual *actual, const struct watch_job *job,
	const struct sink *sink, struct watch_count *count, struct err *err)
{
	struct bundle bundle = {.fd = -1};
	struct delivery delivery = {.engine = engine, .bundle = &bundle};
	int result;

	*count = (struct watch_count){0};
	result = make_bundle(job, sink, &bundle, count, err);
	delivery.copy = count->copied > 0;
	if (result == 0)
		result = for_each_container(actual, job, deliver, &delivery, err);
	cleanup_close(&bundle.fd);
	strv_release(&bundle.gone);
	return result;
}

/* === commands === */

struct watch_hook {
	struct engine *engine;
	const struct watch_job *job;
	const json_t *hook;
	const struct sink *sink;
};

static int run_hook(void *ctx, const char *id, struct err *err)
{
	const struct watch_hook *run = ctx;

	return hook_run(run->engine, id, run->hook, run->job->manifest->env, run->job->object,
		run->sink, err);
}

int watch_exec(struct engine *engine, const struct actual *actual, const struct watch_job *job,
	const json_t *exec, const struct sink *sink, struct err *err)
{
	struct watch_hook run = {engine, job, exec, sink};

	if (!json_array_size(json_object_get(exec, "command")))
		return err_set(err, ERR_MANIFEST, "develop.watch: sync+exec needs `exec.command`");
	return for_each_container(actual, job, run_hook, &run, err);
}
