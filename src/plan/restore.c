/*
 * restore.c - filling a volume that was just created from a snapshot archive.
 *
 * The way that every engine has, local or remote: a container that mounts the volume and is never
 * started takes a tar.  Two quirks decide how:
 *
 * Docker does not apply the owner and mode of "./" when the tar is put into the mount point, but
 * does for the mount point's own name when it is put into "/".  Podman resolves only the path that
 * is asked for, so "/" is the container's root there and never the volume; it applies "./".
 *
 * Podman gives a volume the owner and mode of the image's folder when a container first uses it.
 * That would undo what the archive says, so the helper is initialised (its process is made, not
 * started).
 */
#include "restore.h"

#include "agent_container.h"
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define MOUNT_NAME "devenv-restore"
#define MOUNT_POINT "/" MOUNT_NAME

struct restoring {
	struct snapshot_ask ask;
	struct snapshot_result result;
};

static int make_tar(void *ctx, struct tar_writer *tar, struct err *err)
{
	struct restoring *restoring = ctx;

	return snapshot_stream(&restoring->ask, tar->write, tar->ctx, &restoring->result, err);
}

static int create_helper(
	struct engine *engine, const char *volume, const char *image, char **id, struct err *err)
{
	autojson json_t *body = json_object();
	autofree char *name = NULL, *bind = xasprintf("%s:%s", volume, MOUNT_POINT);
	char suffix[13];

	random_hex(suffix, 6);
	name = xasprintf("devenv-restore-%s", suffix);
	json_set_str(body, "Image", image);
	json_object_set_new(body, "Labels",
		json_pack("{s:s, s:s}", LABEL_HELPER, "restore", LABEL_RESTORES, volume));
	json_object_set_new(body, "HostConfig",
		json_pack("{s:[s], s:s}", "Binds", bind, "NetworkMode", "none"));
	return container_create(engine, name, NULL, body, NULL, id, err);
}

int restore_abandon(struct engine *engine, const char *volume, struct err *err)
{
	autofree char *label = xasprintf("%s=%s", LABEL_RESTORES, volume);
	autofree char *filters = engine_filters("label", label, NULL);
	autojson json_t *helpers = NULL;
	json_t *helper;
	size_t i;

	if (engine_get(engine, &helpers, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return -1;
	json_array_foreach (helpers, i, helper)
		if (container_remove(engine, json_str(helper, "Id"), true, err) < 0)
			return -1;
	return agent_container_sweep(engine, err);
}

/*
 * Podman only (why: top of this file). An image whose program cannot be made ready is no obstacle.
 */
static void settle_owner(struct engine *engine, const char *id)
{
	struct err ignored = ERR_INIT;

	engine_post(engine, NULL, NULL, &ignored, "/libpod/containers/%s/init", id);
}

int restore_archive(struct engine *engine, const char *volume, const char *image,
	const char *source, const char *expect_digest, const struct sink *sink,
	struct snapshot_result *result, struct err *err)
{
	autofree char *id = NULL, *object = xasprintf("volume %s", volume);
	bool podman = engine_facts(engine)->podman;
	struct restoring restoring = {.ask = {.source = source,
					      .expect = expect_digest,
					      .root = podman ? "." : MOUNT_NAME,
					      .object = object,
					      .sink = sink}};
	struct err ignored = ERR_INIT;
	int status;

	if (create_helper(engine, volume, image, &id, err) < 0)
		return err_wrap(err, "make a container that fills volume %s", volume);
	if (podman)
		settle_owner(engine, id);
	status = container_archive_put(
		engine, id, podman ? MOUNT_POINT : "/", make_tar, &restoring, err);
	/* Its anonymous volumes go with it; the named one stays. */
	if (container_remove(engine, id, true, &ignored) < 0)
		sink_warn(sink, object, "the helper container %.12s could not be removed: %s", id,
			ignored.msg);
	if (status < 0)
		return err_wrap(err, "restore volume %s", volume);
	*result = restoring.result;
	return 0;
}
