/*
 * thin.c - what thin volumes stand on (THIN_FOLDER of agent.h).
 *
 * A reset makes the folder of the volume anew beside the old one, and changes the two at once: a
 * kill leaves the one or the other.  Only while nobody but we has the volume mounted: what is
 * mounted goes on with the folder that it was mounted from.
 */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* === folders === */

static bool is_volume(const char *name)
{
	return !str_empty(name) && *name != '.' && !strchr(name, '/');
}

static char *folder_of(const char *volume)
{
	return xasprintf(CACHE_THIN "/%s", volume);
}

/* No volume is called so, and each has one place for it. */
static char *new_folder(const char *volume)
{
	return xasprintf(CACHE_THIN "/.%s", volume);
}

/* The digest of the tree that the folder stands on, HEX; "" when that cannot be told. */
static void tree_of(const char *folder, char hex[SHA256_HEX])
{
	autofree char *lower = path_join(folder, THIN_LOWER);
	char target[PATH_MAX];
	ssize_t len = readlink(lower, target, sizeof(target) - 1);

	target[len > 0 ? len : 0] = '\0';
	snprintf(hex, SHA256_HEX, "%s", path_basename(target));
}

static uint64_t written(const char *folder)
{
	autofree char *upper = path_join(folder, THIN_UPPER);

	return fs_usage_at(AT_FDCWD, upper);
}

static int make_folder(
	struct agent *agent, const char *folder, const struct snapshot *snapshot, struct err *err)
{
	autofree char *lower = path_join(folder, THIN_LOWER),
		      *upper = path_join(folder, THIN_UPPER);
	autofree char *work = path_join(folder, THIN_WORK), *tree = NULL;
	struct tree_watch watch = agent_watch(agent);
	autoclose int fd = -1;
	char hex[SHA256_HEX];

	hex_encode(snapshot->index->digest, SHA256_SIZE, hex);
	tree = xasprintf("../../trees/%s", hex);
	if (fs_remove_tree(folder, err) < 0 || fs_mkdirs(upper, 0700, err) < 0 ||
		fs_mkdirs(work, 0700, err) < 0)
		return -1;
	if (symlink(tree, lower) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "link a tree of the cache");
	fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open a folder of the cache");
	return tree_root(snapshot->index, fd, &watch, err);
}

/* File systems that cannot exchange cannot be written to through an overlay either. */
static int put_in_place(struct agent *agent, const char *made, const char *folder,
	uint64_t *dropped, struct err *err)
{
	bool replaces = fs_is_dir(folder);
	struct err ignored = ERR_INIT;

	if (syncfs(agent->blobs) < 0 ||
		renameat2(AT_FDCWD, made, AT_FDCWD, folder,
			replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0 ||
		syncfs(agent->blobs) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "put a thin volume in place");
	*dropped = replaces ? written(made) : 0;
	/* What stays of it is swept by the next one who has the cache alone. */
	fs_remove_tree(made, &ignored);
	return 0;
}

/* === requests === */

static int open_tree(
	struct agent *agent, const json_t *request, struct snapshot *snapshot, struct err *err)
{
	autoclose int tree = -1;

	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), snapshot, err) < 0)
		return -1;
	tree = snapshot_tree(agent, snapshot, err);
	return tree < 0 ? -1 : 0;
}

int agent_tree(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct statfs status;

	/* The kernel mounts one above another, but nothing can be deleted in it then. */
	if (statfs(AGENT_CACHE, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC)
		return err_set(err, ERR_SNAPSHOT,
			"it cannot be thin: the engine itself keeps volumes on an overlay");
	return open_tree(agent, request, &snapshot, err);
}

static int check_empty(struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (fs_list(AGENT_TARGET, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (!str_eq(names.v[i], "lost+found"))
			return err_set(err, ERR_SNAPSHOT, "it is not empty: \"%.100s\" is in it",
				names.v[i]);
	return 0;
}

int agent_thin(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *volume = json_str(request, "volume");
	autosnapshot struct snapshot snapshot = {0};
	autofree char *folder = NULL, *made = NULL;
	uint64_t dropped = 0;

	if (!is_volume(volume))
		return err_set(err, ERR_FAILED, "\"%s\" is no volume", volume ? volume : "");
	folder = folder_of(volume);
	made = new_folder(volume);
	if ((!json_bool(request, "replace") && check_empty(err) < 0) ||
		open_tree(agent, request, &snapshot, err) < 0 ||
		make_folder(agent, made, &snapshot, err) < 0 ||
		put_in_place(agent, made, folder, &dropped, err) < 0)
		return -1;
	*result = json_pack("{s:I}", "dropped", (json_int_t)dropped);
	return 0;
}

/* Does what is made in the volume come into its folder, and can that be removed again? */
static int check_mounted(int target, const char *folder, struct err *err)
{
	autofree char *shown = xasprintf("%s/" THIN_UPPER "/" TREE_STAGING, folder);
	autofree char *work = xasprintf("%s/" THIN_WORK "/work", folder);
	autoclose int kernels = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool there;

	if (mkdirat(target, TREE_STAGING, 0700) < 0 && errno != EEXIST)
		return err_os(err, ERR_SNAPSHOT, errno, "write to the volume");
	there = fs_is_dir(shown);
	if (unlinkat(target, TREE_STAGING, AT_REMOVEDIR) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "write to the volume");
	if (!there)
		return err_set(err, ERR_SNAPSHOT, "the volume is not its folder in the cache");
	if (kernels < 0)
		return err_set(err, ERR_SNAPSHOT,
			"the engine's users are others than the kernel's (user namespaces)");
	return 0;
}

int agent_thin_check(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *volume = json_str(request, "volume");
	autosnapshot struct snapshot snapshot = {0};
	struct tree_watch watch = agent_watch(agent);
	autofree char *folder = NULL;
	autoclose int target = -1;

	if (!is_volume(volume))
		return err_set(err, ERR_FAILED, "\"%s\" is no volume", volume ? volume : "");
	folder = folder_of(volume);
	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) < 0)
		return -1;
	target = agent_target(err);
	if (target < 0 || check_mounted(target, folder, err) < 0)
		return -1;
	/* Podman gives a volume another owner when it is first used: now. */
	return tree_root(snapshot.index, target, &watch, err);
}

/* === looking, and tidying up === */

json_t *thin_users(const char *hex)
{
	autostrv struct strv names = STRV_INIT;
	struct err ignored = ERR_INIT;
	json_t *users = json_object();

	if (fs_is_dir(CACHE_THIN))
		fs_list(CACHE_THIN, &names, &ignored);
	for (size_t i = 0; i < names.n; i++) {
		autofree char *folder = folder_of(names.v[i]);
		char own[SHA256_HEX];

		tree_of(folder, own);
		if (is_volume(names.v[i]) && str_eq(own, hex))
			json_object_set_new(
				users, names.v[i], json_integer((json_int_t)written(folder)));
	}
	return users;
}

static bool is_needed(const json_t *volumes, const char *name)
{
	json_t *volume;
	size_t i;

	json_array_foreach (volumes, i, volume)
		if (str_eq(json_string_value(volume), name))
			return true;
	return false;
}

struct wanted {
	const json_t *volumes;
	json_t *trees; /* that they stand on: true each */
};

/* cache_waste: also notes the tree of one that is needed. */
static bool is_unneeded(void *ctx, const char *name, const char *path)
{
	const struct wanted *wanted = ctx;
	char hex[SHA256_HEX];

	if (!is_needed(wanted->volumes, name))
		return true;
	tree_of(path, hex);
	json_object_set_new(wanted->trees, hex, json_true());
	return false;
}

int thin_sweep(const json_t *volumes, json_t *trees, struct err *err)
{
	struct wanted wanted = {volumes, trees};

	/* Who does not say which there are knows nothing of them. */
	if (!json_is_array(volumes))
		return err_set(err, ERR_FAILED, "which volumes are thin was not said");
	return cache_sweep(CACHE_THIN, is_unneeded, &wanted, err);
}
