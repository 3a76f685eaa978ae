/*
 * conn.c - one client's bytes, both ways.
 *
 * Each direction holds at most LOOP_CHUNK bytes, and no memory when idle; what the other side does
 * not take stays with its sender (TCP's and SSH's windows).  An end of stream is passed on by
 * itself: half-close works.  When the session is lost the client gets a reset, never an end that
 * looks like a complete answer.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "audit.h"
#include "loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE_MAX ((size_t)1 << 20) /* bytes for the server that TCP has not taken */
#define WINDOW_START ((size_t)2 << 20)
#define WINDOW_MAX ((size_t)8 << 20)
#define WINDOW_BUDGET ((size_t)64 << 20) /* for all connections, beyond WINDOW_START each */
#define OUTAGE_WAIT_MS 8000
#define OPEN_WAIT_MS 60000
#define PROBE_WAIT_MS 20000
#define LINGER_MS 3000

struct conn *conn_new(struct loop *loop, struct listener *listener, int fd)
{
	struct conn *conn = xcalloc(1, sizeof(*conn)), **at = &loop->conns;

	conn->listener = listener;
	conn->link = listener->link;
	conn->fd = fd;
	conn->up.limit = conn->down.limit = 4 * LOOP_CHUNK;
	conn->window = WINDOW_START;
	conn->since = conn->born = clock_ms();
	conn->began = clock_wall();
	conn->check = listener->spec->guard ? "unknown" : "off";
	conn->readable = conn->writable = true;
	if (fd >= 0)
		conn->guard = guard_new(listener->spec->guard, listener->spec->allow_unverified);
	while (*at) /* first come, first served */
		at = &(*at)->next;
	*at = conn;
	loop->n_conns++;
	return conn;
}

/* === buffers, which go round among the connections === */

/* Room for LOOP_READ bytes in an empty buffer. */
static char *borrow(struct loop *loop, struct buf *buf)
{
	if (!buf->data && loop->n_spares) {
		buf->data = loop->spares[--loop->n_spares];
		buf->cap = LOOP_CHUNK;
	}
	return buf_reserve(buf, LOOP_READ);
}

static void give_back(struct loop *loop, struct buf *buf)
{
	if (buf->cap == LOOP_CHUNK && loop->n_spares < LOOP_SPARES)
		loop->spares[loop->n_spares++] = TAKE(buf->data);
	buf_release(buf);
}

void conn_why(struct conn *conn, const char *fmt, ...)
{
	autobuf struct buf text = BUF_INIT(512);
	va_list args;

	if (conn->why)
		return;
	va_start(args, fmt);
	buf_vaddf(&text, fmt, args);
	va_end(args);
	conn->why = buf_detach(&text);
}

static void close_client(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->state = conn->channel ? CONN_CLOSING : CONN_OVER;
}

void conn_finish(struct conn *conn)
{
	/* libssh2 cannot break off an open: its answer is waited for, without a client. */
	bool opening = conn->state == CONN_OPENING;

	close_client(conn);
	if (opening)
		conn->state = CONN_OPENING;
}

void conn_reset(struct conn *conn)
{
	struct linger linger = {.l_onoff = 1};

	if (conn->fd >= 0)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	conn_finish(conn);
}

void conn_broke_off(struct conn *conn)
{
	conn_why(conn, "the client broke off");
	conn_reset(conn);
}

static void write_audit(struct loop *loop, const struct conn *conn)
{
	struct audit_line line = {
		.spec = conn->listener->spec,
		.client = conn->client,
		.began = conn->began,
		.ms = clock_ms() - conn->born,
		.up = conn->sent,
		.down = conn->given,
		.check = conn->check,
		.why = conn->why ? conn->why : "the tunnel was closed",
	};
	struct err err = ERR_INIT;

	if (!loop->run->audit || !conn->client)
		return;
	if (audit_write(loop->run->audit, &line, &err) < 0 && !loop->audit_told) {
		loop->audit_told = true;
		sink_warn(loop->sink, NULL, "connections are not recorded: %s", err.msg);
	}
}

void conn_sweep(struct loop *loop)
{
	struct conn **at = &loop->conns, *conn;

	while ((conn = *at)) {
		if (conn->state != CONN_OVER) {
			at = &conn->next;
			continue;
		}
		*at = conn->next;
		loop->n_conns--;
		loop->window_bytes -= conn->window - WINDOW_START;
		write_audit(loop, conn);
		prober_lost(conn);
		free(conn->client);
		free(conn->why);
		buf_release(&conn->up);
		buf_release(&conn->down);
		guard_free(conn->guard);
		free(conn);
	}
}

/* === where bytes are read to === */

/*
 * Where bytes that go on in `buf` are read to, and how many. With a guard they pass it first, and
 * what it holds while it follows a login must fit beside them.
 */
static char *room_for(struct loop *loop, const struct conn *conn, struct buf *buf, size_t *len)
{
	bool login = conn->guard && conn->guard->verdict == GUARD_FOLLOWING;

	*len = login ? LOOP_READ / 4 : LOOP_READ;
	return conn->guard ? loop->chunk : borrow(loop, buf);
}

static void from_client(struct loop *loop, struct conn *conn, size_t n)
{
	conn->sent += n;
	conn->listener->sent += n;
	if (!conn->guard)
		conn->up.len = n;
	else
		conn_guarded(loop, conn,
			guard_client(conn->guard, loop->chunk, n, &conn->up, &conn->down));
}

static void from_server(struct loop *loop, struct conn *conn, size_t n)
{
	conn->given += n;
	conn->listener->given += n;
	if (!conn->guard)
		conn->down.len = n;
	else
		conn_guarded(loop, conn,
			guard_server(conn->guard, loop->chunk, n, &conn->up, &conn->down));
}

/* === to the server === */

static bool read_client(struct loop *loop, struct conn *conn)
{
	bool moved;
	size_t len;
	ssize_t n;
	char *to;

	if (conn->client_eof || !conn->readable || conn->up.len ||
		(conn->guard && guard_holds(conn->guard)) ||
		ssh_queued(conn->link->ssh) > QUEUE_MAX)
		return false;
	if (splice_up(conn, &moved))
		return moved;
	to = room_for(loop, conn, &conn->up, &len);
	n = recv(conn->fd, to, len, MSG_DONTWAIT);
	if (n <= 0)
		give_back(loop, &conn->up);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn->readable = false;
		return false;
	}
	if (n < 0) {
		conn_broke_off(conn);
		return true;
	}
	conn->client_eof = n == 0;
	conn->readable = (size_t)n == len; /* else poll tells, also of the end */
	if (n == 0)
		conn_why(conn, "the client closed");
	else
		from_client(loop, conn, (size_t)n);
	return true;
}

static bool write_server(struct loop *loop, struct conn *conn)
{
	bool moved = false;

	while (conn->up_start < conn->up.len) {
		ssize_t n = ssh_write(conn->channel, conn->up.data + conn->up_start,
			conn->up.len - conn->up_start);

		if (n == SSH_REFUSED) /* the server closed it; reading says so in order */
			conn->up_start = conn->up.len;
		if (n <= 0)
			break;
		conn->up_start += (size_t)n;
		moved = true;
	}
	if (conn->up.len && conn->up_start == conn->up.len) {
		give_back(loop, &conn->up);
		conn->up_start = 0;
	}
	if (conn->client_eof && !conn->eof_sent && !conn->up.len &&
		!(conn->guard && guard_keeps(conn->guard)) &&
		ssh_send_eof(conn->channel) != SSH_AGAIN) {
		conn->eof_sent = true;
		moved = true;
	}
	return moved;
}

/* === to the client === */

/* As large as the line needs it, while there is room for that. */
static void open_window(struct loop *loop, struct conn *conn)
{
	size_t wish = ssh_window_wish(conn->channel);

	if (wish > WINDOW_MAX)
		wish = WINDOW_MAX;
	if (wish > conn->window && loop->window_bytes + wish - conn->window <= WINDOW_BUDGET) {
		loop->window_bytes += wish - conn->window;
		conn->window = wish;
	}
	ssh_window(conn->channel, conn->window);
}

static bool read_server(struct loop *loop, struct conn *conn)
{
	bool moved;
	size_t len;
	ssize_t n;
	char *to;

	if (conn->server_eof || conn->down.len ||
		(conn->guard && conn->guard->verdict == GUARD_HIDDEN))
		return false;
	if (splice_down(conn, &moved))
		return moved;
	to = room_for(loop, conn, &conn->down, &len);
	n = ssh_read(conn->channel, to, len);
	if (n <= 0)
		give_back(loop, &conn->down);
	if (n == SSH_AGAIN || (n < 0 && !ssh_alive(conn->link->ssh)))
		return false;
	if (n <= 0) {
		conn_why(conn, "the server closed");
		conn->server_eof = true;
		return true;
	}
	from_server(loop, conn, (size_t)n);
	open_window(loop, conn);
	return true;
}

static bool write_client(struct loop *loop, struct conn *conn)
{
	bool moved = false;

	while (conn->writable && conn->down_start < conn->down.len) {
		ssize_t n = send(conn->fd, conn->down.data + conn->down_start,
			conn->down.len - conn->down_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			conn->writable = false;
			break;
		}
		if (n < 0) {
			conn_broke_off(conn);
			return true;
		}
		conn->down_start += (size_t)n;
		moved = true;
	}
	if (conn->down.len && conn->down_start == conn->down.len) {
		give_back(loop, &conn->down);
		conn->down_start = 0;
	}
	return moved;
}

/* Pass the end on, and finish when both ends are there or the server has closed for good. */
static bool pass_end(struct conn *conn)
{
	if (!conn->server_eof || conn->down.len)
		return false;
	if (!conn->shut) {
		shutdown(conn->fd, SHUT_WR);
		conn->shut = true;
	}
	if (conn->eof_sent || ssh_is_closed(conn->channel)) {
		conn_finish(conn);
		return true;
	}
	return false;
}

/* The end of one that was broken off: say so, close the channel, and hear nothing more. */
static bool pump_lingering(struct loop *loop, struct conn *conn)
{
	bool moved = write_client(loop, conn);
	ssize_t n;

	if (conn->channel && ssh_channel_free(conn->channel) == 0) {
		conn->channel = NULL;
		moved = true;
	}
	if (conn->state != CONN_LINGERING || conn->down.len)
		return moved;
	if (!conn->shut) {
		shutdown(conn->fd, SHUT_WR);
		conn->shut = true;
	}
	n = recv(conn->fd, loop->chunk, LOOP_READ, MSG_DONTWAIT);
	conn->readable = n > 0;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_client(conn);
	return moved || n >= 0;
}

bool conn_pump(struct loop *loop, struct conn *conn)
{
	bool moved = false;

	if (conn->state == CONN_LINGERING)
		return pump_lingering(loop, conn);
	if (conn->state == CONN_CLOSING && ssh_channel_free(conn->channel) == 0) {
		conn->channel = NULL;
		conn->state = CONN_OVER;
		return true;
	}
	if (conn->state != CONN_OPEN)
		return false;
	moved |= read_client(loop, conn);
	if (conn->state == CONN_OPEN)
		moved |= write_server(loop, conn);
	if (conn->state == CONN_OPEN)
		moved |= read_server(loop, conn);
	if (conn->state == CONN_OPEN)
		moved |= write_client(loop, conn);
	if (conn->state == CONN_OPEN)
		moved |= pass_end(conn);
	return moved;
}

short conn_events(const struct conn *conn)
{
	short events = 0;

	if (conn->state == CONN_LINGERING)
		return conn->down.len ? POLLOUT : POLLIN;
	if (conn->state != CONN_OPEN)
		return 0;
	if (!conn->client_eof && !conn->up.len && !conn->readable)
		events |= POLLIN;
	if (conn->down.len || splice_waits(conn))
		events |= POLLOUT;
	return events;
}

void conn_expired(struct loop *loop, struct conn *conn)
{
	int waited_s = (int)((clock_ms() - conn->since) / 1000);

	if (conn->state == CONN_OPEN && conn->guard->verdict == GUARD_WATCHING) {
		guard_tick(conn->guard, &conn->up);
		return;
	}
	if (conn->state == CONN_LINGERING) {
		conn_reset(conn);
		return;
	}
	if (conn->state == CONN_OPEN)
		conn_why(conn, "the server did not say whether it is a read-only replica");
	else
		conn_why(conn, "waited %d s for %s", waited_s,
			conn->link->state == LINK_UP ? "the database" : "ssh");
	sink_warn(loop->sink, NULL, "tunnel \"%s\": a connection was closed: %s",
		conn->listener->spec->name, conn->why ? conn->why : "");
	conn_reset(conn);
}

int64_t conn_deadline(const struct conn *conn)
{
	if (conn->probe)
		return conn->state == CONN_OPENING ? conn->since + PROBE_WAIT_MS : -1;
	if (conn->fd < 0)
		return -1;
	if (conn->state == CONN_WAITING && conn->link->state != LINK_UP)
		return conn->since + OUTAGE_WAIT_MS;
	if (conn->state == CONN_WAITING || conn->state == CONN_OPENING)
		return conn->since + OPEN_WAIT_MS;
	if (conn->state == CONN_LINGERING)
		return conn->since + LINGER_MS;
	if (conn->state == CONN_OPEN && conn->guard &&
		!(conn->client_eof && conn->guard->verdict == GUARD_WATCHING))
		return guard_deadline(conn->guard);
	return -1;
}
