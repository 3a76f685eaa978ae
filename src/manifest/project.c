/*
 * project.c - from the files of one project to a struct manifest.
 */
#include "project.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACES_DEPTH 4
/*
 * Of a larger tree that is wrong already (and may be too large) the model's problems are not
 * sought.
 */
#define REPORT_MAX ((size_t)8 << 20)

/* === environment === */

static json_t *environment_read(const char *dir)
{
	extern char **environ;
	json_t *env = json_object();

	for (char **entry = environ; entry && *entry; entry++) {
		size_t len = strcspn(*entry, "=");
		autofree char *name = xstrndup(*entry, len);

		if (len && (*entry)[len] && str_is_utf8(name, len))
			json_object_set_new(env, name, json_string_safe(*entry + len + 1));
	}
	json_set_str(env, "PWD", dir);
	return env;
}

static int add_env_files(const struct strv *paths, const char *base, json_t *env,
	struct strv *files, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct loader loader = {.arena = arena, .diags = diags, .env_files = files};
	autojson json_t *values = json_object();
	int rc = 0;

	for (size_t i = 0; i < paths->n && rc == 0; i++) {
		autofree char *expanded = path_expand_home(paths->v[i]);
		autofree char *path = path_absolute(base, expanded);

		rc = load_env_file(&loader, path, env, values, NULL, NULL);
	}
	json_object_update_missing(env, values);
	arena_free(arena);
	return rc;
}

int project_env_files(const struct load_options *options, const char *base, const char *dir,
	json_t *env, struct strv *files, struct diags *diags)
{
	autostrv struct strv paths = STRV_INIT;

	if (options->env_files && options->env_files->n)
		strv_extend(&paths, options->env_files);
	else if (!str_empty(getenv("COMPOSE_ENV_FILES")))
		strv_split(&paths, getenv("COMPOSE_ENV_FILES"), ',');
	if (!paths.n && !str_is_true(getenv("COMPOSE_DISABLE_ENV_FILE"))) {
		autofree char *path = path_join(dir, ".env");

		if (fs_exists(path) && !fs_is_dir(path))
			strv_push(&paths, path);
	}
	for (size_t i = 0; i < paths.n; i++) {
		autofree char *path = path_absolute(base, paths.v[i]);

		if (strv_has(files, path)) /* read already, from the folder of the user */
			return 0;
	}
	return add_env_files(&paths, base, env, files, diags);
}

char *project_dir(const struct load_options *options, const struct strv *files, const char *base)
{
	if (!str_empty(options->project_dir))
		return path_absolute(base, options->project_dir);
	for (size_t i = 0; files && i < files->n; i++) {
		autofree char *path = path_absolute(base, files->v[i]);

		if (!str_eq(files->v[i], "-"))
			return path_dirname(path);
	}
	return xstrdup(base);
}

int surroundings_read(struct surroundings *around, const struct load_options *options,
	struct diags *diags, struct err *err)
{
	autofree char *dir = NULL;

	around->dir = path_absolute(NULL, options->dir ? options->dir : ".");
	if (!fs_is_dir(around->dir))
		return err_set(err, ERR_MANIFEST, "there is no folder %s", around->dir);
	around->env = environment_read(around->dir);
	dir = project_dir(options, options->files, around->dir);
	project_env_files(options, around->dir, dir, around->env, &around->env_files, diags);
	return 0;
}

void surroundings_release(struct surroundings *around)
{
	cleanup_free(&around->dir);
	cleanup_json(&around->env);
	strv_release(&around->env_files);
}

/* === files === */

static char *find_first(const char *dir, const char *const *names, struct diags *diags)
{
	autofree char *found = NULL;

	for (; *names; names++) {
		autofree char *path = path_join(dir, *names);

		if (!fs_exists(path))
			continue;
		if (found)
			diag_add(diags, DIAG_WARNING, path, 0, 0, NULL, NULL,
				"not used, because there is %s as well", path_basename(found));
		else
			found = TAKE(path);
	}
	return TAKE(found);
}

bool project_find(const char *dir, struct strv *files, struct diags *diags)
{
	static const char *const names[] = {
		"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", NULL};
	static const char *const overrides[] = {"compose.override.yml", "compose.override.yaml",
		"docker-compose.override.yml", "docker-compose.override.yaml", NULL};
	char *path = find_first(dir, names, diags);

	if (!path)
		return false;
	strv_push_take(files, path);
	path = find_first(dir, overrides, diags);
	if (path)
		strv_push_take(files, path);
	return true;
}

/* === name === */

char *project_name_normalize(const char *text)
{
	char *name = xstrdup(text), *to = name;

	for (; *text; text++) {
		char c = (char)tolower((unsigned char)*text);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			*to++ = c;
		else if ((c == '_' || c == '-') && to > name)
			*to++ = c;
	}
	*to = '\0';
	return name;
}

/* `name:` of the last document that has one, interpolated and normalised; or NULL. */
static char *name_from_files(
	struct loader *loader, struct node *const *docs, size_t n, const json_t *env)
{
	struct node *found = NULL, *copy;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; docs[i] && j < docs[i]->n; j++) {
			struct node *name = node_get(docs[i]->items[j], "name");

			if (node_is_scalar(name) && *name->text)
				found = name;
		}
	}
	if (!found)
		return NULL;
	copy = node_copy(loader->arena, found);
	if (!loader->no_interpolate)
		interpolate(loader->arena, copy, env, loader->diags);
	return project_name_normalize(copy->text);
}

static char *choose_name(const struct project *project, struct loader *loader,
	struct node *const *docs, const json_t *env, struct err *err)
{
	const char *given = project->name;
	autofree char *name = NULL;

	if (str_empty(given))
		given = json_str(env, "COMPOSE_PROJECT_NAME");
	if (!str_empty(given)) {
		name = project_name_normalize(given);
		if (str_eq(name, given))
			return TAKE(name);
		err_set(err, ERR_MANIFEST,
			"invalid project name \"%s\": lower-case letters, digits, - and _ only, "
			"beginning with a letter or digit%s%s%s",
			given, *name ? " (for example " : "", name, *name ? ")" : "");
		return NULL;
	}
	name = name_from_files(loader, docs, project->files.n, env);
	if (str_empty(name)) {
		cleanup_free(&name);
		name = project_name_normalize(path_basename(project->dir));
	}
	if (*name)
		return TAKE(name);
	err_set(err, ERR_MANIFEST,
		"the project has no name: add \"name:\" to %s, or give one with -p",
		project->files.v[0]);
	return NULL;
}

/* === what is remembered of the tree === */

/* "x-requires.auth": each name in a list at the top is a place, too. */
static void add_names(struct buf *places, const struct node *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct node *item = list->items[i];

		if (item->kind == NODE_STRING && item->at.file && !strpbrk(item->text, "\t\n"))
			buf_addf(places, "%s.%s\t%s:%d:%d\n", path, item->text, item->at.file,
				item->at.line, item->at.column);
	}
}

/* A line "PATH\tFILE:LINE:COLUMN" for each key: there are many, and they are rarely looked at. */
static void add_places(struct buf *places, const struct node *node, struct buf *path, int depth)
{
	size_t len = path->len;

	if (node->kind == NODE_LIST && depth == 2)
		add_names(places, node, buf_str(path));
	if (node->kind != NODE_MAP || depth > PLACES_DEPTH)
		return;
	for (size_t i = 0; i < node->n; i++) {
		const struct position *at = &node->keys[i]->at, *value = &node->items[i]->at;

		if (value->file && (!at->file || !at->line || !str_eq(at->file, value->file)))
			at = value;
		buf_addf(path, "%s%s", len ? "." : "", node->keys[i]->text);
		if (at->file && !strpbrk(node->keys[i]->text, "\t\n"))
			buf_addf(places, "%s\t%s:%d:%d\n", buf_str(path), at->file, at->line,
				at->column);
		add_places(places, node->items[i], path, depth + 1);
		path->len = len;
		path->data[len] = '\0';
	}
}

static char *places_of(const struct node *doc)
{
	autobuf struct buf path = BUF_INIT(0), places = BUF_INIT(0);

	add_places(&places, doc, &path, 1);
	return buf_detach(&places);
}

char *manifest_place(const struct manifest *manifest, const char *path)
{
	const char *line = manifest->places;
	size_t len = strlen(path);

	while (line && *line) {
		const char *end = strchr(line, '\n');

		if (strncmp(line, path, len) == 0 && line[len] == '\t')
			return xstrndup(line + len + 1, (size_t)(end - line) - len - 1);
		line = end + 1;
	}
	return NULL;
}

/* What is no list of names was warned of by the check: another tool may use the word. */
static void read_requires(const struct node *doc, struct strv *requires)
{
	const struct node *list = node_get(doc, "x-requires");

	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++)
		if (list->items[i]->kind == NODE_STRING &&
			!strv_has(requires, list->items[i]->text))
			strv_push(requires, list->items[i]->text);
}

static void active_profiles(
	const struct load_options *options, const json_t *env, struct strv *profiles)
{
	autostrv struct strv parts = STRV_INIT;
	const char *text = json_str(env, "COMPOSE_PROFILES");

	if (options->profiles && options->profiles->n) {
		strv_extend(profiles, options->profiles);
		return;
	}
	if (str_empty(text)) /* as Compose: the profile without a name is active then */
		strv_push(profiles, "");
	else
		strv_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n; i++)
		strv_push(profiles, str_trim(parts.v[i]));
}

/* === loading === */

static int build_model(const struct project *project, struct loader *loader, struct node *doc,
	struct manifest *manifest)
{
	autostrv struct strv profiles = STRV_INIT;
	struct model_context context = {
		.project = manifest->project,
		.dir = project->dir,
		.env = manifest->env,
		.profiles = &profiles,
		.all_profiles = project->options->all_profiles,
		.all_resources = project->options->all_resources,
		.no_interpolate = project->options->no_interpolate,
		.keep_paths = project->options->keep_paths,
		.no_normalize = project->options->no_normalize,
		.no_consistency = project->options->no_consistency,
		.inactive = manifest->inactive = json_object(),
		.explain = manifest->explain = json_object(),
		.unread = manifest->unread = json_object(),
	};

	active_profiles(project->options, manifest->env, &profiles);
	read_requires(doc, &manifest->requires);
	manifest->places = places_of(doc);
	manifest->model = model_build(loader->arena, doc, &context, loader->diags);
	return manifest->model && !loader->diags->errors ? 0 : -1;
}

/* `version` says nothing, and `include` is gone by now. */
static bool is_empty(const struct node *doc)
{
	return !doc || doc->n == (size_t)(node_get(doc, "version") != NULL);
}

/* All files of the project as one tree; NULL when there is not enough of it to look further. */
static struct node *load_tree(const struct project *project, struct loader *loader,
	struct manifest *manifest, struct err *err)
{
	struct node **docs = arena_alloc(loader->arena, project->files.n * sizeof(*docs));
	struct node *doc = NULL;
	bool whole = true;

	for (size_t i = 0; i < project->files.n; i++) {
		docs[i] = load_file(loader, project->files.v[i], NULL, NULL);
		whole &= docs[i] != NULL;
	}
	manifest->project = choose_name(project, loader, docs, manifest->env, err);
	if (!manifest->project)
		return NULL;
	json_set_str(manifest->env, "COMPOSE_PROJECT_NAME", manifest->project);
	for (size_t i = 0; i < project->files.n; i++) {
		struct unit unit = {project->files.v[i], project->dir, manifest->env, NULL};

		doc = load_unit(loader, &unit, docs[i], doc);
	}
	if (whole && is_empty(doc))
		load_report_empty(loader, project->files.v[0]);
	return whole ? doc : NULL;
}

int project_load(const struct project *project, struct manifest *manifest, struct diags *diags,
	struct err *err)
{
	struct arena *arena = arena_new();
	autojson json_t *envs = json_array();
	struct loader loader = {
		.arena = arena,
		.diags = diags,
		.no_interpolate = project->options->no_interpolate,
		.keep_paths = project->options->keep_paths ? project->dir : NULL,
		.envs = envs,
		.env_files = &manifest->env_files,
	};
	struct node *doc;
	int rc = -1;

	manifest->dir = xstrdup(project->dir);
	manifest->env = json_copy((json_t *)project->env);
	manifest->compatibility = project->options->compatibility ||
				  str_is_true(json_str(manifest->env, "COMPOSE_COMPATIBILITY"));
	strv_extend(&manifest->files, &project->files);
	if (project->env_files)
		strv_extend(&manifest->env_files, project->env_files);
	doc = load_tree(project, &loader, manifest, err);
	if (doc && (!diags->errors || arena_size(arena) < REPORT_MAX))
		rc = build_model(project, &loader, doc, manifest);
	arena_free(arena);
	return rc;
}
