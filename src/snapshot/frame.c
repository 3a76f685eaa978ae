/* frame.c - the frames of agent.h: lengths are checked before anything is kept. */
#include "devenv/agent.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define HEADER 5

void frame_link_release(struct frame_link *link)
{
	buf_release(&link->payload);
}

/* The longest payload; SIZE_MAX: there is no such type. */
static size_t limit_of(int type)
{
	switch (type) {
	case FRAME_REQUEST:
	case FRAME_RESULT:
		return FRAME_JSON_MAX;
	case FRAME_DATA:
		return FRAME_DATA_MAX;
	case FRAME_PROGRESS:
	case FRAME_WARNING:
	case FRAME_ERROR:
		return FRAME_NOTE_MAX;
	case FRAME_END:
		return 0;
	default:
		return SIZE_MAX;
	}
}

/* Wait until `fd` is ready for `events`. */
static int wait_for(const struct frame_link *link, int fd, short events, struct err *err)
{
	struct pollfd fds[2] = {{fd, events, 0}, {link->cancel_fd, POLLIN, 0}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return err_os(err, ERR_FAILED, errno, "wait for the other side");
	if (fds[1].revents)
		return err_set(err, ERR_CANCELLED, "interrupted");
	return 0;
}

/* Read `len` bytes; fewer only at the end: how many, or -1. */
static ssize_t read_all(struct frame_link *link, void *data, size_t len, struct err *err)
{
	char *to = data;
	size_t got = 0;

	while (got < len) {
		ssize_t n;

		if (wait_for(link, link->in, POLLIN, err) < 0)
			return -1;
		n = read(link->in, to + got, len - got);
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			return err_os(err, ERR_FAILED, errno, "read from the other side");
	}
	return (ssize_t)got;
}

static int write_all(struct frame_link *link, const void *data, size_t len, struct err *err)
{
	const char *from = data;

	while (len) {
		ssize_t n;

		if (wait_for(link, link->out, POLLOUT, err) < 0)
			return -1;
		n = write(link->out, from, len);
		if (n > 0) {
			from += n;
			len -= (size_t)n;
		} else if (errno != EINTR && errno != EAGAIN) {
			return err_os(err, ERR_FAILED, errno, "write to the other side");
		}
	}
	return 0;
}

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static int cut_short(struct err *err)
{
	return err_set(err, ERR_FAILED, "the stream ends in the middle of a frame");
}

int frame_read(struct frame_link *link, struct frame *frame, struct err *err)
{
	unsigned char header[HEADER];
	ssize_t n = read_all(link, header, HEADER, err);
	size_t len, limit;

	if (n <= 0)
		return (int)n;
	if (n < HEADER)
		return cut_short(err);
	len = get_u32(header);
	limit = limit_of(header[4]);
	if (limit == SIZE_MAX)
		return err_set(err, ERR_FAILED, "a frame of the unknown type 0x%02x", header[4]);
	if (len > limit)
		return err_set(err, ERR_FAILED, "a frame of type %c and %zu bytes; %zu are allowed",
			header[4], len, limit);
	buf_reset(&link->payload);
	n = read_all(link, buf_reserve(&link->payload, len), len, err);
	if (n < 0)
		return -1;
	if ((size_t)n < len)
		return cut_short(err);
	link->payload.len = len;
	link->payload.data[len] = '\0';
	*frame = (struct frame){(enum frame_type)header[4], link->payload.data, len};
	return 1;
}

int frame_write(struct frame_link *link, enum frame_type type, const void *data, size_t len,
	struct err *err)
{
	unsigned char header[HEADER] = {(unsigned char)len, (unsigned char)(len >> 8),
		(unsigned char)(len >> 16), (unsigned char)(len >> 24), (unsigned char)type};

	if (len > limit_of(type))
		return err_set(err, ERR_FAILED, "%zu bytes are too much for a frame of type %c",
			len, type);
	if (write_all(link, header, HEADER, err) < 0)
		return -1;
	return write_all(link, data, len, err);
}

int frame_write_json(
	struct frame_link *link, enum frame_type type, const json_t *json, struct err *err)
{
	autofree char *text = json_print(json);

	return frame_write(link, type, text, strlen(text), err);
}

json_t *frame_json(const struct frame *frame, struct err *err)
{
	json_t *json = json_parse(frame->data, frame->len, "a frame", err);

	if (json && !json_is_object(json)) {
		json_decref(json);
		err_set(err, ERR_FAILED, "a frame whose payload is no JSON object");
		return NULL;
	}
	return json;
}

json_t *frame_error_json(const struct err *err)
{
	json_t *json = json_pack("{s:s, s:i}", "kind", err_kind_name(err->kind), "os", err->os);

	json_object_set_new(json, "message", json_string_safe(err->msg));
	return json;
}

void frame_error_read(const json_t *json, struct err *err)
{
	const char *kind = json_str(json, "kind"), *message = json_str(json, "message");

	err_set(err, ERR_FAILED, "%s", message ? message : "it failed without a reason");
	for (int k = ERR_FAILED; k < ERR_KINDS; k++)
		if (k != ERR_EXIT && str_eq(kind, err_kind_name((enum err_kind)k)))
			err->kind = (enum err_kind)k;
	err->os = (int)json_int(json, "os");
}
