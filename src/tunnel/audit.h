/* audit.h - what is kept of a connection. */
#ifndef TUNNEL_AUDIT_H
#define TUNNEL_AUDIT_H

#include "devenv/tunnel.h"

#include <netinet/in.h>

struct audit_line {
	const struct tunnel_spec *spec;
	const char *client; /* "127.0.0.1:51234" */
	int64_t began;      /* seconds since 1970 */
	int64_t ms;         /* how long it lived */
	uint64_t up, down;  /* bytes of the client, and for it */
	const char *check;  /* "replica", "writer", "unverified", "unknown", "off" */
	const char *why;    /* it ended */
};

/* Append the line, in one write; the file is made (0600) and moved on when it is full. */
int audit_write(const char *path, const struct audit_line *audit, struct err *err);

/* "127.0.0.1:51234". The caller's. */
char *audit_address(const struct sockaddr_in *address);

#endif
