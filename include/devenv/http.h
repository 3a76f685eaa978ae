/*
 * http.h - fetching from the internet, through libcurl: TLS, proxies, redirects.
 *
 * For archives and registries; the engine's own API is http1.h.  The body is handed out in pieces
 * and never kept here, so size is the caller's business.  An answer of 400 and over is an error
 * whose body never reaches the callback.
 *
 *	struct http_get get = {.url = url, .on_data = take, .ctx = &sum};
 *	if (http_get(&get, err) < 0) ...
 *
 * Errors are ERR_FAILED (ERR_TIMEOUT, ERR_CANCELLED), name the URL without its password and query,
 * and carry the HTTP status in err->status.  A short body is an error when the server named a
 * length; whoever needs more certainty compares a digest.
 */
#ifndef DEVENV_HTTP_H
#define DEVENV_HTTP_H

#include "devenv/err.h"

#include <stddef.h>
#include <stdint.h>

struct http_get {
	const char *url; /* https, http or file */
	/* Called with each piece in order; non-zero stops (the callee fills err). */
	int (*on_data)(void *ctx, const void *data, size_t len, struct err *err);
	/* Called several times a second, or NULL; total 0: not known. */
	void (*on_progress)(void *ctx, uint64_t done, uint64_t total);
	/* Called with each line of the headers, also of a refusal: "Name: value"; or NULL. */
	void (*on_header)(void *ctx, const char *line);
	void *ctx;
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	int stall_s;                /* give up after this long without a byte; 0: 60 */
};

/* Fetch the whole of it. One call is one handle: any number of threads may be inside at once. */
int http_get(const struct http_get *get, struct err *err);

/* The URL as it may be shown: without user, password, query and fragment. The caller's. */
char *http_shown(const char *url);

#endif
