/*
 * guard.c - what the guards of both protocols share: holding, passing and refusing.
 */
#include "guard.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdio.h>
#include <stdlib.h>

#define HELD_MAX ((size_t)256 << 10)
#define ANSWER_MS 10000
#define STALE_MS 1000   /* before a command */
#define RECHECK_MS 3000 /* while there is none */

static const char not_replica[] = "this server is not a read-only replica";
static const char no_longer[] = "this server is no longer a read-only replica";

struct guard *guard_new(const char *engine, bool allow_unverified)
{
	const struct guard_protocol *protocol = NULL;
	struct guard *guard;

	if (str_eq(engine, "mysql") || str_eq(engine, "mariadb"))
		protocol = &guard_mysql;
	if (str_eq(engine, "postgres"))
		protocol = &guard_postgres;
	if (!protocol)
		return NULL;
	guard = xcalloc(1, sizeof(*guard));
	guard->protocol = protocol;
	guard->allow_unverified = allow_unverified;
	guard->client.limit = guard->server.limit = guard->accepted.limit = HELD_MAX;
	return guard;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	buf_release(&guard->client);
	buf_release(&guard->server);
	buf_release(&guard->accepted);
	free(guard);
}

void guard_up(struct guard *guard, size_t n)
{
	buf_add(guard->up, guard->client.data, n);
	buf_consume(&guard->client, n);
}

void guard_down(struct guard *guard, size_t n)
{
	buf_add(guard->down, guard->server.data, n);
	buf_consume(&guard->server, n);
}

/* Keep the server's next `n` bytes, which end the login (later: 0), and ask something first. */
void guard_asked(struct guard *guard, size_t n, const void *query, size_t len)
{
	buf_add(&guard->accepted, guard->server.data, n);
	buf_consume(&guard->server, n);
	buf_add(guard->up, query, len);
	guard->step = STEP_ASKED;
	guard->answered = guard->replica = guard->answer_ended = false;
	guard->questions++;
	guard->since = clock_ms();
}

static void refuse(struct guard *guard, const char *text)
{
	autofree char *line = xasprintf("devenv: %s", text);

	guard->protocol->error(guard, line);
	guard->verdict = GUARD_REFUSED;
	if (!*guard->why)
		snprintf(guard->why, sizeof(guard->why), "%s", text);
}

/* What is held goes its way: from now on under watch, or by itself. */
static void pass(struct guard *guard)
{
	buf_add(guard->down, buf_str(&guard->accepted), guard->accepted.len);
	buf_release(&guard->accepted);
	if (*guard->why) {
		guard->verdict = GUARD_PASSED;
		guard_down(guard, guard->server.len);
		guard_up(guard, guard->client.len);
		return;
	}
	guard->verdict = GUARD_WATCHING;
	guard->step = STEP_WATCH;
	guard->checked = clock_ms();
	guard->retried = false;
	guard_watch_server(guard);
	guard_watch_client(guard);
}

void guard_decide(struct guard *guard)
{
	if (guard->replica)
		pass(guard);
	else
		refuse(guard, guard->verdict == GUARD_WATCHING ? no_longer : not_replica);
}

static void hide(struct guard *guard, const char *why)
{
	snprintf(guard->why, sizeof(guard->why), "%s", why);
	guard->verdict = GUARD_HIDDEN;
}

void guard_no_answer(struct guard *guard)
{
	if (guard->verdict == GUARD_FOLLOWING) {
		hide(guard, "it refused to say");
		return;
	}
	/* Somebody may have cancelled it, who meant the command before. */
	if (!guard->retried) {
		guard->retried = true;
		guard->protocol->ask(guard);
		return;
	}
	guard_blind(guard, "it refused to say");
}

bool guard_stale(const struct guard *guard)
{
	return clock_ms() - guard->checked >= STALE_MS;
}

static void unproven(struct guard *guard, const char *why)
{
	autofree char *text = NULL;

	snprintf(guard->why, sizeof(guard->why), "%s", why);
	if (guard->allow_unverified) {
		pass(guard);
		return;
	}
	text = xasprintf("cannot tell whether this server is a read-only replica: %s", why);
	refuse(guard, text);
}

/* The guard cannot see, or got no answer that it understands. */
void guard_blind(struct guard *guard, const char *why)
{
	if (guard->verdict == GUARD_FOLLOWING && guard->step != STEP_ASKED)
		hide(guard, why);
	else
		unproven(guard, why);
}

enum guard_verdict guard_settle(struct guard *guard, enum guard_proof proof, const char *why,
	struct buf *up, struct buf *down)
{
	autofree char *whole = xasprintf("%s; %s", guard->why, why ? why : "");

	guard->up = up;
	guard->down = down;
	if (proof == PROOF_REPLICA) {
		pass(guard);
	} else if (proof == PROOF_WRITER) {
		guard->answered = true;
		*guard->why = '\0';
		refuse(guard, not_replica);
	} else {
		unproven(guard, whole);
	}
	guard->up = guard->down = NULL;
	return guard->verdict;
}

static bool at_work(const struct guard *guard)
{
	return guard->verdict == GUARD_FOLLOWING || guard->verdict == GUARD_WATCHING;
}

static enum guard_verdict take(struct guard *guard, struct buf *held, const void *data, size_t len,
	struct buf *up, struct buf *down)
{
	bool from_server = held == &guard->server;

	guard->up = up;
	guard->down = down;
	if (at_work(guard) && buf_add(held, data, len) < 0)
		guard_blind(guard, "its packets are too large for a login");
	if (at_work(guard) && from_server && guard->step == STEP_WATCH)
		guard_watch_server(guard);
	else if (at_work(guard) && from_server)
		guard->protocol->server(guard);
	/* What the server said may let held packets of the client go. */
	if (at_work(guard) && guard->step == STEP_WATCH)
		guard_watch_client(guard);
	else if (at_work(guard) && guard->step != STEP_ASKED)
		guard->protocol->client(guard);
	guard->up = guard->down = NULL;
	return guard->verdict;
}

enum guard_verdict guard_client(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down)
{
	return take(guard, &guard->client, data, len, up, down);
}

enum guard_verdict guard_server(
	struct guard *guard, const void *data, size_t len, struct buf *up, struct buf *down)
{
	return take(guard, &guard->server, data, len, up, down);
}

/* Between two commands, with nothing half-sent either way. */
static bool guard_may_ask(const struct guard *guard)
{
	return guard->verdict == GUARD_WATCHING && guard->step == STEP_WATCH &&
	       !guard->from_client.passed && !guard->from_server.passed && !guard->client.len &&
	       guard->protocol->turn(guard) == TURN_FREE;
}

void guard_tick(struct guard *guard, struct buf *up)
{
	if (!guard_may_ask(guard) || clock_ms() < guard->checked + RECHECK_MS)
		return;
	guard->up = up;
	guard->protocol->ask(guard);
	guard->up = NULL;
}

bool guard_break(struct guard *guard, struct buf *down)
{
	if (guard->verdict != GUARD_WATCHING || guard->from_server.passed)
		return false;
	guard->down = down;
	refuse(guard, no_longer);
	guard->down = NULL;
	return true;
}

bool guard_holds(const struct guard *guard)
{
	if (guard->verdict == GUARD_WATCHING && guard->client.len)
		return true;
	return guard->verdict == GUARD_REFUSED || guard->verdict == GUARD_HIDDEN ||
	       guard->step == STEP_ASKED || guard->client.len >= GUARD_PACKET_MAX;
}

bool guard_keeps(const struct guard *guard)
{
	return guard->step == STEP_ASKED || guard->verdict == GUARD_HIDDEN ||
	       (guard->verdict == GUARD_WATCHING && guard->client.len);
}

int64_t guard_deadline(const struct guard *guard)
{
	if (guard->verdict == GUARD_FOLLOWING && guard->step == STEP_ASKED)
		return guard->since + ANSWER_MS;
	if (guard_may_ask(guard))
		return guard->checked + RECHECK_MS;
	return -1;
}
