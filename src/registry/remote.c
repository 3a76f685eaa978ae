/*
 * remote.c - requests to somebody else's server: credentials, patience, and its own words in
 * errors.
 *
 * What is tried again: 429 and 5xx that say so, and connections that break, as long as nothing of
 * the body was handed out and the request may be repeated.  A server that never answered is not
 * waited for: a wrong name should fail at once.
 */
#include "aws.h"
#include "store_priv.h"

#include "devenv/clock.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 6
#define PAUSE_MS 500
#define PAUSE_MAX_MS 16000
#define WANTED_MAX_MS 60000
#define WORDS_MAX 400

/* === errors in the server's words === */

/* One line without controls, of bounded length. */
static void add_words(struct buf *out, const char *words)
{
	for (; *words && out->len < WORDS_MAX; words++)
		buf_addch(out, iscntrl((unsigned char)*words) ? ' ' : *words);
}

/* {"errors": [{"code": ..., "message": ...}]}: distribution-spec, "Error Codes". */
static bool words_of_json(const char *text, size_t len, struct buf *out)
{
	struct err err = ERR_INIT;
	autojson json_t *json = json_parse(text, len, "refusal", &err);
	json_t *errors = json_object_get(json, "errors"), *each;
	size_t i;

	json_array_foreach (errors, i, each) {
		const char *code = json_str(each, "code"), *message = json_str(each, "message");

		if (out->len)
			buf_addstr(out, "; ");
		add_words(out, code ? code : "");
		if (code && !str_empty(message))
			buf_addstr(out, ": ");
		add_words(out, message ? message : "");
	}
	return out->len > 0;
}

/* <Error><Code>..</Code><Message>..</Message>: Amazon S3 API, "Error responses". */
static bool words_of_xml(const char *text, struct buf *out)
{
	static const char *const tags[][2] = {{"<Code>", "</Code>"}, {"<Message>", "</Message>"}};

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		const char *start = strstr(text, tags[i][0]);
		const char *end = start ? strstr(start, tags[i][1]) : NULL;
		autofree char *word = NULL;

		if (!end)
			continue;
		start += strlen(tags[i][0]);
		word = xstrndup(start, (size_t)(end - start));
		if (out->len)
			buf_addstr(out, ": ");
		add_words(out, word);
	}
	return out->len > 0;
}

/* What can be done about it. */
static int hint(const struct remote *remote, const struct http_response *response, struct err *err)
{
	const char *region = http_header(response, "x-amz-bucket-region");
	const struct aws *aws = remote->aws;
	bool denied = response->status == 401 || response->status == 403;

	if (aws && region && !str_eq(region, aws->region))
		return err_hint(err, "the bucket is elsewhere: set AWS_REGION=%s", region);
	if (aws && denied && aws->key_id)
		return err_hint(err,
			"asked with the credentials of the environment or of the AWS profile "
			"\"%s\"; for others set AWS_PROFILE",
			aws->profile);
	if (aws && denied)
		return err_hint(err,
			"there are no credentials for the AWS profile \"%s\": run "
			"aws configure, or set AWS_PROFILE",
			aws->profile);
	if (remote->auth && denied)
		return err_hint(err,
			"check the name and your rights there; to log in: docker login %s",
			remote->host);
	if (response->status == 413)
		return err_hint(err, "the server, or a proxy before it, limits the size");
	return -1;
}

int remote_refusal(
	const struct remote *remote, const struct http_response *response, struct err *err)
{
	autobuf struct buf words = BUF_INIT(0);
	const char *text = buf_str(&response->refusal);

	if (!words_of_json(text, response->refusal.len, &words) && !words_of_xml(text, &words)) {
		autofree char *line = xstrndup(text, strcspn(text, "\r\n"));

		add_words(
			&words, *line && *line != '<' ? line : http_status_means(response->status));
	}
	err_set(err, ERR_REGISTRY, "HTTP status %d: %s", response->status, buf_str(&words));
	err->status = response->status;
	return hint(remote, response, err);
}

/* === patience === */

int remote_pause(int number, int64_t wanted_ms, struct err *err)
{
	int64_t ms = PAUSE_MS, end;
	char random[5];
	uint64_t noise = 0;

	for (; number > 0 && ms < PAUSE_MAX_MS; number--)
		ms *= 2;
	if (wanted_ms >= 0)
		ms = wanted_ms < WANTED_MAX_MS ? wanted_ms : WANTED_MAX_MS;
	/* Not all clients at the same time. */
	random_hex(random, 2);
	for (size_t i = 0; i < 4; i++)
		noise = noise * 16 + (uint64_t)random[i] % 16;
	end = clock_ms() + ms + (int64_t)(noise % 250);
	while (clock_ms() < end && !signals_pending())
		clock_sleep_ms((int)(end - clock_ms()));
	return signals_pending() ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
}

/* `once`: only what was refused before anything was done. */
static bool worth_waiting(int status, bool once)
{
	if (status == 429 || status == 503)
		return true;
	return !once && (status == 408 || status == 500 || status == 502 || status == 504);
}

/* === one request === */

/* Between the caller and the connection: has anything been handed out? */
struct handed {
	const struct remote_ask *ask;
	bool any;
};

static int on_data(void *ctx, const void *data, size_t len, struct err *err)
{
	struct handed *handed = ctx;

	handed->any = true;
	if (!handed->ask->on_data)
		return 0;
	return handed->ask->on_data(handed->ask->ctx, data, len, err);
}

#define HEADERS_MAX 8
/* Of no body at all. */
#define NOTHING_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* S3: what has to be in the request beside the signature, which libcurl makes. */
struct signing {
	struct http_sigv4 sigv4;
	char *content, *session; /* header lines */
};

static void signing_release(struct signing *signing)
{
	free(signing->content);
	free(signing->session);
}

static int sign(struct aws *aws, const struct remote_ask *ask, struct signing *signing,
	const char **headers, struct err *err)
{
	const char *hex = ask->digest ? ask->digest + strlen("sha256:") : NOTHING_SHA256;

	if (aws_refresh(aws, err) < 0)
		return -1;
	if (!aws->key_id)
		return 0;
	signing->sigv4 = (struct http_sigv4){aws->scope, aws->key_id, aws->secret};
	signing->content = xasprintf("x-amz-content-sha256: %s", hex);
	if (aws->session)
		signing->session = xasprintf("x-amz-security-token: %s", aws->session);
	headers[0] = signing->content;
	headers[1] = signing->session;
	return 0;
}

/* With what the place wants: a token, a signature. */
static int send_once(struct remote *remote, const struct remote_ask *ask, struct handed *handed,
	struct http_response *response, struct err *err)
{
	const char *headers[HEADERS_MAX] = {0}, *line = NULL;
	struct http_request request = {.method = ask->method,
		.url = ask->url,
		.headers = headers,
		.body = ask->body,
		.no_redirect = remote->aws != NULL,
		.on_data = on_data,
		.ctx = handed};
	__attribute__((cleanup(signing_release))) struct signing signing = {0};
	bool ours = remote->auth && (!ask->origin || url_same_origin(ask->origin, ask->url));
	size_t n = 0;

	for (; n < ARRAY_LEN(ask->headers) && ask->headers[n]; n++)
		headers[n] = ask->headers[n];
	if (ours && auth_line(remote->auth, remote->http, ask->scope, &line, err) < 0)
		return -1;
	headers[n] = line;
	if (remote->aws && sign(remote->aws, ask, &signing, headers + n, err) < 0)
		return -1;
	if (signing.content)
		request.sigv4 = &signing.sigv4;
	return http_send(remote->http, &request, response, err);
}

/* Answer challenges until there is another answer than 401. */
static int send_known(struct remote *remote, const struct remote_ask *ask, struct handed *handed,
	struct http_response *response, struct err *err)
{
	for (;;) {
		autofree char *challenge = NULL;

		if (send_once(remote, ask, handed, response, err) < 0)
			return -1;
		remote->reached = true;
		if (response->status != 401 || !remote->auth)
			return 0;
		challenge = http_header_all(response, "WWW-Authenticate");
		if (auth_challenged(remote->auth, challenge, ask->scope, err) < 0)
			return -1;
	}
}

int remote_send(struct remote *remote, const struct remote_ask *ask, struct http_response *response,
	struct err *err)
{
	struct handed handed = {.ask = ask};

	for (int i = 0;; i++) {
		int64_t wanted = -1;

		remote->broken = false;
		if (send_known(remote, ask, &handed, response, err) < 0) {
			if (err->kind == ERR_FAILED)
				err->kind = ERR_REGISTRY;
			remote->broken = handed.any && response->transient;
			if (handed.any || ask->once || !response->transient || !remote->reached ||
				i + 1 == TRIES)
				return -1;
		} else if (worth_waiting(response->status, ask->once)) {
			wanted = retry_after(http_header(response, "Retry-After"), clock_wall());
			if (i + 1 == TRIES)
				return remote_refusal(remote, response, err);
		} else {
			return 0;
		}
		err_clear(err);
		if (remote_pause(i, wanted, err) < 0)
			return -1;
	}
}

/* === whole bodies === */

static int gather(void *ctx, const void *data, size_t len, struct err *err)
{
	struct buf *out = ctx;

	if (buf_add(out, data, len) < 0)
		return err_set(
			err, ERR_REGISTRY, "the answer is larger than %zu bytes", out->limit);
	return 0;
}

int remote_get_all(
	struct remote *remote, const struct remote_ask *ask, struct buf *out, struct err *err)
{
	struct remote_ask whole = *ask;
	autoresponse struct http_response response = {0};

	whole.on_data = gather;
	whole.ctx = out;
	for (int i = 0; remote_send(remote, &whole, &response, err) < 0; i++) {
		if (!remote->broken || i + 1 == TRIES)
			return -1;
		err_clear(err);
		buf_reset(out);
		if (remote_pause(i, -1, err) < 0)
			return -1;
	}
	if (response.status == 404)
		return 1;
	return response.status < 300 ? 0 : remote_refusal(remote, &response, err);
}

int remote_head(
	struct remote *remote, const struct remote_ask *ask, uint64_t *size, struct err *err)
{
	struct remote_ask head = *ask;
	autoresponse struct http_response response = {0};
	const char *length;

	head.method = "HEAD";
	if (remote_send(remote, &head, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 0;
	if (response.status >= 300)
		return remote_refusal(remote, &response, err);
	length = http_header(&response, "Content-Length");
	if (size && (!length || !parse_u64(length, 0, UINT64_MAX, size)))
		return err_set(err, ERR_REGISTRY, "the server does not say how large it is");
	return 1;
}

/* === parts of a body === */

struct reading {
	struct http_response response;
	uint64_t first, at; /* asked for; where the next byte is in the blob */
	bool begun;
	piece_fn *piece;
	void *ctx;
};

/* RFC 9110 section 15.3.7: a server may answer the whole, or more than was asked for. */
static int begin(struct reading *reading, struct err *err)
{
	const char *range = http_header(&reading->response, "Content-Range");

	reading->begun = true;
	if (reading->response.status != 206)
		return 0;
	if (!content_range(range, &reading->at) || reading->at > reading->first)
		return err_set(err, ERR_REGISTRY, "the server sent another part (%s)",
			range ? range : "it does not say which");
	return 0;
}

static int on_part(void *ctx, const void *data, size_t len, struct err *err)
{
	struct reading *reading = ctx;

	if (!reading->begun && begin(reading, err) < 0)
		return -1;
	if (reading->piece(reading->ctx, reading->at, data, len, err) < 0)
		return -1;
	reading->at += len;
	return 0;
}

/* NULL: the whole. */
static char *range_line(uint64_t offset, uint64_t len)
{
	unsigned long long first = offset, last = offset + len - 1;

	if (len)
		return xasprintf("Range: bytes=%llu-%llu", first, last);
	return offset ? xasprintf("Range: bytes=%llu-", first) : NULL;
}

int remote_read(struct remote *remote, const struct remote_ask *ask, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err)
{
	struct reading reading = {.first = offset, .piece = piece, .ctx = ctx};
	autofree char *range = range_line(offset, len);
	struct remote_ask part = *ask;
	size_t n = 0;
	int result;

	while (part.headers[n])
		n++;
	part.headers[n] = range;
	part.on_data = on_part;
	part.ctx = &reading;
	result = remote_send(remote, &part, &reading.response, err);
	if (result == 0 && reading.response.status >= 300)
		result = remote_refusal(remote, &reading.response, err);
	http_response_release(&reading.response);
	return result;
}

void remote_release(struct remote *remote)
{
	http_client_free(remote->http);
	auth_free(remote->auth);
	aws_free(remote->aws);
	free(remote->authority);
	*remote = (struct remote){0};
}
