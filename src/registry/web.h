/*
 * web.h - reading a layout over HTTP: web.c does it for web servers and for s3.c.
 */
#ifndef WEB_H
#define WEB_H

#include "store_priv.h"

int web_blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err);
int web_blob_read(struct store *store, const char *digest, uint64_t offset, uint64_t len,
	piece_fn *piece, void *ctx, struct err *err);
int web_manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err);
int web_tags(struct store *store, struct strv *tags, struct err *err);

/* s3.c: find out store->base and whose requests they are, once. */
int s3_ready(struct store *store, struct err *err);

#endif
