/*
 * selection.c - what the words on the command line mean: services and what they depend on.
 *
 * The result is in dependency order (a depth-first walk), manifests that others require first.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>

static struct selected *find(
	const struct selection *selection, const struct manifest *manifest, const char *service)
{
	for (size_t i = 0; i < selection->n; i++)
		if (selection->list[i].manifest == manifest &&
			str_eq(selection->list[i].service, service))
			return &selection->list[i];
	return NULL;
}

bool selection_has(
	const struct selection *selection, const struct manifest *manifest, const char *service)
{
	return find(selection, manifest, service) != NULL;
}

void selection_release(struct selection *selection)
{
	free(selection->list);
	*selection = (struct selection){0};
}

struct walk {
	const struct workspace *ws;
	bool dependencies;
	struct selection *selection;
	struct selection visiting; /* on the path to here: cycles across manifests end there */
};

static void push(struct selection *selection, const struct manifest *manifest, const char *service)
{
	selection->list = xgrow(selection->list, selection->n, sizeof(*selection->list));
	selection->list[selection->n++] = (struct selected){manifest, service, true};
}

static int add_service(
	struct walk *walk, const struct manifest *manifest, const char *service, struct err *err);

/* A word's own service, which may be a dependency of another word's too. */
static int add_named(
	struct walk *walk, const struct manifest *manifest, const char *service, struct err *err)
{
	if (add_service(walk, manifest, service, err) < 0)
		return -1;
	find(walk->selection, manifest, service)->dependency = false;
	return 0;
}

static int add_manifest(
	struct walk *walk, const struct manifest *manifest, bool named, struct err *err)
{
	const char *service;
	json_t *ignored;

	json_object_foreach (json_object_get(manifest->model, "services"), service, ignored)
		if ((named ? add_named : add_service)(walk, manifest, service, err) < 0)
			return -1;
	return 0;
}

static int add_requirements(struct walk *walk, const struct manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->requires.n; i++) {
		const struct manifest *needed = workspace_find(walk->ws, manifest->requires.v[i]);

		if (!needed)
			return err_set(err, ERR_MANIFEST,
				"%s: x-requires names \"%s\", which is no manifest of this "
				"workspace",
				manifest->name, manifest->requires.v[i]);
		if (add_manifest(walk, needed, false, err) < 0)
			return -1;
	}
	return 0;
}

static int add_service(
	struct walk *walk, const struct manifest *manifest, const char *service, struct err *err)
{
	json_t *model = model_service(manifest, service), *ignored;
	const char *name;

	if (selection_has(walk->selection, manifest, service) ||
		selection_has(&walk->visiting, manifest, service))
		return 0;
	push(&walk->visiting, manifest, service);
	if (walk->dependencies) {
		if (add_requirements(walk, manifest, err) < 0)
			return -1;
		json_object_foreach (json_object_get(model, "depends_on"), name, ignored)
			if (model_service(manifest, name) &&
				add_service(walk, manifest, name, err) < 0)
				return -1;
	}
	push(walk->selection, manifest, service);
	return 0;
}

static int add_word(struct walk *walk, const char *word, struct err *err)
{
	struct manifest *manifest;
	const char *service;

	if (workspace_resolve(walk->ws, word, &manifest, &service, err) < 0)
		return -1;
	if (service)
		return add_named(walk, manifest, service, err);
	return add_manifest(walk, manifest, true, err);
}

int selection_make(const struct plan_request *request, bool with_dependencies,
	struct selection *selection, struct err *err)
{
	struct walk walk = {request->ws, with_dependencies && !request->no_deps, selection, {0}};
	int result = 0;

	if (request->words && request->words->n) {
		for (size_t i = 0; i < request->words->n && result == 0; i++)
			result = add_word(&walk, request->words->v[i], err);
	} else {
		for (size_t i = 0; i < request->ws->n && result == 0; i++)
			result = add_manifest(&walk, &request->ws->manifests[i], true, err);
	}
	selection_release(&walk.visiting);
	if (result < 0)
		selection_release(selection);
	return result;
}

int plan_words(const struct plan_request *request, struct strv *words, struct err *err)
{
	struct selection selection = {0};

	if (selection_make(request, true, &selection, err) < 0)
		return -1;
	for (size_t i = 0; i < selection.n; i++)
		strv_pushf(words, "%s/%s", selection.list[i].manifest->name,
			selection.list[i].service);
	selection_release(&selection);
	return 0;
}
