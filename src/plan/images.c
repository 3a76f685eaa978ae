/*
 * images.c - which images the engine has, asked once for all services.
 *
 * References are compared in one form: "nginx", "docker.io/library/nginx" and "nginx:latest" are
 * the same image; Podman adds "localhost/" to what was built or loaded without a registry.
 */
#include "images.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static char *normal(const char *ref)
{
	static const char *const prefixes[] = {
		"docker.io/library/", "docker.io/", "index.docker.io/", "localhost/"};
	const char *slash, *name;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(ref, prefixes[i])) {
			ref += strlen(prefixes[i]);
			break;
		}
	slash = strrchr(ref, '/');
	name = slash ? slash : ref;
	if (strchr(name, ':') || strchr(name, '@'))
		return xstrdup(ref);
	return xasprintf("%s:latest", ref);
}

static void add_refs(json_t *images, const json_t *refs, const char *id)
{
	json_t *ref;
	size_t i;

	json_array_foreach (refs, i, ref) {
		autofree char *name = normal(json_string_value(ref));

		json_set_str(images, name, id);
	}
}

int images_read(struct engine *engine, json_t **images, struct err *err)
{
	autojson json_t *list = NULL;
	json_t *entry;
	size_t i;

	if (engine_get(engine, &list, err, "/images/json") < 0)
		return err_wrap(err, "list the images");
	*images = json_object();
	json_array_foreach (list, i, entry) {
		add_refs(*images, json_object_get(entry, "RepoTags"), json_str(entry, "Id"));
		add_refs(*images, json_object_get(entry, "RepoDigests"), json_str(entry, "Id"));
	}
	return 0;
}

const char *images_find(const json_t *images, const char *ref)
{
	autofree char *name = normal(ref);
	char *at = strchr(name, '@'), *colon;
	const char *id = json_str(images, name);

	if (id || !at)
		return id;
	/* name:tag@digest: the digest decides, and the engine lists name@digest. */
	*at = '\0';
	colon = strrchr(name, ':');
	if (colon && !strchr(colon, '/')) {
		autofree char *pinned = NULL;

		*colon = '\0';
		pinned = xasprintf("%s@%s", name, at + 1);
		return json_str(images, pinned);
	}
	return NULL;
}
