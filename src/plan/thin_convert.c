/*
 * thin_convert.c - a volume that becomes thin: removed, and made anew with all that uses it.
 *
 * Nothing is removed before the engine has mounted the same overlay as another volume, and before
 * the state folder says what is needed to make all of it again.  As long as that other volume is
 * there `snapshot prune` leaves alone what both stand on.
 */
#include "thin.h"

#include "helper.h"
#include "plan_priv.h"
#include "scratch.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <string.h>

/* For what is still going away from the volume. */
#define REMOVE_TRIES 50
#define REMOVE_PAUSE_MS 100

/* === volumes === */

/* Have the engine mount `volume`, and look whether that is the overlay. */
static int check_mount(
	struct engine *engine, const struct thin_ask *ask, const char *volume, struct err *err)
{
	autojson json_t *request = json_pack(
		"{s:s, s:s, s:s}", "do", "thin-check", "name", ask->name, "volume", ask->volume);
	autofree char *object = xasprintf("volume %s", ask->volume);
	struct agent_spec spec = {
		.volume = volume, .write = true, .object = object, .sink = ask->sink};
	struct agent *agent = agent_open(engine, &spec, err);
	int status = -1;

	if (agent)
		status = agent_ask(agent, &(struct agent_question){.request = request}, NULL, err);
	agent_close(agent);
	return status;
}

static int remove_volume(struct engine *engine, const char *volume, struct err *err)
{
	autofree char *name = engine_escape(volume);

	for (int tries = 0; engine_delete(engine, err, "/volumes/%s", name) < 0; tries++) {
		if (err->status != 404 && (err->status != 409 || tries == REMOVE_TRIES))
			return -1;
		if (err->status == 404)
			break;
		err_clear(err);
		clock_sleep_ms(REMOVE_PAUSE_MS);
	}
	err_clear(err);
	return 0;
}

/* A volume with these options that is nobody's: `helper` is whose it is. */
static int make_trial(struct engine *engine, const json_t *options, const char *name,
	const struct helper *helper, struct err *err)
{
	autojson json_t *body = json_pack("{s:s, s:s, s:O, s:{s:s, s:s}}", "Name", name, "Driver",
		"local", "DriverOpts", options, "Labels", LABEL_HELPER, "scratch", LABEL_SCRATCH,
		helper->id);

	return engine_post(engine, body, NULL, err, "/volumes/create");
}

/* === what is removed, and noted before === */

static json_t *volume_again(
	const char *volume, const json_t *entry, const json_t *options, const json_t *noted)
{
	json_t *labels = json_object_get(entry, "Labels");

	if (!entry)
		labels = json_at(noted, "body", "Labels", NULL);
	return json_pack("{s:s, s:s, s:O, s:O*}", "Name", volume, "Driver", "local", "DriverOpts",
		options, "Labels", json_is_object(labels) ? labels : NULL);
}

static void add_word(json_t *words, const char *word)
{
	json_t *each;
	size_t i;

	json_array_foreach (words, i, each)
		if (str_eq(json_string_value(each), word))
			return;
	json_array_append_new(words, json_string_safe(word));
}

/* What a container needs to be made again. */
static int note_user(struct engine *engine, const struct workspace *ws, const json_t *user,
	json_t *record, struct err *err)
{
	const char *service = json_str(json_object_get(user, "Labels"), LABEL_SERVICE);
	const struct manifest *manifest = thin_manifest(ws, user);
	autofree char *word = manifest ? xasprintf("%s/%s", manifest->name, service) : NULL;
	autojson json_t *inspected = NULL;

	if (!manifest)
		return err_set(err, ERR_SNAPSHOT, "container %s uses the volume; remove it first",
			thin_container_name(user));
	if (container_inspect(engine, json_str(user, "Id"), &inspected, err) < 0)
		return -1;
	add_word(json_object_get(record, "services"), word);
	json_object_set_new(json_object_get(record, "inherit"), thin_container_name(user),
		json_pack("{s:O}", "Mounts", json_object_get(inspected, "Mounts")));
	return 0;
}

/* Also what the run that was killed had noted. */
static json_t *make_record(struct engine *engine, const struct thin_ask *ask, const json_t *entry,
	const json_t *options, const json_t *users, struct err *err)
{
	autojson json_t *noted = state_volume_read(ask->ws->lock_id, ask->volume);
	autojson json_t *record = json_pack("{s:s, s:o, s:[], s:{}, s:o}", "state", THINNING,
		"body", volume_again(ask->volume, entry, options, noted), "services", "inherit",
		"running", json_from_strv(ask->running));
	json_t *user;
	size_t i;

	if (str_eq(json_str(noted, "state"), THINNING)) {
		json_array_extend(
			json_object_get(record, "services"), json_object_get(noted, "services"));
		json_object_update(
			json_object_get(record, "inherit"), json_object_get(noted, "inherit"));
	}
	json_array_foreach (users, i, user)
		if (note_user(engine, ask->ws, user, record, err) < 0)
			return NULL;
	return TAKE(record);
}

static int replace_volume(
	struct engine *engine, const struct thin_ask *ask, const json_t *options, struct err *err)
{
	autojson json_t *entry = NULL, *users = NULL, *record = NULL;
	json_t *user;
	size_t i;

	if (thin_entry(engine, ask->volume, &entry, err) < 0 ||
		thin_containers(engine, ask->volume, &users, err) < 0)
		return -1;
	record = make_record(engine, ask, entry, options, users, err);
	if (!record || state_volume_write(ask->ws->lock_id, ask->volume, record, err) < 0)
		return -1;
	json_array_foreach (users, i, user)
		if (container_remove(engine, json_str(user, "Id"), false, err) < 0)
			return -1;
	if (remove_volume(engine, ask->volume, err) < 0)
		return -1;
	return engine_post(engine, json_object_get(record, "body"), NULL, err, "/volumes/create");
}

/* Tried first, with a volume of a moment. */
static int make_thin(struct engine *engine, const struct thin_ask *ask, struct err *err)
{
	autojson json_t *options = thin_options(engine, ask->volume, err);
	struct helper helper = HELPER_NONE;
	struct err second = ERR_INIT;
	autofree char *name = NULL;
	int status;

	if (!options || helper_new(&helper, HELPER_SCRATCH, "a trial", err) < 0)
		return -1;
	name = xasprintf("devenv-scratch-%s", helper.id);
	status = make_trial(engine, options, name, &helper, err);
	if (status == 0)
		status = check_mount(engine, ask, name, err);
	if (status < 0 && err->kind != ERR_CANCELLED) {
		err_wrap(err, "the engine cannot mount an overlay where it keeps volumes");
		err_hint(err, "restore it without --thin");
	}
	if (status == 0)
		status = replace_volume(engine, ask, options, err);
	helper_release(&helper, remove_volume(engine, name, &second) == 0);
	return status;
}

/* === what is made again === */

static int make_containers(struct engine *engine, const struct thin_ask *ask, struct err *err)
{
	autojson json_t *record = state_volume_read(ask->ws->lock_id, ask->volume);
	autostrv struct strv words = STRV_INIT;
	struct plan_request request = {.ws = ask->ws,
		.words = &words,
		.pull = PULL_MISSING,
		.no_deps = true,
		.no_start = true,
		.no_recreate = true,
		.inherit = json_object_get(record, "inherit")};
	struct plan plan = {0};
	json_t *word;
	size_t i;
	int status;

	json_array_foreach (json_object_get(record, "services"), i, word)
		strv_push(&words, json_string_value(word));
	if (!words.n)
		return 0;
	if (plan_up(engine, &request, &plan, err) < 0)
		return -1;
	status = plan_run(
		&plan, engine, &(struct run_options){.sink = ask->sink, .stop_timeout_s = -1}, err);
	plan_release(&plan);
	return status;
}

static int finish(struct engine *engine, const struct thin_ask *ask, struct err *err)
{
	if (check_mount(engine, ask, ask->volume, err) < 0)
		return -1;
	return make_containers(engine, ask, err);
}

/* Through one Ctrl-C: who used the volume has no container now. */
static int finish_through(struct engine *engine, const struct thin_ask *ask, struct err *err)
{
	if (finish(engine, ask, err) == 0)
		return 0;
	if (err->kind == ERR_CANCELLED) {
		signals_forget();
		err_clear(err);
		sink_warn(ask->sink, NULL,
			"containers are made again first; Ctrl-C once more leaves");
		if (finish(engine, ask, err) == 0)
			return 0;
	}
	return err_hint(err, "the same command finishes it");
}

int plan_thin_convert(struct engine *engine, const struct thin_ask *ask, struct err *err)
{
	autojson json_t *record = state_volume_read(ask->ws->lock_id, ask->volume);
	autojson json_t *entry = NULL;

	if (thin_entry(engine, ask->volume, &entry, err) < 0)
		return -1;
	if (plan_thin_is(entry) && !json_object_get(record, "body"))
		return 0;
	if (scratch_sweep(engine, err) < 0 ||
		(!plan_thin_is(entry) && make_thin(engine, ask, err) < 0) ||
		finish_through(engine, ask, err) < 0)
		return err_wrap(err, "make volume %s thin", ask->volume);
	return 0;
}
