/*
 * parse.c - the command line, read against the table.
 *
 * Options may stand before or after the command and between arguments, as people type them; a
 * command that runs another program (CMD_OPTIONS_FIRST) ends them at its first argument.  A
 * command's own option hides a global one of the same letter after the command's name: `devenv -f
 * FILE logs -f`.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

struct parser {
	struct app *app;
	void *options; /* of app->command */
	char **argv;
	int argc, next;   /* next: index of the word to be read */
	int n_args;       /* arguments so far, moved to argv[1..] */
	bool options_end; /* after "--" */
	bool want_version;
	struct strv name; /* words of app->name */
};

/* An option as found: whose row it is, and the struct that it writes to. */
struct found {
	const struct option_spec *option;
	void *target;
};

static struct found find(struct parser *p, const char *name, char letter)
{
	const struct command *command = p->app->command;
	const struct option_spec *own = NULL, *global = option_find(cli_globals, name, letter);

	if (command)
		own = option_find(command->options, name, letter);
	if (own)
		return (struct found){own, p->options};
	if (global && (!command || command_takes(command, global)))
		return (struct found){global, &p->app->global};
	return (struct found){0};
}

/* All long names that could stand here, for "did you mean". */
static const char *suggest_option(struct parser *p, const char *name)
{
	const struct option_spec *lists[] = {
		cli_globals, p->app->command ? p->app->command->options : NULL};
	autostrv struct strv names = STRV_INIT;
	const char *meant = NULL;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const struct option_spec *o = lists[i]; o && o->type != OPT_END; o++)
			strv_push(&names, o->name);
	meant = str_suggest(name, (const char *const *)names.v);
	for (size_t i = 0; meant && i < ARRAY_LEN(lists); i++) {
		const struct option_spec *option = option_find(lists[i], meant, 0);

		/* The row's own text, which outlives `names`. */
		if (option)
			return option->name;
	}
	return NULL;
}

static int unknown_option(struct parser *p, const char *as, const char *name, struct err *err)
{
	const char *meant = name ? suggest_option(p, name) : NULL;
	autofree char *where = strv_join(&p->name, " ");

	if (name && str_eq(name, "format") && p->app->command)
		return err_set(err, ERR_USAGE,
			"devenv %s prints nothing that --format could change", where);
	err_set(err, ERR_USAGE, "unknown option %s", as);
	if (meant && !str_eq(meant, name))
		return err_hint(err, " (did you mean --%s?)", meant);
	return err_hint(err, " (see \"devenv %s%s--help\")", where, *where ? " " : "");
}

static int long_option(struct parser *p, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	autofree char *as = equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
	const char *value = equals ? equals + 1 : NULL;
	struct found found = {0};

	if (str_eq(as, "--version") && !p->app->command) {
		p->want_version = true;
		return 0;
	}
	found = find(p, as + 2, 0);
	if (!found.option)
		return unknown_option(p, as, as + 2, err);
	if (option_takes_value(found.option) && !value) {
		if (p->next >= p->argc)
			return err_set(
				err, ERR_USAGE, "%s needs a value: %s", as, found.option->arg);
		value = p->argv[p->next++];
	}
	return value_set(found.option, found.target, as, value, err);
}

/* "-dv", "-n5", "-n 5". */
static int short_options(struct parser *p, const char *word, struct err *err)
{
	for (const char *c = word + 1; *c; c++) {
		char as[] = {'-', *c, '\0'};
		struct found found = find(p, NULL, *c);
		const char *value = NULL;

		if (!found.option)
			return unknown_option(p, as, NULL, err);
		if (option_takes_value(found.option)) {
			if (c[1])
				value = c + 1;
			else if (p->next < p->argc)
				value = p->argv[p->next++];
			else
				return err_set(err, ERR_USAGE, "%s needs a value: %s", as,
					found.option->arg);
		}
		if (value_set(found.option, found.target, as, value, err) < 0)
			return -1;
		if (value)
			break;
	}
	return 0;
}

static void choose(struct parser *p, const struct command *command)
{
	if (p->app->command)
		cli_options_free(p->app->command, p->options);
	p->app->command = command;
	p->options = options_new(command->options, command->options_size);
	strv_push(&p->name, command->name);
}

static int unknown_command(
	const struct command *const *list, const char *prefix, const char *word, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	const char *meant = NULL;

	for (size_t i = 0; list[i]; i++) {
		if (list[i]->flags & CMD_HIDDEN)
			continue;
		strv_push(&names, list[i]->name);
		if (list[i]->alias)
			strv_push(&names, list[i]->alias);
	}
	meant = str_suggest(word, (const char *const *)names.v);
	err_set(err, ERR_USAGE, "unknown command \"%s%s\"", prefix, word);
	if (meant)
		return err_hint(err, " (did you mean \"%s%s\"?)", prefix, meant);
	return err_hint(err, " (see \"devenv help\")");
}

/* A word that is no option: the command, its subcommand or an argument. */
static int plain_word(struct parser *p, char *word, struct err *err)
{
	const struct command *command = p->app->command;
	const struct command *const *list = command ? command->subcommands : commands;
	const struct command *found = NULL;

	if (!command || (list && !p->n_args)) {
		autofree char *prefix = command ? xasprintf("%s ", command->name) : xstrdup("");

		found = command_find(list, word);
		if (!found && (!command || !command->run))
			return unknown_command(list, prefix, word, err);
	}
	if (found) {
		choose(p, found);
		return 0;
	}
	p->argv[1 + p->n_args++] = word;
	if (command->flags & CMD_OPTIONS_FIRST)
		p->options_end = true;
	return 0;
}

static int one_word(struct parser *p, struct err *err)
{
	char *word = p->argv[p->next++];

	if (p->options_end || word[0] != '-' || word[1] == '\0')
		return plain_word(p, word, err);
	if (str_eq(word, "--")) {
		p->options_end = true;
		return 0;
	}
	return word[1] == '-' ? long_option(p, word, err) : short_options(p, word, err);
}

/* --format before a command which has formats of its own, or none. */
static int early_format(struct parser *p, struct err *err)
{
	const struct option_spec *own = option_find(p->app->command->options, "format", 0);

	if (!own)
		return unknown_option(p, "--format", "format", err);
	return value_set(own, p->options, "--format", p->app->global.format, err);
}

static int check_command(struct parser *p, struct err *err)
{
	const struct command *command = p->app->command;
	const struct option_spec *format = option_find(cli_globals, "format", 0);
	autostrv struct strv names = STRV_INIT;
	autofree char *list = NULL;

	if (p->app->global.help || !command)
		return 0;
	if (!command->run) {
		for (size_t i = 0; command->subcommands && command->subcommands[i]; i++)
			strv_push(&names, command->subcommands[i]->name);
		list = strv_join(&names, "|");
		return err_set(err, ERR_USAGE, "usage: devenv %s %s", p->app->name, list);
	}
	if (!command_takes(command, format) && !str_eq(p->app->global.format, format->def))
		return early_format(p, err);
	if (p->n_args < command->min_args)
		return err_set(err, ERR_USAGE, "too few arguments: usage: devenv %s %s",
			p->app->name, command->args ? command->args : "");
	if (command->max_args >= 0 && p->n_args > command->max_args)
		return err_set(err, ERR_USAGE, "unexpected argument \"%s\": usage: devenv %s%s%s",
			p->argv[1 + command->max_args], p->app->name, command->args ? " " : "",
			command->args ? command->args : "");
	return 0;
}

static int parse_words(struct parser *p, struct err *err)
{
	const struct command *version = command_find(commands, "version");

	while (p->next < p->argc)
		if (one_word(p, err) < 0)
			return -1;
	if (p->want_version && version && !p->app->command)
		choose(p, version);
	p->app->name = strv_join(&p->name, " ");
	p->app->json = str_eq(p->app->global.format, "json");
	return check_command(p, err);
}

int cli_parse(int argc, char **argv, struct app *app, void **options, int *argc_out,
	char ***argv_out, struct err *err)
{
	struct parser p = {.app = app, .argv = argv, .argc = argc, .next = 1};
	int status = 0;

	options_default(cli_globals, &app->global);
	status = parse_words(&p, err);
	strv_release(&p.name);
	if (status < 0) {
		if (app->command)
			cli_options_free(app->command, p.options);
		return -1;
	}
	/*
	 * There are never more arguments than words read, so argv has room for them and the NULL.
	 */
	if (argc > 0)
		argv[1 + p.n_args] = NULL;
	*options = p.options;
	*argc_out = p.n_args;
	*argv_out = argv + 1;
	return 0;
}
