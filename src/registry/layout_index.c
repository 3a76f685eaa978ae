/*
 * layout_index.c - index.json of an OCI image layout: image-spec v1.1, image-layout.md.
 *
 * A name is the annotation org.opencontainers.image.ref.name of a descriptor; the same manifest may
 * be there under several.  Descriptors of others, and what we do not know in ours, stay as they
 * are.
 */
#include "store_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define REF_NAME "org.opencontainers.image.ref.name"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

char *layout_blob(const char *digest)
{
	return xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));
}

static const char *name_of(const json_t *descriptor)
{
	return json_str(json_object_get(descriptor, "annotations"), REF_NAME);
}

/* === reading === */

static json_t *index_parse(const struct buf *text, struct err *err)
{
	json_t *index = json_parse(buf_str(text), text->len, "index.json", err);

	if (index && !json_is_array(json_object_get(index, "manifests"))) {
		json_decref(index);
		index = NULL;
		err_set(err, ERR_REGISTRY, "index.json has no list of manifests");
	}
	if (!index)
		err->kind = ERR_REGISTRY;
	return index;
}

/* 0 with the parsed index; -1, with status 404 when there is no layout. */
static int read_index(struct store *store, layout_get_fn *get, json_t **index, struct err *err)
{
	autobuf struct buf text = BUF_INIT(LAYOUT_INDEX_MAX);
	int missing = get(store, "index.json", &text, err);

	if (missing < 0)
		return -1;
	if (missing) {
		err_set(err, ERR_REGISTRY, "there is no OCI image layout: no index.json");
		err->status = 404;
		return -1;
	}
	*index = index_parse(&text, err);
	return *index ? 0 : -1;
}

/* Names that there are, for whoever asked for another. */
static void hint_names(const json_t *index, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *list = NULL;
	json_t *each;
	size_t i;

	json_array_foreach (json_object_get(index, "manifests"), i, each) {
		if (name_of(each) && names.n < 10)
			strv_push(&names, name_of(each));
	}
	list = strv_join(&names, ", ");
	err_hint(err, names.n ? "there are: %s" : "it is empty%s", list);
}

static json_t *find(json_t *index, const char *name, struct err *err)
{
	json_t *manifests = json_object_get(index, "manifests"), *each, *found = NULL;
	size_t i;

	json_array_foreach (manifests, i, each) {
		if (name ? str_eq(name_of(each), name) : json_array_size(manifests) == 1)
			found = each;
	}
	if (found)
		return found;
	if (name)
		err_set(err, ERR_REGISTRY, "there is no manifest \"%s\"", name);
	else
		err_set(err, ERR_REGISTRY, "which of its %zu manifests is not said",
			json_array_size(manifests));
	err->status = 404;
	hint_names(index, err);
	return NULL;
}

/* The manifest with that digest; `type` NULL: what it says itself. */
static int get_blob(struct store *store, layout_get_fn *get, const char *digest, const char *type,
	struct store_manifest *manifest, struct err *err)
{
	autofree char *file = layout_blob(digest);
	int missing = get(store, file, &manifest->json, err);
	autojson json_t *json = NULL;
	const char *own;

	if (missing > 0) {
		err_set(err, ERR_REGISTRY, "there is no blob %s", digest);
		err->status = 404;
	}
	if (missing || digest_check(digest, buf_str(&manifest->json), manifest->json.len, err) < 0)
		return -1;
	json = json_parse(buf_str(&manifest->json), manifest->json.len, "the manifest", err);
	if (!json) {
		err->kind = ERR_REGISTRY;
		return -1;
	}
	own = json_str(json, "mediaType");
	manifest->type = xstrdup(type ? type : own ? own : MANIFEST_TYPE);
	return 0;
}

int layout_manifest_get(struct store *store, layout_get_fn *get, const char *name,
	struct store_manifest *manifest, struct err *err)
{
	autojson json_t *index = NULL;
	const char *digest;
	json_t *found;

	if (name && store_is_digest(name))
		return get_blob(store, get, name, NULL, manifest, err);
	if (read_index(store, get, &index, err) < 0)
		return -1;
	found = find(index, name, err);
	if (!found)
		return -1;
	digest = json_str(found, "digest");
	if (!digest || !store_is_digest(digest))
		return err_set(err, ERR_REGISTRY, "index.json names it by \"%s\", no sha256 digest",
			digest ? digest : "");
	return get_blob(store, get, digest, json_str(found, "mediaType"), manifest, err);
}

int layout_tags(struct store *store, layout_get_fn *get, struct strv *tags, struct err *err)
{
	autojson json_t *index = NULL;
	json_t *each;
	size_t i;

	if (read_index(store, get, &index, err) < 0)
		return -1;
	json_array_foreach (json_object_get(index, "manifests"), i, each) {
		const char *name = name_of(each);

		if (name && !strv_has(tags, name))
			strv_push(tags, name);
	}
	return 0;
}

/* === writing === */

static json_t *index_new(void)
{
	json_t *index = json_object();

	json_object_set_new(index, "schemaVersion", json_integer(2));
	json_object_set_new(index, "mediaType", json_string(INDEX_TYPE));
	json_object_set_new(index, "manifests", json_array());
	return index;
}

/* Whose name it was loses its descriptor; its blobs stay. */
static void take_name_away(json_t *manifests, const char *name)
{
	for (size_t i = json_array_size(manifests); i-- > 0;) {
		json_t *each = json_array_get(manifests, i);

		if (str_eq(name_of(each), name))
			json_array_remove(manifests, i);
	}
}

static json_t *descriptor(
	const char *name, const char *digest, const char *type, const char *json, size_t len)
{
	struct err ignored = ERR_INIT;
	autojson json_t *manifest = json_parse(json, len, "manifest", &ignored);
	json_t *out = json_object(), *annotations = json_object();

	json_set_str(out, "mediaType", type);
	json_set_str(out, "digest", digest);
	json_object_set_new(out, "size", json_integer((json_int_t)len));
	if (json_str(manifest, "artifactType"))
		json_set_str(out, "artifactType", json_str(manifest, "artifactType"));
	json_set_str(annotations, REF_NAME, name);
	json_object_set_new(out, "annotations", annotations);
	return out;
}

char *layout_index_with(const struct buf *old, const char *name, const char *digest,
	const char *type, const char *json, size_t len, struct err *err)
{
	autojson json_t *index = old->len ? index_parse(old, err) : index_new();
	json_t *manifests = json_object_get(index, "manifests");

	if (!index)
		return NULL;
	take_name_away(manifests, name);
	json_array_append_new(manifests, descriptor(name, digest, type, json, len));
	return json_print(index);
}
