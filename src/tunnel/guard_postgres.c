/*
 * guard_postgres.c - the guard on PostgreSQL's protocol, version 3.
 *
 * https://www.postgresql.org/docs/current/protocol.html: after the first packets a message is a
 * letter and a length.  A login ends with the server's first ReadyForQuery; until then a client
 * has only 'p' messages (password, SASL, GSS) to send, so that anything else waits.
 */
#include "guard.h"
#include "role_engine.h"

#include <stdio.h>
#include <string.h>

#define STARTUP_MAX 10000U /* the server's own ceiling */
#define CODE_CANCEL 80877102U
#define CODE_TLS 80877103U
#define CODE_GSS 80877104U
#define TLS_RECORD 0x16 /* a client that begins with TLS */

static uint32_t u32(const void *data)
{
	const unsigned char *at = data;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_u32(struct buf *out, uint32_t value)
{
	const unsigned char bytes[] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
		(unsigned char)(value >> 8), (unsigned char)value};

	buf_add(out, bytes, sizeof(bytes));
}

/* 08004: the server rejected the connection. */
static void postgres_error(struct guard *guard, const char *text)
{
	static const char fields[] = "SFATAL\0VFATAL\0C08004\0M";
	size_t len = strlen(text);

	buf_addch(guard->down, 'E');
	put_u32(guard->down, (uint32_t)(4 + sizeof(fields) - 1 + len + 2));
	buf_add(guard->down, fields, sizeof(fields) - 1);
	buf_add(guard->down, text, len);
	buf_add(guard->down, "\0", 2); /* the end of the text, and of the fields */
}

/* === the client === */

/* False: it is not complete, or there is nothing to follow. */
static bool first_packet(struct guard *guard)
{
	const char *data = guard->client.data;
	uint32_t len, code;

	if (guard->client.len && data[0] == TLS_RECORD) {
		guard_blind(guard, "TLS hides the login");
		return false;
	}
	if (guard->client.len < 8)
		return false;
	len = u32(data);
	code = u32(data + 4);
	if (len < 8 || len > STARTUP_MAX) {
		guard_blind(guard, "this is not PostgreSQL's protocol");
		return false;
	}
	if (guard->client.len < len)
		return false;
	if (code == CODE_TLS || code == CODE_GSS)
		guard->step = STEP_ANSWER;
	else if (code != CODE_CANCEL && code >> 16 == 3)
		guard->step = STEP_LOGIN;
	else if (code != CODE_CANCEL) {
		guard_blind(guard, "the client speaks an unknown version of the protocol");
		return false;
	}
	guard_up(guard, len); /* a request to cancel is all that its connection carries */
	return true;
}

static void postgres_client(struct guard *guard)
{
	while (guard->step == STEP_FIRST && first_packet(guard))
		;
	while (guard->verdict == GUARD_FOLLOWING && guard->step == STEP_LOGIN &&
		guard->client.len >= 5 && guard->client.data[0] == 'p') {
		size_t whole = 1 + (size_t)u32(guard->client.data + 1);

		if (whole > GUARD_PACKET_MAX) {
			guard_blind(guard, "its packets are too large for a login");
			return;
		}
		if (guard->client.len < whole)
			return;
		guard_up(guard, whole);
	}
}

/* === the server === */

/* Its word on encryption is one byte: S or G for yes, N for no; E begins an error. */
static void encryption_answer(struct guard *guard)
{
	char word = guard->server.data[0];

	if (word == 'S' || word == 'G') {
		guard_blind(guard, word == 'S' ? "TLS hides the login" : "GSS hides the login");
		if (guard->verdict == GUARD_REFUSED)
			return;
	} else if (word == 'N') {
		guard->step = STEP_FIRST;
		guard_down(guard, 1);
	} else {
		guard->step = STEP_LOGIN;
	}
}

static void ask_first(struct guard *guard, size_t whole)
{
	autobuf struct buf query = BUF_INIT(1024);

	buf_addch(&query, 'Q');
	put_u32(&query, (uint32_t)(4 + sizeof(ROLE_QUERY_POSTGRES)));
	buf_add(&query, ROLE_QUERY_POSTGRES, sizeof(ROLE_QUERY_POSTGRES));
	guard->status = guard->server.data[5];
	guard_asked(guard, whole, query.data, query.len);
}

/* One column: a count of 2 bytes, a length of 4, and "t" or "f" ("on" or "off" of SHOW). */
static void read_row(struct guard *guard, const char *body, size_t len)
{
	static const struct {
		const char *body;
		size_t len;
		bool replica;
	} rows[] = {
		{"\0\1\0\0\0\1t", 7, true},
		{"\0\1\0\0\0\1f", 7, false},
		{"\0\1\0\0\0\2on", 8, true},
		{"\0\1\0\0\0\3off", 9, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (len != rows[i].len || memcmp(body, rows[i].body, len) != 0)
			continue;
		guard->answered = true;
		guard->replica = rows[i].replica;
	}
}

/* A message after our question; false: it was the last one. */
static bool read_answer(struct guard *guard, char type, size_t whole)
{
	const char *body = guard->server.data + 5;

	/* They may come at any time; and a server that ends says so itself. */
	if (type == 'N' || type == 'S' || type == 'A' ||
		(type == 'E' && memmem(body, whole - 5, "VFATAL", 7))) {
		guard_down(guard, whole);
		return true;
	}
	if (type == 'D')
		read_row(guard, body, whole - 5);
	if (type == 'Z')
		guard->status = *body;
	buf_consume(&guard->server, whole);
	if (type != 'Z')
		return true;
	if (guard->answered)
		guard_decide(guard);
	else
		guard_no_answer(guard);
	return false;
}

static bool one_message(struct guard *guard, size_t whole)
{
	static const char name[] = "in_hot_standby";
	char type = guard->server.data[0];

	if (guard->step == STEP_ASKED)
		return read_answer(guard, type, whole);
	if (type == 'S' && whole - 5 > sizeof(name) &&
		memcmp(guard->server.data + 5, name, sizeof(name)) == 0)
		guard->hot_standby = true;
	if (type == 'Z' && whole == 6)
		ask_first(guard, whole);
	else
		guard_down(guard, whole);
	return true;
}

static void postgres_server(struct guard *guard)
{
	while (guard->server.len) {
		size_t whole;

		if (guard->step == STEP_ANSWER) {
			encryption_answer(guard);
			if (guard->verdict != GUARD_FOLLOWING)
				return;
			continue;
		}
		if (guard->server.len < 5)
			return;
		whole = 1 + (size_t)u32(guard->server.data + 1);
		if (whole < 5 || whole > GUARD_PACKET_MAX || guard->step == STEP_FIRST) {
			guard_blind(guard, "this is not PostgreSQL's protocol");
			return;
		}
		if (guard->server.len < whole || !one_message(guard, whole))
			return;
	}
}

/* === watching === */

static uint64_t postgres_whole(const unsigned char *header)
{
	uint64_t len = u32(header + 1);

	return 1 + (len < 4 ? 4 : len);
}

/* A query, a batch's Sync and a function call are each answered by one ReadyForQuery. */
static void client_head(struct guard *guard, const unsigned char *head, uint64_t whole)
{
	char type = (char)head[0];

	if (type == 'Q' || type == 'S' || type == 'F') {
		guard->unanswered++;
		guard->synced = type;
		guard->unsynced = false;
	} else if (type && strchr("PBDECH", type)) {
		guard->unsynced = true;
	}
	guard->over = type == 'X';
}

static void server_head(struct guard *guard, const unsigned char *head, uint64_t whole)
{
	if (head[0] == 'G') {
		/* While it takes in a COPY it passes over the Sync of the batch (55.2.6). */
		if (guard->synced == 'S' && guard->unanswered)
			guard->unanswered--;
		guard->copying = true;
	}
	if (head[0] != 'Z')
		return;
	guard->status = (char)head[5];
	guard->copying = false;
	if (guard->unanswered)
		guard->unanswered--;
}

/*
 * In a transaction a query could be the first one, and set what its snapshot is; SHOW takes none.
 * An aborted transaction can do nothing but end.
 */
static enum guard_turn postgres_turn(const struct guard *guard)
{
	if (guard->over || guard->unsynced || guard->copying)
		return TURN_UNDER_WAY;
	if (guard->unanswered)
		return guard_stale(guard) ? TURN_WAIT : TURN_UNDER_WAY;
	if (guard->status == 'I' || (guard->status == 'T' && guard->hot_standby))
		return TURN_FREE;
	return TURN_UNDER_WAY;
}

static void put_message(struct buf *out, char type, const void *body, size_t len)
{
	buf_addch(out, type);
	put_u32(out, (uint32_t)(4 + len));
	buf_add(out, body, len);
}

/*
 * By a statement and a portal with names: a simple query would end the client's unnamed ones. The
 * names are new ones each time, in case an earlier one was not closed.
 */
static void ask_again(struct guard *guard)
{
	const char *question = guard->status == 'T' ? "SHOW in_hot_standby" : ROLE_QUERY_POSTGRES;
	autobuf struct buf query = BUF_INIT(2048), part = BUF_INIT(1024);
	char name[32];
	size_t len = (size_t)snprintf(name, sizeof(name), "devenv%u", guard->questions) + 1;

	buf_add(&part, name, len);
	buf_add(&part, question, strlen(question) + 1);
	buf_add(&part, "\0\0", 2); /* no types of parameters */
	put_message(&query, 'P', part.data, part.len);
	buf_reset(&part);
	buf_add(&part, name, len);
	buf_add(&part, name, len);
	buf_add(&part, "\0\0\0\0\0\0", 6); /* no parameters; all in text */
	put_message(&query, 'B', part.data, part.len);
	buf_reset(&part);
	buf_add(&part, name, len);
	buf_add(&part, "\0\0\0\0", 4); /* all rows */
	put_message(&query, 'E', part.data, part.len);
	for (const char *kind = "PS"; *kind; kind++) {
		buf_reset(&part);
		buf_addch(&part, *kind);
		buf_add(&part, name, len);
		put_message(&query, 'C', part.data, part.len);
	}
	put_message(&query, 'S', "", 0);
	guard_asked(guard, 0, query.data, query.len);
}

const struct guard_protocol guard_postgres = {
	.name = "PostgreSQL",
	.client = postgres_client,
	.server = postgres_server,
	.error = postgres_error,
	.header = 5,
	.whole = postgres_whole,
	.client_head = client_head,
	.server_head = server_head,
	.turn = postgres_turn,
	.ask = ask_again,
};
