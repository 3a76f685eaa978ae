/*
 * doors.c - the ports of a server that is not there yet.
 *
 * While the volume is restored callers stand in the kernel's queue; so they are accepted only in
 * the end, all at once.  A server cannot be handed connections, and closing the listening sockets
 * resets those in the queue: so they are accepted, and their bytes copied to the server and back,
 * by a process that stays as long as the last of them does.
 *
 * Who comes after that and before the server listens is refused.  Linux lets a second socket listen
 * at a port only when both ask for SO_REUSEPORT and are of one user, and servers do not; to drop
 * the callers' SYNs instead, so that they come again by themselves, would take CAP_NET_ADMIN.
 */
#include "lazy.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE 4096
#define RETRY_MS 20
#define PIECE 65536

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* === listening === */

static int listen_on(const union address *address, socklen_t len)
{
	autoclose int fd = socket(
		address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -1;
	/* Or the server could not listen here while callers are connected. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &address->any, len) < 0 || listen(fd, QUEUE) < 0)
		return -1;
	return TAKE_FD(fd);
}

/* Both families by one socket; or IPv4, where there is no other. */
static int open_door(uint16_t port)
{
	union address in6 = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	union address in4 = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	int fd = listen_on(&in6, sizeof(in6.in6));

	return fd >= 0 ? fd : listen_on(&in4, sizeof(in4.in4));
}

int doors_open(struct doors *doors, const json_t *ports, struct err *err)
{
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port) {
		uint16_t number = (uint16_t)json_integer_value(port);
		int fd = open_door(number);

		if (fd < 0)
			return err_os(err, ERR_FAILED, errno, "listen on port %d", number);
		doors->fds = xgrow(doors->fds, doors->n, sizeof(*doors->fds));
		doors->fds[doors->n++] = fd;
	}
	return 0;
}

static bool is_loopback(const union address *address)
{
	const struct in6_addr *in6 = &address->in6.sin6_addr;

	if (address->any.sa_family == AF_INET)
		return ntohl(address->in4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}

static bool came_from_inside(int fd)
{
	union address own;
	socklen_t len = sizeof(own);

	return getsockname(fd, &own.any, &len) == 0 && is_loopback(&own);
}

static void keep(struct doors *doors, int fd)
{
	doors->callers = xgrow(doors->callers, doors->n_callers, sizeof(*doors->callers));
	doors->callers[doors->n_callers++] = fd;
}

static bool let_in(struct doors *doors, int door)
{
	autoclose int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || came_from_inside(fd))
		return false;
	keep(doors, TAKE_FD(fd));
	return true;
}

enum doors_event doors_wait(struct doors *doors, int signals)
{
	autofree struct pollfd *fds = xcalloc(doors->n + 1, sizeof(*fds));

	for (size_t i = 0; i < doors->n; i++)
		fds[i] = (struct pollfd){.fd = doors->fds[i], .events = POLLIN};
	fds[doors->n] = (struct pollfd){.fd = signals, .events = POLLIN};
	for (;;) {
		if (poll(fds, doors->n + 1, -1) < 0)
			continue;
		if (fds[doors->n].revents)
			return DOORS_SIGNAL;
		for (size_t i = 0; i < doors->n; i++)
			if (fds[i].revents && let_in(doors, fds[i].fd))
				return DOORS_CALLER;
	}
}

static void accept_all(struct doors *doors)
{
	for (size_t i = 0; i < doors->n; i++)
		for (;;) {
			int fd = accept4(doors->fds[i], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

			if (fd < 0)
				break;
			keep(doors, fd);
		}
}

void doors_close(struct doors *doors)
{
	accept_all(doors);
	for (size_t i = 0; i < doors->n; i++)
		close(doors->fds[i]);
	free(doors->fds);
	doors->fds = NULL;
	doors->n = 0;
}

void doors_refuse(struct doors *doors)
{
	accept_all(doors);
	for (size_t i = 0; i < doors->n_callers; i++)
		close(doors->callers[i]);
	free(doors->callers);
	doors->callers = NULL;
	doors->n_callers = 0;
}

/* === passing on === */

/* What came from one side and goes to the other. */
struct flow {
	int from, to;
	size_t at, len;
	bool ended;
	char data[PIECE];
};

/* -1: the connection is over. */
static int take(struct flow *flow)
{
	ssize_t n = recv(flow->from, flow->data, sizeof(flow->data), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	flow->at = 0;
	flow->len = (size_t)n;
	if (n == 0) {
		flow->ended = true;
		shutdown(flow->to, SHUT_WR);
	}
	return 0;
}

static int give(struct flow *flow)
{
	ssize_t n = send(flow->to, flow->data + flow->at, flow->len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	flow->at += (size_t)n;
	flow->len -= (size_t)n;
	return 0;
}

static short events_of(const struct flow *in, const struct flow *out)
{
	short events = 0;

	if (!in->ended && !in->len)
		events |= POLLIN;
	if (out->len)
		events |= POLLOUT;
	return events;
}

/* Of what there is nothing to ask, only that it hung up could be told: again and again. */
static struct pollfd question(const struct flow *in, const struct flow *out)
{
	short events = events_of(in, out);

	return (struct pollfd){.fd = events ? in->from : -1, .events = events};
}

/* A failure, and a hang-up, are for whichever was asked for. */
static int answer(const struct pollfd *fd, struct flow *in, struct flow *out)
{
	short failed = fd->revents & (POLLERR | POLLHUP);

	if (fd->events & POLLIN && (fd->revents & POLLIN || failed) && take(in) < 0)
		return -1;
	return fd->events & POLLOUT && (fd->revents & POLLOUT || failed) ? give(out) : 0;
}

/* `flows`: from the caller, and to the caller. */
static void copy(struct flow flows[2])
{
	struct flow *in = &flows[0], *out = &flows[1];

	while (!in->ended || !out->ended) {
		struct pollfd fds[2] = {question(in, out), question(out, in)};

		if (poll(fds, 2, -1) >= 0 &&
			(answer(&fds[0], in, out) < 0 || answer(&fds[1], out, in) < 0))
			return;
	}
}

/* "ready" in its eighth line, as pg_ctl looks for it (LOCK_FILE_LINE_PM_STATUS of pidfile.h). */
static bool is_ready(const char *pid_file)
{
	char text[1024];
	autoclose int fd = open(pid_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line = text;

	if (n < 0)
		return false;
	text[n] = '\0';
	for (int i = 1; i < 8 && line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line && (str_starts(line, "ready") || str_starts(line, "standby"));
}

struct caller {
	pthread_t thread;
	const char *pid_file;
	int fd;
};

/* Linux connects a socket to itself when it draws the port that it looks for. */
static bool is_itself(int fd, const union address *server)
{
	union address own;
	socklen_t len = sizeof(own);

	/* The port is at the same place in both families. */
	return getsockname(fd, &own.any, &len) == 0 && own.in4.sin_port == server->in4.sin_port;
}

/* To where the caller wanted to; -1: not yet. */
static int reach_server(const struct caller *caller)
{
	union address own;
	socklen_t len = sizeof(own);
	autoclose int fd = -1;

	if ((caller->pid_file && !is_ready(caller->pid_file)) ||
		getsockname(caller->fd, &own.any, &len) < 0)
		return -1;
	fd = socket(own.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &own.any, len) < 0 || is_itself(fd, &own) ||
		fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return TAKE_FD(fd);
}

static void *serve_caller(void *arg)
{
	struct caller *caller = arg;
	autofree struct flow *flows = xcalloc(2, sizeof(*flows));
	autoclose int client = caller->fd, server = -1;

	for (server = reach_server(caller); server < 0; server = reach_server(caller)) {
		struct pollfd gone = {.fd = client, .events = POLLRDHUP};

		if (poll(&gone, 1, RETRY_MS) > 0)
			return NULL;
	}
	flows[0].from = flows[1].to = client;
	flows[0].to = flows[1].from = server;
	copy(flows);
	return NULL;
}

void doors_pass_on(struct doors *doors, const char *pid_file)
{
	autofree struct caller *callers = xcalloc(doors->n_callers, sizeof(*callers));

	for (size_t i = 0; i < doors->n_callers; i++) {
		callers[i].fd = doors->callers[i];
		callers[i].pid_file = pid_file;
		if (pthread_create(&callers[i].thread, NULL, serve_caller, &callers[i]) == 0)
			continue;
		close(callers[i].fd);
		callers[i].fd = -1;
	}
	for (size_t i = 0; i < doors->n_callers; i++)
		if (callers[i].fd >= 0)
			pthread_join(callers[i].thread, NULL);
}
