/*
 * ssh.c - what a session is with either engine: its buffers, its stages and its end.
 *
 * The socket is devenv's own.  Whatever an engine has to send goes into a queue, whole and at once,
 * and what arrives comes from a buffer; poll decides when either meets the socket.
 */
#include "ssh_openssh.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 15
#define OUT_LIMIT ((size_t)256 << 20) /* the tunnel stops reading clients long before */
#define OUT_COMPACT ((size_t)256 << 10)

/* === the socket === */

/*
 * sshd leaves Nagle's algorithm on for a session that only forwards: of two packets it keeps the
 * second until the first is acknowledged, and TCP puts that off for 40 ms when nothing is to be
 * sent.  So it was with the answer to each open that follows a login or another one's answer.
 */
static void acknowledge(const struct ssh *ssh)
{
	int on = 1;

	/* It fails on a Unix socket, where it means nothing. */
	setsockopt(ssh->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

bool ssh_fill(struct ssh *ssh)
{
	ssize_t n;

	if (ssh->in_start < ssh->in_end)
		return true;
	if (ssh->end_of_input || ssh->fd < 0 || !ssh->readable)
		return false;
	n = recv(ssh->fd, ssh->in, SSH_IN_SIZE, MSG_DONTWAIT);
	ssh->readable = n == (ssize_t)SSH_IN_SIZE;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	ssh->in_start = 0;
	ssh->in_end = n > 0 ? (size_t)n : 0;
	ssh->end_of_input = n <= 0;
	ssh->last_heard = clock_ms();
	if (ssh->state != SSH_UP || ssh->opening)
		acknowledge(ssh);
	return n > 0;
}

void ssh_flush(struct ssh *ssh)
{
	while (ssh->fd >= 0 && ssh->out_start < ssh->out.len) {
		ssize_t n = send(ssh->fd, ssh->out.data + ssh->out_start,
			ssh->out.len - ssh->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			ssh_fail(ssh, strerror(errno));
			return;
		}
		ssh->out_start += (size_t)n;
	}
	if (ssh->out_start == ssh->out.len) {
		buf_reset(&ssh->out);
		ssh->out_start = 0;
	} else if (ssh->out_start > OUT_COMPACT) {
		buf_consume(&ssh->out, ssh->out_start);
		ssh->out_start = 0;
	}
}

void ssh_fail(struct ssh *ssh, const char *why)
{
	autofree char *lost = NULL;

	if (ssh->failed)
		return;
	ssh->failed = true;
	if (ssh->end_of_input)
		why = lost = ssh->engine->lost(ssh);
	snprintf(ssh->failure, sizeof(ssh->failure), "%s", why && *why ? why : "connection lost");
}

/* === life === */

static void warn_unheeded(struct ssh *ssh)
{
	const struct strv *lines = &ssh->config.unheeded;

	for (size_t i = 0; i < lines->n && !ssh->options.openssh; i++) {
		strv_pushf(&ssh->warnings,
			"%s: \"%s\" of the ssh configuration does nothing with libssh2: "
			"\"ssh_engine: openssh\" in the tunnel heeds it",
			ssh->config.typed, lines->v[i]);
		sink_warn(ssh->options.sink, NULL, "%s", ssh->warnings.v[i]);
	}
}

struct ssh *ssh_new(const struct ssh_options *options, struct err *err)
{
	const struct ssh_engine *engine = options->openssh ? &ssh_openssh : &ssh_libssh2;
	struct ssh *ssh;

	if (engine->load(err) < 0)
		return NULL;
	ssh = xcalloc(1, sizeof(*ssh));
	ssh->engine = engine;
	ssh->options = *options;
	ssh->fd = -1;
	ssh->out.limit = OUT_LIMIT;
	ssh->in = xmalloc(SSH_IN_SIZE);
	if (ssh_config_resolve(options->via, &ssh->config, err) < 0) {
		ssh_free(ssh);
		return NULL;
	}
	if (ssh->config.batch)
		ssh->options.ask = NULL;
	warn_unheeded(ssh);
	if (options->jump)
		ssh_config_jump(&ssh->config, options->jump);
	ssh->name = xasprintf("%s@%s:%u", ssh->config.user, ssh->config.host, ssh->config.port);
	return ssh;
}

void ssh_free(struct ssh *ssh)
{
	if (!ssh)
		return;
	ssh_stop(ssh);
	ssh_secrets_free(ssh);
	ssh_overhear(ssh, 0);
	ssh_config_release(&ssh->config);
	buf_release(&ssh->out);
	strv_release(&ssh->warnings);
	for (size_t i = 0; i < ARRAY_LEN(ssh->details); i++)
		free(ssh->details[i]);
	free(ssh->in);
	free(ssh->agent);
	free(ssh->name);
	free(ssh);
}

void ssh_stop(struct ssh *ssh)
{
	ssh->engine->stop(ssh);
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->fd = -1;
	buf_reset(&ssh->out);
	ssh->out_start = ssh->in_start = ssh->in_end = 0;
	ssh->end_of_input = ssh->failed = ssh->readable = false;
	ssh->state = SSH_IDLE;
	ssh->stage = SSH_STAGE_NAME;
}

void ssh_set_agent(struct ssh *ssh, const char *socket)
{
	free(ssh->agent);
	ssh->agent = xstrdup(socket);
	if (!ssh->config.usual_agent)
		return;
	free(ssh->config.agent);
	ssh->config.agent = xstrdup(socket);
}

int ssh_connect_timeout(const struct ssh *ssh)
{
	return ssh->config.connect_timeout ? ssh->config.connect_timeout : CONNECT_TIMEOUT_S;
}

/* A session that was lost is tried for again and again anyway. */
int ssh_attempts(const struct ssh *ssh)
{
	return ssh->config.connect_attempts > 1 && !ssh->been_up ? ssh->config.connect_attempts : 1;
}

int ssh_start(struct ssh *ssh, struct err *err)
{
	int64_t once = (int64_t)ssh_connect_timeout(ssh) * 1000;

	ssh_stop(ssh);
	ssh->deadline = clock_ms() + ssh_attempts(ssh) * (once + SSH_ATTEMPT_PAUSE_MS) -
			SSH_ATTEMPT_PAUSE_MS;
	ssh->last_heard = clock_ms();
	if (ssh->engine->start(ssh, err) < 0)
		return -1;
	ssh->state = SSH_DIALING;
	return 0;
}

static int step(struct ssh *ssh, struct err *err)
{
	int rc = 1;

	while (rc == 1 && ssh->state != SSH_UP && ssh->state != SSH_IDLE) {
		rc = ssh->engine->step(ssh, err);
		ssh_flush(ssh);
	}
	if (rc == 0 && ssh->failed)
		return err_set(err, ERR_TUNNEL, "%s: %s", ssh->name, ssh->failure);
	if (rc == 0 && clock_ms() >= ssh->deadline)
		return err_set(err, ERR_TUNNEL, "%s did not answer in time", ssh->name);
	return rc < 0 ? -1 : ssh->state == SSH_UP;
}

int ssh_step(struct ssh *ssh, struct err *err)
{
	static const char *const next[] = {
		[SSH_STAGE_NAME] = "check \"via\" in the manifest, HostName in ~/.ssh/config, and "
				   "whether the VPN is on",
		[SSH_STAGE_TCP] = "check the port, whether the VPN is on, and whether a firewall "
				  "lets you through",
	};
	int rc = step(ssh, err);

	if (rc == 1)
		ssh->been_up = true;
	else if (rc < 0 && !ssh->been_up && ssh->stage < ARRAY_LEN(next))
		err_hint(err, "%s", next[ssh->stage]);
	return rc;
}

/* === what is known of it === */

void ssh_passed(struct ssh *ssh, enum ssh_stage stage, char *detail)
{
	free(ssh->details[stage]);
	ssh->details[stage] = detail;
	ssh->stage = stage + 1;
}

enum ssh_stage ssh_stage(const struct ssh *ssh)
{
	return ssh->stage;
}

const char *ssh_stage_detail(const struct ssh *ssh, enum ssh_stage stage)
{
	return stage < SSH_STAGE_UP && ssh->details[stage] ? ssh->details[stage] : "";
}

const char *ssh_name(const struct ssh *ssh)
{
	return ssh->name;
}

const struct strv *ssh_warnings(const struct ssh *ssh)
{
	return &ssh->warnings;
}

void ssh_give_up(struct ssh *ssh, const char *why)
{
	ssh_fail(ssh, why);
}

bool ssh_alive(const struct ssh *ssh)
{
	return ssh->state == SSH_UP && !ssh->failed;
}

const char *ssh_failure(const struct ssh *ssh)
{
	return ssh->failed ? ssh->failure : "not connected";
}

/* === for the poll loop === */

int64_t ssh_deadline(const struct ssh *ssh)
{
	return ssh->state == SSH_UP || ssh->state == SSH_IDLE ? -1 : ssh->deadline;
}

int ssh_fd(const struct ssh *ssh)
{
	return ssh->engine->fd(ssh);
}

short ssh_events(const struct ssh *ssh)
{
	return ssh->engine->events(ssh);
}

void ssh_io(struct ssh *ssh, short revents)
{
	ssh->engine->io(ssh, revents);
}

bool ssh_received(struct ssh *ssh)
{
	bool received = ssh->received;

	ssh->received = false;
	return received;
}

size_t ssh_queued(const struct ssh *ssh)
{
	return ssh->out.len - ssh->out_start;
}

int64_t ssh_last_heard(const struct ssh *ssh)
{
	return ssh->last_heard;
}

void ssh_patience(const struct ssh *ssh, int *probe, int *dead)
{
	ssh->engine->patience(ssh, probe, dead);
}

void ssh_pump(struct ssh *ssh)
{
	if (ssh_alive(ssh))
		ssh->engine->channels->pump(ssh);
}

void ssh_keepalive(struct ssh *ssh)
{
	if (ssh_alive(ssh))
		ssh->engine->channels->keepalive(ssh);
}

/* === channels === */

int ssh_open(struct ssh *ssh, const char *host, uint16_t port, bool pipes,
	struct ssh_channel **channel, struct err *err)
{
	int rc = SSH_REFUSED;

	if (ssh_alive(ssh))
		rc = ssh->engine->channels->open(ssh, host, port, pipes, channel, err);
	if (rc == SSH_REFUSED && !ssh_alive(ssh))
		err_set(err, ERR_TUNNEL, "%s: %s", ssh->name, ssh_failure(ssh));
	return rc;
}

struct ssh_pipes *ssh_pipes(const struct ssh_channel *channel)
{
	return channel->stdio ? &channel->stdio->pipes : NULL;
}

/* What sshd passes on of getaddrinfo(3) and connect(2), by the libc's words for it. */
static const struct {
	const char *words;
	const char *says; /* after "HOST:PORT" */
	bool name;        /* it is about the name */
} refusals[] = {
	{"not known", NULL, true},
	{"name resolution", NULL, true},
	{"No address associated", NULL, true},
	{"nodename nor servname", NULL, true},
	{"Connection refused", "nothing listens there: the database is down, or the port is wrong",
		false},
	{"timed out", "no answer: a firewall is between, or the address is wrong", false},
	{"No route to host", "no way there: a firewall is between, or the address is wrong", false},
	{"unreachable", "no way there: the address is wrong, or the network is down", false},
};

int ssh_open_refused(const struct ssh *ssh, const char *host, uint16_t port, bool forbidden,
	const char *why, struct err *err)
{
	if (forbidden)
		return err_set(err, ERR_TUNNEL,
			"%s forbids forwarding to %s:%u (its AllowTcpForwarding, PermitOpen or the "
			"key's options): ask whoever runs it",
			ssh->name, host, port);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (!why || !strstr(why, refusals[i].words))
			continue;
		if (refusals[i].name)
			return err_set(err, ERR_TUNNEL,
				"%s does not know the name \"%s\" (%s): check \"to\" in the "
				"manifest",
				ssh->name, host, why);
		return err_set(err, ERR_TUNNEL, "%s cannot connect to %s:%u: %s (%s)", ssh->name,
			host, port, refusals[i].says, why);
	}
	/* Some servers have one text for everything. */
	return err_set(err, ERR_TUNNEL,
		"%s cannot connect to %s:%u: the database is down, the name is unknown there, or a "
		"firewall is between (it says only \"%s\")",
		ssh->name, host, port, str_empty(why) ? "" : why);
}

ssize_t ssh_read(struct ssh_channel *channel, void *data, size_t len)
{
	struct ssh *ssh = channel->ssh;
	ssize_t n;

	if (!ssh_alive(ssh))
		return SSH_REFUSED;
	n = ssh->engine->channels->read(channel, data, len);
	if (n > 0)
		ssh_flow_took(&channel->flow, (size_t)n, clock_us());
	else if (n == SSH_AGAIN && ssh->in_start == ssh->in_end && !ssh->readable)
		ssh_flow_dry(&channel->flow, clock_us());
	return n;
}

ssize_t ssh_write(struct ssh_channel *channel, const void *data, size_t len)
{
	if (!ssh_alive(channel->ssh))
		return SSH_REFUSED;
	return channel->ssh->engine->channels->write(channel, data, len);
}

void ssh_window(struct ssh_channel *channel, size_t size)
{
	channel->flow.size = size;
	if (ssh_alive(channel->ssh))
		channel->ssh->engine->channels->window(channel, size);
}

size_t ssh_window_wish(const struct ssh_channel *channel)
{
	return channel->flow.wish;
}

int ssh_send_eof(struct ssh_channel *channel)
{
	if (!ssh_alive(channel->ssh))
		return SSH_REFUSED;
	return channel->ssh->engine->channels->send_eof(channel);
}

bool ssh_is_closed(struct ssh_channel *channel)
{
	return !ssh_alive(channel->ssh) || channel->ssh->engine->channels->is_closed(channel);
}

int ssh_channel_free(struct ssh_channel *channel)
{
	return channel->ssh->engine->channels->free(channel);
}
