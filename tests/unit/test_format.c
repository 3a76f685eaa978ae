/* test_format.c - what is a snapshot, by its manifest. */
#include "testing.h"

#include "devenv/snapshot_format.h"

#define MANIFEST(type, config, layer) \
	"{" type "\"config\": {\"mediaType\": \"" config "\"}, \"layers\": " \
	"[{\"mediaType\": \"" layer "\"}]}"
#define ARTIFACT "\"artifactType\": \"" SNAPSHOT_ARTIFACT_TYPE "\", "

static bool fits(const char *text)
{
	struct err err = ERR_INIT;
	autojson json_t *manifest = json_parse(text, strlen(text), "manifest", &err);

	assert_non_null(manifest);
	return snapshot_manifest_fits(manifest);
}

static void test_manifests(void **state)
{
	assert_true(fits(MANIFEST(ARTIFACT, SNAPSHOT_CONFIG_TYPE, SNAPSHOT_INDEX_TYPE)));
	assert_true(fits(MANIFEST("", SNAPSHOT_ARTIFACT_TYPE, SNAPSHOT_INDEX_TYPE)));
	assert_true(fits(MANIFEST(ARTIFACT, SNAPSHOT_CONFIG_TYPE_0, SNAPSHOT_INDEX_TYPE)));
	assert_true(fits(MANIFEST("", SNAPSHOT_CONFIG_TYPE_0, SNAPSHOT_INDEX_TYPE)));
	assert_false(fits(MANIFEST("", SNAPSHOT_CONFIG_TYPE, SNAPSHOT_INDEX_TYPE)));
	assert_false(fits(MANIFEST(ARTIFACT, SNAPSHOT_CONFIG_TYPE, SNAPSHOT_PACK_TYPE)));
	assert_false(fits(MANIFEST(
		"\"artifactType\": \"a/b\", ", SNAPSHOT_CONFIG_TYPE_0, SNAPSHOT_INDEX_TYPE)));
	assert_false(fits("{}"));
	assert_false(fits("{\"layers\": {}, \"config\": [], \"artifactType\": 1}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_manifests)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
