/* snapshot_origin.c - which snapshot a volume's content began as, and what that says of it. */
#include "devenv/plan_snapshot.h"

json_t *plan_snapshot_origin(const json_t *record)
{
	const json_t *config = json_object_get(record, "config");

	return json_pack("{s:s, s:s, s:s, s:s*, s:b, s:O*}", "state", "restored", "source",
		json_str(record, "name"), "digest", json_str(record, "digest"), "engine",
		json_str(json_object_get(config, "engine"), "kind"), "production",
		json_bool(config, "production"), "masking", json_object_get(config, "masking"));
}
