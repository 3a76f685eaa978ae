/*
 * salvage.c - a workspace as its containers' labels tell it, for when its files are gone or broken.
 *
 * What was brought up can then still be looked at, stopped and taken down.
 */
#include "plan_priv.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static struct manifest *find_project(struct workspace *ws, const char *project)
{
	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, project))
			return &ws->manifests[i];
	return NULL;
}

static struct manifest *add_project(struct workspace *ws, const json_t *labels, const char *dir)
{
	const char *name = json_str(labels, LABEL_MANIFEST);
	const char *project = json_str(labels, LABEL_PROJECT);

	ws->manifests = xgrow(ws->manifests, ws->n, sizeof(*ws->manifests));
	ws->manifests[ws->n++] = (struct manifest){
		.name = xstrdup(name ? name : project),
		.project = xstrdup(project),
		.dir = xstrdup(dir),
		.model = json_pack("{s:{}, s:{}, s:{}}", "services", "networks", "volumes"),
		.inactive = json_object(),
		.explain = json_object(),
		.env = json_object(),
	};
	return &ws->manifests[ws->n - 1];
}

/* The projects that were brought up from `dir`. */
static void collect(struct workspace *ws, const json_t *containers, const char *dir)
{
	json_t *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *labels = json_object_get(container, "Labels");
		const char *from = json_str(labels, LABEL_DIR);
		autofree char *real = from ? path_real(from) : NULL;
		struct manifest *manifest = find_project(ws, json_str(labels, LABEL_PROJECT));

		if (!str_eq(real, dir))
			continue;
		if (!ws->name && json_str(labels, LABEL_WORKSPACE))
			ws->name = xstrdup(json_str(labels, LABEL_WORKSPACE));
		if (!manifest)
			manifest = add_project(ws, labels, from);
		if (json_str(labels, LABEL_SERVICE))
			json_object_set_new(json_object_get(manifest->model, "services"),
				json_str(labels, LABEL_SERVICE), json_object());
	}
}

/* The networks or volumes of `list` that belong to those projects. */
static void collect_named(
	struct workspace *ws, const char *section, const char *label, const json_t *list)
{
	json_t *entry;
	size_t i;

	json_array_foreach ((json_t *)list, i, entry) {
		json_t *labels = json_object_get(entry, "Labels");
		const struct manifest *manifest = find_project(ws, json_str(labels, LABEL_PROJECT));

		if (manifest && json_str(labels, label))
			json_object_set_new(json_object_get(manifest->model, section),
				json_str(labels, label),
				json_pack("{s:s}", "name", json_str(entry, "Name")));
	}
}

int plan_salvage(struct engine *engine, const char *dir, struct workspace *ws, struct err *err)
{
	autojson json_t *containers = NULL, *networks = NULL, *volumes = NULL;
	autofree char *at = path_real(dir ? dir : ".");
	char digest[SHA256_HEX];

	if (engine_get(engine, &containers, err, "/containers/json?all=1") < 0 ||
		engine_get(engine, &networks, err, "/networks") < 0 ||
		engine_get(engine, &volumes, err, "/volumes") < 0)
		return -1;
	*ws = (struct workspace){.settings = json_object()};
	for (;;) {
		char *parent = path_dirname(at);
		bool top = str_eq(parent, at);

		collect(ws, containers, at);
		if (ws->n || top) {
			free(parent);
			break;
		}
		free(at);
		at = parent;
	}
	ws->root = TAKE(at);
	if (!ws->n)
		return err_set(err, ERR_FAILED, "nothing runs that was brought up from here");
	collect_named(ws, "networks", LABEL_NETWORK, networks);
	collect_named(ws, "volumes", LABEL_VOLUME, json_object_get(volumes, "Volumes"));
	if (!ws->name)
		ws->name = xstrdup(ws->manifests[0].project);
	ws->single = ws->n == 1 && str_eq(ws->manifests[0].project, ws->name);
	sha256_hex(ws->root, strlen(ws->root), digest);
	ws->lock_id = xasprintf("%s-%.8s", ws->name, digest);
	return 0;
}
