/*
 * link.c - keeping an ssh session up while the listeners stay open.
 *
 * A lost session is opened again at once, then after 100 ms, doubling up to 1 s (5 s when it
 * lasts), each with jitter; a client that waits makes the next attempt come soon.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "loop.h"

#include <errno.h>
#include <stdlib.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 1000
#define RETRY_LONG_MS 5000
#define RETRY_LONG_AFTER 60 /* attempts */
#define RETRY_WANTED_MS 300
#define OPEN_SLOW_MS 2000

struct link *link_new(struct loop *loop, const struct tunnel_spec *spec, const struct ssh_ask *ask,
	struct err *err)
{
	struct link *link = xcalloc(1, sizeof(*link));
	struct ssh_options options;

	*link = (struct link){.spec = tunnel_spec_copy(spec), .ask = ask, .retry_at = INT64_MAX};
	options = (struct ssh_options){
		.openssh = link->spec->openssh,
		.via = link->spec->via,
		.identity = link->spec->identity,
		.known_hosts = link->spec->known_hosts,
		.host_key = link->spec->host_key,
		.ask = ask,
		.sink = loop->sink,
	};
	link->ssh = ssh_new(&options, err);
	if (!link->ssh) {
		link_free(link);
		return NULL;
	}
	if (loop->agent)
		ssh_set_agent(link->ssh, loop->agent);
	loop->links = xgrow(loop->links, loop->n_links, sizeof(struct link *));
	loop->links[loop->n_links++] = link;
	return link;
}

static int64_t retry_delay(const struct link *link)
{
	int64_t delay = RETRY_FIRST_MS;

	for (int i = 1; i < link->attempts && delay < RETRY_MAX_MS; i++)
		delay *= 2;
	if (delay > RETRY_MAX_MS)
		delay = RETRY_MAX_MS;
	if (link->attempts > RETRY_LONG_AFTER)
		delay = RETRY_LONG_MS;
	return delay / 2 + clock_us() % (delay / 2 + 1);
}

static void each_listener_failed(struct loop *loop, struct link *link, const struct err *err)
{
	for (size_t i = 0; i < loop->n_listeners; i++) {
		struct listener *listener = loop->listeners[i];
		struct err own = *err;

		if (listener->link != link)
			continue;
		if (err->os == EKEYREJECTED)
			err_hint(&own, "run \"devenv tunnel up %s\" on a terminal",
				listener->spec->name);
		listener_failed(loop, listener, &own);
	}
}

static void reset_waiting(struct loop *loop, struct link *link)
{
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->link != link || conn->state != CONN_WAITING)
			continue;
		conn_why(conn, "ssh cannot connect");
		conn_reset(conn);
	}
}

/* An attempt to connect has failed. */
static void attempt_failed(struct loop *loop, struct link *link, struct err *err)
{
	bool hopeless = err->os == EPERM || err->os == EKEYREJECTED;

	ssh_stop(link->ssh);
	link->attempts++;
	link->state = hopeless ? LINK_DEAD : LINK_WAITING;
	link->tried_at = clock_ms();
	link->retry_at = link->tried_at + retry_delay(link);
	if (hopeless)
		reset_waiting(loop, link);
	if (hopeless || !link->ever_up)
		each_listener_failed(loop, link, err);
	else if (link->attempts == 2)
		sink_warn(loop->sink, NULL, "%s; trying again", err->msg);
}

void link_start(struct loop *loop, struct link *link)
{
	struct err err = ERR_INIT;

	link->state = LINK_CONNECTING;
	link->tried_at = clock_ms();
	if (ssh_start(link->ssh, &err) < 0)
		attempt_failed(loop, link, &err);
}

static bool has_probe(const struct loop *loop, const struct listener *listener)
{
	for (const struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->listener == listener && conn->probe && conn->state == CONN_WAITING)
			return true;
	}
	return false;
}

static void link_is_up(struct loop *loop, struct link *link)
{
	if (link->ever_up && !link->split)
		sink_info(loop->sink, NULL, "%s: connected again", ssh_name(link->ssh));
	link->state = LINK_UP;
	link->ever_up = true;
	link->split = false;
	link->attempts = 0;
	link->probe_at = 0;
	for (size_t i = 0; i < loop->n_listeners; i++) {
		struct listener *listener = loop->listeners[i];

		if (listener->link != link || listener->announced || listener->gone)
			continue;
		listener->failed = false;
		if (!has_probe(loop, listener))
			conn_new(loop, listener, -1)->probe = true;
	}
}

/* What was open is lost; what was about to be opened waits for the next session. */
static void drop_conns(struct loop *loop, struct link *link)
{
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->link != link)
			continue;
		if (conn->channel)
			ssh_channel_free(conn->channel); /* only our part: the session is dead */
		conn->channel = NULL;
		if (conn->state == CONN_OPEN) {
			conn_why(conn, "the ssh connection was lost: %s", ssh_failure(link->ssh));
			conn_reset(conn);
		} else if (conn->state == CONN_OPENING && (conn->fd >= 0 || conn->probe)) {
			conn->state = CONN_WAITING;
		} else if (conn->state != CONN_WAITING && conn->state != CONN_LINGERING) {
			conn->state = CONN_OVER;
		}
	}
	link->opening = NULL;
}

static void link_lost(struct loop *loop, struct link *link)
{
	sink_warn(loop->sink, NULL, "%s: %s; connecting again", ssh_name(link->ssh),
		ssh_failure(link->ssh));
	drop_conns(loop, link);
	ssh_stop(link->ssh);
	link->state = LINK_WAITING;
	link->retry_at = clock_ms();
}

void link_free(struct link *link)
{
	/* Channels end with the session: the server sees its disconnect. */
	ssh_free(link->ssh);
	tunnel_spec_free(link->spec);
	free(link);
}

/* === opening channels, one at a time === */

static struct conn *next_waiting(struct loop *loop, const struct link *link)
{
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->link == link && conn->state == CONN_WAITING)
			return conn;
	}
	return NULL;
}

static void open_done(struct loop *loop, struct conn *conn, struct ssh_channel *channel)
{
	conn->channel = channel;
	conn->state = conn->fd >= 0 ? CONN_OPEN : CONN_CLOSING;
	if (conn->probe)
		listener_ready(loop, conn->listener);
}

static void open_failed(struct loop *loop, struct conn *conn, const struct err *err)
{
	bool client = conn->fd >= 0;

	conn_why(conn, "%s", err->msg);
	conn->state = CONN_WAITING; /* nothing of it is left in libssh2 */
	conn_reset(conn);
	if (conn->probe)
		listener_failed(loop, conn->listener, err);
	else if (client)
		sink_warn(loop->sink, NULL, "tunnel \"%s\": %s", conn->listener->spec->name,
			err->msg);
}

static bool same_target(const struct listener *a, const struct listener *b)
{
	return a->spec->to_port == b->spec->to_port && str_eq(a->spec->to_host, b->spec->to_host);
}

/*
 * libssh2 opens one channel at a time, and a target behind a firewall that drops packets holds it
 * for minutes.  The tunnels to other targets then get a session of their own.
 */
static bool split(struct loop *loop, struct link *link)
{
	const struct listener *slow = link->opening->listener;
	struct link *other;
	struct conn *conn = loop->conns;
	struct err ignored = ERR_INIT;

	while (conn && (conn->link != link || conn->state != CONN_WAITING ||
			       same_target(conn->listener, slow)))
		conn = conn->next;
	other = conn ? link_new(loop, link->spec, link->ask, &ignored) : NULL;
	if (!other)
		return false;
	other->ever_up = other->split = true;
	other->retry_at = 0;
	for (size_t i = 0; i < loop->n_listeners; i++) {
		struct listener *listener = loop->listeners[i];

		if (listener->link == link && !same_target(listener, slow))
			listener->link = other;
	}
	for (conn = loop->conns; conn; conn = conn->next) {
		if (conn->link == link && conn->state == CONN_WAITING)
			conn->link = conn->listener->link;
	}
	return true;
}

static bool open_next(struct loop *loop, struct link *link)
{
	struct conn *conn = link->opening ? link->opening : next_waiting(loop, link);
	struct ssh_channel *channel = NULL;
	struct err err = ERR_INIT;
	int rc;

	if (!conn)
		return false;
	if (!link->opening)
		link->opening_since = conn->since = clock_ms();
	conn->state = CONN_OPENING;
	link->opening = conn;
	rc = ssh_open(link->ssh, conn->listener->spec->to_host, conn->listener->spec->to_port,
		conn->fd >= 0 && !conn->guard, &channel, &err);
	if (rc == SSH_AGAIN && clock_ms() - link->opening_since >= OPEN_SLOW_MS)
		return split(loop, link);
	if (rc == SSH_AGAIN || !ssh_alive(link->ssh))
		return false; /* a dead session puts it back in the queue */
	link->opening = NULL;
	if (rc == 0)
		open_done(loop, conn, channel);
	else
		open_failed(loop, conn, &err);
	return true;
}

/* === signs of life === */

static void check_pulse(struct link *link)
{
	int64_t now = clock_ms(), heard = ssh_last_heard(link->ssh);
	int probe, dead;

	ssh_patience(link->ssh, &probe, &dead);
	if (!probe)
		return;
	/* An answer may come within the millisecond. */
	if (link->probe_at && heard >= link->probe_at)
		link->probe_at = 0;
	if (!link->probe_at && now - heard >= (int64_t)probe * 1000) {
		link->probe_at = now;
		ssh_keepalive(link->ssh);
	}
	if (link->probe_at && now - link->probe_at >= (int64_t)(dead - probe) * 1000)
		ssh_give_up(link->ssh, "the server is silent");
}

int64_t link_deadline(const struct link *link)
{
	int probe, dead;

	switch (link->state) {
	case LINK_WAITING:
		return link->retry_at;
	case LINK_CONNECTING:
		return ssh_deadline(link->ssh);
	case LINK_UP:
		ssh_patience(link->ssh, &probe, &dead);
		if (link->opening && clock_ms() < link->opening_since + OPEN_SLOW_MS)
			return link->opening_since + OPEN_SLOW_MS;
		if (!probe)
			return -1;
		if (link->probe_at)
			return link->probe_at + (int64_t)(dead - probe) * 1000;
		return ssh_last_heard(link->ssh) + (int64_t)probe * 1000;
	default:
		return -1;
	}
}

void link_wanted(struct link *link)
{
	int64_t soon = link->tried_at + RETRY_WANTED_MS;

	if (link->state == LINK_WAITING && link->ever_up && link->retry_at > soon)
		link->retry_at = soon;
}

void link_wake(struct link *link)
{
	int probe, dead;

	if (link->state == LINK_WAITING && link->ever_up)
		link->retry_at = clock_ms();
	if (link->state != LINK_UP || link->probe_at)
		return;
	ssh_patience(link->ssh, &probe, &dead);
	if (!probe)
		return;
	link->probe_at = clock_ms();
	ssh_keepalive(link->ssh);
	ssh_flush(link->ssh);
}

static bool step_connecting(struct loop *loop, struct link *link)
{
	struct err err = ERR_INIT;
	int rc = ssh_step(link->ssh, &err);

	if (loop->run->connecting)
		loop->run->connecting(loop->run->ctx, link->ssh);
	if (rc == 0)
		return false;
	if (rc < 0)
		attempt_failed(loop, link, &err);
	else
		link_is_up(loop, link);
	return true;
}

bool link_step(struct loop *loop, struct link *link)
{
	bool moved = false;

	if (link->state == LINK_WAITING && clock_ms() >= link->retry_at) {
		link_start(loop, link);
		return true;
	}
	if (link->state == LINK_CONNECTING)
		return step_connecting(loop, link);
	if (link->state != LINK_UP)
		return false;
	if (ssh_alive(link->ssh))
		moved = open_next(loop, link);
	ssh_pump(link->ssh);
	if (ssh_alive(link->ssh))
		check_pulse(link);
	if (ssh_alive(link->ssh))
		return moved;
	link_lost(loop, link);
	return true;
}
