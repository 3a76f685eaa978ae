/*
 * upload.c - sending a blob to a registry: distribution-spec v1.1, "Pushing blobs".
 *
 * Whole (POST, then one PUT), or in chunks (POST, PATCHes, PUT).  An upload that breaks is begun
 * anew: blobs are packs of some MiB, and a stale Location is worth nothing on most registries.
 * Chunks are for what a proxy lets through no other way; where the answers to them are wrong
 * (Amazon's ECR says 201, and its Range stands still), the blob is sent whole.
 */
#include "registry.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 5
#define OCTETS "Content-Type: application/octet-stream"
/* When the whole was refused as too large: what proxies let through by default. */
#define CHUNK_SMALL ((uint64_t)1 << 20)

struct upload {
	struct store *store;
	const char *digest;
	const struct http_body *body;
	char *scope;
	char *location; /* where the next part goes; changes with each answer */
	struct http_response response;
};

static void upload_release(struct upload *upload)
{
	free(upload->scope);
	free(upload->location);
	http_response_release(&upload->response);
}

/* The Location of the last answer. Never from https to http: that is a misled proxy's. */
static int take_location(struct upload *upload, struct err *err)
{
	const char *header = http_header(&upload->response, "Location");
	char *location;

	if (!header)
		return err_set(err, ERR_REGISTRY, "the registry does not say where to send it");
	location = url_resolve(upload->response.url, header);
	if (str_starts(upload->response.url, "https://") && str_starts(location, "http://")) {
		char *secure = xasprintf("https%s", location + strlen("http"));

		free(location);
		location = secure;
	}
	free(upload->location);
	upload->location = location;
	return 0;
}

static int ask(struct upload *upload, struct remote_ask request, struct err *err)
{
	request.scope = upload->scope;
	request.origin = upload->store->base;
	return remote_send(&upload->store->remote, &request, &upload->response, err);
}

/* 202: a session; else the refusal. */
static int begin(struct upload *upload, struct err *err)
{
	autofree char *url = xasprintf("%sblobs/uploads/", upload->store->base);

	if (ask(upload, (struct remote_ask){.method = "POST", .url = url}, err) < 0)
		return -1;
	if (upload->response.status != 202)
		return remote_refusal(&upload->store->remote, &upload->response, err);
	return take_location(upload, err);
}

static void cancel(struct upload *upload)
{
	struct err err = ERR_INIT;

	/* An upload that nobody ends is thrown away by the registry after some days as well. */
	if (upload->location)
		ask(upload,
			(struct remote_ask){
				.method = "DELETE", .url = upload->location, .once = true},
			&err);
}

/* The last request of both forms, with the digest and what is left to send. */
static int end(struct upload *upload, const struct http_body *body, struct err *err)
{
	autofree char *digest = http_escape(upload->digest);
	autofree char *url = xasprintf("%s%cdigest=%s", upload->location,
		strchr(upload->location, '?') ? '&' : '?', digest);

	return ask(upload,
		(struct remote_ask){.method = "PUT",
			.url = url,
			.headers = {OCTETS},
			.body = body,
			.once = true},
		err);
}

/* === in chunks: "Pushing a blob in chunks" === */

struct chunk {
	const struct http_body *whole;
	uint64_t offset;
};

static ssize_t chunk_read(void *ctx, uint64_t offset, void *data, size_t len, struct err *err)
{
	struct chunk *chunk = ctx;

	return chunk->whole->read(chunk->whole->ctx, chunk->offset + offset, data, len, err);
}

/* 1: sent, 0: this registry does it wrongly, -1. */
static int send_chunk(struct upload *upload, uint64_t offset, uint64_t len, struct err *err)
{
	struct chunk chunk = {upload->body, offset};
	struct http_body body = {.read = chunk_read, .ctx = &chunk, .size = len};
	autofree char *range = xasprintf("Content-Range: %llu-%llu", (unsigned long long)offset,
		(unsigned long long)(offset + len - 1));
	uint64_t there = 0;

	if (ask(upload,
		    (struct remote_ask){.method = "PATCH",
			    .url = upload->location,
			    .headers = {OCTETS, range},
			    .body = &body,
			    .once = true},
		    err) < 0)
		return -1;
	if (upload->response.status >= 300)
		return remote_refusal(&upload->store->remote, &upload->response, err);
	if (upload->response.status != 202 ||
		!upload_range(http_header(&upload->response, "Range"), &there) ||
		there != offset + len)
		return 0;
	return take_location(upload, err) < 0 ? -1 : 1;
}

/* At least as much as the registry wants (OCI-Chunk-Min-Length). */
static uint64_t chunk_size(const struct upload *upload, uint64_t wanted)
{
	const char *header = http_header(&upload->response, "OCI-Chunk-Min-Length");
	uint64_t least = 0;

	if (header)
		parse_u64(header, 0, UINT64_MAX, &least);
	return wanted > least ? wanted : least;
}

/* 1: all is there, 0: send it whole, -1. */
static int send_chunks(struct upload *upload, uint64_t wanted, struct err *err)
{
	uint64_t size = upload->body->size, step = chunk_size(upload, wanted);

	for (uint64_t offset = 0; offset < size;) {
		uint64_t len = size - offset < step ? size - offset : step;
		int sent = send_chunk(upload, offset, len, err);

		if (sent <= 0)
			return sent;
		offset += len;
	}
	return 1;
}

/* === a try === */

/* 0 with the last answer's status, whatever it is; -1. `chunk` 0: whole. */
static int send_blob(struct upload *upload, uint64_t chunk, struct err *err)
{
	static const struct http_body nothing = {0};
	int sent = 0;

	if (begin(upload, err) < 0)
		return -1;
	if (chunk && chunk < upload->body->size) {
		sent = send_chunks(upload, chunk, err);
		if (sent < 0)
			return -1;
		if (sent == 0) {
			cancel(upload);
			if (begin(upload, err) < 0)
				return -1;
		}
	}
	return end(upload, sent ? &nothing : upload->body, err);
}

/* A try broke. Is it there all the same, or worth another one? 1: there, 0: again, -1. */
static int after_break(struct upload *upload, int number, struct err *err)
{
	struct store *store = upload->store;
	int there;

	if (!upload->response.transient || number + 1 == TRIES || !store->remote.reached)
		return -1;
	err_clear(err);
	if (remote_pause(number, -1, err) < 0)
		return -1;
	there = store->kind->blob_exists(store, upload->digest, NULL, err);
	return there;
}

/* The registry failed, or another instance behind the same name knows nothing of the session. */
static bool session_lost(int status)
{
	return status == 404 || status >= 500;
}

static int send_until(struct upload *upload, struct err *err)
{
	uint64_t chunk = upload->store->chunk;

	for (int i = 0;; i++) {
		int there = 0;

		if (send_blob(upload, chunk, err) < 0) {
			there = after_break(upload, i, err);
			if (there)
				return there < 0 ? -1 : 0;
		} else if (upload->response.status == 413 && !chunk) {
			chunk = CHUNK_SMALL;
		} else if (!session_lost(upload->response.status) || i + 1 == TRIES) {
			break;
		} else if (remote_pause(i, -1, err) < 0) {
			return -1;
		}
	}
	return upload->response.status < 300
		       ? 0
		       : remote_refusal(&upload->store->remote, &upload->response, err);
}

int registry_blob_write(
	struct store *store, const char *digest, const struct http_body *body, struct err *err)
{
	struct upload upload = {.store = store, .digest = digest, .body = body};
	int result;

	registry_ready(store);
	upload.scope = registry_scope(store, true);
	result = send_until(&upload, err);
	upload_release(&upload);
	return result;
}

/* === "Mounting a blob from another repository" === */

int registry_blob_mount(struct store *store, const char *digest, const char *from, struct err *err)
{
	autofree char *own = registry_scope(store, true);
	autofree char *what = http_escape(digest), *where = http_escape(from), *url = NULL;
	struct upload upload = {.store = store, .digest = digest};
	int result;

	registry_ready(store);
	upload.scope = xasprintf("%s repository:%s:pull", own, from);
	url = xasprintf("%sblobs/uploads/?mount=%s&from=%s", store->base, what, where);
	result = ask(&upload, (struct remote_ask){.method = "POST", .url = url}, err);
	if (result == 0 && upload.response.status == 202) {
		/* It began an upload instead, which is not wanted in this form. */
		if (take_location(&upload, err) == 0)
			cancel(&upload);
		err_clear(err);
	} else if (result == 0) {
		result = upload.response.status == 201
				 ? 1
				 : remote_refusal(&store->remote, &upload.response, err);
	}
	upload_release(&upload);
	return result;
}
