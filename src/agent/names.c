/* names.c - index.json of the cache: which manifest has which name. */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/lock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <sys/stat.h>

#define NAMES_FILE AGENT_CACHE "/index.json"
#define NAMES_LOCK AGENT_CACHE "/index.lock"
#define NAMES_WAIT_MS 10000
#define NAMES_SHOWN 8
#define ORIGIN "io.devenv.snapshot.origin"

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

json_t *names_read(struct err *err)
{
	json_t *names;

	if (!fs_exists(NAMES_FILE))
		return json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", INDEX_TYPE,
			"manifests");
	names = json_parse_file(NAMES_FILE, ERR_SNAPSHOT, err);
	if (!names || json_is_array(json_object_get(names, "manifests")))
		return names;
	json_decref(names);
	err_set(err, ERR_SNAPSHOT, "the cache's index.json has no list of manifests");
	return NULL;
}

const char *name_of(const json_t *descriptor)
{
	return json_str(json_object_get(descriptor, "annotations"), REF_NAME);
}

/* For whoever asked for another one. */
static void hint_names(const json_t *manifests, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *text = NULL;
	json_t *each;
	size_t i;

	json_array_foreach (manifests, i, each)
		if (name_of(each) && names.n < NAMES_SHOWN)
			strv_push(&names, name_of(each));
	text = strv_join(&names, ", ");
	if (names.n)
		err_hint(err, "there are: %s", text);
}

int name_find(const char *name, char digest[DIGEST_SIZE], struct err *err)
{
	struct err ignored = ERR_INIT;
	autojson json_t *names = NULL;
	json_t *manifests, *each;
	size_t i;

	if (digest_hex(name, &ignored)) {
		snprintf(digest, DIGEST_SIZE, "%s", name);
		return 0;
	}
	names = names_read(err);
	if (!names)
		return -1;
	manifests = json_object_get(names, "manifests");
	json_array_foreach (manifests, i, each) {
		if (!str_eq(name_of(each), name))
			continue;
		if (!digest_hex(json_str(each, "digest"), err))
			return -1;
		snprintf(digest, DIGEST_SIZE, "%s", json_str(each, "digest"));
		return 0;
	}
	err_set(err, ERR_SNAPSHOT, "there is no snapshot \"%s\" in the cache", name);
	hint_names(manifests, err);
	return -1;
}

char *name_origin(const char *name)
{
	struct err ignored = ERR_INIT;
	autojson json_t *names = names_read(&ignored);
	json_t *each;
	size_t i;

	json_array_foreach (json_object_get(names, "manifests"), i, each)
		if (str_eq(name_of(each), name) || str_eq(json_str(each, "digest"), name))
			return xstrdup(json_str(json_object_get(each, "annotations"), ORIGIN));
	return NULL;
}

static json_t *named(const char *name, const char *digest, const char *origin, struct err *err)
{
	autojson json_t *manifest = blob_json(digest, err);
	autofree char *path = blob_path(digest + strlen("sha256:"));
	struct stat status;
	json_t *out;

	if (!manifest)
		return NULL;
	if (stat(path, &status) < 0)
		status.st_size = 0;
	out = descriptor(MANIFEST_TYPE, digest, (uint64_t)status.st_size);
	json_object_set_new(out, "artifactType", json_string(SNAPSHOT_ARTIFACT_TYPE));
	json_object_set_new(
		out, "annotations", json_pack("{s:s, s:s*}", REF_NAME, name, ORIGIN, origin));
	return out;
}

int name_set(const char *name, const char *digest, const char *origin, struct err *err)
{
	autolock struct lock lock = LOCK_NONE;
	autojson json_t *names = NULL, *own = digest ? named(name, digest, origin, err) : NULL;
	autofree char *text = NULL;
	json_t *manifests;

	if ((digest && !own) ||
		lock_wait(&lock, NAMES_LOCK, "the cache's index", NAMES_WAIT_MS, err) < 0)
		return -1;
	names = names_read(err);
	if (!names)
		return -1;
	manifests = json_object_get(names, "manifests");
	for (size_t i = json_array_size(manifests); i-- > 0;)
		if (str_eq(name_of(json_array_get(manifests, i)), name))
			json_array_remove(manifests, i);
	if (own)
		json_array_append_new(manifests, TAKE(own));
	text = json_print_pretty(names);
	return fs_write_atomic(NAMES_FILE, text, strlen(text), 0644, err);
}

/* === requests === */

int agent_list(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autojson json_t *names = NULL;
	json_t *list, *each;
	size_t i;

	if (cache_use(agent, err) < 0)
		return -1;
	names = names_read(err);
	if (!names)
		return -1;
	list = json_array();
	json_array_foreach (json_object_get(names, "manifests"), i, each) {
		autosnapshot struct snapshot snapshot = {0};
		struct err failed = ERR_INIT;

		if (!name_of(each))
			continue;
		if (snapshot_read(name_of(each), &snapshot, &failed) < 0)
			agent_warn(agent, "snapshot %s: %s", name_of(each), failed.msg);
		else
			json_array_append_new(list, snapshot_record(&snapshot));
	}
	*result = json_pack("{s:o}", "snapshots", list);
	return 0;
}

int agent_show(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};

	if (cache_use(agent, err) < 0 ||
		snapshot_read(json_str(request, "name"), &snapshot, err) < 0)
		return -1;
	*result = json_pack("{s:o, s:O}", "snapshot", snapshot_record(&snapshot), "manifest",
		snapshot.manifest);
	return 0;
}

int agent_name_set(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	const char *name = json_str(request, "name"), *digest = json_str(request, "digest");
	const char *origin = json_str(request, "origin");

	if (!name || !digest_hex(digest, err) || cache_use(agent, err) < 0 ||
		snapshot_open(agent, digest, &snapshot, err) < 0 ||
		name_set(name, digest, origin, err) < 0)
		return -1;
	free(snapshot.name);
	snapshot.name = xstrdup(name);
	snapshot.origin = xstrdup(origin);
	*result = snapshot_record(&snapshot);
	return 0;
}

int agent_name_remove(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *name = json_str(request, "name");
	char digest[DIGEST_SIZE];

	if (cache_use(agent, err) < 0 || name_find(name, digest, err) < 0)
		return -1;
	return name_set(name, NULL, NULL, err);
}
