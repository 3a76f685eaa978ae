/*
 * leftover.c - what a killed run's last requests still make in the engine.
 *
 * A request goes on after kill -9 of who sent it: its container may appear after the next run has
 * looked.  The name is taken a little before the container can be seen.
 */
#include "leftover.h"

#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>

#define MOMENT_MS 100

bool leftover_remove_named(struct engine *engine, const char *name, const json_t *body)
{
	static const char *const same[] = {LABEL_PROJECT, LABEL_SERVICE, LABEL_DIR, LABEL_NUMBER};
	autojson json_t *found = NULL;
	struct err err = ERR_INIT;

	if (container_inspect(engine, name, &found, &err) < 0) {
		clock_sleep_ms(MOMENT_MS);
		return err.status == 404;
	}
	if (!str_eq(json_str(json_object_get(found, "State"), "Status"), "created"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (!str_eq(json_str(json_at(found, "Config", "Labels", NULL), same[i]),
			    json_str(json_object_get(body, "Labels"), same[i])))
			return false;
	return container_remove(engine, json_str(found, "Id"), false, &err) == 0;
}

static bool is_ours(const struct workspace *ws, const json_t *labels)
{
	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, json_str(labels, LABEL_PROJECT)) &&
			str_eq(ws->manifests[i].dir, json_str(labels, LABEL_DIR)))
			return true;
	return false;
}

/* What fills a volume goes by restore_abandon(), and what is going already by itself. */
static bool goes_by_itself(const json_t *container)
{
	return str_eq(json_str(container, "State"), "removing") ||
	       json_str(json_object_get(container, "Labels"), LABEL_HELPER);
}

bool leftover_remove_using(struct engine *engine, const struct workspace *ws, const char *volume)
{
	autofree char *filters = engine_filters("volume", volume, NULL);
	autojson json_t *users = NULL;
	struct err err = ERR_INIT;
	json_t *user;
	size_t i;

	if (engine_get(engine, &users, &err, "/containers/json?all=1&filters=%s", filters) < 0)
		return false;
	json_array_foreach (users, i, user) {
		if (goes_by_itself(user))
			continue;
		if (!str_eq(json_str(user, "State"), "created") ||
			!is_ours(ws, json_object_get(user, "Labels")) ||
			container_remove(engine, json_str(user, "Id"), false, &err) < 0)
			return false;
	}
	clock_sleep_ms(MOMENT_MS);
	return true;
}
