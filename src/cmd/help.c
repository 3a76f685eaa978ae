/*
 * help.c - `devenv help [COMMAND]`.
 */
#include "commands.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stddef.h>

/* As if the words were typed with --help: so a wrong one gets the parser's own suggestion. */
static int help_command(int argc, char **argv, struct buf *out, struct err *err)
{
	struct app app = {0};
	void *options = NULL;
	char *words[] = {"devenv", "--help", argv[0], argc > 1 ? argv[1] : NULL, NULL};
	char **rest = NULL;
	int n = 0, status = cli_parse(argc + 2, words, &app, &options, &n, &rest, err);

	if (status == 0) {
		cli_help(app.command, app.name, out);
		cli_options_free(app.command, options);
	}
	cleanup_free(&app.name);
	return status;
}

static int help_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);

	if (argc == 0)
		cli_help(NULL, NULL, &out);
	else if (str_eq(argv[0], "environment"))
		cli_help_environment(&out);
	else if (help_command(argc, argv, &out, err) < 0)
		return -1;
	return ui_output(buf_str(&out), err);
}

static const char *const examples[] = {
	"devenv help up",
	"devenv help environment # environment variables and exit statuses",
	NULL,
};

const struct command cmd_help = {
	.name = "help",
	.group = "This program",
	.args = "[COMMAND [SUBCOMMAND]]",
	.summary = "Show help about devenv or one of its commands",
	.details = "\"devenv help environment\" lists the environment variables that devenv reads "
		   "and the exit statuses that it ends with.",
	.examples = examples,
	.max_args = 2,
	.complete = COMPLETE_COMMAND,
	.run = help_run,
};
