/*
 * run.c - `devenv run`: one command in a new container of a service.
 *
 * The plan brings up what the service depends on and creates the container; this file starts it
 * with the terminal attached, passes its status on and removes it.
 */
#include "commands.h"
#include "session.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <unistd.h>

struct run_opts {
	bool no_tty, keep, rm, no_deps, publish, detach;
	const char *user, *dir, *entrypoint, *name;
	struct strv env, volumes;
};

#define AT(member) OPT_AT(struct run_opts, member)

static const struct option_spec options[] = {
	{.name = "detach",
		.letter = 'd',
		.type = OPT_FLAG,
		AT(detach),
		.help = "Return at once and print the container's name"},
	{.name = "entrypoint",
		.type = OPT_STRING,
		AT(entrypoint),
		.arg = "PROGRAM",
		.help = "Instead of the image's"},
	{.name = "env",
		.letter = 'e',
		.type = OPT_LIST,
		AT(env),
		.arg = "NAME=VALUE",
		.help = "Set a variable"},
	{.name = "keep", .type = OPT_FLAG, AT(keep), .help = "Do not remove the container after"},
	{.name = "name", .type = OPT_STRING, AT(name), .arg = "NAME", .help = "Of the container"},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(no_deps),
		.help = "Do not bring up what the service depends on"},
	{.name = "no-tty",
		.letter = 'T',
		.type = OPT_FLAG,
		AT(no_tty),
		.help = "No terminal, even when we have one"},
	{.name = "rm", .type = OPT_FLAG, AT(rm), .help = "Remove it after: the default"},
	{.name = "service-ports",
		.letter = 'P',
		.type = OPT_FLAG,
		AT(publish),
		.help = "Publish the service's ports too"},
	{.name = "user",
		.letter = 'u',
		.type = OPT_STRING,
		AT(user),
		.arg = "USER",
		.help = "Run as this user"},
	{.name = "volume",
		.letter = 'v',
		.type = OPT_LIST,
		AT(volumes),
		.arg = "SOURCE:TARGET",
		.help = "Mount this too"},
	{.name = "workdir",
		.letter = 'w',
		.type = OPT_STRING,
		AT(dir),
		.arg = "DIR",
		.help = "Run in this folder"},
	{0},
};

struct wishes {
	const struct run_opts *options;
	int argc;
	char **argv;
	bool tty;
};

/* Put the command line's wishes over the service's own settings. */
static void adjust(void *ctx, json_t *body)
{
	const struct wishes *wishes = ctx;
	const struct run_opts *chosen = wishes->options;
	json_t *host = json_object_get(body, "HostConfig");
	struct strv argv = {.v = wishes->argv, .n = (size_t)wishes->argc};
	autojson json_t *env = json_from_strv(&chosen->env);
	autojson json_t *volumes = json_from_strv(&chosen->volumes);

	if (argv.n)
		json_object_set_new(body, "Cmd", json_from_strv(&argv));
	if (chosen->entrypoint) {
		json_object_set_new(body, "Entrypoint", json_pack("[s]", chosen->entrypoint));
		if (!argv.n)
			json_object_del(body, "Cmd");
	}
	json_set_str(body, "User", chosen->user);
	json_set_str(body, "WorkingDir", chosen->dir);
	json_array_extend(json_object_get(body, "Env"), env);
	json_array_extend(json_object_get(host, "Binds"), volumes);
	json_object_set_new(body, "Tty", json_boolean(wishes->tty));
	json_object_set_new(body, "OpenStdin", json_boolean(!chosen->detach));
	json_object_set_new(body, "StdinOnce", json_boolean(!chosen->detach));
	json_object_set_new(body, "AttachStdin", json_boolean(!chosen->detach));
	json_object_set_new(body, "AttachStdout", json_true());
	json_object_set_new(body, "AttachStderr", json_true());
	json_object_set_new(host, "RestartPolicy", json_pack("{s:s}", "Name", "no"));
	json_object_del(body, "Healthcheck");
}

struct start {
	struct engine *engine;
	const char *id;
};

static int start_container(void *ctx, struct err *err)
{
	const struct start *start = ctx;

	return container_start(start->engine, start->id, err);
}

static int attached(
	struct app *app, struct session *session, const char *name, bool tty, struct err *err)
{
	struct stream_io io = {.in = 0, .out = 1, .errfd = 2, .tty = tty, .cancel_fd = -1};
	struct engine *second = engine_clone(session->engine);
	struct start start = {second, name};
	int status = 0, result;

	ui_pause(&app->sink);
	result = container_attach(session->engine, name, &io, false, start_container, &start, err);
	ui_resume(&app->sink);
	if (result == 0)
		result = container_wait(second, name, &status, err);
	engine_close(second);
	if (result == 0 && status) {
		err->kind = ERR_EXIT;
		err->status = status;
		return -1;
	}
	return result;
}

static int run_container(struct app *app, struct session *session, const struct run_opts *chosen,
	const char *name, bool tty, struct err *err)
{
	autofree char *line = xasprintf("%s\n", name);
	struct err ignored = ERR_INIT;
	int result;

	if (chosen->detach) {
		if (container_start(session->engine, name, err) < 0)
			return -1;
		return ui_output(line, err);
	}
	result = attached(app, session, name, tty, err);
	if (!chosen->keep && container_remove(session->engine, name, true, &ignored) < 0)
		sink_warn(&app->sink, NULL, "%s stays: %s", name, ignored.msg);
	return result;
}

static int bring_up(struct app *app, struct session *session, const struct oneoff *oneoff,
	const char *word, bool no_deps, struct err *err)
{
	struct strv words = {.v = (char *[]){(char *)word, NULL}, .n = 1};
	struct plan_request request = {
		.ws = &session->ws, .words = &words, .no_deps = no_deps, .oneoff = oneoff};
	struct run_options run = {.sink = &app->sink, .stop_timeout_s = -1};
	struct plan plan = {0};
	int result;

	if (plan_up(session->engine, &request, &plan, err) < 0)
		return -1;
	result = plan_run(&plan, session->engine, &run, err);
	plan_release(&plan);
	return result;
}

static int run_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct run_opts *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct wishes wishes = {chosen, argc - 1, argv + 1,
		!chosen->no_tty && !chosen->detach && isatty(0) && isatty(1)};
	struct manifest *manifest;
	const char *service;
	autofree char *name = NULL;
	struct oneoff oneoff = {.adjust = adjust, .ctx = &wishes, .publish = chosen->publish};
	char random[9];

	if (session_open(app, SESSION_ENGINE | SESSION_LOCK, &session, err) < 0 ||
		workspace_resolve(&session.ws, argv[0], &manifest, &service, err) < 0)
		return -1;
	if (!service)
		return err_set(
			err, ERR_USAGE, "\"%s\" is a manifest; name one service of it", argv[0]);
	random_hex(random, 4);
	name = chosen->name ? xstrdup(chosen->name)
			    : xasprintf("%s-%s-run-%s", manifest->project, service, random);
	oneoff.manifest = manifest;
	oneoff.service = service;
	oneoff.name = name;
	if (bring_up(app, &session, &oneoff, argv[0], chosen->no_deps, err) < 0)
		return -1;
	session_unlock(&session);
	return run_container(app, &session, chosen, name, wishes.tty, err);
}

static const char *const examples[] = {
	"devenv run web composer install",
	"devenv run --no-deps -e DEBUG=1 web php -v",
	NULL,
};

const struct command cmd_run = {
	.name = "run",
	.group = "Work inside",
	.args = "SERVICE [COMMAND...]",
	.summary = "Run one command in a new container of a service",
	.details =
		"Brings up what the service depends on, runs COMMAND in a container of its own and "
		"removes that container. Ports are not published, so it goes beside the running "
		"service. The exit status is the command's own.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_OPTIONS_FIRST,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct run_opts),
	.run = run_run,
};
