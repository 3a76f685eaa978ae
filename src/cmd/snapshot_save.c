/* snapshot_save.c - `devenv snapshot save`. */
#include "common_options.h"
#include "snapshots.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct save_options {
	bool replace, deltas;
	const char *parent;
	struct production_words words;
};

#define AT(member) OPT_AT(struct save_options, member)

static const struct option_spec options[] = {
	{.name = "deltas",
		.type = OPT_FLAG,
		AT(deltas),
		.help = "Also store what is smaller for those who have the snapshot before"},
	{OPTION_MASKING, AT(words.masking)},
	{.name = "parent",
		.type = OPT_STRING,
		AT(parent),
		.arg = "NAME",
		.help = "The snapshot to build on; without: the newest of this volume"},
	{OPTION_PRODUCTION, AT(words.production)},
	{.name = "replace",
		.type = OPT_FLAG,
		AT(replace),
		.help = "Take the name from the snapshot that has it"},
	{0},
};

char *snapshots_default_name(const char *volume)
{
	char now[32];
	autobuf struct buf name = BUF_INIT(0);

	clock_rfc3339(clock_wall(), now);
	buf_addf(&name, "%s-", volume);
	for (const char *p = now; *p; p++)
		if (*p == 'T')
			buf_addch(&name, '-');
		else if (*p >= '0' && *p <= '9')
			buf_addch(&name, *p);
	return buf_detach(&name);
}

static const json_t *by_name(const json_t *list, const char *name)
{
	json_t *record;
	size_t i;

	json_array_foreach (list, i, record)
		if (str_eq(json_str(record, "name"), name))
			return record;
	return NULL;
}

int snapshots_check_free(const json_t *list, const char *name, struct err *err)
{
	if (!by_name(list, name))
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"there is a snapshot called %s; choose another name, or say --replace", name);
}

json_t *snapshots_config(struct session *session, const struct snapshot_place *place,
	const struct production_words *words, struct err *err)
{
	autofree char *image = place->service ? plan_image(place->manifest, place->service) : NULL;
	autojson json_t *inspected = NULL, *config = json_object();
	struct err ignored = ERR_INIT;

	if (snapshots_note_production(session, place, words, config, err) < 0)
		return NULL;

	json_set_str(config, "volume", place->volume);
	json_set_str(config, "service", place->service);
	if (image && image_inspect(session->engine, image, &inspected, &ignored) == 0)
		plan_snapshot_note_image(config, image, inspected);
	return TAKE(config);
}

/*
 * What `verify --boot` compares with, counted as late as a server can be asked: what others write
 * until it stops is not in it.
 */
static int add_rows(struct app *app, struct session *session, const struct snapshot_place *place,
	json_t *config, struct err *err)
{
	autofree char *object = xasprintf("volume %s", place->volume);
	autostrv struct strv databases = STRV_INIT;
	json_t *rows = NULL, *server = NULL;

	snapshots_data_volumes(&session->ws, true, &databases);
	if (!strv_has(&databases, place->volume))
		return 0;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_PROGRESS, .object = object, .text = "counting rows"});
	for (size_t i = 0; !rows && i < place->containers.n; i++) {
		if (plan_snapshot_rows(
			    session->engine, place->containers.v[i], &rows, &server, err) == 0)
			continue;
		if (err->kind == ERR_CANCELLED)
			return -1;
		sink_warn(&app->sink, object,
			"its rows are not recorded, so that `verify --boot` cannot compare them: "
			"%s",
			err->msg);
		err_clear(err);
	}
	if (rows)
		json_object_set_new(config, "probes", rows);
	if (server)
		json_object_set_new(config, "server", server);
	return 0;
}

static int capture(struct app *app, struct session *session, const struct snapshot_place *place,
	struct snapshot_save_ask *ask, json_t **saved, struct err *err)
{
	autofree char *object = xasprintf("volume %s", place->volume);

	ask->ended = snapshots_ended(session, place);
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Saving"});
	if (plan_snapshot_save(session->engine, ask, saved, err) < 0)
		return -1;
	sink_emit(
		&app->sink, &(struct event){.kind = EVENT_DONE, .object = object, .text = "Saved"});
	return 0;
}

/* What the volume holds is in a snapshot now: a later reset takes nothing from anybody. */
static int remember(
	struct session *session, const char *volume, const json_t *saved, struct err *err)
{
	autojson json_t *record = plan_snapshot_origin(saved);

	return state_volume_write(session->ws.lock_id, volume, record, err);
}

/*
 * ERR_SNAPSHOT while the volume waits for the first connection: it is a snapshot, and nothing else.
 */
static int check_awake(struct session *session, const struct snapshot_place *place, struct err *err)
{
	autojson json_t *record = state_volume_read(session->ws.lock_id, place->volume);
	autojson json_t *probe = NULL;

	if (!json_bool(record, "lazy"))
		return 0;
	if (plan_snapshot_probe(session->engine, place->volume, &probe, err) < 0)
		return -1;
	if (!json_bool(json_object_get(probe, "target"), "empty"))
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"volume %s holds nothing yet: it is still to be restored from snapshot %s, on the "
		"first connection",
		place->volume, json_str(record, "source"));
}

static int save(struct app *app, struct session *session, const struct snapshot_place *place,
	const struct save_options *chosen, const char *name, json_t **saved, struct err *err)
{
	autojson json_t *list = NULL, *config = NULL;
	struct snapshot_save_ask ask = {.volume = place->volume,
		.name = name,
		.parent = chosen->parent,
		.deltas = chosen->deltas,
		.sink = &app->sink};
	int status;

	if (plan_snapshot_check_name(name, err) < 0)
		return -1;
	if (place->cut)
		return plan_thin_cut_error(place->volume, err);
	if (!place->exists)
		return err_set(err, ERR_SNAPSHOT, "volume %s does not exist yet", place->volume);
	if (check_awake(session, place, err) < 0)
		return -1;
	if (plan_snapshot_list(session->engine, &app->sink, &list, err) < 0)
		return -1;
	if (!chosen->replace && snapshots_check_free(list, name, err) < 0)
		return -1;
	if (!ask.parent)
		ask.parent = json_str(snapshots_newest(list, place->volume), "name");
	ask.config = config = snapshots_config(session, place, &chosen->words, err);
	if (!config || add_rows(app, session, place, config, err) < 0 ||
		snapshots_stop(app, session, place, -1, err) < 0)
		return -1;
	status = capture(app, session, place, &ask, saved, err);
	if (status == 0)
		status = remember(session, place->volume, *saved, err);
	return snapshots_start_again(app, session, place, status, err);
}

static int save_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct snapshot_place place = {0};
	autofree char *name = argc > 1 ? xstrdup(argv[1]) : NULL, *text = NULL;
	autojson json_t *saved = NULL;
	int status = session_open(app, SESSION_ENGINE | SESSION_LOCK | SESSION_ALL, &session, err);

	if (status == 0)
		status = snapshots_place(&session, argv[0], &place, err);
	if (status == 0 && !name)
		name = snapshots_default_name(place.volume);
	if (status == 0)
		status = save(app, &session, &place, opts, name, &saved, err);
	snapshot_place_release(&place);
	if (status < 0)
		return -1;
	text = xasprintf("%s\n", name);
	return app->json ? ui_output_json(saved, err) : ui_output(text, err);
}

static const char *const examples[] = {
	"devenv snapshot save db              # named by volume and time",
	"devenv snapshot save db before-upgrade",
	"devenv snapshot save db seed --masking masking.sql   # from production, masked by these "
	"rules",
	NULL,
};

const struct command cmd_snapshot_save = {
	.name = "save",
	.args = "SERVICE|VOLUME [NAME]",
	.summary = "Keep what a volume holds now, under a name",
	.details =
		"A database's service is stopped for it, and started again afterwards: only the "
		"files of a server that ended cleanly are a good seed, and devenv proves that from "
		"the files (PostgreSQL's control file; InnoDB's and Aria's logs). What belongs to "
		"one server alone stays out: pid files, recycled WAL, binary logs. The rows of all "
		"tables are counted before, for `devenv snapshot verify --boot`.\n"
		"\n"
		"The snapshot goes into the engine's volume devenv-cache. What it has in common "
		"with "
		"the snapshot before is stored once. The name is printed.\n"
		"\n"
		"Data from production is marked with --production, or for good by the volume's "
		"`x-production: true`; the mark goes along through restore and save, and such a "
		"snapshot is never pushed. Once the data is masked, name the rules that did it: "
		"--masking FILE, or `x-production: {masking: FILE}`. The snapshot then carries "
		"that "
		"file's name and digest, and may be pushed.",
	.examples = examples,
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct save_options),
	.run = save_run,
};
