/*
 * http.c - talking HTTP through libcurl.
 *
 * libcurl has no time limit of its own, so a server that goes silent would hang us for ever: the
 * limit here is on silence, not on the whole, because archives may be large.  Options are varargs:
 * a number must be a long.  A handle is reset before each request, which keeps its connections.
 */
#include "devenv/http.h"

#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#define CURL_DISABLE_TYPECHECK
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 20000L
#define STALL_SECONDS 60
#define REDIRECTS_MAX 5L
#define HEADERS_MAX 256
#define REFUSAL_MAX 65536

#define CURL_FUNCTIONS(X) \
	X(curl_global_init) \
	X(curl_easy_init) \
	X(curl_easy_reset) \
	X(curl_easy_setopt) \
	X(curl_easy_perform) \
	X(curl_easy_getinfo) \
	X(curl_easy_strerror) \
	X(curl_easy_cleanup) \
	X(curl_slist_append) \
	X(curl_slist_free_all)
#define LAZY_STRUCT libcurl
LAZY_LIBRARY(libcurl, LAZY_CURL, CURL_FUNCTIONS)

struct http_client {
	CURL *handle;            /* NULL before the first request */
	const char *authorities; /* http_client_trust() */
};

/* One request under way; what the callbacks see. */
struct transfer {
	const struct http_request *request;
	struct http_response *response;
	CURL *handle;
	struct curl_slist *headers;
	struct err *err;
	uint64_t sent;
	bool stopped; /* a callback did, and filled err */
	char detail[CURL_ERROR_SIZE];
};

/* === text === */

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

char *http_escape(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	struct buf out = BUF_INIT(0);

	for (; *text; text++)
		if (strchr(plain, *text))
			buf_addch(&out, *text);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*text);
	return buf_detach(&out);
}

bool http_is_local(const char *text)
{
	size_t len = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/?#");
	autofree char *host = xstrndup(text, len);
	struct in_addr address;

	if (str_eq(host, "localhost") || str_eq(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

const char *http_status_means(int status)
{
	static const struct {
		int status;
		const char *means;
	} known[] = {{401, "it wants credentials"}, {403, "it does not let us"},
		{404, "there is no such file"}, {410, "it is gone"}, {429, "too many requests"}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].means;
	return status >= 500 ? "the server failed" : "the server refused";
}

/* The value in a "Name: value" line when it has that name, else NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

const char *http_header(const struct http_response *response, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < response->headers.n && !value; i++)
		value = value_of(response->headers.v[i], name);
	return value;
}

char *http_header_all(const struct http_response *response, const char *name)
{
	autostrv struct strv values = STRV_INIT;

	for (size_t i = 0; i < response->headers.n; i++) {
		const char *value = value_of(response->headers.v[i], name);

		if (value)
			strv_push(&values, value);
	}
	return values.n ? strv_join(&values, ", ") : NULL;
}

void http_response_release(struct http_response *response)
{
	strv_release(&response->headers);
	buf_release(&response->refusal);
	free(response->url);
	*response = (struct http_response){0};
}

/* === bodies === */

static ssize_t text_read(void *ctx, uint64_t offset, void *data, size_t len, struct err *err)
{
	memcpy(data, (const char *)ctx + offset, len);
	return (ssize_t)len;
}

struct http_body http_body_text(const char *text, size_t len)
{
	return (struct http_body){.read = text_read, .ctx = (void *)text, .size = len};
}

/* === what libcurl calls === */

static size_t on_write(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *transfer = ctx;
	const struct http_request *request = transfer->request;
	struct http_response *response = transfer->response;
	size_t len = size * n;

	if (response->status >= 400) {
		size_t room = REFUSAL_MAX - response->refusal.len;

		buf_add(&response->refusal, data, len < room ? len : room);
		return len;
	}
	if (!request->on_data || request->on_data(request->ctx, data, len, transfer->err) == 0)
		return len;
	transfer->stopped = true;
	return len + 1;
}

/* "HTTP/1.1 200 OK"; 0 when it is none. */
static int status_of(const char *line)
{
	const char *code = line + strcspn(line, " ");
	autofree char *digits = xstrndup(code + (*code == ' '), 3);
	uint64_t status = 0;

	return parse_u64(digits, 100, 999, &status) ? (int)status : 0;
}

/* A status line begins another answer: "100 Continue", a redirect, the last one. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *transfer = ctx;
	struct http_response *response = transfer->response;
	autofree char *line = xstrndup(data, size * n);

	line[strcspn(line, "\r\n")] = '\0';
	response->reached = true;
	if (str_starts(line, "HTTP/")) {
		response->status = status_of(line);
		strv_release(&response->headers);
	} else if (*line && response->headers.n < HEADERS_MAX) {
		strv_push_take(&response->headers, TAKE(line));
	}
	return size * n;
}

static size_t on_read(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *transfer = ctx;
	const struct http_body *body = transfer->request->body;
	uint64_t left = body->size - transfer->sent;
	size_t want = size * n < left ? size * n : (size_t)left;
	ssize_t got = want ? body->read(body->ctx, transfer->sent, data, want, transfer->err) : 0;

	if (got == 0 && want) {
		err_set(transfer->err, ERR_FAILED, "what is sent ended after %llu of %llu bytes",
			(unsigned long long)transfer->sent, (unsigned long long)body->size);
		got = -1;
	}
	if (got < 0) {
		transfer->stopped = true;
		return CURL_READFUNC_ABORT;
	}
	transfer->sent += (uint64_t)got;
	return (size_t)got;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *transfer = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->request->body->size)
		return CURL_SEEKFUNC_CANTSEEK;
	transfer->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_progress(
	void *ctx, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up_done)
{
	struct transfer *transfer = ctx;
	const struct http_request *request = transfer->request;

	if (request->on_progress && done > 0)
		request->on_progress(request->ctx, (uint64_t)done, total > 0 ? (uint64_t)total : 0);
	return signals_pending() != 0;
}

static void global_init(void)
{
	libcurl.curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* === options === */

static void limit_options(const struct transfer *transfer, const char *trusted)
{
	const struct http_request *request = transfer->request;
	const char *authorities = getenv("SSL_CERT_FILE");
	bool tls = str_starts(request->url, "https://");
	CURL *handle = transfer->handle;

	libcurl.curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http,file");
	/* Whoever was promised TLS keeps it. */
	libcurl.curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "https,http");
	libcurl.curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, request->no_redirect ? 0L : 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	libcurl.curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	libcurl.curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
	libcurl.curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
		(long)(request->stall_s ? request->stall_s : STALL_SECONDS));
	libcurl.curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
	if (trusted)
		authorities = trusted;
	/* The system's folder of authorities (CURLOPT_CAPATH) stays. */
	if (!str_empty(authorities))
		libcurl.curl_easy_setopt(handle, CURLOPT_CAINFO, authorities);
}

static void callback_options(struct transfer *transfer)
{
	CURL *handle = transfer->handle;

	libcurl.curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->detail);
	libcurl.curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
	libcurl.curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
	libcurl.curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
	libcurl.curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
	libcurl.curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	libcurl.curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
	libcurl.curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
	if (!transfer->request->body)
		return;
	libcurl.curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
	libcurl.curl_easy_setopt(
		handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->request->body->size);
	libcurl.curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
	libcurl.curl_easy_setopt(handle, CURLOPT_READDATA, transfer);
	libcurl.curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek);
	libcurl.curl_easy_setopt(handle, CURLOPT_SEEKDATA, transfer);
}

static void request_options(struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	const char *method = request->method ? request->method : "GET";
	CURL *handle = transfer->handle;

	libcurl.curl_easy_setopt(handle, CURLOPT_URL, request->url);
	libcurl.curl_easy_setopt(handle, CURLOPT_USERAGENT, "devenv/" DEVENV_VERSION);
	if (str_eq(method, "HEAD"))
		libcurl.curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
	else if (str_eq(method, "POST") && !request->body)
		libcurl.curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, "");
	else if (!str_eq(method, "GET"))
		libcurl.curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
	if (request->sigv4) {
		libcurl.curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, request->sigv4->scope);
		libcurl.curl_easy_setopt(handle, CURLOPT_USERNAME, request->sigv4->key_id);
		libcurl.curl_easy_setopt(handle, CURLOPT_PASSWORD, request->sigv4->secret);
	}
	for (size_t i = 0; request->headers && request->headers[i]; i++)
		transfer->headers = libcurl.curl_slist_append(
			transfer->headers, request->headers[i]);
	libcurl.curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->headers);
}

/* === errors === */

/* The connection, not what was asked. */
static bool is_transient(CURLcode code)
{
	static const CURLcode codes[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
		CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
		CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int transfer_error(struct transfer *transfer, CURLcode code, struct err *err)
{
	const char *text = *transfer->detail ? transfer->detail : libcurl.curl_easy_strerror(code);

	if (transfer->stopped)
		return -1;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(err, ERR_CANCELLED, "interrupted");
	transfer->response->transient = is_transient(code);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s", text);
	err_set(err, ERR_FAILED, "%s", text);
	/* Not for a certificate of another host. */
	if (code == CURLE_PEER_FAILED_VERIFICATION && strstr(text, "certificate problem"))
		err_hint(err, "a file with an authority of your own is named by SSL_CERT_FILE");
	return -1;
}

/* "get https://host/path: " before the cause. */
static int wrap_error(const struct http_request *request, struct err *err)
{
	autofree char *shown = http_shown(request->url);
	bool get = !request->method || str_eq(request->method, "GET");

	return err_wrap(err, "%s %s", get ? "get" : request->method, shown);
}

/* === requests === */

struct http_client *http_client_new(void)
{
	return xcalloc(1, sizeof(struct http_client));
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	if (client->handle)
		libcurl.curl_easy_cleanup(client->handle);
	free(client);
}

void http_client_trust(struct http_client *client, const char *authorities)
{
	client->authorities = authorities;
}

static int client_ready(struct http_client *client, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (client->handle) {
		libcurl.curl_easy_reset(client->handle);
		return 0;
	}
	if (libcurl_load(err) < 0)
		return -1;
	pthread_once(&once, global_init);
	client->handle = libcurl.curl_easy_init();
	return client->handle ? 0 : err_set(err, ERR_FAILED, "libcurl does not start");
}

int http_send(struct http_client *client, const struct http_request *request,
	struct http_response *response, struct err *err)
{
	struct transfer transfer = {.request = request, .response = response, .err = err};
	char *url = NULL;
	CURLcode code;

	http_response_release(response);
	if (client_ready(client, err) < 0)
		return -1;
	transfer.handle = client->handle;
	limit_options(&transfer, client->authorities);
	callback_options(&transfer);
	request_options(&transfer);
	code = libcurl.curl_easy_perform(transfer.handle);
	libcurl.curl_easy_getinfo(transfer.handle, CURLINFO_EFFECTIVE_URL, &url);
	response->url = xstrdup(url ? url : request->url);
	if (code != CURLE_OK)
		transfer_error(&transfer, code, err);
	libcurl.curl_slist_free_all(transfer.headers);
	return code == CURLE_OK ? 0 : wrap_error(request, err);
}

int http_get(const struct http_get *get, struct err *err)
{
	struct http_client *client = http_client_new();
	struct http_request request = {.url = get->url,
		.on_data = get->on_data,
		.on_progress = get->on_progress,
		.ctx = get->ctx,
		.headers = get->headers,
		.stall_s = get->stall_s};
	autoresponse struct http_response response = {0};
	int result = http_send(client, &request, &response, err);

	if (result == 0 && response.status >= 400) {
		err_set(err, ERR_FAILED, "HTTP status %d: %s", response.status,
			http_status_means(response.status));
		err->status = response.status;
		result = wrap_error(&request, err);
	}
	http_client_free(client);
	return result;
}
