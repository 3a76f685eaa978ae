/*
 * ssh_pipe.c - `ssh -W` where there is no ssh: one forwarded connection on standard input.
 *
 * It is a hop of a ProxyJump chain, started by the session that goes through it, and ends with it:
 * whether the server behind still lives is for that session to find out.
 */
#include "devenv/ssh.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define QUEUE_MAX ((size_t)1 << 20) /* bytes for the server that TCP has not taken */
#define WINDOW ((size_t)8 << 20)

/* Bytes on their way in one direction. */
struct chunk {
	char data[CHUNK];
	size_t start, end;
};

struct pipe {
	struct ssh *ssh;
	struct ssh_channel *channel;
	struct chunk *up, *down; /* to the server, to the session that goes through us */
	bool up_ended, down_ended;
};

/* Sleep until something can move. -1: a signal. */
static int wait_for(const struct pipe *pipe, struct err *err)
{
	bool reads = pipe->channel && pipe->up->start == pipe->up->end && !pipe->up_ended &&
		     ssh_queued(pipe->ssh) < QUEUE_MAX;
	bool writes = pipe->channel && pipe->down->start < pipe->down->end;
	struct pollfd pfds[] = {
		{.fd = ssh_fd(pipe->ssh), .events = ssh_events(pipe->ssh)},
		{.fd = reads || writes ? STDIN_FILENO : -1,
			.events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))},
		{.fd = signals_fd(), .events = POLLIN},
	};
	int64_t deadline = ssh_deadline(pipe->ssh), left = deadline - clock_ms();

	if (poll(pfds, 3, deadline < 0 ? -1 : left > 0 ? (int)left : 0) < 0 && errno != EINTR)
		return err_os(err, ERR_TUNNEL, errno, "poll");
	if (signals_pending())
		return err_set(err, ERR_CANCELLED, "interrupted");
	ssh_io(pipe->ssh, pfds[0].revents);
	return 0;
}

static int connect_session(const struct pipe *pipe, struct err *err)
{
	int rc;

	if (ssh_start(pipe->ssh, err) < 0)
		return -1;
	while ((rc = ssh_step(pipe->ssh, err)) == 0)
		if (wait_for(pipe, err) < 0)
			return -1;
	return rc < 0 ? -1 : 0;
}

static int open_channel(struct pipe *pipe, const char *host, uint16_t port, struct err *err)
{
	int rc;

	while ((rc = ssh_open(pipe->ssh, host, port, false, &pipe->channel, err)) == SSH_AGAIN)
		if (!ssh_received(pipe->ssh) && wait_for(pipe, err) < 0)
			return -1;
	return rc < 0 ? -1 : 0;
}

/* Each: true when bytes moved or an end was seen. */
static bool move_up(struct pipe *pipe)
{
	struct chunk *up = pipe->up;
	ssize_t n;

	if (up->start == up->end && !pipe->up_ended && ssh_queued(pipe->ssh) < QUEUE_MAX) {
		n = recv(STDIN_FILENO, up->data, CHUNK, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		pipe->up_ended = n <= 0;
		up->start = 0;
		up->end = n > 0 ? (size_t)n : 0;
	}
	if (up->start == up->end)
		return false;
	n = ssh_write(pipe->channel, up->data + up->start, up->end - up->start);
	if (n <= 0)
		return false;
	up->start += (size_t)n;
	return true;
}

static bool move_down(struct pipe *pipe)
{
	struct chunk *down = pipe->down;
	ssize_t n;

	if (down->start == down->end && !pipe->down_ended) {
		n = ssh_read(pipe->channel, down->data, CHUNK);
		pipe->down_ended = n == 0;
		down->start = 0;
		down->end = n > 0 ? (size_t)n : 0;
		ssh_window(pipe->channel, WINDOW);
	}
	if (down->start == down->end)
		return false;
	n = send(STDIN_FILENO, down->data + down->start, down->end - down->start,
		MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		pipe->up_ended = true; /* nobody is there any more */
	if (n <= 0)
		return false;
	down->start += (size_t)n;
	return true;
}

/* Until the session that goes through us hangs up, or the server does. */
static int pump(struct pipe *pipe, struct err *err)
{
	for (;;) {
		bool moved = move_up(pipe);

		moved |= move_down(pipe);
		ssh_flush(pipe->ssh);
		if (!ssh_alive(pipe->ssh))
			return err_set(err, ERR_TUNNEL, "%s: %s", ssh_name(pipe->ssh),
				ssh_failure(pipe->ssh));
		if (pipe->up_ended && pipe->up->start == pipe->up->end)
			return 0;
		if (pipe->down_ended && pipe->down->start == pipe->down->end)
			return 0;
		if (!moved && !ssh_received(pipe->ssh) && wait_for(pipe, err) < 0)
			return -1;
	}
}

int ssh_pipe(const struct ssh_options *options, const char *host, uint16_t port, struct err *err)
{
	autofree struct chunk *up = xcalloc(1, sizeof(*up)), *down = xcalloc(1, sizeof(*down));
	struct pipe pipe = {.ssh = ssh_new(options, err), .up = up, .down = down};
	int rc;

	if (!pipe.ssh)
		return -1;
	rc = connect_session(&pipe, err);
	if (rc == 0)
		rc = open_channel(&pipe, host, port, err);
	if (rc == 0)
		rc = pump(&pipe, err);
	ssh_stop(pipe.ssh);
	if (pipe.channel)
		ssh_channel_free(pipe.channel);
	ssh_free(pipe.ssh);
	return rc;
}
