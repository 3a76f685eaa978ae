/*
 * role.h - asking a database whether it is a read-only replica, with a person's credentials.
 *
 * libpq and libmariadb do it, loaded on first use, with all that they know by themselves: PG*
 * variables, ~/.pgpass, ~/.pg_service.conf; my.cnf's [client], MYSQL_PWD.  They speak to a socket
 * of this process, whose far end is given away to whoever carries its bytes to the database: so the
 * way of the question is the tunnel's, and no port stands open for others.
 *
 *	session = role_connect(&login, give, ctx, err);
 *	while (role_ask(session, &role, err) == 0)
 *		... every few seconds ...
 *	role_close(session);
 *
 * All calls block: a thread of its own makes them.
 */
#ifndef DEVENV_ROLE_H
#define DEVENV_ROLE_H

#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Who asks. What is NULL is the library's to find. */
struct role_login {
	const char *engine; /* mysql or postgres */
	const char *user, *database, *password;
	const char *defaults_file; /* mysql: read in place of the usual my.cnf files */
	uint16_t port; /* of the tunnel on 127.0.0.1, as ~/.pgpass may know it; 0: any */
};

/* What the server says of itself. */
struct role {
	bool replica;  /* and no session can write; Aurora's readers too */
	bool tls;      /* it was asked through TLS: it takes no login in the clear */
	int64_t lag_s; /* how far it is behind, in seconds; -1: it does not tell this login */
};

struct role_session;

/* Carry the bytes of `fd`, a connected socket (taken), to the database and back. -1: you cannot. */
typedef int role_give(void *ctx, int fd);

/*
 * Log in: in the clear (ssh encrypts), and where that is refused with TLS; where the library's own
 * settings say something else of TLS, as they say. `give` is called once for each attempt. NULL
 * with err, of ERR_TUNNEL and the server's words; err->os is EKEYREJECTED when another password, or
 * one at all, is what is missing. Takes at most 20 s an attempt.
 */
struct role_session *role_connect(
	const struct role_login *login, role_give *give, void *ctx, struct err *err);

/* Ask, on the same session. -1 with err when there was no answer: the session is of no more use. */
int role_ask(struct role_session *session, struct role *role, struct err *err);
void role_close(struct role_session *session);

/* A login that is kept, and one that goes through the daemon's socket (not its port). */
struct role_login *role_login_copy(const struct role_login *login);
void role_login_free(struct role_login *login); /* and wipe its password; NULL is fine */
json_t *role_login_json(const struct role_login *login);
void role_login_parse(const json_t *json, struct role_login *login); /* borrows from json */

#endif
