/* new.c - `devenv new TEMPLATE NAME`: a manifest to begin with. */
#include "commands.h"
#include "template.h"

#include "devenv/mem.h"
#include "devenv/ui.h"

struct new_options {
	const char *dir;
};

static const struct option_spec options[] = {
	{.name = "dir",
		.type = OPT_STRING,
		OPT_AT(struct new_options, dir),
		.arg = "DIR",
		.help = "The workspace to write into",
		.def = ".",
		.complete = COMPLETE_DIR},
	{0},
};

static int list_templates(struct err *err)
{
	static const char *const headings[] = {"TEMPLATE", "WHAT IT IS", NULL};
	struct table *table = table_new(headings);
	autostrv struct strv names = STRV_INIT;
	autobuf struct buf text = BUF_INIT(0);

	template_names(&names);
	for (size_t i = 0; i < names.n; i++) {
		autofree char *summary = template_summary(names.v[i]);
		const char *cells[] = {names.v[i], summary};

		table_add(table, cells);
	}
	table_print(table, &text);
	table_free(table);
	if (!names.n) {
		autofree char *root = template_root();

		return err_set(err, ERR_FAILED, "there are no templates at %s", root);
	}
	return ui_output(buf_str(&text), err);
}

static int new_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct new_options *new = opts;
	autostrv struct strv written = STRV_INIT;
	autobuf struct buf text = BUF_INIT(0);

	if (argc == 0)
		return list_templates(err);
	if (argc == 1)
		return err_set(
			err, ERR_USAGE, "how shall it be called? devenv new %s NAME", argv[0]);
	if (template_write(argv[0], argv[1], new->dir, &written, err) < 0)
		return -1;
	for (size_t i = 0; i < written.n; i++)
		buf_addf(&text, "%s\n", written.v[i]);
	sink_info(&app->sink, NULL, "written; bring it up with `devenv up %s`", argv[1]);
	return ui_output(buf_str(&text), err);
}

static const char *const examples[] = {"devenv new # lists the templates",
	"devenv new php-apache-mysql shop # writes envs/shop.yaml and src/shop", NULL};

const struct command cmd_new = {
	.name = "new",
	.group = "This machine",
	.args = "[TEMPLATE NAME]",
	.summary = "Write a manifest from a template, or list the templates",
	.details = "Writes envs/NAME.yaml and the files beside it, and prints their names. Never "
		   "overwrites: when one of them is there, nothing is written. DEVENV_TEMPLATES "
		   "names a folder with a team's own templates.",
	.examples = examples,
	.min_args = 0,
	.max_args = 2,
	.complete = COMPLETE_TEMPLATE,
	.options = options,
	.options_size = sizeof(struct new_options),
	.run = new_run,
};
