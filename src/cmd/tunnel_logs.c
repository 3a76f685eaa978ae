/* tunnel_logs.c - `devenv tunnel logs [NAME...]`: the connections that there were. */
#include "commands.h"

#include "session.h"
#include "tunnels.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct logs_options {
	int64_t tail;
};

static const struct option_spec options[] = {
	{.name = "tail",
		.letter = 'n',
		.type = OPT_INT,
		OPT_AT(struct logs_options, tail),
		.arg = "LINES",
		.min = 1,
		.max = 1000000,
		.def = "100",
		.help = "Only the last ones"},
	{0},
};

struct logs {
	const struct tunnels *tunnels;
	json_t *lines;
	size_t tail;
};

static bool is_wanted(const struct tunnels *tunnels, const char *id)
{
	for (size_t i = 0; i < tunnels->n; i++)
		if (str_eq(tunnels->list[i].spec.id, id))
			return true;
	return false;
}

static void take(void *ctx, const json_t *line)
{
	struct logs *logs = ctx;

	if (!is_wanted(logs->tunnels, json_str(line, "id")))
		return;
	json_array_append(logs->lines, (json_t *)line);
	if (json_array_size(logs->lines) > logs->tail)
		json_array_remove(logs->lines, 0);
}

static void add_row(struct table *table, const json_t *line)
{
	char up[16], down[16], took[16];
	const char *cells[] = {
		json_str(line, "end"),
		json_str(line, "tunnel"),
		json_str(line, "client"),
		format_ms(took, json_int(line, "ms")),
		format_bytes(up, (uint64_t)json_int(line, "bytes_up")),
		format_bytes(down, (uint64_t)json_int(line, "bytes_down")),
		json_str(line, "check"),
		json_str(line, "why"),
	};

	table_add(table, cells);
}

static int show(const struct app *app, const json_t *lines, struct err *err)
{
	static const char *const headings[] = {
		"END", "TUNNEL", "CLIENT", "TOOK", "UP", "DOWN", "CHECK", "WHY", NULL};
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;

	if (app->json)
		return ui_output_json(lines, err);
	table = table_new(headings);
	for (size_t i = 0; i < json_array_size(lines); i++)
		add_row(table, json_array_get(lines, i));
	table_print(table, &text);
	table_free(table);
	return ui_output(buf_str(&text), err);
}

static int logs_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct logs_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autojson json_t *lines = json_array();
	autofree char *path = tunnel_audit_path();
	struct tunnels tunnels = {0};
	struct logs logs = {&tunnels, lines, (size_t)chosen->tail};
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = tunnels_find(&session.ws, argc, argv, &tunnels, err);
	if (rc == 0)
		rc = tunnel_audit_read(path, take, &logs, err);
	if (rc == 0)
		rc = show(app, lines, err);
	tunnels_release(&tunnels);
	return rc;
}

static const char *const examples[] = {
	"devenv tunnel logs reader -n 20",
	"devenv tunnel logs --format json | jq '.[] | select(.check == \"writer\")'",
	NULL,
};

const struct command cmd_tunnel_logs = {
	.name = "logs",
	.args = "[NAME...]",
	.summary = "Show the connections that went through the tunnels",
	.details =
		"A line for each that has ended: when, by whom, for how long, how many bytes, what "
		"the replica check said (replica, writer, unverified, unknown, off) and why it "
		"ended. Never what was said. They are kept in tunnels.jsonl in devenv's state "
		"folder, which only you can read: 4 MiB of it and three older files.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.options = options,
	.options_size = sizeof(struct logs_options),
	.run = logs_run,
};
