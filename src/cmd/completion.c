/*
 * completion.c - `devenv completion SHELL`: a script for the shell to load.
 */
#include "commands.h"

#include "devenv/ui.h"

#include <stddef.h>

static int completion_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);

	if (cli_completion(argv[0], &out, err) < 0)
		return -1;
	return ui_output(buf_str(&out), err);
}

static const char *const examples[] = {
	"source <(devenv completion bash) # for this shell; put it into ~/.bashrc to keep it",
	"devenv completion fish | source",
	NULL,
};

const struct command cmd_completion = {
	.name = "completion",
	.group = "This program",
	.args = "bash|zsh|fish",
	.summary = "Print a completion script for a shell",
	.details =
		"Commands, options and the names of services, manifests and tunnels are completed; "
		"names are read from the manifests, without asking an engine or a network.\n"
		"\n"
		"zsh: write the output to a file named _devenv in a folder of $fpath.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SHELL,
	.run = completion_run,
};
