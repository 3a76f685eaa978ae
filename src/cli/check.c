/*
 * check.c - the command table checked against itself, by a unit test.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_MAX 62 /* so that a row of the overview fits 80 columns */

struct check {
	struct buf *problems;
	const char *name; /* of the command */
	unsigned flags;
};

static void problem(struct check *check, const char *what, const char *text)
{
	buf_addf(check->problems, "%s: %s: %s\n", check->name, what, text ? text : "(none)");
}

static void check_sentence(struct check *check, const char *what, const char *text)
{
	if (str_empty(text))
		problem(check, what, "is missing");
	else if (!isupper((unsigned char)*text) || text[strlen(text) - 1] == '.')
		problem(check, "starts with a capital and ends without a stop", text);
}

static size_t option_size(enum option_type type)
{
	static const size_t sizes[] = {[OPT_FLAG] = sizeof(bool),
		[OPT_STRING] = sizeof(char *),
		[OPT_INT] = sizeof(int64_t),
		[OPT_SECONDS] = sizeof(int64_t),
		[OPT_CHOICE] = sizeof(char *),
		[OPT_LIST] = sizeof(struct strv)};

	return (size_t)type < ARRAY_LEN(sizes) ? sizes[type] : 0;
}

static void check_repeats(
	struct check *check, const struct option_spec *rows, const struct option_spec *option)
{
	const struct option_spec *global = option_find(cli_globals, option->name, 0);

	if (option_find(rows, option->name, 0) != option)
		problem(check, "two options of one name", option->name);
	if (option->letter && option_find(rows, NULL, option->letter) != option)
		problem(check, "two options of one letter", option->name);
	/*
	 * Only --format may be a command's own, with formats of its own: then CMD_FORMAT is not
	 * set.
	 */
	if (rows != cli_globals && global &&
		(!str_eq(global->name, "format") || (check->flags & CMD_FORMAT)))
		problem(check, "hides a global option", option->name);
}

/* Every default must be readable; options_default() relies on it. */
static void check_default(struct check *check, const struct option_spec *option, size_t size)
{
	struct err err = ERR_INIT;
	void *scratch = NULL;

	if (!option->def)
		return;
	scratch = xcalloc(1, size);
	if (value_set(option, scratch, option->name, option->def, &err) < 0)
		problem(check, "default", err.msg);
	if (option->type == OPT_LIST || (option->type == OPT_FLAG && !str_eq(option->def, "true")))
		problem(check, "a list has no default, and a flag only \"true\"", option->name);
	free(scratch);
}

static void check_option(struct check *check, const struct option_spec *rows,
	const struct option_spec *option, size_t size)
{
	if (str_empty(option->name) || str_starts(option->name, "-")) {
		problem(check, "bad option name", option->name);
		return;
	}
	check_sentence(check, option->name, option->help);
	if (option_takes_value(option) == !option->arg)
		problem(check, "a value has a name in .arg, a flag has none", option->name);
	if ((option->type == OPT_CHOICE) != (option->choices != NULL))
		problem(check, "choices belong to OPT_CHOICE", option->name);
	if (option->type == OPT_INT && option->min >= option->max)
		problem(check, "min and max", option->name);
	check_repeats(check, rows, option);
	if (option->offset + option_size(option->type) > size)
		problem(check, "offset outside of the options struct", option->name);
	else
		check_default(check, option, size);
}

static void check_options(struct check *check, const struct option_spec *rows, size_t size)
{
	for (const struct option_spec *option = rows; option && option->type != OPT_END; option++)
		check_option(check, rows, option, size);
}

/* An example must be a command line of this very command, with options that exist. */
static void check_example(struct check *check, const struct command *command, const char *example)
{
	autostrv struct strv words = STRV_INIT;
	const char *hash = strstr(example, " # "), *pipe = strstr(example, " | ");
	const char *end = hash ? hash : example + strlen(example);
	autofree char *line = NULL;
	autofree char **argv = NULL; /* cli_parse() moves the pointers */
	struct app app = {0};
	struct err err = ERR_INIT;
	void *options = NULL;
	char **rest = NULL;
	int n = 0;

	/* "source <(devenv ...)" and quoted words are the shell's, not ours, to read. */
	if (!str_starts(example, "devenv ") || strpbrk(example, "\"'<("))
		return;
	line = xstrndup(example, (size_t)((pipe && pipe < end ? pipe : end) - example));
	strv_split(&words, line, ' ');
	argv = xcalloc(words.n + 1, sizeof(*argv));
	memcpy(argv, words.v, words.n * sizeof(*argv));
	if (cli_parse((int)words.n, argv, &app, &options, &n, &rest, &err) < 0)
		problem(check, example, err.msg);
	else if (app.command != command && !command->subcommands)
		problem(check, "an example of another command", example);
	if (err.kind == ERR_NONE)
		cli_options_free(app.command, options);
	options_clear(cli_globals, &app.global);
	free((char *)app.name);
}

static void check_command(const struct command *command, const char *name, void *ctx)
{
	struct check check = {.problems = ctx, .name = name, .flags = command->flags};

	check_sentence(&check, "summary", command->summary);
	if (command->summary && strlen(command->summary) > SUMMARY_MAX)
		problem(&check, "summary is too long", command->summary);
	if (!command->run && !command->subcommands)
		problem(&check, "nothing to run", NULL);
	if (!strchr(name, ' ') && str_empty(command->group))
		problem(&check, "no group", NULL);
	if ((command->max_args != 0) != (command->args != NULL) && !command->subcommands)
		problem(&check, "args describe what min_args..max_args allow", command->args);
	if (command->max_args >= 0 && command->min_args > command->max_args)
		problem(&check, "min_args over max_args", NULL);
	if (command_find(commands, command->name) != command && !strchr(name, ' '))
		problem(&check, "two commands of one name", NULL);
	check_options(&check, command->options, command->options_size);
	for (size_t i = 0; command->examples && command->examples[i]; i++)
		check_example(&check, command, command->examples[i]);
}

void cli_check_table(struct buf *problems)
{
	struct check check = {.problems = problems, .name = "global options"};

	check_options(&check, cli_globals, sizeof(struct global_options));
	command_each(check_command, problems);
}
