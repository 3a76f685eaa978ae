/* tunnel_daemon.c - reaching the daemon, and starting it (tunnel_daemon.h). */
#include "tunnel_daemon.h"

#include "commands.h"

#include "devenv/fs.h"
#include "devenv/lock.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_MS 10000

/* === the socket === */

static int address_of(const char *path, struct sockaddr_un *address, struct err *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return err_set(err, ERR_TUNNEL,
			"the path %s is too long for a socket: set XDG_RUNTIME_DIR to a shorter "
			"folder",
			path);
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

/* The daemon, or -1: with err only when it is somebody else's. */
static int reach(const struct sockaddr_un *address, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred who = {0};
	socklen_t len = sizeof(who);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != geteuid())
		return err_set(err, ERR_TUNNEL, "%s is another user's", address->sun_path);
	return TAKE_FD(fd);
}

static int listen_on(const struct sockaddr_un *address, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before;
	int rc;

	unlink(address->sun_path); /* of one that was killed */
	before = umask(077);
	rc = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(before);
	if (rc < 0 || listen(fd, 16) < 0)
		return err_os(err, ERR_TUNNEL, errno, "listen on %s", address->sun_path);
	return TAKE_FD(fd);
}

/* === starting === */

/* In the second child: nothing of the terminal is left, and the socket is stdin. */
static _Noreturn void become(const char *self, int fd, int log)
{
	char *const argv[] = {(char *)self, "--progress", "plain", "tunnel", "daemon", NULL};

	if (dup2(fd, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0 && chdir("/") == 0)
		execv(self, argv);
	_exit(127);
}

/* Twice forked, so that it is nobody's child and no terminal can become its own. */
static int start(int fd, struct err *err)
{
	autofree char *self = proc_self(), *state = fs_state_dir();
	autofree char *path = path_join(state, "tunnels.log");
	autoclose int log = -1;
	int status = 0;
	pid_t pid;

	if (fs_mkdirs(state, 0700, err) < 0)
		return -1;
	log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log < 0)
		return err_os(err, ERR_TUNNEL, errno, "write to %s", path);
	pid = fork();
	if (pid == 0) {
		if (setsid() < 0)
			_exit(1);
		pid = fork();
		if (pid == 0)
			become(self, fd, log);
		_exit(pid < 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return err_set(err, ERR_TUNNEL, "the tunnel daemon cannot be started");
	return 0;
}

static int start_one(const struct sockaddr_un *address, const char *dir, struct err *err)
{
	autofree char *path = path_join(dir, "tunnel.lock");
	autolock struct lock lock = LOCK_NONE;
	autoclose int fd = -1;
	int reached;

	if (lock_wait(&lock, path, "the tunnel daemon", LOCK_MS, err) < 0)
		return -1;
	reached = reach(address, err);
	if (reached >= 0 || err->kind)
		return reached;
	fd = listen_on(address, err);
	if (fd < 0 || start(fd, err) < 0)
		return -1;
	return reach(address, err); /* it takes us from the socket's queue */
}

static int open_daemon(struct daemon *daemon, bool may_start, struct err *err)
{
	autofree char *dir = fs_runtime_dir();
	autofree char *path = path_join(dir, "tunnel.sock");
	struct sockaddr_un address;

	if (fs_mkdirs(dir, 0700, err) < 0 || address_of(path, &address, err) < 0)
		return -1;
	daemon->fd = reach(&address, err);
	if (daemon->fd < 0 && !err->kind && may_start)
		daemon->fd = start_one(&address, dir, err);
	return err->kind ? -1 : 0;
}

/* === talking === */

static int send_request(struct daemon *daemon, const json_t *request, struct err *err)
{
	autofree char *text = json_print(request), *line = xasprintf("%s\n", text);
	size_t len = strlen(line), at = 0;

	while (at < len) {
		ssize_t n = send(daemon->fd, line + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	explicit_bzero(text, strlen(text));
	explicit_bzero(line, len);
	return at < len ? err_set(err, ERR_TUNNEL, "the tunnel daemon hung up") : 0;
}

json_t *daemon_read(struct daemon *daemon, struct err *err)
{
	char *end;

	while (!daemon->in.len || !(end = memchr(daemon->in.data, '\n', daemon->in.len))) {
		struct pollfd pfds[] = {{.fd = daemon->fd, .events = POLLIN},
			{.fd = signals_fd(), .events = POLLIN}};
		char data[4096];
		ssize_t n;

		if (poll(pfds, 2, -1) < 0 && errno != EINTR)
			break;
		if (signals_pending()) {
			err_set(err, ERR_CANCELLED, "interrupted");
			return NULL;
		}
		if (!pfds[0].revents)
			continue;
		n = recv(daemon->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || buf_add(&daemon->in, data, (size_t)n) < 0) {
			err_set(err, ERR_TUNNEL, "the tunnel daemon hung up");
			return NULL;
		}
	}
	{
		size_t len = (size_t)(end - daemon->in.data);
		json_t *line = json_parse(daemon->in.data, len, "the tunnel daemon's answer", err);

		buf_consume(&daemon->in, len + 1);
		return line;
	}
}

void daemon_close(struct daemon *daemon)
{
	cleanup_close(&daemon->fd);
	buf_release(&daemon->in);
}

json_t *daemon_ask(struct daemon *daemon, bool start, const json_t *request, struct err *err)
{
	json_t *line = NULL;

	/* One that was about to end may hang up; the next one does not. */
	for (int i = 0; i < 2 && !line; i++) {
		daemon_close(daemon);
		*daemon = DAEMON_NONE;
		err_clear(err);
		if (open_daemon(daemon, start, err) < 0 || daemon->fd < 0)
			return NULL;
		if (send_request(daemon, request, err) == 0)
			line = daemon_read(daemon, err);
		if (err->kind == ERR_CANCELLED)
			break;
	}
	return line;
}

json_t *daemon_status(struct err *err)
{
	autodaemon struct daemon daemon = DAEMON_NONE;
	autojson json_t *request = json_pack("{s:s}", "command", "status");

	return daemon_ask(&daemon, false, request, err);
}

const json_t *daemon_tunnel(const json_t *status, const char *id)
{
	json_t *list = json_object_get(status, "tunnels");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_str(json_array_get(list, i), "id"), id))
			return json_array_get(list, i);
	return NULL;
}

/* === the daemon itself === */

static int daemon_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autofree char *audit = tunnel_audit_path();
	struct tunnel_run run = {.sink = &app->sink, .audit = audit, .stop_fd = -1};
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_set(err, ERR_USAGE, "stdin is no socket: this is for `tunnel up`");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return tunnel_daemon(fd, &run, err);
}

const struct command cmd_tunnel_daemon = {
	.name = "daemon",
	.summary = "Serve tunnels for `tunnel up`, which starts this",
	.max_args = 0,
	.flags = CMD_HIDDEN,
	.run = daemon_run,
};
