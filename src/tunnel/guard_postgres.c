/*
 * guard_postgres.c - the guard on PostgreSQL's protocol, version 3.
 *
 * https://www.postgresql.org/docs/current/protocol.html: after the first packets a message is a
 * letter and a length.  A login ends with the server's first ReadyForQuery; until then a client
 * has only 'p' messages (password, SASL, GSS) to send, so that anything else waits.
 */
#include "guard.h"

#include <string.h>

#define STARTUP_MAX 10000U /* the server's own ceiling */
#define CODE_CANCEL 80877102U
#define CODE_TLS 80877103U
#define CODE_GSS 80877104U
#define TLS_RECORD 0x16 /* a client that begins with TLS */

/* transaction_read_only alone may be the client's own default; on Aurora it is the server's word.
 */
#define QUERY \
	"SELECT pg_catalog.pg_is_in_recovery() OR " \
	"(pg_catalog.current_setting('transaction_read_only') = 'on' AND " \
	"pg_catalog.current_setting('default_transaction_read_only') = 'off')"

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

static void ask(struct guard *guard, size_t whole)
{
	struct buf query = BUF_INIT(1024);

	buf_addch(&query, 'Q');
	put_u32(&query, (uint32_t)(4 + sizeof(QUERY)));
	buf_add(&query, QUERY, sizeof(QUERY));
	guard_asked(guard, whole, query.data, query.len);
	buf_release(&query);
}

/* One column: a count of 2 bytes, a length of 4, and "t" or "f". */
static void read_row(struct guard *guard, const char *body, size_t len)
{
	if (len != 7 || memcmp(body, "\0\1\0\0\0\1", 6) != 0)
		return;
	guard->answered = true;
	guard->replica = body[6] == 't';
}

/* A message after our question. */
static void read_answer(struct guard *guard, char type, size_t whole)
{
	if (type == 'N' || type == 'S' || type == 'A') { /* they may come at any time */
		guard_down(guard, whole);
		return;
	}
	if (type == 'D')
		read_row(guard, guard->server.data + 5, whole - 5);
	buf_consume(&guard->server, whole);
	if (type != 'Z')
		return;
	if (guard->answered)
		guard_decide(guard);
	else
		guard_blind(guard, "it refused to say");
}

static void one_message(struct guard *guard, size_t whole)
{
	char type = guard->server.data[0];

	if (guard->step == STEP_ASKED)
		read_answer(guard, type, whole);
	else if (type == 'Z')
		ask(guard, whole);
	else
		guard_down(guard, whole);
}

static void postgres_server(struct guard *guard)
{
	while (guard->verdict == GUARD_FOLLOWING && guard->server.len) {
		size_t whole;

		if (guard->step == STEP_ANSWER) {
			encryption_answer(guard);
			continue;
		}
		if (guard->server.len < 5)
			return;
		whole = 1 + (size_t)u32(guard->server.data + 1);
		if (whole < 5 || whole > GUARD_PACKET_MAX || guard->step == STEP_FIRST) {
			guard_blind(guard, "this is not PostgreSQL's protocol");
			return;
		}
		if (guard->server.len < whole)
			return;
		one_message(guard, whole);
	}
}

const struct guard_protocol guard_postgres = {.name = "PostgreSQL",
	.client = postgres_client,
	.server = postgres_server,
	.error = postgres_error};
