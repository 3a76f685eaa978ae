/*
 * compose.c - what `docker compose` knows a project's objects by: the config hash in their labels.
 *
 * With the same hash as it would write itself, it takes what devenv made as up to date, and devenv
 * what it made.  A service that shares something with another's container is hashed with that
 * container's id.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static const char *const modes[] = {"network_mode", "ipc", "pid"};

/* The service of "service:db"; NULL when it names none. The caller's. */
static char *service_of_mode(const char *mode)
{
	return mode && str_starts(mode, "service:") ? xstrdup(mode + strlen("service:")) : NULL;
}

/* The service of "db:ro". Likewise. */
static char *service_of_volumes(const char *entry)
{
	return str_starts(entry, "container:") ? NULL : xstrndup(entry, strcspn(entry, ":"));
}

/* The services whose containers are part of the hash. */
static void shared_services(const json_t *service, struct strv *out)
{
	json_t *item;
	size_t i;

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		char *name = service_of_mode(json_str(service, modes[m]));

		if (name)
			strv_push_take(out, name);
	}
	json_array_foreach (json_object_get(service, "volumes_from"), i, item) {
		char *name = service_of_volumes(json_string_value(item));

		if (name)
			strv_push_take(out, name);
	}
}

/* Compose keeps nothing of an entry but the container: not even that it is read-only. */
static json_t *volumes_from(const json_t *list, const json_t *ids)
{
	json_t *out = json_array(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *entry = json_string_value(item);
		autofree char *name = service_of_volumes(entry);
		autostrv struct strv parts = STRV_INIT;

		strv_split(&parts, entry, ':');
		if (name)
			json_array_append(out, json_object_get(ids, name));
		else if (parts.n > 1)
			json_array_append_new(out, json_string_safe(parts.v[1]));
	}
	return out;
}

/* `ids`: of the containers of those services. */
static void hash_with(
	const struct manifest *manifest, const char *name, const json_t *ids, char out[SHA256_HEX])
{
	autojson json_t *service = model_created(manifest, name);
	json_t *volumes = json_object_get(service, "volumes_from");

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		autofree char *other = service_of_mode(json_str(service, modes[m]));

		if (other && json_str(ids, other))
			json_setf(service, modes[m], "container:%s", json_str(ids, other));
	}
	if (volumes)
		json_object_set_new(service, "volumes_from", volumes_from(volumes, ids));
	manifest_hash_service(manifest, name, service, out);
}

void compose_hash(const struct manifest *manifest, const char *name, const struct actual *actual,
	char out[SHA256_HEX])
{
	autostrv struct strv shared = STRV_INIT;
	autojson json_t *ids = json_object();

	shared_services(model_service(manifest, name), &shared);
	for (size_t i = 0; i < shared.n; i++) {
		const struct container *other = actual_find(actual, manifest, shared.v[i], 1);

		if (other)
			json_set_str(ids, shared.v[i], other->id);
	}
	hash_with(manifest, name, ids, out);
}

int compose_label(struct engine *engine, const struct manifest *manifest, const char *name,
	json_t *labels, struct err *err)
{
	autostrv struct strv shared = STRV_INIT;
	autojson json_t *ids = json_object();
	char hash[SHA256_HEX];

	shared_services(model_service(manifest, name), &shared);
	for (size_t i = 0; i < shared.n; i++) {
		autofree char *container = plan_container_name(manifest, shared.v[i], 1);
		autojson json_t *other = NULL;

		if (container_inspect(engine, container, &other, err) == 0)
			json_set_str(ids, shared.v[i], json_str(other, "Id"));
		else if (err->status != 404)
			return -1;
		else
			err_clear(err); /* the engine says what it thinks of it */
	}
	hash_with(manifest, name, ids, hash);
	json_set_str(labels, LABEL_HASH, hash);
	return 0;
}

char *compose_changed(const json_t *labels, const char *hash)
{
	const char *label = json_str(labels, LABEL_HASH);

	if (!label || str_eq(label, hash))
		return NULL;
	return xasprintf("docker compose made it from another definition (its config hash changed "
			 "from %.12s to %.12s)",
		label, hash);
}
