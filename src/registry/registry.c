/*
 * registry.c - an OCI registry: distribution-spec v1.1. Sections are named where they apply.
 */
#include "registry.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define TAGS_MAX ((size_t)16 << 20)
#define PAGES_MAX 1000

static const char accept_line[] = "Accept: application/vnd.oci.image.manifest.v1+json, "
				  "application/vnd.oci.image.index.v1+json, "
				  "application/vnd.docker.distribution.manifest.v2+json, "
				  "application/vnd.docker.distribution.manifest.list.v2+json";

/* === addresses and rights === */

/* A registry on this machine: TLS or not? One that speaks TLS answers plain HTTP with 400. */
static const char *scheme_here(struct store *store, const char *host)
{
	autofree char *url = xasprintf("http://%s/v2/", host);
	autoresponse struct http_response response = {0};
	struct err err = ERR_INIT;

	if (http_send(store->remote.http, &(struct http_request){.url = url}, &response, &err) < 0)
		return "http";
	return response.status == 400 ? "https" : "http";
}

void registry_ready(struct store *store)
{
	const char *host = store->place.host;

	if (store->base)
		return;
	if (str_eq(host, "docker.io"))
		host = "registry-1.docker.io";
	store->base = xasprintf("%s://%s/v2/%s/",
		http_is_local(host) ? scheme_here(store, host) : "https", host, store->place.path);
}

char *registry_scope(const struct store *store, bool push)
{
	return xasprintf("repository:%s:%s", store->place.path, push ? "pull,push" : "pull");
}

/* === blobs: "Pulling blobs" === */

static int blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err)
{
	autofree char *scope = registry_scope(store, false), *url = NULL;

	registry_ready(store);
	url = xasprintf("%sblobs/%s", store->base, digest);
	return remote_head(&store->remote,
		&(struct remote_ask){.url = url, .scope = scope, .origin = store->base}, size, err);
}

static int blob_read(struct store *store, const char *digest, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err)
{
	autofree char *scope = registry_scope(store, false), *url = NULL;

	registry_ready(store);
	url = xasprintf("%sblobs/%s", store->base, digest);
	return remote_read(&store->remote,
		&(struct remote_ask){.url = url, .scope = scope, .origin = store->base}, offset,
		len, piece, ctx, err);
}

/* === manifests: "Pulling manifests" === */

static int gather(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(
			err, ERR_REGISTRY, "it is larger than %zu bytes", STORE_MANIFEST_MAX);
	return 0;
}

/*
 * Content-Type without parameters; what the manifest says of itself when the server says nothing.
 */
static char *type_of(const struct http_response *response, const struct buf *json)
{
	const char *header = http_header(response, "Content-Type");
	struct err err = ERR_INIT;
	autojson json_t *manifest = NULL;

	if (header && str_starts(header, "application/vnd."))
		return xstrndup(header, strcspn(header, "; \t"));
	manifest = json_parse(buf_str(json), json->len, "manifest", &err);
	return xstrdup(json_str(manifest, "mediaType") ? json_str(manifest, "mediaType")
						       : "application/octet-stream");
}

static int manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err)
{
	autofree char *scope = registry_scope(store, false), *url = NULL;
	autoresponse struct http_response response = {0};
	const char *told;

	registry_ready(store);
	url = xasprintf("%smanifests/%s", store->base, name ? name : "latest");
	if (remote_send(&store->remote,
		    &(struct remote_ask){.url = url,
			    .headers = {accept_line},
			    .scope = scope,
			    .origin = store->base,
			    .on_data = gather,
			    .ctx = &manifest->json},
		    &response, err) < 0)
		return -1;
	if (response.status == 404) {
		remote_refusal(&store->remote, &response, err);
		return err_hint(err, "check the name and the tag");
	}
	if (response.status >= 300)
		return remote_refusal(&store->remote, &response, err);
	manifest->type = type_of(&response, &manifest->json);
	told = http_header(&response, "Docker-Content-Digest");
	if (!told || !store_is_digest(told))
		return 0;
	return digest_check(told, buf_str(&manifest->json), manifest->json.len, err);
}

/* === manifests: "Pushing Manifests" === */

static int send_manifest(struct store *store, const char *tag, const char *type, const char *json,
	size_t len, struct http_response *response, struct err *err)
{
	autofree char *scope = registry_scope(store, true), *url = NULL;
	autofree char *type_line = xasprintf("Content-Type: %s", type);
	struct http_body body = http_body_text(json, len);

	registry_ready(store);
	url = xasprintf("%smanifests/%s", store->base, tag);
	return remote_send(&store->remote,
		&(struct remote_ask){.method = "PUT",
			.url = url,
			.headers = {type_line},
			.body = &body,
			.scope = scope,
			.origin = store->base},
		response, err);
}

/*
 * Without `artifactType` the type is that of the config (image-spec manifest.md, "artifactType").
 */
static void type_by_config(json_t *manifest)
{
	json_t *config = json_object_get(manifest, "config");

	if (json_str(manifest, "artifactType") &&
		str_eq(json_str(config, "mediaType"), IMAGE_CONFIG_TYPE))
		json_object_set(config, "mediaType", json_object_get(manifest, "artifactType"));
	json_object_del(manifest, "artifactType");
}

/*
 * Some registries know no artifacts (Amazon's answered 405, others 400). NULL: nothing can be left
 * out.
 */
static char *plain_manifest(const char *json, size_t len, const struct http_response *refused)
{
	struct err err = ERR_INIT;
	autojson json_t *manifest = NULL;
	bool typed;

	if (refused->status != 400 && refused->status != 405 && refused->status != 415)
		return NULL;
	/* A blob that is missing would be missing again. */
	if (strstr(buf_str(&refused->refusal), "BLOB_UNKNOWN"))
		return NULL;
	manifest = json_parse(json, len, "manifest", &err);
	typed = json_object_get(manifest, "artifactType") || json_object_get(manifest, "subject");
	if (!typed)
		return NULL;
	type_by_config(manifest);
	json_object_del(manifest, "subject");
	return json_print(manifest);
}

static int manifest_put(struct store *store, const char *tag, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err)
{
	autoresponse struct http_response response = {0};
	autofree char *plain = NULL;

	if (send_manifest(store, tag, type, json, len, &response, err) < 0)
		return -1;
	plain = plain_manifest(json, len, &response);
	if (plain) {
		if (send_manifest(store, tag, type, plain, strlen(plain), &response, err) < 0)
			return -1;
		digest_of(plain, strlen(plain), digest);
	}
	return response.status < 300 ? 0 : remote_refusal(&store->remote, &response, err);
}

/* === tags: "Listing Tags" === */

/* The names of a page; *next gets the URL of the following one or NULL. */
static int tags_page(
	struct store *store, const char *url, struct strv *tags, char **next, struct err *err)
{
	autofree char *scope = registry_scope(store, false), *link = NULL, *target = NULL;
	autobuf struct buf body = BUF_INIT(TAGS_MAX);
	autoresponse struct http_response response = {0};
	autojson json_t *page = NULL;

	if (remote_send(&store->remote,
		    &(struct remote_ask){.url = url,
			    .scope = scope,
			    .origin = store->base,
			    .on_data = gather,
			    .ctx = &body},
		    &response, err) < 0)
		return -1;
	if (response.status >= 300)
		return remote_refusal(&store->remote, &response, err);
	page = json_parse(buf_str(&body), body.len, "the list", err);
	if (!page) {
		err->kind = ERR_REGISTRY;
		return -1;
	}
	json_to_strv(json_object_get(page, "tags"), tags);
	link = http_header_all(&response, "Link");
	target = link_next(link);
	*next = target ? url_resolve(response.url, target) : NULL;
	return 0;
}

static int tags(struct store *store, struct strv *tags, struct err *err)
{
	autofree char *url = NULL;

	registry_ready(store);
	url = xasprintf("%stags/list?n=1000", store->base);
	for (int i = 0; url; i++) {
		char *next = NULL;

		if (i == PAGES_MAX)
			return err_set(err, ERR_REGISTRY, "the list has no end");
		if (tags_page(store, url, tags, &next, err) < 0)
			return -1;
		free(url);
		url = next;
	}
	return 0;
}

const struct store_kind registry_kind = {
	.blob_exists = blob_exists,
	.blob_read = blob_read,
	.blob_write = registry_blob_write,
	.blob_mount = registry_blob_mount,
	.manifest_get = manifest_get,
	.manifest_put = manifest_put,
	.tags = tags,
};
