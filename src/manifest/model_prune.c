/* model_prune.c - resources that no service uses are not part of the model; see model.h. */
#include "model.h"

#include "devenv/manifest.h"

#include "devenv/mem.h"
#include "devenv/str.h"

struct used {
	json_t *networks, *volumes, *secrets, *configs, *models; /* sets: name -> true */
};

static void use(json_t *set, const char *name)
{
	if (name)
		json_object_set_new(set, name, json_true());
}

static void use_keys(json_t *set, json_t *map)
{
	const char *name;
	json_t *value;

	json_object_foreach (map, name, value)
		use(set, name);
}

static void use_sources(json_t *set, json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		use(set, json_str(item, "source"));
}

static void use_service(struct used *used, json_t *service)
{
	size_t i;
	json_t *mount;

	use_keys(used->networks, json_object_get(service, "networks"));
	use_keys(used->models, json_object_get(service, "models"));
	json_array_foreach (json_object_get(service, "volumes"), i, mount)
		if (str_eq(json_str(mount, "type"), "volume"))
			use(used->volumes, json_str(mount, "source"));
	use_sources(used->secrets, json_object_get(service, "secrets"));
	use_sources(used->secrets, json_at(service, "build", "secrets", NULL));
	use_sources(used->configs, json_object_get(service, "configs"));
}

/* Keep what is in `set`; an empty section goes away. Takes `set`. */
static void keep(json_t *model, const char *section, json_t *set)
{
	json_t *all = json_object_get(model, section);
	const char *name;
	void *next;
	json_t *value;

	json_object_foreach_safe(all, next, name, value) if (!json_object_get(set, name))
		json_object_del(all, name);
	if (all && !json_object_size(all))
		json_object_del(model, section);
	json_decref(set);
}

void model_prune(json_t *model)
{
	struct used used = {.networks = json_object(),
		.volumes = json_object(),
		.secrets = json_object(),
		.configs = json_object(),
		.models = json_object()};
	const char *name;
	json_t *service;

	json_object_foreach (json_object_get(model, "services"), name, service)
		use_service(&used, service);
	keep(model, "networks", used.networks);
	keep(model, "volumes", used.volumes);
	keep(model, "secrets", used.secrets);
	keep(model, "configs", used.configs);
	keep(model, "models", used.models);
}

/* name -> service: the named ones and, on and on, those that they depend on. */
static json_t *with_dependencies(const json_t *services, const struct strv *names)
{
	autostrv struct strv queue = STRV_INIT;
	json_t *chosen = json_object(), *service, *ignored;
	const char *other;

	for (size_t i = 0; i < names->n; i++)
		strv_push(&queue, names->v[i]);
	for (size_t i = 0; i < queue.n; i++) {
		service = json_object_get(services, queue.v[i]);
		if (!service || json_object_get(chosen, queue.v[i]))
			continue;
		json_object_set(chosen, queue.v[i], service);
		json_object_foreach (json_object_get(service, "depends_on"), other, ignored)
			strv_push(&queue, other);
	}
	return chosen;
}

json_t *manifest_subset(const json_t *model, const struct strv *services)
{
	json_t *subset = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)model, key, value)
		json_object_set_new(subset, key, json_copy(value));
	json_object_set_new(subset, "services",
		with_dependencies(json_object_get(model, "services"), services));
	model_prune(subset);
	return subset;
}
