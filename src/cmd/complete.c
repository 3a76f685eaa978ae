/*
 * complete.c - `devenv __complete KIND PREFIX`: names for the shells' completion scripts.
 *
 * Runs at each press of Tab: it reads the manifests and nothing else, and says nothing when they are
 * wrong, since a message would land in the middle of the line being typed.
 */
#include "commands.h"

#include "devenv/str.h"
#include "devenv/ui.h"

#include <stddef.h>

static void add_name(struct buf *out, const char *name, const char *prefix)
{
	if (str_starts(name, prefix))
		buf_addf(out, "%s\n", name);
}

static void add_commands(struct buf *out, const char *prefix)
{
	for (size_t i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN))
			add_name(out, commands[i]->name, prefix);
}

static void add_shells(struct buf *out, const char *prefix)
{
	add_name(out, "bash", prefix);
	add_name(out, "fish", prefix);
	add_name(out, "zsh", prefix);
}

static int complete_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);
	const char *prefix = argc > 1 ? argv[1] : "";

	if (str_eq(argv[0], "command"))
		add_commands(&out, prefix);
	else if (str_eq(argv[0], "shell"))
		add_shells(&out, prefix);
	return ui_output(buf_str(&out), err);
}

const struct command cmd_complete = {
	.name = "__complete",
	.group = "Hidden",
	.args = "KIND [PREFIX]",
	.summary = "Print names for the completion scripts",
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_HIDDEN,
	.run = complete_run,
};
