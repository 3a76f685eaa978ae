/*
 * complete.c - `devenv __complete KIND PREFIX`: names for the shells' completion scripts.
 *
 * Runs at each press of Tab: it reads the manifests and nothing else, and says nothing when they
 * are wrong, since a message would land in the middle of the line being typed.
 */
#include "commands.h"

#include "template.h"

#include "devenv/diag.h"
#include "devenv/json.h"
#include "devenv/manifest.h"
#include "devenv/str.h"
#include "devenv/strv.h"
#include "devenv/ui.h"

#include <stddef.h>
#include <string.h>

static void add_commands(struct strv *names)
{
	for (size_t i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN))
			strv_push(names, commands[i]->name);
}

static void add_keys(struct strv *names, json_t *object)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach (object, key, value)
		strv_push(names, key);
}

/* Services; their manifests too, which most commands take; MANIFEST/SERVICE once there is a "/". */
static void add_services(struct strv *names, const struct workspace *ws, bool qualified)
{
	for (size_t i = 0; i < ws->n; i++) {
		const struct manifest *manifest = &ws->manifests[i];
		json_t *services = json_object_get(manifest->model, "services"), *value = NULL;
		const char *key = NULL;

		if (!qualified)
			add_keys(names, services);
		if (!qualified && !ws->single)
			strv_push(names, manifest->name);
		json_object_foreach (services, key, value)
			if (qualified)
				strv_pushf(names, "%s/%s", manifest->name, key);
	}
}

static void add_from_workspace(
	struct strv *names, const char *kind, const char *prefix, const struct workspace *ws)
{
	if (str_eq(kind, "service"))
		add_services(names, ws, strchr(prefix, '/') != NULL);
	for (size_t i = 0; i < ws->n; i++) {
		if (str_eq(kind, "manifest"))
			strv_push(names, ws->manifests[i].name);
		else if (str_eq(kind, "tunnel"))
			add_keys(names, json_object_get(ws->manifests[i].model, "x-tunnels"));
	}
}

static void load_names(
	const struct app *app, struct strv *names, const char *kind, const char *prefix)
{
	struct load_options options = {.files = &app->global.files,
		.project = app->global.project,
		.project_dir = app->global.project_dir,
		.profiles = &app->global.profiles,
		.env_files = &app->global.env_files,
		.all_profiles = true};
	struct workspace ws = {0};
	struct diags diags = DIAGS_INIT;
	struct err err = ERR_INIT;

	if (workspace_load(&options, &ws, &diags, &err) == 0)
		add_from_workspace(names, kind, prefix, &ws);
	workspace_release(&ws);
	diags_release(&diags);
}

static int complete_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);
	autostrv struct strv names = STRV_INIT;
	const char *kind = argv[0], *prefix = argc > 1 ? argv[1] : "";

	if (str_eq(kind, "command"))
		add_commands(&names);
	else if (str_eq(kind, "shell"))
		strv_split(&names, "bash fish zsh", ' ');
	else if (str_eq(kind, "template"))
		template_names(&names);
	else
		load_names(app, &names, kind, prefix);
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.v[i], prefix) && (!i || !str_eq(names.v[i], names.v[i - 1])))
			buf_addf(&out, "%s\n", names.v[i]);
	return ui_output(buf_str(&out), err);
}

const struct command cmd_complete = {
	.name = "__complete",
	.group = "Hidden",
	.args = "KIND [PREFIX]",
	.summary = "Print names for the completion scripts",
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_HIDDEN,
	.run = complete_run,
};
