/*
 * http.h - the internet, through libcurl: TLS, proxies, redirects.
 *
 * For archives, registries and object stores; the engine's own API is http1.h.  Bodies are handed
 * out and taken in pieces and never kept here, so size is the caller's business.
 *
 * One file, where any refusal is an error:
 *
 *	struct http_get get = {.url = url, .on_data = take, .ctx = &sum};
 *	if (http_get(&get, err) < 0) ...
 *
 * A conversation with one server, over one kept connection, where the status is the caller's:
 *
 *	struct http_client *client = http_client_new();
 *	struct http_request request = {.method = "HEAD", .url = url, .headers = headers};
 *	struct http_response response = {0};
 *	if (http_send(client, &request, &response, err) == 0 && response.status == 200) ...
 *	http_response_release(&response);
 *	http_client_free(client);
 *
 * Errors are ERR_FAILED (ERR_TIMEOUT, ERR_CANCELLED), name the URL without its password and query,
 * and carry the HTTP status in err->status.  A short body is an error when the server named a
 * length; whoever needs more certainty compares a digest.  Certificates are checked against the
 * system's; SSL_CERT_FILE names others, as for curl and OpenSSL.
 */
#ifndef DEVENV_HTTP_H
#define DEVENV_HTTP_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Called with each piece in order; non-zero stops (the callee fills err). */
typedef int http_data_fn(void *ctx, const void *data, size_t len, struct err *err);

/* Called several times a second; total 0: not known. */
typedef void http_progress_fn(void *ctx, uint64_t done, uint64_t total);

struct http_get {
	const char *url; /* https, http or file */
	http_data_fn *on_data;
	http_progress_fn *on_progress; /* or NULL */
	void *ctx;
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	int stall_s;                /* give up after this long without a byte; 0: 60 */
};

/* Fetch the whole of it. One call is one handle: any number of threads may be inside at once. */
int http_get(const struct http_get *get, struct err *err);

/* A handle with its connections: for one thread at a time. Never NULL; NULL is fine to free. */
struct http_client;
struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);

/*
 * Trust the authorities in that PEM file in all further requests, instead of SSL_CERT_FILE's.
 * Borrowed; NULL: none.
 */
void http_client_trust(struct http_client *client, const char *authorities);

/*
 * What is sent: up to `len` bytes from `offset`, or -1 with err. It is read from offset 0 again
 * when a redirect or another try needs it.
 */
struct http_body {
	ssize_t (*read)(void *ctx, uint64_t offset, void *data, size_t len, struct err *err);
	void *ctx;
	uint64_t size;
};

/* A body of `len` bytes in memory, which it borrows. */
struct http_body http_body_text(const char *text, size_t len);

/* Amazon's signature version 4 (libcurl's CURLOPT_AWS_SIGV4), made of these. */
struct http_sigv4 {
	const char *scope; /* "aws:amz:REGION:SERVICE" */
	const char *key_id, *secret;
};

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	const char *const *headers;     /* "Name: value", NULL-terminated; or NULL */
	const struct http_body *body;   /* or NULL */
	const struct http_sigv4 *sigv4; /* or NULL */
	bool no_redirect;               /* 3xx is an answer, not something to follow */
	/*
	 * The body of an answer below 400; the response's status and headers are there already.
	 * NULL: dropped.
	 */
	http_data_fn *on_data;
	http_progress_fn *on_progress; /* or NULL */
	void *ctx;
	int stall_s; /* give up after this long without a byte; 0: 60 */
};

struct http_response {
	int status; /* of the last answer, after redirects; 0 for file URLs */
	struct strv headers;
	struct buf refusal; /* the body of an answer of 400 and over, cut at 64 KiB */
	char *url;          /* where the answer came from, after redirects */
	/*
	 * Of an error: nothing was wrong with what was asked (the connection broke, or there was
	 * none), so that it can be asked again. `reached`: the server answered at least the
	 * connection.
	 */
	bool transient, reached;
};

/*
 * Send and take the answer, whatever its status: 0. -1 when there was no whole answer, or a
 * callback stopped it. `response` is zeroed or of an earlier call. Redirects (five at most) keep
 * https, and lose an Authorization header on another host.
 */
int http_send(struct http_client *client, const struct http_request *request,
	struct http_response *response, struct err *err);

/* The first header of that name (without regard to case), borrowed; NULL when there is none. */
const char *http_header(const struct http_response *response, const char *name);

/* All of that name, joined by ", " (RFC 9110 section 5.3). The caller's; NULL: none. */
char *http_header_all(const struct http_response *response, const char *name);

void http_response_release(struct http_response *response);
#define autoresponse __attribute__((cleanup(http_response_release)))

/* "the server failed", ...: what a status means, for people. */
const char *http_status_means(int status);

/* The URL as it may be shown: without user, password, query and fragment. The caller's. */
char *http_shown(const char *url);

/*
 * Is the HOST[:PORT] that `text` begins with this machine itself (localhost, 127.0.0.0/8, [::1])?
 * Only such may be spoken to without TLS.
 */
bool http_is_local(const char *text);

/* Percent-encoded for a path segment or a query: all but RFC 3986's unreserved. The caller's. */
char *http_escape(const char *text);

#endif
