/* snapshot.c - a snapshot of the cache, by its name: manifest, config, index. */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static int check_manifest(const json_t *manifest, struct err *err)
{
	if (snapshot_manifest_fits(manifest))
		return 0;
	return err_set(
		err, ERR_SNAPSHOT, "it is no snapshot of devenv, but another kind of artifact");
}

int snapshot_read(const char *name, struct snapshot *snapshot, struct err *err)
{
	if (str_empty(name))
		return err_set(err, ERR_FAILED, "no snapshot is named");
	if (name_find(name, snapshot->digest, err) < 0)
		return -1;
	snapshot->name = xstrdup(name);
	snapshot->origin = name_origin(name);
	snapshot->manifest = blob_json(snapshot->digest, err);
	if (!snapshot->manifest || check_manifest(snapshot->manifest, err) < 0)
		return err_wrap(err, "snapshot \"%s\"", name);
	snapshot->config = blob_json(
		json_str(json_object_get(snapshot->manifest, "config"), "digest"), err);
	return snapshot->config ? 0 : err_wrap(err, "snapshot \"%s\"", name);
}

/* The one that agent_prepare() read for us, once; else out of the cache. */
static struct tree_index *open_index(struct agent *agent, const char *wanted, struct err *err)
{
	char hex[SHA256_HEX];

	if (agent->prepared) {
		hex_encode(agent->prepared->digest, SHA256_SIZE, hex);
		if (str_eq(hex, wanted))
			return TAKE(agent->prepared);
	}
	return tree_index_open(agent->blobs, wanted, err);
}

int snapshot_open(struct agent *agent, const char *name, struct snapshot *snapshot, struct err *err)
{
	const char *hex;

	if (snapshot_read(name, snapshot, err) < 0)
		return -1;
	hex = digest_hex(json_str(json_array_get(json_object_get(snapshot->manifest, "layers"), 0),
				 "digest"),
		err);
	snapshot->index = hex ? open_index(agent, hex, err) : NULL;
	return snapshot->index ? 0 : err_wrap(err, "snapshot \"%s\"", name);
}

void snapshot_release(struct snapshot *snapshot)
{
	free(snapshot->name);
	free(snapshot->origin);
	json_decref(snapshot->manifest);
	json_decref(snapshot->config);
	tree_index_free(snapshot->index);
	*snapshot = (struct snapshot){0};
}

/* NULL: none. */
static json_t *users_of(const struct snapshot *snapshot)
{
	const json_t *index = json_array_get(json_object_get(snapshot->manifest, "layers"), 0);
	struct err ignored = ERR_INIT;
	const char *hex = digest_hex(json_str(index, "digest"), &ignored);
	autojson json_t *users = thin_users(hex);

	return json_object_size(users) ? TAKE(users) : NULL;
}

json_t *snapshot_record(const struct snapshot *snapshot)
{
	json_int_t stored = json_int(json_object_get(snapshot->manifest, "config"), "size");
	json_t *layer;
	size_t i;

	json_array_foreach (json_object_get(snapshot->manifest, "layers"), i, layer)
		stored += json_int(layer, "size");
	return json_pack("{s:s, s:s, s:O, s:I, s:s*, s:o*}", "name", snapshot->name, "digest",
		snapshot->digest, "config", snapshot->config, "stored", stored, "origin",
		snapshot->origin, "thin", users_of(snapshot));
}

struct tree_index *snapshot_parent(struct agent *agent, const struct tree_index *index)
{
	static const unsigned char none[SHA256_SIZE];
	struct err ignored = ERR_INIT;
	char hex[SHA256_HEX];

	if (memcmp(index->parent, none, sizeof(none)) == 0)
		return NULL;
	hex_encode(index->parent, SHA256_SIZE, hex);
	return tree_index_open(agent->blobs, hex, &ignored);
}
