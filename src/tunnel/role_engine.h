/* role_engine.h - what the two kinds of databases have of role.h, and share with the guard. */
#ifndef TUNNEL_ROLE_ENGINE_H
#define TUNNEL_ROLE_ENGINE_H

#include "devenv/role.h"

#include <stddef.h>

/* One column, a boolean. transaction_read_only alone may be the session's own default; on Aurora it
 * is the server's word. */
#define ROLE_QUERY_POSTGRES \
	"SELECT pg_catalog.pg_is_in_recovery() OR " \
	"(pg_catalog.current_setting('transaction_read_only') = 'on' AND " \
	"pg_catalog.current_setting('default_transaction_read_only') = 'off')"

/* Two switches, of which one is enough: Aurora's readers have the second. */
#define ROLE_QUERY_MYSQL "SELECT @@global.read_only, @@global.innodb_read_only"

enum role_switch { ROLE_OFF, ROLE_ON, ROLE_UNKNOWN };

/* A value of read_only. MariaDB 12 has NO_LOCK and NO_LOCK_NO_ADMIN, kinds of read-only. */
enum role_switch role_switch(const char *value, size_t len);

/* The socket that a library is given, as an address that only this process' own call reaches. */
struct role_door {
	int fd;        /* it listens */
	char host[16]; /* "127.0.0.3" */
	uint16_t port;
};

struct role_engine {
	/*
	 * The library's session, or NULL. `tls`: insist on it; else as its settings say, or none.
	 * err->os is EKEYREJECTED when a password is wrong or missing, EACCES when it may be that
	 * or that the server wants TLS, EPROTONOSUPPORT when it has no TLS, ETIMEDOUT, and
	 * ECANCELED when a second attempt cannot go better.
	 */
	void *(*connect)(const struct role_login *login, bool tls, const struct role_door *door,
		role_give *give, void *ctx, struct err *err);
	int (*ask)(void *session, struct role *role, struct err *err);
	void (*close)(void *session);
};

extern const struct role_engine role_mysql, role_postgres;

/*
 * Give away the far end of `own`, a socket that has just been connected to the door: what another
 * program has connected is closed.
 */
int role_door_pass(
	const struct role_door *door, int own, role_give *give, void *ctx, struct err *err);

/* Wait for `events` on the socket until `deadline` (clock_ms). What came; 0: nothing did. */
short role_wait(int fd, short events, int64_t deadline);

#define ROLE_CONNECT_MS 20000

#endif
