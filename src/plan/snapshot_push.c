/*
 * snapshot_push.c - a snapshot of the cache to a store: the blobs that the store has not, then the
 * manifest.
 *
 * What of the snapshot's packs the cache has only in part, because deltas or the chunks of another
 * snapshot were enough to restore it, comes from where the snapshot was pulled: mounted where that
 * is the same registry, else through this program.
 */
#include "snapshot_transfer.h"

#include "devenv/masking.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/snapshot_format.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* How much of a blob is asked of the agent at once. */
#define WINDOW ((size_t)4 << 20)

/*
 * Packs go in the manifest's order: a killed push has left at most one gap a stream before the
 * place it came to.  So after a longer one nothing is there, and nobody has to ask.
 */
#define GAP_MAX ((size_t)2 * TRANSFER_STREAMS)

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct blob {
	const char *digest;
	uint64_t size;
	bool stored; /* the store has it */
	bool part;   /* the cache has not all of it */
};

struct push {
	struct transfer transfer;
	json_t *shown; /* the answer to "show" */
	struct blob *blobs;
	size_t n;
};

/* === what has to go === */

static void list_blobs(struct push *push)
{
	const json_t *manifest = json_object_get(push->shown, "manifest");
	const json_t *layers = json_object_get(manifest, "layers");

	push->n = json_array_size(layers) + 1;
	push->blobs = xcalloc(push->n, sizeof(*push->blobs));
	for (size_t i = 0; i < push->n; i++) {
		const json_t *descriptor = i ? json_array_get(layers, i - 1)
					     : json_object_get(manifest, "config");

		push->blobs[i].digest = json_str(descriptor, "digest");
		push->blobs[i].size = (uint64_t)json_int(descriptor, "size");
	}
}

/* A manifest that is there has all of its blobs. */
static void mark_layers(struct push *push, const json_t *manifest)
{
	autojson json_t *stored = json_object();
	json_t *layer;
	size_t i;

	json_array_foreach (json_object_get(manifest, "layers"), i, layer)
		if (json_str(layer, "digest"))
			json_object_set_new(stored, json_str(layer, "digest"), json_true());
	for (i = 0; i < push->n; i++)
		if (json_object_get(stored, push->blobs[i].digest))
			push->blobs[i].stored = true;
}

/* The parent, if it was pushed there: one request instead of one for each of its packs. */
static int ask_parent(struct push *push, struct err *err)
{
	const json_t *config = json_object_get(json_object_get(push->shown, "snapshot"), "config");
	const char *parent = json_str(config, "parent");
	automanifest struct store_manifest manifest = {0};
	autojson json_t *json = NULL;

	if (!parent || !store_is_digest(parent))
		return 0;
	if (store_manifest_get(push->transfer.store, parent, &manifest, err) < 0) {
		if (err->status != 404 && err->status != 403)
			return -1;
		err_clear(err);
		return 0;
	}
	json = json_parse(buf_str(&manifest.json), manifest.json.len, "the manifest", err);
	if (!json)
		return -1;
	mark_layers(push, json);
	return 0;
}

static int ask_blobs(struct push *push, struct err *err)
{
	struct transfer *transfer = &push->transfer;
	size_t gap = 0;

	for (size_t i = 0; i < push->n; i++) {
		struct blob *blob = &push->blobs[i];

		if (!blob->stored && gap < GAP_MAX) {
			int there = store_blob_exists(transfer->store, blob->digest, NULL, err);

			if (there < 0)
				return -1;
			blob->stored = there;
			gap = there ? 0 : gap + 1;
		}
		if (!blob->stored)
			transfer->total += blob->size;
	}
	return 0;
}

/* Is there anything of which the cache has only a part? 1, 0, -1. */
static int ask_cache(struct push *push, struct err *err)
{
	autojson json_t *have = NULL;
	json_t *digests = json_array();
	int parts = 0;

	for (size_t i = 0; i < push->n; i++)
		json_array_append_new(digests, json_string(push->blobs[i].digest));
	if (transfer_tell(&push->transfer,
		    json_pack("{s:s, s:o}", "do", "blob-have", "digests", digests), &have, err) < 0)
		return -1;
	for (size_t i = 0; i < push->n; i++) {
		struct blob *blob = &push->blobs[i];
		json_t *size = json_array_get(json_object_get(have, "sizes"), i);

		blob->part = json_integer_value(size) != (json_int_t)blob->size;
		if (blob->part && !blob->stored)
			parts = 1;
	}
	return parts;
}

static int open_origin(struct push *push, struct err *err)
{
	const json_t *snapshot = json_object_get(push->shown, "snapshot");
	const char *origin = json_str(snapshot, "origin");

	if (!origin)
		return err_set(err, ERR_SNAPSHOT,
			"the cache has only a part of it, and nothing says where it came from: "
			"pull it from where it is whole, and push it then");
	push->transfer.origin = store_open(origin, push->transfer.sink, err);
	return push->transfer.origin ? 0 : -1;
}

/* === sending === */

static int collect(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len) < 0
		       ? err_set(err, ERR_FAILED, "more came than was asked for")
		       : 0;
}

/* Up to `size` bytes of a blob from `offset` into `out`. */
static int fetch(struct transfer *transfer, const char *digest, uint64_t offset, size_t size,
	struct buf *out, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s, s:I, s:I}", "do", "blob-get", "digest",
		digest, "offset", (json_int_t)offset, "size", (json_int_t)size);

	buf_reset(out);
	return transfer_ask(transfer,
		&(struct agent_question){.request = request, .take = collect, .ctx = out}, NULL,
		err);
}

struct upload {
	struct transfer *transfer;
	const char *digest;
	struct buf window;
	uint64_t from; /* where in the blob the window is */
	uint64_t sent; /* the farthest: progress never goes back */
};

static ssize_t read_blob(void *ctx, uint64_t offset, void *data, size_t len, struct err *err)
{
	struct upload *upload = ctx;
	uint64_t at;

	if (offset < upload->from || offset >= upload->from + upload->window.len) {
		if (fetch(upload->transfer, upload->digest, offset, WINDOW, &upload->window, err) <
			0)
			return -1;
		upload->from = offset;
	}
	at = offset - upload->from;
	if (len > upload->window.len - at)
		len = upload->window.len - (size_t)at;
	memcpy(data, buf_str(&upload->window) + at, len);
	if (offset + len > upload->sent) {
		transfer_advance(upload->transfer, offset + len - upload->sent);
		upload->sent = offset + len;
	}
	return (ssize_t)len;
}

static int send_blob(struct stream *stream, const struct blob *blob, struct err *err)
{
	struct upload upload = {
		.transfer = stream->transfer, .digest = blob->digest, .window = BUF_INIT(WINDOW)};
	struct http_body body = {.read = read_blob, .ctx = &upload, .size = blob->size};
	int status = store_blob_put(stream->store, blob->digest, &body, err);

	buf_release(&upload.window);
	return status;
}

/* From where the snapshot came from. */
static int pass_blob(struct stream *stream, const struct blob *blob, struct err *err)
{
	const char *repository = store_same_registry(stream->store, stream->origin);
	autobuf struct buf bytes = BUF_INIT(SNAPSHOT_PACK_MAX);
	struct http_body body;
	int mounted = 0;

	if (repository)
		mounted = store_blob_mount(stream->store, blob->digest, repository, err);
	if (mounted < 0)
		return -1;
	if (!mounted) {
		if (store_blob_get(stream->origin, blob->digest, blob->size, collect, &bytes, err) <
			0)
			return err_wrap(err, "the cache has only a part of it");
		body = http_body_text(buf_str(&bytes), bytes.len);
		if (store_blob_put(stream->store, blob->digest, &body, err) < 0)
			return -1;
	}
	transfer_advance(stream->transfer, blob->size);
	return 0;
}

/* ctx: struct push */
static int send_piece(struct stream *stream, void *ctx, size_t i, struct err *err)
{
	const struct push *push = ctx;
	const struct blob *blob = &push->blobs[i];

	if (blob->stored)
		return 0;
	return blob->part ? pass_blob(stream, blob, err) : send_blob(stream, blob, err);
}

static int send_manifest(struct push *push, char stored[STORE_DIGEST], struct err *err)
{
	const json_t *snapshot = json_object_get(push->shown, "snapshot");
	autobuf struct buf text = BUF_INIT(STORE_MANIFEST_MAX);

	if (fetch(&push->transfer, json_str(snapshot, "digest"), 0, STORE_MANIFEST_MAX, &text,
		    err) < 0)
		return -1;
	return store_manifest_put(
		push->transfer.store, NULL, MANIFEST_TYPE, buf_str(&text), text.len, stored, err);
}

static int check_masked(const json_t *shown, struct err *err)
{
	if (!masking_lacks(json_at(shown, "snapshot", "config", NULL)))
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"it holds data from production and names no masking rules; mask the data, and save "
		"it again with --masking FILE, or with the volume's `x-production: {masking: "
		"FILE}`");
}

static int push_all(struct push *push, const char *name, char stored[STORE_DIGEST], struct err *err)
{
	int parts;

	if (transfer_tell(&push->transfer, json_pack("{s:s, s:s}", "do", "show", "name", name),
		    &push->shown, err) < 0)
		return -1;
	list_blobs(push);
	if (check_masked(push->shown, err) < 0 || ask_parent(push, err) < 0 ||
		ask_blobs(push, err) < 0)
		return -1;
	parts = ask_cache(push, err);
	if (parts < 0 || (parts && open_origin(push, err) < 0) ||
		transfer_each(&push->transfer, push->n, send_piece, push, err) < 0)
		return -1;
	return send_manifest(push, stored, err);
}

int plan_snapshot_push(struct engine *engine, const char *name, const char *reference,
	const struct sink *sink, json_t **pushed, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	struct push push = {.transfer = {.sink = sink, .object = object}};
	char stored[STORE_DIGEST];
	int status = transfer_open(&push.transfer, engine, reference, err);

	if (status == 0)
		status = push_all(&push, name, stored, err);
	if (status == 0)
		*pushed = json_pack(
			"{s:s, s:s, s:s}", "name", name, "reference", reference, "digest", stored);
	transfer_close(&push.transfer);
	json_decref(push.shown);
	free(push.blobs);
	return status < 0 ? err_wrap(err, "push the snapshot %s to %s", name, reference) : 0;
}
