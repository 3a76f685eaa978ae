/* top.c - `devenv top`: the processes inside running containers. */
#include "commands.h"
#include "each.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

#include <stdlib.h>

/* The engine's {"Titles": [...], "Processes": [[...]]} as a table. */
static void add_table(const json_t *answer, struct buf *out)
{
	autostrv struct strv titles = STRV_INIT;
	struct table *table;
	json_t *process;
	size_t i;

	json_to_strv(json_object_get(answer, "Titles"), &titles);
	if (!titles.n)
		return;
	table = table_new((const char *const *)titles.v);
	json_array_foreach (json_object_get(answer, "Processes"), i, process) {
		autostrv struct strv cells = STRV_INIT;

		json_to_strv(process, &cells);
		if (cells.n == titles.n)
			table_add(table, (const char *const *)cells.v);
	}
	table_print(table, out);
	table_free(table);
}

static int top_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	autojson json_t *answer = NULL;
	struct buf *out = ctx;

	if (container_top(session->engine, container->id, &answer, err) < 0)
		return -1;
	buf_addf(out, "%s%s\n", out->len ? "\n" : "", container->name);
	add_table(answer, out);
	return 0;
}

static int top_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);
	struct each each = {.run = top_one, .ctx = &out, .needs_one = true};

	if (each_container(app, argc, argv, &each, err) < 0)
		return -1;
	return ui_output(buf_str(&out), err);
}

static const char *const examples[] = {"devenv top web", NULL};

const struct command cmd_top = {
	.name = "top",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Show the processes inside running containers",
	.details = "As the engine's ps tells them.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.run = top_run,
};
