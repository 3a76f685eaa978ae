/*
 * model_environment.c - env_file and label_file: read, put below what the manifest says itself,
 * gone.
 *
 * A later file wins over an earlier one, `environment` wins over all files (also when it names a
 * variable that has no value).  ${NAME} inside a file is looked up in the interpolation
 * environment, then in the service's `environment`, then in earlier files and lines.
 */
#include "load.h"
#include "model.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* An env_file is text written by people. */
#define ENV_FILE_LIMIT ((size_t)4 << 20)

static void explain(const struct model *m, const char *service, const char *name, const char *value,
	const char *file, long long line)
{
	json_t *variables, *entry;

	if (!m->context->explain)
		return;
	variables = json_object_get(m->context->explain, service);
	if (!variables) {
		variables = json_object();
		json_object_set_new(m->context->explain, service, variables);
	}
	entry = json_object();
	json_set_str(entry, "value", value);
	json_setf(entry, "from", "%s:%lld", file, line);
	json_object_set_new(variables, name, entry);
}

struct source {
	const struct node *at;
	const char *path, *format;
	bool required;
};

/* Variables of one file into `out`. `lines` may be NULL. */
static void read_file(const struct model *m, const struct source *source, const struct place *place,
	const json_t *lookup, json_t *out, json_t *lines)
{
	autobuf struct buf text = BUF_INIT(ENV_FILE_LIMIT);
	const char *shown = load_shown(m->arena, source->path);
	struct err err = ERR_INIT;

	if (!fs_exists(source->path)) {
		if (source->required)
			place_error(m->diags, source->at, place,
				str_eq(place->up->name, "env_file")
					? "create it, or add required: false to {path: ...}"
					: "create it",
				"there is no file %s", shown);
		return;
	}
	if (fs_read(shown, &text, ERR_MANIFEST, &err) < 0) {
		place_error(m->diags, source->at, place, NULL, "%s", err.msg);
		return;
	}
	dotenv_parse(shown, buf_str(&text), text.len, lookup, str_eq(source->format, "raw"), out,
		lines, m->diags);
}

static struct source source_of(const struct node *item)
{
	struct source source = {
		.at = item, .required = true, .format = node_get_text(item, "format")};
	const struct node *required = node_get(item, "required");

	if (item->kind == NODE_MAP)
		source.path = node_get_text(item, "path");
	else if (item->kind == NODE_STRING)
		source.path = item->text;
	if (required)
		key_to_bool(required, &source.required);
	return source;
}

static bool is_readable(
	const struct model *m, const struct source *source, const struct place *place)
{
	if (str_empty(source->format) || str_eq(source->format, "raw") ||
		str_eq(source->format, "dotenv"))
		return !str_empty(source->path);
	place_error(m->diags, node_get(source->at, "format"), place, "for example: format: raw",
		"\"%s\" is not a format of env files", source->format);
	return false;
}

/* What ${NAME} in an env_file means. The caller's. */
static json_t *lookup_of(const struct model *m, const json_t *environment)
{
	json_t *lookup = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)environment, name, value)
		if (json_is_string(value))
			json_object_set(lookup, name, value);
	json_object_update(lookup, (json_t *)m->context->env);
	return lookup;
}

static void own_environment(const struct model *m, const struct node *node, const char *service,
	const json_t *environment, json_t *merged)
{
	const struct node *map = node_get(node, "environment");
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)environment, name, value)
		json_object_set(merged, name, value);
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++) {
		const struct position *at = map->keys[i]->at.file ? &map->keys[i]->at
								  : &map->items[i]->at;

		explain(m, service, map->keys[i]->text, json_str(environment, map->keys[i]->text),
			at->file ? at->file : "", at->line);
	}
}

static void read_environment(
	const struct model *m, const struct node *node, const char *name, json_t *service)
{
	const struct node *files = node_get(node, "env_file");
	const json_t *environment = json_object_get(service, "environment");
	autojson json_t *lookup = NULL;
	autojson json_t *merged = json_object();
	struct place up = {.name = "services"};
	struct place here = {.up = &up, .name = name};
	struct place list = {.up = &here, .name = "env_file"};
	bool any = files && files->kind == NODE_LIST && files->n;

	if (any)
		lookup = lookup_of(m, environment);
	for (size_t i = 0; any && i < files->n; i++) {
		struct place item = {.up = &list, .index = i};
		autojson json_t *lines = json_object();
		struct source source = source_of(files->items[i]);
		const char *key;
		json_t *line;

		if (!is_readable(m, &source, &item))
			continue;
		read_file(m, &source, &item, lookup, merged, lines);
		json_object_foreach (lines, key, line)
			explain(m, name, key, json_str(merged, key), source.path,
				json_integer_value(line));
	}
	own_environment(m, node, name, environment, merged);
	if (json_object_size(merged))
		json_object_set(service, "environment", merged);
}

static void read_labels(
	const struct model *m, const struct node *node, const char *name, json_t *service)
{
	const struct node *files = node_get(node, "label_file");
	autojson json_t *labels = json_object();
	struct place up = {.name = "services"};
	struct place here = {.up = &up, .name = name};
	struct place list = {.up = &here, .name = "label_file"};

	if (!files || files->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < files->n; i++) {
		struct place item = {.up = &list, .index = i};
		autojson json_t *values = json_object();
		struct source source = source_of(files->items[i]);

		if (!is_readable(m, &source, &item))
			continue;
		read_file(m, &source, &item, labels, values, NULL);
		json_object_update(labels, values);
	}
	json_object_update(labels, json_object_get(service, "labels"));
	if (json_object_size(labels))
		json_object_set(service, "labels", labels);
}

/* A file as Compose's JSON has it: its path, when that is all there is to say. */
static json_t *unread_file(const struct node *item)
{
	struct source source = source_of(item);
	json_t *file;

	if (source.required)
		return json_string_safe(source.path);
	file = json_object();
	json_set_str(file, "path", source.path);
	json_object_set_new(file, "required", json_false());
	if (!str_empty(source.format))
		json_set_str(file, "format", source.format);
	return file;
}

/* Compose's hashes are over what the manifest says, and not over what is in its files. */
static void keep_unread(
	const struct model *m, const struct node *node, const char *name, const json_t *service)
{
	static const char *const keys[] = {"env_file", "label_file"};
	autojson json_t *unread = json_object();

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const struct node *files = node_get(node, keys[k]);
		json_t *list = json_array();

		for (size_t i = 0; files && files->kind == NODE_LIST && i < files->n; i++)
			json_array_append_new(list, unread_file(files->items[i]));
		if (json_array_size(list))
			json_object_set(unread, keys[k], list);
		json_decref(list);
	}
	if (!m->context->unread || !json_object_size(unread))
		return;
	if (json_object_get(service, "environment"))
		json_object_set(unread, "environment", json_object_get(service, "environment"));
	json_object_set(m->context->unread, name, unread);
}

void model_environment(
	const struct model *m, const struct node *node, const char *name, json_t *service)
{
	keep_unread(m, node, name, service);
	read_environment(m, node, name, service);
	read_labels(m, node, name, service);
}
