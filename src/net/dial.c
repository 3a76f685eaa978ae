/*
 * dial.c - a connected socket for an address: unix, tcp, or a command of ssh.
 *
 * ssh://host runs the ssh program, as docker's own client does, so that the user's keys, agent and
 * configuration hold; its stdin and stdout are one end of a socket pair.
 */
#include "devenv/http1.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

/* connect(2) with a deadline; 0 or an errno. */
static int connect_within(int fd, const struct sockaddr *address, socklen_t len, int timeout_ms)
{
	struct pollfd waiting = {fd, POLLOUT, 0};
	int os = 0, n;
	socklen_t size = sizeof(os);

	if (connect(fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return errno;
	do {
		n = poll(&waiting, 1, timeout_ms ? timeout_ms : -1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &size) < 0)
		return errno;
	return os;
}

static int dial_unix(const char *path, int timeout_ms, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int fd = -1;
	int os;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_FAILED, "the path %s is too long for a socket (%zu bytes)",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "make a socket");
	os = connect_within(fd, (struct sockaddr *)&address, sizeof(address), timeout_ms);
	if (os)
		return err_os(err, ERR_FAILED, os, "connect to %s", path);
	return TAKE_FD(fd);
}

/* "host:port", "[::1]:port" or "host" into its two parts; false when it is neither. */
static bool split_host(const char *text, char host[256], char port[8], const char *default_port)
{
	const char *end = *text == '[' ? strchr(text, ']') : strrchr(text, ':');
	const char *start = *text == '[' ? text + 1 : text;
	const char *digits = default_port;
	uint16_t number;

	if (*text == '[' && !end)
		return false;
	if (!end)
		end = text + strlen(text);
	if (*end == ']' && end[1] == ':')
		digits = end + 2;
	else if (*end == ':')
		digits = end + 1;
	if (end == start || end - start > 255 || !digits || !parse_port(digits, &number))
		return false;
	snprintf(host, 256, "%.*s", (int)(end - start), start);
	snprintf(port, 8, "%u", number);
	return true;
}

static int dial_tcp(const char *text, int timeout_ms, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char host[256], port[8];
	int failed, os = 0, one = 1;
	autoclose int fd = -1;

	if (!split_host(text, host, port, NULL))
		return err_set(err, ERR_FAILED, "\"%s\" is not HOST:PORT", text);
	failed = getaddrinfo(host, port, &hints, &list);
	if (failed)
		return err_set(err, ERR_FAILED, "find %s: %s", host, gai_strerror(failed));
	for (struct addrinfo *each = list; each; each = each->ai_next) {
		cleanup_close(&fd);
		fd = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		os = fd < 0 ? errno
			    : connect_within(fd, each->ai_addr, each->ai_addrlen, timeout_ms);
		if (!os)
			break;
	}
	freeaddrinfo(list);
	if (os)
		return err_os(err, ERR_FAILED, os, "connect to %s", text);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return TAKE_FD(fd);
}

/* Run argv with `fd` as its stdin and stdout; it is not waited for (it ends with the socket). */
static int spawn_on(int fd, const char *const *argv, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t set;
	pid_t pid;
	int failed;

	posix_spawnattr_init(&attributes);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attributes, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	posix_spawnattr_setpgroup(&attributes, 0);
	/* A group of its own: Ctrl-C is for devenv, which then says good-bye to the engine. */
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, 1);
	failed = posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (failed)
		return err_os(err, ERR_FAILED, failed, "run %s", argv[0]);
	return 0;
}

static int dial_ssh(const char *text, struct err *err)
{
	char host[256], port[8];
	int pair[2];
	int result;

	/* Without a port it stays ssh_config's choice; a path after the host has no meaning. */
	if (*text == '-' || strchr(text, '/'))
		return err_set(
			err, ERR_FAILED, "\"ssh://%s\" is not ssh://[USER@]HOST[:PORT]", text);
	if (!split_host(text, host, port, "22"))
		return err_set(
			err, ERR_FAILED, "\"ssh://%s\" is not ssh://[USER@]HOST[:PORT]", text);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_os(err, ERR_FAILED, errno, "make a socket pair");
	if (strchr(text, ':'))
		result = spawn_on(pair[1],
			(const char *const[]){"ssh", "-p", port, "--", host, "docker", "system",
				"dial-stdio", NULL},
			err);
	else
		result = spawn_on(pair[1],
			(const char *const[]){
				"ssh", "--", host, "docker", "system", "dial-stdio", NULL},
			err);
	close(pair[1]);
	if (result < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

int net_dial(const char *address, int timeout_ms, struct err *err)
{
	if (str_starts(address, "unix://"))
		return dial_unix(address + strlen("unix://"), timeout_ms, err);
	if (str_starts(address, "tcp://"))
		return dial_tcp(address + strlen("tcp://"), timeout_ms, err);
	if (str_starts(address, "http://"))
		return dial_tcp(address + strlen("http://"), timeout_ms, err);
	if (str_starts(address, "ssh://"))
		return dial_ssh(address + strlen("ssh://"), err);
	if (str_starts(address, "npipe://"))
		return err_set(err, ERR_FAILED,
			"%s is a Windows pipe; inside WSL use unix:///var/run/docker.sock",
			address);
	return err_set(err, ERR_FAILED,
		"\"%s\" is no address of an engine (unix://PATH, tcp://HOST:PORT, ssh://HOST)",
		address);
}
