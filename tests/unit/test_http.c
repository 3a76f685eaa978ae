/*
 * test_http.c - fetching from a real HTTP server, and from one that misbehaves.
 */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/http.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* === Python's own server over a folder === */

struct server {
	struct proc_child child;
	uint16_t port;
};

static void server_start(struct server *server, const char *dir)
{
	static const char *const argv[] = {
		"python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0", NULL};
	struct err err = ERR_INIT;
	char line[256] = "", *port;
	size_t len = 0;

	assert_int_equal(
		proc_open(&(struct proc_spec){.argv = argv, .dir = dir}, &server->child, &err), 0);
	/* "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..." */
	while (len < sizeof(line) - 1 && !strchr(line, '\n')) {
		ssize_t n = read(server->child.out, line + len, sizeof(line) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		line[len] = '\0';
	}
	port = strstr(line, "port ");
	assert_non_null(port);
	port += strlen("port ");
	port[strcspn(port, " ")] = '\0';
	assert_true(parse_port(port, &server->port));
}

static void server_stop(struct server *server)
{
	kill(server->child.pid, SIGTERM);
	proc_close(&server->child);
}

static void write_file(const char *dir, const char *name, const void *data, size_t len)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, data, len, 0644, &err), 0);
}

struct taken {
	struct buf data;
	uint64_t total;
	bool refuse;
};

static int take(void *ctx, const void *data, size_t len, struct err *err)
{
	struct taken *taken = ctx;

	if (taken->refuse)
		return err_set(err, ERR_SNAPSHOT, "enough");
	return buf_add(&taken->data, data, len);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct taken *taken = ctx;

	taken->total = total;
}

static int get(const char *url, struct taken *taken, int stall_s, struct err *err)
{
	return http_get(&(struct http_get){.url = url,
				.on_data = take,
				.on_progress = on_progress,
				.ctx = taken,
				.stall_s = stall_s},
		err);
}

static void test_get(void **state)
{
	struct server server;
	struct taken taken = {0};
	struct err err = ERR_INIT;
	autofree char *body = xmalloc(3000000), *url = NULL;

	for (size_t i = 0; i < 3000000; i++)
		body[i] = (char)(i * 7 + i / 251);
	write_file(*state, "seed", body, 3000000);
	server_start(&server, *state);
	url = xasprintf("http://127.0.0.1:%u/seed", server.port);
	assert_int_equal(get(url, &taken, 0, &err), 0);
	assert_int_equal(taken.data.len, 3000000);
	assert_memory_equal(taken.data.data, body, 3000000);
	assert_int_equal(taken.total, 3000000);
	buf_release(&taken.data);
	server_stop(&server);
}

static void test_not_found(void **state)
{
	struct server server;
	struct taken taken = {0};
	struct err err = ERR_INIT;
	autofree char *url = NULL;

	server_start(&server, *state);
	url = xasprintf("http://user:secret@127.0.0.1:%u/none?token=secret", server.port);
	assert_int_equal(get(url, &taken, 0, &err), -1);
	assert_int_equal(err.status, 404);
	assert_int_equal(taken.data.len, 0);
	assert_non_null(strstr(err.msg, "/none"));
	assert_null(strstr(err.msg, "secret"));
	server_stop(&server);
}

static void test_redirect(void **state)
{
	struct server server;
	struct taken taken = {0};
	struct err err = ERR_INIT;
	autofree char *url = NULL, *dir = path_join(*state, "folder");

	assert_int_equal(fs_mkdirs(dir, 0755, &err), 0);
	write_file(dir, "index.html", "moved here", 10);
	server_start(&server, *state);
	/* A folder without its slash is answered with 301. */
	url = xasprintf("http://127.0.0.1:%u/folder", server.port);
	assert_int_equal(get(url, &taken, 0, &err), 0);
	assert_string_equal(buf_str(&taken.data), "moved here");
	buf_release(&taken.data);
	server_stop(&server);
}

static void test_stopped_by_callback(void **state)
{
	autofree char *url = xasprintf("file://%s/f", (char *)*state);
	struct taken taken = {.refuse = true};
	struct err err = ERR_INIT;

	write_file(*state, "f", "x", 1);
	assert_int_equal(get(url, &taken, 0, &err), -1);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.msg, "enough"));
}

static void test_file(void **state)
{
	autofree char *url = xasprintf("file://%s/f", (char *)*state);
	struct taken taken = {0};
	struct err err = ERR_INIT;

	write_file(*state, "f", "content", 7);
	assert_int_equal(get(url, &taken, 0, &err), 0);
	assert_string_equal(buf_str(&taken.data), "content");
	buf_release(&taken.data);
}

/* === a server that misbehaves === */

struct bad_server {
	pthread_t thread;
	int listener;
	uint16_t port;
	const char *answer;
	bool stall; /* keep the connection open after the answer */
};

static void *bad_main(void *ctx)
{
	struct bad_server *server = ctx;
	autoclose int fd = accept(server->listener, NULL, NULL);
	char request[4096];

	if (fd < 0 || read(fd, request, sizeof(request)) <= 0)
		return NULL;
	if (write(fd, server->answer, strlen(server->answer)) < 0)
		return NULL;
	/* Until the other side gives up. */
	while (server->stall && read(fd, request, sizeof(request)) > 0)
		;
	return NULL;
}

static void bad_start(struct bad_server *server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, bad_main, server), 0);
}

/* What http_get makes of such a server. */
static void bad_get(struct bad_server *server, struct taken *taken, struct err *err)
{
	autofree char *url = NULL;

	bad_start(server);
	url = xasprintf("http://127.0.0.1:%u/seed", server->port);
	assert_int_equal(get(url, taken, 1, err), -1);
	pthread_join(server->thread, NULL);
	close(server->listener);
	buf_release(&taken->data);
}

static void test_cut_short(void **state)
{
	struct bad_server server = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"};
	struct taken taken = {0};
	struct err err = ERR_INIT;

	bad_get(&server, &taken, &err);
	assert_int_equal(err.kind, ERR_FAILED);
}

static void test_silent(void **state)
{
	struct bad_server server = {
		.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", .stall = true};
	struct taken taken = {0};
	struct err err = ERR_INIT;

	bad_get(&server, &taken, &err);
	assert_int_equal(err.kind, ERR_TIMEOUT);
}

static void test_redirect_to_file(void **state)
{
	struct bad_server server = {
		.answer = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
			  "Content-Length: 0\r\n\r\n"};
	struct taken taken = {0};
	struct err err = ERR_INIT;

	bad_get(&server, &taken, &err);
	assert_int_equal(taken.data.len, 0);
}

static void test_nobody_there(void **state)
{
	struct bad_server server = {.answer = ""};
	struct taken taken = {0};
	struct err err = ERR_INIT;
	autofree char *url = NULL;

	/* A port that was ours a moment ago. */
	bad_get(&server, &taken, &err);
	url = xasprintf("http://127.0.0.1:%u/seed", server.port);
	err_clear(&err);
	assert_int_equal(get(url, &taken, 1, &err), -1);
	assert_non_null(strstr(err.msg, url));
}

/* A refusal is an answer for http_send: status, all headers and what the server says. */
static void test_refusal(void **state)
{
	struct bad_server server = {
		.answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n"
			  "www-authenticate:Bearer realm=\"b\"\r\nX-Empty:\r\n"
			  "Content-Length: 4\r\n\r\nsaid"};
	struct http_client *client = http_client_new();
	autoresponse struct http_response response = {0};
	autofree char *url = NULL, *all = NULL;
	struct http_body body = http_body_text("text", 4);
	struct err err = ERR_INIT;

	bad_start(&server);
	url = xasprintf("http://127.0.0.1:%u/x", server.port);
	assert_int_equal(
		http_send(client,
			&(struct http_request){
				.method = "PUT", .url = url, .body = &body, .on_data = take},
			&response, &err),
		0);
	pthread_join(server.thread, NULL);
	close(server.listener);
	assert_int_equal(response.status, 401);
	assert_string_equal(buf_str(&response.refusal), "said");
	assert_string_equal(response.url, url);
	assert_string_equal(http_header(&response, "WWW-Authenticate"), "Basic realm=\"a\"");
	assert_string_equal(http_header(&response, "x-empty"), "");
	assert_null(http_header(&response, "X"));
	all = http_header_all(&response, "WWW-Authenticate");
	assert_string_equal(all, "Basic realm=\"a\", Bearer realm=\"b\"");
	http_client_free(client);
}

/* What broke off may be asked for again; what was never there, too; what we refuse is not. */
static void test_transient(void **state)
{
	struct bad_server server = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"};
	struct http_client *client = http_client_new();
	autoresponse struct http_response response = {0};
	autofree char *url = NULL;
	struct err err = ERR_INIT;

	bad_start(&server);
	url = xasprintf("http://127.0.0.1:%u/x", server.port);
	assert_int_equal(
		http_send(client, &(struct http_request){.url = url}, &response, &err), -1);
	assert_true(response.transient && response.reached);
	pthread_join(server.thread, NULL);
	close(server.listener);
	assert_int_equal(
		http_send(client, &(struct http_request){.url = url}, &response, &err), -1);
	assert_true(response.transient && !response.reached);
	assert_int_equal(http_send(client, &(struct http_request){.url = "ftp://127.0.0.1/x"},
				 &response, &err),
		-1);
	assert_false(response.transient);
	http_client_free(client);
}

static void test_local(void **state)
{
	static const char *const here[] = {
		"localhost", "localhost:80", "127.0.0.1/x", "127.9.9.9:1", "[::1]:5000/x"};
	static const char *const away[] = {"127.evil.example", "localhost.evil.example", "[::2]",
		"10.0.0.1", "", "127.0.0.1.evil.example:80"};

	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		assert_true(http_is_local(here[i]));
	for (size_t i = 0; i < ARRAY_LEN(away); i++)
		assert_false(http_is_local(away[i]));
}

static void test_escape(void **state)
{
	autofree char *escaped = http_escape("a-Z_0.~/:\xc3\xa4 %");

	assert_string_equal(escaped, "a-Z_0.~%2F%3A%C3%A4%20%25");
}

static void test_shown(void **state)
{
	static const char *const cases[][2] = {
		{"https://user:pw@host/a?sig=1#x", "https://host/a"},
		{"https://host/a@b", "https://host/a@b"},
		{"https://a@b@host:8/", "https://host:8/"},
		{"git@host:acme/shop.git", "git@host:acme/shop.git"},
		{"/a/path", "/a/path"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *shown = http_shown(cases[i][0]);

		assert_string_equal(shown, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_get),
		FOLDER_TEST(test_not_found),
		FOLDER_TEST(test_redirect),
		FOLDER_TEST(test_stopped_by_callback),
		FOLDER_TEST(test_file),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_redirect_to_file),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_transient),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_shown),
	};

	/* A proxy of the machine must not stand between. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
