/*
 * control.c - the daemon's control socket: JSON lines (tunnel.h), in the same poll loop.
 *
 * No request waits in here: what `up` was asked for is looked at after every round of the loop, and
 * answered when it is ready or has failed.  Questions of ssh are answered from what the request
 * brought along; those without an answer fail the tunnel and go back to whoever asked.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 16
#define LINE_MAX_BYTES ((size_t)1 << 20)

struct peer {
	int fd; /* -1: free */
	struct buf in, out;
	json_t *waiting; /* ids that are to be answered, or NULL */
	json_t *answers; /* that came with them */
	char *proving;   /* the id of a tunnel whose server is being asked; or NULL */
	struct pollfd *pfd;
};

struct control {
	int fd;
	struct ssh_ask ask;
	json_t *questions; /* without an answer */
	json_t *answered;  /* texts of those that had one, of this `up` */
	struct peer peers[PEERS];
	struct pollfd *pfd;
	bool used; /* there was a request */
};

/* === questions === */

static const json_t *given(const struct control *control, const char *question)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < PEERS && !found; i++)
		found = json_object_get(control->peers[i].answers, question);
	return found;
}

static json_t *put(struct control *control, const char *text, bool confirm)
{
	json_t *question = json_object();

	json_set_str(question, "text", text);
	json_object_set_new(question, "confirm", json_boolean(confirm));
	json_array_append_new(control->questions, question);
	return question;
}

static bool confirm(void *ctx, const char *question)
{
	const json_t *found = given(ctx, question);

	if (!found)
		put(ctx, question, true);
	return json_is_true(found);
}

static char *answer(void *ctx, const struct ssh_prompt *prompt)
{
	struct control *control = ctx;
	const char *text = json_string_value(given(control, prompt->text));
	json_t *question;

	/* The same answer would be as wrong as it was. */
	if (text && !prompt->again) {
		json_object_set_new(control->answered, prompt->text, json_true());
		return xstrdup(text);
	}
	question = put(control, prompt->text, false);
	json_object_set_new(question, "used", json_deep_copy(control->answered));
	json_set_str(question, "info", prompt->info);
	json_object_set_new(question, "echo", json_boolean(prompt->echo));
	json_object_set_new(question, "again", json_boolean(prompt->again));
	return NULL;
}

struct control *control_new(int fd)
{
	struct control *control = xcalloc(1, sizeof(*control));

	control->fd = fd;
	control->ask = (struct ssh_ask){.confirm = confirm, .answer = answer, .ctx = control};
	control->questions = json_array();
	control->answered = json_object();
	for (size_t i = 0; i < PEERS; i++)
		control->peers[i].fd = -1;
	return control;
}

static void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	if (peer->in.data)
		explicit_bzero(peer->in.data, peer->in.cap);
	buf_release(&peer->in);
	buf_release(&peer->out);
	json_decref(peer->waiting);
	json_decref(peer->answers);
	free(peer->proving);
	*peer = (struct peer){.fd = -1};
}

void control_free(struct control *control)
{
	for (size_t i = 0; i < PEERS; i++)
		peer_close(&control->peers[i]);
	json_decref(control->questions);
	json_decref(control->answered);
	close(control->fd);
	free(control);
}

/* === requests === */

static struct listener *find(const struct loop *loop, const char *id)
{
	for (size_t i = 0; i < loop->n_listeners; i++)
		if (!loop->listeners[i]->gone && str_eq(loop->listeners[i]->spec->id, id))
			return loop->listeners[i];
	return NULL;
}

static void say(struct peer *peer, json_t *line)
{
	autofree char *text = json_print(line);

	buf_addstr(&peer->out, text);
	buf_addch(&peer->out, '\n');
	json_decref(line);
}

static void say_failed(
	struct control *control, struct peer *peer, const char *id, const struct err *err)
{
	json_t *line = json_object();

	json_set_str(line, "id", id);
	json_set_str(line, "error", err->msg);
	json_set_str(line, "kind", err_kind_name(err->kind));
	json_object_set(line, "questions", control->questions);
	say(peer, line);
}

/* The tunnel that a request names; one that is open already stays as it is. */
static int open_one(struct loop *loop, const json_t *json, struct err *err)
{
	struct tunnel_spec *spec = tunnel_spec_parse(json);
	struct listener *listener;

	if (!spec)
		return err_set(err, ERR_USAGE, "a tunnel of the request is not whole");
	listener = find(loop, spec->id);
	if (listener && listener->link->state == LINK_DEAD) {
		loop_remove(loop, listener, "it is opened anew");
		listener = NULL;
	}
	if (listener) {
		autojson json_t *open = tunnel_spec_json(listener->spec);

		if (!json_equal(open, json))
			err_set(err, ERR_TUNNEL,
				"tunnel \"%s\" is open with other settings: run \"devenv tunnel "
				"down "
				"%s\" first",
				spec->name, spec->name);
		link_wanted(listener->link);
	} else {
		listener = loop_add(loop, spec, &loop->control->ask, err);
		if (listener)
			listener->owned = TAKE(spec);
	}
	tunnel_spec_free(spec);
	return err->kind ? -1 : 0;
}

static void set_agent(struct loop *loop, const char *agent)
{
	if (!agent || str_eq(agent, loop->agent))
		return;
	free(loop->agent);
	loop->agent = xstrdup(agent);
	for (size_t i = 0; i < loop->n_links; i++)
		ssh_set_agent(loop->links[i]->ssh, agent);
}

static void on_up(struct loop *loop, struct peer *peer, const json_t *request)
{
	struct control *control = loop->control;
	json_t *tunnels = json_object_get(request, "tunnels");

	set_agent(loop, json_str(request, "agent"));
	json_array_clear(control->questions);
	json_object_clear(control->answered);
	peer->answers = json_incref(json_object_get(request, "answers"));
	peer->waiting = json_array();
	for (size_t i = 0; i < json_array_size(tunnels); i++) {
		const json_t *tunnel = json_array_get(tunnels, i);
		const char *id = json_str(tunnel, "id");
		struct err err = ERR_INIT;

		if (open_one(loop, tunnel, &err) < 0)
			say_failed(control, peer, id, &err);
		else
			json_array_append_new(peer->waiting, json_string(id));
	}
}

static const char *state_of(const struct listener *listener)
{
	if (!listener->announced)
		return "connecting";
	if (listener->link->state == LINK_DEAD)
		return "lost";
	return listener->link->state == LINK_UP ? "up" : "reconnecting";
}

static void role_json(const struct role *role, json_t *out)
{
	json_object_set_new(out, "replica", json_boolean(role->replica));
	json_object_set_new(out, "tls", json_boolean(role->tls));
	json_object_set_new(
		out, "lag_s", role->lag_s < 0 ? json_null() : json_integer(role->lag_s));
}

static json_t *status_of(const struct loop *loop, const struct listener *listener)
{
	json_t *out = json_object();
	json_int_t live = 0;
	char when[32];
	const struct err *ignored;
	const struct role *role;

	for (const struct conn *conn = loop->conns; conn; conn = conn->next)
		live += conn->listener == listener && conn->fd >= 0 && !conn->asks;
	json_set_str(out, "id", listener->spec->id);
	json_set_str(out, "name", listener->spec->name);
	json_object_set_new(out, "port", json_integer(listener->port));
	json_set_str(out, "state", state_of(listener));
	if (listener->failed)
		json_set_str(out, "error", listener->err.msg);
	if (listener->announced)
		json_set_str(out, "since", clock_rfc3339(listener->since, when));
	json_object_set_new(out, "connections", json_integer(live));
	json_object_set_new(out, "opened", json_integer((json_int_t)listener->opened));
	json_object_set_new(out, "bytes_up", json_integer((json_int_t)listener->sent));
	json_object_set_new(out, "bytes_down", json_integer((json_int_t)listener->given));
	role = prober_word(listener->prober, &ignored);
	if (role)
		role_json(role, out);
	return out;
}

static void on_status(const struct loop *loop, struct peer *peer)
{
	json_t *out = json_object(), *list = json_array();

	for (size_t i = 0; i < loop->n_listeners; i++)
		if (!loop->listeners[i]->gone)
			json_array_append_new(list, status_of(loop, loop->listeners[i]));
	json_object_set_new(out, "pid", json_integer(getpid()));
	json_object_set_new(out, "tunnels", list);
	say(peer, out);
}

static void on_down(struct loop *loop, struct peer *peer, const json_t *request)
{
	json_t *ids = json_object_get(request, "ids"), *out = json_object();
	json_int_t n = 0;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct listener *listener = find(loop, json_string_value(json_array_get(ids, i)));

		if (!listener)
			continue;
		loop_remove(loop, listener, "the tunnel was taken down");
		n++;
	}
	json_object_set_new(out, "down", json_integer(n));
	say(peer, out);
}

static void on_prove(struct loop *loop, struct peer *peer, const json_t *request)
{
	const char *id = json_str(request, "id");
	struct listener *listener = find(loop, id);
	struct role_login login = {0};
	struct err err = ERR_INIT;

	role_login_parse(json_object_get(request, "login"), &login);
	if (!listener || !listener->announced || !(login.engine || listener->spec->guard)) {
		err_set(&err, ERR_TUNNEL, "it is not open");
		say_failed(loop->control, peer, id, &err);
		return;
	}
	prober_prove(listener, &login);
	free(peer->proving);
	peer->proving = xstrdup(id);
}

static void on_line(struct loop *loop, struct peer *peer, const char *text, size_t len)
{
	struct err err = ERR_INIT;
	autojson json_t *request = json_parse(text, len, "request", &err);
	const char *command = json_str(request, "command");

	loop->control->used = true;
	if (str_eq(command, "up") && !peer->waiting) {
		on_up(loop, peer, request);
	} else if (str_eq(command, "status")) {
		on_status(loop, peer);
	} else if (str_eq(command, "down")) {
		on_down(loop, peer, request);
	} else if (str_eq(command, "prove")) {
		on_prove(loop, peer, request);
	} else {
		err_set(&err, ERR_USAGE, "the daemon does not know this request");
		say_failed(loop->control, peer, "", &err);
	}
}

/* === the ends of `up` === */

static json_t *warnings_of(const struct listener *listener)
{
	const struct strv *lines = ssh_warnings(listener->link->ssh);
	json_t *list = json_array();

	for (size_t i = 0; i < lines->n; i++)
		json_array_append_new(list, json_string(lines->v[i]));
	return list;
}

/* true: this one is answered. */
static bool settle(struct loop *loop, struct peer *peer, const char *id)
{
	struct listener *listener = find(loop, id);
	struct err err = ERR_INIT;
	json_t *line;

	if (!listener || listener->failed) {
		err_set(&err, ERR_TUNNEL, "it was taken down");
		say_failed(loop->control, peer, id, listener ? &listener->err : &err);
		return true;
	}
	if (!listener->announced)
		return false;
	line = json_object();
	json_set_str(line, "id", id);
	json_object_set_new(line, "port", json_integer(listener->port));
	json_object_set_new(line, "warnings", warnings_of(listener));
	say(peer, line);
	return true;
}

static void settle_all(struct loop *loop, struct peer *peer)
{
	for (size_t i = 0; i < json_array_size(peer->waiting);)
		if (settle(loop, peer, json_string_value(json_array_get(peer->waiting, i))))
			json_array_remove(peer->waiting, i);
		else
			i++;
	if (json_array_size(peer->waiting))
		return;
	json_decref(TAKE(peer->waiting));
	json_decref(TAKE(peer->answers));
	say(peer, json_pack("{s:b}", "done", 1));
}

/* The end of `prove`, when there is one. */
static void settle_proving(struct loop *loop, struct peer *peer)
{
	struct listener *listener = find(loop, peer->proving);
	const struct err *failure = NULL;
	const struct role *role = prober_word(listener ? listener->prober : NULL, &failure);
	json_t *line;

	if (listener && !role && !failure)
		return;
	line = json_object();
	if (role) {
		role_json(role, line);
	} else {
		json_set_str(line, "error", failure ? failure->msg : "the tunnel was taken down");
		json_object_set_new(
			line, "password", json_boolean(failure && failure->os == EKEYREJECTED));
	}
	free(TAKE(peer->proving));
	say(peer, line);
}

/* Everybody who waited has heard of it. */
static bool drop_failed(struct loop *loop)
{
	bool any = false;

	for (size_t i = 0; i < loop->n_listeners; i++) {
		struct listener *listener = loop->listeners[i];

		if (!listener->failed || listener->announced || listener->gone)
			continue;
		loop_remove(loop, listener, "it could not be opened");
		any = true;
	}
	return any;
}

/* === the socket === */

static void greet(struct control *control)
{
	struct ucred who = {0};
	socklen_t len = sizeof(who);
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < PEERS; i++) {
		if (control->peers[i].fd >= 0 ||
			getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
			who.uid != geteuid())
			continue;
		control->peers[i] = (struct peer){
			.fd = fd, .in = BUF_INIT(LINE_MAX_BYTES), .out = BUF_INIT(LINE_MAX_BYTES)};
		return;
	}
	close(fd);
}

static void hear(struct loop *loop, struct peer *peer)
{
	char data[4096], *line_end;
	ssize_t n = recv(peer->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&peer->in, data, (size_t)n) < 0) {
		peer_close(peer);
		return;
	}
	explicit_bzero(data, sizeof(data));
	while (peer->in.len && (line_end = memchr(peer->in.data, '\n', peer->in.len))) {
		size_t len = (size_t)(line_end - peer->in.data);

		on_line(loop, peer, peer->in.data, len);
		explicit_bzero(peer->in.data, len);
		buf_consume(&peer->in, len + 1);
	}
}

static void tell(struct peer *peer)
{
	ssize_t n = send(peer->fd, peer->out.data, peer->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buf_consume(&peer->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		peer_close(peer);
}

size_t control_fds(const struct control *control)
{
	return control ? 1 + PEERS : 0;
}

struct pollfd *control_watch(struct control *control, struct pollfd *at)
{
	control->pfd = loop_watch(&at, control->fd, POLLIN);
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *peer = &control->peers[i];

		peer->pfd = loop_watch(&at, peer->fd,
			(short)(peer->fd < 0 ? 0 : POLLIN | (peer->out.len ? POLLOUT : 0)));
	}
	return at;
}

bool control_serve(struct loop *loop)
{
	struct control *control = loop->control;
	bool heard = control->pfd && control->pfd->revents;

	if (heard)
		greet(control);
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *peer = &control->peers[i];

		if (peer->fd >= 0 && peer->pfd && peer->pfd->revents) {
			heard = true;
			hear(loop, peer);
		}
		if (peer->fd >= 0 && peer->waiting)
			settle_all(loop, peer);
		if (peer->fd >= 0 && peer->proving)
			settle_proving(loop, peer);
		if (peer->fd >= 0 && peer->out.len)
			tell(peer);
		peer->pfd = NULL;
	}
	control->pfd = NULL;
	return drop_failed(loop) || heard;
}

bool control_done(const struct loop *loop)
{
	for (size_t i = 0; i < PEERS; i++)
		if (loop->control->peers[i].fd >= 0)
			return false;
	return loop->control->used && !loop->n_listeners;
}
