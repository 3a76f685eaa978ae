/*
 * network.c - creating and removing networks, whose names the engine does not keep unique.
 *
 * Docker makes two networks of one name when two requests overlap, CheckDuplicate or not, and then
 * refuses everything that names them.  That happens after kill -9: the killed run's request is
 * still at work in the engine when the next run asks for the same.  So what was made is looked at
 * again, and only one is kept.
 */
#include "network.h"

#include "plan_priv.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <string.h>

/*
 * The ids of the networks named exactly `name` (of `project`, if not NULL), the one to keep first.
 */
static int ids_of(struct engine *engine, const char *name, const char *project, struct strv *ids,
	struct err *err)
{
	autofree char *filters = engine_filters("name", name, NULL);
	autojson json_t *list = NULL;
	const char *oldest = NULL;
	json_t *network;
	size_t i;

	if (engine_get(engine, &list, err, "/networks?filters=%s", filters) < 0)
		return -1;
	json_array_foreach (list, i, network) {
		const char *created = json_str(network, "Created"), *id = json_str(network, "Id");

		if (!id || !str_eq(json_str(network, "Name"), name) ||
			(project &&
				!str_eq(json_str(json_object_get(network, "Labels"), LABEL_PROJECT),
					project)))
			continue;
		strv_push(ids, id);
		/* RFC 3339 of one engine: the order of the texts is that of the times. */
		if (ids->n == 1 || (created && oldest && strcmp(created, oldest) < 0)) {
			char *first = ids->v[0];

			ids->v[0] = ids->v[ids->n - 1];
			ids->v[ids->n - 1] = first;
			oldest = created;
		}
	}
	return 0;
}

static int remove_from(struct engine *engine, const struct strv *ids, size_t first, struct err *err)
{
	for (size_t i = first; i < ids->n; i++)
		if (engine_delete(engine, err, "/networks/%s", ids->v[i]) < 0 && err->status != 404)
			return -1;
	return 0;
}

int network_create(struct engine *engine, const json_t *body, struct err *err)
{
	autostrv struct strv ids = STRV_INIT;

	if (engine_post(engine, body, NULL, err, "/networks/create") < 0) {
		if (err->status != 409)
			return -1;
		err_clear(err);
	}
	if (ids_of(engine, json_str(body, "Name"), NULL, &ids, err) < 0)
		return -1;
	return remove_from(engine, &ids, 1, err);
}

int network_remove(struct engine *engine, const char *name, struct err *err)
{
	autostrv struct strv ids = STRV_INIT;

	if (ids_of(engine, name, NULL, &ids, err) < 0)
		return -1;
	return remove_from(engine, &ids, 0, err);
}

bool network_settle(struct engine *engine, const struct manifest *manifest)
{
	json_t *networks = json_object_get(manifest->model, "networks"), *network;
	struct err err = ERR_INIT;
	bool removed = false;
	const char *key;

	json_object_foreach (networks, key, network) {
		autostrv struct strv ids = STRV_INIT;

		if (json_bool(network, "external") ||
			ids_of(engine, json_str(network, "name"), manifest->project, &ids, &err) <
				0 ||
			ids.n < 2)
			continue;
		removed = remove_from(engine, &ids, 1, &err) == 0;
	}
	return removed;
}
