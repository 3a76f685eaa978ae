/*
 * cp_in.c - `devenv cp SRC SERVICE:PATH`.
 *
 * Where it goes is decided here, as docker decides it, and told to the engine by the folder that
 * the tar is unpacked in and by the name of the tar's top.
 */
#include "cp.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/term.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	struct cp *cp;
	const char *given;
	const char *path; /* the same, or where its link leads */
	bool dir, contents;
	const char *name; /* in the tar; ".": only what is below it */
	struct tar_writer *pipe;
};

/* What the destination is, a link followed. */
struct target {
	char *path;
	bool there, dir;
};

static int find_target(struct cp *cp, const char *path, struct target *target, struct err *err)
{
	struct archive_stat stat = {0};
	int found = cp_stat(cp, path, &stat, err);
	bool special;

	target->path = xstrdup(path);
	if (found > 0 && stat.type == ARCHIVE_LINK && stat.target) {
		autofree char *above = path_dirname(path);

		free(target->path);
		target->path = path_absolute(above, stat.target);
		archive_stat_release(&stat);
		found = cp_stat(cp, target->path, &stat, err);
	}
	target->there = found > 0;
	target->dir = found > 0 && stat.type == ARCHIVE_DIR;
	special = found > 0 && stat.type == ARCHIVE_SPECIAL;
	archive_stat_release(&stat);
	if (special)
		return err_set(err, ERR_USAGE,
			"%s in container %s is a device or pipe; name a file "
			"or folder",
			path, cp->container);
	return found < 0 ? -1 : 0;
}

static int no_folder(struct cp *cp, const char *dir, struct err *err)
{
	return err_set(err, ERR_FAILED,
		"container %s has no folder %s; make it there first (mkdir -p), or name one that "
		"it has",
		cp->container, dir);
}

/* === the tar === */

static int count(void *ctx, const void *data, size_t len, struct err *err)
{
	struct source *source = ctx;

	cp_count(source->cp, len);
	return source->pipe->write(source->pipe->ctx, data, len, err);
}

static int make_tar(void *ctx, struct tar_writer *tar, struct err *err)
{
	struct source *source = ctx;
	struct tar_writer counted = {.write = count, .ctx = source};

	source->pipe = tar;
	if (tar_add_tree(&counted, source->path, source->name, true, err) < 0)
		return -1;
	return tar_end(&counted, err);
}

static int put(struct cp *cp, struct source *source, const char *dir, struct err *err)
{
	if (container_archive_put(cp->engine, cp->id, dir, make_tar, source, err) == 0)
		return 0;
	return err->status == 404 ? no_folder(cp, dir, err) : -1;
}

/* Under the destination's own name, in the folder above it. */
static int put_as(
	struct cp *cp, struct source *source, const struct target *target, struct err *err)
{
	autofree char *whole = path_absolute("/", target->path);
	autofree char *dir = path_dirname(whole);
	struct archive_stat stat = {0};
	int found;

	/* Podman would make it. */
	found = cp_stat(cp, dir, &stat, err);
	archive_stat_release(&stat);
	if (found <= 0)
		return found < 0 ? -1 : no_folder(cp, dir, err);
	source->name = path_basename(whole);
	return put(cp, source, dir, err);
}

static int put_at(struct cp *cp, struct source *source, const struct target *target,
	const char *path, struct err *err)
{
	autofree char *name = NULL;

	if (target->dir) {
		name = source->contents ? xstrdup(".") : cp_name(source->given);
		source->name = name;
		return put(cp, source, target->path, err);
	}
	if (target->there && source->dir)
		return err_set(err, ERR_USAGE,
			"%s in container %s is a file; a folder cannot take its place", path,
			cp->container);
	if (!target->there && !source->dir && cp_names_folder(path))
		return no_folder(cp, path, err);
	return put_as(cp, source, target, err);
}

/* === the sources === */

static int from_stdin(struct cp *cp, const char *path, struct err *err)
{
	struct target target = {0};
	autofree char *dir = NULL;

	if (term_is(STDIN_FILENO))
		return err_set(err, ERR_USAGE,
			"\"-\" reads a tar from standard input, which is a terminal; give it one: "
			"tar -c DIR | devenv cp - SERVICE:PATH");
	if (find_target(cp, path, &target, err) < 0) {
		free(target.path);
		return -1;
	}
	dir = target.path;
	if (!target.dir)
		return no_folder(cp, path, err);
	return container_put_fd(cp->engine, cp->id, dir, STDIN_FILENO, err);
}

static int look_at(struct cp *cp, const char *src, struct source *source, struct err *err)
{
	struct stat status;

	if ((cp->follow ? stat : lstat)(src, &status) < 0)
		return err_os(err, ERR_USAGE, errno, "copy %s", src);
	source->dir = S_ISDIR(status.st_mode);
	source->contents = cp_names_contents(src) || str_eq(src, "/");
	if (S_ISREG(status.st_mode))
		cp->total = (uint64_t)status.st_size;
	else if (!source->dir && !S_ISLNK(status.st_mode))
		return err_set(err, ERR_USAGE, "%s is neither a file, a folder nor a link", src);
	return 0;
}

int cp_in(struct cp *cp, const char *src, const char *path, struct err *err)
{
	autofree char *from = cp->follow ? path_real(src) : xstrdup(src);
	struct source source = {.cp = cp, .given = src, .path = from};
	struct target target = {0};
	int result;

	if (str_eq(src, "-"))
		return from_stdin(cp, path, err);
	if (look_at(cp, src, &source, err) < 0)
		return -1;
	result = find_target(cp, path, &target, err);
	if (result == 0)
		result = put_at(cp, &source, &target, path, err);
	free(target.path);
	return result;
}
