/*
 * listener.c - the local end: on 127.0.0.1 unless the manifest asks for more, or for a Unix socket.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/port.h"
#include "audit.h"
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 100
#define CONNS_MAX 4096

static int bind_failed(const struct listener *listener, int os, struct err *err)
{
	const struct tunnel_spec *spec = listener->spec;
	autofree char *holder = os == EADDRINUSE ? port_holder(spec->port) : NULL;

	if (os != EADDRINUSE)
		return err_os(err, ERR_TUNNEL, os, "tunnel \"%s\": listen on port %u", spec->name,
			spec->port);
	return err_set(err, ERR_TUNNEL,
		"tunnel \"%s\": port %u is taken by %s; stop it, or change \"port\" in the "
		"manifest",
		spec->name, spec->port, holder ? holder : "another program");
}

static int listen_at(int fd, const char *host, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, host, &address.sin_addr);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return listen(fd, LISTENER_BACKLOG);
}

static int listen_as(int fd, const struct tunnel_spec *spec)
{
	if (spec->aside)
		return spec->port && listen_at(fd, TUNNEL_ASIDE, spec->port) == 0
			       ? 0
			       : listen_at(fd, "127.0.0.1", 0);
	return listen_at(fd, spec->gateway ? "0.0.0.0" : "127.0.0.1", spec->port);
}

static int open_tcp(struct listener *listener, struct err *err)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return err_os(err, ERR_TUNNEL, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listen_as(fd, listener->spec) < 0)
		return bind_failed(listener, errno, err);
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_os(err, ERR_TUNNEL, errno, "getsockname");
	listener->port = ntohs(address.sin_port);
	listener->fd = TAKE_FD(fd);
	return 0;
}

int listener_open(struct listener *listener, struct err *err)
{
	return listener->spec->socket ? listener_open_unix(listener, err) : open_tcp(listener, err);
}

void listener_close(struct listener *listener)
{
	if (listener->fd >= 0 && listener->spec->socket)
		listener_remove_socket(listener);
	cleanup_close(&listener->fd);
}

/* Who has connected, for the audit. The caller's. */
static char *client_of(int fd, const struct sockaddr_storage *peer)
{
	struct ucred who = {0};
	socklen_t len = sizeof(who);

	if (peer->ss_family == AF_INET)
		return audit_address((const struct sockaddr_in *)(const void *)peer);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	return xasprintf("process %d", (int)who.pid);
}

void listener_accept(struct loop *loop, struct listener *listener)
{
	int on = 1;

	while (loop->n_conns < CONNS_MAX) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(
			listener->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			loop->accept_at = clock_ms() + PAUSE_MS;
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* TCP only */
		conn_new(loop, listener, fd)->client = client_of(fd, &peer);
		listener->opened++;
		link_wanted(listener->link);
	}
	loop->accept_at = clock_ms() + PAUSE_MS;
}
