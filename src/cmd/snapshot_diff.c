/* snapshot_diff.c - `devenv snapshot diff`. */
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>

struct diff_options {
	bool files;
};

static const struct option_spec options[] = {
	{.name = "files",
		.letter = 'f',
		.type = OPT_FLAG,
		OPT_AT(struct diff_options, files),
		.help = "Each file, also where the tables are known"},
	{0},
};

/* === by table === */

static enum datadir_kind kind_of(const json_t *diff)
{
	return datadir_kind_of(json_str(json_at(diff, "after", "config", "engine", NULL), "kind"));
}

static bool has_tables(enum datadir_kind kind)
{
	return kind != DATADIR_OPAQUE && kind != DATADIR_KINDS;
}

/* Give each change its "table", where the files are a database's. */
static void name_tables(json_t *diff, enum datadir_kind kind)
{
	const char *root = json_str(json_at(diff, "after", "config", "engine", NULL), "path");
	json_t *change;
	size_t i;

	json_array_foreach (json_object_get(diff, "changes"), i, change) {
		const char *path = json_str(change, "path");
		autofree char *table = NULL;

		if (!str_empty(root))
			path = path_below(root, path);
		if (str_empty(path) || str_eq(json_str(change, "type"), "directory"))
			continue;
		table = datadir_group(kind, path);
		json_object_set_new(change, "table", json_string_safe(table));
	}
}

static void add_to(json_t *table, const char *key, json_int_t n)
{
	json_object_set_new(table, key, json_integer(json_int(table, key) + n));
}

/* {TABLE: {"files", "bytes"}} of what is not the same but in its attributes. */
static json_t *sum_tables(const json_t *changes)
{
	json_t *tables = json_object(), *change;
	size_t i;

	json_array_foreach (changes, i, change) {
		const char *name = json_str(change, "table");
		json_t *table = name ? json_object_get(tables, name) : NULL;

		if (!name || str_eq(json_str(change, "change"), "attributes"))
			continue;
		if (!table) {
			table = json_object();
			json_object_set_new(tables, name, table);
		}
		add_to(table, "files", 1);
		add_to(table, "bytes", json_int(change, "bytes"));
	}
	return tables;
}

struct row {
	const char *name;
	const json_t *table;
};

static int row_order(const void *a, const void *b)
{
	int64_t left = json_int(((const struct row *)a)->table, "bytes");
	int64_t right = json_int(((const struct row *)b)->table, "bytes");

	return (left < right) - (left > right);
}

static void print_tables(const json_t *tables, struct buf *out)
{
	static const char *const headings[] = {"TABLE", "FILES", "BYTES", NULL};
	autofree struct row *rows = xcalloc(json_object_size(tables) + 1, sizeof(*rows));
	struct table *table = table_new(headings);
	const char *name;
	json_t *each;
	size_t n = 0;

	json_object_foreach ((json_t *)tables, name, each)
		rows[n++] = (struct row){name, each};
	qsort(rows, n, sizeof(*rows), row_order);
	for (size_t i = 0; i < n; i++) {
		autofree char *files = xasprintf(
			"%lld", (long long)json_int(rows[i].table, "files"));
		char bytes[16];

		table_add(table,
			(const char *[]){rows[i].name, files,
				format_bytes(bytes, (uint64_t)json_int(rows[i].table, "bytes"))});
	}
	table_print(table, out);
	table_free(table);
}

/* === by file === */

static void print_files(const json_t *changes, struct buf *out)
{
	static const char *const headings[] = {"CHANGE", "BYTES", "PATH", NULL};
	struct table *table = table_new(headings);
	json_t *change;
	size_t i;

	json_array_foreach (changes, i, change) {
		const char *path = json_str(change, "path");
		char bytes[16];

		table_add(table, (const char *[]){json_str(change, "change"),
					 format_bytes(bytes, (uint64_t)json_int(change, "bytes")),
					 *path ? path : "."});
	}
	table_print(table, out);
	table_free(table);
}

/* === all === */

static void print_totals(const json_t *diff, const char *before, const char *after, struct buf *out)
{
	const json_t *totals = json_object_get(diff, "totals");
	char bytes[16], of[16], pull[16];

	if (json_int(diff, "unlisted"))
		buf_addf(out, "and %lld changes more\n", (long long)json_int(diff, "unlisted"));
	buf_addf(out,
		"%lld added, %lld removed, %lld changed, %lld in their attributes only: %s of %s\n",
		(long long)json_int(totals, "added"), (long long)json_int(totals, "removed"),
		(long long)json_int(totals, "changed"), (long long)json_int(totals, "attributes"),
		format_bytes(bytes, (uint64_t)json_int(totals, "bytes")),
		format_bytes(
			of, (uint64_t)json_int(
				    json_at(diff, "after", "config", "totals", NULL), "bytes")));
	buf_addf(out, "a pull of %s brings %s to those who have %s\n", after,
		format_bytes(pull, (uint64_t)json_int(diff, "pull")), before);
}

static int diff_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct diff_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autojson json_t *diff = NULL, *tables = NULL;
	autobuf struct buf text = BUF_INIT(0);
	enum datadir_kind kind;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_diff(session.engine, argv[0], argv[1], &app->sink, &diff, err) < 0)
		return -1;
	kind = kind_of(diff);
	if (has_tables(kind)) {
		name_tables(diff, kind);
		tables = sum_tables(json_object_get(diff, "changes"));
		json_object_set(diff, "tables", tables);
	}
	if (app->json)
		return ui_output_json(diff, err);
	if (tables && !chosen->files && json_object_size(tables))
		print_tables(tables, &text);
	else if (json_array_size(json_object_get(diff, "changes")))
		print_files(json_object_get(diff, "changes"), &text);
	print_totals(diff, argv[0], argv[1], &text);
	return ui_output(buf_str(&text), err);
}

static const char *const examples[] = {
	"devenv snapshot diff seed-1 seed-2",
	"devenv snapshot diff --files before-upgrade undo/shop_data   # what was lost by a restore",
	NULL,
};

const struct command cmd_snapshot_diff = {
	.name = "diff",
	.args = "BEFORE AFTER",
	.summary = "Show what two snapshots do not have in common",
	.details = "By table where the names of a database's files tell it, largest first, else by "
		   "file. BYTES are those of the 64 KiB pieces that differ. PostgreSQL names files "
		   "by number: `select relname from pg_class where relfilenode = NUMBER` tells the "
		   "table. The last line is what a pull costs those who have the first one.",
	.examples = examples,
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct diff_options),
	.run = diff_run,
};
