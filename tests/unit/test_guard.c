/* test_guard.c - where a command and its reply end, with every split of the bytes. */
#include "../../src/tunnel/guard.h"

#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) (text), sizeof(text) - 1

/* A server of MySQL's, and clients: protocol 4.1, without and with DEPRECATE_EOF. */
static const char greeting[] = "\x0a"
			       "8.0\0\1\0\0\0abcdefgh\0\xff\xf7\x21\2\0\x0f\x81\x15"
			       "\0\0\0\0\0\0\0\0\0\0"
			       "abcdef";
static const char login[38] = "\x0f\xa2\1\0\0\0\0\1\x21";
static const char login_no_eof[38] = "\x0f\xa2\1\1\0\0\0\1\x21";

#define OK(n) "\7\0\0" n "\0\0\0\2\0\0\0"
#define OK_MORE(n) "\7\0\0" n "\0\0\0\x0a\0\0\0"
#define END(n) "\5\0\0" n "\xfe\0\0\2\0"
#define END_MORE(n) "\5\0\0" n "\xfe\0\0\x0a\0"
#define END_CURSOR(n) "\5\0\0" n "\xfe\0\0\x42\0"
#define END_OK(n) "\7\0\0" n "\xfe\0\0\2\0\0\0"
#define FAILED(n) "\x0a\0\0" n "\xff\x7a\4#42S02x"
#define COUNT(n, columns) "\1\0\0" n columns
#define COLUMN(n) "\6\0\0" n "\3def\0\0"
#define ROW(n) \
	"\4\0\0" n "\1" \
	"1" \
	"\1" \
	"2"
#define ANSWER \
	COUNT("\1", "\2") \
	COLUMN("\2") \
	COLUMN("\3") \
	END("\4") \
	"\4\0\0\5\1" \
	"1" \
	"\1" \
	"0" END("\6")
#define ANSWER_NO_EOF \
	COUNT("\1", "\2") \
	COLUMN("\2") \
	COLUMN("\3") \
	"\4\0\0\4\1" \
	"1" \
	"\1" \
	"0" END_OK("\5")

struct talk {
	struct guard *guard;
	struct buf up, down;
};

static bool is_free(const struct talk *talk)
{
	return guard_deadline(talk->guard) >= 0;
}

static void from_server(struct talk *talk, const char *data, size_t len)
{
	guard_server(talk->guard, data, len, &talk->up, &talk->down);
}

static void from_client(struct talk *talk, const char *data, size_t len)
{
	guard_client(talk->guard, data, len, &talk->up, &talk->down);
}

static void hear_nothing(struct talk *talk)
{
	buf_reset(&talk->up);
	buf_reset(&talk->down);
}

static void end(struct talk *talk)
{
	guard_free(talk->guard);
	buf_release(&talk->up);
	buf_release(&talk->down);
}

static struct talk mysql(bool no_eof)
{
	struct talk talk = {.guard = guard_new("mysql", false)};
	char head[] = {sizeof(greeting), 0, 0, 0};

	from_server(&talk, head, 4);
	from_server(&talk, greeting, sizeof(greeting));
	head[0] = sizeof(login);
	head[3] = 1;
	from_client(&talk, head, 4);
	from_client(&talk, no_eof ? login_no_eof : login, sizeof(login));
	from_server(&talk, BYTES(OK("\2")));
	assert_int_equal(STEP_ASKED, talk.guard->step);
	if (no_eof)
		from_server(&talk, BYTES(ANSWER_NO_EOF));
	else
		from_server(&talk, BYTES(ANSWER));
	assert_int_equal(GUARD_WATCHING, talk.guard->verdict);
	assert_true(is_free(&talk));
	hear_nothing(&talk);
	return talk;
}

/* A command and its reply, a byte at a time: busy until the very last one, and all of it passes. */
static void command(struct talk *talk, const char *words, size_t len, const char *reply, size_t n)
{
	hear_nothing(talk);
	for (size_t i = 0; i < len; i++) {
		from_client(talk, words + i, 1);
		assert_false(is_free(talk) && n);
	}
	for (size_t i = 0; i < n; i++) {
		assert_false(is_free(talk));
		from_server(talk, reply + i, 1);
	}
	assert_true(is_free(talk));
	assert_int_equal(len, talk->up.len);
	assert_memory_equal(words, talk->up.data, len);
	assert_int_equal(n, talk->down.len);
	assert_memory_equal(reply, buf_str(&talk->down), n);
}

static void mysql_replies(void **state)
{
	struct talk talk = mysql(false);

	command(&talk, BYTES("\1\0\0\0\x0e"), BYTES(OK("\1")));
	command(&talk, BYTES("\2\0\0\0\3x"), BYTES(OK("\1")));
	command(&talk, BYTES("\2\0\0\0\3x"), BYTES(FAILED("\1")));
	command(&talk, BYTES("\2\0\0\0\3x"),
		BYTES(COUNT("\1", "\1") COLUMN("\2") END("\3") ROW("\4") ROW("\5") END("\6")));
	command(&talk, BYTES("\2\0\0\0\3x"),
		BYTES(OK_MORE("\1") COUNT("\2", "\1") COLUMN("\3") END("\4") END_MORE("\5")
				OK("\6")));
	command(&talk, BYTES("\2\0\0\0\3x"),
		BYTES(COUNT("\1", "\1") COLUMN("\2") END("\3") ROW("\4") FAILED("\5")));
	/* progress of MariaDB, which is no end */
	command(&talk, BYTES("\2\0\0\0\3x"), BYTES("\5\0\0\1\xff\xff\xff\1\1" OK("\2")));
	/* prepare: two columns and a parameter; a cursor; rows of it */
	command(&talk, BYTES("\2\0\0\0\x16x"),
		BYTES("\x0c\0\0\1\0\1\0\0\0\2\0\1\0\0\0\0" COLUMN("\2") END("\3") COLUMN("\4")
				COLUMN("\5") END("\6")));
	command(&talk, BYTES("\2\0\0\0\x17x"),
		BYTES(COUNT("\1", "\1") COLUMN("\2") END_CURSOR("\3")));
	command(&talk, BYTES("\2\0\0\0\x1cx"), BYTES(ROW("\1") END("\2")));
	command(&talk, BYTES("\2\0\0\0\x19x"), "", 0);
	command(&talk, BYTES("\1\0\0\0\x09"), BYTES("\4\0\0\1Uptm"));
	end(&talk);
}

static void mysql_replies_without_eof(void **state)
{
	struct talk talk = mysql(true);

	command(&talk, BYTES("\2\0\0\0\3x"),
		BYTES(COUNT("\1", "\1") COLUMN("\2") ROW("\3") END_OK("\4")));
	command(&talk, BYTES("\2\0\0\0\x16x"),
		BYTES("\x0c\0\0\1\0\1\0\0\0\1\0\1\0\0\0\0" COLUMN("\2") COLUMN("\3")));
	/* MariaDB leaves out what the client has in its cache */
	command(&talk, BYTES("\2\0\0\0\x17x"), BYTES("\2\0\0\1\1\0" ROW("\2") END_OK("\3")));
	end(&talk);
}

static void mysql_file_of_the_client(void **state)
{
	struct talk talk = mysql(false);

	from_client(&talk, BYTES("\2\0\0\0\3x"));
	from_server(&talk, BYTES("\2\0\0\1\xfb"
				 "f"));
	from_client(&talk, BYTES("\3\0\0\2abc\0\0\0\3"));
	assert_int_equal(6 + 7 + 4, talk.up.len);
	assert_false(is_free(&talk));
	from_server(&talk, BYTES(OK("\4")));
	assert_true(is_free(&talk));
	end(&talk);
}

/* A command that comes before the answer to the last one waits. */
static void mysql_waits(void **state)
{
	struct talk talk = mysql(false);

	from_client(&talk, BYTES("\2\0\0\0\3x\2\0\0\0\3y"));
	assert_int_equal(6, talk.up.len);
	assert_true(guard_holds(talk.guard));
	from_server(&talk, BYTES(OK("\1")));
	assert_int_equal(12, talk.up.len);
	assert_false(guard_holds(talk.guard));
	end(&talk);
}

/* Asked again, between two commands: a writer's answer ends it, and the command does not pass. */
static void mysql_writer(void **state)
{
	struct talk talk = mysql(false);

	talk.guard->checked = 0;
	from_client(&talk, BYTES("\2\0\0\0\3x"));
	assert_int_equal(STEP_ASKED, talk.guard->step);
	assert_non_null(memmem(talk.up.data, talk.up.len, BYTES("@@global.read_only")));
	from_server(
		&talk, BYTES(COUNT("\1", "\2") COLUMN("\2") COLUMN("\3") END("\4") "\4\0\0\5\1"
										   "0"
										   "\1"
										   "0" END("\6")));
	assert_int_equal(GUARD_REFUSED, talk.guard->verdict);
	assert_null(memmem(talk.up.data, talk.up.len, BYTES("\3x")));
	assert_non_null(memmem(talk.down.data, talk.down.len, BYTES("no longer a read-only")));
	end(&talk);
}

static void mysql_unknown_command(void **state)
{
	struct talk talk = mysql(false);

	from_client(&talk, BYTES("\2\0\0\0\x12x"));
	assert_int_equal(GUARD_REFUSED, talk.guard->verdict);
	assert_int_equal(0, talk.up.len);
	end(&talk);
}

/* A client that asks for TLS: nothing passes before somebody else knows what the server is. */
static struct talk mysql_tls(bool allow_unverified)
{
	struct talk talk = {.guard = guard_new("mysql", allow_unverified)};
	static const char wish[] = "\x20\0\0\1\x0f\xaa\1\0\0\0\0\1\x21"
				   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	char head[] = {sizeof(greeting), 0, 0, 0};

	from_server(&talk, head, 4);
	from_server(&talk, greeting, sizeof(greeting));
	hear_nothing(&talk);
	from_client(&talk, BYTES(wish));
	assert_int_equal(GUARD_HIDDEN, talk.guard->verdict);
	assert_true(guard_holds(talk.guard));
	assert_true(guard_keeps(talk.guard));
	assert_int_equal(0, talk.up.len);
	return talk;
}

static void hidden_replica(void **state)
{
	struct talk talk = mysql_tls(false);

	assert_int_equal(
		GUARD_PASSED, guard_settle(talk.guard, PROOF_REPLICA, NULL, &talk.up, &talk.down));
	assert_int_equal(36, talk.up.len);
	assert_int_equal(0, talk.down.len);
	end(&talk);
}

static void hidden_writer(void **state)
{
	struct talk talk = mysql_tls(true);

	assert_int_equal(
		GUARD_REFUSED, guard_settle(talk.guard, PROOF_WRITER, NULL, &talk.up, &talk.down));
	assert_int_equal(0, talk.up.len);
	assert_non_null(memmem(talk.down.data, talk.down.len, BYTES("is not a read-only replica")));
	end(&talk);
}

static void hidden_from_all(void **state)
{
	struct talk talk = mysql_tls(false), lax = mysql_tls(true);

	assert_int_equal(GUARD_REFUSED,
		guard_settle(talk.guard, PROOF_NONE, "no password", &talk.up, &talk.down));
	assert_non_null(memmem(
		talk.down.data, talk.down.len, BYTES("replica: TLS hides the login; no password")));
	end(&talk);
	assert_int_equal(GUARD_PASSED,
		guard_settle(lax.guard, PROOF_NONE, "no password", &lax.up, &lax.down));
	assert_int_equal(36, lax.up.len);
	end(&lax);
}

/* === PostgreSQL === */

#define READY "Z\0\0\0\5I"
#define IN_TRANSACTION "Z\0\0\0\5T"
#define DONE "C\0\0\0\5\0"
#define STANDBY "S\0\0\0\x16in_hot_standby\0on\0"
#define QUERY "Q\0\0\0\6x\0"
#define SYNC "S\0\0\0\4"
#define PARSE "P\0\0\0\x8\0x\0\0"
#define YES "D\0\0\0\x0b\0\1\0\0\0\1t"
#define NO "D\0\0\0\x0b\0\1\0\0\0\1f"

static struct talk postgres(const char *parameters, size_t len)
{
	struct talk talk = {.guard = guard_new("postgres", false)};

	from_client(&talk, BYTES("\0\0\0\x13\0\3\0\0user\0root\0\0"));
	from_server(&talk, BYTES("R\0\0\0\x8\0\0\0\0"));
	from_server(&talk, parameters, len);
	from_server(&talk, BYTES(READY));
	assert_int_equal(STEP_ASKED, talk.guard->step);
	from_server(&talk, BYTES(YES DONE READY));
	assert_int_equal(GUARD_WATCHING, talk.guard->verdict);
	assert_true(is_free(&talk));
	hear_nothing(&talk);
	return talk;
}

static void postgres_replies(void **state)
{
	struct talk talk = postgres("", 0);

	command(&talk, BYTES(QUERY), BYTES(YES NO DONE READY));
	command(&talk, BYTES(PARSE SYNC), BYTES("1\0\0\0\4" READY));
	command(&talk, BYTES(QUERY QUERY), BYTES(DONE READY DONE READY));
	end(&talk);
}

static void postgres_copy(void **state)
{
	struct talk talk = postgres("", 0);

	from_client(&talk, BYTES(PARSE SYNC));
	from_server(&talk, BYTES("1\0\0\0\4G\0\0\0\7\0\0\0"));
	talk.guard->checked = 0; /* it is time to ask, which must not hold up the data */
	from_client(&talk, BYTES("d\0\0\0\5xc\0\0\0\4" SYNC));
	assert_int_equal(9 + 5 + 6 + 5 + 5, talk.up.len);
	from_server(&talk, BYTES(DONE READY));
	assert_true(is_free(&talk));
	end(&talk);
}

/* In a transaction only SHOW, and only where the server has it. */
static void postgres_transactions(void **state)
{
	struct talk talk = postgres("", 0);

	from_client(&talk, BYTES(QUERY));
	from_server(&talk, BYTES(DONE IN_TRANSACTION));
	assert_false(is_free(&talk));
	end(&talk);
	talk = postgres(BYTES(STANDBY));
	from_client(&talk, BYTES(QUERY));
	from_server(&talk, BYTES(DONE IN_TRANSACTION));
	assert_true(is_free(&talk));
	hear_nothing(&talk);
	talk.guard->checked = 0;
	guard_tick(talk.guard, &talk.up);
	assert_non_null(memmem(talk.up.data, talk.up.len, BYTES("SHOW in_hot_standby")));
	from_client(&talk, BYTES(QUERY));
	from_server(&talk, BYTES("1\0\0\0\4"
				 "2\0\0\0\4D\0\0\0\x0d\0\1\0\0\0\3off" DONE "3\0\0\0\4"
				 "3\0\0\0\4" IN_TRANSACTION));
	assert_int_equal(GUARD_REFUSED, talk.guard->verdict);
	end(&talk);
}

/* With a question due, a pipeline waits for its answers first. */
static void postgres_pipeline(void **state)
{
	struct talk talk = postgres("", 0);

	from_client(&talk, BYTES(QUERY));
	talk.guard->checked = 0;
	hear_nothing(&talk);
	from_client(&talk, BYTES(QUERY));
	assert_int_equal(0, talk.up.len);
	from_server(&talk, BYTES(DONE READY));
	assert_int_equal(STEP_ASKED, talk.guard->step);
	/* cancelled, by somebody who meant the query before: once more */
	from_server(&talk, BYTES("E\0\0\0\x0cVERROR\0\0" READY));
	assert_int_equal(STEP_ASKED, talk.guard->step);
	hear_nothing(&talk);
	from_server(&talk, BYTES("1\0\0\0\4"
				 "2\0\0\0\4" YES DONE "3\0\0\0\4"
				 "3\0\0\0\4" READY));
	assert_int_equal(GUARD_WATCHING, talk.guard->verdict);
	assert_int_equal(0, talk.down.len);
	assert_int_equal(7, talk.up.len);
	end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mysql_replies),
		cmocka_unit_test(mysql_replies_without_eof),
		cmocka_unit_test(mysql_file_of_the_client),
		cmocka_unit_test(mysql_waits),
		cmocka_unit_test(mysql_writer),
		cmocka_unit_test(mysql_unknown_command),
		cmocka_unit_test(hidden_replica),
		cmocka_unit_test(hidden_writer),
		cmocka_unit_test(hidden_from_all),
		cmocka_unit_test(postgres_replies),
		cmocka_unit_test(postgres_copy),
		cmocka_unit_test(postgres_transactions),
		cmocka_unit_test(postgres_pipeline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
