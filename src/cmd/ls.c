/* ls.c - `devenv ls`: the projects that this engine runs, by whatever tool. */
#include "commands.h"

#include "devenv/engine.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <regex.h>
#include <string.h>

struct ls_options {
	bool all, quiet;
	struct strv filters;
};

static const struct option_spec options[] = {
	{.name = "all",
		.letter = 'a',
		.type = OPT_FLAG,
		OPT_AT(struct ls_options, all),
		.help = "Projects of which nothing runs too"},
	{.name = "filter",
		.type = OPT_LIST,
		OPT_AT(struct ls_options, filters),
		.arg = "name=TEXT",
		.help = "Only projects whose name has this regular expression"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		OPT_AT(struct ls_options, quiet),
		.help = "Only names"},
	{0},
};

/* project -> {"name", "running", "containers", "files", "dir"} in the order found. */
static json_t *projects(const json_t *containers)
{
	json_t *out = json_object(), *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *labels = json_object_get(container, "Labels");
		const char *name = json_str(labels, "com.docker.compose.project");
		bool running = str_eq(json_str(container, "State"), "running");
		json_t *entry = name ? json_object_get(out, name) : NULL;

		if (!name)
			continue;
		if (!entry) {
			entry = json_pack("{s:s, s:i, s:i, s:s*, s:s*}", "name", name, "running", 0,
				"containers", 0, "dir",
				json_str(labels, "com.docker.compose.project.working_dir"), "files",
				json_str(labels, "com.docker.compose.project.config_files"));
			json_object_set_new(out, name, entry);
		}
		json_object_set_new(
			entry, "containers", json_integer(json_int(entry, "containers") + 1));
		json_object_set_new(
			entry, "running", json_integer(json_int(entry, "running") + running));
	}
	return out;
}

/* Remove from `all` what no --filter name=TEXT matches. */
static int keep_matching(json_t *all, const struct strv *filters, struct err *err)
{
	autojson json_t *wanted = json_object();

	for (size_t i = 0; i < filters->n; i++) {
		const char *filter = filters->v[i], *name;
		regex_t pattern;
		json_t *entry;

		if (!str_starts(filter, "name="))
			return err_set(
				err, ERR_USAGE, "--filter takes name=TEXT, not \"%s\"", filter);
		if (regcomp(&pattern, filter + strlen("name="), REG_EXTENDED | REG_NOSUB) != 0)
			return err_set(err, ERR_USAGE,
				"--filter: \"%s\" is no regular expression; try name=^shop",
				filter + strlen("name="));
		json_object_foreach (all, name, entry)
			if (regexec(&pattern, name, 0, NULL, 0) == 0)
				json_object_set(wanted, name, entry);
		regfree(&pattern);
	}
	if (filters->n) {
		json_object_clear(all);
		json_object_update(all, wanted);
	}
	return 0;
}

static int show(
	const struct app *app, const struct ls_options *chosen, const json_t *all, struct err *err)
{
	static const char *const headings[] = {"PROJECT", "RUNNING", "CONTAINERS", "FOLDER", NULL};
	struct table *table = table_new(headings);
	autobuf struct buf text = BUF_INIT(0);
	autojson json_t *list = json_array();
	const char *name;
	json_t *entry;

	json_object_foreach ((json_t *)all, name, entry) {
		autofree char *running = xasprintf("%d", (int)json_int(entry, "running"));
		autofree char *n = xasprintf("%d", (int)json_int(entry, "containers"));
		const char *cells[] = {name, running, n, json_str(entry, "dir")};

		if (!chosen->all && !json_int(entry, "running"))
			continue;
		json_array_append(list, entry);
		table_add(table, cells);
		if (chosen->quiet)
			buf_addf(&text, "%s\n", name);
	}
	if (!chosen->quiet)
		table_print(table, &text);
	table_free(table);
	return app->json ? ui_output_json(list, err) : ui_output(buf_str(&text), err);
}

static int ls_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct ls_options *chosen = opts;
	struct engine_ask ask = {
		.context = app->global.context,
		.host = app->global.host,
		.no_embedded = embedded_status(NULL, NULL) != EMBEDDED_RUNNING,
		.sink = &app->sink,
	};
	autojson json_t *containers = NULL;
	autojson json_t *all = NULL;
	struct engine_where where = {0};
	struct engine *engine = NULL;
	int result = -1;

	if (engine_find(&ask, &where, err) == 0 && engine_open(&where, &engine, err) == 0 &&
		engine_get(engine, &containers, err, "/containers/json?all=1") == 0) {
		all = projects(containers);
		result = keep_matching(all, &chosen->filters, err);
		if (result == 0)
			result = show(app, chosen, all, err);
	}
	engine_close(engine);
	engine_where_release(&where);
	return result;
}

static const char *const examples[] = {"devenv ls --all", "devenv ls --format json", NULL};

const struct command cmd_ls = {
	.name = "ls",
	.group = "Look",
	.summary = "List the projects of this engine",
	.details = "From the labels of its containers, whatever tool brought them up.",
	.examples = examples,
	.min_args = 0,
	.max_args = 0,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct ls_options),
	.run = ls_run,
};
