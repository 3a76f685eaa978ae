/*
 * tunnel.h - a local listener that forwards through SSH to a database.
 *
 * One poll loop.  devenv owns the socket: libssh2 reads from and writes to our own buffers
 * (half-sent packets and the rekey deadlock are its worst bugs).  The listener outlives the SSH
 * leg, which is opened again with backoff; a connection that arrives during an outage waits a
 * little and then gets a clear end.
 */
#ifndef DEVENV_TUNNEL_H
#define DEVENV_TUNNEL_H

#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"
#include "devenv/role.h"
#include "devenv/ssh.h"

#include <stdbool.h>
#include <stdint.h>

#define TUNNEL_ASIDE "127.0.0.2"

struct tunnel_spec {
	const char *name;
	const char *id;      /* the same for ever, of one tunnel on this machine; or NULL */
	const char *via;     /* [USER@]HOST[:PORT], or a Host of ~/.ssh/config */
	const char *to_host; /* as the bastion resolves it */
	uint16_t to_port;
	uint16_t port;      /* local; 0: any free one */
	const char *socket; /* an absolute path: a Unix socket there, and no port; or NULL */
	bool gateway;       /* listen on all addresses, not only 127.0.0.1 */
	/*
	 * Listen beside whoever has the port on 127.0.0.1: on TUNNEL_ASIDE, and where that is taken
	 * or not there, on any free port of 127.0.0.1. Not for the daemon.
	 */
	bool aside;
	bool openssh;                /* the session is the installed ssh's, not libssh2's */
	const char *identity;        /* key file, or NULL: ssh config, the agent, the usual files */
	const char *known_hosts;     /* NULL: the usual files */
	const char *host_key;        /* pinned fingerprint "SHA256:...", or NULL */
	const char *guard;           /* mysql or postgres: refuse writers (below); or NULL */
	bool allow_unverified;       /* let pass what nobody can tell */
	const char *user, *database; /* who asks where the guard cannot see (role.h); or NULL */
};

/*
 * The guard needs no credentials: it follows each login in the clear and, once the server has let
 * the client in, asks on that same connection whether it is a read-only replica. A writer's
 * connection ends with a protocol error in place of the login's success.
 *
 * Where the login is hidden (TLS, compression), or the login may not ask, the connection waits, and
 * devenv asks on a session of its own, with the user's credentials (role.h); it asks again every 3
 * s while such a connection is open. That session leads to the same host and port: where a name
 * stands for several servers, it may be another of them. What nobody can tell is refused, unless
 * allow_unverified is set; that is then said once a tunnel.
 *
 * The guard asks again between two commands: after 3 s without any, and before one when the last
 * answer is older than a second. A server that has become a writer loses every connection of the
 * tunnel, with an error that the client shows. A question is a statement of the session: on MySQL
 * ROW_COUNT(), FOUND_ROWS() and SHOW WARNINGS tell of it when they come more than a second after
 * theirs.
 */

/* Read one `x-tunnels` entry's "to" ("host:port"), in place of a parser in every caller. */
int tunnel_parse_to(const char *text, char **host, uint16_t *port, struct err *err);

/* How tunnels are served. */
struct tunnel_run {
	const struct ssh_ask *ask; /* used only before the first readiness; may be NULL */
	const struct sink *sink;
	const char *audit; /* a file: a line for each connection that ends; or NULL */
	/* Once a tunnel, or NULL: the session stands and the server has reached the target. */
	void (*ready)(void *ctx, const struct tunnel_spec *spec, uint16_t port);
	/* While a session is made: see ssh_stage(); or NULL. */
	void (*connecting)(void *ctx, const struct ssh *ssh);
	/*
	 * Ask the server what it is before its tunnel is ready; or NULL. `login` gives the login
	 * (what it leaves out is the spec's; borrowed for the call), or false not to ask. `role` is
	 * told what came of it, one of `role` and `err`; true: ask again. All tunnels wait for
	 * both. Whatever came, the tunnel then becomes ready: the guard stands.
	 */
	bool (*login)(void *ctx, const struct tunnel_spec *spec, struct role_login *login);
	bool (*role)(void *ctx, const struct tunnel_spec *spec, const struct role *role,
		const struct err *err);
	void *ctx;
	int stop_fd; /* serving ends when it becomes readable; -1: only on Ctrl-C (signals.h) */
};

/*
 * A Unix socket is for its owner (0600, in a folder of 0700, which is made); one that nobody
 * listens on is replaced, and it goes with the tunnel.
 *
 * Serve until Ctrl-C or stop_fd. Specs with the same engine, via, identity, known_hosts and
 * host_key share one ssh session. `ready` gets the local port, or 0 of a Unix
 * socket.
 *
 * Before any tunnel is ready errors end it: ERR_TUNNEL for an unknown or changed host key (with
 * file and line), no key accepted, forwarding forbidden, an unreachable database, a taken local
 * port (and who has it). With several tunnels the ones that fail are warned about, and the others
 * serve.
 */
int tunnel_serve(
	const struct tunnel_spec *specs, size_t n, const struct tunnel_run *run, struct err *err);

/*
 * Serve what comes through a control socket (listening, of SOCK_STREAM; taken), all in one loop,
 * until the last tunnel is down, or a signal. Only processes of this user are listened to. A
 * request is a line of JSON, and so is each answer:
 *
 *	{"command": "up", "tunnels": [tunnel_spec_json() ...], "agent": SSH_AUTH_SOCK or null,
 *	 "answers": {QUESTION: TEXT or true}}
 *	    -> for each {"id", "port", "warnings"} once it is ready, or
 *	       {"id", "error", "kind", "questions"}; then {"done": true}. A question is asked again,
 *	       to a person, by who sent the request; it has "used", the answers to what the server
 *	       asked before it. The agent is for all tunnels from now on: that of an ended login
 *	       helps nobody.
 *	{"command": "status"}
 *	    -> {"pid", "tunnels": [{"id", "name", "port", "state", "since", "connections", "opened",
 *	       "bytes_up", "bytes_down", of a lost one "error", and of one that was
 *	       asked "replica", "tls", "lag_s"} ...]}
 *	{"command": "prove", "id": ID, "login": role_login_json()}
 *	    -> {"replica", "tls", "lag_s"}, or {"error", "password": a better one would help}: asks
 *	       what the server of an open tunnel is; the login is kept for when it has to be asked
 *	       again.
 *	{"command": "down", "ids": [...]}   -> {"down": how many}
 */
int tunnel_daemon(int fd, const struct tunnel_run *run, struct err *err);

/* For requests, and for what outlives its manifest. NULL when it is not whole. The caller's. */
json_t *tunnel_spec_json(const struct tunnel_spec *spec);
struct tunnel_spec *tunnel_spec_parse(const json_t *json);
struct tunnel_spec *tunnel_spec_copy(const struct tunnel_spec *spec);
void tunnel_spec_free(struct tunnel_spec *spec);

/*
 * The file for tunnel_run.audit: JSON lines of the user's connections through all tunnels, by the
 * time they ended, with "begin", "end", "ms", "user", "tunnel", "id", "via", "to", "client",
 * "bytes_up", "bytes_down", "check" (replica, writer, unverified, unknown or off) and "why" it
 * ended; never what was said. Of mode 0600; at 4 MiB it becomes FILE.1, and FILE.3 goes. The
 * caller's.
 */
char *tunnel_audit_path(void);

/* Call `each` with every line of the file and the older ones, the oldest first. */
int tunnel_audit_read(
	const char *path, void (*each)(void *ctx, const json_t *line), void *ctx, struct err *err);

#endif
