/*
 * shell_bash.c - the completion script for bash.
 *
 * Works with bash 3.2 (macOS) and without the bash-completion package.  Bash itself cuts
 * "--pull=al" into three words at the "=", which the script puts together again.
 */
#include "shell.h"

#include "devenv/mem.h"

static void options_command(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;

	buf_addf(out, "\t'%s') words='", name);
	for (const struct option_spec *o = command->options; o && o->type != OPT_END; o++)
		buf_addf(out, "--%s ", o->name);
	for (const struct option_spec *o = cli_globals; o->type != OPT_END; o++)
		if (command_takes(command, o))
			buf_addf(out, "--%s%s", o->name, o[1].type == OPT_END ? "" : " ");
	buf_addstr(out, "' ;;\n");
}

/* _devenv_options COMMAND sets `words`. */
static void options_function(struct buf *out)
{
	buf_addstr(out, "_devenv_options() {\n\tcase \"$1\" in\n");
	command_each(options_command, out);
	buf_addstr(out, "\t*) words='");
	for (const struct option_spec *o = cli_globals; o->type != OPT_END; o++)
		buf_addf(out, "--%s ", o->name);
	buf_addstr(out, "--version' ;;\n\tesac\n}\n\n");
}

static void subcommands_function(struct buf *out)
{
	buf_addstr(out, "_devenv_commands() {\n\tcase \"$1\" in\n\t'') words='");
	for (size_t i = 0, n = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN))
			buf_addf(out, "%s%s", n++ ? " " : "", commands[i]->name);
	buf_addstr(out, "' ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->subcommands || (commands[i]->flags & CMD_HIDDEN))
			continue;
		buf_addf(out, "\t'%s') words='", commands[i]->name);
		for (size_t k = 0; commands[i]->subcommands[k]; k++)
			buf_addf(out, "%s%s", k ? " " : "", commands[i]->subcommands[k]->name);
		buf_addstr(out, "' ;;\n");
	}
	buf_addstr(out, "\t*) words='' ;;\n\tesac\n}\n\n");
}

static const char body[] =
	"# Set COMPREPLY to the lines of stdin that begin with $cur.\n"
	"_devenv_reply() {\n"
	"\tlocal line\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == \"$cur\"* ]]; then\n"
	"\t\t\tCOMPREPLY+=(\"$line\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# Complete $cur as $value says.\n"
	"_devenv_complete() {\n"
	"\tcase $value in\n"
	"\twords*) _devenv_reply < <(tr ' ' '\\n' <<<\"${value#words }\") ;;\n"
	"\tnames*) _devenv_reply < <(devenv ${globals[@]+\"${globals[@]}\"} __complete \\\n"
	"\t\t\"${value#names }\" \"$cur\" 2>/dev/null) ;;\n"
	"\tfile)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t_devenv_reply < <(compgen -f -- \"$cur\")\n"
	"\t\t;;\n"
	"\tdir)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t_devenv_reply < <(compgen -d -- \"$cur\")\n"
	"\t\t;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# Read the words before the cursor: command, and the options that choose the manifests.\n"
	"_devenv_words() {\n"
	"\tlocal i word\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == -* ]]; then\n"
	"\t\t\t_devenv_value \"$command\" \"$word\"\n"
	"\t\t\t[[ -n $value ]] || continue\n"
	"\t\t\t((++i))\n"
	"\t\t\tif [[ ${COMP_WORDS[i]} == = ]]; then ((++i)); fi\n"
	"\t\t\tif ((i >= COMP_CWORD)); then return; fi\n"
	"\t\t\tcase $word in\n"
	"\t\t\t-f | --file | -C | --directory | -p | --project-name | --profile | --env-file)\n"
	"\t\t\t\tglobals+=(\"$word\" \"${COMP_WORDS[i]}\")\n"
	"\t\t\t\t;;\n"
	"\t\t\tesac\n"
	"\t\telif ((arguments)) || ! _devenv_command \"$command\" \"$word\"; then\n"
	"\t\t\t((++arguments))\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_devenv() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal command='' value='' words='' arguments=0\n"
	"\tlocal -a globals\n"
	"\tglobals=()\n"
	"\t_devenv_words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tvalue=''\n"
	"\tif [[ $prev == -* ]]; then _devenv_value \"$command\" \"$prev\"; fi\n"
	"\tif [[ -z $value ]]; then\n"
	"\t\t_devenv_commands \"$command\"\n"
	"\t\tif [[ $cur == -* ]]; then\n"
	"\t\t\t_devenv_options \"$command\"\n"
	"\t\telif ((arguments)) || [[ -z $words ]]; then\n"
	"\t\t\twords=''\n"
	"\t\t\t_devenv_argument \"$command\" \"$arguments\"\n"
	"\t\tfi\n"
	"\t\tif [[ -n $words ]]; then value=\"words $words\"; fi\n"
	"\tfi\n"
	"\t_devenv_complete\n"
	"}\n"
	"\n"
	"complete -F _devenv devenv\n";

void completion_bash(struct buf *out)
{
	buf_addstr(out, "# shellcheck shell=bash\n"
			"# devenv(1) completion for bash. Made by \"devenv __gen bash\".\n\n");
	shell_command_function(out);
	shell_value_function(out);
	shell_argument_function(out);
	subcommands_function(out);
	options_function(out);
	buf_addstr(out, body);
}
