/*
 * version.c - `devenv version` and `devenv --version`.
 */
#include "commands.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <sys/utsname.h>

struct version_options {
	bool brief;
	const char *format;
};

static const char *const formats[] = {"pretty", "json", NULL};

static const struct option_spec rows[] = {
	{.name = "format",
		.letter = 'f',
		.type = OPT_CHOICE,
		OPT_AT(struct version_options, format),
		.arg = "FORMAT",
		.choices = formats,
		.def = "pretty",
		.help = "How it is printed"},
	{.name = "short",
		.type = OPT_FLAG,
		OPT_AT(struct version_options, brief),
		.help = "Only the number"},
	{0},
};

static int version_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	const struct version_options *chosen = options;
	autojson json_t *json = NULL;
	struct utsname system = {0};

	if (!str_eq(chosen->format, "json"))
		return ui_output(
			chosen->brief ? DEVENV_VERSION "\n" : "devenv " DEVENV_VERSION "\n", err);
	json = json_object();
	uname(&system);
	json_object_set_new(json, "version", json_string(DEVENV_VERSION));
	json_set_str(json, "os", system.sysname);
	json_set_str(json, "arch", system.machine);
	return ui_output_json(json, err);
}

const struct command cmd_version = {
	.name = "version",
	.group = "This program",
	.summary = "Print the version of devenv",
	.options = rows,
	.options_size = sizeof(struct version_options),
	.run = version_run,
};
