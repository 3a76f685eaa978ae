/*
 * shell.c - the functions that bash's and zsh's completion scripts have in common.
 */
#include "shell.h"

#include "devenv/mem.h"
#include "devenv/str.h"

void shell_value(struct buf *out, enum complete kind, const char *const *choices)
{
	if (choices) {
		buf_addstr(out, "words");
		for (size_t i = 0; choices[i]; i++)
			buf_addf(out, " %s", choices[i]);
	} else if (kind == COMPLETE_FILE || kind == COMPLETE_DIR) {
		buf_addstr(out, kind == COMPLETE_FILE ? "file" : "dir");
	} else if (complete_kind(kind)) {
		buf_addf(out, "names %s", complete_kind(kind));
	} else {
		buf_addstr(out, "none");
	}
}

static void value_rows(struct buf *out, const char *command, const struct option_spec *rows)
{
	for (; rows && rows->type != OPT_END; rows++) {
		buf_addf(out, "\t'%s:--%s'", command, rows->name);
		if (rows->letter)
			buf_addf(out, " | '%s:-%c'", command, rows->letter);
		buf_addstr(out, ") value='");
		if (option_takes_value(rows))
			shell_value(out, rows->complete, rows->choices);
		buf_addstr(out, "' ;;\n");
	}
}

static void value_command(const struct command *command, const char *name, void *ctx)
{
	value_rows(ctx, name, command->options);
}

void shell_value_function(struct buf *out)
{
	buf_addstr(out, "_devenv_value() {\n\tvalue=''\n\tcase \"$1:$2\" in\n");
	command_each(value_command, out);
	/* A command's own option was found above; what is left can only be a global one. */
	buf_addstr(out, "\t*)\n\t\tcase \":$2\" in\n");
	value_rows(out, "", cli_globals);
	buf_addstr(out, "\t\tesac\n\t\t;;\n\tesac\n}\n\n");
}

static void argument_command(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;

	if (command->complete == COMPLETE_NONE)
		return;
	/* After the service of exec and run stands another program's command line. */
	buf_addf(out, "\t'%s%s) value='", name, command->flags & CMD_OPTIONS_FIRST ? ":0'" : ":'*");
	shell_value(out, command->complete, NULL);
	buf_addstr(out, "' ;;\n");
}

void shell_argument_function(struct buf *out)
{
	buf_addstr(out, "_devenv_argument() {\n\tvalue=''\n\tcase \"$1:$2\" in\n");
	command_each(argument_command, out);
	buf_addstr(out, "\tesac\n}\n\n");
}

static void command_row(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;
	const char *space = NULL;

	for (const char *c = name; *c; c++)
		if (*c == ' ')
			space = c;
	if (space)
		buf_addf(out, "\t'%.*s:%s')", (int)(space - name), name, space + 1);
	else if (command->alias)
		buf_addf(out, "\t':%s' | ':%s')", name, command->alias);
	else
		buf_addf(out, "\t':%s')", name);
	buf_addf(out, " command='%s' ;;\n", name);
}

void shell_command_function(struct buf *out)
{
	buf_addstr(out, "_devenv_command() {\n\tcase \"$1:$2\" in\n");
	command_each(command_row, out);
	buf_addstr(out, "\t*) return 1 ;;\n\tesac\n}\n\n");
}
