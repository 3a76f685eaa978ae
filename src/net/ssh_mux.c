/*
 * ssh_mux.c - channels through the installed ssh (ssh_openssh.h).
 *
 * A message is framed as ssh's own proxy clients do it: its length, a zero where an encrypted
 * packet has its padding, its type, and the rest as in RFC 4254.  The ids of our side are ours, the
 * server's are its own: ssh translates between its and ours.
 */
#include "ssh_openssh.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MUX_C_PROXY 0x1000000fu
#define MUX_S_PROXY 0x8000000fu

enum { /* RFC 4254 section 9 */
	CHANNEL_OPEN = 90,
	CHANNEL_OPEN_CONFIRMATION,
	CHANNEL_OPEN_FAILURE,
	CHANNEL_WINDOW_ADJUST,
	CHANNEL_DATA,
	CHANNEL_EXTENDED_DATA,
	CHANNEL_EOF,
	CHANNEL_CLOSE,
	CHANNEL_REQUEST,
	CHANNEL_SUCCESS,
	CHANNEL_FAILURE,
};

#define OPEN_PROHIBITED 1

#define HEAD_MAX 14 /* of a message with data, up to the data */
#define MESSAGE_MAX ((size_t)64 << 10)
#define PACKET_MAX ((size_t)32 << 10)
#define WINDOW_START ((size_t)2 << 20)
#define IN_COMPACT ((size_t)256 << 10)
#define REFUSED_MAX 5000 /* ssh itself ends at 10000 */

/* === sending === */

static void put_head(struct ssh *ssh, int type, size_t rest)
{
	const char head[] = {0, (char)type};

	ssh_put_u32(&ssh->out, (uint32_t)(sizeof(head) + rest));
	buf_add(&ssh->out, head, sizeof(head));
}

static void put_short(struct ssh *ssh, int type, const struct mux_channel *channel)
{
	put_head(ssh, type, 4);
	ssh_put_u32(&ssh->out, channel->remote);
}

static void put_open(
	struct ssh *ssh, const struct mux_channel *channel, const char *host, uint16_t port)
{
	static const char type[] = "direct-tcpip", origin[] = "127.0.0.1";
	autobuf struct buf rest = BUF_INIT(MESSAGE_MAX);

	ssh_put_string(&rest, type, strlen(type));
	ssh_put_u32(&rest, channel->id);
	ssh_put_u32(&rest, (uint32_t)channel->granted);
	ssh_put_u32(&rest, PACKET_MAX);
	ssh_put_string(&rest, host, strlen(host));
	ssh_put_u32(&rest, port);
	ssh_put_string(&rest, origin, strlen(origin));
	ssh_put_u32(&rest, 0);
	put_head(ssh, CHANNEL_OPEN, rest.len);
	buf_add(&ssh->out, rest.data, rest.len);
}

/* Let the server send on, once it has used a quarter of the window. */
static void grant(struct ssh_channel *channel)
{
	struct mux_channel *mux = channel->mux;
	size_t held = mux->granted + mux->in.len - mux->in_start;

	if (mux->closed || mux->close_sent || held + mux->size / 4 > mux->size)
		return;
	put_head(channel->ssh, CHANNEL_WINDOW_ADJUST, 8);
	ssh_put_u32(&channel->ssh->out, mux->remote);
	ssh_put_u32(&channel->ssh->out, (uint32_t)(mux->size - held));
	ssh_flow_granted(&channel->flow, mux->size - held);
	mux->granted += mux->size - held;
}

/* === the list === */

static struct mux_channel *channel_new(struct mux *mux)
{
	struct mux_channel *channel = xcalloc(1, sizeof(*channel));
	size_t id = 0;

	while (id < mux->n && mux->list[id])
		id++;
	if (id == mux->n) {
		mux->list = xgrow(mux->list, mux->n, sizeof(struct mux_channel *));
		mux->n++;
	}
	channel->id = (uint32_t)id;
	channel->size = channel->granted = WINDOW_START;
	mux->list[id] = channel;
	mux->used++;
	return channel;
}

static void channel_release(struct mux_channel *channel)
{
	buf_release(&channel->in);
	free(channel->why);
	free(channel);
}

static void channel_remove(struct mux *mux, struct mux_channel *channel)
{
	mux->list[channel->id] = NULL;
	mux->used--;
	if (mux->data_to == channel)
		mux->data_to = NULL;
	channel_release(channel);
}

void ssh_mux_release(struct mux *mux)
{
	for (size_t i = 0; i < mux->n; i++)
		if (mux->list[i])
			channel_release(mux->list[i]);
	free(mux->list);
	buf_release(&mux->message);
	*mux = (struct mux){0};
}

/* === messages === */

static void on_confirmation(struct mux_channel *channel, struct ssh_reader *in)
{
	channel->remote = ssh_read_u32(in);
	channel->window = ssh_read_u32(in);
	channel->packet = ssh_read_u32(in);
	if (channel->packet > PACKET_MAX)
		channel->packet = PACKET_MAX;
	channel->answered = true;
}

static void on_failure(struct mux *mux, struct mux_channel *channel, struct ssh_reader *in)
{
	const unsigned char *text;
	size_t len;

	channel->reason = ssh_read_u32(in);
	text = ssh_read_string(in, &len);
	channel->why = text ? xstrndup((const char *)text, len) : NULL;
	channel->answered = channel->refused = true;
	mux->refused++;
}

/* sshd asks a channel, when there is one, whether its client is there (ClientAliveInterval). */
static void on_request(struct ssh *ssh, const struct mux_channel *channel, struct ssh_reader *in)
{
	size_t len;

	ssh_read_string(in, &len);
	if (ssh_read_u8(in) && !channel->close_sent)
		put_short(ssh, CHANNEL_FAILURE, channel);
}

static void on_close(struct ssh *ssh, struct mux_channel *channel)
{
	channel->eof = channel->closed = true;
	if (channel->dropped)
		channel_remove(&ssh->master->mux, channel);
}

static void on_channel(
	struct ssh *ssh, struct mux_channel *channel, int type, struct ssh_reader *in)
{
	switch (type) {
	case CHANNEL_OPEN_CONFIRMATION:
		on_confirmation(channel, in);
		break;
	case CHANNEL_OPEN_FAILURE:
		on_failure(&ssh->master->mux, channel, in);
		break;
	case CHANNEL_WINDOW_ADJUST:
		channel->window += ssh_read_u32(in);
		break;
	case CHANNEL_EOF:
		channel->eof = true;
		break;
	case CHANNEL_CLOSE:
		on_close(ssh, channel);
		break;
	case CHANNEL_REQUEST:
		on_request(ssh, channel, in);
		break;
	default: /* what a forwarded connection has not */
		break;
	}
}

static void on_greeting(struct ssh *ssh, struct ssh_reader *in)
{
	struct mux *mux = &ssh->master->mux;
	uint32_t type = ssh_read_u32(in), number = ssh_read_u32(in);
	bool right = mux->greeted ? type == MUX_S_PROXY
				  : type == MUX_MSG_HELLO && number == MUX_VERSION;

	if (in->bad || !right)
		ssh_fail(
			ssh, "the installed ssh has no proxy mode (it needs OpenSSH 7.4 or later)");
	else
		mux->greeted++;
}

static bool in_proxy_mode(const struct mux *mux)
{
	return mux->greeted == 2;
}

/*
 * How long the message is that is coming in, as far as that can be told; of one with data, the
 * head.
 */
static size_t message_size(const struct mux *mux)
{
	struct ssh_reader in = {(const unsigned char *)mux->message.data, mux->message.len, false};
	size_t size;

	if (mux->message.len < 4)
		return 4;
	size = 4 + (size_t)ssh_read_u32(&in);
	if (!in_proxy_mode(mux) || size < 6)
		return size;
	if (mux->message.len < 6)
		return 6;
	return mux->message.data[5] == CHANNEL_DATA ? HEAD_MAX : size;
}

static void on_message(struct ssh *ssh)
{
	struct mux *mux = &ssh->master->mux;
	struct ssh_reader in = {(const unsigned char *)mux->message.data, mux->message.len, false};
	uint32_t size = ssh_read_u32(&in), id;
	struct mux_channel *channel;
	int type;

	if (!in_proxy_mode(mux)) {
		on_greeting(ssh, &in);
		return;
	}
	ssh_read_u8(&in);
	type = ssh_read_u8(&in);
	id = ssh_read_u32(&in);
	channel = id < mux->n ? mux->list[id] : NULL;
	if (in.bad) {
		ssh_fail(ssh, "the installed ssh sent half a message");
	} else if (type == CHANNEL_DATA) {
		mux->data_left = ssh_read_u32(&in);
		mux->data_to = channel;
		if (mux->data_left != (size_t)size - (HEAD_MAX - 4))
			ssh_fail(ssh, "the installed ssh sent a message of two lengths");
	} else if (channel) {
		on_channel(ssh, channel, type, &in);
	}
}

static int take_data(struct mux_channel *channel, const char *data, size_t len)
{
	if (len > channel->granted)
		return -1;
	channel->granted -= len;
	return buf_add(&channel->in, data, len);
}

/* Bytes of a message, or of its data; how many were used. */
static size_t take_in(struct ssh *ssh, const char *data, size_t len)
{
	struct mux *mux = &ssh->master->mux;
	struct mux_channel *to = mux->data_to;
	size_t wanted = mux->data_left;

	if (wanted) {
		if (len > wanted)
			len = wanted;
		mux->data_left -= len;
		if (to && !to->dropped && take_data(to, data, len) < 0)
			ssh_fail(ssh, "the server sent more than it may");
		return len;
	}
	wanted = message_size(mux) - mux->message.len;
	if (wanted > MESSAGE_MAX) {
		ssh_fail(ssh, "the installed ssh sent a message that is too long");
		return len;
	}
	if (len > wanted)
		len = wanted;
	buf_add(&mux->message, data, len);
	if (mux->message.len == message_size(mux)) {
		on_message(ssh);
		buf_reset(&mux->message);
	}
	return len;
}

bool ssh_mux_receive(struct ssh *ssh)
{
	while (!ssh->failed && ssh_fill(ssh)) {
		ssh->received = true;
		while (!ssh->failed && ssh->in_start < ssh->in_end)
			ssh->in_start += take_in(
				ssh, ssh->in + ssh->in_start, ssh->in_end - ssh->in_start);
		if (in_proxy_mode(&ssh->master->mux))
			break; /* one bufferful a round, so that clients can take it */
	}
	if (ssh->end_of_input && ssh->in_start == ssh->in_end)
		ssh_fail(ssh, NULL);
	return in_proxy_mode(&ssh->master->mux);
}

int ssh_mux_connect(struct ssh *ssh, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event wish = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = ssh};

	memcpy(address.sun_path, path, strlen(path) + 1);
	ssh->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ssh->fd < 0 || connect(ssh->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_os(err, ERR_TUNNEL, errno, "%s: reach its ssh", ssh->name);
	if (fcntl(ssh->fd, F_SETFL, O_NONBLOCK) < 0 ||
		epoll_ctl(ssh->master->epoll, EPOLL_CTL_ADD, ssh->fd, &wish) < 0)
		return err_os(err, ERR_TUNNEL, errno, "%s: wait for its ssh", ssh->name);
	ssh_put_u32(&ssh->out, 8);
	ssh_put_u32(&ssh->out, MUX_MSG_HELLO);
	ssh_put_u32(&ssh->out, MUX_VERSION);
	ssh_put_u32(&ssh->out, 8);
	ssh_put_u32(&ssh->out, MUX_C_PROXY);
	ssh_put_u32(&ssh->out, 0);
	ssh->master->mux.message.limit = MESSAGE_MAX;
	return 0;
}

/* === what is done with channels === */

static void pump(struct ssh *ssh)
{
	const struct mux *mux = &ssh->master->mux;

	ssh_mux_receive(ssh);
	if (mux->refused > REFUSED_MAX && !mux->used)
		ssh_fail(ssh, "it has refused too many connections");
}

/* ssh itself watches the server. */
static void keepalive(struct ssh *ssh)
{
}

static void begin_open(struct ssh *ssh, const char *host, uint16_t port, bool pipes)
{
	struct mux *mux = &ssh->master->mux;

	mux->opening_since = clock_us();
	if (pipes && mux_stdio_pays(ssh))
		mux->stdio_opening = mux_stdio_open(ssh, host, port);
	if (mux->stdio_opening)
		return;
	mux->opening = channel_new(mux);
	put_open(ssh, mux->opening, host, port);
}

static int open_done(struct ssh *ssh, struct mux_channel *opened, struct mux_stdio *stdio,
	struct ssh_channel **channel)
{
	int64_t us = clock_us() - ssh->master->mux.opening_since;

	if (!ssh->quickest || us < ssh->quickest)
		ssh->quickest = us > 0 ? us : 1;
	*channel = xcalloc(1, sizeof(**channel));
	(*channel)->ssh = ssh;
	(*channel)->mux = opened;
	(*channel)->stdio = stdio;
	(*channel)->flow.size = WINDOW_START;
	if (opened)
		ssh_flow_granted(&(*channel)->flow, WINDOW_START);
	return 0;
}

static int open_channel(struct ssh *ssh, const char *host, uint16_t port, bool pipes,
	struct ssh_channel **channel, struct err *err)
{
	struct mux *mux = &ssh->master->mux;
	struct mux_channel *opened = mux->opening;

	if (mux->stdio_opening) {
		int rc = mux_stdio_opened(ssh, mux->stdio_opening);

		if (rc == SSH_AGAIN)
			return SSH_AGAIN;
		if (rc == 0)
			return open_done(ssh, NULL, TAKE(mux->stdio_opening), channel);
		mux->stdio_opening = NULL;
		pipes = false; /* a channel of ours is told why not */
	}
	if (!opened) {
		begin_open(ssh, host, port, pipes);
		return SSH_AGAIN;
	}
	if (!opened->answered)
		return SSH_AGAIN;
	mux->opening = NULL;
	if (!opened->refused)
		return open_done(ssh, opened, NULL, channel);
	ssh_open_refused(ssh, host, port, opened->reason == OPEN_PROHIBITED, opened->why, err);
	channel_remove(mux, opened);
	return SSH_REFUSED;
}

static ssize_t read_channel(struct ssh_channel *channel, void *data, size_t len)
{
	struct mux_channel *mux = channel->mux;
	size_t have;

	if (channel->stdio)
		return mux_stdio_read(channel->ssh, channel->stdio, data, len);
	have = mux->in.len - mux->in_start;
	if (!have)
		return mux->eof ? 0 : SSH_AGAIN;
	if (len > have)
		len = have;
	memcpy(data, mux->in.data + mux->in_start, len);
	mux->in_start += len;
	if (len == have) { /* an idle connection holds no memory */
		buf_release(&mux->in);
		mux->in_start = 0;
	} else if (mux->in_start > IN_COMPACT) {
		buf_consume(&mux->in, mux->in_start);
		mux->in_start = 0;
	}
	grant(channel);
	return (ssize_t)len;
}

static ssize_t write_channel(struct ssh_channel *channel, const void *data, size_t len)
{
	struct mux_channel *mux = channel->mux;
	struct buf *out = &channel->ssh->out;

	if (channel->stdio)
		return mux_stdio_write(channel->stdio, data, len);
	if (mux->closed)
		return SSH_REFUSED;
	if (len > mux->window)
		len = mux->window;
	if (len > mux->packet)
		len = mux->packet;
	if (!len)
		return SSH_AGAIN;
	put_head(channel->ssh, CHANNEL_DATA, 8 + len);
	ssh_put_u32(out, mux->remote);
	ssh_put_string(out, data, len);
	mux->window -= len;
	return (ssize_t)len;
}

static void adjust_window(struct ssh_channel *channel, size_t size)
{
	if (channel->mux)
		channel->mux->size = size;
}

static int send_eof(struct ssh_channel *channel)
{
	if (channel->stdio) {
		mux_stdio_send_eof(channel->ssh, channel->stdio);
		return 0;
	}
	if (channel->mux->closed)
		return SSH_REFUSED;
	put_short(channel->ssh, CHANNEL_EOF, channel->mux);
	return 0;
}

static bool is_closed(struct ssh_channel *channel)
{
	if (channel->stdio)
		return mux_stdio_is_closed(channel->ssh, channel->stdio);
	return channel->mux->closed;
}

static int free_channel(struct ssh_channel *channel)
{
	struct ssh *ssh = channel->ssh;
	struct mux_channel *mux = channel->mux;

	if (channel->stdio) {
		if (mux_stdio_free(ssh, channel->stdio) == SSH_AGAIN)
			return SSH_AGAIN;
		free(channel);
		return 0;
	}
	if (!mux->close_sent)
		put_short(ssh, CHANNEL_CLOSE, mux);
	mux->close_sent = mux->dropped = true;
	buf_release(&mux->in);
	if (mux->closed)
		channel_remove(&ssh->master->mux, mux);
	free(channel);
	return 0;
}

const struct ssh_channels ssh_mux_channels = {
	.pump = pump,
	.keepalive = keepalive,
	.open = open_channel,
	.read = read_channel,
	.write = write_channel,
	.window = adjust_window,
	.send_eof = send_eof,
	.is_closed = is_closed,
	.free = free_channel,
};
