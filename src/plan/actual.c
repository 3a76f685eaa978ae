/*
 * actual.c - what exists: the workspace's containers by their labels, and networks and volumes.
 *
 * Labels are the truth.  A project of our name that was brought up from another folder is somebody
 * else's: it is never adopted, changed or removed.
 */
#include "plan_priv.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static void container_release(struct container *container)
{
	free(container->id);
	free(container->name);
	free(container->image);
	free(container->image_id);
	free(container->state);
	free(container->status);
	free(container->project);
	free(container->service);
	free(container->working_dir);
	json_decref(container->labels);
	json_decref(container->raw);
}

void actual_release(struct actual *actual)
{
	for (size_t i = 0; i < actual->n; i++)
		container_release(&actual->containers[i]);
	free(actual->containers);
	json_decref(actual->networks);
	json_decref(actual->volumes);
	*actual = (struct actual){0};
}

static struct container container_from(json_t *entry)
{
	json_t *labels = json_object_get(entry, "Labels");
	const char *name = json_string_value(json_array_get(json_object_get(entry, "Names"), 0));
	uint64_t number = 1;

	parse_u64(json_str(labels, LABEL_NUMBER), 0, 100000, &number);
	return (struct container){
		.id = xstrdup(json_str(entry, "Id")),
		.name = xstrdup(name ? name + (*name == '/') : ""),
		.image = xstrdup(json_str(entry, "Image")),
		.image_id = xstrdup(json_str(entry, "ImageID")),
		.state = xstrdup(json_str(entry, "State") ? json_str(entry, "State") : ""),
		.status = xstrdup(json_str(entry, "Status") ? json_str(entry, "Status") : ""),
		.project = xstrdup(json_str(labels, LABEL_PROJECT)),
		.service = xstrdup(json_str(labels, LABEL_SERVICE)),
		.working_dir = xstrdup(json_str(labels, LABEL_DIR)),
		.number = (int)number,
		.oneoff = str_eq(json_str(labels, LABEL_ONEOFF), "True"),
		.labels = json_incref(labels),
		.raw = json_incref(entry),
	};
}

static const struct manifest *manifest_of(const struct workspace *ws, const char *project)
{
	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, project))
			return &ws->manifests[i];
	return NULL;
}

static int foreign(
	const struct manifest *manifest, const struct container *container, struct err *err)
{
	autofree char *here = path_real(manifest->dir);
	autofree char *there = container->working_dir ? path_real(container->working_dir) : NULL;

	if (!there || str_eq(here, there))
		return 0;
	return err_set(err, ERR_FAILED,
		"project \"%s\" belongs to %s (container %s runs there); give this one another "
		"name with "
		"-p NAME or `name:`, or end the other with `devenv -C %s down`",
		manifest->project, there, container->name, there);
}

static int read_containers(
	struct engine *engine, const struct workspace *ws, struct actual *actual, struct err *err)
{
	autofree char *filters = NULL;
	autojson json_t *list = NULL;
	json_t *entry;
	size_t i;

	if (ws->n == 1) {
		autofree char *label = xasprintf(LABEL_PROJECT "=%s", ws->manifests[0].project);

		filters = engine_filters("label", label, NULL);
	} else {
		filters = engine_filters("label", LABEL_PROJECT, NULL);
	}
	if (engine_get(engine, &list, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return err_wrap(err, "list the workspace's containers");
	json_array_foreach (list, i, entry) {
		const char *project = json_str(json_object_get(entry, "Labels"), LABEL_PROJECT);
		const struct manifest *manifest = manifest_of(ws, project);

		if (!manifest)
			continue;
		actual->containers = xgrow(
			actual->containers, actual->n, sizeof(*actual->containers));
		actual->containers[actual->n++] = container_from(entry);
		if (foreign(manifest, &actual->containers[actual->n - 1], err) < 0)
			return -1;
	}
	return 0;
}

static json_t *by_name(const json_t *list)
{
	json_t *out = json_object(), *entry;
	size_t i;

	json_array_foreach (list, i, entry)
		if (json_str(entry, "Name"))
			json_object_set(out, json_str(entry, "Name"), entry);
	return out;
}

static int compare(const void *a, const void *b)
{
	const struct container *left = a, *right = b;
	int order = strcmp(left->project, right->project);

	if (!order)
		order = strcmp(
			left->service ? left->service : "", right->service ? right->service : "");
	return order ? order : left->number - right->number;
}

int actual_read(
	struct engine *engine, const struct workspace *ws, struct actual *actual, struct err *err)
{
	autojson json_t *networks = NULL;
	autojson json_t *volumes = NULL;

	*actual = (struct actual){0};
	if (read_containers(engine, ws, actual, err) < 0 ||
		engine_get(engine, &networks, err, "/networks") < 0 ||
		engine_get(engine, &volumes, err, "/volumes") < 0) {
		actual_release(actual);
		return -1;
	}
	if (actual->n)
		qsort(actual->containers, actual->n, sizeof(*actual->containers), compare);
	actual->networks = by_name(networks);
	actual->volumes = by_name(json_object_get(volumes, "Volumes"));
	return 0;
}

const struct container *actual_find(const struct actual *actual, const struct manifest *manifest,
	const char *service, int number)
{
	const struct container *found = NULL;

	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];

		if (container->oneoff || !str_eq(container->project, manifest->project) ||
			!str_eq(container->service, service))
			continue;
		if (number && container->number != number)
			continue;
		if (!found ||
			(!str_eq(found->state, "running") && str_eq(container->state, "running")))
			found = container;
	}
	return found;
}

const json_t *actual_mount(const json_t *listed, const char *volume)
{
	json_t *mount;
	size_t i;

	json_array_foreach (json_object_get(listed, "Mounts"), i, mount)
		if (str_eq(json_str(mount, "Name"), volume))
			return mount;
	return NULL;
}
