/*
 * cp_out.c - `devenv cp SERVICE:PATH DEST`.
 *
 * What comes is a tar of whatever the container's programs made of it; extract.h keeps it below the
 * destination.
 */
#include "cp.h"

#include "devenv/extract.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/term.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

static ssize_t read_counted(void *ctx, void *data, size_t len, struct err *err)
{
	struct cp *cp = ctx;
	ssize_t n = container_archive_read(cp->engine, data, len, err);

	if (n > 0)
		cp_count(cp, (size_t)n);
	return n;
}

/* === to stdout === */

static int to_stdout(struct cp *cp, struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = read_counted(cp, piece, sizeof(piece), err)) > 0)
		if (fs_write_all(STDOUT_FILENO, piece, (size_t)n) < 0)
			return err_os(err, ERR_FAILED, errno, "write to standard output");
	return n < 0 ? -1 : 0;
}

/* === to a file or folder === */

struct place_at {
	int dir;
	char *name; /* NULL: into `dir` itself */
};

static int open_dir(const char *path, int *fd, struct err *err)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, ERR_USAGE, "there is no folder %s; make it first: mkdir -p %s",
			path, path);
	return err_os(err, ERR_FAILED, errno, "open the folder %s", path);
}

/* As `dest`, in the folder above it. */
static int place_as(const char *dest, struct place_at *at, struct err *err)
{
	autofree char *whole = path_real(dest);
	autofree char *above = path_dirname(whole);

	if (open_dir(above, &at->dir, err) < 0)
		return -1;
	at->name = xstrdup(path_basename(whole));
	return 0;
}

static int choose_place(const char *path, const struct archive_stat *source, const char *dest,
	struct place_at *at, struct err *err)
{
	bool dir = source->type == ARCHIVE_DIR;
	struct stat status;

	if (stat(dest, &status) < 0) {
		if (!dir && cp_names_folder(dest))
			return err_set(err, ERR_USAGE,
				"there is no folder %s; make it first: mkdir -p %s", dest, dest);
		return place_as(dest, at, err);
	}
	if (S_ISDIR(status.st_mode)) {
		at->name = cp_names_contents(path) ? NULL : cp_name(path);
		return open_dir(dest, &at->dir, err);
	}
	if (dir)
		return err_set(
			err, ERR_USAGE, "%s is a file; a folder cannot take its place", dest);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_USAGE,
			"%s is a device or pipe; name a file or folder, or \"-\" for a tar on "
			"standard output",
			dest);
	return place_as(dest, at, err);
}

static int to_disk(struct cp *cp, const char *path, const char *got,
	const struct archive_stat *source, const char *dest, struct err *err)
{
	struct place_at at = {.dir = -1};
	autofree char *name = NULL;
	autoclose int dir = -1;
	struct extract_spec spec = {
		.rooted = !cp_names_contents(got),
		.owned = cp->owned,
		.read = read_counted,
		.ctx = cp,
		.object = cp->object,
		.sink = cp->sink,
	};
	int result = choose_place(path, source, dest, &at, err);

	name = at.name;
	dir = at.dir;
	if (result < 0)
		return -1;
	spec.dir = dir;
	spec.name = name;
	return extract(&spec, err);
}

/* === the source === */

/* The path to ask for: behind the link when links are followed. */
static int resolve(struct cp *cp, const char *path, char **got, struct err *err)
{
	struct archive_stat stat = {0};
	int found = cp->follow ? cp_stat(cp, path, &stat, err) : 0;

	if (found < 0)
		return -1;
	if (found > 0 && stat.type == ARCHIVE_LINK && stat.target) {
		autofree char *above = path_dirname(path);

		*got = path_absolute(above, stat.target);
	} else {
		/* Engines differ in how they name the entries of "/". */
		*got = xstrdup(str_eq(path, "/") ? "/." : path);
	}
	archive_stat_release(&stat);
	return 0;
}

int cp_out(struct cp *cp, const char *path, const char *dest, struct err *err)
{
	struct archive_stat stat = {0};
	autofree char *got = NULL;
	int result;

	if (str_eq(dest, "-") && term_is(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
			"\"-\" writes a tar to standard output, which is a terminal; send it on: "
			"devenv cp SERVICE:PATH - | tar -tv");
	if (resolve(cp, path, &got, err) < 0)
		return -1;
	if (container_archive_get(cp->engine, cp->id, got, &stat, err) < 0) {
		if (err->status != 404)
			return -1;
		return err_set(err, ERR_USAGE,
			"container %s has nothing at %s; look around with `devenv shell`",
			cp->container, path);
	}
	cp->total = stat.type == ARCHIVE_FILE ? stat.size : 0;
	result = str_eq(dest, "-")
			 ? to_stdout(cp, err)
			 : to_disk(cp, str_eq(path, "/") ? got : path, got, &stat, dest, err);
	archive_stat_release(&stat);
	return result;
}
