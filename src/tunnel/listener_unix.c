/*
 * listener_unix.c - a local end that is a Unix socket: for its owner alone.
 *
 * The folder is locked while one looks whether somebody listens already: what a killed process left
 * behind is removed, what is in use is not.
 */
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The folder of the socket, locked until it is closed; or -1. */
static int open_folder(const char *path, struct err *err)
{
	autofree char *dir = path_dirname(path);
	autoclose int fd = -1;
	struct stat st;

	if (fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || flock(fd, LOCK_EX) < 0)
		return err_os(err, ERR_TUNNEL, errno, "open the folder %s", dir);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(err, ERR_TUNNEL,
			"others can enter the folder %s (mode %04o): give the socket one of its "
			"own, or run \"chmod 700 %s\"",
			dir, (unsigned)(st.st_mode & 07777), dir);
	return TAKE_FD(fd);
}

/* Remove what nobody listens on any more. */
static int make_room(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_os(err, ERR_TUNNEL, errno, "look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_TUNNEL, "%s is there and is no socket", path);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno != ECONNREFUSED)
		return err_set(err, ERR_TUNNEL, "the socket %s is in use by another program", path);
	if (unlink(path) < 0)
		return err_os(err, ERR_TUNNEL, errno, "remove the old socket %s", path);
	return 0;
}

static int listen_on(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return err_os(err, ERR_TUNNEL, errno, "make the socket %s", path);
	if (chmod(path, 0600) < 0 || listen(fd, LISTENER_BACKLOG) < 0)
		return err_os(err, ERR_TUNNEL, errno, "listen on %s", path);
	return TAKE_FD(fd);
}

int listener_open_unix(struct listener *listener, struct err *err)
{
	const struct tunnel_spec *spec = listener->spec;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int folder = -1;
	struct stat st;

	if (strlen(spec->socket) >= sizeof(address.sun_path))
		return err_set(err, ERR_TUNNEL,
			"tunnel \"%s\": the path %s is too long for a socket (it may have %zu "
			"bytes)",
			spec->name, spec->socket, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, spec->socket, strlen(spec->socket));
	folder = open_folder(spec->socket, err);
	if (folder >= 0 && make_room(&address, err) == 0)
		listener->fd = listen_on(&address, err);
	if (listener->fd < 0)
		return err_wrap(err, "tunnel \"%s\"", spec->name);
	if (stat(spec->socket, &st) == 0)
		listener->inode = st.st_ino;
	return 0;
}

void listener_remove_socket(const struct listener *listener)
{
	struct stat st;

	/* Not the one of somebody who came after us. */
	if (lstat(listener->spec->socket, &st) == 0 && S_ISSOCK(st.st_mode) &&
		st.st_ino == listener->inode)
		unlink(listener->spec->socket);
}
