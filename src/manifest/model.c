/*
 * model.c - a merged document to the model that Compose's own loader would make of it.
 *
 * The order is compose-go's: defaults and names, conversion by the table of keys, profiles,
 * consistency of what is active, env files, and last the resources that nothing uses are dropped.
 */
#include "model.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static bool has_profile(const struct strv *profiles, const char *name)
{
	return profiles && (strv_has(profiles, name) || strv_has(profiles, "*"));
}

static bool is_active(const struct node *service, const struct model_context *context,
	const struct strv *profiles)
{
	const struct node *own = node_get(service, "profiles");

	if (context->all_profiles || !own || own->kind != NODE_LIST || !own->n)
		return true;
	if (has_profile(profiles, "*"))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (has_profile(profiles, own->items[i]->text))
			return true;
	return false;
}

/* The profiles asked for, and those of services that were named. */
static void wanted_profiles(const struct model *m, struct strv *out)
{
	const struct strv *named = m->context->services;

	if (m->context->profiles)
		strv_extend(out, m->context->profiles);
	for (size_t i = 0; named && i < named->n; i++) {
		const struct node *own = node_get(node_get(m->services, named->v[i]), "profiles");

		for (size_t j = 0; own && own->kind == NODE_LIST && j < own->n; j++)
			strv_push(out, own->items[j]->text);
	}
}

/* The set of active services: name -> true. The caller's. */
static json_t *active_services(const struct model *m)
{
	autostrv struct strv profiles = STRV_INIT;
	json_t *active = json_object();

	wanted_profiles(m, &profiles);
	for (size_t i = 0; m->services && i < m->services->n; i++)
		if (is_active(m->services->items[i], m->context, &profiles))
			json_object_set_new(active, m->services->keys[i]->text, json_true());
	return active;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of `map`, sorted; into `out`, which has room for map->n. Borrowed. */
static void sorted_names(const struct node *map, const char **out)
{
	for (size_t i = 0; i < map->n; i++)
		out[i] = map->keys[i]->text;
	qsort(out, map->n, sizeof(*out), compare_names);
}

static void build_services(const struct model *m, json_t *active, json_t *model)
{
	struct place up = {.name = "services"};
	json_t *services = json_object();
	autofree const char **names = m->services ? xcalloc(m->services->n + 1, sizeof(*names))
						  : NULL;

	json_object_set_new(model, "services", services);
	if (m->services)
		sorted_names(m->services, names);
	for (size_t i = 0; m->services && i < m->services->n; i++) {
		struct place here = {.up = &up, .name = names[i]};
		const struct node *node = node_get(m->services, names[i]);
		json_t *service = convert_shape(&m->convert, &shape_service, node, &here);
		bool is_on = json_object_get(active, names[i]);

		model_validate_service(m, node, names[i], active);
		if (is_on) {
			if (!m->context->no_consistency)
				model_check_references(m, node, names[i], active);
			model_check_lazy(m, node, names[i]);
			model_environment(m, node, names[i], service);
		}
		if (is_on)
			json_object_set_new(services, names[i], service);
		else if (m->context->inactive)
			json_object_set_new(m->context->inactive, names[i], service);
		else
			json_decref(service);
	}
}

static void build_section(
	const struct model *m, const char *section, const struct shape *shape, json_t *model)
{
	const struct node *all = node_get(m->doc, section);
	struct place up = {.name = section};
	autofree const char **names = NULL;
	json_t *out;

	if (!all || all->kind != NODE_MAP || !all->n)
		return;
	names = xcalloc(all->n, sizeof(*names));
	sorted_names(all, names);
	out = json_object();
	for (size_t i = 0; i < all->n; i++) {
		struct place here = {.up = &up, .name = names[i]};

		json_object_set_new(out, names[i],
			convert_shape(&m->convert, shape, node_get(all, names[i]), &here));
	}
	json_object_set_new(model, section, out);
}

static void build_resources(const struct model *m, json_t *model)
{
	build_section(m, "networks", &shape_network, model);
	build_section(m, "volumes", &shape_volume, model);
	build_section(m, "secrets", &shape_secret, model);
	build_section(m, "configs", &shape_config, model);
	build_section(m, "models", &shape_model, model);
}

static json_t *build(const struct model *m, json_t *active)
{
	json_t *model = json_object();

	json_object_set_new(model, "name", json_string_safe(m->context->project));
	build_services(m, active, model);
	build_resources(m, model);
	for (size_t i = 0; i < m->doc->n; i++)
		if (key_is_extension(m->doc->keys[i]->text))
			json_object_set_new(
				model, m->doc->keys[i]->text, convert_any(m->doc->items[i]));
	return model;
}

/* The document as Compose has it before it makes types of it: what is built is only checked. */
static json_t *raw_model(const struct model *m)
{
	autojson json_t *built = json_object();

	build_section(m, "services", &shape_service, built);
	build_resources(m, built);
	if (!m->context->no_normalize)
		node_set(m->arena, m->doc, "name",
			node_string(m->arena, &m->doc->at, m->context->project));
	node_remove(m->arena, m->doc, "version");
	return convert_any(m->doc);
}

json_t *model_build(struct arena *arena, struct node *doc, const struct model_context *context,
	struct diags *diags)
{
	struct node *services = node_get(doc, "services");
	json_t *recent[CONVERT_RECENT] = {NULL};
	struct model m = {
		.arena = arena,
		.doc = doc,
		.context = context,
		.diags = diags,
		.convert = {.diags = diags, .raw = context->no_interpolate, .recent = recent},
	};
	autojson json_t *active = NULL;
	size_t before = diags->errors;
	json_t *model;

	if (services && services->kind == NODE_MAP)
		m.services = services;
	model_normalize(&m);
	model_validate_resources(&m);
	if (context->no_interpolate) {
		model = raw_model(&m);
	} else {
		active = active_services(&m);
		model = build(&m, active);
		if (!context->no_consistency) {
			model_validate_names(&m, active);
			model_check_cycles(&m, active);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(recent); i++)
		json_decref(recent[i]);
	if (diags->errors > before) {
		json_decref(model);
		return NULL;
	}
	if (!context->no_interpolate && !context->all_resources)
		model_prune(model);
	return model;
}
