/*
 * load.c - one file: read, parse, and the steps of node.h in their order.
 *
 * Sizes are bounded here: a file, the number of files, and the memory of all together, so that a
 * manifest from a stranger costs at most a moment.
 */
#include "load.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_SIZE ((size_t)10 << 20)
#define FILES_MAX 500
#define EXAMPLE "for example: services: {web: {image: \"nginx:1.27\"}}"
#define ARENA_MAX ((size_t)40 << 20) /* no further file is opened above this */

const char *load_shown(struct arena *arena, const char *path)
{
	autofree char *cwd = getcwd(NULL, 0);
	size_t len;

	if (str_eq(path, "-"))
		return "<stdin>";
	if (!cwd)
		return arena_strdup(arena, path);
	len = strlen(cwd);
	if (len > 1 && strncmp(path, cwd, len) == 0 && path[len] == '/')
		path += len + 1;
	return arena_strdup(arena, path);
}

static void report(struct loader *loader, const char *path, const struct node *from,
	const char *place, const char *text)
{
	if (from)
		node_error(loader->diags, from, place, NULL, "%s", text);
	else
		diag_add(loader->diags, DIAG_ERROR, load_shown(loader->arena, path), 0, 0, NULL,
			NULL, "%s", text);
}

static int read_stdin(struct buf *text)
{
	for (;;) {
		char *room = buf_reserve(text, 65536);
		ssize_t n = room ? read(STDIN_FILENO, room, 65536) : -1;

		if (n < 0 && room && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		text->len += (size_t)n;
	}
}

/* What Compose would fetch. The path is clean by now: "DIR/https:/host/...". */
static bool is_remote(const char *path)
{
	static const char *const marks[] = {
		"/https:/", "/http:/", "/ssh:/", "/git:/", "/oci:/", "/git@"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (strstr(path, marks[i]))
			return true;
	}
	return false;
}

/* The content of a file that a manifest names; what is wrong with it goes into `err`. */
static int read_text(struct loader *loader, const char *path, struct buf *text, struct err *err)
{
	if (++loader->files > FILES_MAX || arena_size(loader->arena) > ARENA_MAX)
		return err_set(err, ERR_MANIFEST, "too many files, or too much in them");
	if (is_remote(path))
		return err_set(err, ERR_MANIFEST,
			"remote files are not fetched: name a local copy (x-sources can clone it)");
	if (str_eq(path, "-"))
		return read_stdin(text) < 0
			       ? err_set(err, ERR_MANIFEST, "standard input cannot be read")
			       : 0;
	if (!fs_exists(path))
		return err_set(
			err, ERR_MANIFEST, "there is no file %s", load_shown(loader->arena, path));
	return fs_read(path, text, ERR_MANIFEST, err);
}

struct node *load_file(
	struct loader *loader, const char *path, const struct node *from, const char *place)
{
	autobuf struct buf text = BUF_INIT(FILE_MAX_SIZE);
	const char *shown = load_shown(loader->arena, path);
	struct err err = ERR_INIT;
	struct node *docs;

	diag_file(loader->diags, shown);
	if (read_text(loader, path, &text, &err) < 0) {
		report(loader, path, from, place, err.msg);
		return NULL;
	}
	docs = yaml_parse(loader->arena, shown, buf_str(&text), text.len, loader->diags);
	for (size_t i = 0; docs && i < docs->n; i++) {
		if (docs->items[i]->kind == NODE_MAP)
			continue;
		node_error(loader->diags, docs->items[i], NULL, EXAMPLE,
			"a manifest has to be a map, not %s", node_kind_name(docs->items[i]));
		return NULL;
	}
	return docs;
}

void load_report_empty(struct loader *loader, const char *path)
{
	diag_add(loader->diags, DIAG_ERROR, load_shown(loader->arena, path), 0, 0, NULL, EXAMPLE,
		"the file is empty");
}

const char *load_shown_dir(struct loader *loader, const char *dir)
{
	autofree char *shown = loader->keep_paths ? path_relative(loader->keep_paths, dir)
						  : xstrdup(dir);

	return arena_strdup(loader->arena, shown);
}

void load_prepare(
	struct loader *loader, struct node *doc, const char *dir, const json_t *env, bool other)
{
	struct canonical_rules rules = {.dir = dir, .raw = loader->no_interpolate};

	if (loader->keep_paths)
		rules.shown = other ? load_shown_dir(loader, dir) : "";
	if (!loader->no_interpolate)
		interpolate(loader->arena, doc, env, loader->diags);
	check_document(doc, loader->diags);
	canonical_document(loader->arena, doc, &rules, loader->diags);
}

struct node *load_unit(
	struct loader *loader, const struct unit *unit, struct node *docs, struct node *base)
{
	for (size_t i = 0; docs && i < docs->n; i++) {
		struct node *doc = docs->items[i];

		load_prepare(loader, doc, unit->dir, unit->env, unit->up != NULL);
		include_apply(loader, unit, doc);
		extends_apply(loader, unit, doc);
		base = merge_documents(
			loader->arena, base, doc, loader->no_interpolate, loader->diags);
	}
	return base;
}

int load_env_file(struct loader *loader, const char *path, const json_t *env, json_t *values,
	const struct node *from, const char *place)
{
	autobuf struct buf text = BUF_INIT(FILE_MAX_SIZE);
	struct err err = ERR_INIT;

	if (str_eq(path, "/dev/null"))
		return 0;
	if (read_text(loader, path, &text, &err) < 0) {
		report(loader, path, from, place, err.msg);
		return -1;
	}
	if (dotenv_parse(load_shown(loader->arena, path), buf_str(&text), text.len, env, false,
		    values, NULL, loader->diags) < 0)
		return -1;
	if (loader->env_files)
		strv_push(loader->env_files, path);
	return 0;
}
