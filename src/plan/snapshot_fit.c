/* snapshot_fit.c - a snapshot and an image: what is noted of one, and whether they go together. */
#include "devenv/plan_snapshot.h"

#include "devenv/mem.h"

static void server_of(const json_t *image, struct datadir_server *server)
{
	datadir_server_from_env(json_at(image, "Config", "Env", NULL), server);
	server->architecture = json_str(image, "Architecture");
}

void plan_snapshot_note_image(json_t *config, const char *ref, const json_t *image)
{
	struct datadir_server server;

	server_of(image, &server);
	json_set_str(config, "image", ref);
	json_set_str(config, "image_digest",
		json_string_value(json_array_get(json_object_get(image, "RepoDigests"), 0)));
	json_set_str(config, "libc", server.libc);
	datadir_server_release(&server);
}

enum datadir_verdict plan_snapshot_fits(
	const json_t *config, const json_t *image, const json_t *service, char **why)
{
	autojson json_t *command = image_command(
		image, json_object_get(service, "entrypoint"), json_object_get(service, "command"));
	autojson json_t *facts = json_deep_copy(json_object_get(config, "engine"));
	struct datadir_server server;
	enum datadir_verdict verdict;

	*why = NULL;
	if (!facts)
		return DATADIR_FITS;
	json_set_str(facts, "architecture", json_str(config, "architecture"));
	json_set_str(facts, "libc", json_str(config, "libc"));
	json_object_update(facts, json_object_get(config, "server"));
	server_of(image, &server);
	server.command = command;
	verdict = datadir_compatible(facts, &server, why);
	datadir_server_release(&server);
	return verdict;
}
