/*
 * http.c - fetching through libcurl.
 *
 * libcurl has no time limit of its own, so a server that goes silent would hang us for ever: the
 * limit here is on silence, not on the whole, because archives may be large.  Options are varargs:
 * a number must be a long.
 */
#include "devenv/http.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 20000L
#define STALL_SECONDS 60
#define REDIRECTS_MAX 5L

#define CURL_FUNCTIONS(X) \
	X(curl_global_init) \
	X(curl_easy_init) \
	X(curl_easy_setopt) \
	X(curl_easy_perform) \
	X(curl_easy_getinfo) \
	X(curl_easy_strerror) \
	X(curl_easy_cleanup) \
	X(curl_slist_append) \
	X(curl_slist_free_all)
#define LAZY_STRUCT libcurl
LAZY_LIBRARY(libcurl, "libcurl.so.4 libcurl-gnutls.so.4 libcurl.4.dylib", CURL_FUNCTIONS)

/* One transfer; what the callbacks see. */
struct transfer {
	const struct http_get *get;
	CURL *handle;
	struct curl_slist *headers;
	struct err *err;
	bool stopped; /* on_data did, and filled err */
	char detail[CURL_ERROR_SIZE];
};

char *http_shown(const char *url)
{
	const char *rest = strstr(url, "://"), *at;
	size_t host;

	if (!rest)
		return xstrdup(url);
	rest += 3;
	host = strcspn(rest, "/?#");
	for (at = rest + host; at > rest && at[-1] != '@'; at--)
		;
	return xasprintf("%.*s%.*s", (int)(rest - url), url, (int)strcspn(at, "?#"), at);
}

static size_t on_write(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *transfer = ctx;

	if (transfer->get->on_data(transfer->get->ctx, data, size * n, transfer->err) == 0)
		return size * n;
	transfer->stopped = true;
	return size * n + 1;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *transfer = ctx;
	autofree char *line = xstrndup(data, size * n);

	line[strcspn(line, "\r\n")] = '\0';
	if (transfer->get->on_header)
		transfer->get->on_header(transfer->get->ctx, line);
	return size * n;
}

static int on_progress(
	void *ctx, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up_done)
{
	struct transfer *transfer = ctx;

	if (transfer->get->on_progress && done > 0)
		transfer->get->on_progress(
			transfer->get->ctx, (uint64_t)done, total > 0 ? (uint64_t)total : 0);
	return signals_pending() != 0;
}

static void global_init(void)
{
	libcurl.curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void transfer_options(struct transfer *transfer)
{
	const struct http_get *get = transfer->get;
	bool tls = str_starts(get->url, "https://");
	CURL *handle = transfer->handle;

	libcurl.curl_easy_setopt(handle, CURLOPT_URL, get->url);
	libcurl.curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->detail);
	libcurl.curl_easy_setopt(handle, CURLOPT_USERAGENT, "devenv/" DEVENV_VERSION);
	libcurl.curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http,file");
	/* Whoever was promised TLS keeps it. */
	libcurl.curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "https,http");
	libcurl.curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	libcurl.curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	libcurl.curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
		(long)(get->stall_s ? get->stall_s : STALL_SECONDS));
	libcurl.curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
	libcurl.curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
	libcurl.curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
	libcurl.curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
	libcurl.curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
	libcurl.curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	libcurl.curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
	libcurl.curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
	for (size_t i = 0; get->headers && get->headers[i]; i++)
		transfer->headers = libcurl.curl_slist_append(transfer->headers, get->headers[i]);
	libcurl.curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->headers);
}

static int status_error(long status, struct err *err)
{
	static const struct {
		long status;
		const char *means;
	} known[] = {{401, "it wants credentials"}, {403, "it does not let us"},
		{404, "there is no such file"}, {410, "it is gone"}, {429, "too many requests"}};
	const char *means = status >= 500 ? "the server failed" : "the server refused";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			means = known[i].means;
	err_set(err, ERR_FAILED, "HTTP status %ld: %s", status, means);
	err->status = (int)status;
	return -1;
}

static int transfer_error(struct transfer *transfer, CURLcode code, struct err *err)
{
	const char *text = *transfer->detail ? transfer->detail : libcurl.curl_easy_strerror(code);
	long status = 0;

	if (transfer->stopped)
		return -1;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(err, ERR_CANCELLED, "interrupted");
	if (code == CURLE_HTTP_RETURNED_ERROR) {
		libcurl.curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
		return status_error(status, err);
	}
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s", text);
	return err_set(err, ERR_FAILED, "%s", text);
}

int http_get(const struct http_get *get, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct transfer transfer = {.get = get, .err = err};
	CURLcode code;

	if (libcurl_load(err) < 0)
		return -1;
	pthread_once(&once, global_init);
	transfer.handle = libcurl.curl_easy_init();
	if (!transfer.handle)
		return err_set(err, ERR_FAILED, "libcurl does not start");
	transfer_options(&transfer);
	code = libcurl.curl_easy_perform(transfer.handle);
	if (code != CURLE_OK)
		transfer_error(&transfer, code, err);
	libcurl.curl_easy_cleanup(transfer.handle);
	libcurl.curl_slist_free_all(transfer.headers);
	if (code != CURLE_OK) {
		autofree char *shown = http_shown(get->url);

		return err_wrap(err, "get %s", shown);
	}
	return 0;
}
