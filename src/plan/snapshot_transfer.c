/*
 * snapshot_transfer.c - between a store and the cache, through this program: the agent has no
 * network, and the store's credentials never leave this machine.
 */
#include "devenv/plan_snapshot.h"

#include "agent.h"

#include "devenv/masking.h"
#include "devenv/mem.h"
#include "devenv/snapshot_format.h"
#include "devenv/store.h"
#include "devenv/str.h"

#include <string.h>

/* How much of a blob is asked of the agent at once. */
#define WINDOW ((size_t)4 << 20)

/* Ranges that turn out wrong are asked for again, once. */
#define ROUNDS 2

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct transfer {
	struct agent *agent;
	struct store *store;
	const struct sink *sink;
	const char *object;
	uint64_t done, total; /* bytes of all blobs that have to go */
};

static int transfer_open(
	struct transfer *transfer, struct engine *engine, const char *reference, struct err *err)
{
	struct agent_spec spec = {.object = transfer->object, .sink = transfer->sink};

	transfer->store = store_open(reference, transfer->sink, err);
	if (!transfer->store)
		return -1;
	transfer->agent = agent_open(engine, &spec, err);
	return transfer->agent ? 0 : -1;
}

static void transfer_close(struct transfer *transfer)
{
	agent_close(transfer->agent);
	store_close(transfer->store);
}

static void advance(struct transfer *transfer, uint64_t bytes)
{
	transfer->done += bytes;
	sink_emit(transfer->sink, &(struct event){.kind = EVENT_PROGRESS,
					  .object = transfer->object,
					  .done = transfer->done,
					  .total = transfer->total});
}

/* === push === */

static int collect(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len) < 0
		       ? err_set(err, ERR_FAILED, "more came than was asked for")
		       : 0;
}

/* Up to `size` bytes of a blob from `offset` into `out`. */
static int fetch(struct agent *agent, const char *digest, uint64_t offset, size_t size,
	struct buf *out, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s, s:I, s:I}", "do", "blob-get", "digest",
		digest, "offset", (json_int_t)offset, "size", (json_int_t)size);

	buf_reset(out);
	return agent_ask(agent,
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
		if (fetch(upload->transfer->agent, upload->digest, offset, WINDOW, &upload->window,
			    err) < 0)
			return -1;
		upload->from = offset;
	}
	at = offset - upload->from;
	if (len > upload->window.len - at)
		len = upload->window.len - (size_t)at;
	memcpy(data, buf_str(&upload->window) + at, len);
	if (offset + len > upload->sent) {
		advance(upload->transfer, offset + len - upload->sent);
		upload->sent = offset + len;
	}
	return (ssize_t)len;
}

static int send_blob(struct transfer *transfer, const json_t *descriptor, struct err *err)
{
	struct upload upload = {.transfer = transfer,
		.digest = json_str(descriptor, "digest"),
		.window = BUF_INIT(WINDOW)};
	struct http_body body = {
		.read = read_blob, .ctx = &upload, .size = (uint64_t)json_int(descriptor, "size")};
	int status = store_blob_put(transfer->store, upload.digest, &body, err);

	buf_release(&upload.window);
	return status;
}

/* The descriptors of the config and all layers. A new reference. */
static json_t *blobs_of(const json_t *manifest)
{
	json_t *blobs = json_pack("[O]", json_object_get(manifest, "config"));

	json_array_extend(blobs, json_object_get(manifest, "layers"));
	return blobs;
}

/* Take out of `blobs` what the store has. */
static int leave_out_stored(struct transfer *transfer, json_t *blobs, struct err *err)
{
	for (size_t i = json_array_size(blobs); i-- > 0;) {
		const json_t *blob = json_array_get(blobs, i);
		int there = store_blob_exists(transfer->store, json_str(blob, "digest"), NULL, err);

		if (there < 0)
			return -1;
		if (there)
			json_array_remove(blobs, i);
		else
			transfer->total += (uint64_t)json_int(blob, "size");
	}
	return 0;
}

/* A pack of which the cache has only the part that it needed cannot be sent. */
static int check_whole(struct transfer *transfer, const json_t *blobs, struct err *err)
{
	autojson json_t *digests = json_array(), *request = NULL, *have = NULL;
	json_t *blob;
	size_t i;

	json_array_foreach (blobs, i, blob)
		json_array_append(digests, json_object_get(blob, "digest"));
	request = json_pack("{s:s, s:O}", "do", "blob-have", "digests", digests);
	if (agent_ask(transfer->agent, &(struct agent_question){.request = request}, &have, err) <
		0)
		return -1;
	json_array_foreach (blobs, i, blob)
		if (json_integer_value(json_array_get(json_object_get(have, "sizes"), i)) !=
			json_int(blob, "size"))
			return err_set(err, ERR_SNAPSHOT,
				"the cache has only a part of blob %s; pull the snapshot from "
				"where it "
				"is whole",
				json_str(blob, "digest"));
	return 0;
}

static int send_manifest(struct transfer *transfer, const char *digest, struct err *err)
{
	autobuf struct buf text = BUF_INIT(STORE_MANIFEST_MAX);
	char stored[STORE_DIGEST];

	if (fetch(transfer->agent, digest, 0, STORE_MANIFEST_MAX, &text, err) < 0)
		return -1;
	return store_manifest_put(
		transfer->store, NULL, MANIFEST_TYPE, buf_str(&text), text.len, stored, err);
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

static int push(struct transfer *transfer, const char *name, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "show", "name", name);
	autojson json_t *shown = NULL, *blobs = NULL;
	json_t *blob;
	size_t i;

	if (agent_ask(transfer->agent, &(struct agent_question){.request = request}, &shown, err) <
		0)
		return -1;
	blobs = blobs_of(json_object_get(shown, "manifest"));
	if (check_masked(shown, err) < 0 || leave_out_stored(transfer, blobs, err) < 0 ||
		check_whole(transfer, blobs, err) < 0)
		return -1;
	json_array_foreach (blobs, i, blob)
		if (send_blob(transfer, blob, err) < 0)
			return -1;
	return send_manifest(transfer, json_str(json_object_get(shown, "snapshot"), "digest"), err);
}

int plan_snapshot_push(struct engine *engine, const char *name, const char *reference,
	const struct sink *sink, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	struct transfer transfer = {.sink = sink, .object = object};
	int status = transfer_open(&transfer, engine, reference, err);

	if (status == 0)
		status = push(&transfer, name, err);
	transfer_close(&transfer);
	return status < 0 ? err_wrap(err, "push the snapshot %s to %s", name, reference) : 0;
}

/* === pull === */

struct download {
	struct transfer *transfer;
	const char *digest;
	uint64_t size;
	const struct store_range *ranges; /* NULL: the whole blob */
	size_t n;
};

static int pass_on(void *ctx, const void *data, size_t len, struct err *err)
{
	struct transfer *transfer = ctx;

	advance(transfer, len);
	return agent_bring(transfer->agent, data, len, err);
}

static int pass_on_range(void *ctx, size_t number, const void *data, size_t len, struct err *err)
{
	return pass_on(ctx, data, len, err);
}

static int bring(void *ctx, struct agent *agent, struct err *err)
{
	struct download *download = ctx;
	struct transfer *transfer = download->transfer;

	if (!download->ranges)
		return store_blob_get(
			transfer->store, download->digest, download->size, pass_on, transfer, err);
	return store_blob_ranges(transfer->store, download->digest, download->ranges, download->n,
		pass_on_range, transfer, err);
}

static int take_blob(struct transfer *transfer, const char *digest, uint64_t size, struct err *err)
{
	struct download download = {.transfer = transfer, .digest = digest, .size = size};
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "blob-put", "digest", digest);

	return agent_ask(transfer->agent,
		&(struct agent_question){.request = request, .bring = bring, .ctx = &download},
		NULL, err);
}

/* One element of the answer to "missing". */
static int take_pack(struct transfer *transfer, const json_t *pack, struct err *err)
{
	json_t *list = json_object_get(pack, "ranges"), *each;
	size_t n = json_array_size(list), i;
	autofree struct store_range *ranges = xcalloc(n, sizeof(*ranges));
	struct download download = {.transfer = transfer,
		.digest = json_str(pack, "digest"),
		.size = (uint64_t)json_int(pack, "size"),
		.ranges = ranges,
		.n = n};
	autojson json_t *request = json_pack("{s:s, s:s, s:I, s:O}", "do", "pack-put", "digest",
		download.digest, "size", json_int(pack, "size"), "ranges", list);

	json_array_foreach (list, i, each)
		ranges[i] = (struct store_range){
			(uint64_t)json_integer_value(json_array_get(each, 0)),
			(uint64_t)json_integer_value(json_array_get(each, 1))};
	if (n == 1 && ranges[0].offset == 0 && ranges[0].len == download.size)
		return take_blob(transfer, download.digest, download.size, err);
	return agent_ask(transfer->agent,
		&(struct agent_question){.request = request, .bring = bring, .ctx = &download},
		NULL, err);
}

/* Config and index: what the cache has not. */
static int take_heads(struct transfer *transfer, const json_t *const heads[2], struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:[s, s]}", "do", "blob-have", "digests",
		json_str(heads[0], "digest"), json_str(heads[1], "digest"));
	autojson json_t *have = NULL;

	if (agent_ask(transfer->agent, &(struct agent_question){.request = request}, &have, err) <
		0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		if (json_integer_value(json_array_get(json_object_get(have, "sizes"), i)) < 0 &&
			take_blob(transfer, json_str(heads[i], "digest"),
				(uint64_t)json_int(heads[i], "size"), err) < 0)
			return -1;
	return 0;
}

static int take_packs(struct transfer *transfer, const char *index, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "missing", "index", index);

	for (int round = 0; round <= ROUNDS; round++) {
		autojson json_t *missing = NULL;
		json_t *pack;
		size_t i;

		if (agent_ask(transfer->agent, &(struct agent_question){.request = request},
			    &missing, err) < 0)
			return -1;
		if (!json_array_size(json_object_get(missing, "packs")))
			return 0;
		transfer->total = transfer->done + (uint64_t)json_int(missing, "bytes");
		json_array_foreach (json_object_get(missing, "packs"), i, pack)
			if (round < ROUNDS && take_pack(transfer, pack, err) < 0)
				return -1;
	}
	return err_set(err, ERR_REGISTRY,
		"what the store has is damaged: the same pieces came wrong again");
}

/* The manifest's own two, or an error: it may be of anything. */
static int read_heads(const json_t *manifest, const json_t *heads[2], struct err *err)
{
	heads[0] = json_object_get(manifest, "config");
	heads[1] = json_array_get(json_object_get(manifest, "layers"), 0);
	if (str_eq(json_str(heads[0], "mediaType"), SNAPSHOT_CONFIG_TYPE) &&
		str_eq(json_str(heads[1], "mediaType"), SNAPSHOT_INDEX_TYPE) &&
		json_str(heads[0], "digest") && json_str(heads[1], "digest"))
		return 0;
	return err_set(err, ERR_SNAPSHOT, "it is no snapshot, but another kind of artifact");
}

static int bring_text(void *ctx, struct agent *agent, struct err *err)
{
	const struct buf *text = ctx;

	return agent_bring(agent, buf_str(text), text->len, err);
}

static int put_manifest(struct transfer *transfer, struct store_manifest *manifest, struct err *err)
{
	autojson json_t *request = json_pack(
		"{s:s, s:s}", "do", "blob-put", "digest", manifest->digest);

	return agent_ask(transfer->agent,
		&(struct agent_question){
			.request = request, .bring = bring_text, .ctx = &manifest->json},
		NULL, err);
}

static int pull(struct transfer *transfer, const char *name, json_t **pulled, struct err *err)
{
	automanifest struct store_manifest manifest = {0};
	autojson json_t *json = NULL, *request = NULL;
	const json_t *heads[2];

	if (store_manifest_get(transfer->store, NULL, &manifest, err) < 0)
		return -1;
	json = json_parse(buf_str(&manifest.json), manifest.json.len, "the manifest", err);
	if (!json || read_heads(json, heads, err) < 0 || take_heads(transfer, heads, err) < 0 ||
		take_packs(transfer, json_str(heads[1], "digest"), err) < 0 ||
		put_manifest(transfer, &manifest, err) < 0)
		return -1;
	request = json_pack(
		"{s:s, s:s, s:s}", "do", "name-set", "name", name, "digest", manifest.digest);
	return agent_ask(
		transfer->agent, &(struct agent_question){.request = request}, pulled, err);
}

int plan_snapshot_pull(struct engine *engine, const char *reference, const char *name,
	const struct sink *sink, json_t **pulled, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name ? name : reference);
	struct transfer transfer = {.sink = sink, .object = object};
	int status = transfer_open(&transfer, engine, reference, err);

	if (status == 0)
		status = pull(&transfer, name ? name : reference, pulled, err);
	transfer_close(&transfer);
	return status < 0 ? err_wrap(err, "pull the snapshot %s", reference) : 0;
}
