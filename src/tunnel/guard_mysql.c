/*
 * guard_mysql.c - the guard on MySQL's and MariaDB's protocol.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html: a packet is a length of
 * three bytes, a sequence number and a payload.  A login counts the numbers up from the greeting;
 * each command begins again at 0, which is how one that was sent too early is told from a login.
 */
#include "guard.h"
#include "role_engine.h"

#include "devenv/str.h"

#include <string.h>

#define HEADER 4
#define FLAG_COMPRESS 0x20U
#define FLAG_PROTOCOL_41 0x200U
#define FLAG_SSL 0x800U
#define FLAG_ZSTD 0x4000000U
#define FLAG_QUERY_ATTRIBUTES 0x8000000U
#define COM_QUERY 3
#define ERROR_CODE 1105 /* ER_UNKNOWN_ERROR: the text is what matters */

struct packet {
	const unsigned char *payload;
	size_t len, whole;
	uint8_t sequence;
};

/* The first complete packet of `held`. */
static bool next_packet(struct guard *guard, const struct buf *held, struct packet *packet)
{
	const unsigned char *data = (const unsigned char *)held->data;

	if (held->len < HEADER)
		return false;
	packet->len = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
	packet->whole = HEADER + packet->len;
	packet->sequence = data[3];
	packet->payload = data + HEADER;
	if (packet->whole > GUARD_PACKET_MAX) {
		guard_blind(guard, "this is not MySQL's protocol");
		return false;
	}
	return held->len >= packet->whole;
}

static uint32_t u32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void mysql_error(struct guard *guard, const char *text)
{
	size_t len = strlen(text);
	size_t payload = 9 + len;
	unsigned char head[] = {(unsigned char)(payload & 255), (unsigned char)(payload >> 8), 0,
		guard->sequence, 0xff, ERROR_CODE & 255, ERROR_CODE >> 8, '#', 'H', 'Y', '0', '0',
		'0'};

	buf_add(guard->down, head, sizeof(head));
	buf_add(guard->down, text, len);
}

/* === the client === */

/* The first answer says how the two will talk: protocol, encryption, compression. */
static bool read_client_answer(struct guard *guard, const struct packet *packet)
{
	guard->sequence = (uint8_t)(packet->sequence + 1);
	if (packet->len < 32 || !(u32(packet->payload) & FLAG_PROTOCOL_41)) {
		guard_blind(guard, "the client speaks a protocol from before MySQL 4.1");
		return false;
	}
	guard->client_flags = u32(packet->payload);
	if (guard->client_flags & FLAG_SSL) {
		guard_blind(guard, "TLS hides the login");
		return false;
	}
	if (guard->client_flags & (FLAG_COMPRESS | FLAG_ZSTD)) {
		guard_blind(guard, "the client compresses");
		return false;
	}
	guard->step = STEP_LOGIN;
	return true;
}

static void mysql_client(struct guard *guard)
{
	struct packet packet;

	while (guard->step != STEP_FIRST && next_packet(guard, &guard->client, &packet)) {
		if (packet.sequence == 0)
			return; /* a command: it waits for the verdict */
		if (guard->step == STEP_ANSWER && !read_client_answer(guard, &packet))
			return;
		guard_up(guard, packet.whole);
	}
}

/* === the server === */

/* Protocol 10: version, NUL, thread, 8 bytes, filler, flags, charset, status, more flags. */
static void read_greeting(struct guard *guard, const struct packet *packet)
{
	const unsigned char *end, *flags;
	size_t left;

	guard->sequence = packet->sequence;
	if (packet->len && packet->payload[0] == 0xff)
		return; /* "too many connections": the server's own error */
	end = packet->len > 1 && packet->payload[0] == 10
		      ? memchr(packet->payload + 1, '\0', packet->len - 1)
		      : NULL;
	left = end ? packet->len - (size_t)(end - packet->payload) : 0;
	if (left < 21) {
		guard_blind(guard, "this is not MySQL's protocol");
		return;
	}
	flags = end + 14;
	guard->server_flags = (uint32_t)flags[0] | (uint32_t)flags[1] << 8 |
			      (uint32_t)flags[5] << 16 | (uint32_t)flags[6] << 24;
	guard->step = STEP_ANSWER;
}

static void add_question(struct guard *guard, struct buf *out)
{
	bool attributes = guard->client_flags & guard->server_flags & FLAG_QUERY_ATTRIBUTES;
	size_t len = 1 + (attributes ? 2 : 0) + strlen(ROLE_QUERY_MYSQL);
	const unsigned char head[] = {(unsigned char)len, 0, 0, 0, COM_QUERY};

	buf_add(out, head, sizeof(head));
	if (attributes)
		buf_add(out, "\0\1", 2); /* none of them, in one set */
	buf_addstr(out, ROLE_QUERY_MYSQL);
}

/* In place of the OK that ends the login: an error would take its place. */
static void ask_first(struct guard *guard, const struct packet *packet)
{
	autobuf struct buf query = BUF_INIT(1024);

	add_question(guard, &query);
	guard->sequence = packet->sequence;
	guard_asked(guard, packet->whole, query.data, query.len);
}

static void ask_again(struct guard *guard)
{
	autobuf struct buf query = BUF_INIT(1024);

	add_question(guard, &query);
	guard->sequence = 1; /* to the client's next command */
	guard_asked(guard, 0, query.data, query.len);
}

/* A row of short texts, each with its length in one byte. */
static bool read_row(struct guard *guard, const struct packet *packet)
{
	size_t at = 0;
	int columns = 0;

	while (at < packet->len && packet->payload[at] < 0xfb &&
		packet->payload[at] < packet->len - at) {
		const char *value = (const char *)packet->payload + at + 1;
		enum role_switch is = role_switch(value, packet->payload[at]);

		if (is == ROLE_UNKNOWN)
			return false;
		guard->replica |= is == ROLE_ON;
		at += 1U + packet->payload[at];
		columns++;
	}
	return columns == 2 && at == packet->len;
}

/*
 * The count of columns, their definitions (which begin with "def"; an end), the row, an end.
 * Whether the first end is there depends on what was agreed: only what follows the row counts.
 */
static void read_answer_packet(struct guard *guard, const struct packet *packet)
{
	const unsigned char *payload = packet->payload;

	if (packet->len == 0 || payload[0] == 0xff) {
		guard->answer_ended = true;
	} else if (payload[0] == 0xfe && guard->answered) {
		guard->answer_ended = true;
	} else if (payload[0] != 0xfe && !guard->answered && packet->sequence > 1 &&
		   !(packet->len > 4 && memcmp(payload, "\3def", 4) == 0)) {
		if (read_row(guard, packet))
			guard->answered = true;
		else
			guard_blind(guard, "its answer is not understood");
	}
}

/* A packet of the answer; false: that was all. */
static bool read_answer(struct guard *guard, const struct packet *packet)
{
	read_answer_packet(guard, packet);
	if (guard->step != STEP_ASKED || guard->verdict == GUARD_REFUSED ||
		guard->verdict == GUARD_PASSED)
		return false;
	buf_consume(&guard->server, packet->whole);
	if (!guard->answer_ended)
		return true;
	if (guard->answered)
		guard_decide(guard);
	else
		guard_no_answer(guard);
	return false;
}

static void mysql_server(struct guard *guard)
{
	struct packet packet;

	while (next_packet(guard, &guard->server, &packet)) {
		if (guard->step == STEP_ASKED) {
			if (!read_answer(guard, &packet))
				return;
			continue;
		}
		if (guard->step == STEP_FIRST) {
			read_greeting(guard, &packet);
		} else if (packet.len && packet.payload[0] == 0) {
			ask_first(guard, &packet);
			continue;
		}
		if (guard->verdict != GUARD_FOLLOWING)
			return;
		guard_down(guard, packet.whole);
	}
}

static uint64_t mysql_whole(const unsigned char *header)
{
	return HEADER +
	       ((uint64_t)header[0] | (uint64_t)header[1] << 8 | (uint64_t)header[2] << 16);
}

const struct guard_protocol guard_mysql = {
	.name = "MySQL",
	.client = mysql_client,
	.server = mysql_server,
	.error = mysql_error,
	.header = HEADER,
	.whole = mysql_whole,
	.client_head = mysql_client_head,
	.server_head = mysql_server_head,
	.turn = mysql_turn,
	.ask = ask_again,
};
