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

/* Keep the server's next `n` bytes, which end the login, and ask it something first. */
void guard_asked(struct guard *guard, size_t n, const void *query, size_t len)
{
	buf_add(&guard->accepted, guard->server.data, n);
	buf_consume(&guard->server, n);
	buf_add(guard->up, query, len);
	guard->step = STEP_ASKED;
	guard->since = clock_ms();
}

static void refuse(struct guard *guard, const char *text)
{
	guard->protocol->error(guard, text);
	guard->verdict = GUARD_REFUSED;
	if (!*guard->why)
		snprintf(guard->why, sizeof(guard->why), "this server is not a read-only replica");
}

static void pass(struct guard *guard)
{
	guard->verdict = GUARD_PASSED;
	buf_add(guard->down, buf_str(&guard->accepted), guard->accepted.len);
	guard_down(guard, guard->server.len);
	guard_up(guard, guard->client.len);
}

void guard_decide(struct guard *guard)
{
	if (guard->replica)
		pass(guard);
	else
		refuse(guard, "devenv: this server is not a read-only replica");
}

/* The guard cannot see, or got no answer that it understands. */
void guard_blind(struct guard *guard, const char *why)
{
	autofree char *text = NULL;

	snprintf(guard->why, sizeof(guard->why), "%s", why);
	if (guard->allow_unverified) {
		pass(guard);
		return;
	}
	text = xasprintf("devenv: cannot tell whether this server is a read-only replica: %s", why);
	refuse(guard, text);
}

static enum guard_verdict take(struct guard *guard, struct buf *held, const void *data, size_t len,
	struct buf *up, struct buf *down)
{
	guard->up = up;
	guard->down = down;
	if (guard->verdict == GUARD_FOLLOWING && buf_add(held, data, len) < 0)
		guard_blind(guard, "its packets are too large for a login");
	if (guard->verdict == GUARD_FOLLOWING && held == &guard->server)
		guard->protocol->server(guard);
	/* What the server said may let held packets of the client go. */
	if (guard->verdict == GUARD_FOLLOWING && guard->step != STEP_ASKED)
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

bool guard_holds(const struct guard *guard)
{
	return guard->verdict == GUARD_REFUSED || guard->step == STEP_ASKED ||
	       guard->client.len >= GUARD_PACKET_MAX;
}

int64_t guard_deadline(const struct guard *guard)
{
	if (guard->verdict == GUARD_FOLLOWING && guard->step == STEP_ASKED)
		return guard->since + ANSWER_MS;
	return -1;
}
