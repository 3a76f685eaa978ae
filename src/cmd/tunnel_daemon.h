/*
 * tunnel_daemon.h - the process that keeps tunnels open, seen from commands.  Private to src/cmd.
 *
 * One a user, behind a socket in $XDG_RUNTIME_DIR/devenv (0700).  Requests and answers are lines of
 * JSON: tunnel_daemon() in devenv/tunnel.h.
 *
 *	autodaemon struct daemon daemon = DAEMON_NONE;
 *	for (line = daemon_ask(&daemon, true, request, err); line; line = daemon_read(&daemon, err))
 *		...
 */
#ifndef CMD_TUNNEL_DAEMON_H
#define CMD_TUNNEL_DAEMON_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>

struct daemon {
	int fd; /* -1: there is none */
	struct buf in;
};

#define DAEMON_NONE ((struct daemon){.fd = -1, .in = BUF_INIT(1 << 20)})

/*
 * Reach it, send the request and read the first line of the answer, the caller's. With `start` one
 * is made when there is none; else NULL without err says so. NULL with err: it cannot be reached.
 */
json_t *daemon_ask(struct daemon *daemon, bool start, const json_t *request, struct err *err);

/* The next line, the caller's. NULL with err when it hangs up. */
json_t *daemon_read(struct daemon *daemon, struct err *err);

/* What it says of the tunnel with this id, borrowed from its answer to "status"; or NULL. */
const json_t *daemon_tunnel(const json_t *status, const char *id);

/* Its answer to "status", the caller's; NULL (and no err) when there is no daemon. */
json_t *daemon_status(struct err *err);

void daemon_close(struct daemon *daemon);
#define autodaemon __attribute__((cleanup(daemon_close)))

#endif
