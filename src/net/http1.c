/*
 * http1.c - a small HTTP/1.1 client on one socket (why not libcurl: http1.h).
 *
 * Everything that the other side sends has a ceiling: the head HEAD_MAX, a chunk's size line and
 * each trailer LINE_MAX_BYTES.  Bodies are handed out in pieces and never collected here without
 * the caller's limit.  The socket does not block; waiting is one poll that also hears a signal.
 */
#include "devenv/http1.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX ((size_t)64 << 10)
#define LINE_MAX_BYTES 4096
#define TRAILERS_MAX 64
#define CONNECT_TIMEOUT_MS 20000

enum body_state { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

struct http1 {
	char *address; /* NULL: adopted */
	int fd;
	bool keep;   /* the answer lets the connection live */
	bool reused; /* at least one answer came over this connection */
	bool interruptible;
	int timeout_ms, cancel_fd;
	enum body_state body;
	uint64_t left; /* of the body, or of the chunk */
	bool in_chunk; /* a chunk's data was begun: CRLF follows it */
	struct buf head;
	size_t start, end; /* what was read and not yet used */
	char in[32768];
};

struct http1 *http1_new(const char *address)
{
	struct http1 *http = xcalloc(1, sizeof(*http));

	http->address = xstrdup(address);
	http->fd = http->cancel_fd = -1;
	http->head.limit = HEAD_MAX;
	return http;
}

struct http1 *http1_adopt(int fd)
{
	struct http1 *http = xcalloc(1, sizeof(*http));

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	http->fd = fd;
	http->cancel_fd = -1;
	http->head.limit = HEAD_MAX;
	return http;
}

void http1_disconnect(struct http1 *http)
{
	cleanup_close(&http->fd);
	http->start = http->end = 0;
	http->body = BODY_NONE;
	http->reused = false;
}

void http1_free(struct http1 *http)
{
	if (!http)
		return;
	http1_disconnect(http);
	buf_release(&http->head);
	free(http->address);
	free(http);
}

static const char *http1_name(const struct http1 *http)
{
	return http->address ? http->address : "the connection";
}

/* Wait until the socket is ready for `events`; returns those that are, or -1. */
static int http1_wait(struct http1 *http, short events, struct err *err)
{
	struct pollfd fds[3] = {{http->fd, events, 0},
		{http->interruptible ? signals_fd() : -1, POLLIN, 0}, {http->cancel_fd, POLLIN, 0}};
	int64_t deadline = http->timeout_ms ? clock_ms() + http->timeout_ms : 0;

	for (;;) {
		int64_t left = deadline ? deadline - clock_ms() : -1;
		int n = poll(fds, 3, deadline && left < 0 ? 0 : (int)left);

		if (n > 0 && (fds[1].revents || fds[2].revents))
			return err_set(err, ERR_CANCELLED, "interrupted");
		if (n > 0)
			return fds[0].revents;
		if (n == 0)
			return err_set(err, ERR_TIMEOUT, "%s did not answer within %d s",
				http1_name(http), (http->timeout_ms + 999) / 1000);
		if (errno != EINTR)
			return err_os(err, ERR_FAILED, errno, "wait for %s", http1_name(http));
	}
}

/* === sending === */

ssize_t http1_write(struct http1 *http, const void *data, size_t len, struct err *err)
{
	ssize_t n = send(http->fd, data, len, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_os(err, ERR_FAILED, errno, "write to %s", http1_name(http));
}

static int write_all(struct http1 *http, const void *data, size_t len, struct err *err)
{
	const char *from = data;

	while (len) {
		ssize_t n = http1_write(http, from, len, err);

		if (n < 0 || (n == 0 && http1_wait(http, POLLOUT, err) < 0))
			return -1;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

void http1_shutdown(struct http1 *http)
{
	shutdown(http->fd, SHUT_WR);
}

/* The body from a descriptor, chunked (RFC 9112, 7.1). An early answer ends it: it tells why. */
static int send_chunks(struct http1 *http, int fd, struct err *err)
{
	char piece[65536 + 16];

	for (;;) {
		ssize_t n = read(fd, piece + 16, 65536);
		char size[17];
		int events, digits;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, ERR_FAILED, errno, "read what is to be sent");
		events = http1_wait(http, POLLIN | POLLOUT, err);
		if (events < 0)
			return -1;
		if (events & (POLLIN | POLLHUP | POLLERR)) {
			http->keep = false;
			return 0;
		}
		digits = snprintf(size, sizeof(size), "%zx\r\n", (size_t)n);
		memcpy(piece + 16 - digits, size, (size_t)digits);
		if (write_all(http, piece + 16 - digits, (size_t)(digits + n), err) < 0)
			return -1;
		if (write_all(http, "\r\n", 2, err) < 0)
			return -1;
		if (n == 0)
			return 0;
	}
}

static int send_request(struct http1 *http, const struct http1_request *request, struct err *err)
{
	autobuf struct buf head = BUF_INIT(1 << 20);

	buf_addf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: devenv/%s\r\n",
		request->method, request->path, DEVENV_VERSION);
	if (request->upgrade)
		buf_addstr(&head, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
	if (request->headers)
		buf_addstr(&head, request->headers);
	if (request->type)
		buf_addf(&head, "Content-Type: %s\r\n", request->type);
	if (request->body_fd >= 0)
		buf_addstr(&head, "Transfer-Encoding: chunked\r\n");
	else if (request->body || strcmp(request->method, "GET") != 0)
		buf_addf(&head, "Content-Length: %zu\r\n", request->body_len);
	buf_addstr(&head, "\r\n");
	/* A small body goes with the head, in one packet. */
	if (request->body && request->body_len <= 65536)
		buf_add(&head, request->body, request->body_len);
	if (head.overflow)
		return err_set(err, ERR_FAILED, "the request %s is too large", request->path);
	if (write_all(http, head.data, head.len, err) < 0)
		return -1;
	if (request->body && request->body_len > 65536)
		return write_all(http, request->body, request->body_len, err);
	return request->body_fd >= 0 ? send_chunks(http, request->body_fd, err) : 0;
}

/* === receiving === */

/* Read more into http->in: the count, 0 at the end of the stream, -1. */
static ssize_t fill(struct http1 *http, struct err *err)
{
	if (http->start == http->end)
		http->start = http->end = 0;
	if (http->end == sizeof(http->in)) {
		memmove(http->in, http->in + http->start, http->end - http->start);
		http->end -= http->start;
		http->start = 0;
	}
	for (;;) {
		ssize_t n = recv(http->fd, http->in + http->end, sizeof(http->in) - http->end, 0);

		if (n >= 0) {
			http->end += (size_t)n;
			return n;
		}
		if (errno == EAGAIN) {
			if (http1_wait(http, POLLIN, err) < 0)
				return -1;
		} else if (errno != EINTR) {
			return err_os(err, ERR_FAILED, errno, "read from %s", http1_name(http));
		}
	}
}

static int cut_short(struct http1 *http, const char *what, struct err *err)
{
	return err_set(err, ERR_FAILED, "%s closed the connection %s", http1_name(http), what);
}

static int malformed(struct http1 *http, const char *what, struct err *err)
{
	return err_set(err, ERR_FAILED, "%s does not speak HTTP/1.1: %s", http1_name(http), what);
}

/* One line without its end into `line` (LINE_MAX_BYTES); for chunk sizes and trailers. */
static int read_line(struct http1 *http, char *line, struct err *err)
{
	size_t n = 0;

	for (;;) {
		char c;

		if (http->start == http->end) {
			ssize_t got = fill(http, err);

			if (got <= 0)
				return got < 0 ? -1 : cut_short(http, "inside an answer", err);
		}
		c = http->in[http->start++];
		if (c == '\n')
			break;
		if (n == LINE_MAX_BYTES - 1)
			return malformed(http, "a line is too long", err);
		line[n++] = c;
	}
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return 0;
}

/* The head, up to and with its empty line, into http->head. */
static int read_head(struct http1 *http, struct err *err)
{
	buf_reset(&http->head);
	for (;;) {
		ssize_t got;

		while (http->start < http->end) {
			if (buf_add(&http->head, http->in + http->start, 1) < 0)
				return malformed(http, "the head is too large", err);
			http->start++;
			if (http->head.data[http->head.len - 1] != '\n')
				continue;
			if (str_ends(buf_str(&http->head), "\r\n\r\n") ||
				str_ends(buf_str(&http->head), "\n\n"))
				return 0;
		}
		got = fill(http, err);
		if (got <= 0)
			return got < 0 ? -1 : cut_short(http, "before it answered", err);
	}
}

/* Turn the head's text into NUL-ended lines, blanks at the ends removed. */
static void split_head(struct http1 *http)
{
	for (size_t i = 0; i < http->head.len; i++)
		if (http->head.data[i] == '\r' || http->head.data[i] == '\n')
			http->head.data[i] = '\0';
}

const char *http1_header(const struct http1 *http, const char *name)
{
	size_t len = strlen(name), at = 0;

	while (at < http->head.len) {
		const char *line = http->head.data + at;

		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
		at += strlen(line) + 1;
	}
	return NULL;
}

/* "HTTP/1.1 200 OK" (RFC 9112, 4). */
static int parse_status(struct http1 *http, struct http1_response *response, struct err *err)
{
	const char *line = buf_str(&http->head);
	uint64_t status;
	char digits[4];

	if (!str_starts(line, "HTTP/1.") || strlen(line) < 12 || line[8] != ' ')
		return malformed(http, "no status line", err);
	memcpy(digits, line + 9, 3);
	digits[3] = '\0';
	if (!parse_u64(digits, 100, 999, &status))
		return malformed(http, "no status", err);
	response->status = (int)status;
	http->keep = http->keep && line[7] == '1';
	return 0;
}

/* How the body is framed (RFC 9112, 6.3). */
static int parse_framing(struct http1 *http, const struct http1_request *request,
	struct http1_response *response, struct err *err)
{
	const char *length = http1_header(http, "Content-Length");
	const char *coding = http1_header(http, "Transfer-Encoding");
	const char *connection = http1_header(http, "Connection");
	uint64_t size = 0;

	response->length = -1;
	response->chunked = coding && strcasecmp(coding, "chunked") == 0;
	response->upgraded = response->status == 101 ||
			     (request->upgrade && response->status == 200 && !length && !coding);
	if (coding && !response->chunked)
		return malformed(http, "an unknown transfer coding", err);
	if (length && !parse_u64(length, 0, INT64_MAX, &size))
		return malformed(http, "a wrong Content-Length", err);
	if (connection && strcasecmp(connection, "close") == 0)
		http->keep = false;
	http->left = 0;
	http->in_chunk = false;
	if (response->upgraded) {
		http->body = BODY_UNTIL_CLOSE;
	} else if (strcmp(request->method, "HEAD") == 0 || response->status == 204 ||
		   response->status == 304) {
		http->body = BODY_NONE;
	} else if (response->chunked) {
		http->body = BODY_CHUNKED;
	} else if (length) {
		http->left = size;
		response->length = (int64_t)size;
		http->body = size ? BODY_LENGTH : BODY_NONE;
	} else {
		http->body = BODY_UNTIL_CLOSE;
	}
	if (http->body == BODY_UNTIL_CLOSE)
		http->keep = false;
	return 0;
}

static int read_response(struct http1 *http, const struct http1_request *request,
	struct http1_response *response, struct err *err)
{
	*response = (struct http1_response){0};
	do {
		if (read_head(http, err) < 0)
			return -1;
		split_head(http);
		if (parse_status(http, response, err) < 0)
			return -1;
		/* 100 Continue and its like precede the answer (RFC 9110, 15.2). */
	} while (response->status < 200 && response->status != 101);
	if (parse_framing(http, request, response, err) < 0)
		return -1;
	http->reused = true;
	return 0;
}

/* === the whole exchange === */

/* A kept connection on which the other side said something, or good-bye, is of no use any more. */
static bool kept_is_usable(struct http1 *http)
{
	struct pollfd quiet = {http->fd, POLLIN, 0};

	return http->body == BODY_NONE && http->keep && http->start == http->end &&
	       poll(&quiet, 1, 0) == 0;
}

static int connect_now(struct http1 *http, struct err *err)
{
	http1_disconnect(http);
	if (!http->address)
		return err_set(err, ERR_FAILED, "the connection is closed");
	http->fd = net_dial(http->address, CONNECT_TIMEOUT_MS, err);
	return http->fd < 0 ? -1 : 0;
}

static int exchange(struct http1 *http, const struct http1_request *request,
	struct http1_response *response, bool *written, struct err *err)
{
	*written = false;
	http->keep = true;
	buf_reset(&http->head);
	if (send_request(http, request, err) < 0)
		return -1;
	*written = true;
	return read_response(http, request, response, err);
}

int http1_send(struct http1 *http, const struct http1_request *request,
	struct http1_response *response, struct err *err)
{
	bool again, written;

	http->interruptible = request->interruptible && !signals_pending();
	http->timeout_ms = request->timeout_ms;
	http->cancel_fd = request->cancel_fd > 0 ? request->cancel_fd : -1;
	if (http->fd >= 0 && http->reused && !kept_is_usable(http))
		http1_disconnect(http);
	again = http->fd >= 0 && http->reused && http->address && request->body_fd < 0;
	if (http->fd < 0 && connect_now(http, err) < 0)
		return -1;
	if (exchange(http, request, response, &written, err) == 0)
		return 0;
	/*
	 * The engine closed the kept connection just as we wrote. What it never read can be said
	 * again; when it may have read it, only a question can (RFC 9110, 9.2.2).
	 */
	if (again && err->kind == ERR_FAILED && http->head.len == 0 &&
		(!written || strcmp(request->method, "GET") == 0)) {
		err_clear(err);
		if (connect_now(http, err) < 0)
			return -1;
		if (exchange(http, request, response, &written, err) == 0)
			return 0;
	}
	http1_disconnect(http);
	return -1;
}

/* === the body === */

/* Begin the next chunk; 1 when there is one, 0 after the last (trailers are dropped). */
static int next_chunk(struct http1 *http, struct err *err)
{
	char line[LINE_MAX_BYTES];
	uint64_t size = 0;
	size_t digits = 0;

	if (http->in_chunk && (read_line(http, line, err) < 0 || *line))
		return err->kind ? -1 : malformed(http, "a chunk does not end", err);
	http->in_chunk = false;
	if (read_line(http, line, err) < 0)
		return -1;
	for (; isxdigit((unsigned char)line[digits]) && digits < 15; digits++) {
		char c = line[digits];

		size = size * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	if (!digits || (line[digits] && line[digits] != ';' && line[digits] != ' '))
		return malformed(http, "a wrong chunk size", err);
	if (size) {
		http->left = size;
		http->in_chunk = true;
		return 1;
	}
	for (int i = 0; i < TRAILERS_MAX; i++) {
		if (read_line(http, line, err) < 0)
			return -1;
		if (!*line)
			return 0;
	}
	return malformed(http, "too many trailers", err);
}

static ssize_t body_end(struct http1 *http)
{
	http->body = BODY_NONE;
	if (!http->keep)
		http1_disconnect(http);
	return 0;
}

static ssize_t body_failed(struct http1 *http)
{
	http1_disconnect(http);
	return -1;
}

ssize_t http1_read(struct http1 *http, void *data, size_t len, struct err *err)
{
	size_t have;

	if (http->body == BODY_NONE)
		return body_end(http);
	err_clear(err);
	if (http->body == BODY_CHUNKED && !http->left) {
		int more = next_chunk(http, err);

		if (more <= 0)
			return more < 0 ? body_failed(http) : body_end(http);
	}
	if (http->start == http->end) {
		ssize_t got = fill(http, err);

		if (got < 0)
			return body_failed(http);
		if (got == 0 && http->body == BODY_UNTIL_CLOSE)
			return body_end(http);
		if (got == 0) {
			cut_short(http, "inside an answer", err);
			return body_failed(http);
		}
	}
	have = http->end - http->start;
	if (http->body != BODY_UNTIL_CLOSE && have > http->left)
		have = (size_t)http->left;
	if (have > len)
		have = len;
	memcpy(data, http->in + http->start, have);
	http->start += have;
	if (http->body != BODY_UNTIL_CLOSE)
		http->left -= have;
	if (http->body == BODY_LENGTH && !http->left)
		http->body = BODY_NONE;
	return (ssize_t)have;
}

int http1_read_all(struct http1 *http, struct buf *out, struct err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = http1_read(http, piece, sizeof(piece), err)) > 0)
		if (buf_add(out, piece, (size_t)n) < 0) {
			http1_disconnect(http);
			return err_set(err, ERR_FAILED, "the answer of %s is over %zu bytes",
				http1_name(http), out->limit);
		}
	return n < 0 ? -1 : 0;
}

int http1_fd(const struct http1 *http)
{
	return http->fd;
}

bool http1_ready(const struct http1 *http)
{
	return http->start < http->end || http->body == BODY_NONE;
}
