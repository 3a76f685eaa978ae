/*
 * store.c - what all kinds of stores share: checked digests, ranges, going on where it broke off.
 */
#include "aws.h"
#include "store_priv.h"

#include "devenv/credential.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 6
#define PIECE ((size_t)256 << 10)
#define RANGE_MAX ((uint64_t)64 << 20)
/* Ranges nearer than this are read with what is between them: a request costs more. */
#define GAP ((uint64_t)64 << 10)

/* === opening === */

static struct store *store_new(const struct sink *sink)
{
	struct store *store = xcalloc(1, sizeof(*store));

	store->sink = sink;
	return store;
}

static void start(struct store *store)
{
	static const struct store_kind *const kinds[] = {
		[PLACE_REGISTRY] = &registry_kind,
		[PLACE_LAYOUT] = &layout_kind,
		[PLACE_WEB] = &web_kind,
		[PLACE_S3] = &s3_kind,
	};

	store->kind = kinds[store->place.kind];
	store->remote.host = store->place.host;
	if (store->place.kind == PLACE_LAYOUT)
		return;
	store->remote.http = http_client_new();
	if (store->place.kind != PLACE_REGISTRY)
		return;
	store->remote.authority = credential_authority(store->place.host);
	http_client_trust(store->remote.http, store->remote.authority);
}

struct store *store_open(const char *reference, const struct sink *sink, struct err *err)
{
	struct store *store = store_new(sink);

	if (reference_parse(reference, &store->place, err) < 0) {
		free(store);
		return NULL;
	}
	start(store);
	if (store->place.kind == PLACE_REGISTRY)
		store->remote.auth = auth_new(store->place.host, sink);
	return store;
}

struct store *store_clone(const struct store *store)
{
	struct store *clone = store_new(store->sink);
	const struct reference *from = &store->place;

	clone->place = (struct reference){.kind = from->kind,
		.host = xstrdup(from->host),
		.path = xstrdup(from->path),
		.scheme = xstrdup(from->scheme),
		.tag = xstrdup(from->tag),
		.digest = xstrdup(from->digest),
		.shown = xstrdup(from->shown)};
	start(clone);
	clone->base = xstrdup(store->base);
	clone->chunk = store->chunk;
	clone->remote.reached = store->remote.reached;
	if (store->remote.auth)
		clone->remote.auth = auth_clone(store->remote.auth);
	if (store->remote.aws)
		clone->remote.aws = aws_clone(store->remote.aws);
	return clone;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	remote_release(&store->remote);
	reference_release(&store->place);
	free(store->base);
	free(store);
}

const char *store_place(const struct store *store)
{
	return store->place.shown;
}

const char *store_name(const struct store *store)
{
	return store->place.digest ? store->place.digest : store->place.tag;
}

void store_chunk_size(struct store *store, uint64_t bytes)
{
	store->chunk = bytes;
}

/* === digests === */

void digest_of(const void *data, size_t len, char digest[STORE_DIGEST])
{
	memcpy(digest, "sha256:", strlen("sha256:"));
	sha256_hex(data, len, digest + strlen("sha256:"));
}

int digest_check(const char *digest, const void *data, size_t len, struct err *err)
{
	char is[STORE_DIGEST];

	digest_of(data, len, is);
	if (str_eq(is, digest))
		return 0;
	return err_set(err, ERR_REGISTRY, "its content is %s: damaged or tampered with", is);
}

static int digest_argument(const char *digest, struct err *err)
{
	if (store_is_digest(digest))
		return 0;
	return err_set(err, ERR_REGISTRY, "\"%.100s\" is no sha256 digest", digest);
}

/* "get blob sha256:... of place: " */
static int wrap(const struct store *store, const char *verb, const char *digest, struct err *err)
{
	return err_wrap(err, "%s %s of %s", verb, digest, store->place.shown);
}

/* === getting === */

int store_blob_exists(struct store *store, const char *digest, uint64_t *size, struct err *err)
{
	int there = -1;

	if (digest_argument(digest, err) == 0)
		there = store->kind->blob_exists(store, digest, size, err);
	return there < 0 ? wrap(store, "look for blob", digest, err) : there;
}

/* Does it make sense to go on after this error? Waits. */
static bool go_on(struct store *store, int *tries, bool progress, struct err *err)
{
	if (!store->remote.broken)
		return false;
	*tries = progress ? 0 : *tries + 1;
	if (*tries == TRIES)
		return false;
	err_clear(err);
	return remote_pause(*tries, -1, err) == 0;
}

struct get {
	struct sha256 *hash;
	uint64_t done, size;
	http_data_fn *write;
	void *ctx;
};

static int get_piece(void *ctx, uint64_t offset, const void *data, size_t len, struct err *err)
{
	struct get *get = ctx;
	uint64_t skip;

	if (offset > get->done)
		return err_set(err, ERR_REGISTRY, "the server left out bytes");
	if (offset + len <= get->done)
		return 0; /* sent again from the start */
	skip = get->done - offset;
	len -= (size_t)skip;
	if (len > get->size - get->done)
		return err_set(err, ERR_REGISTRY, "it is larger than the %llu bytes it should have",
			(unsigned long long)get->size);
	sha256_add(get->hash, (const char *)data + skip, len);
	get->done += len;
	return get->write(get->ctx, (const char *)data + skip, len, err);
}

static int get_all(struct store *store, const char *digest, struct get *get, struct err *err)
{
	int tries = 0;

	while (get->done < get->size) {
		uint64_t before = get->done;

		if (store->kind->blob_read(store, digest, get->done, 0, get_piece, get, err) == 0) {
			if (get->done < get->size)
				return err_set(err, ERR_REGISTRY,
					"it ends after %llu of %llu bytes",
					(unsigned long long)get->done,
					(unsigned long long)get->size);
		} else if (!go_on(store, &tries, get->done > before, err)) {
			return -1;
		}
	}
	return 0;
}

int store_blob_get(struct store *store, const char *digest, uint64_t size, http_data_fn *write,
	void *ctx, struct err *err)
{
	struct get get = {.size = size, .write = write, .ctx = ctx};
	char is[SHA256_HEX];
	int result;

	if (digest_argument(digest, err) < 0)
		return wrap(store, "get blob", digest, err);
	get.hash = sha256_new();
	result = get_all(store, digest, &get, err);
	sha256_end(get.hash, is);
	if (result == 0 && !str_eq(is, digest + strlen("sha256:")))
		result = err_set(err, ERR_REGISTRY,
			"its content is sha256:%s: damaged or tampered with", is);
	return result < 0 ? wrap(store, "get blob", digest, err) : 0;
}

/* === ranges === */

struct cut {
	const struct store_range *ranges;
	size_t n, next;
	struct buf part; /* of ranges[next], what there is of it */
	bool enough;     /* more came than was asked for, and all is there */
	store_range_fn *take;
	void *ctx;
};

static int cut_piece(void *ctx, uint64_t offset, const void *data, size_t len, struct err *err)
{
	struct cut *cut = ctx;
	uint64_t end = offset + len;

	while (cut->next < cut->n) {
		const struct store_range *range = &cut->ranges[cut->next];
		uint64_t want = range->offset + cut->part.len;
		uint64_t left = range->len - cut->part.len;

		if (offset > want)
			return err_set(err, ERR_REGISTRY, "the server left out bytes");
		if (end <= want)
			return 0;
		if (left > end - want)
			left = end - want;
		buf_add(&cut->part, (const char *)data + (want - offset), (size_t)left);
		if (cut->part.len < range->len)
			return 0;
		if (cut->take(cut->ctx, cut->next, cut->part.data, cut->part.len, err) < 0)
			return -1;
		buf_reset(&cut->part);
		cut->next++;
	}
	/* A whole blob in answer to a range: the rest of it is nobody's. */
	cut->enough = true;
	return err_set(err, ERR_REGISTRY, "that is enough");
}

static int ranges_check(const struct store_range *ranges, size_t n, struct err *err)
{
	uint64_t end = 0;

	for (size_t i = 0; i < n; i++) {
		if (!ranges[i].len || ranges[i].len > RANGE_MAX || ranges[i].offset < end ||
			ranges[i].offset > UINT64_MAX - RANGE_MAX)
			return err_set(err, ERR_FAILED,
				"range %zu (%llu bytes at %llu) is empty, "
				"too large or out of order",
				i, (unsigned long long)ranges[i].len,
				(unsigned long long)ranges[i].offset);
		end = ranges[i].offset + ranges[i].len;
	}
	return 0;
}

/* What to ask for at once: from what is missing of the next range over its near followers. */
static void next_span(const struct cut *cut, uint64_t *offset, uint64_t *len)
{
	const struct store_range *range = &cut->ranges[cut->next];
	uint64_t end = range->offset + range->len;

	*offset = range->offset + cut->part.len;
	for (size_t i = cut->next + 1; i < cut->n; i++) {
		uint64_t next = cut->ranges[i].offset + cut->ranges[i].len;

		if (cut->ranges[i].offset - end > GAP || next - *offset > RANGE_MAX)
			break;
		end = next;
	}
	*len = end - *offset;
}

static int cut_all(struct store *store, const char *digest, struct cut *cut, struct err *err)
{
	int tries = 0;

	while (cut->next < cut->n) {
		size_t before = cut->next, had = cut->part.len;
		uint64_t offset, len;
		bool progress;

		next_span(cut, &offset, &len);
		if (store->kind->blob_read(store, digest, offset, len, cut_piece, cut, err) == 0) {
			if (cut->next == before && cut->part.len == had)
				return err_set(err, ERR_REGISTRY, "it ends before byte %llu",
					(unsigned long long)(offset + len));
			continue;
		}
		if (cut->enough) {
			err_clear(err);
			return 0;
		}
		progress = cut->next != before || cut->part.len != had;
		if (!go_on(store, &tries, progress, err))
			return -1;
	}
	return 0;
}

int store_blob_ranges(struct store *store, const char *digest, const struct store_range *ranges,
	size_t n, store_range_fn *take, void *ctx, struct err *err)
{
	struct cut cut = {
		.ranges = ranges, .n = n, .part = BUF_INIT(RANGE_MAX), .take = take, .ctx = ctx};
	int result = -1;

	if (digest_argument(digest, err) == 0 && ranges_check(ranges, n, err) == 0)
		result = cut_all(store, digest, &cut, err);
	buf_release(&cut.part);
	return result < 0 ? wrap(store, "get parts of blob", digest, err) : 0;
}

/* === putting === */

int body_read(const struct http_body *body, http_data_fn *piece, void *ctx, struct err *err)
{
	autofree char *data = xmalloc(PIECE);

	for (uint64_t done = 0; done < body->size;) {
		uint64_t left = body->size - done;
		ssize_t n = body->read(
			body->ctx, done, data, left < PIECE ? (size_t)left : PIECE, err);

		if (n == 0)
			return err_set(err, ERR_REGISTRY, "it ended after %llu of %llu bytes",
				(unsigned long long)done, (unsigned long long)body->size);
		if (n < 0 || (piece && piece(ctx, data, (size_t)n, err) < 0))
			return -1;
		done += (uint64_t)n;
	}
	return 0;
}

/*
 * A body that is hashed while it is read: its last bytes are only handed out when they are right.
 */
struct checked {
	const struct http_body *body;
	const char *digest;
	struct sha256 *hash; /* of the first `at` bytes; NULL: not read in order */
	uint64_t at;
};

static void hash_release(struct sha256 *hash)
{
	char unused[SHA256_HEX];

	if (hash)
		sha256_end(hash, unused);
}

static int hash_check(struct checked *checked, struct err *err)
{
	char is[SHA256_HEX];

	sha256_end(checked->hash, is);
	checked->hash = NULL;
	if (str_eq(is, checked->digest + strlen("sha256:")))
		return 0;
	return err_set(err, ERR_REGISTRY, "what is to be stored is sha256:%s", is);
}

static ssize_t checked_read(void *ctx, uint64_t offset, void *data, size_t len, struct err *err)
{
	struct checked *checked = ctx;
	ssize_t n = checked->body->read(checked->body->ctx, offset, data, len, err);

	if (n <= 0)
		return n;
	if (offset == 0) {
		hash_release(checked->hash);
		checked->hash = sha256_new();
		checked->at = 0;
	}
	if (!checked->hash || offset != checked->at)
		return n;
	sha256_add(checked->hash, data, (size_t)n);
	checked->at += (uint64_t)n;
	if (checked->at == checked->body->size && hash_check(checked, err) < 0)
		return -1;
	return n;
}

int store_blob_put(
	struct store *store, const char *digest, const struct http_body *body, struct err *err)
{
	struct checked checked = {.body = body, .digest = digest};
	struct http_body hashed = {.read = checked_read, .ctx = &checked, .size = body->size};
	int result = digest_argument(digest, err);

	/* Nothing is read of nothing. */
	if (result == 0 && !body->size)
		result = digest_check(digest, "", 0, err);
	if (result == 0)
		result = store->kind->blob_write(store, digest, &hashed, err);
	hash_release(checked.hash);
	return result < 0 ? wrap(store, "put blob", digest, err) : 0;
}

int store_blob_mount(
	struct store *store, const char *digest, const char *repository, struct err *err)
{
	int mounted;

	if (!store->kind->blob_mount)
		return 0;
	if (digest_argument(digest, err) < 0)
		return wrap(store, "mount blob", digest, err);
	mounted = store->kind->blob_mount(store, digest, repository, err);
	return mounted < 0 ? wrap(store, "mount blob", digest, err) : mounted;
}

const char *store_same_registry(const struct store *store, const struct store *other)
{
	bool same = store->place.kind == PLACE_REGISTRY && other->place.kind == PLACE_REGISTRY &&
		    str_eq(store->place.host, other->place.host);

	return same ? other->place.path : NULL;
}

/* === manifests === */

void store_manifest_release(struct store_manifest *manifest)
{
	buf_release(&manifest->json);
	free(manifest->type);
	*manifest = (struct store_manifest){0};
}

int store_manifest_get(
	struct store *store, const char *name, struct store_manifest *manifest, struct err *err)
{
	struct store_manifest got = {.json = BUF_INIT(STORE_MANIFEST_MAX)};
	int result;

	if (!name)
		name = store_name(store);
	result = store->kind->manifest_get(store, name, &got, err);
	if (result == 0 && name && store_is_digest(name))
		result = digest_check(name, buf_str(&got.json), got.json.len, err);
	if (result < 0) {
		store_manifest_release(&got);
		return name ? wrap(store, "get manifest", name, err)
			    : wrap(store, "get", "the manifest", err);
	}
	digest_of(buf_str(&got.json), got.json.len, got.digest);
	*manifest = got;
	return 0;
}

int store_manifest_put(struct store *store, const char *tag, const char *type, const char *json,
	size_t len, char digest[STORE_DIGEST], struct err *err)
{
	int result;

	if (!tag)
		tag = store->place.tag ? store->place.tag : "latest";
	digest_of(json, len, digest);
	if (len > STORE_MANIFEST_MAX)
		result = err_set(err, ERR_REGISTRY, "it has %zu bytes; %zu are the most", len,
			STORE_MANIFEST_MAX);
	else
		result = store->kind->manifest_put(store, tag, type, json, len, digest, err);
	return result < 0 ? wrap(store, "put manifest", tag, err) : 0;
}

int store_tags(struct store *store, struct strv *tags, struct err *err)
{
	if (store->kind->tags(store, tags, err) < 0)
		return err_wrap(err, "list the tags of %s", store->place.shown);
	strv_sort(tags);
	return 0;
}
