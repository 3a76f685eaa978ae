/* snapshot_verify.c - `devenv snapshot verify`: the bytes, and whether a server starts on them. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

/* Tables that are named; the others are counted. */
#define WARNINGS_MAX 20

struct verify_options {
	bool boot;
	const char *service;
};

#define AT(member) OPT_AT(struct verify_options, member)

static const struct option_spec options[] = {
	{.name = "boot",
		.type = OPT_FLAG,
		AT(boot),
		.help = "Also start its server on a copy, and compare the rows"},
	{.name = "service",
		.type = OPT_STRING,
		AT(service),
		.arg = "SERVICE",
		.help = "With --boot: as this one; without: that which mounts its volume",
		.complete = COMPLETE_SERVICE},
	{0},
};

struct verifying {
	struct app *app;
	struct session *session;
	const struct verify_options *chosen;
	char *object;
	json_t *record, *verified, *booted;
};

/* === the rows === */

static void warn_table(const struct verifying *job, const json_t *table)
{
	const char *database = json_str(table, "database"), *name = json_str(table, "table");
	const struct sink *sink = &job->app->sink;
	long long recorded = (long long)json_int(table, "recorded");
	long long found = (long long)json_int(table, "found");

	if (!json_object_get(table, "recorded"))
		sink_warn(sink, job->object, "table %s.%s was not there when it was saved",
			database, name);
	else if (!json_object_get(table, "found"))
		sink_warn(sink, job->object, "table %s.%s is not there", database, name);
	else
		sink_warn(sink, job->object, "table %s.%s has %lld rows, not %lld as recorded",
			database, name, found, recorded);
}

static int judge_rows(const struct verifying *job, struct err *err)
{
	const json_t *differ = json_object_get(job->booted, "differ");
	size_t n = json_array_size(differ);

	if (!json_bool(job->booted, "recorded"))
		sink_warn(&job->app->sink, job->object,
			"a server starts on it, but no rows were recorded when it was saved: there "
			"is nothing to compare with");
	for (size_t i = 0; i < n && i < WARNINGS_MAX; i++)
		warn_table(job, json_array_get(differ, i));
	if (!n)
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"snapshot %s: %zu of its tables %s not as recorded (did anybody write while it was "
		"saved?)",
		json_str(job->record, "name"), n, n == 1 ? "is" : "are");
}

/* === the server === */

static int boot_in(struct verifying *job, const struct snapshot_place *place, struct err *err)
{
	struct snapshot_boot_ask ask = {.record = job->record,
		.ws = &job->session->ws,
		.manifest = place->manifest,
		.service = place->service,
		.volume = place->volume,
		.sink = &job->app->sink};

	if (!place->service)
		return err_set(err, ERR_SNAPSHOT, "no service of this workspace mounts volume %s",
			place->volume);
	return plan_snapshot_boot(job->session->engine, &ask, &job->booted, err);
}

static int boot(struct verifying *job, struct err *err)
{
	const char *word = job->chosen->service;
	struct snapshot_place place = {0};
	int status;

	if (!word)
		word = json_str(json_object_get(job->record, "config"), "volume");
	if (!word)
		return err_set(err, ERR_SNAPSHOT,
			"snapshot %s names no volume; say --service, whose it is",
			json_str(job->record, "name"));
	status = snapshots_place(job->session, word, &place, err);
	if (status == 0)
		status = boot_in(job, &place, err);
	else if (!job->chosen->service)
		err_set(err, ERR_SNAPSHOT,
			"snapshot %s is of volume %s, which this workspace has not; say --service, "
			"as which it is to be started",
			json_str(job->record, "name"), word);
	snapshot_place_release(&place);
	return status < 0 ? -1 : judge_rows(job, err);
}

/* === one after the other === */

static void emit(const struct verifying *job, enum event_kind kind, const char *text)
{
	sink_emit(&job->app->sink,
		&(struct event){.kind = kind, .object = job->object, .text = text});
}

static int verify(struct verifying *job, const char *name, struct err *err)
{
	struct engine *engine = job->session->engine;
	const struct sink *sink = &job->app->sink;

	emit(job, EVENT_START, "Verifying");
	if (plan_snapshot_show(engine, name, sink, &job->record, err) < 0 ||
		plan_snapshot_verify(engine, name, sink, &job->verified, err) < 0 ||
		(job->chosen->boot && boot(job, err) < 0))
		return -1;
	emit(job, EVENT_DONE, "Verified");
	return 0;
}

/* To the list, as far as it came. */
static void add_result(const struct verifying *job, json_t *list)
{
	json_t *result = json_pack("{s:O, s:O}", "name", json_object_get(job->record, "name"),
		"digest", json_object_get(job->record, "digest"));

	json_object_update(result, job->verified);
	if (job->booted)
		json_object_set(result, "boot", job->booted);
	json_array_append_new(list, result);
}

static int verify_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	const struct verify_options *chosen = opts;
	autojson json_t *list = json_array();
	struct err second = ERR_INIT;
	int status;

	if (chosen->service && !chosen->boot)
		return err_set(err, ERR_USAGE, "--service goes with --boot only");
	status = session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err);
	for (int i = 0; i < argc && status == 0; i++) {
		struct verifying job = {.app = app,
			.session = &session,
			.chosen = chosen,
			.object = xasprintf("snapshot %s", argv[i])};

		status = verify(&job, argv[i], err);
		if (job.verified)
			add_result(&job, list);
		json_decref(job.record);
		json_decref(job.verified);
		json_decref(job.booted);
		cleanup_free(&job.object);
	}
	if (app->json && json_array_size(list) &&
		ui_output_json(list, status < 0 ? &second : err) < 0)
		return -1;
	return status;
}

static const char *const examples[] = {
	"devenv snapshot verify before-upgrade",
	"devenv snapshot verify --boot seed       # does its database start, with all rows?",
	NULL,
};

const struct command cmd_snapshot_verify = {
	.name = "verify",
	.args = "NAME...",
	.summary = "Read every byte of a snapshot and check it",
	.details =
		"Each pack against its digest, and each piece of each file against its own. What "
		"is damaged can be pulled again.\n"
		"\n"
		"--boot also restores it into a volume of the moment, and starts the image that it "
		"was saved from on that: as the service that mounts the volume, but in a container "
		"without a network. The server must answer, have the rows that were counted when "
		"the snapshot was made, and stop cleanly. Tables that differ are named; the exit "
		"status is 9 then. The service and its data are not touched.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct verify_options),
	.run = verify_run,
};
