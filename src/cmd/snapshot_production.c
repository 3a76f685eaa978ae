/* snapshot_production.c - does what a volume holds come from production, and how was it masked? */
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/masking.h"
#include "devenv/mem.h"
#include "devenv/state.h"
#include "devenv/str.h"

const json_t *snapshots_production(const struct manifest *manifest, const char *volume)
{
	json_t *volumes = json_object_get(manifest->model, "volumes"), *one;
	const char *key;

	json_object_foreach (volumes, key, one) {
		const json_t *found = json_object_get(one, "x-production");

		if (str_eq(json_str(one, "name"), volume))
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
	const json_t *found = place->manifest ? snapshots_production(place->manifest, place->volume)
					      : NULL;
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
