/* tar_tree.c - a whole folder into a tar. */
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/tar.h"

#define DEPTH_MAX 256

struct tree {
	struct tar_writer *tar;
	int owned;
};

static int add_below(
	struct tree *tree, const char *path, const char *name, int depth, struct err *err);

static int add_one(
	struct tree *tree, const char *path, const char *name, int depth, struct err *err)
{
	struct stat status;

	if (tar_add_path(tree->tar, path, name, tree->owned, err) < 0)
		return -1;
	if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode))
		return 0;
	return add_below(tree, path, name, depth + 1, err);
}

static int add_below(
	struct tree *tree, const char *path, const char *name, int depth, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_FAILED, "%s: folders are nested too deeply", path);
	if (fs_list(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *from = path_join(path, names.v[i]);
		autofree char *to = str_eq(name, ".") ? xstrdup(names.v[i])
						      : xasprintf("%s/%s", name, names.v[i]);

		if (add_one(tree, from, to, depth, err) < 0)
			return -1;
	}
	return 0;
}

int tar_add_tree(
	struct tar_writer *tar, const char *path, const char *name, int owned, struct err *err)
{
	struct tree tree = {tar, owned};

	if (str_eq(name, "."))
		return add_below(&tree, path, name, 0, err);
	return add_one(&tree, path, name, 0, err);
}
