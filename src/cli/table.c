/*
 * table.c - the global options, and finding commands and options by name.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static const char *const progress_choices[] = {"auto", "tty", "plain", "json", "quiet", NULL};
static const char *const ansi_choices[] = {"never", "always", "auto", NULL};
static const char *const format_choices[] = {"table", "json", NULL};

#define AT(member) OPT_AT(struct global_options, member)

const struct option_spec cli_globals[] = {
	{.name = "file",
		.letter = 'f',
		.type = OPT_LIST,
		AT(files),
		.arg = "FILE",
		.help = "Compose file to load; may be repeated",
		.complete = COMPLETE_FILE},
	{.name = "project-name",
		.letter = 'p',
		.type = OPT_STRING,
		AT(project),
		.arg = "NAME",
		.help = "Project name"},
	{.name = "directory",
		.letter = 'C',
		.type = OPT_STRING,
		AT(dir),
		.arg = "DIR",
		.help = "Run as if started in DIR",
		.complete = COMPLETE_DIR},
	{.name = "project-directory",
		.type = OPT_STRING,
		AT(project_dir),
		.arg = "DIR",
		.help = "Where relative paths of the Compose file begin",
		.complete = COMPLETE_DIR},
	{.name = "profile",
		.type = OPT_LIST,
		AT(profiles),
		.arg = "NAME",
		.help = "Profile to activate; may be repeated"},
	{.name = "env-file",
		.type = OPT_LIST,
		AT(env_files),
		.arg = "FILE",
		.help = "Read variables from FILE instead of .env",
		.complete = COMPLETE_FILE},
	{.name = "context",
		.type = OPT_STRING,
		AT(context),
		.arg = "NAME",
		.help = "Docker context whose engine is used"},
	{.name = "host",
		.letter = 'H',
		.type = OPT_STRING,
		AT(host),
		.arg = "URL",
		.help = "Address of the engine"},
	{.name = "progress",
		.type = OPT_CHOICE,
		AT(progress),
		.arg = "MODE",
		.choices = progress_choices,
		.def = "auto",
		.help = "How progress is shown"},
	{.name = "ansi",
		.type = OPT_CHOICE,
		AT(ansi),
		.arg = "WHEN",
		.choices = ansi_choices,
		.def = "auto",
		.help = "Colours and redrawn lines"},
	{.name = "parallel",
		.type = OPT_INT,
		AT(parallel),
		.arg = "N",
		.min = -1,
		.max = INT32_MAX,
		.help = "How many actions run at once"},
	{.name = "compatibility",
		.type = OPT_FLAG,
		AT(compatibility),
		.help = "Names of containers and images with _, as in Compose v1"},
	{.name = "all-resources",
		.type = OPT_FLAG,
		AT(all_resources),
		.help = "Networks, volumes and the like that no service uses, too"},
	{.name = "format",
		.type = OPT_CHOICE,
		AT(format),
		.arg = "FORMAT",
		.choices = format_choices,
		.def = "table",
		.help = "How results are printed"},
	{.name = "yes",
		.letter = 'y',
		.type = OPT_FLAG,
		AT(yes),
		.help = "Answer yes to every question"},
	{.name = "verbose",
		.letter = 'v',
		.type = OPT_FLAG,
		AT(verbose),
		.help = "Say more about what is done"},
	{.name = "help", .letter = 'h', .type = OPT_FLAG, AT(help), .help = "Show help"},
	{0},
};

const struct command *command_find(const struct command *const *list, const char *name)
{
	for (size_t i = 0; list && list[i]; i++)
		if (str_eq(list[i]->name, name) || (list[i]->alias && str_eq(list[i]->alias, name)))
			return list[i];
	return NULL;
}

const struct option_spec *option_find(const struct option_spec *rows, const char *name, char letter)
{
	for (; rows && rows->type != OPT_END; rows++)
		if ((name && str_eq(rows->name, name)) || (letter && rows->letter == letter))
			return rows;
	return NULL;
}

bool option_takes_value(const struct option_spec *option)
{
	return option->type != OPT_FLAG;
}

bool command_takes(const struct command *command, const struct option_spec *global)
{
	if (!str_eq(global->name, "format"))
		return true;
	return command && (command->flags & CMD_FORMAT);
}

void command_each(command_fn *fn, void *ctx)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		if (command->flags & CMD_HIDDEN)
			continue;
		fn(command, command->name, ctx);
		for (size_t k = 0; command->subcommands && command->subcommands[k]; k++) {
			const struct command *sub = command->subcommands[k];
			autofree char *name = xasprintf("%s %s", command->name, sub->name);

			if (!(sub->flags & CMD_HIDDEN))
				fn(sub, name, ctx);
		}
	}
}

const char *complete_kind(enum complete kind)
{
	static const char *const names[] = {
		[COMPLETE_SERVICE] = "service",
		[COMPLETE_MANIFEST] = "manifest",
		[COMPLETE_COMMAND] = "command",
		[COMPLETE_TUNNEL] = "tunnel",
		[COMPLETE_TEMPLATE] = "template",
		[COMPLETE_SHELL] = "shell",
	};

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : NULL;
}
