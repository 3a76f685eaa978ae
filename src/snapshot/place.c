/* place.c - making files below a folder, links never followed. */
#include "place.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int failed(const struct strv *parts, const char *doing, int os, struct err *err)
{
	autofree char *path = strv_join(parts, "/");

	return err_os(err, ERR_FAILED, os, "%s %s", doing, path);
}

/* === attributes === */

static mode_t mode_of(const struct place *place, const struct place_attr *attr)
{
	/* A set-id program of a container must not become one of whoever copies it. */
	return attr->mode & (place->owned ? 07777 : 0777);
}

/* Only root may give files away; for others they stay their own, as with cp and tar. */
static int set_attr(const struct place *place, int fd, const struct place_attr *attr)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, attr->mtime};

	if (place->owned && fchown(fd, attr->uid, attr->gid) < 0 && geteuid() == 0)
		return -1;
	return fchmod(fd, mode_of(place, attr)) < 0 || futimens(fd, times) < 0 ? -1 : 0;
}

/* === the open folders === */

int place_init(struct place *place, int dir, bool owned, struct err *err)
{
	int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "open the folder");
	*place = (struct place){.owned = owned, .n = 1};
	place->levels[0].fd = fd;
	return 0;
}

static int leave(struct place *place, bool finish, struct err *err)
{
	struct place_level *level = &place->levels[--place->n];
	int result = 0;

	if (finish && level->noted && set_attr(place, level->fd, &level->attr) < 0)
		result = err_os(
			err, ERR_FAILED, errno, "set the mode of the folder %s", level->name);
	close(level->fd);
	free(level->name);
	return result;
}

int place_finish(struct place *place, struct err *err)
{
	int result = 0;

	while (place->n)
		if (leave(place, result == 0, err) < 0)
			result = -1;
	return result;
}

void place_release(struct place *place)
{
	struct err ignored = ERR_INIT;

	while (place->n)
		leave(place, false, &ignored);
}

static int enter(struct place *place, const char *name, const struct strv *parts, struct err *err)
{
	int above = place->levels[place->n - 1].fd, fd;

	if (place->n == PLACE_DEPTH)
		return failed(parts, "make", ENAMETOOLONG, err);
	fd = openat(above, name, OPEN_FOLDER);
	if (fd < 0 && errno == ENOENT && mkdirat(above, name, 0777) == 0)
		fd = openat(above, name, OPEN_FOLDER);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		autofree char *path = strv_join(parts, "/");

		return err_set(err, ERR_FAILED,
			"%s: \"%s\" there is no folder, and links are not followed; remove it, or "
			"copy to somewhere else",
			path, name);
	}
	if (fd < 0)
		return failed(parts, "make", errno, err);
	place->levels[place->n++] = (struct place_level){.fd = fd, .name = xstrdup(name)};
	return 0;
}

/* The folder of the last part becomes the present one. */
static int go_to(struct place *place, const struct strv *parts, struct err *err)
{
	size_t same = 0;

	while (same + 1 < parts->n && same + 1 < place->n &&
		str_eq(place->levels[same + 1].name, parts->v[same]))
		same++;
	while (place->n > same + 1)
		if (leave(place, true, err) < 0)
			return -1;
	for (size_t i = same; i + 1 < parts->n; i++)
		if (enter(place, parts->v[i], parts, err) < 0)
			return -1;
	return 0;
}

static int here(const struct place *place)
{
	return place->levels[place->n - 1].fd;
}

static const char *last(const struct strv *parts)
{
	return parts->v[parts->n - 1];
}

int place_folder(struct place *place, const struct strv *parts, const struct place_attr *attr,
	struct err *err)
{
	if (go_to(place, parts, err) < 0)
		return -1;
	/* Open for us until it is left. */
	if (mkdirat(here(place), last(parts), 0700) < 0 && errno != EEXIST)
		return failed(parts, "make the folder", errno, err);
	if (enter(place, last(parts), parts, err) < 0)
		return -1;
	place->levels[place->n - 1].noted = true;
	place->levels[place->n - 1].attr = *attr;
	return 0;
}

/* === what is no folder: made under another name, then moved into place === */

static void make_name(char name[32])
{
	char random[17];

	random_hex(random, 8);
	snprintf(name, 32, ".devenv-%s", random);
}

static int prepare(struct place *place, const struct strv *parts, char name[32], struct err *err)
{
	struct stat status;

	if (go_to(place, parts, err) < 0)
		return -1;
	if (fstatat(here(place), last(parts), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(status.st_mode))
		return failed(parts, "replace a folder by", EISDIR, err);
	make_name(name);
	return 0;
}

static int into_place(
	struct place *place, const struct strv *parts, const char *name, struct err *err)
{
	int dir = here(place), os;

	if (renameat(dir, name, dir, last(parts)) == 0) {
		/* Two names of one file: rename(2) then leaves both. */
		unlinkat(dir, name, 0);
		return 0;
	}
	os = errno;
	unlinkat(dir, name, 0);
	return failed(parts, "write", os, err);
}

int place_symlink(
	struct place *place, const struct strv *parts, const char *target, struct err *err)
{
	char name[32];

	if (prepare(place, parts, name, err) < 0)
		return -1;
	if (symlinkat(target, here(place), name) < 0)
		return failed(parts, "make the link", errno, err);
	return into_place(place, parts, name, err);
}

/* The folder of `target`, opened from the top without following a link. */
static int open_above(const struct place *place, const struct strv *target)
{
	int fd = fcntl(place->levels[0].fd, F_DUPFD_CLOEXEC, 0);

	for (size_t i = 0; fd >= 0 && i + 1 < target->n; i++) {
		int next = openat(fd, target->v[i], OPEN_FOLDER);

		close(fd);
		fd = next;
	}
	return fd;
}

int place_hardlink(
	struct place *place, const struct strv *parts, const struct strv *target, struct err *err)
{
	autoclose int above = -1;
	char name[32];

	if (prepare(place, parts, name, err) < 0)
		return -1;
	above = open_above(place, target);
	if (above < 0 || linkat(above, last(target), here(place), name, 0) < 0)
		return failed(parts, "make the hard link", errno, err);
	return into_place(place, parts, name, err);
}

int place_pipe(struct place *place, const struct strv *parts, const struct place_attr *attr,
	struct err *err)
{
	char name[32];

	if (prepare(place, parts, name, err) < 0)
		return -1;
	if (mkfifoat(here(place), name, mode_of(place, attr)) < 0)
		return failed(parts, "make the pipe", errno, err);
	return into_place(place, parts, name, err);
}

int place_file_begin(
	struct place *place, const struct strv *parts, struct place_file *file, struct err *err)
{
	file->fd = -1;
	if (prepare(place, parts, file->temporary, err) < 0)
		return -1;
	file->fd = openat(here(place), file->temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file->fd < 0 ? failed(parts, "write", errno, err) : 0;
}

int place_file_end(struct place *place, const struct strv *parts, struct place_file *file,
	const struct place_attr *attr, struct err *err)
{
	int result = set_attr(place, file->fd, attr);

	if (result < 0)
		failed(parts, "set the mode of", errno, err);
	if (close(TAKE_FD(file->fd)) < 0 && result == 0)
		result = failed(parts, "write", errno, err);
	if (result == 0)
		return into_place(place, parts, file->temporary, err);
	unlinkat(here(place), file->temporary, 0);
	return -1;
}

void place_file_abandon(struct place *place, struct place_file *file)
{
	if (file->fd < 0)
		return;
	cleanup_close(&file->fd);
	unlinkat(here(place), file->temporary, 0);
}
