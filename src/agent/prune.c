/*
 * prune.c - blobs that no named snapshot needs.
 *
 * What is needed: each named manifest, its config and its layers, in whole or as ".part".  And,
 * where chunks came only as deltas, all of that of the parent, which has no name perhaps but an
 * index.  The branches that were put aside stay.
 */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A delta's base may itself be one. */
#define PARENTS_MAX 64

static void need_digest(json_t *needed, const char *digest)
{
	struct err ignored = ERR_INIT;
	const char *hex = digest_hex(digest, &ignored);

	if (hex)
		json_object_set_new(needed, hex, json_true());
}

static void need_raw(json_t *needed, const unsigned char sha256[SHA256_SIZE])
{
	char hex[SHA256_HEX];

	hex_encode(sha256, SHA256_SIZE, hex);
	json_object_set_new(needed, hex, json_true());
}

/* The packs of `index`, and of what its deltas stand on. Takes it. */
static int need_index(
	struct agent *agent, struct tree_index *index, json_t *needed, struct err *err)
{
	for (size_t depth = 0; index && depth < PARENTS_MAX; depth++) {
		struct tree_missing missing = {0};
		struct tree_index *parent = NULL;

		need_raw(needed, index->digest);
		for (uint32_t i = 0; i < index->n_packs; i++)
			need_raw(needed, index->packs[i].sha256);
		if (tree_missing(index, NULL, agent->blobs, &missing, err) < 0) {
			tree_index_free(index);
			return -1;
		}
		if (missing.n)
			parent = snapshot_parent(agent, index);
		tree_missing_release(&missing);
		tree_index_free(index);
		index = parent;
	}
	tree_index_free(index);
	return 0;
}

static int need_snapshot(struct agent *agent, const char *name, json_t *needed, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct tree_index *index;
	json_t *layer;
	size_t i;

	if (snapshot_open(agent, name, &snapshot, err) < 0)
		return -1;
	need_digest(needed, snapshot.digest);
	need_digest(needed, json_str(json_object_get(snapshot.manifest, "config"), "digest"));
	json_array_foreach (json_object_get(snapshot.manifest, "layers"), i, layer)
		need_digest(needed, json_str(layer, "digest"));
	index = TAKE(snapshot.index);
	return need_index(agent, index, needed, err);
}

/* What these alone may need; one that cannot be read stays as it is. NULL: anything may go. */
static json_t *what_may_go(struct agent *agent, const json_t *snapshots)
{
	json_t *out, *each;
	size_t i;

	if (!snapshots)
		return NULL;
	out = json_object();
	json_array_foreach (snapshots, i, each) {
		struct err ignored = ERR_INIT;

		need_snapshot(agent, json_string_value(each), out, &ignored);
	}
	return out;
}

struct waste {
	const json_t *needed, *may_go;
};

static bool is_waste(const struct waste *waste, const char *hex)
{
	return !json_object_get(waste->needed, hex) &&
	       (!waste->may_go || json_object_get(waste->may_go, hex));
}

static int remove_unneeded(const struct waste *waste, uint64_t *freed, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (fs_list(CACHE_BLOBS, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = blob_path(names.v[i]);
		autofree char *hex = xstrndup(names.v[i], strcspn(names.v[i], "."));
		struct stat status;

		if (!is_waste(waste, hex) || lstat(path, &status) < 0)
			continue;
		if (unlink(path) == 0)
			*freed += (uint64_t)status.st_blocks * 512;
	}
	return 0;
}

/* cache_waste: trees that were made to be cloned, or that no thin volume stands on any more. */
static bool is_unneeded_tree(void *waste, const char *name, const char *path)
{
	return is_waste(waste, name);
}

static bool is_unneeded_program(void *needed, const char *name, const char *path)
{
	return !json_object_get(needed, path);
}

/* What containers wait for; it may be gone where their volumes have been restored long since. */
static int need_lazy(
	struct agent *agent, const json_t *lazy, json_t *needed, json_t *programs, struct err *err)
{
	json_t *volume;
	size_t i;

	if (json_str(lazy, "program"))
		json_object_set_new(programs, json_str(lazy, "program"), json_true());
	json_array_foreach (json_object_get(lazy, "volumes"), i, volume) {
		const char *hex = digest_hex(json_str(volume, "digest"), err);
		autofree char *path = hex ? blob_path(hex) : NULL;

		if (!hex || (fs_exists(path) && need_snapshot(agent, json_str(volume, "digest"),
							needed, err) < 0))
			return -1;
	}
	return 0;
}

int agent_alone(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	return cache_alone(agent, err);
}

/* A snapshot that cannot be read stops it all: what it needs is not known. */
int agent_prune(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autojson json_t *names = NULL, *needed = json_object(), *programs = json_object();
	autojson json_t *may_go = NULL;
	struct waste waste = {.needed = needed};
	uint64_t freed = 0;
	json_t *each;
	size_t i;

	if (cache_alone(agent, err) < 0)
		return -1;
	names = names_read(err);
	if (!names)
		return -1;
	json_array_foreach (json_object_get(names, "manifests"), i, each) {
		const char *name = name_of(each);

		if (need_snapshot(agent, name ? name : json_str(each, "digest"), needed, err) < 0)
			return err_wrap(err, "nothing was removed");
	}
	json_array_foreach (json_object_get(request, "keep"), i, each)
		if (need_lazy(agent, each, needed, programs, err) < 0)
			return err_wrap(err, "nothing was removed");
	waste.may_go = may_go = what_may_go(agent, json_object_get(request, "of"));
	if (remove_unneeded(&waste, &freed, err) < 0 ||
		thin_sweep(json_object_get(request, "thin"), needed, err) < 0 ||
		cache_sweep(CACHE_TREES, is_unneeded_tree, &waste, err) < 0 ||
		cache_sweep(CACHE_PROGRAMS, is_unneeded_program, programs, err) < 0 ||
		import_sweep(err) < 0 || branches_sweep(err) < 0)
		return -1;
	*result = json_pack("{s:I}", "freed", (json_int_t)freed);
	return 0;
}
