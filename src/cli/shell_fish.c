/*
 * shell_fish.c - the completion script for fish.
 *
 * Fish takes one `complete` line for each thing that may be typed; what stands on the line so far
 * is asked through the function __devenv_at, which walks it once.
 */
#include "shell.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* In single quotes for fish. */
static void quoted(struct buf *out, const char *text)
{
	buf_addch(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_addch(out, '\\');
		buf_addch(out, *text);
	}
	buf_addch(out, '\'');
}

/* " -a '(...)'" for a value or argument; files when the shell knows better. */
static void source(struct buf *out, enum complete kind, const char *const *choices)
{
	if (choices) {
		buf_addstr(out, " -f -a '");
		for (size_t i = 0; choices[i]; i++)
			buf_addf(out, "%s%s", i ? " " : "", choices[i]);
		buf_addch(out, '\'');
	} else if (kind == COMPLETE_FILE) {
		buf_addstr(out, " -F");
	} else if (kind == COMPLETE_DIR) {
		buf_addstr(out, " -f -a '(__fish_complete_directories)'");
	} else if (complete_kind(kind)) {
		buf_addf(out, " -f -a '(__devenv_names %s)'", complete_kind(kind));
	} else {
		buf_addstr(out, " -f");
	}
}

static void option_line(
	struct buf *out, const struct option_spec *option, const char *condition, bool letter)
{
	buf_addf(out, "complete -c devenv -n \"%s\" -l %s", condition, option->name);
	if (option->letter && letter)
		buf_addf(out, " -s %c", option->letter);
	if (option_takes_value(option)) {
		buf_addstr(out, " -r");
		source(out, option->complete, option->choices);
	}
	buf_addstr(out, " -d ");
	quoted(out, option->help);
	buf_addch(out, '\n');
}

static void command_lines(const struct command *command, const char *name, void *ctx)
{
	autofree char *condition = xasprintf("__devenv_at '%s'", name);
	const char *space = strrchr(name, ' ');
	struct buf *out = ctx;

	buf_addf(out, "complete -c devenv -n \"__devenv_at '%.*s' 0\" -f -a %s -d ",
		space ? (int)(space - name) : 0, name, command->name);
	quoted(out, command->summary);
	buf_addch(out, '\n');
	for (const struct option_spec *o = command->options; o && o->type != OPT_END; o++)
		option_line(out, o, condition, true);
	for (const struct option_spec *o = cli_globals; o->type != OPT_END; o++)
		if (command_takes(command, o))
			option_line(
				out, o, condition, !option_find(command->options, NULL, o->letter));
	if (command->complete == COMPLETE_NONE)
		return;
	buf_addf(out, "complete -c devenv -n \"__devenv_at '%s'%s\"", name,
		command->flags & CMD_OPTIONS_FIRST ? " 0" : "");
	source(out, command->complete, NULL);
	buf_addch(out, '\n');
}

static void value_lines(struct buf *out, const char *name, const struct option_spec *rows)
{
	for (; rows && rows->type != OPT_END; rows++) {
		buf_addf(out, "\t\tcase '%s:--%s'", name, rows->name);
		if (rows->letter)
			buf_addf(out, " '%s:-%c'", name, rows->letter);
		buf_addf(out, "\n\t\t\treturn %d\n", option_takes_value(rows) ? 0 : 1);
	}
}

static void value_command(const struct command *command, const char *name, void *ctx)
{
	value_lines(ctx, name, command->options);
}

static void step_command(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;
	const char *space = strrchr(name, ' ');

	buf_addf(out, "\t\tcase '%.*s:%s'", space ? (int)(space - name) : 0, name, command->name);
	if (command->alias && !space)
		buf_addf(out, " ':%s'", command->alias);
	buf_addf(out, "\n\t\t\techo '%s'\n", name);
}

static const char body[] =
	"# The command on the line so far, its number of arguments, then the options that choose "
	"the\n"
	"# manifests; a line each.\n"
	"function __devenv_line\n"
	"\tset -l tokens (commandline -opc)\n"
	"\tset -l command ''\n"
	"\tset -l arguments 0\n"
	"\tset -l globals\n"
	"\tset -l i 2\n"
	"\twhile test $i -le (count $tokens)\n"
	"\t\tset -l word $tokens[$i]\n"
	"\t\tset -l next (__devenv_step $command $word)\n"
	"\t\tif string match -q -- '-*' $word\n"
	"\t\t\tif __devenv_takes_value $command $word\n"
	"\t\t\t\tset i (math $i + 1)\n"
	"\t\t\t\tif contains -- $word -f --file -C --directory -p --project-name \\\n"
	"\t\t\t\t\t\t--profile --env-file; and test $i -le (count $tokens)\n"
	"\t\t\t\t\tset -a globals $word $tokens[$i]\n"
	"\t\t\t\tend\n"
	"\t\t\tend\n"
	"\t\telse if test $arguments -eq 0; and test -n \"$next\"\n"
	"\t\t\tset command $next\n"
	"\t\telse\n"
	"\t\t\tset arguments (math $arguments + 1)\n"
	"\t\tend\n"
	"\t\tset i (math $i + 1)\n"
	"\tend\n"
	"\techo $command\n"
	"\techo $arguments\n"
	"\tfor word in $globals\n"
	"\t\techo $word\n"
	"\tend\n"
	"end\n"
	"\n"
	"# __devenv_at COMMAND [ARGUMENTS]: does the cursor stand there?\n"
	"function __devenv_at\n"
	"\tset -l line (__devenv_line)\n"
	"\ttest \"$line[1]\" = \"$argv[1]\"; or return 1\n"
	"\ttest (count $argv) -lt 2; or test $line[2] = $argv[2]\n"
	"end\n"
	"\n"
	"function __devenv_names\n"
	"\tset -l line (__devenv_line)\n"
	"\tdevenv $line[3..-1] __complete $argv[1] (commandline -ct) 2>/dev/null\n"
	"end\n"
	"\n"
	"complete -c devenv -f\n";

void completion_fish(struct buf *out)
{
	buf_addstr(out, "# devenv(1) completion for fish. Made by \"devenv __gen fish\".\n\n"
			"function __devenv_step\n\tswitch $argv[1]:$argv[2]\n");
	command_each(step_command, out);
	buf_addstr(out, "\tend\nend\n\nfunction __devenv_takes_value\n"
			"\tswitch $argv[1]:$argv[2]\n");
	command_each(value_command, out);
	buf_addstr(out, "\tend\n\tswitch :$argv[2]\n");
	value_lines(out, "", cli_globals);
	buf_addstr(out, "\tend\n\treturn 1\nend\n\n");
	buf_addstr(out, body);
	for (const struct option_spec *o = cli_globals; o->type != OPT_END; o++)
		option_line(out, o, "__devenv_at ''", true);
	buf_addstr(out,
		"complete -c devenv -n \"__devenv_at ''\" -l version -d 'Print the version'\n");
	command_each(command_lines, out);
}
