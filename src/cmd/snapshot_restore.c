/* snapshot_restore.c - `devenv snapshot restore` and `undo`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/signals.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <pthread.h>
#include <string.h>

struct restore_options {
	bool replace, no_undo, thin, whole;
};

#define AT(member) OPT_AT(struct restore_options, member)

static const struct option_spec options[] = {
	{.name = "no-undo",
		.type = OPT_FLAG,
		AT(no_undo),
		.help = "Do not keep what is replaced, nor wait for its tidy end; faster"},
	{.name = "replace",
		.type = OPT_FLAG,
		AT(replace),
		.help = "Also over data that came from no snapshot"},
	{.name = "thin",
		.type = OPT_FLAG,
		AT(thin),
		.help = "Copy nothing: files are copied when they are first written to"},
	{.name = "whole",
		.type = OPT_FLAG,
		AT(whole),
		.help = "Make all files anew, also those that did not change"},
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
	verdict = plan_snapshot_fits(
		json_object_get(record, "config"), inspected, snapshots_service(place), &why);
	if (verdict == DATADIR_REFUSED)
		return err_set(err, ERR_SNAPSHOT, "snapshot %s does not go with service %s: %s",
			json_str(record, "name"), place->service, why);
	if (verdict == DATADIR_WARN)
		sink_warn(&app->sink, NULL, "snapshot %s and service %s: %s",
			json_str(record, "name"), place->service, why);
	return 0;
}

/* === restoring === */

/* What one run of the command works with. */
struct restoring {
	struct app *app;
	struct session session;
	struct snapshot_place place;
	struct agent *agent; /* serves all of it: opened while the services still run */
	json_t *known;       /* of what the volume holds: state_volume_read() */
	json_t *record;      /* what is restored */
	json_t *superseded;  /* digests: no `undo` and no volume is of these any more */
	uint64_t dropped;    /* bytes that had been written to a thin volume */
	bool freeing;        /* the agent will be at that when it ends */
};

/* Did what the volume holds begin as a snapshot, or is it in one? */
static bool came_from_snapshot(const struct restoring *job)
{
	return str_eq(json_str(job->known, "state"), "restored");
}

static void supersede(struct restoring *job, const char *digest)
{
	if (digest && !str_eq(digest, json_str(job->record, "digest")))
		json_array_append_new(job->superseded, json_string(digest));
}

static int note(struct restoring *job, struct err *err)
{
	autojson json_t *known = plan_snapshot_origin(job->record);

	return state_volume_write(job->session.ws.lock_id, job->place.volume, known, err);
}

/* What is there now, whatever state it is in, for `undo`. */
static int keep_for_undo(struct restoring *job, struct err *err)
{
	struct engine *engine = job->session.engine;
	const char *volume = job->place.volume;
	autofree char *name = snapshots_undo_name(volume);
	autojson json_t *config = json_pack("{s:s}", "volume", volume), *kept = NULL;
	struct snapshot_save_ask ask = {.agent = job->agent,
		.volume = volume,
		.name = name,
		.parent = json_str(job->record, "digest"),
		.unclean = true,
		.unread = true,
		.config = config,
		.sink = &job->app->sink};

	if (snapshots_note_production(
		    &job->session, &job->place, &(struct production_words){0}, config, err) < 0 ||
		plan_snapshot_save(engine, &ask, &kept, err) < 0)
		return err_wrap(err, "keep what is in the volume now");
	/* The restore that was killed has kept what it was to replace. */
	if (json_bool(kept, "interrupted"))
		return 0;
	supersede(job, json_str(kept, "replaced"));
	supersede(job, json_str(job->known, "digest"));
	/* That is nothing to go back to, and nor is what was there before it. */
	if (json_bool(kept, "empty") && json_str(kept, "replaced"))
		return plan_snapshot_remove_by(job->agent, name, err);
	return 0;
}

static struct snapshot_restore_ask ask_of(
	const struct restoring *job, const struct restore_options *chosen, bool replace)
{
	return (struct snapshot_restore_ask){.agent = job->agent,
		.volume = job->place.volume,
		.name = json_str(job->record, "digest"),
		.replace = replace,
		.whole = chosen->whole,
		.sink = &job->app->sink};
}

static int fill(
	struct restoring *job, const struct restore_options *chosen, bool replace, struct err *err)
{
	struct snapshot_restore_ask ask = ask_of(job, chosen, replace);

	ask.freeing = &job->freeing;
	return plan_snapshot_restore(job->session.engine, &ask, err);
}

static int fill_thin(struct restoring *job, bool replace, struct err *err)
{
	struct thin_ask ask = {.agent = job->agent,
		.ws = &job->session.ws,
		.volume = job->place.volume,
		.name = json_str(job->record, "digest"),
		.replace = replace,
		.running = &job->place.running,
		.sink = &job->app->sink};

	if (plan_thin_reset(job->session.engine, &ask, &job->dropped, err) < 0)
		return -1;
	/* As long as it is there the volume is mounted with what it held. */
	plan_snapshot_close(TAKE(job->agent));
	return plan_thin_convert(job->session.engine, &ask, err);
}

/* Swap the stopped volume's content; `replace`: it may go. */
static int swap(
	struct restoring *job, const struct restore_options *chosen, bool replace, struct err *err)
{
	autofree char *object = xasprintf("volume %s", job->place.volume);
	const struct sink *sink = &job->app->sink;
	/* The run that was killed has kept it. */
	bool undo = replace && !chosen->no_undo && !job->place.cut;

	sink_emit(
		sink, &(struct event){.kind = EVENT_START, .object = object, .text = "Restoring"});
	if (undo && keep_for_undo(job, err) < 0)
		return -1;
	if ((chosen->thin ? fill_thin(job, replace, err) : fill(job, chosen, replace, err)) < 0)
		return -1;
	sink_emit(sink, &(struct event){.kind = EVENT_DONE, .object = object, .text = "Restored"});
	return chosen->thin ? 0 : note(job, err);
}

/*
 * How long a server may take to end: no time for a tidy end of what is thrown away, if it comes up
 * again without, should the restore fail.
 */
static int stop(struct restoring *job, const struct restore_options *chosen, struct err *err)
{
	const json_t *facts = json_at(job->record, "config", "engine", NULL);
	const char *word = job->record ? json_str(facts, "kind") : json_str(job->known, "engine");
	enum datadir_kind kind = datadir_kind_of(word);
	bool recovers = kind != DATADIR_OPAQUE && kind != DATADIR_KINDS;

	return snapshots_stop(
		job->app, &job->session, &job->place, chosen->no_undo && recovers ? 0 : -1, err);
}

/* The snapshot, and whether the server can read it. */
static int look(struct restoring *job, const char *name, struct err *err)
{
	job->record = snapshots_find(job->agent, job->place.volume, name, err);
	if (!job->record)
		return -1;
	return check_server(job->app, &job->session, &job->place, job->record, err);
}

/* What needs time and not the volume alone. */
static int prepare(struct restoring *job, const struct restore_options *chosen, struct err *err)
{
	struct snapshot_restore_ask ask = ask_of(job, chosen, false);

	if (!chosen->thin)
		return plan_snapshot_prepare(job->session.engine, &ask, err);
	if (plan_thin_check(job->session.engine, &job->session.ws, job->place.volume, err) < 0)
		return -1;
	return plan_thin_prepare(job->agent, ask.name, err);
}

/*
 * What the volume was made of before is there, and fits: so the services end while the agent starts
 * and looks at it.  Should it be wrong they are started again.
 */
static bool is_repeated(
	const struct restoring *job, const char *name, const struct restore_options *chosen)
{
	return !chosen->thin && came_from_snapshot(job) &&
	       (!name || str_eq(name, json_str(job->known, "source")));
}

struct preparing {
	pthread_t thread;
	struct engine *engine;
	struct snapshot_restore_ask ask;
	const char *name;
	json_t *record;
	struct err err;
	int status;
};

static void *find_and_prepare(void *arg)
{
	struct preparing *preparing = arg;
	struct snapshot_restore_ask *ask = &preparing->ask;

	preparing->record = snapshots_find(
		ask->agent, ask->volume, preparing->name, &preparing->err);
	ask->name = json_str(preparing->record, "digest");
	preparing->status = preparing->record
				    ? plan_snapshot_prepare(preparing->engine, ask, &preparing->err)
				    : -1;
	return NULL;
}

/* The first failure counts. */
static int stop_and_prepare(struct restoring *job, const char *name,
	const struct restore_options *chosen, bool *stopped, struct err *err)
{
	struct preparing preparing = {.engine = engine_clone(job->session.engine),
		.ask = ask_of(job, chosen, false),
		.name = name};

	signals_thread(&preparing.thread, find_and_prepare, &preparing);
	*stopped = stop(job, chosen, err) == 0;
	pthread_join(preparing.thread, NULL);
	engine_close(preparing.engine);
	job->record = preparing.record;
	if (*stopped && preparing.status < 0)
		*err = preparing.err;
	return *stopped ? preparing.status : -1;
}

/*
 * The agent's last work, when the services run again: on a file system that shares blocks, and with
 * many small extents, to free them keeps its log busy, and a start waits for that.
 */
static void tidy_up(struct restoring *job, bool done)
{
	if (done && job->agent && json_array_size(job->superseded))
		plan_snapshot_forget(job->session.engine, job->agent, job->superseded);
	/* Who has no service may want the volume for himself. */
	if (job->freeing && job->place.running.n)
		plan_snapshot_leave(TAKE(job->agent));
}

static int restore(struct restoring *job, const char *name, const struct restore_options *chosen,
	struct err *err)
{
	const char *volume = job->place.volume;
	bool replace = chosen->replace || job->place.cut || came_from_snapshot(job);
	bool early = is_repeated(job, name, chosen);
	struct err second = ERR_INIT;
	bool done;
	int status = 0;

	if (early) {
		bool stopped;

		status = stop_and_prepare(job, name, chosen, &stopped, err);
		if (!stopped)
			return -1;
		if (status == 0)
			status = check_server(
				job->app, &job->session, &job->place, job->record, err);
	} else if (look(job, name, err) < 0 || prepare(job, chosen, err) < 0 ||
		   stop(job, chosen, err) < 0) {
		return -1;
	}
	if (status == 0)
		status = swap(job, chosen, replace, err);
	done = status == 0;
	if (status < 0 && !replace)
		err_hint(err,
			"--replace for data that came from no snapshot; `devenv snapshot save "
			"%s` keeps it first",
			volume);
	/* When it failed, what was there before is there. */
	status = snapshots_start_again(job->app, &job->session, &job->place, status, err);
	tidy_up(job, done);
	/* Killed before this, the next run takes what is there for what it has to finish. */
	if (done && chosen->thin && note(job, status < 0 ? &second : err) < 0)
		status = -1;
	return status;
}

static int finish(const struct restoring *job, struct err *err)
{
	autofree char *text = xasprintf("Volume %s", job->place.volume);
	autofree char *undone = snapshots_undo_name(job->place.volume);
	const char *name = json_str(job->record, "name");
	autofree char *verb = str_eq(name, undone) ? xstrdup("is what it was before the restore")
						   : xasprintf("is %s again", name);
	char dropped[16];

	if (job->dropped)
		sink_info(&job->app->sink, NULL, "%s had been written to it",
			format_bytes(dropped, job->dropped));
	sink_emit(&job->app->sink,
		&(struct event){.kind = EVENT_SUMMARY, .object = text, .text = verb});
	return job->app->json ? ui_output_json(job->record, err) : 0;
}

/* The volume that `word` means, and an agent for it. */
static int begin(struct restoring *job, const char *word, bool thin, struct err *err)
{
	const char *volume;

	if (session_open(job->app, SESSION_ENGINE | SESSION_LOCK | SESSION_ALL, &job->session,
		    err) < 0 ||
		snapshots_place(&job->session, word, &job->place, err) < 0)
		return -1;
	volume = job->place.volume;
	job->known = state_volume_read(job->session.ws.lock_id, volume);
	if (job->place.cut && !thin)
		return plan_thin_cut_error(volume, err);
	if (!job->place.exists && !job->place.cut)
		return err_set(err, ERR_SNAPSHOT,
			"volume %s does not exist yet; `devenv create` makes it", volume);
	job->agent = plan_snapshot_open(
		job->session.engine, job->place.cut ? NULL : volume, &job->app->sink, err);
	return job->agent ? 0 : -1;
}

static int end(struct restoring *job, int status)
{
	plan_snapshot_close(job->agent);
	json_decref(job->record);
	json_decref(job->known);
	json_decref(job->superseded);
	snapshot_place_release(&job->place);
	session_close(&job->session);
	return status;
}

static int restore_from(struct restoring *job, const char *name,
	const struct restore_options *chosen, struct err *err)
{
	return restore(job, name, chosen, err) < 0 ? -1 : finish(job, err);
}

static int restore_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct restore_options *chosen = opts;
	struct restoring job = {.app = app, .session = SESSION_INIT, .superseded = json_array()};
	int status = begin(&job, argv[0], chosen->thin, err);

	if (status == 0)
		status = restore_from(&job, argc > 1 ? argv[1] : NULL, chosen, err);
	return end(&job, status);
}

/* === undo === */

/* The name alone says little when there is nothing of it. */
static int check_kept(const struct restoring *job, const char *name, struct err *err)
{
	autojson json_t *list = NULL;
	json_t *record;
	size_t i;

	if (plan_snapshot_list_by(job->agent, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, record)
		if (str_eq(json_str(record, "name"), name))
			return 0;
	return err_set(err, ERR_SNAPSHOT,
		"there is nothing to undo: of volume %s nothing is kept that a restore replaced "
		"(each keeps what was there, until the next one; one with --no-undo, or into an "
		"empty volume, keeps nothing)",
		job->place.volume);
}

/* By its digest: its name goes to what is replaced now, so that undo undoes undo. */
static int undo_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct restoring job = {.app = app, .session = SESSION_INIT, .superseded = json_array()};
	struct restore_options always = {.replace = true};
	int status = begin(&job, argv[0], false, err);

	if (status == 0) {
		autofree char *name = snapshots_undo_name(job.place.volume);

		status = check_kept(&job, name, err);
		if (status == 0)
			status = restore_from(&job, name, &always, err);
	}
	return end(&job, status);
}

static const char *const restore_examples[] = {
	"devenv snapshot restore db                 # back to the newest snapshot of its volume",
	"devenv snapshot restore db before-upgrade",
	"devenv snapshot restore db seed --thin    # at once, where a copy would take its time",
	NULL,
};

const struct command cmd_snapshot_restore = {
	.name = "restore",
	.alias = "reset",
	.args = "SERVICE|VOLUME [NAME]",
	.summary = "Put a snapshot in place of what a volume holds",
	.details =
		"Stops only the services that use the volume, makes the files anew beside the old "
		"ones, swaps, and starts the services again; returns when they are ready. Every "
		"byte is checked on the way. Files that did not change since they were restored, "
		"by their size and time to the nanosecond, stay as they are; --whole makes them "
		"anew, too. Without a name it is the newest snapshot of that volume.\n"
		"\n"
		"What was there before is kept for `devenv snapshot undo`, until the next restore. "
		"A volume whose data came from no snapshot is not touched without --replace. A "
		"snapshot that the service's "
		"image cannot read (another major version of PostgreSQL, MySQL for MariaDB, an "
		"older "
		"server) is refused.\n"
		"\n"
		"Where the engine's file system shares blocks (XFS, btrfs) that takes no time and "
		"no space anyway; elsewhere it is a copy. With --thin the volume becomes an "
		"overlay "
		"above the snapshot's files, which are kept once in the cache: a reset takes no "
		"time, but a file is copied when it is first opened to be written. The first time "
		"the volume and its containers are made anew. It stays thin, whatever is restored "
		"into it, until `devenv down --volumes`; `devenv snapshot prune` then frees what "
		"it "
		"had.",
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
