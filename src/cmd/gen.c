/*
 * gen.c - `devenv __gen man|bash|zsh|fish|readme`: files that are made from the command table.
 *
 * For `make gen`, which writes them, and `make gen-check`, which compares.
 */
#include "commands.h"

#include "devenv/str.h"
#include "devenv/ui.h"

static int gen_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);
	int status = 0;

	if (str_eq(argv[0], "man"))
		cli_man(&out);
	else if (str_eq(argv[0], "readme"))
		cli_readme(&out);
	else
		status = cli_completion(argv[0], &out, err);
	return status < 0 ? -1 : ui_output(buf_str(&out), err);
}

const struct command cmd_gen = {
	.name = "__gen",
	.group = "Hidden",
	.args = "man|bash|zsh|fish|readme",
	.summary = "Print a file that is made from the command table",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.run = gen_run,
};
