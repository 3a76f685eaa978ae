/*
 * snapshot_pull.c - a snapshot from a store into the cache: what the cache lacks, no more.
 *
 * A pack is taken whole into memory, and then handed to the agent at once: so the agent is free for
 * another stream while the network is slow, and a pack that is in the cache is whole.
 */
#include "snapshot_transfer.h"

#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/snapshot_format.h"
#include "devenv/str.h"

/* Ranges that turn out wrong are asked for again, once. */
#define ROUNDS 2

/* === bytes into the cache === */

static int bring_text(void *ctx, struct agent *agent, struct err *err)
{
	const struct buf *text = ctx;

	return agent_bring(agent, buf_str(text), text->len, err);
}

/* Takes `request`. */
static int put(struct transfer *transfer, json_t *request, struct buf *bytes, struct err *err)
{
	autojson json_t *own = request;

	return transfer_ask(transfer,
		&(struct agent_question){.request = own, .bring = bring_text, .ctx = bytes}, NULL,
		err);
}

static json_t *blob_put(const char *digest)
{
	return json_pack("{s:s, s:s}", "do", "blob-put", "digest", digest);
}

/* === config and index: as large as they are === */

struct download {
	struct transfer *transfer;
	const json_t *descriptor;
};

static int pass_on(void *ctx, const void *data, size_t len, struct err *err)
{
	struct transfer *transfer = ctx;

	transfer_advance(transfer, len);
	return agent_bring(transfer->agent, data, len, err);
}

static int bring_blob(void *ctx, struct agent *agent, struct err *err)
{
	struct download *download = ctx;

	return store_blob_get(download->transfer->store, json_str(download->descriptor, "digest"),
		(uint64_t)json_int(download->descriptor, "size"), pass_on, download->transfer, err);
}

static int take_head(struct transfer *transfer, const json_t *descriptor, struct err *err)
{
	struct download download = {transfer, descriptor};
	autojson json_t *request = blob_put(json_str(descriptor, "digest"));

	return transfer_ask(transfer,
		&(struct agent_question){.request = request, .bring = bring_blob, .ctx = &download},
		NULL, err);
}

/* What the cache has not, or damaged. */
static int take_heads(struct transfer *transfer, const json_t *const heads[2], struct err *err)
{
	autojson json_t *have = NULL;

	if (transfer_tell(transfer,
		    json_pack("{s:s, s:[s, s], s:b}", "do", "blob-have", "digests",
			    json_str(heads[0], "digest"), json_str(heads[1], "digest"), "check",
			    true),
		    &have, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		if (json_integer_value(json_array_get(json_object_get(have, "sizes"), i)) < 0 &&
			take_head(transfer, heads[i], err) < 0)
			return -1;
	return 0;
}

/* === packs === */

struct taking {
	struct transfer *transfer;
	struct buf bytes;
};

static int take_bytes(void *ctx, const void *data, size_t len, struct err *err)
{
	struct taking *taking = ctx;

	if (buf_add(&taking->bytes, data, len) < 0)
		return err_set(err, ERR_REGISTRY, "a pack is larger than packs can be");
	transfer_advance(taking->transfer, len);
	return 0;
}

static int take_range(void *ctx, size_t number, const void *data, size_t len, struct err *err)
{
	return take_bytes(ctx, data, len, err);
}

static int take_ranges(
	struct stream *stream, const json_t *pack, struct taking *taking, struct err *err)
{
	json_t *list = json_object_get(pack, "ranges"), *each;
	size_t n = json_array_size(list), i;
	autofree struct store_range *ranges = xcalloc(n, sizeof(*ranges));
	const char *digest = json_str(pack, "digest");

	json_array_foreach (list, i, each)
		ranges[i] = (struct store_range){
			(uint64_t)json_integer_value(json_array_get(each, 0)),
			(uint64_t)json_integer_value(json_array_get(each, 1))};
	if (store_blob_ranges(stream->store, digest, ranges, n, take_range, taking, err) < 0)
		return -1;
	return put(stream->transfer,
		json_pack("{s:s, s:s, s:I, s:O}", "do", "pack-put", "digest", digest, "size",
			json_int(pack, "size"), "ranges", list),
		&taking->bytes, err);
}

static bool is_all(const json_t *pack)
{
	const json_t *ranges = json_object_get(pack, "ranges"), *first = json_array_get(ranges, 0);

	return json_array_size(ranges) == 1 && !json_integer_value(json_array_get(first, 0)) &&
	       json_integer_value(json_array_get(first, 1)) == json_int(pack, "size");
}

/* ctx: "packs" of the answer to "missing". */
static int take_pack(struct stream *stream, void *ctx, size_t i, struct err *err)
{
	const json_t *pack = json_array_get(ctx, i);
	const char *digest = json_str(pack, "digest");
	struct taking taking = {stream->transfer, BUF_INIT(SNAPSHOT_PACK_MAX)};
	int status;

	if (is_all(pack)) {
		status = store_blob_get(stream->store, digest, (uint64_t)json_int(pack, "size"),
			take_bytes, &taking, err);
		if (status == 0)
			status = put(stream->transfer, blob_put(digest), &taking.bytes, err);
	} else {
		status = take_ranges(stream, pack, &taking, err);
	}
	buf_release(&taking.bytes);
	return status;
}

static int take_packs(struct transfer *transfer, const char *index, struct err *err)
{
	for (int round = 0; round <= ROUNDS; round++) {
		autojson json_t *missing = NULL;
		json_t *packs;

		if (transfer_tell(transfer,
			    json_pack("{s:s, s:s, s:b}", "do", "missing", "index", index, "room",
				    true),
			    &missing, err) < 0)
			return -1;
		packs = json_object_get(missing, "packs");
		if (!json_array_size(packs))
			return 0;
		transfer->total = transfer->done + (uint64_t)json_int(missing, "bytes");
		if (round < ROUNDS &&
			transfer_each(transfer, json_array_size(packs), take_pack, packs, err) < 0)
			return -1;
	}
	return err_set(err, ERR_REGISTRY,
		"what the store has is damaged: the same pieces came wrong again");
}

/* === the whole === */

/* The manifest's own two, or an error: it may be of anything. */
static int read_heads(const json_t *manifest, const json_t *heads[2], struct err *err)
{
	heads[0] = json_object_get(manifest, "config");
	heads[1] = json_array_get(json_object_get(manifest, "layers"), 0);
	if (snapshot_manifest_fits(manifest) && json_str(heads[0], "digest") &&
		json_str(heads[1], "digest"))
		return 0;
	return err_set(err, ERR_SNAPSHOT, "it is no snapshot, but another kind of artifact");
}

/* Of the layers of this type; NULL: of all. */
static uint64_t layers_size(const json_t *manifest, const char *type)
{
	uint64_t size = 0;
	json_t *layer;
	size_t i;

	json_array_foreach (json_object_get(manifest, "layers"), i, layer)
		if (!type || str_eq(json_str(layer, "mediaType"), type))
			size += (uint64_t)json_int(layer, "size");
	return size;
}

/* What did not have to come, against one who has nothing yet. */
static void tell_saved(const struct transfer *transfer, const json_t *manifest)
{
	uint64_t whole = layers_size(manifest, SNAPSHOT_PACK_TYPE);
	char came[16], saved[16];

	if (transfer->done < whole)
		sink_info(transfer->sink, transfer->object, "%s came, %s less than all of it",
			format_bytes(came, transfer->done),
			format_bytes(saved, whole - transfer->done));
}

/* What the store says of itself, into `manifest` and `json`, whose own two blobs come at once. */
static int begin(struct transfer *transfer, struct store_manifest *manifest, json_t **json,
	const json_t *heads[2], struct err *err)
{
	if (store_manifest_get(transfer->store, NULL, manifest, err) < 0)
		return -1;
	*json = json_parse(buf_str(&manifest->json), manifest->json.len, "the manifest", err);
	return !*json || read_heads(*json, heads, err) < 0 ? -1 : take_heads(transfer, heads, err);
}

static int pull(struct transfer *transfer, const char *name, json_t **pulled, struct err *err)
{
	automanifest struct store_manifest manifest = {0};
	autojson json_t *json = NULL;
	const json_t *heads[2];

	if (begin(transfer, &manifest, &json, heads, err) < 0 ||
		take_packs(transfer, json_str(heads[1], "digest"), err) < 0 ||
		put(transfer, blob_put(manifest.digest), &manifest.json, err) < 0)
		return -1;
	tell_saved(transfer, json);
	return transfer_tell(transfer,
		json_pack("{s:s, s:s, s:s, s:s}", "do", "name-set", "name", name, "digest",
			manifest.digest, "origin", store_place(transfer->store)),
		pulled, err);
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

/* === what a pull would cost === */

static int keep_config(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(err, ERR_SNAPSHOT, "its config is larger than configs can be");
	return 0;
}

/* "config" of a record. */
static json_t *read_config(struct transfer *transfer, const json_t *descriptor, struct err *err)
{
	autobuf struct buf text = BUF_INIT(SNAPSHOT_JSON_MAX);

	if (store_blob_get(transfer->store, json_str(descriptor, "digest"),
		    (uint64_t)json_int(descriptor, "size"), keep_config, &text, err) < 0)
		return NULL;
	return json_parse(buf_str(&text), text.len, "the config", err);
}

static int look(struct transfer *transfer, const char *reference, json_t **record, struct err *err)
{
	automanifest struct store_manifest manifest = {0};
	autojson json_t *json = NULL, *missing = NULL, *config = NULL;
	const json_t *heads[2];

	if (begin(transfer, &manifest, &json, heads, err) < 0 ||
		transfer_tell(transfer,
			json_pack("{s:s, s:s}", "do", "missing", "index",
				json_str(heads[1], "digest")),
			&missing, err) < 0)
		return -1;
	config = read_config(transfer, heads[0], err);
	if (!config)
		return -1;
	*record = json_pack("{s:s, s:s, s:O, s:I, s:s, s:{s:O, s:I}}", "name", reference, "digest",
		manifest.digest, "config", config, "stored",
		(json_int_t)layers_size(json, NULL) + json_int(heads[0], "size"), "origin",
		store_place(transfer->store), "pull", "bytes", json_object_get(missing, "bytes"),
		"packs", (json_int_t)json_array_size(json_object_get(missing, "packs")));
	return 0;
}

int plan_snapshot_look(struct engine *engine, const char *reference, const struct sink *sink,
	json_t **record, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", reference);
	struct transfer transfer = {.sink = sink, .object = object};
	int status = transfer_open(&transfer, engine, reference, err);

	if (status == 0)
		status = look(&transfer, reference, record, err);
	transfer_close(&transfer);
	return status < 0 ? err_wrap(err, "look at the snapshot %s", reference) : 0;
}

/* === damage === */

static int repair(struct transfer *transfer, const char *name, struct err *err)
{
	struct err found = ERR_INIT;
	autojson json_t *shown = NULL;
	const json_t *layers;

	if (transfer_tell(transfer, json_pack("{s:s, s:s}", "do", "verify", "name", name), NULL,
		    &found) < 0 &&
		found.kind == ERR_CANCELLED) {
		*err = found;
		return -1;
	}
	if (transfer_tell(
		    transfer, json_pack("{s:s, s:s}", "do", "show", "name", name), &shown, err) < 0)
		return -1;
	layers = json_at(shown, "manifest", "layers", NULL);
	return take_packs(transfer, json_str(json_array_get(layers, 0), "digest"), err);
}

int snapshot_repair(
	struct engine *engine, const char *name, const struct sink *sink, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	struct transfer transfer = {.sink = sink, .object = object};
	autojson json_t *record = NULL;
	const char *origin;
	int status;

	if (plan_snapshot_show(engine, name, sink, &record, err) < 0)
		return -1;
	origin = json_str(record, "origin");
	if (!origin)
		return err_set(
			err, ERR_SNAPSHOT, "it came from no store that could have it undamaged");
	sink_warn(sink, object, "it is damaged in the cache; what is wrong comes again from %s",
		origin);
	status = transfer_open(&transfer, engine, origin, err);
	if (status == 0)
		status = repair(&transfer, name, err);
	transfer_close(&transfer);
	return status;
}
