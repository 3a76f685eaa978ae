/*
 * http1.h - a small HTTP/1.1 client on one socket, for the engine's API.
 *
 * Not for the internet: no TLS, no redirects, no cookies (that is http.h, through libcurl).  attach
 * and exec turn the connection into a raw stream in both directions, which libcurl does not hand
 * over well, and loading libcurl costs 15 ms where a whole `devenv up` without work may take 20 ms.
 *
 *	struct http1 *http = http1_new("unix:///run/docker.sock");
 *	struct http1_request request = {.method = "GET", .path = "/version", .body_fd = -1};
 *	struct http1_response response;
 *	if (http1_send(http, &request, &response, err) < 0 ||
 *	    http1_read_all(http, &body, err) < 0)
 *		...
 *	http1_free(http);
 *
 * The connection is opened on first use and kept.  When the other side closed a kept connection,
 * the request is sent once more on a new one, silently.  RFC 9112; sections are named in http1.c.
 * Errors are ERR_FAILED, ERR_TIMEOUT or ERR_CANCELLED, and say what was awaited from where.
 */
#ifndef DEVENV_HTTP1_H
#define DEVENV_HTTP1_H

#include "devenv/buf.h"
#include "devenv/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct http1;

/*
 * "unix:///path", "tcp://host:port" ("http://host:port" means the same) or
 * "ssh://[user@]host[:port]" (runs `ssh -- host docker system dial-stdio`). Never NULL; a bad
 * address fails on first use.
 */
struct http1 *http1_new(const char *address);

/* The same over a connected socket, which it takes; there is no second connection. */
struct http1 *http1_adopt(int fd);

void http1_free(struct http1 *http); /* NULL is fine */

struct http1_request {
	const char *method;
	const char *path;    /* with the query */
	const char *headers; /* further lines, each with "\r\n" at its end; or NULL */
	const char *type;    /* Content-Type of the body */
	const void *body;    /* or NULL */
	size_t body_len;
	int body_fd;  /* sent chunked until its end; -1: none. Not sent twice */
	bool upgrade; /* ask for a raw stream (attach, exec) */
	/* ERR_CANCELLED when a signal comes (signals.h) that was not there before */
	bool interruptible;
	int cancel_fd;  /* over 0: ERR_CANCELLED when it is readable before head or body came */
	int timeout_ms; /* longest silence, for head and body; 0: none */
};

struct http1_response {
	int status;
	int64_t length; /* -1: not known */
	bool chunked;
	bool upgraded; /* both directions are free: http1_write() and http1_shutdown() work */
};

/*
 * Send and read the answer's head. What is left of an earlier answer is dropped with its
 * connection.
 */
int http1_send(struct http1 *http, const struct http1_request *request,
	struct http1_response *response, struct err *err);

/*
 * A header of the last answer, or NULL. Borrowed until the next request. Name without regard to
 * case.
 */
const char *http1_header(const struct http1 *http, const char *name);

/* Up to `len` bytes of the body; 0 at its end; -1 with err, also when it was cut short. */
ssize_t http1_read(struct http1 *http, void *data, size_t len, struct err *err);

/* The whole body; going over out->limit is an error. */
int http1_read_all(struct http1 *http, struct buf *out, struct err *err);

/*
 * For poll loops: the descriptor, and whether http1_read() has something without waiting for it.
 */
int http1_fd(const struct http1 *http);
bool http1_ready(const struct http1 *http);

/*
 * On an upgraded connection: write what it takes without waiting (0: nothing now, poll for
 * POLLOUT), or -1. Never waits, because a container that waits for us to read would then wait for
 * ever.  http1_shutdown tells the other side that nothing more comes.
 */
ssize_t http1_write(struct http1 *http, const void *data, size_t len, struct err *err);
void http1_shutdown(struct http1 *http);

/* Close now; the next request opens a new connection. */
void http1_disconnect(struct http1 *http);

/* Connect to an address as in http1_new(). The descriptor, or -1. (src/net/dial.c) */
int net_dial(const char *address, int timeout_ms, struct err *err);

#endif
