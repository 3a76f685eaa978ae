/*
 * guard.h - is it a read-only replica? Asked on the client's own connection.
 *
 * The guard follows a login in the clear, without credentials of its own.  Between the server's
 * "you are in" and the client hearing of it, it puts one query on the connection; a replica's
 * answer lets the login go on, a writer's turns it into a protocol error.  Until then nothing of
 * the client passes but what belongs to a login.
 *
 * Where it cannot see (TLS), or gets no answer, the connection stands still until somebody else has
 * found out what the server is (prober.c).
 *
 * Else it watches from then on: bytes pass untouched, while the packets' heads are followed.
 * Between two commands - the server has answered all that was asked, the client has begun nothing
 * new - it asks again: every few seconds, and before a command when the last answer is older than a
 * second.  What the client sends meanwhile waits.
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
	GUARD_FOLLOWING, /* the login */
	GUARD_HIDDEN,    /* it cannot see: guard_settle says how it goes on */
	GUARD_WATCHING,  /* it was a replica's */
	GUARD_PASSED,    /* everything held has been handed over unseen: the guard can go */
	GUARD_REFUSED,   /* an error for the client is made; nothing else may pass */
};

enum guard_step {
	STEP_FIRST,  /* mysql: the greeting; postgres: the client's first packet */
	STEP_ANSWER, /* mysql: the client's to it; postgres: the server's on encryption */
	STEP_LOGIN,
	STEP_ASKED, /* our query is on its way */
	STEP_WATCH,
};

/* What may be put on the connection now. */
enum guard_turn {
	TURN_FREE,      /* nothing is under way: a question of ours */
	TURN_UNDER_WAY, /* more of what the client has begun */
	TURN_WAIT,      /* the server has to answer first */
};

/* What MySQL's server has still to say. */
enum mysql_reply {
	REPLY_NONE,
	REPLY_ONE,   /* a packet */
	REPLY_FIRST, /* of a result */
	REPLY_COLUMNS,
	REPLY_ROWS,
	REPLY_FILE, /* nothing: the client sends a file */
	REPLY_PREPARE,
	REPLY_SKIP, /* definitions of a prepared statement */
	REPLY_AUTH, /* of another user */
};

#define PACKET_HEAD 40

/* One direction, packet by packet, of which only the first bytes are looked at. */
struct packets {
	unsigned char head[PACKET_HEAD];
	size_t have;
	uint64_t whole, passed; /* bytes of this packet; whole is 0 until it is known */
};

struct guard;

struct guard_protocol {
	const char *name;
	/* Take complete packets from the front of guard->client or guard->server. */
	void (*client)(struct guard *guard);
	void (*server)(struct guard *guard);
	void (*error)(struct guard *guard, const char *text); /* append one to `down` */

	/* For watching. */
	size_t header; /* bytes that tell a packet's length */
	uint64_t (*whole)(const unsigned char *header);
	/* The head of a packet: all of it, or PACKET_HEAD bytes. */
	void (*client_head)(struct guard *guard, const unsigned char *head, uint64_t whole);
	void (*server_head)(struct guard *guard, const unsigned char *head, uint64_t whole);
	enum guard_turn (*turn)(const struct guard *guard);
	void (*ask)(struct guard *guard); /* add our question to `up` */
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
	bool answered, replica;              /* the row has come; what it says */
	bool answer_ended;                   /* mysql */
	int64_t checked;                     /* the last good answer */
	bool retried;                        /* a question without an answer was put again */
	bool over;                           /* the client has said goodbye */
	struct packets from_client, from_server;
	enum mysql_reply reply;
	uint64_t columns;                        /* mysql: that are to come */
	bool client_continues, server_continues; /* mysql: with a packet of the same */
	bool hot_standby;                        /* postgres: SHOW in_hot_standby works */
	bool unsynced;                           /* postgres: a batch has no Sync yet */
	bool copying;                            /* postgres: data of the client */
	char synced, status; /* postgres: the last of Q, S and F; the last ReadyForQuery's */
	unsigned unanswered; /* postgres: ReadyForQuery that are to come */
	unsigned questions;  /* that were put */
	char why[512];       /* of a refusal, or what it cannot see; else empty */
	int64_t since;       /* of the question */
};

struct guard *guard_new(const char *engine, bool allow_unverified); /* NULL: no such engine */
void guard_free(struct guard *guard);

/* Bytes that came; what may go on is added to `up` and `down`. */
enum guard_verdict guard_client(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down);
enum guard_verdict guard_server(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down);

bool guard_holds(const struct guard *guard); /* do not read the client now */

/* What somebody else has found out of a server that the guard cannot ask. */
enum guard_proof { PROOF_NONE, PROOF_REPLICA, PROOF_WRITER };

/* End GUARD_HIDDEN: nothing was read meanwhile. `why` there is no proof, or NULL. */
enum guard_verdict guard_settle(struct guard *guard, enum guard_proof proof, const char *why,
	struct buf *up, struct buf *down);

/* What it still has of the client's, or waits for: no end may be passed on. */
bool guard_keeps(const struct guard *guard);

/* When the first answer is too late, or guard_tick is due; -1: neither. */
int64_t guard_deadline(const struct guard *guard);

/* Ask again when it is time. */
void guard_tick(struct guard *guard, struct buf *up);

/*
 * End a connection that is watched: an error goes to `down`. false: in the middle of a packet, none
 * can.
 */
bool guard_break(struct guard *guard, struct buf *down);

/* For the protocols. */
void guard_up(struct guard *guard, size_t n);   /* hand over the first bytes of the client */
void guard_down(struct guard *guard, size_t n); /* and of the server */
void guard_asked(struct guard *guard, size_t n, const void *query, size_t len);
void guard_decide(struct guard *guard); /* on `replica` */
void guard_blind(struct guard *guard, const char *why);
void guard_no_answer(struct guard *guard); /* to the question */
bool guard_stale(const struct guard *guard);

/* guard_watch.c */
void guard_watch_client(struct guard *guard); /* what is held of the client's, while it may go */
void guard_watch_server(struct guard *guard); /* all that is held of the server's */

/* guard_mysql_reply.c */
void mysql_client_head(struct guard *guard, const unsigned char *head, uint64_t whole);
void mysql_server_head(struct guard *guard, const unsigned char *head, uint64_t whole);
enum guard_turn mysql_turn(const struct guard *guard);

extern const struct guard_protocol guard_mysql, guard_postgres;

#endif
