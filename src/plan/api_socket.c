/*
 * api_socket.c - `use_api_socket: true`: the engine's socket and the user's registries in a
 * container.
 *
 * No engine knows the key.  As docker's own clients do (docker compose 2.40.3,
 * pkg/compose/apiSocket.go), the service gets a bind mount, a variable and a file.  The credentials
 * themselves are read when the file is put in: no model, label or plan holds them.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#define SOCKET "/var/run/docker.sock"
#define FOLDER "/run/secrets/docker"

/* The list of `service` as one of our own, to be added to. */
static json_t *own_list(json_t *service, const char *key)
{
	json_t *list = json_copy(json_object_get(service, key));

	if (!list)
		list = json_array();
	json_object_set_new(service, key, list);
	return list;
}

static void add_variable(json_t *service)
{
	json_t *environment = json_copy(json_object_get(service, "environment"));

	if (!environment)
		environment = json_object();
	/* Whoever sets it says where the credentials are. */
	if (!json_object_get(environment, "DOCKER_CONFIG"))
		json_set_str(environment, "DOCKER_CONFIG", FOLDER);
	json_object_set_new(service, "environment", environment);
}

json_t *model_created(const struct manifest *manifest, const char *name)
{
	json_t *service = json_copy(model_service(manifest, name));

	if (!json_bool(service, "use_api_socket"))
		return service;
	json_array_append_new(own_list(service, "volumes"),
		json_pack("{s:s, s:s, s:s}", "type", "bind", "source", SOCKET, "target", SOCKET));
	json_array_append_new(
		own_list(service, "configs"), json_pack("{s:s, s:s}", "source", API_SOCKET_CONFIG,
						      "target", FOLDER "/config.json"));
	add_variable(service);
	return service;
}
