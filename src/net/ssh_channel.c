/*
 * ssh_channel.c - forwarded connections inside a session of libssh2.
 *
 * libssh2 has one channel-open state machine a session, so opens go one after another.  It reads
 * the socket only inside calls on channels: without any, the idle channel is read instead.
 */
#include "ssh_session.h"

#include "devenv/clock.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define SSH2_FUNCTIONS(X) \
	X(libssh2_channel_open_ex) \
	X(libssh2_channel_direct_tcpip_ex) \
	X(libssh2_channel_read_ex) \
	X(libssh2_channel_write_ex) \
	X(libssh2_channel_eof) \
	X(libssh2_channel_send_eof) \
	X(libssh2_channel_wait_closed) \
	X(libssh2_channel_free) \
	X(libssh2_channel_window_read_ex) \
	X(libssh2_channel_receive_window_adjust2) \
	X(libssh2_keepalive_config) \
	X(libssh2_keepalive_send) \
	X(libssh2_session_last_errno) \
	X(libssh2_session_last_error)
#define LAZY_STRUCT ssh2
LAZY_LIBRARY(ssh2, LAZY_SSH2, SSH2_FUNCTIONS)

#define IDLE_WINDOW 65536
#define IDLE_PACKET 4096
#define KEEPALIVE_MIN_S 2 /* what libssh2 makes of anything less */

int ssh_channel_load(struct err *err)
{
	return ssh2_load(err);
}

/* Errors of one channel; every other one ends the session. */
static int channel_error(struct ssh *ssh, ssize_t rc)
{
	char *text = NULL;

	switch (rc) {
	case LIBSSH2_ERROR_EAGAIN:
		return SSH_AGAIN;
	case LIBSSH2_ERROR_CHANNEL_CLOSED:
	case LIBSSH2_ERROR_CHANNEL_EOF_SENT:
	case LIBSSH2_ERROR_CHANNEL_FAILURE:
	case LIBSSH2_ERROR_CHANNEL_UNKNOWN:
		return SSH_REFUSED;
	default:
		ssh2.libssh2_session_last_error(ssh->session, &text, NULL, 0);
		ssh_fail(ssh, text);
		return SSH_REFUSED;
	}
}

int ssh_idle_open(struct ssh *ssh)
{
	int rc;

	ssh->idle = ssh2.libssh2_channel_open_ex(
		ssh->session, "session", strlen("session"), IDLE_WINDOW, IDLE_PACKET, NULL, 0);
	if (ssh->idle) {
		ssh2.libssh2_keepalive_config(ssh->session, 1, KEEPALIVE_MIN_S);
		return 1;
	}
	rc = channel_error(ssh, ssh2.libssh2_session_last_errno(ssh->session));
	if (rc == SSH_AGAIN)
		return 0;
	if (ssh->failed)
		return -1;
	ssh->no_idle = true;
	ssh2.libssh2_keepalive_config(ssh->session, 1, KEEPALIVE_MIN_S);
	return 1;
}

/*
 * A server with `MaxSessions 0` gives us no idle channel; opening one of a type that it cannot know
 * makes libssh2 read as well.
 */
static bool pump_by_open(struct ssh *ssh)
{
	static const char type[] = "pump@devenv";
	LIBSSH2_CHANNEL *channel;

	channel = ssh2.libssh2_channel_open_ex(
		ssh->session, type, strlen(type), IDLE_WINDOW, IDLE_PACKET, NULL, 0);
	ssh->pumping = !channel && channel_error(ssh, ssh2.libssh2_session_last_errno(
							      ssh->session)) == SSH_AGAIN;
	return !ssh->pumping;
}

static void pump(struct ssh *ssh)
{
	char data[IDLE_PACKET];
	ssize_t rc;

	if (ssh->opening)
		return;
	if (ssh->pumping) {
		pump_by_open(ssh);
		return;
	}
	if (ssh->no_idle) {
		if (!ssh->channels && (ssh->in_start < ssh->in_end || ssh->end_of_input))
			pump_by_open(ssh);
		return;
	}
	rc = ssh2.libssh2_channel_read_ex(ssh->idle, 0, data, sizeof(data));
	if (rc < 0)
		channel_error(ssh, rc);
}

static void keepalive(struct ssh *ssh)
{
	size_t before = ssh_queued(ssh);
	int next;

	ssh2.libssh2_keepalive_send(ssh->session, &next);
	/* It counts by the wall clock and sends nothing when that was set back. */
	if (ssh_queued(ssh) == before && !ssh->opening)
		pump_by_open(ssh);
}

static int open_refused(struct ssh *ssh, const char *host, uint16_t port, struct err *err)
{
	const char *why = ssh->overheard.words;
	char *text = NULL;

	ssh2.libssh2_session_last_error(ssh->session, &text, NULL, 0);
	return ssh_open_refused(ssh, host, port, text && strstr(text, "prohibited"),
		str_empty(why) && text ? text : why, err);
}

static int open_channel(struct ssh *ssh, const char *host, uint16_t port, bool pipes,
	struct ssh_channel **channel, struct err *err)
{
	LIBSSH2_CHANNEL *opened;
	int rc;

	if (ssh->pumping && !pump_by_open(ssh))
		return SSH_AGAIN;
	if (!ssh_alive(ssh))
		return SSH_REFUSED;
	ssh_overhear(ssh, SSH_MSG_CHANNEL_OPEN_FAILURE);
	opened = ssh2.libssh2_channel_direct_tcpip_ex(ssh->session, host, port, "127.0.0.1", 0);
	ssh->overheard.wanted = 0;
	ssh->opening = false;
	if (opened) {
		*channel = xcalloc(1, sizeof(**channel));
		(*channel)->ssh = ssh;
		(*channel)->channel = opened;
		(*channel)->flow.size = LIBSSH2_CHANNEL_WINDOW_DEFAULT;
		ssh_flow_granted(&(*channel)->flow, LIBSSH2_CHANNEL_WINDOW_DEFAULT);
		ssh->channels++;
		return 0;
	}
	rc = channel_error(ssh, ssh2.libssh2_session_last_errno(ssh->session));
	if (rc == SSH_AGAIN) {
		ssh->opening = true;
		return SSH_AGAIN;
	}
	if (ssh->failed)
		return SSH_REFUSED;
	return open_refused(ssh, host, port, err);
}

static ssize_t read_channel(struct ssh_channel *channel, void *data, size_t len)
{
	ssize_t rc;

	rc = ssh2.libssh2_channel_read_ex(channel->channel, 0, data, len);
	if (rc > 0)
		return rc;
	if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
		return channel_error(channel->ssh, rc);
	return ssh2.libssh2_channel_eof(channel->channel) ? 0 : SSH_AGAIN;
}

static ssize_t write_channel(struct ssh_channel *channel, const void *data, size_t len)
{
	ssize_t rc;

	rc = ssh2.libssh2_channel_write_ex(channel->channel, 0, data, len);
	if (rc > 0)
		return rc;
	return rc == 0 ? SSH_AGAIN : channel_error(channel->ssh, rc);
}

static void adjust_window(struct ssh_channel *channel, size_t size)
{
	unsigned long now;
	unsigned int after;

	now = ssh2.libssh2_channel_window_read_ex(channel->channel, NULL, NULL);
	if (now > size / 8 * 7)
		return;
	/* One that a key exchange holds up must be asked for again as it was. */
	if (!channel->adjusting)
		channel->adjusting = size - now;
	if (ssh2.libssh2_channel_receive_window_adjust2(
		    channel->channel, channel->adjusting, 1, &after) != 0)
		return;
	ssh_flow_granted(&channel->flow, channel->adjusting);
	channel->adjusting = 0;
}

static int send_eof(struct ssh_channel *channel)
{
	int rc;

	rc = ssh2.libssh2_channel_send_eof(channel->channel);
	return rc ? channel_error(channel->ssh, rc) : 0;
}

static bool is_closed(struct ssh_channel *channel)
{
	return ssh2.libssh2_channel_wait_closed(channel->channel) == 0;
}

static int free_channel(struct ssh_channel *channel)
{
	if (ssh_alive(channel->ssh) &&
		ssh2.libssh2_channel_free(channel->channel) == LIBSSH2_ERROR_EAGAIN)
		return SSH_AGAIN;
	if (channel->ssh->channels)
		channel->ssh->channels--;
	free(channel);
	return 0;
}

const struct ssh_channels ssh_libssh2_channels = {
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
