/* test_engine_json.c - splitting the engine's stream of JSON values, wherever it is cut. */
#include "testing.h"

#include "../../src/engine/engine_priv.h"

#include "devenv/json.h"

struct seen {
	struct buf text;
	int stop_after; /* values; 0: never */
	int n;
};

static int on_value(void *ctx, json_t *value, struct err *err)
{
	struct seen *seen = ctx;
	autofree char *text = json_print(value);

	buf_addf(&seen->text, "%s;", text);
	return ++seen->n == seen->stop_after ? 7 : 0;
}

static void test_cuts(void **state)
{
	static const char text[] =
		"{\"a\":\"}{\\\"\"}\r\n{\"b\":[1,{\"c\":\"[\"}]}\n\n{\"d\":\"\\\\\"}"
		"{\"e\":{}} \t\n";
	static const char wanted[] =
		"{\"a\":\"}{\\\"\"};{\"b\":[1,{\"c\":\"[\"}]};{\"d\":\"\\\\\"};"
		"{\"e\":{}};";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct json_stream stream = JSON_STREAM_INIT;
		struct seen seen = {.text = BUF_INIT(65536)};
		struct err err = ERR_INIT;
		size_t rest = sizeof(text) - 1 - (cut < sizeof(text) - 1 ? cut : 0);
		size_t first = sizeof(text) - 1 - rest;

		assert_int_equal(json_stream_add(&stream, text, first, on_value, &seen, &err), 0);
		assert_int_equal(
			json_stream_add(&stream, text + first, rest, on_value, &seen, &err), 0);
		assert_string_equal(buf_str(&seen.text), wanted);
		buf_release(&seen.text);
		buf_release(&stream.text);
	}
}

static void test_stop(void **state)
{
	static const char text[] = "{}{}{}";
	struct json_stream stream = JSON_STREAM_INIT;
	struct seen seen = {.text = BUF_INIT(65536), .stop_after = 2};
	struct err err = ERR_INIT;

	assert_int_equal(json_stream_add(&stream, text, 6, on_value, &seen, &err), 7);
	assert_int_equal(seen.n, 2);
	buf_release(&seen.text);
	buf_release(&stream.text);
}

static void test_bad(void **state)
{
	struct json_stream stream = JSON_STREAM_INIT;
	struct seen seen = {.text = BUF_INIT(65536)};
	struct err err = ERR_INIT;

	assert_int_equal(json_stream_add(&stream, "{no}", 4, on_value, &seen, &err), -1);
	assert_int_equal(err.kind, ERR_ENGINE);
	buf_release(&stream.text);
	/* A value without end is refused before it fills the memory. */
	stream = JSON_STREAM_INIT;
	stream.text.limit = 1000;
	err_clear(&err);
	for (int i = 0; i < 100 && !err.kind; i++)
		json_stream_add(
			&stream, "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaa", 29, on_value, &seen, &err);
	assert_int_equal(err.kind, ERR_ENGINE);
	buf_release(&stream.text);
	buf_release(&seen.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
