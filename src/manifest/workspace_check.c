/*
 * workspace_check.c - what is wrong between the manifests of a workspace: x-requires that leads
 * nowhere or round, and container names, of which the engine has one set for all projects.
 */
#include "project.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Report of `path` at `at`, a place that the manifest has kept. */
static void report(struct diags *diags, const struct manifest *manifest, const char *at,
	const char *path, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void report(struct diags *diags, const struct manifest *manifest, const char *at,
	const char *path, const char *fmt, ...)
{
	autofree char *place = manifest_place(manifest, at), *text = NULL;
	autofree char *file = xstrdup(place ? place : manifest->files.v[0]);
	uint64_t numbers[2] = {0};
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	for (int i = 1; place && i >= 0; i--) {
		char *colon = strrchr(file, ':');

		if (!colon || !parse_u64(colon + 1, 0, INT32_MAX, &numbers[i]))
			break;
		*colon = '\0';
	}
	diag_add(diags, DIAG_ERROR, file, (int)numbers[0], (int)numbers[1], path, NULL, "%s", text);
}

/* === x-requires === */

/* Another manifest whose name is like it, or NULL. Borrowed. */
static const char *suggest_manifest(
	const struct workspace *ws, const struct manifest *from, const char *name)
{
	autofree const char **names = xcalloc(ws->n + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < ws->n; i++)
		if (&ws->manifests[i] != from)
			names[n++] = ws->manifests[i].name;
	return str_suggest(name, names);
}

static bool requires_known(
	const struct workspace *ws, const struct manifest *manifest, struct diags *diags)
{
	bool known = true;

	for (size_t i = 0; i < manifest->requires.n; i++) {
		const char *name = manifest->requires.v[i], *near;
		autofree char *at = xasprintf("x-requires.%s", name);

		if (workspace_find(ws, name))
			continue;
		near = suggest_manifest(ws, manifest, name);
		report(diags, manifest, at, "x-requires",
			near ? "there is no manifest \"%s\" in the workspace (did you mean \"%s\"?)"
			     : "there is no manifest \"%s\" in the workspace",
			name, near);
		known = false;
	}
	return known;
}

/* Depth first; `path` holds the names on the way. true when a cycle was found and reported. */
static bool requires_cycle(struct workspace *ws, struct manifest *manifest, struct strv *path,
	char *done, struct diags *diags)
{
	size_t index = (size_t)(manifest - ws->manifests), from = 0;
	bool cycle = false;

	if (done[index])
		return false;
	while (from < path->n && !str_eq(path->v[from], manifest->name))
		from++;
	if (from < path->n) {
		struct strv rest = {path->v + from, path->n - from};
		autofree char *names = strv_join(&rest, " -> ");

		report(diags, manifest, "x-requires", "x-requires", "a cycle: %s -> %s", names,
			manifest->name);
		return true;
	}
	strv_push(path, manifest->name);
	for (size_t i = 0; i < manifest->requires.n && !cycle; i++)
		cycle = requires_cycle(
			ws, workspace_find(ws, manifest->requires.v[i]), path, done, diags);
	cleanup_free(&path->v[--path->n]);
	path->v[path->n] = NULL;
	done[index] = 1;
	return cycle;
}

static void check_requires(struct workspace *ws, struct diags *diags)
{
	autofree char *done = xcalloc(ws->n + 1, 1);
	autostrv struct strv path = STRV_INIT;
	bool known = true;

	for (size_t i = 0; i < ws->n; i++)
		known &= requires_known(ws, &ws->manifests[i], diags);
	for (size_t i = 0; known && i < ws->n; i++) {
		if (requires_cycle(ws, &ws->manifests[i], &path, done, diags))
			return;
	}
}

/* === container names === */

/* Is the name one of those in `seen`: name -> [manifest, service]? Reported then. */
static void check_name(const struct workspace *ws, const struct manifest *manifest,
	const char *service, const char *name, json_t *seen, struct diags *diags)
{
	const json_t *first = json_object_get(seen, name);
	autofree char *path = xasprintf("services.%s.container_name", service);
	autofree char *other = NULL, *place = NULL;
	const char *theirs, *owner;

	if (!first) {
		json_object_set_new(seen, name, json_pack("[s, s]", manifest->name, service));
		return;
	}
	theirs = json_string_value(json_array_get(first, 0));
	owner = json_string_value(json_array_get(first, 1));
	other = xasprintf("services.%s.container_name", owner);
	place = manifest_place(workspace_find(ws, theirs), other);
	report(diags, manifest, path, path, "the container of %s/%s is named \"%s\", too%s%s%s",
		theirs, owner, name, place ? " (" : "", place ? place : "", place ? ")" : "");
}

static void check_names(const struct workspace *ws, struct diags *diags)
{
	autojson json_t *seen = json_object();

	for (size_t i = 0; i < ws->n; i++) {
		const struct manifest *manifest = &ws->manifests[i];
		const char *service;
		json_t *model;

		json_object_foreach (json_object_get(manifest->model, "services"), service, model) {
			const char *name = json_str(model, "container_name");

			if (name)
				check_name(ws, manifest, service, name, seen, diags);
		}
	}
}

void workspace_check(struct workspace *ws, struct diags *diags)
{
	check_requires(ws, diags);
	check_names(ws, diags);
}
