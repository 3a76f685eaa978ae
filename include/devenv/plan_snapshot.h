/*
 * plan_snapshot.h - snapshots of volumes: save, restore, look, tidy up; push and pull.
 *
 * The work is done by the agent (agent.h), in a container that mounts the volume and the cache: the
 * volume "devenv-cache", an OCI image layout whose index.json names the snapshots that are there.
 * So nothing here touches this machine's disk, and all of it works on a remote engine, too.
 *
 *	struct snapshot_save_ask ask = {.volume = "shop_data", .name = "before", .sink = sink};
 *	autojson json_t *saved = NULL;
 *	if (plan_snapshot_save(engine, &ask, &saved, err) < 0) ...
 *	struct snapshot_restore_ask back = {.volume = "shop_data", .name = "before"};
 *	plan_snapshot_restore(engine, &back, err);
 *
 * A snapshot's record, which most functions hand out, is
 *
 *	{"name": "before",                        what it is called in the cache
 *	 "digest": "sha256:...",                  of its manifest: this is the snapshot's identity
 *	 "config": {...},                         the config blob (SNAPSHOT_CONFIG_TYPE)
 *	 "stored": N,                             bytes of all its blobs, shared ones too
 *	 "origin": "registry/repo",               the store that it, or its parent, was pulled from;
 *						  not there: none
 *	 "thin": {VOLUME: N}}                     the thin volumes (plan_thin.h) that stand on it,
 *						  and the bytes written since; also those that
 *						  are gone, until a prune; not there: none
 *
 * Progress and warnings go to the sink, about "volume NAME", "snapshot NAME" or "snapshots"; what
 * begins and ends an object's line (EVENT_START, EVENT_DONE) is the caller's.
 *
 * Errors are ERR_SNAPSHOT (what is wrong with a snapshot, a volume or what is in it) or ERR_ENGINE;
 * ERR_CANCELLED after Ctrl-C.  Whatever happens, the agent's container is removed; that of a killed
 * run is removed by the next one.
 */
#ifndef DEVENV_PLAN_SNAPSHOT_H
#define DEVENV_PLAN_SNAPSHOT_H

#include "devenv/datadir.h"
#include "devenv/dump.h"
#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"
#include "devenv/manifest.h"
#include "devenv/plan.h"

#include <stdbool.h>

/*
 * Start an agent and ask what it stands on: {"version", "kernel", "cache": {"bytes", "free",
 * "reflink": can files share their blocks?}, "target": the same of `volume`, which may be NULL, and
 * "empty": has it no data yet?}.
 */
int plan_snapshot_probe(struct engine *engine, const char *volume, json_t **probe, struct err *err);

/*
 * Has a server no room to start where the engine keeps `volume` (NULL: the cache)? For one that
 * ended without a word: its log had no room either. Starts an agent, which may not have it too.
 */
bool plan_snapshot_is_full(struct engine *engine, const char *volume);

/* And then. */
#define PLAN_MAKE_ROOM \
	"make room where the engine keeps its volumes; `devenv snapshot prune` frees what no " \
	"snapshot needs"

/* === one agent for several requests === */

/*
 * Starting an agent takes longer than most requests. This one serves all that are about `volume`,
 * which must be there, or about none (NULL): put it into their asks. Its container does not count
 * as using the volume. The sink is borrowed. NULL with err.
 */
struct agent;
struct agent *plan_snapshot_open(
	struct engine *engine, const char *volume, const struct sink *sink, struct err *err);

/* It is gone. NULL is fine. */
void plan_snapshot_close(struct agent *agent);

/*
 * Instead of plan_snapshot_close(), for who need not wait until what a restore replaced is freed: a
 * file system that shares blocks may take a second for that. The agent goes by itself then, or when
 * devenv opens the next one or removes the volume. NULL is fine.
 */
void plan_snapshot_leave(struct agent *agent);

/*
 * plan_snapshot_show(), plan_snapshot_list() and plan_snapshot_remove() of an agent that is open.
 */
int plan_snapshot_show_by(struct agent *agent, const char *name, json_t **record, struct err *err);
int plan_snapshot_list_by(struct agent *agent, json_t **list, struct err *err);
int plan_snapshot_remove_by(struct agent *agent, const char *name, struct err *err);

/* === save and restore === */

/* May a snapshot be called so? ERR_USAGE. For those who stop something before they save. */
int plan_snapshot_check_name(const char *name, struct err *err);

struct snapshot_save_ask {
	struct agent *agent; /* opened for this volume; NULL: one of its own */
	const char *volume;  /* the engine's name of it */
	const char *name;    /* in the cache; what had it before is replaced */
	/*
	 * A snapshot of the cache whose chunks are not stored again; or NULL. One of unmasked
	 * production data (masking.h) counts only for another such: packs are shared whole.
	 */
	const char *parent;
	bool deltas; /* with a parent: also what is smaller for those who have the parent */
	bool ended;  /* the container that used the volume last ended with status 0 */
	bool unread; /* files of the parent's path, size and mtime are not read */
	/*
	 * Take a database in whatever state, and all of its files. Where a restore was killed
	 * nothing is saved, and *saved is {"interrupted": true}; nor of an empty volume:
	 * {"empty": true, "replaced"?: DIGEST of what has the name}.
	 */
	bool unclean;
	const json_t *config; /* put over what the agent found out for the config blob; or NULL */
	const char *object;   /* of the events; NULL: "volume NAME" */
	const struct sink *sink;
};

/*
 * Capture the volume into the cache. Refused with ERR_SNAPSHOT while a running container uses it,
 * and for a database that was not shut down cleanly. *saved (a new reference) gets the record, with
 * "replaced": the digest of what had the name before, if anything had.
 */
int plan_snapshot_save(struct engine *engine, const struct snapshot_save_ask *ask, json_t **saved,
	struct err *err);

struct snapshot_restore_ask {
	struct agent *agent; /* as above */
	const char *volume;  /* created when it is not there */
	const char *name;    /* in the cache, or "sha256:..." of a manifest there */
	bool replace;        /* the word for it was given: what is in the volume goes */
	bool whole;          /* with replace: also files that did not change since a restore */
	const char *object;  /* of the events; NULL: "volume NAME" */
	const struct sink *sink;
	bool *freeing; /* gets: when the agent ends, will it free what was replaced? or NULL */
};

/*
 * What a restore by ask->agent has to make once in the cache is made, while the volume is in use
 * yet: so that its services are stopped for a shorter time. Damage is repaired as there.
 */
int plan_snapshot_prepare(
	struct engine *engine, const struct snapshot_restore_ask *ask, struct err *err);

/*
 * Restore a snapshot of the cache into a volume: first all of it beside what is there, then in its
 * place; what is in the volume before goes only then. What the cache has damaged comes again from
 * the snapshot's origin. Refused with ERR_SNAPSHOT for a volume that
 * is not empty, without `replace`, and for one that a running container uses.
 */
int plan_snapshot_restore(
	struct engine *engine, const struct snapshot_restore_ask *ask, struct err *err);

/* The records of all snapshots in the cache, by name. An engine without a cache has none. */
int plan_snapshot_list(
	struct engine *engine, const struct sink *sink, json_t **list, struct err *err);

/* The record of one. */
int plan_snapshot_show(struct engine *engine, const char *name, const struct sink *sink,
	json_t **record, struct err *err);

/*
 * What is not the same in two snapshots of the cache; only their indexes are read. *diff gets
 *
 *	{"before", "after": records,
 *	 "changes": [{"path", "change": "added", "removed", "changed" or "attributes",
 *		"type": "file", "directory", "link", "fifo" or "hardlink",
 *		"before", "after": sizes, absent where it is not,
 *		"bytes": of the 64 KiB pieces that differ}, ...]        by path
 *	 "unlisted": N                              changes beyond what one answer can name
 *	 "totals": {"added", "removed", "changed", "attributes": entries, "bytes"}
 *	 "pull": N}                 bytes that a pull of `after` brings to one who has `before`
 */
int plan_snapshot_diff(struct engine *engine, const char *before, const char *after,
	const struct sink *sink, json_t **diff, struct err *err);

/*
 * Read every byte of a snapshot in the cache and check it. What is damaged is asked for again by
 * the next plan_snapshot_pull(). *verified: {"packs", "chunks": how many}; may be NULL.
 */
int plan_snapshot_verify(struct engine *engine, const char *name, const struct sink *sink,
	json_t **verified, struct err *err);

struct snapshot_boot_ask {
	const json_t *record; /* of the snapshot */
	/* The service whose environment, command and files its server gets, and its volume. */
	const struct workspace *ws;
	const struct manifest *manifest;
	const char *service, *volume;
	const struct sink *sink;
};

/*
 * Restore a snapshot of a database into a scratch volume, start the image that it was saved from on
 * it, without a network, wait until it answers, count the rows of all tables, stop it and see that
 * it ended cleanly. What was made for it goes again, on every way out. *booted:
 *
 *	{"image": reference, by its digest where that is known,
 *	 "probes": what was counted, as in a config,
 *	 "recorded": has the config such counts?
 *	 "differ": [{"database", "table", "recorded": rows, "found": rows}, ...]: tables that
 *						  are not as recorded; without what is not there
 *	 "proof": of the clean end; absent where the bytes cannot tell}
 *
 * That some differ is no error here. ERR_SNAPSHOT for what holds no database, too.
 */
int plan_snapshot_boot(struct engine *engine, const struct snapshot_boot_ask *ask, json_t **booted,
	struct err *err);

/*
 * Count the rows of all tables of the database that runs in a container: the "probes" of a config,
 * [{"database", "table", "rows"}, ...], and ask how the server was set up: its "server",
 * {"collation", and "lower_case_table_names" or "collation_version"}. One that does not run has
 * none: *rows and *server stay as they are. ERR_SNAPSHOT for one of no database that devenv knows.
 */
int plan_snapshot_rows(struct engine *engine, const char *container, json_t **rows, json_t **server,
	struct err *err);

/* What is in a volume, from its files: datadir_print_facts(). */
int plan_snapshot_examine(
	struct engine *engine, const char *volume, json_t **facts, struct err *err);

/*
 * Look for what must not be in a snapshot of the cache: `canaries` and `allowed` as for
 * canary_rules_new(), or NULL. *found: {"bytes", "places": N, "finds": [{"path" or "pack",
 * "in_name", "kind", "count", "offset", "shown", "number"?}, ...]}, the first 1000 of N (agent.h).
 * That there are some is no error here.
 */
int plan_snapshot_scan(struct engine *engine, const char *name, const json_t *canaries,
	const json_t *allowed, const struct sink *sink, json_t **found, struct err *err);

/* Forget a name. Its blobs stay until plan_snapshot_prune(). */
int plan_snapshot_remove(
	struct engine *engine, const char *name, const struct sink *sink, struct err *err);

/*
 * Remove the blobs that no named snapshot needs, nor a service that is to restore one on its first
 * connection, the trees that neither such a one nor a thin volume (plan_thin.h) needs, what thin
 * volumes that are gone had, and the images of other versions of the agent.
 * *freed gets the bytes of the blobs. ERR_SNAPSHOT while another devenv uses the cache.
 */
int plan_snapshot_prune(
	struct engine *engine, const struct sink *sink, uint64_t *freed, struct err *err);

/*
 * The same of what only these snapshots need ("sha256:..." each), which have no name any more, by
 * an agent that is open and is asked for nothing else then. While others use the cache, or when
 * anything is wrong, it all stays for plan_snapshot_prune().
 */
void plan_snapshot_forget(struct engine *engine, struct agent *agent, const json_t *digests);

/*
 * What state_volume_write() keeps of a volume that began as the snapshot of this record, or whose
 * content was just saved in it: also whether that came from production. A new reference.
 */
json_t *plan_snapshot_origin(const json_t *record);

/* === snapshots and images === */

/*
 * Put what is known of the volume's image into a snapshot's config: "image", "image_digest",
 * "libc". `image` is as image_inspect() gives it.
 */
void plan_snapshot_note_image(json_t *config, const char *ref, const json_t *image);

/*
 * May a container of `image` start on a snapshot with this config? What it is started with is the
 * image's, but for the "entrypoint" and "command" of `service` (of the model, or NULL). `why` (the
 * caller's) gets the reason, NULL when it may: datadir_compatible().
 */
enum datadir_verdict plan_snapshot_fits(
	const json_t *config, const json_t *image, const json_t *service, char **why);

/* === files === */

/* A plain tar of what the snapshot holds, in pieces to `write`: tree_export(). */
int plan_snapshot_export(struct engine *engine, const char *name, tar_write_fn *write, void *ctx,
	const struct sink *sink, struct err *err);

struct snapshot_import_ask {
	struct dump *dump;
	const char *path;     /* of it, for messages */
	const char *name;     /* in the cache; what had it before is replaced */
	const char *parent;   /* as of snapshot_save_ask */
	const json_t *config; /* as of snapshot_save_ask */
	/* For SQL: the service whose image makes the data directory, and its volume. */
	const struct workspace *ws;
	const struct manifest *manifest;
	const char *service, *volume;
	const struct sink *sink;
};

/*
 * A tar of a data directory (DUMP_TAR) as a snapshot: the same checks as of a save. *saved gets the
 * record. No volume is made or touched.
 */
int plan_snapshot_import(struct engine *engine, const struct snapshot_import_ask *ask,
	json_t **saved, struct err *err);

/*
 * SQL, or an archive of pg_dump, as a snapshot: a server of the service's image, with its
 * environment and on a volume of its own, loads it with its own client and is stopped. Nothing of
 * the service itself is touched. The first error of the client ends it, with the client's words.
 * The rows of all tables are recorded as "probes": [{"database", "table", "rows"}, ...].
 */
int plan_snapshot_import_sql(struct engine *engine, const struct snapshot_import_ask *ask,
	json_t **saved, struct err *err);

/* === stores: include/devenv/store.h === */

/*
 * Send a snapshot of the cache to a store: the blobs that the store has not, then the manifest. A
 * first `push` of a snapshot whose parent is there sends only what is new. What the cache has not,
 * because deltas were enough, comes from the snapshot's origin. Several blobs go at once; after an
 * interruption the blobs that arrived are not sent again. `reference` as in store.h. ERR_REGISTRY
 * for the store; ERR_SNAPSHOT for production data without masking rules. *pushed is the caller's:
 * {"name", "reference", "digest": of the manifest that the store has}.
 */
int plan_snapshot_push(struct engine *engine, const char *name, const char *reference,
	const struct sink *sink, json_t **pushed, struct err *err);

/*
 * Bring a snapshot from a store into the cache, as `name` (NULL: the reference itself). Of packs of
 * which the cache has something only the missing ranges come, and deltas where the cache has the
 * parent. Several packs come at once; after an interruption those that arrived do not come again.
 * *pulled gets the record.
 */
int plan_snapshot_pull(struct engine *engine, const char *reference, const char *name,
	const struct sink *sink, json_t **pulled, struct err *err);

/*
 * What a snapshot of a store is, and what a pull of it would bring: its config and index come into
 * the cache, where a pull finds them, and no pack does. *record gets the record, with
 *
 *	"pull": {"bytes": N, "packs": N}          that the cache lacks; packs in part count, too
 */
int plan_snapshot_look(struct engine *engine, const char *reference, const struct sink *sink,
	json_t **record, struct err *err);

#endif
