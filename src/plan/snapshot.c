/* snapshot.c - snapshots in the cache: each function is one request to an agent. */
#include "devenv/plan_snapshot.h"

#include "agent.h"
#include "agent_image.h"
#include "lazy.h"
#include "snapshot_transfer.h"
#include "scratch.h"

#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/str.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_LEN 255

/* With less than that free the images' scripts make no data directory. */
#define LITTLE_BYTES ((int64_t)64 << 20)

static int ask_open(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	return agent_ask(agent, &(struct agent_question){.request = request}, result, err);
}

/* Open an agent, ask once, close it. */
static int ask_agent(struct engine *engine, const struct agent_spec *spec, const json_t *request,
	json_t **result, struct err *err)
{
	struct agent *agent = agent_open(engine, spec, err);
	int status;

	if (!agent)
		return -1;
	status = ask_open(agent, request, result, err);
	agent_close(agent);
	return status;
}

int plan_snapshot_probe(struct engine *engine, const char *volume, json_t **probe, struct err *err)
{
	autojson json_t *request = json_pack("{s:s}", "do", "ping");
	struct agent_spec spec = {.volume = volume, .write = true, .object = "agent"};

	return ask_agent(engine, &spec, request, probe, err);
}

bool plan_snapshot_is_full(struct engine *engine, const char *volume)
{
	autojson json_t *probe = NULL;
	struct err why = ERR_INIT;

	if (plan_snapshot_probe(engine, volume, &probe, &why) < 0)
		return strcasestr(why.msg, "no space left") != NULL;
	return json_int(json_object_get(probe, volume ? "target" : "cache"), "free") < LITTLE_BYTES;
}

/* Ask the one that is open, if there is one. */
static int ask_either(struct engine *engine, struct agent *agent, const struct agent_spec *spec,
	const json_t *request, json_t **result, struct err *err)
{
	return agent ? ask_open(agent, request, result, err)
		     : ask_agent(engine, spec, request, result, err);
}

/* === an agent that stays === */

struct agent *plan_snapshot_open(
	struct engine *engine, const char *volume, const struct sink *sink, struct err *err)
{
	autofree char *object = volume ? xasprintf("volume %s", volume) : xstrdup("snapshots");

	return agent_open(engine,
		&(struct agent_spec){
			.volume = volume, .write = true, .object = object, .sink = sink},
		err);
}

void plan_snapshot_close(struct agent *agent)
{
	agent_close(agent);
}

void plan_snapshot_leave(struct agent *agent)
{
	agent_leave(agent);
}

int plan_snapshot_show_by(struct agent *agent, const char *name, json_t **record, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "show", "name", name);
	autojson json_t *result = NULL;

	if (ask_open(agent, request, &result, err) < 0)
		return -1;
	*record = json_incref(json_object_get(result, "snapshot"));
	return 0;
}

int plan_snapshot_list_by(struct agent *agent, json_t **list, struct err *err)
{
	autojson json_t *request = json_pack("{s:s}", "do", "list"), *result = NULL;

	if (ask_open(agent, request, &result, err) < 0)
		return err_wrap(err, "list the snapshots");
	*list = json_incref(json_object_get(result, "snapshots"));
	return 0;
}

int plan_snapshot_remove_by(struct agent *agent, const char *name, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "name-remove", "name", name);

	return ask_open(agent, request, NULL, err);
}

/* === is the volume free? === */

static bool is_alive(const json_t *container)
{
	static const char *const states[] = {"running", "paused", "restarting", "stopping"};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(json_str(container, "State"), states[i]))
			return true;
	return false;
}

/* Podman's list does not say how a volume is mounted: then it may write. */
static bool only_reads(const json_t *container, const char *volume)
{
	return json_is_false(json_object_get(actual_mount(container, volume), "RW"));
}

int agent_volume_free(struct engine *engine, const char *volume, bool reading,
	const struct agent *agent, struct err *err)
{
	autofree char *filters = engine_filters("volume", volume, NULL);
	autojson json_t *users = NULL;
	struct err ignored = ERR_INIT;
	json_t *user;
	size_t i;

	if (engine_get(engine, &users, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return -1;
	json_array_foreach (users, i, user) {
		const char *name = json_string_value(
			json_array_get(json_object_get(user, "Names"), 0));

		if (!is_alive(user) || (reading && only_reads(user, volume)) ||
			(agent && str_eq(json_str(user, "Id"), agent_id(agent))) ||
			container_alive(engine, json_str(user, "Id"), &ignored) == 0)
			continue;
		return err_set(err, ERR_SNAPSHOT,
			"volume %s is in use by the container %s; stop it first", volume,
			name ? name + (*name == '/') : json_str(user, "Id"));
	}
	return 0;
}

/* === the functions === */

int plan_snapshot_check_name(const char *name, struct err *err)
{
	size_t len = name ? strlen(name) : 0;

	if (len && len <= NAME_MAX_LEN &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "._-/:@+") == len)
		return 0;
	return err_set(err, ERR_USAGE,
		"\"%s\" is no name for a snapshot: letters, digits and ._-/:@+ only, up to %d",
		name ? name : "", NAME_MAX_LEN);
}

int plan_snapshot_save(
	struct engine *engine, const struct snapshot_save_ask *ask, json_t **saved, struct err *err)
{
	autofree char *own = xasprintf("volume %s", ask->volume);
	struct agent_spec spec = {.volume = ask->volume,
		.object = ask->object ? ask->object : own,
		.sink = ask->sink};
	autojson json_t *config = json_object(), *request = NULL;

	if (plan_snapshot_check_name(ask->name, err) < 0 ||
		agent_volume_free(engine, ask->volume, true, ask->agent, err) < 0)
		return -1;
	json_set_str(config, "architecture", agent_architecture());
	json_object_update(config, (json_t *)ask->config);
	request = json_pack("{s:s, s:s, s:s*, s:b, s:b, s:b, s:b, s:O}", "do", "capture", "name",
		ask->name, "parent", ask->parent, "deltas", ask->deltas, "ended", ask->ended,
		"unclean", ask->unclean, "unread", ask->unread, "config", config);
	if (ask_either(engine, ask->agent, &spec, request, saved, err) < 0)
		return err_wrap(err, "save volume %s", ask->volume);
	return 0;
}

/* Once more when the cache was damaged and the snapshot's origin is not. */
static int ask_repaired(struct engine *engine, struct agent *agent, const struct agent_spec *spec,
	const json_t *request, json_t **result, struct err *err)
{
	struct err second = ERR_INIT;

	if (ask_either(engine, agent, spec, request, result, err) == 0)
		return 0;
	if (err->kind != ERR_SNAPSHOT || err->os != EBADMSG)
		return -1;
	if (snapshot_repair(engine, json_str(request, "name"), spec->sink, &second) < 0)
		return err_hint(err, "it could not be repaired: %s", second.msg);
	err_clear(err);
	return ask_either(engine, agent, spec, request, result, err);
}

/* What did not have to be written: it was there, or its blocks are shared. */
static void tell_saved(const struct sink *sink, const char *object, const json_t *result)
{
	int64_t bytes = json_int(result, "bytes");
	int64_t saved = json_int(result, "kept") + json_int(result, "cloned");
	char all[16], part[16];

	if (saved > 0)
		sink_info(sink, object, "%s of %s did not have to be written",
			format_bytes(part, (uint64_t)saved), format_bytes(all, (uint64_t)bytes));
}

int plan_snapshot_prepare(
	struct engine *engine, const struct snapshot_restore_ask *ask, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "prepare", "name", ask->name);
	autojson json_t *result = NULL;
	struct agent_spec spec = {.sink = ask->sink};

	if (ask_repaired(engine, ask->agent, &spec, request, &result, err) < 0)
		return err_wrap(err, "prepare the restore of volume %s in the volume devenv-cache",
			ask->volume);
	return 0;
}

int plan_snapshot_restore(
	struct engine *engine, const struct snapshot_restore_ask *ask, struct err *err)
{
	autofree char *own = xasprintf("volume %s", ask->volume);
	struct agent_spec spec = {.volume = ask->volume,
		.write = true,
		.object = ask->object ? ask->object : own,
		.sink = ask->sink};
	autojson json_t *request = json_pack("{s:s, s:s, s:b, s:b}", "do", "restore", "name",
		ask->name, "replace", ask->replace, "whole", ask->whole);
	autojson json_t *volume = json_pack("{s:s}", "Name", ask->volume), *result = NULL;

	if (agent_volume_free(engine, ask->volume, false, ask->agent, err) < 0 ||
		(!ask->agent && engine_post(engine, volume, NULL, err, "/volumes/create") < 0) ||
		ask_repaired(engine, ask->agent, &spec, request, &result, err) < 0)
		return err_wrap(err, "restore volume %s", ask->volume);
	tell_saved(ask->sink, spec.object, result);
	if (ask->freeing)
		*ask->freeing = json_bool(result, "freeing");
	return 0;
}

int plan_snapshot_examine(
	struct engine *engine, const char *volume, json_t **facts, struct err *err)
{
	autofree char *object = xasprintf("volume %s", volume);
	autojson json_t *request = json_pack("{s:s}", "do", "examine"), *result = NULL;
	struct agent_spec spec = {.volume = volume, .object = object};

	if (ask_agent(engine, &spec, request, &result, err) < 0)
		return err_wrap(err, "examine volume %s", volume);
	*facts = json_incref(json_object_get(result, "engine"));
	return 0;
}

int plan_snapshot_list(
	struct engine *engine, const struct sink *sink, json_t **list, struct err *err)
{
	struct agent *agent = plan_snapshot_open(engine, NULL, sink, err);
	int status = agent ? plan_snapshot_list_by(agent, list, err) : -1;

	agent_close(agent);
	return status;
}

/* {"do": what, "name": name} */
static int ask_about(struct engine *engine, const char *what, const char *name,
	const struct sink *sink, json_t **result, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	autojson json_t *request = json_pack("{s:s, s:s}", "do", what, "name", name);
	struct agent_spec spec = {.object = object, .sink = sink};

	return ask_agent(engine, &spec, request, result, err);
}

int plan_snapshot_show(struct engine *engine, const char *name, const struct sink *sink,
	json_t **record, struct err *err)
{
	struct agent *agent = plan_snapshot_open(engine, NULL, sink, err);
	int status = agent ? plan_snapshot_show_by(agent, name, record, err) : -1;

	agent_close(agent);
	return status;
}

int plan_snapshot_diff(struct engine *engine, const char *before, const char *after,
	const struct sink *sink, json_t **diff, struct err *err)
{
	autojson json_t *request = json_pack(
		"{s:s, s:s, s:s}", "do", "diff", "before", before, "after", after);
	struct agent_spec spec = {.object = "snapshots", .sink = sink};

	return ask_agent(engine, &spec, request, diff, err);
}

int plan_snapshot_verify(struct engine *engine, const char *name, const struct sink *sink,
	json_t **verified, struct err *err)
{
	if (ask_about(engine, "verify", name, sink, verified, err) < 0)
		return err_wrap(err, "verify the snapshot %s", name);
	return 0;
}

int plan_snapshot_scan(struct engine *engine, const char *name, const json_t *canaries,
	const json_t *allowed, const struct sink *sink, json_t **found, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	autojson json_t *request = json_pack("{s:s, s:s, s:O*, s:O*}", "do", "scan", "name", name,
		"canaries", canaries, "allowed", allowed);
	struct agent_spec spec = {.object = object, .sink = sink};

	if (ask_agent(engine, &spec, request, found, err) < 0)
		return err_wrap(err, "scan the snapshot %s", name);
	return 0;
}

int plan_snapshot_remove(
	struct engine *engine, const char *name, const struct sink *sink, struct err *err)
{
	return ask_about(engine, "name-remove", name, sink, NULL, err);
}

/* Which volumes are thin is asked when nobody can make one any more. */
static int prune_by(struct engine *engine, struct agent *agent, const json_t *of, uint64_t *freed,
	struct err *err)
{
	autojson json_t *alone = json_pack("{s:s}", "do", "alone"), *request = NULL;
	autojson json_t *thin = NULL, *keep = NULL, *result = NULL;

	if (ask_open(agent, alone, NULL, err) < 0 || plan_thin_list(engine, &thin, err) < 0)
		return -1;
	keep = lazy_all(engine, err);
	request = json_pack(
		"{s:s, s:O, s:O*, s:O*}", "do", "prune", "thin", thin, "keep", keep, "of", of);
	if (!keep || ask_open(agent, request, &result, err) < 0)
		return -1;
	*freed = (uint64_t)json_int(result, "freed");
	return 0;
}

int plan_snapshot_prune(
	struct engine *engine, const struct sink *sink, uint64_t *freed, struct err *err)
{
	struct agent *agent = plan_snapshot_open(engine, NULL, sink, err);
	int status = agent ? prune_by(engine, agent, NULL, freed, err) : -1;

	agent_close(agent);
	if (status < 0 || agent_image_sweep(engine, err) < 0 || scratch_sweep(engine, err) < 0)
		return err_wrap(err, "tidy up the snapshots");
	return 0;
}

void plan_snapshot_forget(struct engine *engine, struct agent *agent, const json_t *digests)
{
	struct err ignored = ERR_INIT;
	uint64_t freed;

	prune_by(engine, agent, digests, &freed, &ignored);
}
