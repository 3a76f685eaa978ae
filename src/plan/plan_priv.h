/* plan_priv.h - what the files of plan/ share. */
#ifndef DEVENV_PLAN_PRIV_H
#define DEVENV_PLAN_PRIV_H

#include "devenv/plan.h"

#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_NUMBER "com.docker.compose.container-number"
#define LABEL_ONEOFF "com.docker.compose.oneoff"
#define LABEL_DIR "com.docker.compose.project.working_dir"
#define LABEL_FILES "com.docker.compose.project.config_files"
#define LABEL_DEPENDS "com.docker.compose.depends_on"
#define LABEL_NETWORK "com.docker.compose.network"
#define LABEL_VOLUME "com.docker.compose.volume"
#define LABEL_IMAGE "com.docker.compose.image"
#define LABEL_SLUG "com.docker.compose.slug"
#define LABEL_HASH "com.docker.compose.config-hash"
#define LABEL_VERSION "com.docker.compose.version"
#define LABEL_MODEL "io.devenv.model"
#define LABEL_WORKSPACE "io.devenv.workspace"
#define LABEL_MANIFEST "io.devenv.manifest"
#define LABEL_RESTORES "io.devenv.restores" /* a helper container: the volume that it fills */
#define LABEL_SCRATCH "io.devenv.scratch"   /* a helper's id: helper.h */
#define LABEL_LAZY "io.devenv.lazy"         /* LAZY of agent.h: lazy.h */
#define LABEL_HELPER "io.devenv.helper"     /* what a container or image of ours is for */

/* The docker compose whose labels these are. */
#define COMPOSE_VERSION "2.40.3"

/* The service's object in the model, or NULL. */
json_t *model_service(const struct manifest *manifest, const char *service);

/*
 * api_socket.c: the service as its container is made of it and as Compose hashes it, with what
 * `use_api_socket` stands for. The caller's, of values shared with the model. The config of this
 * name is in no model: it has the credentials of all registries.
 */
#define API_SOCKET_CONFIG "#apisocket"
json_t *model_created(const struct manifest *manifest, const char *service);

/* How many containers a service has: scale, else deploy.replicas, else 1. */
int model_scale(const json_t *service);

/* "service web" in a workspace of one, else "service shop/web"; with " #2" from the second on. */
char *object_service(const struct workspace *ws, const struct manifest *manifest,
	const char *service, int number);

/* The engine's name of a network or volume of the model ("networks"/"volumes", key), or NULL. */
const char *model_name(const struct manifest *manifest, const char *section, const char *key);

/* "<workspace>_shared", or NULL in a workspace of one. The caller's. */
char *shared_network(const struct workspace *ws);

/* What re-creation is decided by: the service without what does not reach its container, and the
 * inline configs and secrets that it uses. Sorted JSON; the caller's. */
char *model_fingerprint(const struct manifest *manifest, const char *service);

/* The fields in which two values differ, each as "path changed from x to y". */
void differences(const json_t *was, const json_t *now, struct strv *out);

/* === compose.c: the label LABEL_HASH === */
/* What it should be now, and into the labels of a container that is about to be created. */
void compose_hash(const struct manifest *manifest, const char *name, const struct actual *actual,
	char out[SHA256_HEX]);
int compose_label(struct engine *engine, const struct manifest *manifest, const char *name,
	json_t *labels, struct err *err);

/*
 * Why an object of these labels, made by docker compose, is not of this hash: the caller's, or
 * NULL.
 */
char *compose_changed(const json_t *labels, const char *hash);

/* === body_*.c: parts of the create request === */
int body_mounts(const struct manifest *manifest, const json_t *service, json_t *body, json_t *extra,
	struct err *err);
int body_security(const struct manifest *manifest, const json_t *service, json_t *host,
	json_t *extra, struct err *err);
void body_resources(const json_t *service, json_t *host);
void body_networks(const struct workspace *ws, const struct manifest *manifest, const char *name,
	int number, bool named, json_t *body, json_t *extra); /* named: with the service's names */

/*
 * What the engine's API version lacks in the bodies of `plan`: what has an older form gets it, what
 * is lost without harm becomes a warning, and the rest is ERR_ENGINE naming the key.
 */
int features_check(struct engine *engine, struct plan *plan, struct err *err);

/* === network and volume create requests === */
json_t *network_body(const struct manifest *manifest, const char *key);
json_t *volume_body(const struct manifest *manifest, const char *key);
json_t *shared_network_body(const struct workspace *ws);

/* === building plans === */
#define NO_ACTION ((size_t)-1)

/* Append an action; takes object, reason and name. Returns its index. */
size_t plan_add(struct plan *plan, enum action_kind kind, char *object, char *reason, char *name);
void plan_need(struct plan *plan, size_t action, size_t needed); /* NO_ACTION is ignored */
/* The index of the action of this kind and object, or NO_ACTION. */
size_t plan_index(const struct plan *plan, enum action_kind kind, const char *object);

/*
 * complete.c: docker compose puts inline configs and secrets in when it starts a container, so the
 * start of one that it only created has to.
 */
int plan_need_files(
	struct plan *plan, size_t start, const struct container *container, struct err *err);

/* === selection.c: what the words on the command line mean === */
struct selected {
	const struct manifest *manifest;
	const char *service; /* borrowed from the model */
	bool dependency;     /* no word names it */
};
struct selection {
	struct selected *list;
	size_t n;
};
/* The words' services with everything they depend on (not with no_deps), in dependency order. */
int selection_make(const struct plan_request *request, bool with_dependencies,
	struct selection *selection, struct err *err);
bool selection_has(
	const struct selection *selection, const struct manifest *manifest, const char *service);
void selection_release(struct selection *selection);

/* === ready.c === */

/* A process that runs this long without a port to ask is taken as started. */
#define READY_SETTLE_MS 40

/* In how many milliseconds to look again: often at first, seldom later. */
int ready_pause(const struct ready_state *state);

/* What is said of it once it is ready. Borrowed. */
const char *ready_word(const struct ready_state *state);

/* The last `lines` that a container wrote, as many as `text` has room for. */
void ready_read_log(struct engine *engine, const char *id, bool tty, int lines, struct buf *text);

/* The last lines that a container wrote, each on a line of its own; the caller's. */
char *ready_last_lines(struct engine *engine, const char *id, bool tty);

/* Do these words, of a server or its client, tell of a disk that is full? */
bool ready_tells_full(const char *text);

/* === ports.c === */
/* Is every host port that `plan` will bind free? `actual`: our own containers may hold them. */
int ports_check(struct engine *engine, const struct plan *plan, const struct actual *actual,
	struct err *err);

/* === act.c: one action, once. 0 done, 1 again in *retry_ms, -1 failed === */
struct act_context {
	const struct run_options *options;
	struct plan *plan;
	char **ids;                  /* action index -> container id that it made */
	struct ready_state **states; /* action index -> its readiness check */
};
int act(struct act_context *context, size_t index, struct engine *engine, int *retry_ms,
	struct err *err);

#endif
