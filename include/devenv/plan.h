/*
 * plan.h - from what is and what should be to ordered actions, and running them.
 *
 * The plan is data.  `devenv plan` and `up --dry-run` print it, `up` runs that same object.  Each
 * action knows what it needs; nothing waits for more than that, so a service starts as soon as its
 * own image, data and dependencies are there.
 *
 *	struct plan plan = {0};
 *	if (plan_up(engine, &(struct plan_request){.ws = &ws}, &plan, err) < 0)
 *		return -1;
 *	plan_print(&plan, &text);
 *	if (plan_run(&plan, engine, &(struct run_options){.sink = sink}, err) < 0) ...
 *	plan_release(&plan);
 *
 * A plan borrows the workspace it was made from.
 */
#ifndef DEVENV_PLAN_H
#define DEVENV_PLAN_H

#include "devenv/buf.h"
#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"
#include "devenv/manifest.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stdint.h>

enum action_kind {
	ACTION_CLONE,   /* a source */
	ACTION_PULL,    /* an image */
	ACTION_BUILD,   /* an image, from `build:` */
	ACTION_FETCH,   /* a snapshot, into the engine's cache */
	ACTION_NETWORK, /* create */
	ACTION_VOLUME,  /* create */
	ACTION_RESTORE, /* a snapshot into a volume that was just created */
	ACTION_CREATE,  /* a container; the one it replaces goes first */
	ACTION_START,
	ACTION_RESTART,
	ACTION_READY, /* wait until it is truly ready */
	ACTION_STOP,
	ACTION_REMOVE, /* a container */
	ACTION_REMOVE_NETWORK,
	ACTION_REMOVE_VOLUME,
};

struct action {
	enum action_kind kind;
	char *object; /* "service shop/web", "image nginx:1.27", "volume shop_data": also its key */
	char *reason; /* why it is needed, for people; may be NULL */
	const struct manifest *manifest; /* or NULL */
	const char *service;             /* borrowed from the model; or NULL */
	int number;                      /* container number of its service, from 1 */
	char *name;                      /* the engine's name of the object */
	char *id;                        /* the container that is there already; or NULL */
	json_t *body;                    /* what is sent (create); owned; or NULL */
	json_t *extra; /* owned: further networks to connect, files to put, the source's url ... */
	bool job;      /* READY: success is to exit with 0 */
	size_t *needs; /* indexes of actions that must be done before */
	size_t n_needs;
};

struct plan {
	const struct workspace *ws;
	struct action *actions;
	size_t n;
	size_t unchanged;     /* containers that are as they should be */
	struct strv orphans;  /* containers whose service is in no manifest any more */
	struct strv warnings; /* for the user, before anything is done */
};

/*
 * PULL_POLICY: as `pull_policy` of each service says, "missing" where it says nothing; PULL_NEWER:
 * as it says, "always" where it says nothing. The others are stronger than what it says.
 */
enum pull_policy { PULL_POLICY, PULL_NEWER, PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

/* A one-off container of a service (`devenv run`). */
struct oneoff {
	const struct manifest *manifest;
	const char *service;
	char *name;                              /* of the container */
	void (*adjust)(void *ctx, json_t *body); /* the command line's wishes */
	void *ctx;
	bool publish; /* the service's ports too */
	bool aliases; /* and its names in the networks */
};

/* How images are built. */
struct build_wishes {
	bool no_cache, pull, push;
	int64_t memory;          /* of a step's container, bytes; 0: any */
	const struct strv *args; /* NAME=VALUE over those of the manifest; or NULL */
};

struct plan_request {
	const struct workspace *ws;
	const struct strv *words; /* services and manifests; empty or NULL: all */
	enum pull_policy pull;
	bool force_recreate; /* of the services that the words name */
	bool recreate_deps;  /* of those that they depend on */
	bool no_recreate;
	bool renew_volumes; /* a new container gets new anonymous volumes, not its predecessor's */
	bool no_deps;
	bool no_start; /* create only */
	bool no_wait;  /* up: until started, where nothing else waits for more */
	bool remove_orphans;
	bool ignore_buildable;            /* pull: not what has `build:` */
	bool no_build;                    /* up: what is missing is an error */
	const struct build_wishes *build; /* build what is there too; or NULL */
	/*
	 * up: {NAME of a container that is gone: {"Mounts"} as container_inspect() showed it}: what
	 * is made anew gets its anonymous volumes; or NULL
	 */
	const json_t *inherit;
	const struct oneoff *oneoff; /* up: in place of its service\'s own container; or NULL */
	bool volumes;                /* down: named volumes too */
	bool wait_running;           /* start: also until what runs already is ready */
	int timeout_s;               /* stop: -1 for each service's own */
};

/*
 * What `up` would do. Only reads from the engine. ERR_PORT for a taken port, before anything is
 * pulled.
 */
int plan_up(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);

/* Stop and remove, in reverse order of dependencies, what carries the workspace's labels. */
int plan_down(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);
int plan_stop(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);
int plan_start(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);
int plan_restart(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err);

/*
 * With PULL_ALWAYS or PULL_NEWER every image, with PULL_MISSING those that are not there; with
 * PULL_POLICY, what `pull_policy` wants newer before an `up`. `dependencies`: also of the services
 * that the words depend on.
 */
int plan_pull(struct engine *engine, const struct plan_request *request, bool dependencies,
	struct plan *plan, struct err *err);

/*
 * Builds of the words' services that have `build:`, each after those of the services it depends on.
 * Without request->build only those whose `pull_policy` is "build". `dependencies`: also of the
 * services that the words depend on.
 */
int plan_build(
	const struct plan_request *request, bool dependencies, struct plan *plan, struct err *err);

/*
 * The services that the words mean and (not with no_deps) those they depend on, each a word of its
 * own: MANIFEST/SERVICE.
 */
int plan_words(const struct plan_request *request, struct strv *words, struct err *err);

void plan_release(struct plan *plan);

/* For people: one line an action. For programs: {"actions": [...], "unchanged": n}. */
void plan_print(const struct plan *plan, struct buf *out);
json_t *plan_json(const struct plan *plan);

struct run_options {
	const struct sink *sink;
	int workers;                  /* 0: a sensible number */
	int64_t wait_timeout_ms;      /* for all to become ready; 0: 10 minutes */
	int stop_timeout_s;           /* -1: each service's own */
	bool quiet_pull, quiet_build; /* no progress of these */
	bool ignore_pull_failures;    /* only warn */
};

/*
 * Run every action as soon as what it needs is done. The first failure stops new actions; what runs
 * is finished. Ctrl-C is ERR_CANCELLED. Every failure is emitted as EVENT_FAILED; `err` is the
 * first.
 */
int plan_run(struct plan *plan, struct engine *engine, const struct run_options *options,
	struct err *err);

/* === what exists === */

struct container {
	char *id, *name, *image, *image_id, *state, *status; /* state: running, exited, ... */
	char *project, *service, *working_dir;
	int number;
	bool oneoff;
	json_t *labels; /* owned */
	json_t *raw;    /* owned: the engine's list entry (Ports, NetworkSettings, Mounts) */
};

struct actual {
	struct container *containers;
	size_t n;
	json_t *networks; /* owned: name -> the engine's entry */
	json_t *volumes;  /* owned: name -> the engine's entry */
};

/*
 * The workspace's containers (labels of its projects), and the engine's networks and volumes of
 * these names. Containers of a project with our name from another folder are ERR_FAILED "identity".
 */
int actual_read(
	struct engine *engine, const struct workspace *ws, struct actual *actual, struct err *err);
void actual_release(struct actual *actual);

/* The container of a service by number (0: the lowest running, else the lowest), or NULL. */
const struct container *actual_find(const struct actual *actual, const struct manifest *manifest,
	const char *service, int number);

/* The mount of a volume, by its name, in the engine's list entry of a container; or NULL. */
const json_t *actual_mount(const json_t *listed, const char *volume);

/*
 * A service whose volume is restored on its first connection (x-snapshot with `lazy: true`): what
 * it does, of the labels of its running container. Asks the engine only where they say that it is
 * one; AWAKE: its server runs, or is about to.
 */
enum lazy_state { LAZY_AWAKE, LAZY_ASLEEP, LAZY_WAKING };
int plan_lazy_state(struct engine *engine, const char *id, const json_t *labels,
	enum lazy_state *state, struct err *err);

/* The snapshots that it restores, with commas between them. The caller's. */
char *plan_lazy_snapshots(const json_t *labels);

/*
 * Do what its first connection would, and wait until it is ready; nothing when it is no such
 * service, or not asleep. ERR_SERVICE as of ready_check().
 */
int plan_lazy_wake(struct engine *engine, const struct workspace *ws,
	const struct manifest *manifest, const struct container *container, const struct sink *sink,
	struct err *err);

/*
 * The workspace as the labels of its containers tell it, for when its files cannot be loaded:
 * enough to look, stop and take down. Goes up from `dir` (NULL: here). ERR_FAILED when nothing came
 * from there.
 */
int plan_salvage(struct engine *engine, const char *dir, struct workspace *ws, struct err *err);

/* === one service === */

/*
 * Why `container` is not what `service` of `manifest` should be, as a list of field paths with old
 * and new value; empty when it is. Needs no engine. Of a container that docker compose made, which
 * has no model but Compose's config hash, only some fields can be named; `actual` has the
 * containers that it shares something with.
 */
void plan_differences(const struct manifest *manifest, const char *service,
	const struct container *container, const struct actual *actual, struct strv *out);

/* Is it a job: does another service wait for it to end with 0? */
bool plan_is_job(const struct manifest *manifest, const char *service);

/*
 * The body of POST /containers/create for a service, or (not NULL) of its one-off container, before
 * oneoff->adjust. Owned by the caller.
 */
json_t *plan_body(const struct workspace *ws, const struct manifest *manifest, const char *service,
	int number, const struct oneoff *oneoff, json_t **extra, struct err *err);

/* What joins the parts of names that the engine sees: "-", or "_" with --compatibility. */
const char *plan_joint(const struct manifest *manifest);

/* The image a service runs, borrowed or made: the caller's. */
char *plan_image(const struct manifest *manifest, const char *service);

/* Container name "<project>-<service>-<number>", or its container_name. The caller's. */
char *plan_container_name(const struct manifest *manifest, const char *service, int number);

/*
 * Further networks, inline secrets and configs of a created container, from `extra` of plan_body.
 * The sink hears of credentials that could not be had (`use_api_socket`).
 */
int plan_complete(struct engine *engine, const char *id, const json_t *extra,
	const struct sink *sink, struct err *err);

/*
 * Check a container once: 1 ready, 0 not yet (`detail`, at least 128 bytes, says what is awaited),
 * -1 it never will be. `job`: ready means it ended with 0. `state` is the caller's, zeroed, kept
 * between calls; release with ready_release.
 */
struct ready_state;
struct ready_state *ready_new(
	const struct workspace *ws, const struct manifest *manifest, const char *service, bool job);
int ready_check(struct ready_state *state, struct engine *engine, const char *id, char detail[128],
	struct err *err);
void ready_free(struct ready_state *state);

#endif
