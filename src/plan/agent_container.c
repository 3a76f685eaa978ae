/*
 * agent_container.c - the agent's container: what it may do, and whose it is.
 *
 * It is removed by whoever made it, or, where nobody needs to wait for that, by the engine when it
 * ends, which it does when its stdin does; so only a container that was never started outlives a
 * kill -9 (helper.h).
 */
#include "agent_container.h"

#include "agent_image.h"
#include "plan_priv.h"

#include "devenv/mem.h"

#include <stdlib.h>

#define LABEL_AGENT "io.devenv.agent" /* its id: the name of its lock */

static json_t *mount(const char *volume, const char *target, bool write)
{
	/* Without NoCopy an empty volume would get what the image has there: an owner, too. */
	return json_pack("{s:s, s:s, s:s, s:b, s:{s:b}}", "Type", "volume", "Source", volume,
		"Target", target, "ReadOnly", !write, "VolumeOptions", "NoCopy", true);
}

json_t *agent_cache_mount(bool write)
{
	return mount(CACHE_VOLUME, AGENT_CACHE, write);
}

static json_t *body_of(const struct agent_spec *spec, const char *image, const char *id)
{
	json_t *mounts = json_pack("[o]", agent_cache_mount(true));
	json_t *host, *body;

	if (spec->volume)
		json_array_append_new(mounts, mount(spec->volume, AGENT_TARGET, spec->write));
	for (size_t i = 0; spec->volumes && i < spec->volumes->n; i++) {
		autofree char *target = xasprintf(AGENT_VOLUMES "/%s", spec->volumes->v[i]);

		json_array_append_new(mounts, mount(spec->volumes->v[i], target, true));
	}
	host = json_pack("{s:s, s:b, s:b, s:[s], s:[s], s:[s,s,s,s,s], s:{s:s}, s:o}",
		"NetworkMode", "none", "AutoRemove", true, "ReadonlyRootfs", true, "SecurityOpt",
		"no-new-privileges", "CapDrop", "ALL", "CapAdd", "CHOWN", "DAC_OVERRIDE", "FOWNER",
		"FSETID", "SETFCAP", "LogConfig", "Type", "none", "Mounts", mounts);
	/* Without a network dockerd does not set one up either, which takes it 50 ms. */
	body = json_pack("{s:s, s:{s:s, s:s}, s:b, s:b, s:b, s:b, s:b, s:b, s:o}", "Image", image,
		"Labels", LABEL_HELPER, "agent", LABEL_AGENT, id, "NetworkDisabled", true,
		"OpenStdin", true, "StdinOnce", true, "AttachStdin", true, "AttachStdout", true,
		"AttachStderr", true, "HostConfig", host);
	return body;
}

/* Asking for one that is there changes nothing. */
static int create_cache(struct engine *engine, struct err *err)
{
	autojson json_t *body = json_pack(
		"{s:s, s:{s:s}}", "Name", CACHE_VOLUME, "Labels", "io.devenv.cache", "1");

	return engine_post(engine, body, NULL, err, "/volumes/create");
}

/* An engine creates a volume that is only mentioned. */
static int check_volume(struct engine *engine, const char *volume, struct err *err)
{
	autofree char *name = engine_escape(volume);

	if (engine_get(engine, NULL, err, "/volumes/%s", name) == 0)
		return 0;
	if (err->status == 404)
		err_set(err, ERR_SNAPSHOT, "there is no volume %s", volume);
	return -1;
}

static int check_volumes(struct engine *engine, const struct agent_spec *spec, struct err *err)
{
	if (spec->volume && check_volume(engine, spec->volume, err) < 0)
		return -1;
	for (size_t i = 0; spec->volumes && i < spec->volumes->n; i++)
		if (check_volume(engine, spec->volumes->v[i], err) < 0)
			return -1;
	return 0;
}

int agent_container_create(struct engine *engine, const struct agent_spec *spec,
	struct agent_container *container, struct err *err)
{
	autofree char *image = NULL, *name = NULL;
	autojson json_t *body = NULL;

	if (create_cache(engine, err) < 0 || check_volumes(engine, spec, err) < 0 ||
		agent_image(engine, &image, err) < 0)
		return -1;
	if (helper_new(&container->helper, HELPER_AGENTS, "agent", err) < 0)
		return -1;
	name = xasprintf("devenv-agent-%s", container->helper.id);
	body = body_of(spec, image, container->helper.id);
	return container_create(engine, name, NULL, body, NULL, &container->id, err);
}

static void release(struct agent_container *container, bool gone)
{
	helper_release(&container->helper, gone);
	free(container->id);
	*container = AGENT_CONTAINER_NONE;
}

int agent_container_remove(
	struct engine *engine, struct agent_container *container, struct err *err)
{
	int result = container->id ? container_remove(engine, container->id, true, err) : 0;

	release(container, result == 0);
	return result;
}

void agent_container_leave(struct agent_container *container)
{
	release(container, false);
}

int agent_container_sweep(struct engine *engine, struct err *err)
{
	autofree char *filters = engine_filters("label", LABEL_HELPER "=agent", NULL);
	autojson json_t *list = NULL;
	json_t *item;
	size_t i;

	if (engine_get(engine, &list, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return -1;
	json_array_foreach (list, i, item) {
		const char *id = json_str(json_object_get(item, "Labels"), LABEL_AGENT);
		struct agent_container left = AGENT_CONTAINER_NONE;

		if (!helper_take(&left.helper, HELPER_AGENTS, id))
			continue;
		left.id = xstrdup(json_str(item, "Id"));
		if (agent_container_remove(engine, &left, err) < 0)
			return -1;
	}
	helper_sweep_agents();
	return 0;
}
