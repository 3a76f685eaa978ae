/*
 * registry.h - between registry.c (reading, manifests) and upload.c (blobs).
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "store_priv.h"

/* Find out the address, once: store->base. */
void registry_ready(struct store *store);

/* "repository:NAME:pull" or "...:pull,push", for auth.h. The caller's. */
char *registry_scope(const struct store *store, bool push);

int registry_blob_write(
	struct store *store, const char *digest, const struct http_body *body, struct err *err);
int registry_blob_mount(struct store *store, const char *digest, const char *from, struct err *err);

#endif
