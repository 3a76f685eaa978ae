/* format.c - telling a snapshot from other artifacts. */
#include "devenv/snapshot_format.h"

#include "devenv/str.h"

bool snapshot_manifest_fits(const json_t *manifest)
{
	const json_t *config = json_object_get(manifest, "config");
	const json_t *index = json_array_get(json_object_get(manifest, "layers"), 0);
	const char *type = json_str(manifest, "artifactType");

	if (!type)
		type = json_str(config, "mediaType");
	return (str_eq(type, SNAPSHOT_ARTIFACT_TYPE) || str_eq(type, SNAPSHOT_CONFIG_TYPE_0)) &&
	       str_eq(json_str(index, "mediaType"), SNAPSHOT_INDEX_TYPE);
}
