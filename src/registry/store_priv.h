/*
 * store_priv.h - what the kinds of stores have in common.
 *
 * store.c checks arguments and hashes, cuts ranges, resumes, and names the object in errors; a kind
 * only moves bytes.  remote.c is the part that the three kinds behind HTTP share.
 */
#ifndef STORE_PRIV_H
#define STORE_PRIV_H

#include "devenv/store.h"

#include "devenv/auth.h"
#include "devenv/json.h"

/* === references (reference.c) === */

enum place_kind { PLACE_REGISTRY, PLACE_LAYOUT, PLACE_WEB, PLACE_S3 };

struct reference {
	enum place_kind kind;
	char *host;   /* registry, web server or bucket; NULL for folders */
	char *path;   /* repository, folder, path of the URL or prefix, without slashes around */
	char *scheme; /* PLACE_WEB: "https", or "http" for this machine itself */
	char *tag;    /* or NULL */
	char *digest; /* or NULL */
	char *shown;  /* without tag and digest */
};

int reference_parse(const char *reference, struct reference *place, struct err *err);
void reference_release(struct reference *place);

/* Is it a tag of a registry; or a name that skopeo lets a manifest of a layout have? */
bool is_tag(const char *text);
bool is_layout_name(const char *text);

/* === header values (headers.c) === */

/* The target of rel="next" in a Link header (RFC 8288), the caller's; NULL when there is none. */
char *link_next(const char *header);

/* "bytes 0-99/200" (RFC 9110 section 14.4): the first position. */
bool content_range(const char *header, uint64_t *first);

/* "Range: 0-99" of an upload (distribution-spec, "Pushing a blob in chunks"): how much is there. */
bool upload_range(const char *header, uint64_t *there);

/* Milliseconds of a Retry-After (RFC 9110 section 10.2.3), seconds or date; -1 when it is none. */
int64_t retry_after(const char *header, int64_t wall);

/* What `location` means at the URL `base` (RFC 3986 section 5.2, as far as servers use it). */
char *url_resolve(const char *base, const char *location);

/* Do both URLs have the same scheme, host and port? */
bool url_same_origin(const char *a, const char *b);

/* === the other side of HTTP (remote.c) === */

struct aws;

struct remote {
	struct http_client *http;
	struct auth *auth; /* registries; or NULL */
	struct aws *aws;   /* S3; or NULL */
	const char *host;  /* for messages */
	char *authority;   /* registries: whom to trust there; or NULL */
	bool reached;      /* it has answered once: what breaks now will be there again */
	bool broken;       /* the last error broke off a body: going on from there makes sense */
};

struct remote_ask {
	const char *method; /* NULL: GET */
	const char *url;
	const char *headers[4];       /* "Name: value", NULL-terminated */
	const struct http_body *body; /* or NULL */
	const char *digest;           /* S3: of the body */
	const char *scope;            /* registries: what for */
	const char *origin;           /* registries: only URLs of this origin get the token */
	http_data_fn *on_data;
	void *ctx;
	bool once; /* not repeatable when the connection breaks */
};

/*
 * Send with credentials, and again while that may help. 0 with any status but those tried again in
 * vain are errors.
 */
int remote_send(struct remote *remote, const struct remote_ask *ask, struct http_response *response,
	struct err *err);

/* The answer as an error: status, what the other side says of it, what to do. Always -1. */
int remote_refusal(
	const struct remote *remote, const struct http_response *response, struct err *err);

/* Wait before try `number` (from 0), or for `wanted_ms` when not under 0. -1: interrupted. */
int remote_pause(int number, int64_t wanted_ms, struct err *err);

/* A whole body into `out`; 0, 1 when it is not there (404), -1. */
int remote_get_all(
	struct remote *remote, const struct remote_ask *ask, struct buf *out, struct err *err);

/* HEAD: 1 and its Content-Length in *size, 0, -1. */
int remote_head(
	struct remote *remote, const struct remote_ask *ask, uint64_t *size, struct err *err);

void remote_release(struct remote *remote);

/* === a kind of store === */

/* A piece of a blob: `offset` counts in the blob, and may be lower than asked for. */
typedef int piece_fn(void *ctx, uint64_t offset, const void *data, size_t len, struct err *err);

/* Read `len` bytes from `offset` (0: all from there); the piece_fn may get more around them. */
int remote_read(struct remote *remote, const struct remote_ask *ask, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err);

struct store_kind {
	int (*blob_exists)(
		struct store *store, const char *digest, uint64_t *size, struct err *err);
	int (*blob_read)(struct store *store, const char *digest, uint64_t offset, uint64_t len,
		piece_fn *piece, void *ctx, struct err *err);
	int (*blob_write)(struct store *store, const char *digest, const struct http_body *body,
		struct err *err);
	int (*blob_mount)(struct store *store, const char *digest, const char *from,
		struct err *err); /* or NULL */
	int (*manifest_get)(struct store *store, const char *name, struct store_manifest *manifest,
		struct err *err);
	/* `digest` is filled already; a kind that stores something else changes it. */
	int (*manifest_put)(struct store *store, const char *tag, const char *type,
		const char *json, size_t len, char digest[STORE_DIGEST], struct err *err);
	int (*tags)(struct store *store, struct strv *tags, struct err *err);
};

struct store {
	const struct store_kind *kind;
	struct reference place;
	const struct sink *sink;
	struct remote remote; /* all but folders */
	char *base;     /* URL below which everything is, ends with '/'; NULL: not known yet */
	uint64_t chunk; /* store_chunk_size() */
};

extern const struct store_kind registry_kind, layout_kind, web_kind, s3_kind;

/* Read a body to its end, in pieces for `piece` (NULL: for nobody). */
int body_read(const struct http_body *body, http_data_fn *piece, void *ctx, struct err *err);

void digest_of(const void *data, size_t len, char digest[STORE_DIGEST]);

/* Does `json` have that digest? Else an error. */
int digest_check(const char *digest, const void *data, size_t len, struct err *err);

/* === layouts: what folders, web servers and buckets share (layout_index.c) === */

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define LAYOUT_INDEX_MAX ((size_t)16 << 20)

/* A whole file below the layout's root into `out`: 0, 1 when it is not there, -1. */
typedef int layout_get_fn(struct store *store, const char *file, struct buf *out, struct err *err);

int layout_manifest_get(struct store *store, layout_get_fn *get, const char *name,
	struct store_manifest *manifest, struct err *err);
int layout_tags(struct store *store, layout_get_fn *get, struct strv *tags, struct err *err);

/*
 * The text of index.json `old` (empty: a new one) with the manifest under the name `name`, which
 * what had it before loses. The caller's; NULL with err when `old` is no index.
 */
char *layout_index_with(const struct buf *old, const char *name, const char *digest,
	const char *type, const char *json, size_t len, struct err *err);

/* "blobs/sha256/HEX". The caller's. */
char *layout_blob(const char *digest);

#endif
