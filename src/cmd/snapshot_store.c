/* snapshot_store.c - `devenv snapshot push`, `pull` and `prune`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

/* === registries === */

static void emit(struct app *app, enum event_kind kind, const char *object, const char *text)
{
	sink_emit(&app->sink, &(struct event){.kind = kind, .object = object, .text = text});
}

struct push_options {
	bool scan_it;
	struct scan_words scan;
};

static const struct option_spec push_options[] = {
	SCAN_OPTIONS(struct push_options),
	{.name = "scan",
		.type = OPT_FLAG,
		OPT_AT(struct push_options, scan_it),
		.help = "Scan it first, also when it is not from production"},
	{0},
};

static int check_clean(struct app *app, struct session *session, const char *name,
	const struct push_options *chosen, struct err *err)
{
	autojson json_t *record = NULL;

	if (plan_snapshot_show(session->engine, name, &app->sink, &record, err) < 0)
		return -1;
	if (!chosen->scan_it && !json_bool(json_object_get(record, "config"), "production"))
		return 0;
	return snapshots_check_clean(app, session, record, &chosen->scan, err);
}

static int push_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const char *reference = argc > 1 ? argv[1] : argv[0];
	autofree char *object = xasprintf("snapshot %s", argv[0]);
	autosession struct session session = SESSION_INIT;
	autojson json_t *pushed = NULL;

	/* Docker Hub's is nobody's default for a database. */
	if (argc == 1 && !snapshots_is_reference(reference))
		return err_set(err, ERR_USAGE,
			"\"%s\" does not say where to: devenv snapshot push %s REFERENCE",
			reference, reference);
	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		check_clean(app, &session, argv[0], opts, err) < 0)
		return -1;
	emit(app, EVENT_START, object, "Pushing");
	if (plan_snapshot_push(session.engine, argv[0], reference, &app->sink, &pushed, err) < 0)
		return -1;
	emit(app, EVENT_DONE, object, "Pushed");
	return app->json ? ui_output_json(pushed, err) : 0;
}

static int pull_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	autofree char *object = xasprintf("snapshot %s", name ? name : argv[0]);
	autosession struct session session = SESSION_INIT;
	autojson json_t *pulled = NULL;

	if ((name && plan_snapshot_check_name(name, err) < 0) ||
		session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0)
		return -1;
	emit(app, EVENT_START, object, "Pulling");
	if (plan_snapshot_pull(session.engine, argv[0], name, &app->sink, &pulled, err) < 0)
		return -1;
	emit(app, EVENT_DONE, object, "Pulled");
	return app->json ? ui_output_json(pulled, err) : 0;
}

static const char *const push_examples[] = {
	"devenv snapshot push before-upgrade registry.acme.example/seeds/shop:1", NULL};

const struct command cmd_snapshot_push = {
	.name = "push",
	.args = "NAME [REFERENCE]",
	.summary = "Send a snapshot to a registry",
	.details =
		"REFERENCE is REGISTRY/REPOSITORY:TAG of an OCI registry, oci:/FOLDER:NAME for an "
		"OCI image layout in a folder, or s3://BUCKET/PREFIX:NAME; without it the "
		"snapshot's own name is one. Only what is not there is sent. Credentials are "
		"those that `docker` uses.\n"
		"\n"
		"A snapshot of data from production is refused unless it names the rules that "
		"masked it (see `devenv help snapshot save`), and unless a scan finds nothing that "
		"they forgot (see `devenv help snapshot scan`).",
	.examples = push_examples,
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_FORMAT,
	.options = push_options,
	.options_size = sizeof(struct push_options),
	.run = push_run,
};

static const char *const pull_examples[] = {
	"devenv snapshot pull registry.acme.example/seeds/shop:1",
	"devenv snapshot pull registry.acme.example/seeds/shop:1 shop-seed",
	NULL,
};

const struct command cmd_snapshot_pull = {
	.name = "pull",
	.args = "REFERENCE [NAME]",
	.summary = "Bring a snapshot from a registry",
	.details = "Only the pieces that the engine's cache has not come over the wire; what was "
		   "interrupted goes on where it stopped. It is called NAME then, or by its "
		   "reference. References are those of `devenv snapshot push`, and "
		   "oci+https://HOST/PATH:NAME.",
	.examples = pull_examples,
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_FORMAT,
	.run = pull_run,
};

/* === the cache === */

static int prune_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	autojson json_t *result = NULL;
	autofree char *text = NULL;
	char size[16];
	uint64_t freed = 0;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_prune(session.engine, &app->sink, &freed, err) < 0)
		return -1;
	result = json_pack("{s:I}", "freed", (json_int_t)freed);
	if (app->json)
		return ui_output_json(result, err);
	text = xasprintf("freed %s\n", format_bytes(size, freed));
	return ui_output(text, err);
}

static const char *const prune_examples[] = {"devenv snapshot prune", NULL};

const struct command cmd_snapshot_prune = {
	.name = "prune",
	.summary = "Free what no snapshot needs",
	.details = "Snapshots with a name stay, and what thin volumes stand on (see `devenv help "
		   "snapshot restore`). Nothing else may work on the cache meanwhile.",
	.examples = prune_examples,
	.flags = CMD_FORMAT,
	.run = prune_run,
};
