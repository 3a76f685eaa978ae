/*
 * include.c - `include`: other projects' files, each with its own folder and .env, brought in
 * whole.
 *
 * An included file is loaded as if it stood alone (its relative paths, its variables) and its
 * resources are added; one that is here already has to be the same.  Variables of the including
 * project win over the included .env.
 */
#include "load.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

struct inclusion {
	struct strv paths; /* absolute; the first is the main file, the others override it */
	char *dir;         /* its project directory */
	json_t *env;       /* loader->envs owns it */
};

static void inclusion_release(struct inclusion *inclusion)
{
	strv_release(&inclusion->paths);
	cleanup_free(&inclusion->dir);
}

static char *resolve_path(const char *dir, const char *path)
{
	autofree char *expanded = path_expand_home(path);

	return path_absolute(dir, expanded);
}

/* The scalars of a string or a list of strings. */
static size_t list_count(const struct node *node)
{
	return !node ? 0 : node->kind == NODE_LIST ? node->n : node_is_scalar(node);
}

static const struct node *list_item(const struct node *node, size_t i)
{
	return node->kind == NODE_LIST ? node->items[i] : node;
}

/* A file that is loaded already on the way here would include itself for ever. */
static bool is_loop(
	struct loader *loader, const struct unit *unit, const char *path, const struct node *at)
{
	autofree char *text = NULL;
	const struct unit *first = unit;

	while (first && !str_eq(first->path, path))
		first = first->up;
	if (!first)
		return false;
	text = xstrdup(load_shown(loader->arena, path));
	for (const struct unit *up = unit; up != first->up; up = up->up) {
		char *longer = xasprintf("%s -> %s", load_shown(loader->arena, up->path), text);

		cleanup_free(&text);
		text = longer;
	}
	node_error(loader->diags, at, "include", "remove one of these includes",
		"a cycle of includes: %s", text);
	return true;
}

static int read_env_files(struct loader *loader, const struct unit *unit,
	struct inclusion *inclusion, const struct node *files)
{
	autojson json_t *values = json_object();
	size_t n = list_count(files);

	if (!n) {
		autofree char *path = path_join(inclusion->dir, ".env");

		if (fs_is_file(path) &&
			load_env_file(loader, path, inclusion->env, values, NULL, NULL) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct node *item = list_item(files, i);
		autofree char *path = resolve_path(unit->dir, item->text);

		if (load_env_file(loader, path, inclusion->env, values, item, "include") < 0)
			return -1;
	}
	json_object_update_missing(inclusion->env, values);
	return 0;
}

/* compose-go: of a project_directory that is not there its parent counts. */
static char *project_dir(const char *base, const char *dir)
{
	autofree char *path = resolve_path(base, dir);

	return fs_is_dir(path) ? TAKE(path) : path_dirname(path);
}

/* What one item of `include` means; -1 after an error. */
static int read_item(struct loader *loader, const struct unit *unit, const struct node *item,
	struct inclusion *inclusion)
{
	const struct node *paths = item->kind == NODE_MAP ? node_get(item, "path") : item;
	const char *dir = node_get_text(item, "project_directory");

	if (!list_count(paths))
		return -1; /* check.c reported it */
	for (size_t i = 0; i < list_count(paths); i++) {
		autofree char *path = resolve_path(unit->dir, list_item(paths, i)->text);

		if (is_loop(loader, unit, path, list_item(paths, i)))
			return -1;
		strv_push(&inclusion->paths, path);
	}
	inclusion->dir = dir ? project_dir(unit->dir, dir) : path_dirname(inclusion->paths.v[0]);
	inclusion->env = json_copy((json_t *)unit->env);
	json_array_append_new(loader->envs, inclusion->env);
	return read_env_files(loader, unit, inclusion, node_get(item, "env_file"));
}

/*
 * `environment: [NAME]` of an included service takes its value from the included .env, too; in a
 * map Compose leaves the name without a value.
 */
static void resolve_environment(struct loader *loader, struct node *doc, const json_t *env)
{
	struct node *services = node_get(doc, "services");

	for (size_t i = 0; services && i < services->n; i++) {
		struct node *map = node_get(services->items[i], "environment");

		for (size_t j = 0; map && map->turned && j < map->n; j++) {
			const char *value = json_str(env, map->keys[j]->text);

			if (map->items[j]->kind == NODE_NULL && value)
				map->items[j] = node_string(
					loader->arena, &map->items[j]->at, value);
		}
	}
}

static void resolve_configs(struct loader *loader, struct node *doc, const json_t *env)
{
	struct node *configs = node_get(doc, "configs");

	for (size_t i = 0; configs && i < configs->n; i++) {
		struct node *config = configs->items[i];
		const char *name = node_get_text(config, "environment");
		const char *value = name ? json_str(env, name) : NULL;

		if (value)
			node_set(loader->arena, config, "content",
				node_string(loader->arena, &config->at, value));
	}
}

static void import_section(struct loader *loader, struct node *doc, struct node *from,
	const char *section, const struct node *item)
{
	struct node *theirs = node_get(from, section), *ours = node_get(doc, section);

	if (!theirs || theirs->kind != NODE_MAP || (ours && ours->kind == NODE_LIST))
		return;
	if (!ours || ours->kind != NODE_MAP) {
		node_set(loader->arena, doc, section, theirs);
		return;
	}
	for (size_t i = 0; i < theirs->n; i++) {
		const struct node *key = theirs->keys[i];
		struct node *here = node_get_key(ours, key->text);

		if (!here) {
			node_add(loader->arena, ours, theirs->keys[i], theirs->items[i]);
		} else if (!node_equal(node_get(ours, key->text), theirs->items[i])) {
			autofree char *path = xasprintf("%s.%s", section, key->text);
			autofree char *help = xasprintf("it is included at %s:%d; change it in an "
							"override file of that include instead",
				item->at.file, item->at.line);

			node_error(loader->diags, here, path, help,
				"conflicts with the included one of %s:%d", key->at.file,
				key->at.line);
		}
	}
}

static void include_item(
	struct loader *loader, const struct unit *unit, struct node *doc, const struct node *item)
{
	static const char *const sections[] = {
		"services", "volumes", "networks", "secrets", "configs", "models"};
	const struct node *paths = item->kind == NODE_MAP ? node_get(item, "path") : item;
	struct inclusion inclusion = {0};
	struct node *merged = NULL;

	if (read_item(loader, unit, item, &inclusion) == 0) {
		for (size_t i = 0; i < inclusion.paths.n; i++) {
			struct unit child = {inclusion.paths.v[i],
				arena_strdup(loader->arena, inclusion.dir), inclusion.env, unit};
			struct node *docs = load_file(
				loader, child.path, list_item(paths, i), "include");

			merged = load_unit(loader, &child, docs, merged);
		}
	}
	if (merged) {
		resolve_environment(loader, merged, inclusion.env);
		resolve_configs(loader, merged, inclusion.env);
		model_default_contexts(
			loader->arena, merged, load_shown_dir(loader, inclusion.dir));
		for (size_t i = 0; i < ARRAY_LEN(sections); i++)
			import_section(loader, doc, merged, sections[i], item);
	}
	inclusion_release(&inclusion);
}

void include_apply(struct loader *loader, const struct unit *unit, struct node *doc)
{
	struct node *include = node_get(doc, "include");

	if (!include)
		return;
	node_remove(loader->arena, doc, "include");
	if (include->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < include->n; i++)
		include_item(loader, unit, doc, include->items[i]);
}
