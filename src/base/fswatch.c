/*
 * fswatch.c - recursive inotify: one watch a folder, and a picture of the tree for when events were
 * lost.
 *
 * The picture (path -> what stat says) is only compared after an overflow; else events are
 * believed.
 */
#include "devenv/fswatch.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define MASK \
	(IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
		IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define DEPTH_MAX 256
/* A change that goes on and on is told of after this long all the same. */
#define QUIETS_MAX 20

struct folder {
	int wd; /* the kernel counts upwards: the list is sorted by it */
	char *path;
};

struct fswatch {
	int fd;
	struct strv paths;
	bool (*skip)(void *ctx, const char *path);
	void *ctx;
	struct folder *folders;
	size_t n;
	json_t *seen;    /* path -> signature */
	json_t *changed; /* path -> true: the batch that is being collected; NULL while opening */
};

static bool is_wanted(const struct fswatch *watch, const char *path)
{
	for (size_t i = 0; i < watch->paths.n; i++)
		if (path_below(watch->paths.v[i], path))
			return !watch->skip || !watch->skip(watch->ctx, path);
	return false;
}

/* === the picture === */

static json_t *signature(const struct stat *status)
{
	uint64_t sum = (uint64_t)status->st_mtim.tv_sec * 1000000007 +
		       (uint64_t)status->st_mtim.tv_nsec;

	sum = sum * 1000003 + (uint64_t)status->st_size;
	sum = sum * 1000003 + (uint64_t)status->st_ino;
	sum = sum * 1000003 + (uint64_t)status->st_mode;
	return json_integer((json_int_t)sum);
}

static void report(struct fswatch *watch, const char *path)
{
	if (watch->changed)
		json_object_set_new_nocheck(watch->changed, path, json_true());
}

/* Folders change with every file in them: of those only the mode counts. */
static void note(struct fswatch *watch, const char *path, const struct stat *status)
{
	struct stat folder = {.st_mode = status->st_mode};
	json_t *now = signature(S_ISDIR(status->st_mode) ? &folder : status);

	if (!json_equal(now, json_object_get(watch->seen, path)))
		report(watch, path);
	json_object_set_new_nocheck(watch->seen, path, now);
}

/* It is gone, and with a folder all that was in it. */
static void forget(struct fswatch *watch, const char *path, bool folder)
{
	autostrv struct strv gone = STRV_INIT;
	const char *name;
	json_t *ignored;

	if (folder)
		json_object_foreach (watch->seen, name, ignored)
			if (path_below(path, name))
				strv_push(&gone, name);
	if (!folder)
		strv_push(&gone, path);
	for (size_t i = 0; i < gone.n; i++) {
		report(watch, gone.v[i]);
		json_object_del(watch->seen, gone.v[i]);
	}
}

/* === watches === */

static struct folder *find_folder(const struct fswatch *watch, int wd)
{
	size_t low = 0, high = watch->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (watch->folders[middle].wd < wd)
			low = middle + 1;
		else
			high = middle;
	}
	return low < watch->n && watch->folders[low].wd == wd ? &watch->folders[low] : NULL;
}

static int limit_reached(const struct fswatch *watch, const char *path, struct err *err)
{
	return err_set(err, ERR_FAILED,
		"watch %s: the kernel allows no more watches (%zu folders are watched); raise the "
		"limit with `sudo sysctl fs.inotify.max_user_watches=1048576`, or name large "
		"folders under `ignore:`",
		path, watch->n);
}

static int add_folder(struct fswatch *watch, const char *path, struct err *err)
{
	int wd = inotify_add_watch(watch->fd, path, MASK);
	struct folder *folder;

	if (wd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0; /* it went meanwhile, and its parent tells of that */
	if (wd < 0 && errno == ENOSPC)
		return limit_reached(watch, path, err);
	if (wd < 0)
		return err_os(err, ERR_FAILED, errno, "watch %s", path);
	folder = find_folder(watch, wd);
	if (folder) {
		free(folder->path);
		folder->path = xstrdup(path);
		return 0;
	}
	watch->folders = xgrow(watch->folders, watch->n, sizeof(*watch->folders));
	watch->folders[watch->n++] = (struct folder){wd, xstrdup(path)};
	return 0;
}

/* A folder that moved away would go on telling under its old name. */
static void drop_below(struct fswatch *watch, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->n; i++) {
		if (!path_below(path, watch->folders[i].path)) {
			watch->folders[kept++] = watch->folders[i];
			continue;
		}
		inotify_rm_watch(watch->fd, watch->folders[i].wd);
		free(watch->folders[i].path);
	}
	watch->n = kept;
}

static int look(struct fswatch *watch, const char *path, size_t depth, struct err *err);

/* The watch comes first: what is made while the folder is being read is told of by it. */
static int look_inside(struct fswatch *watch, const char *path, size_t depth, struct err *err)
{
	struct dirent *entry;
	int result = 0;
	DIR *dir;

	if (depth >= DEPTH_MAX)
		return err_set(err, ERR_FAILED, "%s: folders are nested too deeply", path);
	if (add_folder(watch, path, err) < 0)
		return -1;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_os(err, ERR_FAILED, errno, "read the folder %s", path);
	while (result == 0 && (entry = readdir(dir))) {
		autofree char *below = NULL;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		below = path_join(path, entry->d_name);
		result = look(watch, below, depth + 1, err);
	}
	closedir(dir);
	return result;
}

/* Note what is at `path` and below, and watch the folders among it. */
static int look(struct fswatch *watch, const char *path, size_t depth, struct err *err)
{
	struct stat status;

	if (!is_wanted(watch, path) || lstat(path, &status) < 0)
		return 0;
	note(watch, path, &status);
	return S_ISDIR(status.st_mode) ? look_inside(watch, path, depth, err) : 0;
}

/* Its parent, or what is there of that, tells when the path itself comes and goes. */
static int watch_above(struct fswatch *watch, const char *path, struct err *err)
{
	autofree char *above = path_dirname(path);

	while (!fs_is_dir(above)) {
		char *next = path_dirname(above);

		free(above);
		above = next;
	}
	return add_folder(watch, above, err);
}

static int look_at_all(struct fswatch *watch, struct err *err)
{
	for (size_t i = 0; i < watch->paths.n; i++)
		if (watch_above(watch, watch->paths.v[i], err) < 0 ||
			look(watch, watch->paths.v[i], 0, err) < 0)
			return -1;
	return 0;
}

/* === events === */

/* Look at everything: what differs from the picture has changed. */
static int look_again(struct fswatch *watch, struct err *err)
{
	autostrv struct strv gone = STRV_INIT;
	const char *name;
	json_t *ignored;

	json_object_foreach (watch->seen, name, ignored) {
		struct stat status;

		if (lstat(name, &status) < 0)
			strv_push(&gone, name);
	}
	for (size_t i = 0; i < gone.n; i++)
		forget(watch, gone.v[i], false);
	drop_below(watch, "/");
	return look_at_all(watch, err);
}

/* Does the folder `path` lie on the way to what is watched? */
static bool is_above(const struct fswatch *watch, const char *path)
{
	for (size_t i = 0; i < watch->paths.n; i++)
		if (!str_eq(path, watch->paths.v[i]) && path_below(path, watch->paths.v[i]))
			return true;
	return false;
}

static int on_path(
	struct fswatch *watch, const char *path, const struct inotify_event *event, struct err *err)
{
	bool folder = event->mask & IN_ISDIR;
	struct stat status;

	if (folder && is_above(watch, path))
		return look_again(watch, err);
	if (!is_wanted(watch, path))
		return 0;
	report(watch, path);
	if (event->mask & (IN_DELETE | IN_MOVED_FROM)) {
		if (folder)
			drop_below(watch, path);
		forget(watch, path, folder);
		return 0;
	}
	if (folder && (event->mask & (IN_CREATE | IN_MOVED_TO)))
		return look(watch, path, 0, err);
	if (lstat(path, &status) == 0)
		note(watch, path, &status);
	return 0;
}

/* A watch ended or leads elsewhere. Of folders that are wanted the parent has told before. */
static int on_self(struct fswatch *watch, struct folder *folder, struct err *err)
{
	autofree char *path = xstrdup(folder->path);

	if (is_above(watch, path))
		return look_again(watch, err);
	drop_below(watch, path);
	return 0;
}

static int on_event(struct fswatch *watch, const struct inotify_event *event, struct err *err)
{
	struct folder *folder = find_folder(watch, event->wd);
	autofree char *path = NULL;

	if (event->mask & IN_Q_OVERFLOW)
		return look_again(watch, err);
	if (!folder)
		return 0;
	if (event->mask & (IN_IGNORED | IN_MOVE_SELF))
		return on_self(watch, folder, err);
	if (!event->len)
		return 0; /* of the folder itself: its parent tells */
	path = path_join(folder->path, event->name);
	return on_path(watch, path, event, err);
}

static int read_events(struct fswatch *watch, struct err *err)
{
	char piece[65536] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(watch->fd, piece, sizeof(piece));
	struct err later = ERR_INIT;
	int result = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : err_os(err, ERR_FAILED, errno, "read what changed");
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(piece + at);

		struct err *where = result == 0 ? err : &later;

		if (on_event(watch, event, where) < 0)
			result = -1;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return result;
}

static void take_batch(struct fswatch *watch, struct strv *changed)
{
	const char *name;
	json_t *ignored;

	json_object_foreach (watch->changed, name, ignored)
		strv_push(changed, name);
	strv_sort(changed);
	json_object_clear(watch->changed);
}

int fswatch_wait(
	struct fswatch *watch, int quiet_ms, int cancel_fd, struct strv *changed, struct err *err)
{
	struct pollfd fds[] = {{watch->fd, POLLIN, 0}, {cancel_fd, POLLIN, 0}};
	int64_t latest = 0;

	for (;;) {
		bool some = json_object_size(watch->changed) > 0;
		int n;

		if (some && !latest)
			latest = clock_ms() + (int64_t)quiet_ms * QUIETS_MAX;
		n = poll(fds, ARRAY_LEN(fds), some ? quiet_ms : -1);
		if (n < 0 && errno != EINTR)
			return err_os(err, ERR_FAILED, errno, "wait for changes");
		if (n > 0 && fds[1].revents)
			return 0;
		if (n > 0 && read_events(watch, err) < 0)
			return -1;
		if (some && (n == 0 || clock_ms() >= latest)) {
			take_batch(watch, changed);
			return 1;
		}
	}
}

void fswatch_paths(const struct fswatch *watch, struct strv *paths)
{
	const char *name;
	json_t *ignored;

	json_object_foreach (watch->seen, name, ignored)
		strv_push(paths, name);
	strv_sort(paths);
}

/* === open and close === */

static int instance_failed(int os, struct err *err)
{
	if (os == EMFILE)
		return err_set(err, ERR_FAILED,
			"the kernel allows no more watching programs; raise the limit with "
			"`sudo sysctl fs.inotify.max_user_instances=512`");
	return err_os(err, ERR_FAILED, os, "watch for changes");
}

int fswatch_open(const struct fswatch_spec *spec, struct fswatch **out, struct err *err)
{
	struct fswatch *watch = xcalloc(1, sizeof(*watch));

	watch->skip = spec->skip;
	watch->ctx = spec->ctx;
	watch->seen = json_object();
	strv_extend(&watch->paths, spec->paths);
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0)
		instance_failed(errno, err);
	if (watch->fd < 0 || look_at_all(watch, err) < 0) {
		fswatch_close(watch);
		return -1;
	}
	watch->changed = json_object();
	*out = watch;
	return 0;
}

void fswatch_close(struct fswatch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	for (size_t i = 0; i < watch->n; i++)
		free(watch->folders[i].path);
	free(watch->folders);
	json_decref(watch->seen);
	json_decref(watch->changed);
	strv_release(&watch->paths);
	free(watch);
}
