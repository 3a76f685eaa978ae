/*
 * ssh_mux_stdio.c - connections that the installed ssh carries by itself (ssh_openssh.h).
 *
 * Each is a request on a control connection of its own (OpenSSH's PROTOCOL.mux section 5: what
 * `ssh -W` sends): ssh gets one end of two pipes for its standard input and output, and closes them
 * where the channel ends.  A killed ssh closes them too.  So the end of a pipe counts as the
 * server's only after ssh has answered a question put later, on one more control connection.
 */
#include "ssh_openssh.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MUX_C_ALIVE_CHECK 0x10000004u
#define MUX_C_NEW_STDIO_FWD 0x10000008u
#define MUX_S_ALIVE 0x80000005u
#define MUX_S_SESSION_OPENED 0x80000006u

#define HEARD_MAX ((size_t)4 << 10)
#define REQUEST_MAX ((size_t)4 << 10)
#define PIPE_SIZE (1 << 20) /* what the kernel lets everybody have */

/* ssh gives a channel 2 MiB of window: on a longer line than this, ours that grow are faster. */
#define NEAR_US 8000

bool mux_stdio_pays(const struct ssh *ssh)
{
	return ssh->quickest && ssh->quickest < NEAR_US;
}

/* === descriptors === */

static int watch(struct ssh *ssh, struct mux_stdio *stdio, int fd)
{
	struct epoll_event wish = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = stdio};

	return epoll_ctl(ssh->master->epoll, EPOLL_CTL_ADD, fd, &wish);
}

/* A child between its fork and exec may keep what we close: it would be watched on. */
static void drop(const struct ssh_master *master, int *fd)
{
	if (*fd >= 0)
		epoll_ctl(master->epoll, EPOLL_CTL_DEL, *fd, NULL);
	cleanup_close(fd);
}

static void release(struct ssh_master *master, struct mux_stdio *stdio)
{
	struct mux_stdio **at = &master->mux.stdios;

	while (*at != stdio)
		at = &(*at)->next;
	*at = stdio->next;
	drop(master, &stdio->pipes.to);
	drop(master, &stdio->pipes.from);
	drop(master, &stdio->control);
	buf_release(&stdio->heard);
	free(stdio);
}

void mux_stdio_release_all(struct ssh_master *master)
{
	while (master->mux.stdios)
		release(master, master->mux.stdios);
}

/* === control connections === */

static int connect_control(const struct ssh_master *master)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Its name is gone, so that nobody else comes in. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", master->door);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return TAKE_FD(fd);
}

static struct mux_stdio *stdio_new(struct ssh *ssh)
{
	struct ssh_master *master = ssh->master;
	struct mux_stdio *stdio = xcalloc(1, sizeof(*stdio));

	stdio->pipes.to = stdio->pipes.from = -1;
	stdio->heard.limit = HEARD_MAX;
	stdio->next = master->mux.stdios;
	master->mux.stdios = stdio;
	stdio->control = connect_control(master);
	if (stdio->control >= 0 && watch(ssh, stdio, stdio->control) == 0)
		return stdio;
	release(master, stdio);
	return NULL;
}

/* Few bytes into an empty socket: all of them, or it is of no use. */
static int say(const struct mux_stdio *stdio, const struct buf *words)
{
	ssize_t n = send(stdio->control, words->data, words->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == (ssize_t)words->len ? 0 : -1;
}

static int hand_over(const struct mux_stdio *stdio, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_len = CMSG_LEN(sizeof(fd));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(stdio->control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static void put_hello(struct buf *words)
{
	ssh_put_u32(words, 8);
	ssh_put_u32(words, MUX_MSG_HELLO);
	ssh_put_u32(words, MUX_VERSION);
}

static void on_message(struct mux_stdio *stdio, struct ssh_reader *in)
{
	uint32_t type = ssh_read_u32(in), number = ssh_read_u32(in);

	if (type == MUX_S_SESSION_OPENED)
		stdio->opened = true;
	else if (type == MUX_S_ALIVE)
		stdio->alive = number;
	else if (type != MUX_MSG_HELLO)
		stdio->refused = true;
}

/* What has arrived on a control connection. */
static void hear(const struct ssh_master *master, struct mux_stdio *stdio)
{
	struct buf *heard = &stdio->heard;
	char data[256];
	ssize_t n;

	while (stdio->told && (n = recv(stdio->control, data, sizeof(data), MSG_DONTWAIT)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			stdio->told = false;
		if (n < 0 || buf_add(heard, data, (size_t)n) < 0)
			break;
		while (heard->len >= 4) {
			struct ssh_reader in = {
				(const unsigned char *)heard->data, heard->len, false};
			size_t size = ssh_read_u32(&in);

			if (in.left < size)
				break;
			on_message(stdio, &in);
			buf_consume(heard, 4 + size);
		}
	}
	if (stdio->told) /* its end, or nonsense */
		drop(master, &stdio->control);
	stdio->told = false;
}

/* === opening === */

static int ask_for(struct mux_stdio *stdio, const char *host, uint16_t port, int in, int out)
{
	autobuf struct buf words = BUF_INIT(REQUEST_MAX), request = BUF_INIT(REQUEST_MAX);

	ssh_put_u32(&request, MUX_C_NEW_STDIO_FWD);
	ssh_put_u32(&request, 0);
	ssh_put_string(&request, "", 0);
	ssh_put_string(&request, host, strlen(host));
	ssh_put_u32(&request, port);
	put_hello(&words);
	ssh_put_string(&words, request.data, request.len);
	if (say(stdio, &words) < 0 || hand_over(stdio, in) < 0)
		return -1;
	return hand_over(stdio, out);
}

static int make_pipes(struct ssh *ssh, struct mux_stdio *stdio, const char *host, uint16_t port)
{
	autoclose int in = -1, out = -1;
	int up[2], down[2];

	if (pipe2(up, O_CLOEXEC) < 0)
		return -1;
	in = up[0];
	stdio->pipes.to = up[1];
	if (pipe2(down, O_CLOEXEC) < 0)
		return -1;
	stdio->pipes.from = down[0];
	out = down[1];
	fcntl(stdio->pipes.to, F_SETPIPE_SZ, PIPE_SIZE); /* with the usual size it is slower */
	fcntl(stdio->pipes.from, F_SETPIPE_SZ, PIPE_SIZE);
	if (fcntl(stdio->pipes.to, F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(stdio->pipes.from, F_SETFL, O_NONBLOCK) < 0 ||
		watch(ssh, stdio, stdio->pipes.to) < 0 || watch(ssh, stdio, stdio->pipes.from) < 0)
		return -1;
	return ask_for(stdio, host, port, in, out);
}

/* The connection for questions, once a session. */
static int make_pulse(struct ssh *ssh)
{
	struct mux *mux = &ssh->master->mux;
	autobuf struct buf words = BUF_INIT(REQUEST_MAX);

	if (mux->pulse)
		return 0;
	mux->pulse = stdio_new(ssh);
	put_hello(&words);
	if (mux->pulse && say(mux->pulse, &words) == 0)
		return 0;
	if (mux->pulse)
		release(ssh->master, TAKE(mux->pulse));
	return -1;
}

struct mux_stdio *mux_stdio_open(struct ssh *ssh, const char *host, uint16_t port)
{
	struct mux_stdio *stdio = make_pulse(ssh) == 0 ? stdio_new(ssh) : NULL;

	if (!stdio || make_pipes(ssh, stdio, host, port) == 0)
		return stdio;
	release(ssh->master, stdio);
	return NULL;
}

int mux_stdio_opened(struct ssh *ssh, struct mux_stdio *stdio)
{
	hear(ssh->master, stdio);
	if (stdio->opened)
		return 0;
	if (!stdio->refused && stdio->control >= 0)
		return SSH_AGAIN;
	release(ssh->master, stdio);
	return SSH_REFUSED;
}

/* === bytes, and ends === */

/* Has ssh, which has closed our pipe, gone on since? */
static bool proven(struct ssh *ssh, struct mux_stdio *stdio)
{
	struct mux *mux = &ssh->master->mux;
	autobuf struct buf words = BUF_INIT(REQUEST_MAX);

	if (!stdio->question) {
		stdio->question = ++mux->questions;
		ssh_put_u32(&words, 8);
		ssh_put_u32(&words, MUX_C_ALIVE_CHECK);
		ssh_put_u32(&words, stdio->question);
		if (say(mux->pulse, &words) < 0) { /* ssh has ended: its socket will say so */
			stdio->question = 0;
			return false;
		}
	}
	hear(ssh->master, mux->pulse);
	return mux->pulse->alive >= stdio->question;
}

ssize_t mux_stdio_read(struct ssh *ssh, struct mux_stdio *stdio, void *data, size_t len)
{
	ssize_t n = read(stdio->pipes.from, data, len);

	if (n > 0)
		return n;
	if (n == 0)
		return proven(ssh, stdio) ? 0 : SSH_AGAIN;
	stdio->pipes.readable = errno == EINTR;
	return SSH_AGAIN;
}

ssize_t mux_stdio_write(struct mux_stdio *stdio, const void *data, size_t len)
{
	ssize_t n = write(stdio->pipes.to, data, len);

	if (n > 0)
		return n;
	if (n < 0 && errno == EPIPE)
		return SSH_REFUSED;
	stdio->pipes.writable = n < 0 && errno == EINTR;
	return SSH_AGAIN;
}

void mux_stdio_send_eof(struct ssh *ssh, struct mux_stdio *stdio)
{
	drop(ssh->master, &stdio->pipes.to);
}

bool mux_stdio_is_closed(struct ssh *ssh, struct mux_stdio *stdio)
{
	hear(ssh->master, stdio);
	return stdio->control < 0;
}

int mux_stdio_free(struct ssh *ssh, struct mux_stdio *stdio)
{
	/* When both ends are passed on, ssh still has some bytes; else it is to break off. */
	if (ssh_alive(ssh) && stdio->pipes.to < 0 && stdio->question &&
		!mux_stdio_is_closed(ssh, stdio))
		return SSH_AGAIN;
	release(ssh->master, stdio);
	return 0;
}
