/*
 * man.c - the manual page devenv(1), from the table, in man(7) macros.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* Text with what troff would take as a request, an escape or a hyphenation escaped. */
static void roff(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((i == 0 || text[i - 1] == '\n') && (text[i] == '.' || text[i] == '\''))
			buf_addstr(out, "\\&");
		if (text[i] == '\\')
			buf_addstr(out, "\\e");
		else if (text[i] == '-')
			buf_addstr(out, "\\-");
		else
			buf_addch(out, text[i]);
	}
}

static void roff_str(struct buf *out, const char *text)
{
	roff(out, text, strlen(text));
}

/* Paragraphs become .PP, lines that start with a space are kept as they are. */
static void roff_paragraphs(struct buf *out, const char *text)
{
	bool kept = false, after_blank = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (kept != (*text == ' ') && len) {
			kept = !kept;
			buf_addstr(out, kept ? ".PP\n.nf\n" : ".fi\n");
			after_blank = after_blank && !kept;
		}
		if (len == 0) {
			after_blank = true;
		} else {
			if (after_blank)
				buf_addstr(out, ".PP\n");
			after_blank = false;
			roff(out, text, len);
			buf_addch(out, '\n');
		}
		text += len + (text[len] == '\n');
	}
	if (kept)
		buf_addstr(out, ".fi\n");
}

static void man_options(struct buf *out, const struct option_spec *rows)
{
	for (; rows && rows->type != OPT_END; rows++) {
		autofree char *value = option_value_name(rows);

		buf_addstr(out, ".TP\n");
		if (rows->letter)
			buf_addf(out, "\\fB\\-%c\\fR, ", rows->letter);
		buf_addstr(out, "\\fB\\-\\-");
		roff_str(out, rows->name);
		buf_addstr(out, "\\fR");
		if (value) {
			buf_addstr(out, " \\fI");
			roff_str(out, value);
			buf_addstr(out, "\\fR");
		}
		buf_addch(out, '\n');
		roff_str(out, rows->help);
		if (rows->def) {
			buf_addstr(out, " (default ");
			roff_str(out, rows->def);
			buf_addch(out, ')');
		}
		buf_addstr(out, ".\n");
	}
}

static void man_examples(struct buf *out, const struct command *command)
{
	if (!command->examples)
		return;
	buf_addstr(out, ".PP\n.nf\n");
	for (size_t i = 0; command->examples[i]; i++) {
		buf_addstr(out, "    ");
		roff_str(out, command->examples[i]);
		buf_addch(out, '\n');
	}
	buf_addstr(out, ".fi\n");
}

static void man_command(const struct command *command, const char *name, void *ctx)
{
	struct buf *out = ctx;

	buf_addstr(out, ".SS \"devenv ");
	roff_str(out, name);
	if (command->args) {
		buf_addch(out, ' ');
		roff_str(out, command->args);
	} else if (command->subcommands) {
		buf_addstr(out, " COMMAND");
	}
	buf_addstr(out, "\"\n");
	roff_str(out, command->summary);
	buf_addstr(out, ".\n");
	if (command->alias)
		buf_addf(out, "Also: devenv %.*s%s.\n", (int)(strlen(name) - strlen(command->name)),
			name, command->alias);
	if (command->details) {
		buf_addstr(out, ".PP\n");
		roff_paragraphs(out, command->details);
	}
	man_options(out, command->options);
	man_examples(out, command);
}

void cli_man(struct buf *out)
{
	autobuf struct buf environment = BUF_INIT(0);

	buf_addstr(out, ".\\\" Made from the command table by \"devenv __gen man\".\n"
			".TH DEVENV 1 \"\" \"devenv " DEVENV_VERSION "\" \"User Commands\"\n"
			".SH NAME\n"
			"devenv \\- a team\\(aqs local environments, from Compose files, prebuilt "
			"images and seeded databases\n"
			".SH SYNOPSIS\n"
			".B devenv\n"
			"[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARG\\fR...]\n"
			".SH DESCRIPTION\n");
	roff_paragraphs(out,
		"devenv reads a team's environment manifests (Compose files with a few \"x-\" "
		"keys), "
		"pulls prebuilt container images and seeded database snapshots, wires ports and "
		"mounts, and opens SSH tunnels to read-only replicas. A folder with \"envs/\" is a "
		"workspace of several manifests; a folder with only a Compose file is one too.\n");
	buf_addstr(out, ".SH OPTIONS OF EVERY COMMAND\n");
	man_options(out, cli_globals);
	buf_addstr(out, ".SH COMMANDS\n");
	command_each(man_command, out);
	buf_addstr(out, ".SH ENVIRONMENT AND EXIT STATUSES\n");
	cli_help_environment(&environment);
	roff_paragraphs(out, buf_str(&environment));
	buf_addstr(out, ".SH SEE ALSO\n.BR docker (1),\n.BR podman (1)\n");
}
