/*
 * stage.c - a new tree beside what is in a folder, and then in its place.
 *
 * The folder is a mount point as a rule and cannot be renamed itself.  Each step leaves a state
 * from which the next run knows what may go: only in TREE_STAGING there may be somebody's data
 * beside it.
 */
#include "stage.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int failed(struct err *err, const char *doing)
{
	return err_os(err, ERR_SNAPSHOT, errno, "%s", doing);
}

static bool is_there(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int tree_interrupted(int target, struct err *err)
{
	struct stat status;

	if (fstat(target, &status) < 0 || !S_ISDIR(status.st_mode))
		return err_set(err, ERR_SNAPSHOT, "it is no folder");
	return is_there(target, TREE_STAGING) || is_there(target, TREE_SWAP) ||
	       is_there(target, TREE_MOVE);
}

/* The names in an open folder, but what belongs to the file system or to a restore. */
static int list(int dir, struct strv *names, struct err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		failed(err, "read the folder");
		cleanup_close(&fd);
		return -1;
	}
	while ((entry = readdir(stream)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..") &&
			!str_eq(entry->d_name, "lost+found") &&
			!str_eq(entry->d_name, TREE_STAGING) && !str_eq(entry->d_name, TREE_SWAP) &&
			!str_eq(entry->d_name, TREE_MOVE))
			strv_push(names, entry->d_name);
	closedir(stream);
	return 0;
}

static int empty(int target, struct tree_removed *removed, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (list(target, &names, err) < 0)
		return -1;
	stage_hold(removed, target, &names);
	for (size_t i = 0; i < names.n; i++)
		if (fs_remove_tree_at(target, names.v[i], err) < 0)
			return -1;
	return 0;
}

/* What a killed run left goes; the folder that tells of it goes last. */
static int clean(int target, struct err *err)
{
	if (stage_is_cut(target) && empty(target, NULL, err) < 0)
		return -1;
	if (fs_remove_tree_at(target, TREE_STAGING, err) < 0 ||
		fs_remove_tree_at(target, TREE_SWAP, err) < 0)
		return -1;
	return fs_remove_tree_at(target, TREE_MOVE, err);
}

bool stage_is_cut(int target)
{
	return is_there(target, TREE_SWAP) || is_there(target, TREE_MOVE);
}

uint64_t stage_replaced(int target)
{
	autostrv struct strv names = STRV_INIT;
	struct err ignored = ERR_INIT;
	uint64_t bytes = 0;

	list(target, &names, &ignored);
	for (size_t i = 0; i < names.n; i++)
		bytes += fs_usage_at(target, names.v[i]);
	return bytes;
}

int tree_check_room(int dir, uint64_t spare, struct err *err)
{
	struct statvfs space;

	if (fstatvfs(dir, &space) < 0 || (uint64_t)space.f_bavail * space.f_frsize >= spare)
		return 0;
	return err_os(err, ERR_SNAPSHOT, ENOSPC, "too little would be left for services to start");
}

void stage_drop(int target)
{
	struct err ignored = ERR_INIT;

	fs_remove_tree_at(target, TREE_STAGING, &ignored);
}

int stage_begin(int target, bool replace, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	int staging;

	if (clean(target, err) < 0 || list(target, &names, err) < 0)
		return -1;
	if (names.n && !replace)
		return err_set(
			err, ERR_SNAPSHOT, "it is not empty: \"%.100s\" is in it", names.v[0]);
	if (mkdirat(target, TREE_STAGING, 0700) < 0)
		return failed(err, "make the folder " TREE_STAGING);
	staging = openat(target, TREE_STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return staging < 0 ? failed(err, "open the folder " TREE_STAGING) : staging;
}

static int rename_state(int target, const char *from, const char *to, struct err *err)
{
	if (renameat(target, from, target, to) < 0 || fsync(target) < 0)
		return failed(err, "rename the restored folder");
	return 0;
}

static int move_up(int target, int staging, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (list(staging, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (renameat(staging, names.v[i], target, names.v[i]) < 0)
			return err_os(
				err, ERR_SNAPSHOT, errno, "move \"%.100s\" into place", names.v[i]);
	return 0;
}

int stage_swap(int target, struct tree_removed *removed, struct err *err)
{
	autoclose int staging = -1;

	if (is_there(target, TREE_STAGING) &&
		rename_state(target, TREE_STAGING, TREE_SWAP, err) < 0)
		return -1;
	if (is_there(target, TREE_SWAP) &&
		(empty(target, removed, err) < 0 ||
			rename_state(target, TREE_SWAP, TREE_MOVE, err) < 0))
		return -1;
	if (!is_there(target, TREE_MOVE))
		return 0;
	staging = openat(target, TREE_MOVE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging < 0)
		return failed(err, "open the folder " TREE_MOVE);
	return move_up(target, staging, err) < 0 ? -1 : 1;
}

int stage_end(int target, struct err *err)
{
	if (fsync(target) < 0 || unlinkat(target, TREE_MOVE, AT_REMOVEDIR) < 0)
		return failed(err, "remove the folder " TREE_MOVE);
	return 0;
}
