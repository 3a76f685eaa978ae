/* test_frame.c - frames through a pipe: there and back, and what a hostile side may send. */
#include "testing.h"

#include "devenv/agent.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Both ends of a pipe that holds `len` bytes and ends behind them. */
static struct frame_link link_with(const void *data, size_t len)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], data, len), (ssize_t)len);
	close(fds[1]);
	return FRAME_LINK(fds[0], -1, -1);
}

static void link_end(struct frame_link *link)
{
	close(link->in);
	frame_link_release(link);
}

static void there_and_back(void **state)
{
	autojson json_t *request = json_pack("{s:s}", "do", "ping"), *json = NULL;
	static const char data[] = "a\0b";
	struct err err = ERR_INIT;
	struct frame_link link;
	struct frame frame;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	link = FRAME_LINK(fds[0], fds[1], -1);
	assert_int_equal(frame_write_json(&link, FRAME_REQUEST, request, &err), 0);
	assert_int_equal(frame_write(&link, FRAME_DATA, data, 4, &err), 0);
	assert_int_equal(frame_write(&link, FRAME_END, NULL, 0, &err), 0);
	close(fds[1]);
	assert_int_equal(frame_read(&link, &frame, &err), 1);
	assert_int_equal(frame.type, FRAME_REQUEST);
	json = frame_json(&frame, &err);
	assert_true(json_equal(json, request));
	assert_int_equal(frame_read(&link, &frame, &err), 1);
	assert_int_equal(frame.type, FRAME_DATA);
	assert_int_equal(frame.len, 4);
	assert_memory_equal(frame.data, data, 4);
	assert_int_equal(frame_read(&link, &frame, &err), 1);
	assert_int_equal(frame.type, FRAME_END);
	assert_int_equal(frame.len, 0);
	assert_int_equal(frame_read(&link, &frame, &err), 0);
	link_end(&link);
}

static void hostile(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{"\xff\xff\xff\xffR", 5, "4294967295"},
		{"\x01\x00\x00\x01R", 5, "16777217"},
		{"\x01\x00\x04\x00"
		 "D",
			5, "262145"},
		{"\x01\x40\x00\x00"
		 "E",
			5, "16385"},
		{"\x01\x00\x00\x00Z", 5, "type Z"},
		{"\x00\x00\x00\x00X", 5, "unknown type 0x58"},
		{"\x00\x00\x00\x00\x00", 5, "unknown type 0x00"},
		{"\x05\x00\x00", 3, "middle of a frame"},
		{"\x05\x00\x00\x00Rabc", 8, "middle of a frame"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame_link link = link_with(cases[i].bytes, cases[i].len);
		struct err err = ERR_INIT;
		struct frame frame;

		assert_int_equal(frame_read(&link, &frame, &err), -1);
		if (!strstr(err.msg, cases[i].why))
			fail_msg("%zu: \"%s\" has no \"%s\"", i, err.msg, cases[i].why);
		/* Nothing was kept for a length that is not allowed. */
		assert_true(link.payload.cap < 4096);
		link_end(&link);
	}
}

static void not_an_object(void **state)
{
	static const char *const payloads[] = {"", "{", "[]", "1", "{\"a\":1,\"a\":2}", "\xff"};

	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		struct frame frame = {FRAME_RESULT, payloads[i], strlen(payloads[i])};
		struct err err = ERR_INIT;

		assert_null(frame_json(&frame, &err));
		assert_int_equal(err.kind, ERR_FAILED);
	}
}

static void too_long_to_write(void **state)
{
	struct frame_link link = FRAME_LINK(-1, -1, -1);
	struct err err = ERR_INIT;

	assert_int_equal(frame_write(&link, FRAME_DATA, "", FRAME_DATA_MAX + 1, &err), -1);
	assert_int_equal(frame_write(&link, FRAME_END, "", 1, &err), -1);
}

static void cancelled(void **state)
{
	struct err err = ERR_INIT;
	struct frame_link link;
	struct frame frame;
	int quiet[2], cancel[2];

	assert_int_equal(pipe2(quiet, O_CLOEXEC), 0);
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	close(cancel[1]);
	link = FRAME_LINK(quiet[0], quiet[1], cancel[0]);
	assert_int_equal(frame_read(&link, &frame, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_int_equal(frame_write(&link, FRAME_END, NULL, 0, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	close(quiet[1]);
	close(cancel[0]);
	link_end(&link);
}

static void errors(void **state)
{
	autojson json_t *sent = NULL, *strange = json_pack("{s:s, s:i}", "kind", "exit", "os", 1);
	struct err err = ERR_INIT, got = ERR_INIT;

	err_os(&err, ERR_SNAPSHOT, ENOSPC, "write \xff pack");
	sent = frame_error_json(&err);
	frame_error_read(sent, &got);
	assert_int_equal(got.kind, ERR_SNAPSHOT);
	assert_int_equal(got.os, ENOSPC);
	assert_string_equal(got.msg, "write ? pack: No space left on device");
	/* Not an exit status of somebody else's: nothing would be printed. */
	frame_error_read(strange, &got);
	assert_int_equal(got.kind, ERR_FAILED);
	assert_true(*got.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(hostile),
		cmocka_unit_test(not_an_object),
		cmocka_unit_test(too_long_to_write),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
