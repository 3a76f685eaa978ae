/*
 * manifest.h - from files to the canonical model.
 *
 * A manifest is a Compose file (compose-spec) plus `x-` keys.  Loading is: YAML events -> nodes
 * with positions -> interpolation -> canonical long forms -> extends, include, merge -> check
 * against one table of keys -> normalised model.  The model is a json_t with exactly the value that
 * `docker compose config --format json` (2.40.3) prints, `x-` keys kept where they were written.
 *
 * A workspace is a folder with envs/; a folder with only a Compose file is a workspace of one.
 *
 *	struct workspace ws = {0};
 *	struct diags diags = DIAGS_INIT;
 *	if (workspace_load(&options, &ws, &diags, &err) < 0) { diag_print(&diags, &out); ... }
 *	json_t *services = json_object_get(ws.manifests[0].model, "services");
 *	workspace_release(&ws);
 *
 * Not here: what the engine makes of a model (plan), and fetching anything.
 */
#ifndef DEVENV_MANIFEST_H
#define DEVENV_MANIFEST_H

#include "devenv/buf.h"
#include "devenv/diag.h"
#include "devenv/err.h"
#include "devenv/hash.h"
#include "devenv/json.h"
#include "devenv/strv.h"

#include <stdbool.h>

struct load_options {
	const char *dir;          /* where to look; NULL: the working directory */
	const struct strv *files; /* -f; else COMPOSE_FILE; else found upward from dir */
	/*
	 * Where a Compose project's relative paths begin, its `.env` lies, and looking upward
	 * begins; NULL: the folder of its first file.
	 */
	const char *project_dir;
	const char *project; /* -p; else COMPOSE_PROJECT_NAME; else `name:`; else the folder */
	const struct strv
		*profiles; /* --profile; COMPOSE_PROFILES is added by the loader; "*": all */
	const struct strv *env_files; /* --env-file; else COMPOSE_ENV_FILES; else .env */
	bool all_profiles;            /* keep services of inactive profiles (down, status) */
	bool all_resources;           /* keep what no service uses: networks, volumes, ... */
	bool compatibility;           /* --compatibility; else COMPOSE_COMPATIBILITY */
	/* Only to look at the model: */
	bool no_interpolate;
	bool keep_paths;     /* relative paths stay relative to the project directory */
	bool no_normalize;   /* without the networks, names and defaults that Compose adds */
	bool no_consistency; /* without the checks of what belongs together */
};

struct manifest {
	char *name; /* "shop" of envs/shop.yaml; the project name in a workspace of one */
	/* Compose's project: "<workspace>-<name>", or the project in a workspace of one. */
	char *project;
	char *dir; /* the project directory, absolute: relative paths in the file start here */
	struct strv files;     /* absolute, in merge order */
	struct strv env_files; /* the ones that were read, absolute */
	json_t *model;         /* owned; canonical; active services only unless all_profiles */
	json_t *inactive;      /* owned; name -> service: of profiles that are not active */
	struct strv requires;  /* x-requires */
	bool compatibility;    /* names that the engine sees are joined with "_", not "-" */
	json_t *explain;       /* owned; service -> variable -> {"value", "from": "file:line"} */
	/*
	 * Owned; service -> {"env_file", "label_file", "environment"}: as they were before the
	 * files were read into the model. Only of services that have such files.
	 */
	json_t *unread;
	char *places; /* owned; for manifest_place(); may be NULL */
	json_t *env;  /* owned; the interpolation environment (names -> values) */
};

struct workspace {
	char *name;  /* [a-z0-9][a-z0-9_-]* */
	char *root;  /* absolute */
	bool single; /* only a Compose file: no shared network, Compose's own names */
	struct manifest *manifests; /* sorted by name */
	size_t n;
	json_t *settings; /* owned; envs/workspace.yaml, or an empty object */
	char *lock_id;    /* name plus a hash of root: identity for locks and state */
};

/*
 * Find and load. Every problem of every file goes into `diags` (warnings too). Returns 0, or -1
 * with ERR_MANIFEST (a count of problems, or why nothing was found and how to begin).
 */
int workspace_load(const struct load_options *options, struct workspace *ws, struct diags *diags,
	struct err *err);
void workspace_release(struct workspace *ws);

/* "file:line:column" of "services.web.ports", for later errors; NULL: unknown. The caller's. */
char *manifest_place(const struct manifest *manifest, const char *path);

/* The manifest of this name, or NULL. */
struct manifest *workspace_find(const struct workspace *ws, const char *name);

/*
 * What the user typed - a service, MANIFEST/SERVICE or a manifest - as manifest and service (NULL:
 * the whole manifest). ERR_USAGE with a suggestion when there is none, or when a service is in
 * several.
 */
int workspace_resolve(const struct workspace *ws, const char *word, struct manifest **manifest,
	const char **service, struct err *err);

/*
 * The model without what `docker compose config --format json` leaves out: x- keys below the top
 * level, and models. Shares values with `model`; the caller's.
 */
json_t *manifest_json(const json_t *model);

/* The same for a model that was loaded with no_interpolate: nothing is left out, and an empty list
 * is null. */
json_t *manifest_raw_json(const json_t *model);

/*
 * The variables that a model loaded with no_interpolate asks for, where it does so first: name ->
 * {"Name", "DefaultValue", "PresenceValue", "Required"}, as `docker compose config --variables`
 * has them. The caller's.
 */
json_t *manifest_variables(const json_t *model);

/*
 * The model with only these services, what they depend on (depends_on), and the networks, volumes,
 * secrets, configs and models that those use. Shares values with `model`; the caller's.
 */
json_t *manifest_subset(const json_t *model, const struct strv *services);

/* The model as `docker compose config` prints it in YAML. */
void manifest_print_yaml(const json_t *model, struct buf *out);

/*
 * The variables of a file in the syntax of `env_file` into `values` (name -> value); ${NAME} in it
 * and a name alone are looked up in `lookup`. ERR_MANIFEST names the file and the line.
 */
int manifest_env_file(const char *path, const json_t *lookup, json_t *values, struct err *err);

/*
 * How old an image may be, in nanoseconds, by a `pull_policy` of daily, weekly or every_DURATION;
 * false for another one (NULL too).
 */
bool manifest_pull_period(const char *policy, int64_t *ns);

/*
 * Compose's config hashes (docker compose 2.40.3, pkg/compose/hash.go), as hexadecimal digits.
 *
 * _service: the label com.docker.compose.config-hash of a container of `name`. `service` is its
 * model, in which the caller has put ids of containers in place of services that it shares
 * something with (network_mode, ipc, pid, volumes_from).
 * _config: what `docker compose config --hash` prints, where env_file has not been read yet.
 * _network, _volume: the same label of a resource, from its definition in the model.
 */
void manifest_hash_service(const struct manifest *manifest, const char *name, const json_t *service,
	char out[SHA256_HEX]);
void manifest_hash_config(const struct manifest *manifest, const char *name, char out[SHA256_HEX]);
void manifest_hash_network(const json_t *definition, char out[SHA256_HEX]);
void manifest_hash_volume(const json_t *definition, char out[SHA256_HEX]);

/* The JSON value of the table of keys, as a JSON Schema (2020-12). The caller's. */
json_t *manifest_schema(void);

#endif
