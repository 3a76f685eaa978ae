/*
 * splice.c - bytes between a client and the pipes of an ssh that carries its connection.
 *
 * The kernel moves them: nothing is copied here, and what there is to count is counted.
 */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>

#define MOVE_MAX ((size_t)1 << 20)

/*
 * How many bytes went; SSH_AGAIN, or SSH_REFUSED with errno; 0 where it cannot be told: at the end,
 * or at what cannot be spliced (urgent data).
 */
static ssize_t move(int from, bool *readable, int to, bool *writable)
{
	struct pollfd ends[] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
	ssize_t n = splice(from, NULL, to, NULL, MOVE_MAX, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n >= 0)
		return n;
	if (errno == EINTR)
		return SSH_AGAIN;
	if (errno != EAGAIN)
		return SSH_REFUSED;
	if (poll(ends, 2, 0) >= 0) { /* which of the two it was */
		*readable = ends[0].revents != 0;
		*writable = ends[1].revents != 0;
	}
	return *readable && *writable ? 0 : SSH_AGAIN;
}

static struct ssh_pipes *pipes_of(const struct conn *conn)
{
	return conn->channel ? ssh_pipes(conn->channel) : NULL;
}

bool splice_up(struct conn *conn, bool *moved)
{
	struct ssh_pipes *pipes = pipes_of(conn);
	ssize_t n;

	*moved = false;
	if (!pipes)
		return false;
	if (!pipes->writable)
		return true;
	n = move(conn->fd, &conn->readable, pipes->to, &pipes->writable);
	if (n == 0 || (n == SSH_REFUSED && errno == EPIPE))
		return false;
	if (n == SSH_REFUSED)
		conn_broke_off(conn);
	*moved = n != SSH_AGAIN;
	if (n > 0) {
		conn->sent += (uint64_t)n;
		conn->listener->sent += (uint64_t)n;
	}
	return true;
}

bool splice_down(struct conn *conn, bool *moved)
{
	struct ssh_pipes *pipes = pipes_of(conn);
	ssize_t n;

	*moved = false;
	if (!pipes)
		return false;
	if (!pipes->readable || !conn->writable)
		return true;
	n = move(pipes->from, &pipes->readable, conn->fd, &conn->writable);
	if (n == 0)
		return false;
	if (n == SSH_REFUSED)
		conn_broke_off(conn);
	*moved = n != SSH_AGAIN;
	if (n > 0) {
		conn->given += (uint64_t)n;
		conn->listener->given += (uint64_t)n;
	}
	return true;
}

bool splice_waits(const struct conn *conn)
{
	const struct ssh_pipes *pipes = pipes_of(conn);

	return pipes && pipes->readable && !conn->writable;
}
