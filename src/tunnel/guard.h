/*
 * guard.h - is it a read-only replica? Asked on the client's own connection.
 *
 * The guard follows a login in the clear, without credentials of its own.  Between the server's
 * "you are in" and the client hearing of it, it puts one query on the connection; a replica's
 * answer lets the login go on, a writer's turns it into a protocol error.  Until then nothing of
 * the client passes but what belongs to a login, and after it the guard is out of the way.
 */
#ifndef TUNNEL_GUARD_H
#define TUNNEL_GUARD_H

#include "devenv/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest packet of a login; the buffers behind the guard hold two of them. */
#define GUARD_PACKET_MAX ((size_t)60 << 10)

enum guard_verdict {
	GUARD_FOLLOWING,
	GUARD_PASSED,  /* everything held has been handed over: the guard can go */
	GUARD_REFUSED, /* an error for the client is made; nothing else may pass */
};

enum guard_step {
	STEP_FIRST,  /* mysql: the greeting; postgres: the client's first packet */
	STEP_ANSWER, /* mysql: the client's to it; postgres: the server's on encryption */
	STEP_LOGIN,
	STEP_ASKED, /* our query is on its way */
};

struct guard;

struct guard_protocol {
	const char *name;
	/* Take complete packets from the front of guard->client or guard->server. */
	void (*client)(struct guard *guard);
	void (*server)(struct guard *guard);
	void (*error)(struct guard *guard, const char *text); /* append one to `down` */
};

struct guard {
	const struct guard_protocol *protocol;
	bool allow_unverified;
	enum guard_step step;
	enum guard_verdict verdict;
	struct buf client, server;           /* held, or not complete yet */
	struct buf accepted;                 /* the server's end of the login */
	struct buf *up, *down;               /* where bytes go, during a call */
	uint32_t server_flags, client_flags; /* mysql */
	uint8_t sequence;                    /* mysql: of the next packet to the client */
	bool answered, replica;
	char why[200]; /* of a refusal, or of a pass without proof; else empty */
	int64_t since; /* of the question */
};

struct guard *guard_new(const char *engine, bool allow_unverified); /* NULL: no such engine */
void guard_free(struct guard *guard);

/* Bytes that came; what may go on is added to `up` and `down`. */
enum guard_verdict guard_client(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down);
enum guard_verdict guard_server(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down);

bool guard_holds(const struct guard *guard);       /* do not read the client now */
int64_t guard_deadline(const struct guard *guard); /* of the answer, or -1 */

/* For the protocols. */
void guard_up(struct guard *guard, size_t n);   /* hand over the first bytes of the client */
void guard_down(struct guard *guard, size_t n); /* and of the server */
void guard_asked(struct guard *guard, size_t n, const void *query, size_t len);
void guard_decide(struct guard *guard); /* on `replica` */
void guard_blind(struct guard *guard, const char *why);

extern const struct guard_protocol guard_mysql, guard_postgres;

#endif
