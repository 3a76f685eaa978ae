/* test_http1.c - the HTTP/1.1 client, fed with bytes over a socket pair. */
#include "testing.h"

#include "devenv/clock.h"
#include "devenv/http1.h"
#include "devenv/str.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct pair {
	struct http1 *http;
	int far;
};

static struct pair pair_new(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	return (struct pair){http1_adopt(fds[0]), fds[1]};
}

static void pair_free(struct pair *pair)
{
	http1_free(pair->http);
	close(pair->far);
}

static void feed(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int get(struct http1 *http, struct http1_response *response, struct err *err)
{
	struct http1_request request = {
		.method = "GET", .path = "/x", .body_fd = -1, .timeout_ms = 3000};

	return http1_send(http, &request, response, err);
}

/* Send a request, answer it with `text` and the end of the stream; the body, or NULL with err. */
static char *answer(const char *text, struct http1_response *response, struct err *err)
{
	struct pair pair = pair_new();
	struct buf body = BUF_INIT(1 << 20);
	char *out = NULL;

	*err = ERR_INIT;
	feed(pair.far, text);
	shutdown(pair.far, SHUT_WR);
	if (get(pair.http, response, err) == 0 && http1_read_all(pair.http, &body, err) == 0)
		out = buf_detach(&body);
	buf_release(&body);
	pair_free(&pair);
	return out;
}

static void expect_body(const char *text, const char *wanted)
{
	struct http1_response response;
	struct err err;
	autofree char *body = answer(text, &response, &err);

	assert_string_equal(err.msg, "");
	assert_non_null(body);
	assert_string_equal(body, wanted);
}

static void expect_failure(const char *text, const char *words)
{
	struct http1_response response;
	struct err err;
	autofree char *body = answer(text, &response, &err);

	assert_null(body);
	assert_int_equal(err.kind, ERR_FAILED);
	if (!strstr(err.msg, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

static void test_bodies(void **state)
{
	expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello");
	expect_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
	expect_body("HTTP/1.1 204 No Content\r\n\r\n", "");
	expect_body("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "");
	expect_body("HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end");
	expect_body("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
		    "5\r\nhello\r\n1;name=value\r\n!\r\n00\r\nTrailer: x\r\n\r\n",
		"hello!");
	expect_body(
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x");
	expect_body("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x");
}

static void test_malformed(void **state)
{
	expect_failure("", "before it answered");
	expect_failure("HTTP/1.1 200 OK\r\nContent-", "before it answered");
	expect_failure("SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP");
	expect_failure("HTTP/1.1 2x0 OK\r\n\r\n", "does not speak HTTP");
	expect_failure("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length");
	expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"Content-Length");
	expect_failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer coding");
}

static void test_truncated(void **state)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char *const ends[] = {"", "5", "5\r\n", "5\r\nhel", "5\r\nhello",
		"5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nA: b\r\n"};

	expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "inside an answer");
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		autofree char *text = xasprintf("%s%s", chunked, ends[i]);

		expect_failure(text, "inside an answer");
	}
}

static void test_bad_chunks(void **state)
{
	static const char *const bad[] = {
		"x\r\n", "\r\n", "-1\r\nx", "5\r\nhelloo\r\n0\r\n\r\n", "fffffffffffffffff\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autofree char *text = xasprintf(
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", bad[i]);

		expect_failure(text, "chunk");
	}
}

/* Ceilings: a head over 64 KiB, a chunk's size line over 4 KiB, trailers without end. */
static void test_oversize(void **state)
{
	autobuf struct buf text = BUF_INIT(1 << 20);

	buf_addstr(&text, "HTTP/1.1 200 OK\r\nX: ");
	for (int i = 0; i < 70000; i++)
		buf_addch(&text, 'a');
	buf_addstr(&text, "\r\n\r\n");
	expect_failure(buf_str(&text), "head is too large");
	buf_reset(&text);
	buf_addstr(&text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;");
	for (int i = 0; i < 5000; i++)
		buf_addch(&text, 'a');
	buf_addstr(&text, "\r\nx\r\n0\r\n\r\n");
	expect_failure(buf_str(&text), "line is too long");
	buf_reset(&text);
	buf_addstr(&text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	for (int i = 0; i < 100; i++)
		buf_addstr(&text, "A: b\r\n");
	buf_addstr(&text, "\r\n");
	expect_failure(buf_str(&text), "too many trailers");
}

/* A body over the caller's limit is refused and not collected. */
static void test_body_limit(void **state)
{
	struct pair pair = pair_new();
	autobuf struct buf body = BUF_INIT(4);
	struct http1_response response;
	struct err err = ERR_INIT;

	feed(pair.far, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	assert_int_equal(get(pair.http, &response, &err), 0);
	assert_int_equal(http1_read_all(pair.http, &body, &err), -1);
	assert_non_null(strstr(err.msg, "over 4 bytes"));
	pair_free(&pair);
}

/* === the same bytes, cut at every place === */

struct writer {
	int fd;
	const char *text;
	size_t cut;
};

static void *write_in_two(void *ctx)
{
	struct writer *writer = ctx;

	if (write(writer->fd, writer->text, writer->cut) < 0)
		return NULL;
	/* Long enough that the reader most likely sees the cut; it must not matter if not. */
	clock_sleep_ms(1);
	feed(writer->fd, writer->text + writer->cut);
	return NULL;
}

static void test_cuts(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct pair pair = pair_new();
		struct writer writer = {pair.far, text, cut < sizeof(text) - 1 ? cut : 0};
		autobuf struct buf body = BUF_INIT(1 << 20);
		struct http1_response response;
		struct err err = ERR_INIT;
		pthread_t thread;

		pthread_create(&thread, NULL, write_in_two, &writer);
		assert_int_equal(get(pair.http, &response, &err), 0);
		assert_int_equal(http1_read_all(pair.http, &body, &err), 0);
		assert_string_equal(buf_str(&body), "abc0123456789");
		pthread_join(thread, NULL);
		pair_free(&pair);
	}
}

/* Headers are found without regard to case. */
static void test_headers(void **state)
{
	struct pair pair = pair_new();
	autobuf struct buf body = BUF_INIT(1 << 20);
	struct http1_response response;
	struct err err = ERR_INIT;

	feed(pair.far, "HTTP/1.1 200 OK\r\nAPI-Version:  1.41 \r\nContent-Length: 1\r\n\r\na");
	assert_int_equal(get(pair.http, &response, &err), 0);
	assert_true(str_starts(http1_header(pair.http, "api-version"), "1.41"));
	assert_null(http1_header(pair.http, "api"));
	assert_int_equal(http1_read_all(pair.http, &body, &err), 0);
	pair_free(&pair);
}

/* What the client writes: a body that is chunked from a descriptor, and a fixed one. */
static void test_sending(void **state)
{
	struct pair pair = pair_new();
	struct http1_request request = {.method = "POST",
		.path = "/p",
		.body_fd = -1,
		.body = "{}",
		.body_len = 2,
		.type = "application/json",
		.headers = "X-A: b\r\n",
		.timeout_ms = 3000};
	struct http1_response response;
	struct err err = ERR_INIT;
	char text[4096];
	ssize_t n;

	feed(pair.far, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(http1_send(pair.http, &request, &response, &err), 0);
	assert_int_equal(response.status, 201);
	n = read(pair.far, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_true(str_starts(text, "POST /p HTTP/1.1\r\nHost: "));
	assert_non_null(strstr(text, "\r\nX-A: b\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 2\r\n"));
	assert_true(str_ends(text, "\r\n\r\n{}"));
	pair_free(&pair);
}

static void test_timeout(void **state)
{
	struct pair pair = pair_new();
	struct http1_request request = {
		.method = "GET", .path = "/", .body_fd = -1, .timeout_ms = 50};
	struct http1_response response;
	struct err err = ERR_INIT;

	assert_int_equal(http1_send(pair.http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	pair_free(&pair);
}

static void test_cancel(void **state)
{
	struct pair pair = pair_new();
	int fds[2];
	struct http1_request request = {.method = "GET", .path = "/", .body_fd = -1};
	struct http1_response response;
	struct err err = ERR_INIT;

	assert_int_equal(pipe(fds), 0);
	feed(fds[1], "x");
	request.cancel_fd = fds[0];
	assert_int_equal(http1_send(pair.http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	close(fds[0]);
	close(fds[1]);
	pair_free(&pair);
}

/* After an upgrade both directions are free, and what came with the head is not lost. */
static void test_upgrade(void **state)
{
	struct pair pair = pair_new();
	struct http1_request request = {.method = "POST",
		.path = "/attach",
		.body_fd = -1,
		.upgrade = true,
		.timeout_ms = 3000};
	struct http1_response response;
	struct err err = ERR_INIT;
	char text[4096] = "";
	ssize_t n;

	feed(pair.far, "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly");
	assert_int_equal(http1_send(pair.http, &request, &response, &err), 0);
	assert_true(response.upgraded);
	assert_true(http1_ready(pair.http));
	assert_int_equal(http1_read(pair.http, text, sizeof(text), &err), 5);
	assert_int_equal(http1_write(pair.http, "typed", 5, &err), 5);
	http1_shutdown(pair.http);
	n = read(pair.far, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_true(str_ends(text, "\r\n\r\ntyped"));
	assert_int_equal(read(pair.far, text, 1), 0);
	close(pair.far);
	pair.far = -1;
	assert_int_equal(http1_read(pair.http, text, sizeof(text), &err), 0);
	pair_free(&pair);
}

/* === a listening socket, for what only a second connection can show === */

struct server {
	int fd;
	int connections; /* how many it takes before it ends */
	int requests;    /* how many it answers on each */
};

static void *serve(void *ctx)
{
	struct server *server = ctx;

	for (int i = 0; i < server->connections; i++) {
		int fd = accept(server->fd, NULL, NULL);
		char text[4096];

		for (int j = 0; j < server->requests; j++) {
			if (fd < 0 || read(fd, text, sizeof(text)) <= 0)
				return NULL;
			feed(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		}
		/* Closed without "Connection: close": the client must find out by itself. */
		close(fd);
	}
	return NULL;
}

static void ask_server(const char *folder, int connections, int requests)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autofree char *host = xasprintf("unix://%s/s", folder);
	struct http1 *http = http1_new(host);
	struct server server = {socket(AF_UNIX, SOCK_STREAM, 0), connections, requests};
	struct err err = ERR_INIT;
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server.fd, 5), 0);
	pthread_create(&thread, NULL, serve, &server);
	for (int i = 0; i < connections * requests; i++) {
		autobuf struct buf body = BUF_INIT(100);
		struct http1_response response;

		assert_int_equal(get(http, &response, &err), 0);
		assert_int_equal(http1_read_all(http, &body, &err), 0);
		assert_string_equal(buf_str(&body), "ok");
	}
	/* It ends only when every connection was used for as many requests as it answers. */
	pthread_join(thread, NULL);
	close(server.fd);
	http1_free(http);
}

static void test_reconnect(void **state)
{
	ask_server(*state, 3, 1);
}

static void test_keep_alive(void **state)
{
	ask_server(*state, 1, 3);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"", "unix://", "/run/x", "tcp://", "tcp://host",
		"tcp://host:0", "tcp://:1", "tcp://[::1", "npipe:////./pipe/docker", "ssh://",
		"ssh://-oProxyCommand=x", "ssh://host/path", "ftp://host:1"};
	autofree char *long_path = xmalloc(300);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(net_dial(bad[i], 1000, &err), -1);
		assert_int_equal(err.kind, ERR_FAILED);
		assert_true(*err.msg);
	}
	memset(long_path, 'a', 299);
	memcpy(long_path, "unix:///", 8);
	long_path[299] = '\0';
	{
		struct err err = ERR_INIT;

		assert_int_equal(net_dial(long_path, 1000, &err), -1);
		assert_non_null(strstr(err.msg, "too long"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bad_chunks),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_sending),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_upgrade),
		FOLDER_TEST(test_reconnect),
		FOLDER_TEST(test_keep_alive),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
