/*
 * thin.c - which volumes are thin, which may be, and what is in them (plan_thin.h).
 *
 * That a volume is thin is in its options alone: no label, so that it keeps those it had.
 */
#include "thin.h"

#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <string.h>

/* === options === */

/* "/.../thin/NAME/upper,": NAME, the caller's; NULL: it is not thin. */
static char *folder_name(const json_t *volume)
{
	static const char below[] = "/" THIN_FOLDER "/";
	const json_t *options = json_object_get(volume, "Options");
	const char *o = json_str(options, "o"), *upper, *end, *name;

	if (!str_eq(json_str(options, "type"), "overlay") || !o)
		return NULL;
	upper = strstr(o, ",upperdir=");
	end = upper ? strstr(upper, "/" THIN_UPPER ",") : NULL;
	if (!end)
		return NULL;
	for (name = end; name > upper && name[-1] != '/';)
		name--;
	if (name - upper < (ptrdiff_t)strlen(below) ||
		strncmp(name - strlen(below), below, strlen(below)) != 0)
		return NULL;
	return xstrndup(name, (size_t)(end - name));
}

bool plan_thin_is(const json_t *volume)
{
	autofree char *name = folder_name(volume);

	return name != NULL;
}

int plan_thin_list(struct engine *engine, json_t **names, struct err *err)
{
	autojson json_t *list = NULL;
	json_t *volume;
	size_t i;

	if (engine_get(engine, &list, err, "/volumes") < 0)
		return -1;
	*names = json_array();
	json_array_foreach (json_object_get(list, "Volumes"), i, volume) {
		autofree char *name = folder_name(volume);

		if (name)
			json_array_append_new(*names, json_string_safe(name));
	}
	return 0;
}

int thin_entry(struct engine *engine, const char *volume, json_t **entry, struct err *err)
{
	autofree char *name = engine_escape(volume);

	if (engine_get(engine, entry, err, "/volumes/%s", name) == 0)
		return 0;
	if (err->status != 404)
		return -1;
	err_clear(err);
	return 0;
}

static int refuse(struct err *err, const char *why)
{
	err_set(err, ERR_SNAPSHOT, "it cannot be thin: %s", why);
	return err_hint(err, "restore it without --thin");
}

json_t *thin_options(struct engine *engine, const char *volume, struct err *err)
{
	autojson json_t *cache = NULL;
	autofree char *folder = NULL, *o = NULL;
	const char *path;

	if (thin_entry(engine, CACHE_VOLUME, &cache, err) < 0)
		return NULL;
	path = json_str(cache, "Mountpoint");
	if (json_object_size(json_object_get(cache, "Options")))
		refuse(err, "the engine's volume " CACHE_VOLUME " has options of its own");
	else if (!path || *path != '/')
		refuse(err, "the engine does not tell where it keeps volumes");
	else if (strpbrk(path, ",:\\"))
		refuse(err, "the engine keeps volumes where a path has \",\", \":\" or \"\\\"");
	if (err->kind)
		return NULL;
	folder = xasprintf("%s/" THIN_FOLDER "/%s", path, volume);
	o = xasprintf("lowerdir=%s/" THIN_LOWER ",upperdir=%s/" THIN_UPPER ",workdir=%s/" THIN_WORK,
		folder, folder, folder);
	return json_pack("{s:s, s:s, s:s}", "type", "overlay", "device", "overlay", "o", o);
}

/* === may it be? === */

const struct manifest *thin_manifest(const struct workspace *ws, const json_t *container)
{
	const json_t *labels = json_object_get(container, "Labels");
	const char *project = json_str(labels, LABEL_PROJECT);
	const char *service = json_str(labels, LABEL_SERVICE);

	for (size_t i = 0; i < ws->n && project && service; i++)
		if (str_eq(ws->manifests[i].project, project))
			return json_at(ws->manifests[i].model, "services", service, NULL)
				       ? &ws->manifests[i]
				       : NULL;
	return NULL;
}

int thin_containers(struct engine *engine, const char *volume, json_t **users, struct err *err)
{
	autofree char *filters = engine_filters("volume", volume, NULL);
	autojson json_t *list = NULL;
	json_t *user;
	size_t i;

	if (engine_get(engine, &list, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return -1;
	*users = json_array();
	json_array_foreach (list, i, user)
		if (!json_str(json_object_get(user, "Labels"), LABEL_HELPER))
			json_array_append(*users, user);
	return 0;
}

const char *thin_container_name(const json_t *container)
{
	const char *name = json_string_value(
		json_array_get(json_object_get(container, "Names"), 0));

	return name ? name + (*name == '/') : "";
}

static int check_users(
	struct engine *engine, const struct workspace *ws, const char *volume, struct err *err)
{
	autojson json_t *users = NULL;
	json_t *user;
	size_t i;

	if (thin_containers(engine, volume, &users, err) < 0)
		return -1;
	json_array_foreach (users, i, user) {
		const json_t *labels = json_object_get(user, "Labels");

		if (thin_manifest(ws, user) && !str_eq(json_str(labels, LABEL_ONEOFF), "True"))
			continue;
		return err_set(err, ERR_SNAPSHOT,
			"container %s uses volume %s and would have to be made anew, which nobody "
			"could do; remove it first",
			thin_container_name(user), volume);
	}
	return 0;
}

int plan_thin_check(
	struct engine *engine, const struct workspace *ws, const char *volume, struct err *err)
{
	autojson json_t *entry = NULL, *options = NULL;

	if (thin_entry(engine, volume, &entry, err) < 0)
		return -1;
	if (plan_thin_is(entry))
		return 0;
	if (engine_all_facts(engine)->rootless)
		return refuse(err, "an engine without root mounts no overlays for volumes");
	if (entry && (!str_eq(json_str(entry, "Driver"), "local") ||
			     json_object_size(json_object_get(entry, "Options"))))
		return refuse(err, "the volume has a driver or options of its own");
	options = thin_options(engine, volume, err);
	return options ? check_users(engine, ws, volume, err) : -1;
}

/* === after a kill === */

static bool is_cut(const json_t *record)
{
	return str_eq(json_str(record, "state"), THINNING);
}

bool plan_thin_is_cut(const struct workspace *ws, const char *volume)
{
	autojson json_t *record = state_volume_read(ws->lock_id, volume);

	return is_cut(record);
}

void plan_thin_running(const struct workspace *ws, const char *volume, struct strv *running)
{
	autojson json_t *record = state_volume_read(ws->lock_id, volume);
	json_t *word;
	size_t i;

	json_array_foreach (json_object_get(record, "running"), i, word)
		if (!strv_has(running, json_string_value(word)))
			strv_push(running, json_string_value(word));
}

int plan_thin_cut_error(const char *volume, struct err *err)
{
	return err_set(err, ERR_SNAPSHOT,
		"volume %s was being made thin when devenv was ended; `devenv snapshot restore %s "
		"--thin` finishes that",
		volume, volume);
}

/* === its content === */

int plan_thin_prepare(struct agent *agent, const char *name, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "tree", "name", name);

	if (agent_ask(agent, &(struct agent_question){.request = request}, NULL, err) == 0)
		return 0;
	return err->kind == ERR_SNAPSHOT ? err_hint(err, "restore it without --thin") : -1;
}

static int reset(
	struct engine *engine, const struct thin_ask *ask, uint64_t *dropped, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s, s:s, s:b}", "do", "thin", "name",
		ask->name, "volume", ask->volume, "replace", ask->replace);
	autojson json_t *result = NULL;

	if (agent_volume_free(engine, ask->volume, false, ask->agent, err) < 0 ||
		agent_ask(ask->agent, &(struct agent_question){.request = request}, &result, err) <
			0)
		return err_wrap(err, "restore volume %s", ask->volume);
	*dropped = (uint64_t)json_int(result, "dropped");
	return 0;
}

/* Of one that is thin: the next run must not take what is in it then for what was replaced. */
static int reset_noted(
	struct engine *engine, const struct thin_ask *ask, uint64_t *dropped, struct err *err)
{
	const char *id = ask->ws->lock_id;
	autojson json_t *was = state_volume_read(id, ask->volume);
	autojson json_t *record = json_pack("{s:s, s:[], s:{}, s:o}", "state", THINNING, "services",
		"inherit", "running", json_from_strv(ask->running));
	struct err second = ERR_INIT;

	if (is_cut(was))
		return reset(engine, ask, dropped, err);
	if (state_volume_write(id, ask->volume, record, err) < 0)
		return -1;
	if (reset(engine, ask, dropped, err) == 0)
		return 0;
	if (was)
		state_volume_write(id, ask->volume, was, &second);
	else
		state_volume_forget(id, ask->volume);
	return -1;
}

int plan_thin_reset(
	struct engine *engine, const struct thin_ask *ask, uint64_t *dropped, struct err *err)
{
	autojson json_t *entry = NULL;

	if (thin_entry(engine, ask->volume, &entry, err) < 0)
		return -1;
	return plan_thin_is(entry) ? reset_noted(engine, ask, dropped, err)
				   : reset(engine, ask, dropped, err);
}
