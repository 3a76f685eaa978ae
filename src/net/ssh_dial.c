/*
 * ssh_dial.c - getting a connected socket: by name in a thread, or through a proxy program.
 *
 * getaddrinfo(3) has no non-blocking form, and a poll loop that serves other bastions must not wait
 * for a dead DNS server.  The thread owns nothing but the struct, which lives until both sides let
 * go.
 */
#include "ssh_config_reader.h"
#include "ssh_session.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct ssh_dial {
	atomic_int refs;
	char *host;
	uint16_t port;
	int family;
	char *bind_address, *bind_interface; /* where to connect from, or NULL */
	int timeout_ms;                      /* of each attempt */
	int attempts;
	int pipe[2];
	int fd;
	char *address;
	struct err err;
};

static void dial_put(struct ssh_dial *dial)
{
	if (atomic_fetch_sub(&dial->refs, 1) != 1)
		return;
	if (dial->fd >= 0)
		close(dial->fd);
	close(dial->pipe[0]);
	free(dial->host);
	free(dial->bind_address);
	free(dial->bind_interface);
	free(dial->address);
	free(dial);
}

/* Wait for a connect(2) under way; 0 or an errno. */
static int wait_connected(int fd, int64_t deadline)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	int problem = 0;
	socklen_t len = sizeof(problem);

	for (;;) {
		int64_t left = deadline - clock_ms();
		int n = poll(&pfd, 1, left > 0 ? (int)left : 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return ETIMEDOUT;
		break;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0)
		return errno;
	return problem;
}

/* BindAddress: 0 or an errno. */
static int bind_to_address(const struct ssh_dial *dial, int family, int fd)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
	int problem = EADDRNOTAVAIL;

	if (getaddrinfo(dial->bind_address, NULL, &hints, &list) == 0)
		problem = bind(fd, list->ai_addr, list->ai_addrlen) < 0 ? errno : 0;
	if (list)
		freeaddrinfo(list);
	return problem;
}

/* BindInterface: from its first address of the family. 0 or an errno. */
static int bind_to_interface(const struct ssh_dial *dial, int family, int fd)
{
	socklen_t len = family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
	struct ifaddrs *list = NULL;
	int problem = EADDRNOTAVAIL;

	if (getifaddrs(&list) < 0)
		return errno;
	for (struct ifaddrs *at = list; at && problem == EADDRNOTAVAIL; at = at->ifa_next)
		if (str_eq(at->ifa_name, dial->bind_interface) && at->ifa_addr &&
			at->ifa_addr->sa_family == family)
			problem = bind(fd, at->ifa_addr, len) < 0 ? errno : 0;
	freeifaddrs(list);
	return problem;
}

/* As ssh has it, the address comes before the interface. */
static int bind_source(const struct ssh_dial *dial, int family, int fd)
{
	if (dial->bind_address)
		return bind_to_address(dial, family, fd);
	return dial->bind_interface ? bind_to_interface(dial, family, fd) : 0;
}

static int connect_one(
	const struct ssh_dial *dial, const struct addrinfo *address, int64_t deadline, int *problem)
{
	autoclose int fd = socket(address->ai_family,
		address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);

	*problem = fd < 0 ? errno : bind_source(dial, address->ai_family, fd);
	if (*problem)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		*problem = errno;
	else
		*problem = wait_connected(fd, deadline);
	return *problem ? -1 : TAKE_FD(fd);
}

static void note_address(struct ssh_dial *dial, const struct addrinfo *address)
{
	char text[NI_MAXHOST] = "";

	getnameinfo(
		address->ai_addr, address->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	free(dial->address);
	dial->address = xstrdup(text);
}

/* 0 or an errno. */
static int try_all(struct ssh_dial *dial, const struct addrinfo *list)
{
	int64_t deadline = clock_ms() + dial->timeout_ms;
	int problem = 0;

	for (; list && dial->fd < 0; list = list->ai_next) {
		note_address(dial, list);
		dial->fd = connect_one(dial, list, deadline, &problem);
	}
	return problem;
}

static void dial_run(struct ssh_dial *dial)
{
	struct addrinfo hints = {.ai_family = dial->family, .ai_socktype = SOCK_STREAM},
			*list = NULL;
	autofree char *port = xasprintf("%u", dial->port);
	const char *from = dial->bind_address ? dial->bind_address : dial->bind_interface;
	int problem = 0, rc = getaddrinfo(dial->host, port, &hints, &list);

	if (rc != 0) {
		err_set(&dial->err, ERR_TUNNEL, "the name \"%s\" cannot be resolved: %s",
			dial->host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
		return;
	}
	/* For as long as somebody waits for it. */
	for (int i = 0; i < dial->attempts && dial->fd < 0 && atomic_load(&dial->refs) > 1; i++) {
		if (i)
			clock_sleep_ms(SSH_ATTEMPT_PAUSE_MS);
		problem = try_all(dial, list);
	}
	freeaddrinfo(list);
	if (dial->fd < 0)
		err_os(&dial->err, ERR_TUNNEL, problem, "connect to %s port %u%s%s", dial->host,
			dial->port, from ? " from " : "", from ? from : "");
}

static void *dial_thread(void *arg)
{
	struct ssh_dial *dial = arg;

	dial_run(dial);
	close(dial->pipe[1]); /* what the other side waits for */
	dial_put(dial);
	return NULL;
}

struct ssh_dial *ssh_dial_start(
	const struct ssh_config *config, int timeout_ms, int attempts, struct err *err)
{
	struct ssh_dial *dial = xcalloc(1, sizeof(*dial));
	sigset_t all, before;
	pthread_t thread;
	int rc;

	if (pipe2(dial->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		err_os(err, ERR_TUNNEL, errno, "pipe");
		free(dial);
		return NULL;
	}
	dial->host = xstrdup(config->host);
	dial->port = config->port;
	dial->family = config->family;
	dial->bind_address = config->bind_address ? xstrdup(config->bind_address) : NULL;
	dial->bind_interface = config->bind_interface ? xstrdup(config->bind_interface) : NULL;
	dial->timeout_ms = timeout_ms;
	dial->attempts = attempts;
	dial->fd = -1;
	atomic_init(&dial->refs, 2);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	rc = pthread_create(&thread, NULL, dial_thread, dial);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		err_os(err, ERR_TUNNEL, rc, "start a thread");
		close(dial->pipe[1]);
		atomic_store(&dial->refs, 1);
		dial_put(dial);
		return NULL;
	}
	pthread_detach(thread);
	return dial;
}

int ssh_dial_fd(const struct ssh_dial *dial)
{
	return dial->pipe[0];
}

int ssh_dial_take(struct ssh_dial *dial, char **address, struct err *err)
{
	int fd = TAKE_FD(dial->fd);

	*address = TAKE(dial->address);
	if (fd < 0)
		*err = dial->err;
	dial_put(dial);
	return fd;
}

void ssh_dial_drop(struct ssh_dial *dial)
{
	dial_put(dial);
}

/* === proxies === */

static int spawn_on(int fd, char *const *argv, pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int rc;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

int ssh_proxy_start(const struct ssh_config *config, const char *agent, pid_t *pid, struct err *err)
{
	autostrv struct strv argv = STRV_INIT;
	autoclose int ours = -1, theirs = -1;
	int pair[2], rc;

	if (agent) {
		strv_push(&argv, "env");
		strv_pushf(&argv, "SSH_AUTH_SOCK=%s", agent);
	}
	if (config->proxy_jump) {
		if (ssh_jump_argv(config, &argv, err) < 0)
			return -1;
	} else {
		strv_push(&argv, "/bin/sh");
		strv_push(&argv, "-c");
		strv_pushf(&argv, "exec %s", config->proxy_command);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_os(err, ERR_TUNNEL, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	rc = spawn_on(theirs, argv.v, pid);
	if (rc != 0)
		return err_os(err, ERR_TUNNEL, rc, "start the proxy to %s", config->host);
	fcntl(ours, F_SETFL, O_NONBLOCK);
	return TAKE_FD(ours);
}

void ssh_proxy_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	for (int i = 0; i < 20; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		clock_sleep_ms(10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
