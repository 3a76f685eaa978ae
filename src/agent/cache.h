/*
 * cache.h - the cache: an OCI image layout (image-spec v1.1, image-layout.md) in a volume that only
 * agents touch.  Private to src/agent.
 *
 * Every agent that uses it holds its lock shared, from the first use to its end; so whoever gets it
 * alone knows that nobody is about to name what it finds unnamed.  Who comes first sweeps what
 * killed runs did not finish.
 */
#ifndef AGENT_CACHE_H
#define AGENT_CACHE_H

#include "agent.h"

#define CACHE_BLOBS AGENT_CACHE "/blobs/sha256"
#define CACHE_TREES AGENT_CACHE "/trees"
#define CACHE_BRANCHES AGENT_CACHE "/branches"
#define CACHE_PROGRAMS AGENT_CACHE "/bin" /* agents, for containers that are restored later */
#define CACHE_THIN AGENT_CACHE "/" THIN_FOLDER

#define DIGEST_SIZE 72 /* "sha256:" + 64 hex digits and NUL */

/* Make it a layout if it is none, and open agent->blobs. */
int cache_use(struct agent *agent, struct err *err);

/* The same of a cache that can only be read. */
int cache_read(struct agent *agent, struct err *err);

/* The lock alone, or ERR_SNAPSHOT: others are at work. */
int cache_alone(struct agent *agent, struct err *err);

/* Remove what is waste of a folder of the cache, where there is one: files, and whole trees. */
typedef bool cache_waste(void *ctx, const char *name, const char *path);
int cache_sweep(const char *folder, cache_waste *waste, void *ctx, struct err *err);

/* The 64 digits of "sha256:...", or NULL with ERR_FAILED. Borrowed from `digest`. */
const char *digest_hex(const char *digest, struct err *err);

/* CACHE_BLOBS/HEX, the caller's. */
char *blob_path(const char *hex);

/* Store a small blob; `digest` gets what it is called. */
int blob_store(const char *text, size_t len, char digest[DIGEST_SIZE], struct err *err);

/* A small blob that must be a JSON object with that digest; a new reference. */
json_t *blob_json(const char *digest, struct err *err);

/* {"mediaType", "digest", "size"}, as image-spec's descriptor.md has it. A new reference. */
json_t *descriptor(const char *type, const char *digest, uint64_t size);

/* === names: index.json === */

#define REF_NAME "org.opencontainers.image.ref.name"

/* index.json, or an empty one; a new reference. */
json_t *names_read(struct err *err);

/* The name of one of its descriptors; NULL: none. */
const char *name_of(const json_t *descriptor);

/*
 * The digest of the manifest that is called `name`; a digest is one itself. ERR_SNAPSHOT: none is.
 */
int name_find(const char *name, char digest[DIGEST_SIZE], struct err *err);

/*
 * Call a manifest of the cache so; who had the name loses it. `digest` NULL: nobody has it then.
 * `origin`: the store that has all of it, or NULL.
 */
int name_set(const char *name, const char *digest, const char *origin, struct err *err);

/* The origin that was set with the name, or with one of that digest; NULL: none. The caller's. */
char *name_origin(const char *name);

/* === branches (branches.c): what is known of them, and where they are kept === */

/* STATES of plan_branch.h, of all volumes; and writing them, all at once. */
json_t *branches_read(struct err *err);
int branches_write(const json_t *states, struct err *err);

/* The folder of a volume's branch that is put aside. The caller's. */
char *branches_path(const char *volume, const char *branch);

/* Remove what no branch needs. Only for whoever has the cache, or the branches, alone. */
int branches_sweep(struct err *err);

/* === thin volumes (thin.c) === */

/*
 * Remove what no volume of `volumes` (names) stands on, and put the digests of the trees that the
 * others need into `trees`. Only for whoever has the cache alone.
 */
int thin_sweep(const json_t *volumes, json_t *trees, struct err *err);

/* {VOLUME: bytes that were written since} of those on the tree HEX. A new reference. */
json_t *thin_users(const char *hex);

/* === a snapshot === */

struct snapshot {
	char *name;
	char *origin; /* the store that has all of it; NULL: not known */
	char digest[DIGEST_SIZE];
	json_t *manifest, *config;
	struct tree_index *index; /* only by snapshot_open() */
};

/* Read manifest and config of what has that name or digest. After a failure too: release. */
int snapshot_read(const char *name, struct snapshot *snapshot, struct err *err);

/* The index, too. */
int snapshot_open(
	struct agent *agent, const char *name, struct snapshot *snapshot, struct err *err);

void snapshot_release(struct snapshot *snapshot);
#define autosnapshot __attribute__((cleanup(snapshot_release)))

/* The record of plan_snapshot.h; a new reference. */
json_t *snapshot_record(const struct snapshot *snapshot);

/*
 * Its tree in CACHE_TREES, made if need be, never changed after that: an open folder, the caller's.
 * -1 with err. (restore.c)
 */
int snapshot_tree(struct agent *agent, const struct snapshot *snapshot, struct err *err);

/* The index that this one's deltas need, if the cache has it, else NULL. The caller's. */
struct tree_index *snapshot_parent(struct agent *agent, const struct tree_index *index);

/* === restoring (restore.c) === */

/* 1: there is nothing in the volume yet, or what a killed restore left; 0: its data; -1 with err */
int volume_is_empty(const char *path, struct err *err);

struct restore_work {
	const struct snapshot *snapshot;
	int target, base;   /* restore_base(), or -1 */
	bool replace, keep; /* as of tree_materialize_ask */
	struct tree_removed *removed;
	struct tree_watch watch;
};

/* tree_materialize() of a snapshot of the cache. */
int restore_tree(struct agent *agent, const struct restore_work *work, struct tree_made *made,
	struct err *err);

/* The tree of the snapshot that the cache has to be cloned; -1: none. */
int restore_base(const struct snapshot *snapshot);

#endif
