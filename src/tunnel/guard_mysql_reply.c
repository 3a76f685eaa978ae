/*
 * guard_mysql_reply.c - where a reply of MySQL's or MariaDB's server ends.
 *
 * The protocol has no mark for it: what ends a reply depends on the command, on what both sides
 * agreed to in the login, and on the reply's own first packets
 * (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html,
 * https://mariadb.com/kb/en/clientserver-protocol/).  A command that is not known here cannot be
 * followed: the guard is blind then.
 */
#include "guard.h"

#include <string.h>

#define HEADER 4
#define LONGEST 0xffffffU /* a packet of that length goes on in the next one */
#define FLAG_DEPRECATE_EOF 0x1000000U
#define FLAG_OPTIONAL_METADATA 0x2000000U
#define STATUS_MORE_RESULTS 8U
#define STATUS_CURSOR 0x40U
#define PROGRESS 0xffffU /* MariaDB: not an error, but how far it is */

enum { OK = 0, FILE_WANTED = 0xfb, END = 0xfe, FAILED = 0xff };

static bool agreed(const struct guard *guard, uint32_t flag)
{
	return guard->client_flags & guard->server_flags & flag;
}

static unsigned u16(const unsigned char *at)
{
	return (unsigned)at[0] | (unsigned)at[1] << 8;
}

/* A length-encoded integer; returns its size, 0 when it is none. */
static size_t read_length(const unsigned char *at, uint64_t *value)
{
	size_t bytes = *at == 0xfc ? 2 : *at == 0xfd ? 3 : *at == 0xfe ? 8 : 0;

	*value = *at;
	if (*at < 0xfb)
		return 1;
	if (!bytes)
		return 0;
	*value = 0;
	for (size_t i = bytes; i > 0; i--)
		*value = *value << 8 | at[i];
	return 1 + bytes;
}

/* === commands === */

static enum mysql_reply reply_of(unsigned char command, bool *known)
{
	*known = true;
	switch (command) {
	case 0x03: /* COM_QUERY */
	case 0x0a: /* COM_PROCESS_INFO */
	case 0x17: /* COM_STMT_EXECUTE */
	case 0xfa: /* COM_STMT_BULK_EXECUTE */
		return REPLY_FIRST;
	case 0x16: /* COM_STMT_PREPARE */
		return REPLY_PREPARE;
	case 0x04: /* COM_FIELD_LIST */
	case 0x1c: /* COM_STMT_FETCH */
		return REPLY_ROWS;
	case 0x11: /* COM_CHANGE_USER */
		return REPLY_AUTH;
	case 0x02: /* COM_INIT_DB */
	case 0x05: /* COM_CREATE_DB */
	case 0x06: /* COM_DROP_DB */
	case 0x07: /* COM_REFRESH */
	case 0x08: /* COM_SHUTDOWN */
	case 0x09: /* COM_STATISTICS */
	case 0x0c: /* COM_PROCESS_KILL */
	case 0x0d: /* COM_DEBUG */
	case 0x0e: /* COM_PING */
	case 0x1a: /* COM_STMT_RESET */
	case 0x1b: /* COM_SET_OPTION */
	case 0x1f: /* COM_RESET_CONNECTION */
		return REPLY_ONE;
	case 0x01: /* COM_QUIT */
	case 0x18: /* COM_STMT_SEND_LONG_DATA */
	case 0x19: /* COM_STMT_CLOSE */
		return REPLY_NONE;
	default:
		*known = false;
		return REPLY_NONE;
	}
}

void mysql_client_head(struct guard *guard, const unsigned char *head, uint64_t whole)
{
	bool continued = guard->client_continues, known;

	guard->client_continues = whole - HEADER == LONGEST;
	if (continued || guard->reply == REPLY_AUTH)
		return;
	if (guard->reply == REPLY_FILE) {
		if (whole == HEADER) /* its end */
			guard->reply = REPLY_ONE;
		return;
	}
	guard->sequence = (uint8_t)(head[3] + 1);
	if (whole == HEADER) {
		guard_blind(guard, "the client sends no command");
		return;
	}
	guard->over = head[HEADER] == 1;
	guard->reply = reply_of(head[HEADER], &known);
	if (!known)
		guard_blind(guard, "the client sends a command that devenv cannot follow");
}

/* === replies === */

static unsigned status_of_ok(const unsigned char *payload, uint64_t len)
{
	uint64_t value;
	size_t at = 1;

	at += read_length(payload + at, &value); /* rows that it changed */
	at += read_length(payload + at, &value); /* last id */
	return at + 2 <= len ? u16(payload + at) : 0;
}

/* A result has ended: is there another one? */
static void result_ended(struct guard *guard, unsigned status)
{
	guard->reply = status & STATUS_MORE_RESULTS ? REPLY_FIRST : REPLY_NONE;
}

static bool is_end(const struct guard *guard, const unsigned char *payload, uint64_t len)
{
	return payload[0] == END && (agreed(guard, FLAG_DEPRECATE_EOF) ? len < LONGEST : len < 9);
}

static unsigned status_of_end(const struct guard *guard, const unsigned char *payload, uint64_t len)
{
	if (agreed(guard, FLAG_DEPRECATE_EOF))
		return status_of_ok(payload, len);
	return len >= 5 ? u16(payload + 3) : 0;
}

static bool is_error(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	if (payload[0] != FAILED)
		return false;
	if (len < 3 || u16(payload + 1) != PROGRESS)
		guard->reply = REPLY_NONE;
	return true;
}

/* The number of columns, and whether their definitions follow: the other side may know them. */
static void column_count(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	bool optional = agreed(guard, FLAG_OPTIONAL_METADATA), defined = true;
	uint64_t count;
	size_t size = read_length(payload + optional, &count);

	if (optional)
		defined = payload[0];
	else if (size < len) /* MariaDB's MARIADB_CLIENT_CACHE_METADATA */
		defined = payload[size];
	guard->columns = (defined ? count : 0) + !agreed(guard, FLAG_DEPRECATE_EOF);
	guard->reply = guard->columns ? REPLY_COLUMNS : REPLY_ROWS;
}

static void first(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	if (is_error(guard, payload, len))
		return;
	if (payload[0] == OK)
		result_ended(guard, status_of_ok(payload, len));
	else if (payload[0] == FILE_WANTED)
		guard->reply = REPLY_FILE;
	else
		column_count(guard, payload, len);
}

static void column(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	if (is_error(guard, payload, len) || --guard->columns)
		return;
	guard->reply = REPLY_ROWS;
	/* With a cursor the rows come when they are fetched. */
	if (is_end(guard, payload, len) && status_of_end(guard, payload, len) & STATUS_CURSOR)
		result_ended(guard, status_of_end(guard, payload, len));
}

static void row(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	if (!is_error(guard, payload, len) && is_end(guard, payload, len))
		result_ended(guard, status_of_end(guard, payload, len));
}

/* OK, statement (4), columns (2), parameters (2), filler, warnings (2), are they defined? */
static void prepared(struct guard *guard, const unsigned char *payload, uint64_t len)
{
	bool ends = !agreed(guard, FLAG_DEPRECATE_EOF);
	unsigned columns, parameters;

	guard->reply = REPLY_NONE;
	if (payload[0] != OK || len < 12)
		return;
	if (agreed(guard, FLAG_OPTIONAL_METADATA) && len > 12 && !payload[12])
		return;
	columns = u16(payload + 5);
	parameters = u16(payload + 7);
	guard->columns = columns + (columns && ends) + parameters + (parameters && ends);
	if (guard->columns)
		guard->reply = REPLY_SKIP;
}

void mysql_server_head(struct guard *guard, const unsigned char *head, uint64_t whole)
{
	unsigned char payload[PACKET_HEAD] = {0};
	uint64_t len = whole - HEADER;
	bool continued = guard->server_continues;

	guard->server_continues = len == LONGEST;
	guard->sequence = (uint8_t)(head[3] + 1);
	if (continued)
		return;
	memcpy(payload, head + HEADER, len < PACKET_HEAD - HEADER ? len : PACKET_HEAD - HEADER);
	switch (guard->reply) {
	case REPLY_ONE:
		guard->reply = REPLY_NONE;
		break;
	case REPLY_FIRST:
		first(guard, payload, len);
		break;
	case REPLY_COLUMNS:
		column(guard, payload, len);
		break;
	case REPLY_ROWS:
		row(guard, payload, len);
		break;
	case REPLY_PREPARE:
		prepared(guard, payload, len);
		break;
	case REPLY_SKIP:
		if (!--guard->columns)
			guard->reply = REPLY_NONE;
		break;
	case REPLY_AUTH:
		if (payload[0] == OK || payload[0] == FAILED)
			guard->reply = REPLY_NONE;
		break;
	default: /* nobody asked: it says why it hangs up */
		break;
	}
	if (guard->reply == REPLY_NONE)
		guard->sequence = 1; /* an error of ours answers the next command */
}

enum guard_turn mysql_turn(const struct guard *guard)
{
	if (guard->over || guard->client_continues || guard->reply == REPLY_FILE ||
		guard->reply == REPLY_AUTH)
		return TURN_UNDER_WAY;
	return guard->reply == REPLY_NONE && !guard->server_continues ? TURN_FREE : TURN_WAIT;
}
