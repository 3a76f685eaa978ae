/*
 * guard_watch.c - following a connection packet by packet, after the login.
 *
 * Everything passes as it came; only where a packet ends, and what the first bytes of each say, is
 * looked at, so that the guard knows when neither side has anything under way.
 */
#include "guard.h"

#include <string.h>

typedef void (*head_fn)(struct guard *guard, const unsigned char *head, uint64_t whole);

static size_t least(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* Take bytes of one packet, up to its end; returns how many. `told` is called with its head. */
static size_t follow(
	struct guard *guard, struct packets *packets, const char *data, size_t len, head_fn told)
{
	size_t used = 0;

	while (used < len && (!packets->whole || packets->have < PACKET_HEAD) &&
		(!packets->whole || packets->have < packets->whole)) {
		size_t wanted = packets->whole ? least(packets->whole, PACKET_HEAD)
					       : guard->protocol->header;
		size_t n = least(wanted - packets->have, len - used);

		memcpy(packets->head + packets->have, data + used, n);
		packets->have += n;
		used += n;
		if (!packets->whole && packets->have == wanted)
			packets->whole = guard->protocol->whole(packets->head);
		if (packets->whole && packets->have == least(packets->whole, PACKET_HEAD))
			told(guard, packets->head, packets->whole);
	}
	packets->passed += used;
	if (packets->whole) {
		size_t n = least(packets->whole - packets->passed, len - used);

		packets->passed += n;
		used += n;
	}
	if (packets->whole && packets->passed == packets->whole)
		*packets = (struct packets){0};
	return used;
}

enum next { GO_ON, HOLD, ASK };

/* What of the client's next packet? */
static enum next what_next(const struct guard *guard)
{
	switch (guard->protocol->turn(guard)) {
	case TURN_UNDER_WAY:
		return GO_ON;
	case TURN_WAIT:
		return HOLD;
	default:
		if (!guard_stale(guard))
			return GO_ON;
		return guard->from_server.passed ? HOLD : ASK;
	}
}

void guard_watch_client(struct guard *guard)
{
	enum next next = GO_ON;
	size_t done = 0;

	while (done < guard->client.len) {
		if (!guard->from_client.passed)
			next = what_next(guard);
		if (next != GO_ON)
			break;
		done += follow(guard, &guard->from_client, guard->client.data + done,
			guard->client.len - done, guard->protocol->client_head);
		if (guard->verdict != GUARD_WATCHING)
			return; /* everything went, or nothing shall */
	}
	guard_up(guard, done);
	if (!guard->client.len)
		buf_release(&guard->client); /* an idle connection holds no memory */
	if (next == ASK)
		guard->protocol->ask(guard);
}

void guard_watch_server(struct guard *guard)
{
	size_t done = 0;

	while (done < guard->server.len)
		done += follow(guard, &guard->from_server, guard->server.data + done,
			guard->server.len - done, guard->protocol->server_head);
	guard_down(guard, done);
	buf_release(&guard->server);
}
