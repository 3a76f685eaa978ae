/*
 * s3.c - an OCI image layout as objects of a bucket (Amazon S3 API, signature version 4).
 *
 * Blobs are objects that never change; index.json is read, changed and written again.  Two writers
 * at once are told apart by If-Match and If-None-Match ("Conditional writes"): the slower one is
 * refused with 412 and begins anew.  A server that does not know these headers has the last one
 * win.
 */
#include "aws.h"
#include "web.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define REGION_DEFAULT "us-east-1"
#define WRITE_TRIES 20

/* === addresses === */

/* A key is any text: each part of the prefix is escaped, with a slash behind it. */
static char *escaped_prefix(const char *prefix)
{
	autostrv struct strv parts = STRV_INIT;
	struct buf out = BUF_INIT(0);

	strv_split(&parts, prefix, '/');
	for (size_t i = 0; i < parts.n; i++) {
		autofree char *escaped = http_escape(parts.v[i]);

		buf_addf(&out, "%s/", escaped);
	}
	return buf_detach(&out);
}

/* Names with dots do not match the certificate as a host. */
static char *amazon_url(const struct store *store, const char *path)
{
	const char *region = store->remote.aws->region, *bucket = store->place.host;
	const char *domain = str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";

	if (strchr(bucket, '.'))
		return xasprintf("https://s3.%s.%s/%s/%s", region, domain, bucket, path);
	return xasprintf("https://%s.s3.%s.%s/%s", bucket, region, domain, path);
}

/* The region of a bucket is told to everybody, also with a refusal ("HeadBucket"). */
static void find_region(struct store *store)
{
	autofree char *url = xasprintf("https://s3.amazonaws.com/%s", store->place.host);
	struct http_request request = {.method = "HEAD", .url = url, .no_redirect = true};
	autoresponse struct http_response response = {0};
	struct err ignored = ERR_INIT;
	const char *region = NULL;

	if (http_send(store->remote.http, &request, &response, &ignored) == 0)
		region = http_header(&response, "x-amz-bucket-region");
	aws_set_region(store->remote.aws, str_empty(region) ? REGION_DEFAULT : region);
}

int s3_ready(struct store *store, struct err *err)
{
	autofree char *path = NULL;
	struct aws *aws;

	if (store->base)
		return 0;
	if (!store->remote.aws)
		store->remote.aws = aws_new(err);
	aws = store->remote.aws;
	if (!aws)
		return -1;
	if (!aws->region && !aws->endpoint)
		find_region(store);
	else
		aws_set_region(aws, aws->region ? aws->region : REGION_DEFAULT);
	path = escaped_prefix(store->place.path);
	store->base = aws->endpoint ? xasprintf("%s/%s/%s", aws->endpoint, store->place.host, path)
				    : amazon_url(store, path);
	return 0;
}

/* === writing === */

/* PUT an object. `condition`: a header line or NULL. 0 with any status, or -1. */
static int put(struct store *store, const char *file, const struct http_body *body,
	const char *digest, const char *condition, struct http_response *response, struct err *err)
{
	autofree char *url = xasprintf("%s%s", store->base, file);

	return remote_send(&store->remote,
		&(struct remote_ask){.method = "PUT",
			.url = url,
			.headers = {"Content-Type: application/octet-stream", condition},
			.body = body,
			.digest = digest},
		response, err);
}

static int put_file(struct store *store, const char *file, const struct http_body *body,
	const char *digest, struct err *err)
{
	autoresponse struct http_response response = {0};

	if (put(store, file, body, digest, NULL, &response, err) < 0)
		return -1;
	return response.status < 300 ? 0 : remote_refusal(&store->remote, &response, err);
}

/*
 * Amazon refuses a body that breaks off or has another digest, but not every server that speaks its
 * language does: a body that is wrong is not even begun.
 */
static int blob_write(
	struct store *store, const char *digest, const struct http_body *body, struct err *err)
{
	autofree char *file = layout_blob(digest);

	if (s3_ready(store, err) < 0 || body_read(body, NULL, NULL, err) < 0)
		return -1;
	return put_file(store, file, body, digest, err);
}

static int gather(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(err, ERR_REGISTRY, "index.json is too large");
	return 0;
}

/* index.json and the condition under which it may be replaced. */
static int get_index(struct store *store, struct buf *index, char **condition, struct err *err)
{
	autofree char *url = xasprintf("%sindex.json", store->base);
	autoresponse struct http_response response = {0};
	const char *tag;

	if (remote_send(&store->remote,
		    &(struct remote_ask){.url = url, .on_data = gather, .ctx = index}, &response,
		    err) < 0)
		return -1;
	if (response.status == 404) {
		*condition = xstrdup("If-None-Match: *");
		return 0;
	}
	if (response.status >= 300)
		return remote_refusal(&store->remote, &response, err);
	tag = http_header(&response, "ETag");
	*condition = tag ? xasprintf("If-Match: %s", tag) : NULL;
	return 0;
}

/* One try: 1, 0 when another writer was faster, -1. */
static int try_index(struct store *store, const char *name, const char *type, const char *json,
	size_t len, const char *digest, struct err *err)
{
	autobuf struct buf old = BUF_INIT(LAYOUT_INDEX_MAX);
	autofree char *condition = NULL, *text = NULL;
	autoresponse struct http_response response = {0};
	char text_digest[STORE_DIGEST];
	struct http_body body;

	if (get_index(store, &old, &condition, err) < 0)
		return -1;
	text = layout_index_with(&old, name, digest, type, json, len, err);
	if (!text)
		return -1;
	body = http_body_text(text, strlen(text));
	digest_of(text, strlen(text), text_digest);
	if (put(store, "index.json", &body, text_digest, condition, &response, err) < 0)
		return -1;
	if (response.status == 412 || response.status == 409)
		return 0;
	if (response.status == 501 && condition &&
		put(store, "index.json", &body, text_digest, NULL, &response, err) < 0)
		return -1;
	return response.status < 300 ? 1 : remote_refusal(&store->remote, &response, err);
}

static int manifest_put(struct store *store, const char *name, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err)
{
	struct http_body manifest = http_body_text(json, len);
	struct http_body layout = http_body_text(LAYOUT_TEXT, strlen(LAYOUT_TEXT));
	char layout_digest[STORE_DIGEST];

	if (!is_layout_name(name))
		return err_set(err, ERR_REGISTRY, "\"%s\" is no name for a manifest", name);
	digest_of(LAYOUT_TEXT, strlen(LAYOUT_TEXT), layout_digest);
	if (blob_write(store, digest, &manifest, err) < 0 ||
		put_file(store, "oci-layout", &layout, layout_digest, err) < 0)
		return -1;
	for (int i = 0; i < WRITE_TRIES; i++) {
		int done = try_index(store, name, type, json, len, digest, err);

		if (done)
			return done < 0 ? -1 : 0;
		if (remote_pause(0, 0, err) < 0)
			return -1;
	}
	return err_set(
		err, ERR_REGISTRY, "index.json is changed by others all the time; try again");
}

const struct store_kind s3_kind = {
	.blob_exists = web_blob_exists,
	.blob_read = web_blob_read,
	.blob_write = blob_write,
	.manifest_get = web_manifest_get,
	.manifest_put = manifest_put,
	.tags = web_tags,
};
