/* role.c - asking a database what it is (role.h): the socket, and the order of attempts. */
#include "role_engine.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DOOR_MS 2000
#define DOOR_QUEUE 8

struct role_session {
	const struct role_engine *engine;
	void *session;
};

enum role_switch role_switch(const char *value, size_t len)
{
	if ((len == 1 && *value == '0') || (len == 3 && memcmp(value, "OFF", 3) == 0))
		return ROLE_OFF;
	if ((len == 1 && *value == '1') || (len == 2 && memcmp(value, "ON", 2) == 0) ||
		(len >= 7 && memcmp(value, "NO_LOCK", 7) == 0))
		return ROLE_ON;
	return ROLE_UNKNOWN;
}

/* === the socket === */

static int open_at(struct role_door *door, const char *host, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(address);
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	inet_pton(AF_INET, host, &address.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* after an earlier session */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
		listen(fd, DOOR_QUEUE) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -1;
	memcpy(door->host, host, strlen(host) + 1);
	door->port = ntohs(address.sin_port);
	door->fd = TAKE_FD(fd);
	return 0;
}

/* ~/.pgpass knows the tunnel's port; beside the tunnel it is free on another loopback address. */
static int open_door(struct role_door *door, uint16_t port, struct err *err)
{
	if ((port && open_at(door, "127.0.0.3", port) == 0) || open_at(door, "127.0.0.1", 0) == 0)
		return 0;
	return err_os(err, ERR_TUNNEL, errno, "listen on 127.0.0.1");
}

short role_wait(int fd, short events, int64_t deadline)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	while (clock_ms() < deadline) {
		int n = poll(&pfd, 1, (int)(deadline - clock_ms()));

		if (n > 0)
			return pfd.revents;
		if (n < 0 && errno != EINTR)
			break;
	}
	return 0;
}

int role_door_pass(
	const struct role_door *door, int own, role_give *give, void *ctx, struct err *err)
{
	int64_t deadline = clock_ms() + DOOR_MS;
	struct sockaddr_in mine = {0}, peer = {0};
	socklen_t len = sizeof(mine);

	if (getsockname(own, (struct sockaddr *)&mine, &len) < 0 || mine.sin_family != AF_INET)
		return err_set(err, ERR_TUNNEL,
			"the library connects to a socket of its own settings' (my.cnf: protocol)");
	while (role_wait(door->fd, POLLIN, deadline)) {
		int fd;

		len = sizeof(peer);
		fd = accept4(
			door->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && peer.sin_port == mine.sin_port &&
			peer.sin_addr.s_addr == mine.sin_addr.s_addr) {
			if (give(ctx, fd) == 0)
				return 0;
			break;
		}
		cleanup_close(&fd);
	}
	err_set(err, ERR_TUNNEL, "the tunnel was closed");
	err->os = ECANCELED;
	return -1;
}

/* === a session === */

static void *attempt(const struct role_engine *engine, const struct role_login *login, bool tls,
	role_give *give, void *ctx, struct err *err)
{
	struct role_door door = {.fd = -1};
	void *session;

	if (open_door(&door, login->port, err) < 0)
		return NULL;
	session = engine->connect(login, tls, &door, give, ctx, err);
	cleanup_close(&door.fd);
	return session;
}

static bool tls_may_help(const struct err *err)
{
	return err->os != ECANCELED && err->os != EKEYREJECTED && err->os != ETIMEDOUT;
}

struct role_session *role_connect(
	const struct role_login *login, role_give *give, void *ctx, struct err *err)
{
	const struct role_engine *engine = str_eq(login->engine, "postgres") ? &role_postgres
									     : &role_mysql;
	struct role_session *made;
	void *session = attempt(engine, login, false, give, ctx, err);

	if (!session && tls_may_help(err)) {
		struct err second = ERR_INIT;

		session = attempt(engine, login, true, give, ctx, &second);
		if (!session && second.os != EPROTONOSUPPORT)
			*err = second;
	}
	if (!session) {
		err->os = err->os == EACCES ? EKEYREJECTED : err->os;
		return NULL;
	}
	err_clear(err);
	made = xcalloc(1, sizeof(*made));
	*made = (struct role_session){.engine = engine, .session = session};
	return made;
}

int role_ask(struct role_session *session, struct role *role, struct err *err)
{
	*role = (struct role){.lag_s = -1};
	return session->engine->ask(session->session, role, err);
}

void role_close(struct role_session *session)
{
	if (!session)
		return;
	session->engine->close(session->session);
	free(session);
}

/* === logins === */

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

struct role_login *role_login_copy(const struct role_login *login)
{
	struct role_login *made = xcalloc(1, sizeof(*made));

	made->engine = copy(login->engine);
	made->user = copy(login->user);
	made->database = copy(login->database);
	made->password = copy(login->password);
	made->defaults_file = copy(login->defaults_file);
	made->port = login->port;
	return made;
}

void role_login_free(struct role_login *login)
{
	if (!login)
		return;
	if (login->password)
		explicit_bzero((char *)login->password, strlen(login->password));
	free((char *)login->engine);
	free((char *)login->user);
	free((char *)login->database);
	free((char *)login->password);
	free((char *)login->defaults_file);
	free(login);
}

json_t *role_login_json(const struct role_login *login)
{
	json_t *out = json_object();

	json_set_str(out, "engine", login->engine);
	json_set_str(out, "user", login->user);
	json_set_str(out, "database", login->database);
	json_set_str(out, "password", login->password);
	json_set_str(out, "defaults_file", login->defaults_file);
	return out;
}

void role_login_parse(const json_t *json, struct role_login *login)
{
	login->engine = json_str(json, "engine");
	login->user = json_str(json, "user");
	login->database = json_str(json, "database");
	login->password = json_str(json, "password");
	login->defaults_file = json_str(json, "defaults_file");
}
