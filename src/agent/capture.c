/*
 * capture.c - the volume into the cache: packs, index, config, manifest, name.
 *
 * A database that did not end cleanly is refused; and what belongs to one server alone stays
 * behind.
 */
#include "cache.h"

#include "devenv/clock.h"
#include "devenv/datadir.h"
#include "devenv/masking.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* Paths that stayed behind, as the config names them: enough to see what they are. */
#define LEFT_OUT_MAX 100

#define FACTS_MAX ((size_t)64 << 10)
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct capture {
	struct agent *agent;
	const json_t *request;
	struct snapshot parent; /* parent.name NULL: none */
	struct tree_index *index;
	struct tree_totals totals;
	struct datadir found;
	json_t *left_out;
};

static bool leave_out(void *ctx, const char *path, bool directory)
{
	struct capture *capture = ctx;

	if (json_bool(capture->request, "unclean") || !datadir_leaves_out(&capture->found, path))
		return false;
	if (json_array_size(capture->left_out) < LEFT_OUT_MAX)
		json_array_append_new(capture->left_out, json_string_safe(path));
	return true;
}

/* What is in the volume, and is it fit to be copied? */
static int examine(struct capture *capture, int root, struct err *err)
{
	const char *kind;

	if (tree_interrupted(root, err))
		return err_set(err, ERR_SNAPSHOT,
			"a restore into the volume was not finished: restore it again first");
	if (datadir_examine(root, &capture->found, err) < 0)
		return -1;
	if (capture->found.kind == DATADIR_OPAQUE || json_bool(capture->request, "unclean"))
		return 0;
	kind = datadir_kind_name(capture->found.kind);
	if (capture->found.state == DATADIR_NOT_CLEAN)
		return err_set(err, ERR_SNAPSHOT,
			"the %s in it was not shut down cleanly: %s; start it, stop it and wait "
			"for its end",
			kind, capture->found.proof);
	if (capture->found.state == DATADIR_CANNOT_TELL && !json_bool(capture->request, "ended"))
		return err_set(err, ERR_SNAPSHOT,
			"nothing proves that the %s in it was shut down cleanly: %s, and its "
			"container did not end with status 0; start it, stop it and wait for its "
			"end",
			kind, capture->found.proof);
	return 0;
}

static int read_tree(struct capture *capture, int root, struct err *err)
{
	struct tree_capture_ask ask = {.root = root,
		.blobs = capture->agent->blobs,
		.parent = capture->parent.index,
		.deltas = capture->parent.index && json_bool(capture->request, "deltas"),
		.unread = json_bool(capture->request, "unread"),
		.spare = ROOM_LEFT,
		.leave_out = leave_out,
		.leave_out_ctx = capture,
		.watch = agent_watch(capture->agent)};

	capture->index = tree_capture(&ask, &capture->totals, err);
	if (!capture->index)
		return -1;
	return tree_index_store(capture->index, capture->agent->blobs, err);
}

static json_t *facts_json(const struct datadir *found)
{
	autobuf struct buf text = BUF_INIT(FACTS_MAX);
	struct err ignored = ERR_INIT;

	datadir_print_facts(found, &text);
	return json_parse(buf_str(&text), text.len, "facts", &ignored);
}

/* What is known here, with what the request says put over it. */
static json_t *make_config(const struct capture *capture)
{
	const struct tree_totals *totals = &capture->totals;
	char now[32];
	json_t *config = json_pack("{s:s, s:s, s:{s:s, s:[]}, s:o*, s:O, s:s?, s:{s:I, s:I, s:I}}",
		"created", clock_rfc3339(clock_wall(), now), "os", "linux", "rootfs", "type",
		"layers", "diff_ids", "engine", facts_json(&capture->found), "left_out",
		capture->left_out, "parent", capture->parent.name ? capture->parent.digest : NULL,
		"totals", "files", (json_int_t)totals->files, "bytes", (json_int_t)totals->bytes,
		"chunks", (json_int_t)totals->chunks);

	json_object_update(config, json_object_get(capture->request, "config"));
	return config;
}

static json_t *raw_descriptor(
	const char *type, const unsigned char sha256[SHA256_SIZE], uint64_t size)
{
	char hex[SHA256_HEX], digest[DIGEST_SIZE];

	hex_encode(sha256, SHA256_SIZE, hex);
	snprintf(digest, sizeof(digest), "sha256:%s", hex);
	return descriptor(type, digest, size);
}

static json_t *make_layers(const struct tree_index *index)
{
	json_t *layers = json_array();

	json_array_append_new(
		layers, raw_descriptor(SNAPSHOT_INDEX_TYPE, index->digest, index->blob_size));
	for (uint32_t i = 0; i < index->n_packs; i++) {
		const struct tree_pack *pack = &index->packs[i];
		bool delta = pack->kind == SNAPSHOT_PACK_DELTA;

		json_array_append_new(
			layers, raw_descriptor(delta ? SNAPSHOT_DELTA_TYPE : SNAPSHOT_PACK_TYPE,
					pack->sha256, pack->size));
	}
	return layers;
}

static int store_manifest(const struct capture *capture, char digest[DIGEST_SIZE], struct err *err)
{
	autojson json_t *config = make_config(capture), *manifest = NULL;
	autofree char *text = json_print(config), *whole = NULL;
	const char *created = json_str(config, "created");

	if (blob_store(text, strlen(text), digest, err) < 0)
		return -1;
	manifest = json_pack("{s:i, s:s, s:s, s:o, s:o, s:{s:s?}}", "schemaVersion", 2, "mediaType",
		MANIFEST_TYPE, "artifactType", SNAPSHOT_ARTIFACT_TYPE, "config",
		descriptor(SNAPSHOT_CONFIG_TYPE, digest, strlen(text)), "layers",
		make_layers(capture->index), "annotations", "org.opencontainers.image.created",
		created);
	whole = json_print(manifest);
	return blob_store(whole, strlen(whole), digest, err);
}

/* The packs of a parent go wherever the snapshot goes, with all that is in them. */
static int open_parent(struct capture *capture, const char *name, struct err *err)
{
	const json_t *config = json_object_get(capture->request, "config");

	if (snapshot_open(capture->agent, name, &capture->parent, err) < 0)
		return -1;
	if (masking_lacks(capture->parent.config) && !masking_lacks(config)) {
		agent_warn(capture->agent,
			"nothing is shared with %s, which holds unmasked data from production",
			name);
		snapshot_release(&capture->parent);
	}
	return 0;
}

/* NULL: it is; else why not, for who asked to keep whatever there is. */
static json_t *not_worth_keeping(int root, const char *replaced)
{
	struct err ignored = ERR_INIT;

	/* What that restore was to replace, it has kept. */
	if (tree_interrupted(root, &ignored) > 0)
		return json_pack("{s:b}", "interrupted", true);
	if (volume_is_empty(AGENT_TARGET, &ignored) > 0)
		return json_pack("{s:b, s:s*}", "empty", true, "replaced", replaced);
	return NULL;
}

static int run(struct capture *capture, int root, json_t **result, struct err *err)
{
	const char *name = json_str(capture->request, "name");
	const char *parent = json_str(capture->request, "parent");
	autosnapshot struct snapshot saved = {0};
	char digest[DIGEST_SIZE], replaced[DIGEST_SIZE];
	struct err ignored = ERR_INIT;
	bool replaces = name_find(name, replaced, &ignored) == 0;

	if (json_bool(capture->request, "unclean")) {
		*result = not_worth_keeping(root, replaces ? replaced : NULL);
		if (*result)
			return 0;
	}
	if (parent && open_parent(capture, parent, err) < 0)
		return -1;
	if (examine(capture, root, err) < 0 || read_tree(capture, root, err) < 0 ||
		store_manifest(capture, digest, err) < 0 ||
		name_set(name, digest, capture->parent.origin, err) < 0 ||
		snapshot_read(name, &saved, err) < 0)
		return -1;
	*result = snapshot_record(&saved);
	if (replaces && !str_eq(replaced, saved.digest))
		json_set_str(*result, "replaced", replaced);
	return 0;
}

int capture_tree(
	struct agent *agent, const json_t *request, int root, json_t **result, struct err *err)
{
	struct capture capture = {.agent = agent, .request = request, .left_out = json_array()};
	int status;

	if (str_empty(json_str(request, "name")))
		return err_set(err, ERR_FAILED, "the new snapshot has no name");
	if (cache_use(agent, err) < 0)
		return -1;
	status = run(&capture, root, result, err);
	tree_index_free(capture.index);
	snapshot_release(&capture.parent);
	datadir_release(&capture.found);
	json_decref(capture.left_out);
	return status;
}

int agent_capture(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autoclose int root = agent_target(err);

	return root < 0 ? -1 : capture_tree(agent, request, root, result, err);
}

int agent_examine(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autoclose int root = agent_target(err);
	struct datadir found;

	if (root < 0 || datadir_examine(root, &found, err) < 0)
		return -1;
	*result = json_pack("{s:o}", "engine", facts_json(&found));
	datadir_release(&found);
	return 0;
}
