/* snapshot_list.c - `devenv snapshot list`, `inspect` and `rm`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

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

static void add_row(struct table *table, const json_t *record)
{
	const json_t *config = json_object_get(record, "config");
	autofree char *database = snapshots_database(record);
	char size[16], stored[16];

	table_add(table,
		(const char *[]){json_str(record, "name"), json_str(config, "volume"), database,
			json_str(config, "created"),
			format_bytes(size,
				(uint64_t)json_int(json_object_get(config, "totals"), "bytes")),
			format_bytes(stored, (uint64_t)json_int(record, "stored"))});
}

static int list_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	static const char *const headings[] = {
		"NAME", "VOLUME", "DATABASE", "CREATED", "SIZE", "STORED", NULL};
	const struct list_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autojson json_t *list = NULL;
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;
	json_t *record;
	size_t i;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_list(session.engine, &app->sink, &list, err) < 0)
		return -1;
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

/* One line a fact; what is in an object is indented by its key. */
static void print_facts(const json_t *facts, const char *prefix, struct buf *out)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)facts, key, value) {
		autofree char *name = *prefix ? xasprintf("%s.%s", prefix, key) : xstrdup(key);
		autofree char *text = NULL;

		if (json_is_object(value)) {
			print_facts(value, name, out);
			continue;
		}
		text = json_is_string(value) ? xstrdup(json_string_value(value))
					     : json_print(value);
		buf_addf(out, "%-24s ", name);
		ui_text(out, text);
		buf_addch(out, '\n');
	}
}

static int inspect_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	autojson json_t *record = NULL;
	autobuf struct buf text = BUF_INIT(0);

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_show(session.engine, argv[0], &app->sink, &record, err) < 0)
		return -1;
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
		   "a registry; snapshots share what they have in common. \"undo/VOLUME\" is what "
		   "the last restore of that volume replaced.",
	.examples = list_examples,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct list_options),
	.run = list_run,
};

static const char *const inspect_examples[] = {"devenv snapshot inspect before-upgrade", NULL};

const struct command cmd_snapshot_inspect = {
	.name = "inspect",
	.args = "NAME",
	.summary = "Show all that is known of a snapshot",
	.details = "The database's kind and version, the proof that it ended cleanly, the image it "
		   "ran on, its parent, sizes and digest.",
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
