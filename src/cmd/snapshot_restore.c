/* snapshot_restore.c - `devenv snapshot restore` and `undo`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct restore_options {
	bool replace, no_undo;
};

#define AT(member) OPT_AT(struct restore_options, member)

static const struct option_spec options[] = {
	{.name = "no-undo",
		.type = OPT_FLAG,
		AT(no_undo),
		.help = "Do not keep what is replaced; faster"},
	{.name = "replace",
		.type = OPT_FLAG,
		AT(replace),
		.help = "Also over data that came from no snapshot"},
	{0},
};

/* === does it fit? === */

static int check_server(struct app *app, struct session *session,
	const struct snapshot_place *place, const json_t *record, struct err *err)
{
	autofree char *image = place->service ? plan_image(place->manifest, place->service) : NULL;
	autojson json_t *inspected = NULL;
	autofree char *why = NULL;
	struct err ignored = ERR_INIT;
	enum datadir_verdict verdict;

	/* An image that is not here yet is judged by the server itself when it starts. */
	if (!image || image_inspect(session->engine, image, &inspected, &ignored) < 0)
		return 0;
	verdict = plan_snapshot_fits(json_object_get(record, "config"), inspected, &why);
	if (verdict == DATADIR_REFUSED)
		return err_set(err, ERR_SNAPSHOT, "%s", why);
	if (verdict == DATADIR_WARN)
		sink_warn(&app->sink, NULL, "%s", why);
	return 0;
}

/* === restoring === */

/* Did what the volume holds begin as a snapshot, or is it in one? */
static bool came_from_snapshot(const struct session *session, const char *volume)
{
	autojson json_t *record = state_volume_read(session->ws.lock_id, volume);

	return str_eq(json_str(record, "state"), "restored");
}

static int note(struct session *session, const char *volume, const json_t *record, struct err *err)
{
	autojson json_t *known = plan_snapshot_origin(record);

	return state_volume_write(session->ws.lock_id, volume, known, err);
}

/* What is there now, whatever state it is in, for `undo`. */
static int keep_for_undo(struct app *app, struct session *session,
	const struct snapshot_place *place, const json_t *record, struct err *err)
{
	autofree char *name = snapshots_undo_name(place->volume);
	autojson json_t *config = json_pack("{s:s}", "volume", place->volume), *kept = NULL;
	struct snapshot_save_ask ask = {.volume = place->volume,
		.name = name,
		.parent = json_str(record, "digest"),
		.unclean = true,
		.config = config,
		.sink = &app->sink};

	if (snapshots_note_production(session, place, &(struct production_words){0}, config, err) <
			0 ||
		plan_snapshot_save(session->engine, &ask, &kept, err) < 0)
		return err_wrap(err, "keep what is in the volume now");
	/* The restore that was killed has kept what it was to replace. */
	if (json_bool(kept, "interrupted"))
		return 0;
	/* An empty volume is nothing to go back to. */
	if (!json_int(json_at(kept, "config", "totals", NULL), "files"))
		return plan_snapshot_remove(session->engine, name, &app->sink, err);
	return 0;
}

/* Swap the stopped volume's content. */
static int swap(struct app *app, struct session *session, const struct snapshot_place *place,
	const json_t *record, bool replace, bool undo, struct err *err)
{
	autofree char *object = xasprintf("volume %s", place->volume);
	struct snapshot_restore_ask ask = {.volume = place->volume,
		.name = json_str(record, "digest"),
		.replace = replace,
		.sink = &app->sink};

	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Restoring"});
	if (undo && keep_for_undo(app, session, place, record, err) < 0)
		return -1;
	if (plan_snapshot_restore(session->engine, &ask, NULL, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_DONE, .object = object, .text = "Restored"});
	return note(session, place->volume, record, err);
}

static int restore(struct app *app, struct session *session, const struct snapshot_place *place,
	const json_t *record, const struct restore_options *chosen, struct err *err)
{
	bool replace = chosen->replace || came_from_snapshot(session, place->volume);
	struct err second = ERR_INIT;
	int status;

	if (!place->exists)
		return err_set(err, ERR_SNAPSHOT,
			"volume %s does not exist yet; `devenv create` makes it", place->volume);
	if (check_server(app, session, place, record, err) < 0 ||
		snapshots_stop(app, session, place, err) < 0)
		return -1;
	status = swap(app, session, place, record, replace, replace && !chosen->no_undo, err);
	if (status < 0 && !replace)
		err_hint(err,
			"--replace for data that came from no snapshot; `devenv snapshot save "
			"%s` keeps it first",
			place->volume);
	/* When it failed, what was there before is there. */
	if (snapshots_start(app, session, place, status < 0 ? &second : err) < 0)
		status = -1;
	return status;
}

static int finish(
	struct app *app, const struct snapshot_place *place, const json_t *record, struct err *err)
{
	autofree char *text = xasprintf("Volume %s", place->volume);
	autofree char *verb = xasprintf("is %s again", json_str(record, "name"));

	sink_emit(&app->sink, &(struct event){.kind = EVENT_SUMMARY, .object = text, .text = verb});
	return app->json ? ui_output_json(record, err) : 0;
}

static int restore_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct snapshot_place place = {0};
	autojson json_t *record = NULL;
	int status = session_open(app, SESSION_ENGINE | SESSION_LOCK | SESSION_ALL, &session, err);

	if (status == 0)
		status = snapshots_place(&session, argv[0], &place, err);
	if (status == 0) {
		record = snapshots_find(
			app, &session, place.volume, argc > 1 ? argv[1] : NULL, err);
		status = record ? restore(app, &session, &place, record, opts, err) : -1;
	}
	if (status == 0)
		status = finish(app, &place, record, err);
	snapshot_place_release(&place);
	return status;
}

/* === undo === */

static int undo_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct snapshot_place place = {0};
	autofree char *name = NULL;
	autojson json_t *record = NULL;
	struct restore_options always = {.replace = true};
	int status = session_open(app, SESSION_ENGINE | SESSION_LOCK | SESSION_ALL, &session, err);

	if (status == 0)
		status = snapshots_place(&session, argv[0], &place, err);
	if (status == 0) {
		name = snapshots_undo_name(place.volume);
		record = snapshots_find(app, &session, place.volume, name, err);
		/*
		 * By its digest: its name goes to what is replaced now, so that undo undoes undo.
		 */
		status = record ? restore(app, &session, &place, record, &always, err) : -1;
	}
	if (status == 0)
		status = finish(app, &place, record, err);
	snapshot_place_release(&place);
	return status;
}

static const char *const restore_examples[] = {
	"devenv snapshot restore db                 # back to the newest snapshot of its volume",
	"devenv snapshot restore db before-upgrade",
	NULL,
};

const struct command cmd_snapshot_restore = {
	.name = "restore",
	.alias = "reset",
	.args = "SERVICE|VOLUME [NAME]",
	.summary = "Put a snapshot in place of what a volume holds",
	.details =
		"Stops only the services that use the volume, makes all files anew beside the old "
		"ones, swaps, and starts the services again; returns when they are ready. Every "
		"byte is checked on the way. Without a name it is the newest snapshot of that "
		"volume.\n"
		"\n"
		"What was there before is kept for `devenv snapshot undo`. A volume whose data "
		"came "
		"from no snapshot is not touched without --replace. A snapshot that the service's "
		"image cannot read (another major version of PostgreSQL, MySQL for MariaDB, an "
		"older "
		"server) is refused.",
	.examples = restore_examples,
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct restore_options),
	.run = restore_run,
};

static const char *const undo_examples[] = {"devenv snapshot undo db", NULL};

const struct command cmd_snapshot_undo = {
	.name = "undo",
	.args = "SERVICE|VOLUME",
	.summary = "Put back what the last restore replaced",
	.details = "And keeps what it replaces in turn: a second undo undoes the first.",
	.examples = undo_examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.run = undo_run,
};
