/*
 * workspace.c - finding and loading: a folder with envs/, or a Compose project as a workspace of
 * one.
 *
 * The nearest folder upward that has either decides.  In a workspace every envs/NAME.yaml is a
 * project of its own, "<workspace>-<name>", whose relative paths begin at the workspace's root.
 */
#include "devenv/manifest.h"

#include "convert.h"
#include "project.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define MANIFESTS_MAX 500

/* === envs/ === */

/* "shop" of "shop.yaml"; NULL for other files. The caller's. */
static char *manifest_name(const char *file)
{
	static const char *const ends[] = {".yaml", ".yml"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t len = strlen(file), end = strlen(ends[i]);

		if (*file != '.' && len > end && str_eq(file + len - end, ends[i]))
			return xstrndup(file, len - end);
	}
	return NULL;
}

/* The files of envs/ below `root`, sorted; workspace.yaml apart. false: this is no workspace. */
static bool list_envs(const char *root, struct strv *files, char **settings)
{
	autofree char *dir = path_join(root, "envs");
	DIR *handle = opendir(dir);
	struct dirent *entry;

	while (handle && (entry = readdir(handle)) && files->n < MANIFESTS_MAX) {
		autofree char *name = manifest_name(entry->d_name);

		if (!name)
			continue;
		if (!str_eq(name, "workspace")) {
			strv_push_take(files, path_join(dir, entry->d_name));
			continue;
		}
		cleanup_free(settings);
		*settings = path_join(dir, entry->d_name);
	}
	if (handle)
		closedir(handle);
	strv_sort(files);
	return files->n > 0;
}

/* === settings === */

static json_t *read_settings(const char *path, const json_t *env, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct loader loader = {.arena = arena, .diags = diags};
	struct node *doc = path ? node_item(load_file(&loader, path, NULL, NULL), 0) : NULL;
	json_t *settings;

	if (doc)
		interpolate(arena, doc, env, diags);
	settings = doc ? convert_any(doc) : json_object();
	arena_free(arena);
	return settings;
}

/* === loading === */

static struct manifest *add_manifest(struct workspace *ws)
{
	ws->manifests = xgrow(ws->manifests, ws->n, sizeof(*ws->manifests));
	ws->manifests[ws->n] = (struct manifest){0};
	return &ws->manifests[ws->n++];
}

static int finish(struct workspace *ws, struct diags *diags, struct err *err)
{
	char hash[SHA256_HEX];

	if (diags->errors)
		return err_set(err, ERR_MANIFEST, "%zu %s in the manifest%s", diags->errors,
			diags->errors == 1 ? "problem" : "problems", ws->n > 1 ? "s" : "");
	sha256_hex(ws->root, strlen(ws->root), hash);
	ws->lock_id = xasprintf("%s-%.8s", ws->name, hash);
	return 0;
}

static int load_single(const struct load_options *options, struct surroundings *around,
	const struct strv *files, struct workspace *ws, struct diags *diags, struct err *err)
{
	struct project project = {
		.options = options,
		.name = (char *)options->project,
		.env = around->env,
		.env_files = &around->env_files,
	};
	struct manifest *manifest = add_manifest(ws);
	int rc;

	ws->single = true;
	ws->settings = json_object();
	strv_extend(&project.files, files);
	project.dir = project_dir(options, files, around->dir);
	project_env_files(
		options, around->dir, project.dir, around->env, &around->env_files, diags);
	rc = project_load(&project, manifest, diags, err);
	manifest->name = xstrdup(manifest->project ? manifest->project : "");
	ws->name = xstrdup(manifest->name);
	ws->root = TAKE(project.dir);
	strv_release(&project.files);
	return rc < 0 && !diags->errors ? -1 : finish(ws, diags, err);
}

static int name_workspace(const struct load_options *options, const json_t *env,
	struct workspace *ws, struct err *err)
{
	const char *given = options->project;
	autofree char *name = NULL;

	if (str_empty(given))
		given = json_str(env, "COMPOSE_PROJECT_NAME");
	if (str_empty(given))
		given = json_str(ws->settings, "name");
	name = project_name_normalize(!str_empty(given) ? given : path_basename(ws->root));
	if (!*name || (options->project && !str_eq(name, options->project)))
		return err_set(err, ERR_MANIFEST,
			"\"%s\" cannot name a workspace: lower-case letters, digits, - and _ only, "
			"beginning with a letter or digit",
			!str_empty(given) ? given : ws->root);
	ws->name = TAKE(name);
	return 0;
}

static int load_one(const struct load_options *options, const struct surroundings *around,
	const char *file, struct workspace *ws, struct diags *diags, struct err *err)
{
	struct manifest *manifest = add_manifest(ws);
	struct project project = {
		.options = options,
		.dir = ws->root,
		.env = around->env,
		.env_files = &around->env_files,
	};
	autofree char *part = NULL;
	int rc;

	manifest->name = manifest_name(path_basename(file));
	part = project_name_normalize(manifest->name);
	project.name = xasprintf("%s-%s", ws->name, part);
	strv_push(&project.files, file);
	rc = project_load(&project, manifest, diags, err);
	strv_release(&project.files);
	cleanup_free(&project.name);
	return rc < 0 && !diags->errors ? -1 : 0;
}

static int load_envs(const struct load_options *options, struct surroundings *around,
	const struct strv *files, const char *settings, struct workspace *ws, struct diags *diags,
	struct err *err)
{
	project_env_files(options, around->dir, ws->root, around->env, &around->env_files, diags);
	ws->settings = read_settings(settings, around->env, diags);
	if (name_workspace(options, around->env, ws, err) < 0)
		return -1;
	for (size_t i = 0; i < files->n; i++) {
		if (load_one(options, around, files->v[i], ws, diags, err) < 0)
			return -1;
	}
	workspace_check(ws, diags);
	return finish(ws, diags, err);
}

/* -f, else COMPOSE_FILE, as absolute paths. */
static void given_files(
	const struct load_options *options, const struct surroundings *around, struct strv *files)
{
	autostrv struct strv given = STRV_INIT;
	const char *text = json_str(around->env, "COMPOSE_FILE");
	const char *separator = json_str(around->env, "COMPOSE_PATH_SEPARATOR");

	if (options->files && options->files->n)
		strv_extend(&given, options->files);
	else if (!str_empty(text))
		strv_split(&given, text, str_empty(separator) ? ':' : *separator);
	for (size_t i = 0; i < given.n; i++) {
		if (str_eq(given.v[i], "-"))
			strv_push(files, "-");
		else
			strv_push_take(files, path_absolute(around->dir, given.v[i]));
	}
}

/* Look upward from the user's folder for either kind of workspace. */
static int find_and_load(const struct load_options *options, struct surroundings *around,
	struct workspace *ws, struct diags *diags, struct err *err)
{
	autofree char *dir = project_dir(options, NULL, around->dir);

	for (;;) {
		autostrv struct strv files = STRV_INIT;
		autofree char *settings = NULL, *up = NULL;

		if (list_envs(dir, &files, &settings)) {
			ws->root = TAKE(dir);
			return load_envs(options, around, &files, settings, ws, diags, err);
		}
		strv_release(&files);
		files = STRV_INIT;
		if (project_find(dir, &files, diags))
			return load_single(options, around, &files, ws, diags, err);
		up = path_dirname(dir);
		if (str_eq(up, dir))
			break;
		cleanup_free(&dir);
		dir = TAKE(up);
	}
	return err_set(err, ERR_MANIFEST,
		"no manifest in %s or above (neither envs/*.yaml nor compose.yaml): write one with "
		"\"devenv new TEMPLATE NAME\", or give a file with -f",
		around->dir);
}

int workspace_load(const struct load_options *options, struct workspace *ws, struct diags *diags,
	struct err *err)
{
	struct surroundings around = {0};
	autostrv struct strv files = STRV_INIT;
	int rc;

	*ws = (struct workspace){0};
	rc = surroundings_read(&around, options, diags, err);
	if (rc == 0) {
		given_files(options, &around, &files);
		rc = files.n ? load_single(options, &around, &files, ws, diags, err)
			     : find_and_load(options, &around, ws, diags, err);
	}
	surroundings_release(&around);
	return rc;
}

static void manifest_release(struct manifest *manifest)
{
	cleanup_free(&manifest->name);
	cleanup_free(&manifest->project);
	cleanup_free(&manifest->dir);
	strv_release(&manifest->files);
	strv_release(&manifest->env_files);
	strv_release(&manifest->requires);
	cleanup_json(&manifest->model);
	cleanup_json(&manifest->inactive);
	cleanup_json(&manifest->explain);
	cleanup_json(&manifest->unread);
	cleanup_free(&manifest->places);
	cleanup_json(&manifest->env);
}

void workspace_release(struct workspace *ws)
{
	for (size_t i = 0; i < ws->n; i++)
		manifest_release(&ws->manifests[i]);
	cleanup_free(&ws->manifests);
	cleanup_free(&ws->name);
	cleanup_free(&ws->root);
	cleanup_free(&ws->lock_id);
	cleanup_json(&ws->settings);
	*ws = (struct workspace){0};
}

/* === looking up === */

struct manifest *workspace_find(const struct workspace *ws, const char *name)
{
	for (size_t i = 0; i < ws->n; i++) {
		if (str_eq(ws->manifests[i].name, name))
			return &ws->manifests[i];
	}
	return NULL;
}

/* The name of the service as the manifest owns it; NULL: it has none of this name. */
static const char *find_service(const struct manifest *manifest, const char *name)
{
	json_t *const places[] = {json_object_get(manifest->model, "services"), manifest->inactive};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *key;
		json_t *value;

		if (!json_object_get(places[i], name))
			continue;
		json_object_foreach (places[i], key, value) {
			if (str_eq(key, name))
				return key;
		}
	}
	return NULL;
}

static void add_names(const json_t *services, const char *manifest, struct strv *names)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)services, key, value) {
		strv_push(names, key);
		if (manifest)
			strv_pushf(names, "%s/%s", manifest, key);
	}
}

static int report_unknown(const struct workspace *ws, const char *word, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	const char *near;

	for (size_t i = 0; i < ws->n; i++) {
		const struct manifest *manifest = &ws->manifests[i];
		const char *prefix = ws->single ? NULL : manifest->name;

		strv_push(&names, manifest->name);
		add_names(json_object_get(manifest->model, "services"), prefix, &names);
		add_names(manifest->inactive, prefix, &names);
	}
	near = names.n ? str_suggest(word, (const char *const *)names.v) : NULL;
	if (near)
		return err_set(err, ERR_USAGE, "there is no %s \"%s\" (did you mean \"%s\"?)",
			ws->single ? "service" : "service or manifest", word, near);
	return err_set(err, ERR_USAGE,
		"there is no %s \"%s\" (\"devenv config --services\" lists them)",
		ws->single ? "service" : "service or manifest", word);
}

static int resolve_pair(const struct workspace *ws, const char *word, const char *slash,
	struct manifest **manifest, const char **service, struct err *err)
{
	autofree char *name = xstrndup(word, (size_t)(slash - word));
	struct manifest *found = workspace_find(ws, name);

	*service = found ? find_service(found, slash + 1) : NULL;
	if (!*service)
		return report_unknown(ws, word, err);
	*manifest = found;
	return 0;
}

int workspace_resolve(const struct workspace *ws, const char *word, struct manifest **manifest,
	const char **service, struct err *err)
{
	const char *slash = strchr(word, '/');
	struct manifest *found = NULL;

	if (slash)
		return resolve_pair(ws, word, slash, manifest, service, err);
	if (!ws->single && workspace_find(ws, word)) {
		*manifest = workspace_find(ws, word);
		*service = NULL;
		return 0;
	}
	for (size_t i = 0; i < ws->n; i++) {
		const char *name = find_service(&ws->manifests[i], word);

		if (!name)
			continue;
		if (found)
			return err_set(err, ERR_USAGE,
				"\"%s\" is in several manifests: say %s/%s or %s/%s", word,
				found->name, word, ws->manifests[i].name, word);
		found = &ws->manifests[i];
		*service = name;
	}
	if (found) {
		*manifest = found;
		return 0;
	}
	if (ws->single && str_eq(word, ws->manifests[0].name)) {
		*manifest = &ws->manifests[0];
		*service = NULL;
		return 0;
	}
	return report_unknown(ws, word, err);
}
