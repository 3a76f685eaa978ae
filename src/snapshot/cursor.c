/* cursor.c - the open folder of one path after the other. */
#include "cursor.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int cursor_init(struct cursor *cursor, int root, struct err *err)
{
	int fd = openat(root, ".", OPEN_FOLDER);

	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open the folder");
	cursor->levels[0] = (struct cursor_level){.fd = fd};
	cursor->n = 1;
	cursor->path[0] = '\0';
	return 0;
}

static void leave(struct cursor *cursor)
{
	close(cursor->levels[--cursor->n].fd);
	if (cursor->n)
		cursor->path[cursor->levels[cursor->n - 1].len] = '\0';
}

void cursor_release(struct cursor *cursor)
{
	while (cursor->n)
		leave(cursor);
}

/* Is the last level at or above the first `len` bytes of `path`? */
static bool is_on_way(const struct cursor *cursor, const char *path, size_t len)
{
	size_t own = cursor->levels[cursor->n - 1].len;

	if (!own)
		return true;
	return own <= len && memcmp(cursor->path, path, own) == 0 &&
	       (own == len || path[own] == '/');
}

static int enter(struct cursor *cursor, const char *path, size_t len)
{
	struct cursor_level *last = &cursor->levels[cursor->n - 1];
	size_t from = last->len ? last->len + 1 : 0;
	int fd;

	if (cursor->n > SNAPSHOT_DEPTH_MAX || len > SNAPSHOT_PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(cursor->path, path, len);
	cursor->path[len] = '\0';
	fd = openat(last->fd, cursor->path + from, OPEN_FOLDER);
	if (fd < 0) {
		cursor->path[last->len] = '\0';
		return -1;
	}
	cursor->levels[cursor->n++] = (struct cursor_level){fd, len};
	return 0;
}

int cursor_above(struct cursor *cursor, const char *path, const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	while (!is_on_way(cursor, path, len))
		leave(cursor);
	while (cursor->levels[cursor->n - 1].len < len) {
		size_t own = cursor->levels[cursor->n - 1].len, from = own ? own + 1 : 0;

		if (enter(cursor, path, from + strcspn(path + from, "/")) < 0)
			return err_os(err, ERR_SNAPSHOT, errno, "open the folder of %.200s", path);
	}
	return cursor->levels[cursor->n - 1].fd;
}

int cursor_open(struct cursor *cursor, const char *path, int flags, struct err *err)
{
	const char *name;
	int above = cursor_above(cursor, path, &name, err), fd;

	if (above < 0)
		return -1;
	fd = openat(above, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open %.200s", path);
	return fd;
}
