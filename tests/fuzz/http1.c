/* http1.c - an engine's answer, read over a socket pair. */
#include "fuzz.h"

#include "devenv/http1.h"
#include "devenv/mem.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 65536 /* fits into the socket's buffer: nobody waits for a reader */

static void ask(struct http1 *http)
{
	struct http1_request request = {
		.method = "GET", .path = "/", .body_fd = -1, .timeout_ms = 1000};
	struct http1_response response;
	struct buf body = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;

	if (http1_send(http, &request, &response, &err) == 0) {
		http1_header(http, "Content-Type");
		http1_read_all(http, &body, &err);
	}
	buf_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http1 *http;
	int fds[2];

	if (size > ANSWER_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	if (write(fds[1], data, size) != (ssize_t)size)
		abort();
	shutdown(fds[1], SHUT_WR);
	http = http1_adopt(fds[0]);
	ask(http);
	ask(http);
	http1_free(http);
	close(fds[1]);
	return 0;
}
