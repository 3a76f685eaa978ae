/*
 * extends.c - `extends: {service: NAME, file: PATH}`: a service that begins as a copy of another.
 *
 * The base is resolved first (it may extend, too), its relative paths belong to its own file, and
 * the service is merged onto a copy.  Of another file only the services that are needed are looked
 * at: what else is in it does not matter here, as in Compose.
 */
#include "load.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define CHAIN_MAX 1000
#define MEMORY_MAX ((size_t)48 << 20) /* copies of a large base add up */

/* Where a service is looked up: the document being loaded, or another file. */
struct extends_file {
	struct extends_file *next;
	const char *path, *dir;
	const json_t *env;
	struct node *services; /* a map, or NULL */
	struct node *ready;    /* a map of the names that are prepared; NULL: all are */
};

/* The services on the way, to show a cycle as its path. */
struct link {
	const struct link *up;
	const struct extends_file *file;
	const char *name;
	int depth;
};

static char *place_of(const char *service)
{
	return xasprintf("services.%s.extends", service);
}

static struct node *map_or_null(struct node *node)
{
	return node && node->kind == NODE_MAP ? node : NULL;
}

/* Several documents are one when all of each is canonical. */
static struct node *merge_prepared(
	struct loader *loader, struct node *docs, const struct extends_file *file)
{
	struct node *merged = NULL;

	for (size_t i = 0; i < docs->n; i++) {
		load_prepare(loader, docs->items[i], file->dir, file->env, true);
		merged = merge_documents(loader->arena, merged, docs->items[i],
			loader->no_interpolate, loader->diags);
	}
	return merged;
}

/* The other file, parsed once however many services extend from it; NULL after an error. */
static struct extends_file *open_file(struct loader *loader, const struct extends_file *current,
	const struct node *name_node, const char *service)
{
	autofree char *expanded = path_expand_home(name_node->text);
	autofree char *path = path_absolute(current->dir, expanded);
	autofree char *dir = path_dirname(path), *place = place_of(service);
	struct extends_file *file = loader->extended;
	struct node *docs, *doc;

	while (file && !(str_eq(file->path, path) && file->env == current->env))
		file = file->next;
	if (file)
		return file;
	docs = load_file(loader, path, name_node, place);
	doc = node_item(docs, 0);
	file = arena_alloc(loader->arena, sizeof(*file));
	file->path = arena_strdup(loader->arena, path);
	file->dir = arena_strdup(loader->arena, dir);
	file->env = current->env;
	if (docs && docs->n > 1)
		doc = merge_prepared(loader, docs, file);
	else
		file->ready = node_new(loader->arena, NODE_MAP, NULL);
	file->services = map_or_null(node_get(doc, "services"));
	file->next = loader->extended;
	loader->extended = file;
	return file;
}

/* The service, with interpolation, check and canonical forms done when its file is another one. */
static struct node *find_service(struct loader *loader, struct extends_file *file, const char *name)
{
	struct node *service = node_get(file->services, name), *doc, *services;

	if (!service || !file->ready || node_get(file->ready, name))
		return service;
	if (service->kind == NODE_NULL)
		return service; /* nothing to extend from, and no fault of another file */
	doc = node_new(loader->arena, NODE_MAP, &service->at);
	services = node_new(loader->arena, NODE_MAP, &service->at);
	node_add(loader->arena, services, node_get_key(file->services, name), service);
	node_set(loader->arena, doc, "services", services);
	load_prepare(loader, doc, file->dir, file->env, true);
	node_set(loader->arena, file->services, name, node_get(services, name));
	node_set(loader->arena, file->ready, name, service);
	return node_get(file->services, name);
}

/* "web (compose.yaml)". The caller's. */
static char *link_text(const struct loader *loader, const struct link *link)
{
	return xasprintf("%s (%s)", link->name, load_shown(loader->arena, link->file->path));
}

static void report_cycle(
	struct loader *loader, const struct node *at, const struct link *last, const char *place)
{
	autofree char *text = link_text(loader, last);

	for (const struct link *link = last->up; link; link = link->up) {
		autofree char *one = link_text(loader, link);
		char *longer = xasprintf("%s -> %s", one, text);

		cleanup_free(&text);
		text = longer;
		if (link->file == last->file && str_eq(link->name, last->name))
			break;
	}
	node_error(loader->diags, at, place, "remove one of these extends",
		"a cycle of extends: %s", text);
}

static bool is_cycle(const struct link *last)
{
	for (const struct link *link = last->up; link; link = link->up) {
		if (str_eq(link->name, last->name) && str_eq(link->file->path, last->file->path))
			return true;
	}
	return false;
}

/* true, and reported, when this goes on for too long. */
static bool is_too_much(struct loader *loader, const struct node *extends, const struct link *last,
	const char *place)
{
	const char *text = NULL;

	if (last->depth > CHAIN_MAX)
		text = "a chain of more than 1000 services";
	else if (arena_size(loader->arena) > MEMORY_MAX)
		text = "what is extended is too large";
	if (text)
		node_error(loader->diags, extends, place, NULL, "%s", text);
	return text != NULL;
}

static void report_absent(struct loader *loader, const struct extends_file *file,
	const struct node *name, const char *place)
{
	const char **names = xcalloc((file->services ? file->services->n : 0) + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; file->services && i < file->services->n; i++)
		names[i] = file->services->keys[i]->text;
	near = str_suggest(name->text, names);
	node_error(loader->diags, name, place, NULL,
		near ? "there is no service \"%s\" in %s (did you mean \"%s\"?)"
		     : "there is no service \"%s\" in %s",
		name->text, load_shown(loader->arena, file->path), near);
	cleanup_free(&names);
}

/* `name` of `file` with all that it extends merged in; NULL when there was an error. */
static struct node *resolve(
	struct loader *loader, struct extends_file *file, const char *name, const struct link *up)
{
	struct link link = {up, file, name, up ? up->depth + 1 : 0};
	struct node *service = find_service(loader, file, name), *base, *base_name, *base_file;
	struct node *extends = map_or_null(node_get(service, "extends"));
	autofree char *place = place_of(name);

	if (!extends || extends->tag == TAG_RESET)
		return service;
	if (is_too_much(loader, extends, &link, place))
		return NULL;
	if (is_cycle(&link)) {
		report_cycle(loader, extends, &link, place);
		return NULL;
	}
	base_name = node_get(extends, "service");
	base_file = node_get(extends, "file");
	if (!node_is_scalar(base_name)) {
		if (!base_name)
			node_error(loader->diags, extends, place,
				"for example: extends: {service: base}", "\"service\" is missing");
		return NULL; /* of another type: check.c reported it */
	}
	if (node_is_scalar(base_file)) {
		size_t errors = loader->diags->errors;
		struct extends_file *other = open_file(loader, file, base_file, name);

		if (loader->diags->errors > errors)
			return NULL;
		link.file = file;
		file = other;
	}
	if (!node_get_key(file->services, base_name->text)) {
		report_absent(loader, file, base_name, place);
		return NULL;
	}
	base = resolve(loader, file, base_name->text, &link);
	if (!base) { /* what it should have got is not to be missed as well */
		node_set(loader->arena, service, "extends",
			node_new(loader->arena, NODE_NULL, &extends->at));
		return NULL;
	}
	if (base->kind == NODE_NULL)
		return service; /* with its `extends`, as Compose leaves it */
	node_remove(loader->arena, service, "extends");
	if (base->kind != NODE_MAP)
		return service;
	base = merge_service(loader->arena, name, NULL, node_copy(loader->arena, base),
		loader->no_interpolate, loader->diags);
	base = merge_service(
		loader->arena, name, base, service, loader->no_interpolate, loader->diags);
	node_remove(loader->arena, base, "extends");
	node_set(loader->arena, ((struct extends_file *)link.file)->services, name, base);
	return base;
}

void extends_apply(struct loader *loader, const struct unit *unit, struct node *doc)
{
	struct extends_file file = {
		.path = unit->path,
		.dir = unit->dir,
		.env = unit->env,
		.services = map_or_null(node_get(doc, "services")),
	};

	for (size_t i = 0; file.services && i < file.services->n; i++)
		resolve(loader, &file, file.services->keys[i]->text, NULL);
}
