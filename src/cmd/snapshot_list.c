/* snapshot_list.c - `devenv snapshot list`, `inspect` and `rm`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct list_options {
	bool quiet;
};

static const struct option_spec options[] = {
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		OPT_AT(struct list_options, quiet),
		.help = "Only names"},
	{0},
};

static bool has(const json_t *names, const char *name)
{
	json_t *each;
	size_t i;

	json_array_foreach (names, i, each)
		if (str_eq(json_string_value(each), name))
			return true;
	return false;
}

/* Of the thin volumes that the cache knows those that the engine still has: are there any? */
static bool keep_thin(json_t *record, const json_t *names)
{
	json_t *thin = json_object_get(record, "thin"), *bytes;
	const char *volume;
	void *next;

	json_object_foreach_safe(thin, next, volume, bytes) if (!has(names, volume))
		json_object_del(thin, volume);
	if (json_object_size(thin))
		return true;
	json_object_del(record, "thin");
	return false;
}

/* "shop_data +12.3 MB, ..." */
static char *thin_text(const json_t *record)
{
	autostrv struct strv volumes = STRV_INIT;
	const char *volume;
	json_t *bytes;
	char size[16];

	json_object_foreach (json_object_get(record, "thin"), volume, bytes)
		strv_pushf(&volumes, "%s +%s", volume,
			format_bytes(size, (uint64_t)json_integer_value(bytes)));
	return strv_join(&volumes, ", ");
}

static void add_row(struct table *table, const json_t *record)
{
	const json_t *config = json_object_get(record, "config");
	autofree char *database = snapshots_database(record), *thin = thin_text(record);
	char size[16], stored[16];

	table_add(table,
		(const char *[]){json_str(record, "name"), json_str(config, "volume"), database,
			json_str(config, "created"),
			format_bytes(size,
				(uint64_t)json_int(json_object_get(config, "totals"), "bytes")),
			format_bytes(stored, (uint64_t)json_int(record, "stored")), thin});
}

static int list_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const char *headings[] = {
		"NAME", "VOLUME", "DATABASE", "CREATED", "SIZE", "STORED", NULL, NULL};
	const struct list_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autojson json_t *list = NULL, *thin = NULL;
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;
	json_t *record;
	size_t i;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_list(session.engine, &app->sink, &list, err) < 0 ||
		plan_thin_list(session.engine, &thin, err) < 0)
		return -1;
	json_array_foreach (list, i, record)
		if (keep_thin(record, thin))
			headings[ARRAY_LEN(headings) - 2] = "THIN";
	if (app->json)
		return ui_output_json(list, err);
	table = table_new(headings);
	json_array_foreach (list, i, record) {
		if (chosen->quiet)
			buf_addf(&text, "%s\n", json_str(record, "name"));
		else
			add_row(table, record);
	}
	if (!chosen->quiet)
		table_print(table, &text);
	table_free(table);
	return ui_output(buf_str(&text), err);
}

/* A size is for people here; JSON has it exactly. The caller's. */
static char *fact_text(const char *key, const json_t *value)
{
	static const char *const sizes[] = {"bytes", "stored"};
	char size[16];

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (json_is_integer(value) && str_eq(key, sizes[i]))
			return xstrdup(format_bytes(size, (uint64_t)json_integer_value(value)));
	return json_is_string(value) ? xstrdup(json_string_value(value)) : json_print(value);
}

/* One line a fact; what is in an object is indented by its key. */
static void print_facts(const json_t *facts, const char *prefix, struct buf *out)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)facts, key, value) {
		autofree char *name = *prefix ? xasprintf("%s.%s", prefix, key) : xstrdup(key);
		autofree char *text = NULL;

		/* For readers of images (snapshot_format.h). */
		if (str_eq(key, "rootfs"))
			continue;
		if (json_is_object(value)) {
			print_facts(value, name, out);
			continue;
		}
		text = fact_text(key, value);
		buf_addf(out, "%-24s ", name);
		ui_text(out, text);
		buf_addch(out, '\n');
	}
}

static int look(struct app *app, struct session *session, const char *name, json_t **record,
	struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);

	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Looking"});
	if (plan_snapshot_look(session->engine, name, &app->sink, record, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_DONE, .object = object, .text = "Looked at"});
	return 0;
}

/* Of the cache; what is not there, of the store that is named. */
static int show(struct app *app, struct session *session, const char *name, json_t **record,
	struct err *err)
{
	if (plan_snapshot_show(session->engine, name, &app->sink, record, err) == 0)
		return 0;
	if (err->kind != ERR_SNAPSHOT || !snapshots_is_reference(name))
		return -1;
	err_clear(err);
	return look(app, session, name, record, err);
}

static int inspect_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	autojson json_t *record = NULL, *thin = NULL;
	autobuf struct buf text = BUF_INIT(0);

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		show(app, &session, argv[0], &record, err) < 0 ||
		plan_thin_list(session.engine, &thin, err) < 0)
		return -1;
	keep_thin(record, thin);
	if (app->json)
		return ui_output_json(record, err);
	print_facts(record, "", &text);
	return ui_output(buf_str(&text), err);
}

static const char *const list_examples[] = {"devenv snapshot list --format json", NULL};

const struct command cmd_snapshot_list = {
	.name = "list",
	.alias = "ls",
	.summary = "List the snapshots that the engine has",
	.details = "SIZE is what a restore writes, STORED what the snapshot needs in the cache or "
		   "a registry; snapshots share what they have in common. THIN are the "
		   "volumes that stand on it (see `devenv help snapshot restore`), and what has "
		   "been written to them since. \"undo/VOLUME\" is what "
		   "the last restore of that volume replaced.",
	.examples = list_examples,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct list_options),
	.run = list_run,
};

static const char *const inspect_examples[] = {
	"devenv snapshot inspect before-upgrade",
	"devenv snapshot inspect registry.acme.example/seeds/shop:1   # and what a pull costs",
	NULL,
};

const struct command cmd_snapshot_inspect = {
	.name = "inspect",
	.args = "NAME|REFERENCE",
	.summary = "Show all that is known of a snapshot",
	.details =
		"The database's kind and version, the proof that it ended cleanly, the image it "
		"ran on, its parent, sizes and digest. Of one that is not here, but in the store "
		"that REFERENCE names (see `devenv help snapshot push`), also pull.bytes: what a "
		"pull would bring, with what is here already.",
	.examples = inspect_examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.run = inspect_run,
};

/* === rm === */

static int rm_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0)
		return -1;
	for (int i = 0; i < argc; i++)
		if (plan_snapshot_remove(session.engine, argv[i], &app->sink, err) < 0)
			return -1;
	return 0;
}

static const char *const rm_examples[] = {"devenv snapshot rm before-upgrade", NULL};

const struct command cmd_snapshot_rm = {
	.name = "rm",
	.args = "NAME...",
	.summary = "Forget snapshots",
	.details = "Volumes stay as they are, and so do other snapshots.",
	.examples = rm_examples,
	.min_args = 1,
	.max_args = -1,
	.run = rm_run,
};
