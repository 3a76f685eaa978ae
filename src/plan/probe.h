/*
 * probe.h - asking a server whether it serves, in its own protocol; private to plan/.
 *
 * A port that is open is not a server that is ready: MariaDB listens while it recovers, Docker's
 * proxy accepts for anybody.  Each probe connects, says the least that the protocol allows and
 * reads the first bytes of the answer.
 */
#ifndef DEVENV_PLAN_PROBE_H
#define DEVENV_PLAN_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum probe_kind {
	PROBE_TCP,       /* accepts, and does not hang up at once */
	PROBE_MYSQL,     /* greets with a handshake packet (protocol 10) and not with an error */
	PROBE_POSTGRES,  /* answers a start-up message, and not with "starting up" (57P03) */
	PROBE_REDIS,     /* answers PING: +PONG or an authentication error, not LOADING */
	PROBE_MEMCACHED, /* answers "version" */
	PROBE_HTTP,      /* any HTTP status but 502, 503 and 504 */
};

/* The probe for an image's name and a port: "registry/x/mariadb:10" -> PROBE_MYSQL. */
enum probe_kind probe_choose(const char *image, uint16_t port);

/* The port that servers of this image listen on by custom, or 0: mariadb -> 3306. */
uint16_t probe_usual_port(const char *image);

/* "MySQL", "HTTP", ...: for messages. */
const char *probe_name(enum probe_kind kind);

/* One try of at most timeout_ms on an IP address. */
bool probe_once(enum probe_kind kind, const char *address, uint16_t port, int timeout_ms);

#endif
