/*
 * conn_guard.c - what becomes of a connection, by what the guard or the prober says of its server.
 *
 * A refusal before the login's end is a protocol error in its place; later the channel closes at
 * once, and the client hears why if it can be told between two packets.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "loop.h"

#include <string.h>

/* Nothing of the server's follows; what the guard has said still goes to the client. */
static void refuse(struct loop *loop, struct conn *conn)
{
	const char *hint =
		strstr(conn->guard->why, "TLS hides")
			? " (turn TLS off in the client, as ssh encrypts; or let "
			  "devenv ask: a password in ~/.my.cnf or ~/.pgpass, or "
			  "`devenv tunnel up --password`; or set \"allow_unverified: true\")"
			: "";

	sink_warn(loop->sink, NULL, "tunnel \"%s\": a connection was refused: %s%s",
		conn->listener->spec->name, conn->guard->why, hint);
	conn->check = conn->guard->answered ? "writer" : "unknown";
	conn_why(conn, "refused: %s", conn->guard->why);
	buf_release(&conn->up);
	conn->up_start = 0;
	conn->client_eof = conn->eof_sent = conn->server_eof = true;
}

/*
 * Broken off after the login. Its channel closes now; the client hears why with its next command,
 * for which its socket stays a little: one that is closed with something unread loses what was
 * said.
 */
static void linger(struct conn *conn)
{
	buf_release(&conn->up);
	conn->up_start = 0;
	conn->state = CONN_LINGERING;
	conn->since = clock_ms();
}

/* It has not been let through yet. */
static bool is_waiting(const struct conn *conn)
{
	return conn->guard &&
	       (conn->guard->verdict == GUARD_FOLLOWING || conn->guard->verdict == GUARD_HIDDEN);
}

/* What one connection has found out goes for all of the tunnel that are past their login. */
void conn_promoted(struct loop *loop, const struct listener *listener)
{
	int n = 0;

	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->listener != listener || conn->state != CONN_OPEN || conn->asks ||
			is_waiting(conn))
			continue;
		n++;
		conn->check = "writer";
		conn_why(conn, "broken off: the server is no longer a read-only replica");
		if (conn->guard && (conn->guard->verdict == GUARD_REFUSED ||
					   guard_break(conn->guard, &conn->down)))
			linger(conn);
		else
			conn_reset(conn); /* in the middle of something */
	}
	sink_warn(loop->sink, NULL,
		"tunnel \"%s\": the server is no longer a read-only replica: %d connection%s "
		"closed",
		listener->spec->name, n, n == 1 ? "" : "s");
}

static void refused(struct loop *loop, struct conn *conn)
{
	if (!conn->guard->checked) {
		refuse(loop, conn);
	} else if (conn->guard->answered) {
		conn_promoted(loop, conn->listener);
	} else {
		refuse(loop, conn);
		linger(conn);
	}
}

static void passed_unproven(struct loop *loop, struct conn *conn)
{
	conn->check = "unverified";
	if (!conn->listener->told) {
		conn->listener->told = true;
		sink_warn(loop->sink, NULL,
			"tunnel \"%s\": cannot tell whether the server is a read-only replica: %s",
			conn->listener->spec->name, conn->guard->why);
	}
	guard_free(TAKE(conn->guard));
}

void conn_guarded(struct loop *loop, struct conn *conn, enum guard_verdict verdict)
{
	if (verdict == GUARD_REFUSED)
		refused(loop, conn);
	if (verdict == GUARD_WATCHING)
		conn->check = "replica";
	if (verdict == GUARD_HIDDEN)
		prober_wanted(loop, conn);
	if (verdict == GUARD_PASSED)
		passed_unproven(loop, conn);
}

void conn_settle(struct loop *loop, struct conn *conn, enum guard_proof proof, const char *why)
{
	enum guard_verdict verdict = guard_settle(conn->guard, proof, why, &conn->up, &conn->down);

	if (proof == PROOF_REPLICA) {
		conn->check = "replica";
		conn->proved = true;
		guard_free(TAKE(conn->guard));
	} else {
		conn_guarded(loop, conn, verdict);
	}
}

void conn_unproved(struct loop *loop, const struct listener *listener, const char *why)
{
	int n = 0;

	for (struct conn *conn = loop->conns; conn; conn = conn->next) {
		if (conn->listener != listener || conn->state != CONN_OPEN || !conn->proved)
			continue;
		conn->check = "unverified";
		if (listener->spec->allow_unverified) {
			conn->proved = false;
			continue;
		}
		n++;
		conn_why(conn, "broken off: cannot tell any longer what the server is: %s", why);
		conn_reset(conn);
	}
	if (n)
		sink_warn(loop->sink, NULL,
			"tunnel \"%s\": cannot tell any longer whether the server is a read-only "
			"replica: %s: %d connection%s closed",
			listener->spec->name, why, n, n == 1 ? "" : "s");
}
