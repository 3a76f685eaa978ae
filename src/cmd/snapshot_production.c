/* snapshot_production.c - does what a volume holds come from production, and how was it masked? */
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/masking.h"
#include "devenv/mem.h"
#include "devenv/state.h"
#include "devenv/str.h"

/* x-production of the volume: a map or true; NULL when it has none. Borrowed. */
static const json_t *declared(const struct snapshot_place *place)
{
	json_t *volumes, *volume;
	const char *key;

	if (!place->manifest)
		return NULL;
	volumes = json_object_get(place->manifest->model, "volumes");
	json_object_foreach (volumes, key, volume) {
		const json_t *found = json_object_get(volume, "x-production");

		if (str_eq(json_str(volume, "name"), place->volume))
			return json_is_object(found) || json_is_true(found) ? found : NULL;
	}
	return NULL;
}

/* The file of rules, NULL: none is named. The caller's. */
static char *rules_path(const struct snapshot_place *place, const struct production_words *words,
	const json_t *found)
{
	const char *rules = json_str(found, "masking");

	if (words->masking)
		return path_absolute(NULL, words->masking);
	return rules ? path_absolute(place->manifest->dir, rules) : NULL;
}

int snapshots_note_production(const struct session *session, const struct snapshot_place *place,
	const struct production_words *words, json_t *config, struct err *err)
{
	autojson json_t *origin = words->elsewhere
					  ? NULL
					  : state_volume_read(session->ws.lock_id, place->volume);
	const json_t *found = declared(place);
	autofree char *rules = rules_path(place, words, found);
	bool said = words->production || words->masking || found;
	json_t *masking = said ? NULL : json_incref(json_object_get(origin, "masking"));

	if (rules && !(masking = masking_of_file(rules, err)))
		return -1;
	json_object_set_new(
		config, "production", json_boolean(said || json_bool(origin, "production")));
	if (masking)
		json_object_set_new(config, "masking", masking);
	return 0;
}
