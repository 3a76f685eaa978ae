/*
 * tunnel_login.h - the login with which a database is asked what it is.  Private to src/cmd.
 *
 *	struct tunnel_login login = {.role = {.engine = entry->engine}};
 *	if (tunnel_login_prove(&login, app, &entry->spec, &role, err) == 0)
 *		...
 *	tunnel_login_release(&login);
 */
#ifndef CMD_TUNNEL_LOGIN_H
#define CMD_TUNNEL_LOGIN_H

#include "tunnels.h"

#include "devenv/cli.h"
#include "devenv/role.h"
#include "devenv/tunnel.h"

struct tunnel_login {
	struct role_login role; /* borrows, but for the password that was typed */
	char *password;         /* that; or NULL */
	int tries;              /* how often a person was asked */
	bool silent;            /* nobody is */
};

/* Wipes the password. */
void tunnel_login_release(struct tunnel_login *login);

/* Ask the person at the terminal for the password. false: there is none, or no more tries. */
bool tunnel_login_ask(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec);

/*
 * Have the daemon ask what the server of an open tunnel of its is; a password that it misses is
 * asked for here, and stays with it. ERR_TUNNEL with the server's words, err->os EKEYREJECTED
 * when another password would help.
 */
int tunnel_login_prove(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec,
	struct role *role, struct err *err);

/* `--password` of the commands that open tunnels. */
struct tunnel_options {
	bool password;
};

extern const struct option_spec tunnel_password_options[];

/*
 * Say what the server is, or why it does not say. true: it is to be asked again, with another
 * password, which a person has typed.
 */
bool tunnel_login_told(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec,
	const struct role *role, const struct err *err);

/* What a person can do when the database does not say what it is; NULL: the failure says it. */
const char *tunnel_login_next(const struct tunnel_entry *entry, const struct err *failure);

/* The same as an error of the tunnel: -1. */
int tunnel_login_failed(
	const struct tunnel_entry *entry, const struct err *failure, struct err *err);

/* And when it is a writer: -1 with an error of the tunnel, or what is to be done. */
int tunnel_login_writer(const struct tunnel_spec *spec, struct err *err);
#define TUNNEL_WRITER_NEXT \
	"point \"to\" at the replica, or ask whoever runs the database for its address"

/* What the daemon says that a server is; false: it does not. */
bool tunnel_role_read(const json_t *answer, struct role *role);

/*
 * "a read-only replica, 3 s behind", "a read-only replica", or "a writer". The caller's.
 */
char *tunnel_role_text(const struct role *role);

#endif
