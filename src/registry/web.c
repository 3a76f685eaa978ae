/*
 * web.c - an OCI image layout on a web server: files below a URL, read only.
 *
 * All that is needed of the server is GET; HEAD and ranges where it has them.  What is in
 * index.json is believed as TLS lets us; everything else is verified by digest.
 */
#include "web.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* It is a URL already: only what no URL can have is escaped ("a folder", but "a%20folder"). */
static char *url_path(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~%/!$&'()*+,;=:@";
	struct buf out = BUF_INIT(0);

	for (; *path; path++)
		if (strchr(plain, *path))
			buf_addch(&out, *path);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*path);
	return buf_detach(&out);
}

static int ready(struct store *store, struct err *err)
{
	autofree char *path = NULL;

	if (store->place.kind == PLACE_S3)
		return s3_ready(store, err);
	if (store->base)
		return 0;
	path = url_path(store->place.path);
	store->base = xasprintf(
		"%s://%s/%s%s", store->place.scheme, store->place.host, path, *path ? "/" : "");
	return 0;
}

static char *file_url(const struct store *store, const char *file)
{
	return xasprintf("%s%s", store->base, file);
}

static char *blob_url(const struct store *store, const char *digest)
{
	autofree char *file = layout_blob(digest);

	return file_url(store, file);
}

static int get_file(struct store *store, const char *file, struct buf *out, struct err *err)
{
	autofree char *url = NULL;

	if (ready(store, err) < 0)
		return -1;
	url = file_url(store, file);
	return remote_get_all(&store->remote, &(struct remote_ask){.url = url}, out, err);
}

int web_blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err)
{
	autofree char *url = NULL;

	if (ready(store, err) < 0)
		return -1;
	url = blob_url(store, digest);
	return remote_head(&store->remote, &(struct remote_ask){.url = url}, size, err);
}

int web_blob_read(struct store *store, const char *digest, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err)
{
	autofree char *url = NULL;

	if (ready(store, err) < 0)
		return -1;
	url = blob_url(store, digest);
	return remote_read(
		&store->remote, &(struct remote_ask){.url = url}, offset, len, piece, ctx, err);
}

int web_manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err)
{
	return layout_manifest_get(store, get_file, name, manifest, err);
}

int web_tags(struct store *store, struct strv *tags, struct err *err)
{
	return layout_tags(store, get_file, tags, err);
}

/* === what it cannot do === */

static int read_only(struct err *err)
{
	return err_set(err, ERR_REGISTRY,
		"a web server is only read from: put into a folder (oci:/folder:name) and upload "
		"that");
}

static int blob_write(
	struct store *store, const char *digest, const struct http_body *body, struct err *err)
{
	return read_only(err);
}

static int manifest_put(struct store *store, const char *tag, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err)
{
	return read_only(err);
}

const struct store_kind web_kind = {
	.blob_exists = web_blob_exists,
	.blob_read = web_blob_read,
	.blob_write = blob_write,
	.manifest_get = web_manifest_get,
	.manifest_put = manifest_put,
	.tags = web_tags,
};
