/* volumes.c - `devenv volumes`: the workspace's volumes. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct volumes_options {
	bool quiet;
};

static const struct option_spec options[] = {
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		OPT_AT(struct volumes_options, quiet),
		.help = "Only names"},
	{0},
};

static bool ours(const struct workspace *ws, const json_t *volume)
{
	const char *project = json_str(
		json_object_get(volume, "Labels"), "com.docker.compose.project");

	for (size_t i = 0; i < ws->n; i++)
		if (str_eq(ws->manifests[i].project, project))
			return true;
	return false;
}

static int volumes_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	static const char *const headings[] = {"VOLUME", "DRIVER", "KIND", "CREATED", NULL};
	const struct volumes_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct actual actual = {0};
	struct table *table;
	autobuf struct buf text = BUF_INIT(0);
	autojson json_t *list = json_array();
	const char *name;
	json_t *volume;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	table = table_new(headings);
	json_object_foreach (actual.volumes, name, volume) {
		if (!ours(&session.ws, volume))
			continue;
		table_add(table,
			(const char *[]){name, json_str(volume, "Driver"),
				plan_thin_is(volume) ? "thin" : "", json_str(volume, "CreatedAt")});
		json_array_append(list, volume);
		if (chosen->quiet)
			buf_addf(&text, "%s\n", name);
	}
	if (!chosen->quiet)
		table_print(table, &text);
	table_free(table);
	actual_release(&actual);
	return app->json ? ui_output_json(list, err) : ui_output(buf_str(&text), err);
}

static const char *const examples[] = {"devenv volumes --format json", NULL};

const struct command cmd_volumes = {
	.name = "volumes",
	.group = "Look",
	.summary = "List the volumes of this workspace",
	.details = "They hold the data, and stay when `devenv down` removes the containers. Thin "
		   "ones stand on a snapshot (see `devenv help snapshot restore`).",
	.examples = examples,
	.min_args = 0,
	.max_args = 0,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct volumes_options),
	.run = volumes_run,
};
