/*
 * json_stream.c - splitting a stream of JSON values: pull progress and events.
 *
 * Docker ends each value with CR LF, Podman with LF, some proxies with nothing.  So the end of a
 * value is found by counting brackets outside strings.
 */
#include "engine_priv.h"

#include <string.h>

/* One byte; true when it ended a value. */
static bool step(struct json_stream *stream, char c)
{
	if (stream->in_string) {
		if (stream->escaped)
			stream->escaped = false;
		else if (c == '\\')
			stream->escaped = true;
		else if (c == '"')
			stream->in_string = false;
		return false;
	}
	if (c == '"')
		stream->in_string = true;
	else if (c == '{' || c == '[')
		stream->depth++;
	else if (c == '}' || c == ']')
		return --stream->depth <= 0;
	return false;
}

int json_stream_add(struct json_stream *stream, const char *data, size_t len,
	int (*on_value)(void *ctx, json_t *value, struct err *err), void *ctx, struct err *err)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		autojson json_t *value = NULL;
		int result;

		if (!stream->depth && !stream->in_string && strchr(" \t\r\n", data[i]) &&
			!stream->text.len) {
			from = i + 1;
			continue;
		}
		if (!step(stream, data[i]))
			continue;
		if (buf_add(&stream->text, data + from, i + 1 - from) < 0)
			break;
		from = i + 1;
		stream->depth = 0;
		value = json_parse(
			buf_str(&stream->text), stream->text.len, "the engine's answer", err);
		buf_reset(&stream->text);
		if (!value)
			return engine_failed(err);
		result = on_value(ctx, value, err);
		if (result)
			return result;
	}
	if (from < len)
		buf_add(&stream->text, data + from, len - from);
	if (stream->text.overflow)
		return err_set(err, ERR_ENGINE, "the engine sent a message that is too large");
	return 0;
}

int json_stream_read(struct http1 *http, int (*on_value)(void *ctx, json_t *value, struct err *err),
	void *ctx, struct err *err)
{
	struct json_stream stream = JSON_STREAM_INIT;
	char piece[16384];
	ssize_t n;
	int result = 0;

	while (!result && (n = http1_read(http, piece, sizeof(piece), err)) != 0)
		result = n < 0 ? engine_failed(err)
			       : json_stream_add(&stream, piece, (size_t)n, on_value, ctx, err);
	buf_release(&stream.text);
	if (result)
		http1_disconnect(http);
	return result;
}
