/*
 * store.h - where snapshots are kept: one interface over four kinds of stores.
 *
 *	registry.acme.example/seed:tag   an OCI registry (distribution-spec v1.1); docker://... too
 *	oci:/folder:name                 an OCI image layout in a folder (image-spec v1.1,
 *	                                 image-layout.md), as skopeo spells it
 *	oci+https://host/path:name       such a layout on a web server; read only
 *	s3://bucket/prefix:name          such a layout as objects of a bucket; credentials, region
 *	                                 and endpoint are found as by the aws command
 *
 * "@sha256:..." instead of the tag, or after it, pins the manifest.  Without either a registry
 * means "latest", a layout its only manifest.  What is stored is the same everywhere: blobs by
 * digest, and manifests by name or digest.  This module knows nothing of what is in them.
 *
 *	struct store *store = store_open("registry.acme.example/shop/seed:1", sink, err);
 *	store_blob_put(store, digest, &body, err);                // config, layers
 *	store_manifest_put(store, NULL, type, json, len, digest, err);   // last: now it is there
 *	store_close(store);
 *
 * Registries are spoken to as engines do it: with what `docker login` wrote, over TLS with the
 * authorities of certs.d, and only on this machine itself without TLS where it has none.
 *
 * A store is one connection for one thread; other threads take a store_clone().  Broken
 * connections,
 * 429 and 5xx are tried again with growing pauses (Retry-After is respected), reading goes on where
 * it broke off, and what a signal interrupts ends with ERR_CANCELLED.
 *
 * All errors are ERR_REGISTRY unless said otherwise: they name the object, repeat what the other
 * side said and end with the next step where there is one.  err->status is the HTTP status; 404 for
 * what is not there in every kind of store.
 */
#ifndef DEVENV_STORE_H
#define DEVENV_STORE_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/http.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "sha256:" + 64 hex digits and NUL. The only algorithm. */
#define STORE_DIGEST 72

/* What registries let a manifest be (distribution-spec, "Pushing Manifests"). */
#define STORE_MANIFEST_MAX ((size_t)4 << 20)

struct store;

/*
 * Understand a reference; nothing is asked of anyone yet. ERR_USAGE for what is none. `sink` (may
 * be NULL) hears warnings and must live as long as the store.
 */
struct store *store_open(const char *reference, const struct sink *sink, struct err *err);

/* Another connection to the same place with the same credentials. Never NULL. */
struct store *store_clone(const struct store *store);

void store_close(struct store *store); /* NULL is fine */

/* The place without tag and digest, for people: "registry/repo". Borrowed. */
const char *store_place(const struct store *store);

/* What the reference named: the digest, else the tag; NULL: neither was given. Borrowed. */
const char *store_name(const struct store *store);

/* Is `text` "sha256:" and 64 lower-case hex digits? */
bool store_is_digest(const char *text);

/* === blobs === */

/*
 * Is the blob there? 1 (its size in *size, which may be NULL), 0, or -1. Compare the size: not
 * every S3 server forgets an upload that broke off.
 */
int store_blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err);

/*
 * The blob in pieces, in order. `size` is what its descriptor says: another size is an error, and
 * so is another SHA-256, which is known only after the last piece: until 0 is returned the pieces
 * are unverified.
 */
int store_blob_get(struct store *store, const char *digest, uint64_t size, http_data_fn *write,
	void *ctx, struct err *err);

struct store_range {
	uint64_t offset, len; /* len: 1 to 64 MiB */
};

/* Called once for each range, in order, with all its bytes; non-zero stops (err filled). */
typedef int store_range_fn(void *ctx, size_t number, const void *data, size_t len, struct err *err);

/*
 * Some ranges of a blob, ascending and without overlap (else ERR_FAILED). Near ones are fetched by
 * one request; a server without ranges (200 instead of 206, RFC 9110 section 14.2) works too.
 * The bytes are unverified: compare what they are with a hash of yours.
 */
int store_blob_ranges(struct store *store, const char *digest, const struct store_range *ranges,
	size_t n, store_range_fn *take, void *ctx, struct err *err);

/*
 * Store a blob. Read through once, in order, and again from 0 when the first try broke; its bytes
 * are hashed on the way, and nothing is stored when they are not what `digest` says. What is there
 * already is not asked for first: use store_blob_exists(). distribution-spec, "Pushing blobs"
 * (POST then PUT; in chunks after store_chunk_size()).
 */
int store_blob_put(
	struct store *store, const char *digest, const struct http_body *body, struct err *err);

/* Upload blobs over `bytes` by PATCHes of that size (registries only); 0, the default: whole. */
void store_chunk_size(struct store *store, uint64_t bytes);

/*
 * Have the registry take the blob from another of its repositories ("shop/base") without sending it
 * (distribution-spec, "Mounting a blob from another repository"): 1, or 0 when it has to be sent
 * (always 0 in layouts), or -1.
 */
int store_blob_mount(
	struct store *store, const char *digest, const char *repository, struct err *err);

/*
 * The repository of `other`, for store_blob_mount(), when both are in the same registry; else NULL.
 * Borrowed from `other`.
 */
const char *store_same_registry(const struct store *store, const struct store *other);

/* === manifests === */

struct store_manifest {
	struct buf json;           /* as stored, byte by byte */
	char *type;                /* its media type */
	char digest[STORE_DIGEST]; /* of json */
};

void store_manifest_release(struct store_manifest *manifest);
#define automanifest __attribute__((cleanup(store_manifest_release)))

/*
 * A manifest by tag or digest; NULL: what the reference named. A digest, given or told by the
 * server (Docker-Content-Digest), is verified. err->status 404 when there is none.
 */
int store_manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err);

/*
 * Store a manifest under a tag; NULL: the reference's, or "latest". What it refers to must be there
 * already. A registry that refuses `artifactType` and `subject` (400, 405, 415) gets it without
 * them: config.mediaType says the type then, also where it said that of an image; `digest` is that
 * of what was stored in the end.
 */
int store_manifest_put(struct store *store, const char *tag, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err);

/* The tags or names, sorted ("Listing Tags", with Link paging). */
int store_tags(struct store *store, struct strv *tags, struct err *err);

#endif
