/*
 * shell_zsh.c - the completion script for zsh: commands and options with their descriptions.
 */
#include "shell.h"

#include "devenv/mem.h"

/* A 'name:description' word for _describe. */
static void described(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "'%s:", name);
	for (; *text; text++) {
		if (*text == '\'')
			buf_addstr(out, "'\\''");
		else
			buf_addch(out, *text);
	}
	buf_addch(out, '\'');
}

static void described_options(
	struct buf *out, const struct option_spec *rows, const struct command *command)
{
	for (; rows && rows->type != OPT_END; rows++) {
		autofree char *name = xasprintf("--%s", rows->name);

		if (command && !command_takes(command, rows))
			continue;
		buf_addch(out, ' ');
		described(out, name, rows->help);
	}
}

static void options_command(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;

	buf_addf(out, "\t'%s') options=(", name);
	described_options(out, command->options, NULL);
	described_options(out, cli_globals, command);
	buf_addstr(out, ") ;;\n");
}

static void options_function(struct buf *out)
{
	buf_addstr(out, "_devenv_options() {\n\tcase \"$1\" in\n");
	command_each(options_command, out);
	buf_addstr(out, "\t*) options=(");
	described_options(out, cli_globals, NULL);
	buf_addstr(out, " '--version:Print the version') ;;\n\tesac\n}\n\n");
}

static void commands_function(struct buf *out)
{
	buf_addstr(out, "_devenv_commands() {\n\tcase \"$1\" in\n\t'') names=(");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->flags & CMD_HIDDEN)
			continue;
		buf_addch(out, ' ');
		described(out, commands[i]->name, commands[i]->summary);
	}
	buf_addstr(out, ") ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->subcommands || (commands[i]->flags & CMD_HIDDEN))
			continue;
		buf_addf(out, "\t'%s') names=(", commands[i]->name);
		for (size_t k = 0; commands[i]->subcommands[k]; k++) {
			buf_addch(out, ' ');
			described(out, commands[i]->subcommands[k]->name,
				commands[i]->subcommands[k]->summary);
		}
		buf_addstr(out, ") ;;\n");
	}
	buf_addstr(out, "\t*) names=() ;;\n\tesac\n}\n\n");
}

static const char body[] =
	"# Complete the current word as $value says.\n"
	"_devenv_complete() {\n"
	"\tlocal -a found\n"
	"\tcase $value in\n"
	"\twords*) found=(${=value#words }); compadd -a found ;;\n"
	"\tnames*)\n"
	"\t\tfound=(${(f)\"$(devenv $globals __complete ${value#names } \"$PREFIX\" "
	"2>/dev/null)\"})\n"
	"\t\tcompadd -a found\n"
	"\t\t;;\n"
	"\tfile) _files ;;\n"
	"\tdir) _files -/ ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# Read the words before the cursor: command, and the options that choose the manifests.\n"
	"_devenv_words() {\n"
	"\tlocal i word\n"
	"\tfor ((i = 2; i < CURRENT; i++)); do\n"
	"\t\tword=$words[i]\n"
	"\t\tif [[ $word == -* ]]; then\n"
	"\t\t\t_devenv_value \"$command\" \"$word\"\n"
	"\t\t\t[[ -n $value ]] || continue\n"
	"\t\t\t((++i))\n"
	"\t\t\t((i < CURRENT)) || return\n"
	"\t\t\tcase $word in\n"
	"\t\t\t-f | --file | -C | --directory | -p | --project-name | --profile | --env-file)\n"
	"\t\t\t\tglobals+=(\"$word\" \"${(Q)words[i]}\")\n"
	"\t\t\t\t;;\n"
	"\t\t\tesac\n"
	"\t\telif ((arguments)) || ! _devenv_command \"$command\" \"$word\"; then\n"
	"\t\t\t((++arguments))\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_devenv() {\n"
	"\tlocal command='' value='' arguments=0\n"
	"\tlocal -a globals names options\n"
	"\t_devenv_words\n"
	"\tvalue=''\n"
	"\tif [[ $words[CURRENT] == --*=* ]]; then\n"
	"\t\t_devenv_value \"$command\" \"${words[CURRENT]%%=*}\"\n"
	"\t\tcompset -P '*='\n"
	"\telif [[ $words[CURRENT-1] == -* ]]; then\n"
	"\t\t_devenv_value \"$command\" \"$words[CURRENT-1]\"\n"
	"\tfi\n"
	"\tif [[ -n $value ]]; then\n"
	"\t\t_devenv_complete\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t_devenv_commands \"$command\"\n"
	"\tif [[ $words[CURRENT] == -* ]]; then\n"
	"\t\t_devenv_options \"$command\"\n"
	"\t\t_describe option options\n"
	"\telif ((arguments == 0 && $#names)); then\n"
	"\t\t_describe command names\n"
	"\telse\n"
	"\t\t_devenv_argument \"$command\" \"$arguments\"\n"
	"\t\t_devenv_complete\n"
	"\tfi\n"
	"}\n"
	"\n"
	"if [[ $funcstack[1] == _devenv ]]; then\n"
	"\t_devenv \"$@\"\n"
	"else\n"
	"\tcompdef _devenv devenv\n"
	"fi\n";

void completion_zsh(struct buf *out)
{
	buf_addstr(out, "#compdef devenv\n"
			"# devenv(1) completion for zsh. Made by \"devenv __gen zsh\".\n\n");
	shell_command_function(out);
	shell_value_function(out);
	shell_argument_function(out);
	commands_function(out);
	options_function(out);
	buf_addstr(out, body);
}
