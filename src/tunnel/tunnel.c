/*
 * tunnel.c - the poll loop, and what it starts with.
 *
 * libssh2 takes in the packets of all channels whenever one of them is read, so poll says nothing
 * about data that is already here: the loop sleeps only after a whole round in which no byte moved
 * and none came in (measured: sleeping earlier costs a factor of 3 to 20).
 */
#include "devenv/tunnel.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS_MAX 64 /* before poll is asked again what else there is to do */

int tunnel_parse_to(const char *text, char **host, uint16_t *port, struct err *err)
{
	const char *colon = strrchr(text, ':');
	const char *end = colon;
	const char *start = text;

	if (!colon || colon == text || !parse_port(colon + 1, port))
		return err_set(err, ERR_MANIFEST, "\"%s\" is not HOST:PORT", text);
	if (*start == '[' && colon[-1] == ']') {
		start++;
		end--;
	}
	if (start >= end)
		return err_set(err, ERR_MANIFEST, "\"%s\" is not HOST:PORT", text);
	*host = xstrndup(start, (size_t)(end - start));
	return 0;
}

/* === becoming ready === */

/* Begin to ask the server what it is; false: nobody wants to know. */
static bool prove(const struct loop *loop, struct listener *listener)
{
	struct role_login login = {0};

	if (!loop->run->login || !loop->run->login(loop->run->ctx, listener->spec, &login))
		return false;
	listener->proving = true;
	prober_prove(listener, &login);
	return true;
}

void listener_ready(struct loop *loop, struct listener *listener)
{
	if (listener->announced || listener->gone || listener->proving)
		return;
	if (!listener->prober && prove(loop, listener))
		return;
	listener->announced = true;
	listener->since = clock_wall();
	if (loop->run->ready)
		loop->run->ready(loop->run->ctx, listener->spec, listener->port);
}

void listener_failed(struct loop *loop, struct listener *listener, const struct err *err)
{
	if (listener->failed)
		return;
	listener->failed = true;
	listener->err = *err;
	if (!loop->first.kind)
		loop->first = *err;
	if (loop->wanted > 1 || loop->n_listeners > 1 || listener->announced)
		sink_warn(loop->sink, NULL, "tunnel \"%s\": %s", listener->spec->name, err->msg);
}

static bool all_failed(const struct loop *loop)
{
	for (size_t i = 0; i < loop->n_listeners; i++) {
		if (!loop->listeners[i]->failed)
			return false;
	}
	return true;
}

/* What failed alone says it itself; what each of several says was told. */
static int none_left(const struct loop *loop, struct err *err)
{
	*err = loop->first;
	return loop->wanted == 1
		       ? -1
		       : err_set(err, err->kind, "all %zu tunnels have failed", loop->wanted);
}

/* Links begin one after another: only one at a time may ask its user something. */
static void start_next(struct loop *loop)
{
	for (size_t i = 0; i < loop->n_links; i++) {
		struct link *link = loop->links[i];

		if (link->state == LINK_CONNECTING && !link->ever_up && !link->attempts)
			return;
		if (link->state == LINK_WAITING && !link->tried_at) {
			link_start(loop, link);
			return;
		}
	}
}

static bool same_session(const struct tunnel_spec *a, const struct tunnel_spec *b)
{
	return a->openssh == b->openssh && str_eq(a->via, b->via) &&
	       str_eq(a->identity, b->identity) && str_eq(a->known_hosts, b->known_hosts) &&
	       str_eq(a->host_key, b->host_key);
}

static struct link *find_link(struct loop *loop, const struct tunnel_spec *spec,
	const struct ssh_ask *ask, struct err *err)
{
	for (size_t i = 0; i < loop->n_links; i++)
		if (loop->links[i]->state != LINK_DEAD && same_session(loop->links[i]->spec, spec))
			return loop->links[i];
	return link_new(loop, spec, ask, err);
}

static void listener_free(struct listener *listener)
{
	listener_close(listener);
	prober_free(listener->prober);
	tunnel_spec_free(listener->owned);
	free(listener);
}

struct listener *loop_add(struct loop *loop, const struct tunnel_spec *spec,
	const struct ssh_ask *ask, struct err *err)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));

	listener->fd = -1;
	listener->spec = spec;
	if (listener_open(listener, err) == 0) {
		listener->link = find_link(loop, spec, ask, err);
		if (!listener->link)
			err_wrap(err, "tunnel \"%s\"", spec->name);
	}
	if (!listener->link) {
		listener_free(listener);
		return NULL;
	}
	loop->listeners = xgrow(loop->listeners, loop->n_listeners, sizeof(struct listener *));
	loop->listeners[loop->n_listeners++] = listener;
	/* On a session that stands there is only the target to try. */
	if (listener->link->state == LINK_UP)
		conn_new(loop, listener, -1)->probe = true;
	return listener;
}

static int set_up(struct loop *loop, const struct tunnel_spec *specs, size_t n, struct err *err)
{
	loop->wanted = n;
	for (size_t i = 0; i < n; i++) {
		struct err own = ERR_INIT;

		if (loop_add(loop, &specs[i], loop->run->ask, &own))
			continue;
		if (n > 1)
			sink_warn(loop->sink, NULL, "%s", own.msg);
		if (!loop->first.kind)
			loop->first = own;
	}
	return !n || loop->n_listeners ? 0 : none_left(loop, err);
}

/* What came of the question before it is ready. */
static bool proved(struct loop *loop, struct listener *listener)
{
	const struct tunnel_run *run = loop->run;
	const struct err *failure;
	const struct role *role;

	if (!listener->proving)
		return false;
	role = prober_word(listener->prober, &failure);
	if (!role && !failure)
		return false;
	if (run->role && run->role(run->ctx, listener->spec, role, failure)) {
		if (prove(loop, listener))
			return true;
	}
	listener->proving = false;
	listener_ready(loop, listener);
	return true;
}

/* === taking down, while others serve === */

void loop_remove(struct loop *loop, struct listener *listener, const char *why)
{
	listener->gone = true;
	listener_close(listener);
	prober_free(TAKE(listener->prober));
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->listener != listener)
			continue;
		conn_why(conn, "%s", why);
		if (conn->state != CONN_OPENING && conn->fd < 0 && !conn->channel)
			conn->state = CONN_OVER;
		else if (conn->fd >= 0)
			conn_reset(conn);
	}
}

static bool listener_used(const struct loop *loop, const struct listener *listener)
{
	for (const struct conn *conn = loop->conns; conn; conn = conn->next)
		if (conn->listener == listener)
			return true;
	return false;
}

static bool link_used(const struct loop *loop, const struct link *link)
{
	for (const struct conn *conn = loop->conns; conn; conn = conn->next)
		if (conn->link == link)
			return true;
	for (size_t i = 0; i < loop->n_listeners; i++)
		if (loop->listeners[i]->link == link)
			return true;
	return false;
}

/* Free what nobody needs any more. */
static void reap(struct loop *loop)
{
	size_t kept = 0;

	for (size_t i = 0; i < loop->n_listeners; i++) {
		struct listener *listener = loop->listeners[i];

		if (listener->gone && !listener_used(loop, listener))
			listener_free(listener);
		else
			loop->listeners[kept++] = listener;
	}
	loop->n_listeners = kept;
	kept = 0;
	for (size_t i = 0; i < loop->n_links; i++) {
		if (link_used(loop, loop->links[i]))
			loop->links[kept++] = loop->links[i];
		else
			link_free(loop->links[i]);
	}
	loop->n_links = kept;
}

/* === the loop === */

static bool one_round(struct loop *loop)
{
	bool moved = false;

	for (size_t i = 0; i < loop->n_links; i++)
		moved |= link_step(loop, loop->links[i]);
	for (struct conn *conn = loop->conns; conn; conn = conn->next)
		moved |= conn_pump(loop, conn);
	for (size_t i = 0; i < loop->n_listeners; i++)
		moved |= prober_step(loop, loop->listeners[i]);
	for (size_t i = 0; i < loop->n_listeners; i++)
		moved |= proved(loop, loop->listeners[i]);
	for (size_t i = 0; i < loop->n_links; i++) {
		ssh_flush(loop->links[i]->ssh);
		moved |= ssh_received(loop->links[i]->ssh);
	}
	conn_sweep(loop);
	return moved;
}

/* The answer may still come; nobody waits for it any more. */
static void probe_expired(struct loop *loop, struct conn *conn)
{
	const struct tunnel_spec *spec = conn->listener->spec;
	struct err err = ERR_INIT;

	conn->probe = false;
	err_set(&err, ERR_TUNNEL,
		"%s gets no answer from %s:%u: a firewall between them drops packets, or the "
		"address is wrong",
		ssh_name(conn->link->ssh), spec->to_host, spec->to_port);
	listener_failed(loop, conn->listener, &err);
}

/* true: there is something to do for the next round. */
static bool expire(struct loop *loop)
{
	int64_t now = clock_ms();
	bool any = false;

	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		int64_t deadline = conn_deadline(conn);

		if (deadline < 0 || now < deadline)
			continue;
		any = true;
		if (conn->probe) {
			probe_expired(loop, conn);
			continue;
		}
		conn_expired(loop, conn);
	}
	return any;
}

static void sooner(int64_t *soonest, int64_t deadline)
{
	if (deadline >= 0 && deadline < *soonest)
		*soonest = deadline;
}

/* Milliseconds to sleep, or -1 for ever. */
static int sleep_ms(const struct loop *loop)
{
	int64_t soonest = INT64_MAX, now = clock_ms();

	for (size_t i = 0; i < loop->n_links; i++)
		sooner(&soonest, link_deadline(loop->links[i]));
	for (struct conn *conn = loop->conns; conn; conn = conn->next)
		sooner(&soonest, conn_deadline(conn));
	for (size_t i = 0; i < loop->n_listeners; i++)
		sooner(&soonest, prober_deadline(loop, loop->listeners[i]));
	if (loop->accept_at)
		sooner(&soonest, loop->accept_at);
	if (soonest == INT64_MAX)
		return -1;
	if (soonest <= now)
		return 0;
	return soonest - now > 60000 ? 60000 : (int)(soonest - now);
}

struct pollfd *loop_watch(struct pollfd **at, int fd, short events)
{
	struct pollfd *pfd = (*at)++;

	/* Without a wish poll would still report a hang-up, for ever. */
	*pfd = (struct pollfd){.fd = events ? fd : -1, .events = events};
	return pfd;
}

static void wait_for_events(struct loop *loop, struct pollfd *pfds, int timeout)
{
	struct pollfd *at = pfds, *stop;
	bool accepting = clock_ms() >= loop->accept_at;

	loop_watch(&at, signals_fd(), POLLIN);
	stop = loop_watch(&at, loop->run->stop_fd, loop->run->stop_fd >= 0 ? POLLIN : 0);
	if (accepting)
		loop->accept_at = 0;
	for (size_t i = 0; i < loop->n_listeners; i++)
		loop->listeners[i]->pfd = loop_watch(
			&at, loop->listeners[i]->fd, accepting ? POLLIN : 0);
	for (size_t i = 0; i < loop->n_links; i++)
		loop->links[i]->pfd = loop_watch(
			&at, ssh_fd(loop->links[i]->ssh), ssh_events(loop->links[i]->ssh));
	for (struct conn *conn = loop->conns; conn; conn = conn->next)
		conn->pfd = loop_watch(&at, conn->fd, conn_events(conn));
	for (size_t i = 0; i < loop->n_listeners; i++)
		at = prober_watch(loop->listeners[i]->prober, at);
	at = wake_watch(&loop->wake, at);
	if (loop->control)
		at = control_watch(loop->control, at);
	if (poll(pfds, (nfds_t)(at - pfds), timeout) <= 0)
		return;
	loop->stopped = stop->revents != 0;
	wake_hear(loop);
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		conn->readable |= (conn->pfd->revents & ~POLLOUT) != 0;
		conn->writable |= (conn->pfd->revents & ~POLLIN) != 0;
	}
	for (size_t i = 0; i < loop->n_links; i++)
		ssh_io(loop->links[i]->ssh, loop->links[i]->pfd->revents);
	for (size_t i = 0; i < loop->n_listeners; i++) {
		if (loop->listeners[i]->pfd->revents)
			listener_accept(loop, loop->listeners[i]);
	}
}

static int serve(struct loop *loop, struct err *err)
{
	autofree struct pollfd *pfds = NULL;
	size_t room = 0;

	while (!signals_pending() && !loop->stopped) {
		bool moved = true;
		size_t need;

		start_next(loop);
		for (int i = 0; moved && i < ROUNDS_MAX; i++)
			moved = one_round(loop);
		moved |= expire(loop);
		conn_sweep(loop);
		reap(loop);
		if (loop->control) {
			moved |= control_serve(loop);
			if (control_done(loop))
				return 0;
		} else if (all_failed(loop)) {
			return none_left(loop, err);
		}
		need = 4 + control_fds(loop->control) + 2 * loop->n_listeners + loop->n_links +
		       loop->n_conns;
		if (need > room) {
			room = 2 * need;
			pfds = xrealloc(pfds, room * sizeof(*pfds));
		}
		wait_for_events(loop, pfds, moved ? 0 : sleep_ms(loop));
	}
	return 0;
}

static void tear_down(struct loop *loop)
{
	for (size_t i = 0; i < loop->n_listeners; i++)
		prober_free(TAKE(loop->listeners[i]->prober));
	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		free(conn->channel);
		conn->channel = NULL;
		if (conn->fd >= 0)
			close(conn->fd);
		conn->state = CONN_OVER;
	}
	conn_sweep(loop);
	for (size_t i = 0; i < loop->n_links; i++)
		link_free(loop->links[i]);
	for (size_t i = 0; i < loop->n_listeners; i++)
		listener_free(loop->listeners[i]);
	free(loop->links);
	free(loop->listeners);
	while (loop->n_spares)
		free(loop->spares[--loop->n_spares]);
	wake_close(&loop->wake);
	free(loop->chunk);
	free(loop->agent);
}

/* A connection is a descriptor; the soft limit of 1024 is for programs that use select(2). */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run(struct loop *loop, const struct tunnel_spec *specs, size_t n, struct err *err)
{
	int rc;

	loop->chunk = xmalloc(LOOP_CHUNK);
	loop->sink = loop->run->sink;
	allow_descriptors();
	wake_open(&loop->wake);
	rc = set_up(loop, specs, n, err);
	if (rc == 0)
		rc = serve(loop, err);
	tear_down(loop);
	return rc;
}

int tunnel_serve(
	const struct tunnel_spec *specs, size_t n, const struct tunnel_run *how, struct err *err)
{
	struct loop loop = {.run = how};

	return run(&loop, specs, n, err);
}

int tunnel_daemon(int fd, const struct tunnel_run *how, struct err *err)
{
	struct loop loop = {.run = how, .control = control_new(fd)};
	int rc = run(&loop, NULL, 0, err);

	control_free(loop.control);
	return rc;
}
