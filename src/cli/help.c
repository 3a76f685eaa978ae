/*
 * help.c - `--help` and `devenv help`, from the table.  Everything fits 80 columns.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define WIDTH 80
#define COLUMN 28 /* where the descriptions of options begin */

char *option_value_name(const struct option_spec *option)
{
	autobuf struct buf names = BUF_INIT(0);

	if (option->type == OPT_FLAG)
		return NULL;
	if (option->type != OPT_CHOICE)
		return xstrdup(option->arg);
	for (size_t i = 0; option->choices[i]; i++)
		buf_addf(&names, "%s%s", i ? "|" : "", option->choices[i]);
	return buf_detach(&names);
}

char *option_usage(const struct option_spec *option)
{
	char letter[] = "    ";

	if (option->letter) {
		letter[0] = '-';
		letter[1] = option->letter;
		letter[2] = ',';
	}
	return xasprintf("%s--%s%s%s", letter, option->name, option->arg ? " " : "",
		option->arg ? option->arg : "");
}

static char *option_text(const struct option_spec *option)
{
	autobuf struct buf text = BUF_INIT(0);
	autofree char *names = option->type == OPT_CHOICE ? option_value_name(option) : NULL;

	buf_addstr(&text, option->help);
	if (names)
		buf_addf(&text, ": %s", names);
	if (option->def)
		buf_addf(&text, " (default %s)", option->def);
	return buf_detach(&text);
}

/* A name at the left and a text from `column` on. */
static void help_row(struct buf *out, const char *left, const char *text, int column)
{
	int used = (int)strlen(left) + 2;

	buf_addf(out, "  %s", left);
	if (used + 2 > column) {
		buf_addch(out, '\n');
		used = 0;
	}
	for (; used < column; used++)
		buf_addch(out, ' ');
	wrap_text(out, text, column, used, WIDTH - 1);
}

static void help_options(
	struct buf *out, const struct option_spec *rows, const struct command *command, bool global)
{
	for (; rows && rows->type != OPT_END; rows++) {
		autofree char *usage = NULL, *text = NULL;

		if (global && command && !command_takes(command, rows))
			continue;
		usage = option_usage(rows);
		text = option_text(rows);
		help_row(out, usage, text, COLUMN);
	}
}

static void help_group(struct buf *out, const char *group)
{
	buf_addf(out, "\n%s:\n", group);
	for (size_t i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN) && str_eq(commands[i]->group, group))
			help_row(out, commands[i]->name, commands[i]->summary, 14);
}

static bool group_is_new(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!(commands[i]->flags & CMD_HIDDEN) &&
			str_eq(commands[i]->group, commands[index]->group))
			return false;
	return true;
}

static void help_overview(struct buf *out)
{
	buf_addstr(out, "devenv: a team's local environments, from Compose files, prebuilt images\n"
			"and seeded databases.\n\n"
			"Usage: devenv [OPTIONS] COMMAND [ARG...]\n");
	for (size_t i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN) && group_is_new(i))
			help_group(out, commands[i]->group);
	buf_addstr(out, "\nOptions of every command:\n");
	help_options(out, cli_globals, NULL, true);
	buf_addstr(out, "      --version             Print the version\n");
	buf_addstr(out, "\n\"devenv help COMMAND\" tells more about a command, \"devenv help "
			"environment\"\nabout environment variables and exit statuses.\n");
}

static void help_subcommands(struct buf *out, const struct command *command)
{
	if (!command->subcommands)
		return;
	buf_addstr(out, "\nCommands:\n");
	for (size_t i = 0; command->subcommands[i]; i++)
		if (!(command->subcommands[i]->flags & CMD_HIDDEN))
			help_row(out, command->subcommands[i]->name,
				command->subcommands[i]->summary, 14);
}

static void help_examples(struct buf *out, const struct command *command)
{
	if (!command->examples)
		return;
	buf_addstr(out, "\nExamples:\n");
	for (size_t i = 0; command->examples[i]; i++) {
		const char *hash = strstr(command->examples[i], " # ");
		int len = hash ? (int)(hash - command->examples[i])
			       : (int)strlen(command->examples[i]);

		while (len > 0 && command->examples[i][len - 1] == ' ')
			len--;
		if (hash)
			buf_addf(out, "  # %s\n", hash + 3);
		buf_addf(out, "  %.*s\n", len, command->examples[i]);
	}
}

void cli_help(const struct command *command, const char *name, struct buf *out)
{
	if (!command) {
		help_overview(out);
		return;
	}
	buf_addf(out, "Usage: devenv %s [OPTIONS]", name);
	if (command->args)
		buf_addf(out, " %s", command->args);
	else if (command->subcommands)
		buf_addstr(out, " COMMAND");
	buf_addf(out, "\n\n%s.\n", command->summary);
	if (command->alias)
		buf_addf(out, "Also: devenv %.*s%s\n", (int)(strlen(name) - strlen(command->name)),
			name, command->alias);
	if (command->details) {
		buf_addch(out, '\n');
		wrap_text(out, command->details, 0, 0, WIDTH - 1);
	}
	help_subcommands(out, command);
	if (command->options && command->options->type != OPT_END) {
		buf_addstr(out, "\nOptions:\n");
		help_options(out, command->options, command, false);
	}
	buf_addstr(out, "\nOptions of every command:\n");
	help_options(out, cli_globals, command, true);
	help_examples(out, command);
}
