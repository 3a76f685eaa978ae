/*
 * readme.c - the command list of README.md.
 */
#include "table.h"

static void readme_row(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;

	/* A command with subcommands is shown by them. */
	if (command->subcommands && !command->run)
		return;
	buf_addf(out, "| `devenv %s%s", name, command->args ? " " : "");
	/* A bar inside a table's cell must be escaped, in code too. */
	for (const char *c = command->args ? command->args : ""; *c; c++)
		buf_addf(out, *c == '|' ? "\\%c" : "%c", *c);
	buf_addf(out, "` | %s |\n", command->summary);
}

void cli_readme(struct buf *out)
{
	buf_addstr(out, "| command | what it does |\n|---|---|\n");
	command_each(readme_row, out);
}
