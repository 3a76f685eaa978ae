/*
 * run.c - `devenv run`: one command in a new container of a service.
 *
 * The plan brings up what the service depends on and creates the container; this file starts it
 * with the terminal attached, passes its status on and removes it.
 */
#include "bring_up.h"
#include "commands.h"
#include "common_options.h"
#include "session.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_opts {
	bool no_tty, keep, rm, no_deps, publish, detach, build, interactive, quiet, quiet_build,
		quiet_pull, remove_orphans, aliases;
	const char *user, *dir, *entrypoint, *name, *pull;
	struct strv env, env_files, volumes, cap_add, cap_drop, labels, ports;
};

#define AT(member) OPT_AT(struct run_opts, member)

static const struct option_spec options[] = {
	{.name = "build",
		.type = OPT_FLAG,
		AT(build),
		.help = "Build the images of services that have `build:`"},
	{.name = "cap-add",
		.type = OPT_LIST,
		AT(cap_add),
		.arg = "CAPABILITY",
		.help = "Give it this capability"},
	{.name = "cap-drop",
		.type = OPT_LIST,
		AT(cap_drop),
		.arg = "CAPABILITY",
		.help = "Take this capability away"},
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
		.help = "Set a variable; NAME alone: as it is here"},
	{.name = "env-from-file",
		.type = OPT_LIST,
		AT(env_files),
		.arg = "FILE",
		.complete = COMPLETE_FILE,
		.help = "Set the variables of a file, but for those of --env"},
	{.name = "interactive",
		.letter = 'i',
		.type = OPT_FLAG,
		AT(interactive),
		.help = "Pass stdin on: the default"},
	{.name = "keep", .type = OPT_FLAG, AT(keep), .help = "Do not remove the container after"},
	{.name = "label",
		.letter = 'l',
		.type = OPT_LIST,
		AT(labels),
		.arg = "NAME=VALUE",
		.help = "Set a label"},
	{.name = "name", .type = OPT_STRING, AT(name), .arg = "NAME", .help = "Of the container"},
	{.name = "no-deps",
		.type = OPT_FLAG,
		AT(no_deps),
		.help = "Do not bring up what the service depends on"},
	{OPTION_NO_TTY, AT(no_tty)},
	{.name = "no-TTY", .type = OPT_FLAG, AT(no_tty), .help = "The same, as Compose writes it"},
	{.name = "publish",
		.letter = 'p',
		.type = OPT_LIST,
		AT(ports),
		.arg = "[[ADDRESS:]PORT:]PORT",
		.help = "Publish a port of the container: 8080:80, 127.0.0.1:8080:80/tcp"},
	{OPTION_PULL, AT(pull)},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "No progress, only errors"},
	{OPTION_QUIET_BUILD, AT(quiet_build)},
	{OPTION_QUIET_PULL, AT(quiet_pull)},
	{OPTION_REMOVE_ORPHANS, AT(remove_orphans)},
	{.name = "rm", .type = OPT_FLAG, AT(rm), .help = "Remove it after: the default"},
	{.name = "service-ports",
		.letter = 'P',
		.type = OPT_FLAG,
		AT(publish),
		.help = "Publish the service's ports too"},
	{.name = "use-aliases",
		.type = OPT_FLAG,
		AT(aliases),
		.help = "Answer to the service's names in its networks too"},
	{OPTION_USER, AT(user)},
	{.name = "volume",
		.letter = 'v',
		.type = OPT_LIST,
		AT(volumes),
		.arg = "SOURCE:TARGET",
		.help = "Mount this too"},
	{OPTION_WORKDIR, AT(dir)},
	{0},
};

struct wishes {
	const struct run_opts *options;
	int argc;
	char **argv;
	bool tty;
	json_t *env; /* name -> value */
};

/* [[ADDRESS:]PORT:]PORT[/PROTOCOL], checked by check_ports(). */
static void publish(json_t *body, const char *text)
{
	json_t *host = json_object_get(body, "HostConfig"), *list;
	autostrv struct strv parts = STRV_INIT;
	autofree char *plain = xstrndup(text, strcspn(text, "/")), *key = NULL;
	const char *protocol = text[strlen(plain)] ? text + strlen(plain) + 1 : "tcp";

	strv_split(&parts, plain, ':');
	key = xasprintf("%s/%s", parts.v[parts.n - 1], protocol);
	if (!json_object_get(host, "PortBindings"))
		json_object_set_new(host, "PortBindings", json_object());
	list = json_pack("[{s:s, s:s}]", "HostIp", parts.n > 2 ? parts.v[0] : "", "HostPort",
		parts.n > 1 ? parts.v[parts.n - 2] : "");
	json_object_set_new(json_object_get(host, "PortBindings"), key, list);
	json_object_set_new(json_object_get(body, "ExposedPorts"), key, json_object());
}

static int check_ports(const struct strv *ports, struct err *err)
{
	for (size_t i = 0; i < ports->n; i++) {
		const char *text = ports->v[i], *slash = strchr(text, '/');
		autofree char *plain = xstrndup(text, strcspn(text, "/"));
		autostrv struct strv parts = STRV_INIT;
		uint16_t port;
		bool good;

		strv_split(&parts, plain, ':');
		good = parts.n >= 1 && parts.n <= 3 && parse_port(parts.v[parts.n - 1], &port) &&
		       (parts.n < 2 || parse_port(parts.v[parts.n - 2], &port)) &&
		       (!slash || str_eq(slash, "/tcp") || str_eq(slash, "/udp"));
		if (!good)
			return err_set(err, ERR_USAGE,
				"--publish: \"%s\" is no port; try 8080:80 or 127.0.0.1:8080:80",
				text);
	}
	return 0;
}

static void extend(json_t *host, const char *key, const struct strv *words)
{
	json_t *list = json_object_get(host, key);
	autojson json_t *more = json_from_strv(words);

	if (list)
		json_array_extend(list, more);
	else if (words->n)
		json_object_set(host, key, more);
}

static void add_labels(json_t *labels, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *equals = strchr(words->v[i], '=');
		autofree char *name = xstrndup(words->v[i], strcspn(words->v[i], "="));

		json_set_str(labels, name, equals ? equals + 1 : "");
	}
}

/* --env, then --env-from-file: what was said first stays. The caller's. */
static int read_environment(const struct run_opts *chosen, const struct manifest *manifest,
	json_t *env, struct err *err)
{
	for (size_t i = 0; i < chosen->env.n; i++) {
		const char *text = chosen->env.v[i], *equals = strchr(text, '=');
		autofree char *name = xstrndup(text, strcspn(text, "="));

		json_set_str(env, name, equals ? equals + 1 : json_str(manifest->env, name));
	}
	for (size_t i = 0; i < chosen->env_files.n; i++) {
		autojson json_t *values = json_object();

		if (manifest_env_file(chosen->env_files.v[i], env, values, err) < 0)
			return err_wrap(err, "--env-from-file");
		json_object_update_missing(env, values);
	}
	return 0;
}

/* NAME=VALUE into a list of such, in the place of another value. */
static void set_variable(json_t *list, const char *name, const char *value)
{
	autofree char *pair = xasprintf("%s=%s", name, value);
	size_t len = strlen(name), i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);

		if (strncmp(text, name, len) == 0 && (text[len] == '=' || !text[len])) {
			json_array_set_new(list, i, json_string_safe(pair));
			return;
		}
	}
	json_array_append_new(list, json_string_safe(pair));
}

/* Put the command line's wishes over the service's own settings. */
static void adjust(void *ctx, json_t *body)
{
	const struct wishes *wishes = ctx;
	const struct run_opts *chosen = wishes->options;
	json_t *host = json_object_get(body, "HostConfig");
	struct strv argv = {.v = wishes->argv, .n = (size_t)wishes->argc};
	const char *name;
	json_t *value;
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
	json_object_foreach (wishes->env, name, value)
		set_variable(json_object_get(body, "Env"), name, json_string_value(value));
	json_array_extend(json_object_get(host, "Binds"), volumes);
	extend(host, "CapAdd", &chosen->cap_add);
	extend(host, "CapDrop", &chosen->cap_drop);
	add_labels(json_object_get(body, "Labels"), &chosen->labels);
	for (size_t i = 0; i < chosen->ports.n; i++)
		publish(body, chosen->ports.v[i]);
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
	const char *word, const struct run_opts *chosen, struct err *err)
{
	struct strv words = {.v = (char *[]){(char *)word, NULL}, .n = 1};
	struct plan_request request = {
		.ws = &session->ws,
		.words = &words,
		.pull = bring_up_policy(chosen->pull),
		.build = chosen->build ? &(struct build_wishes){0} : NULL,
		.no_deps = chosen->no_deps,
		.remove_orphans = chosen->remove_orphans,
		.oneoff = oneoff,
	};
	struct run_options run = {
		.sink = chosen->quiet ? NULL : &app->sink,
		.stop_timeout_s = -1,
		.quiet_pull = chosen->quiet_pull,
		.quiet_build = chosen->quiet_build,
	};
	struct plan plan = {0};
	int result;

	if (bring_up_images(session, &request, &run, false, err) < 0 ||
		plan_up(session->engine, &request, &plan, err) < 0)
		return -1;
	result = plan_run(&plan, session->engine, &run, err);
	plan_release(&plan);
	return result;
}

static int run_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct run_opts *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autojson json_t *env = json_object();
	struct wishes wishes = {chosen, argc - 1, argv + 1,
		!chosen->no_tty && !chosen->detach && isatty(0) && isatty(1), env};
	struct manifest *manifest;
	const char *service, *joint;
	autofree char *name = NULL;
	struct oneoff oneoff = {.adjust = adjust,
		.ctx = &wishes,
		.publish = chosen->publish,
		.aliases = chosen->aliases};
	char random[9];

	if (check_ports(&chosen->ports, err) < 0 ||
		session_open(app, SESSION_ENGINE | SESSION_LOCK, &session, err) < 0 ||
		workspace_resolve(&session.ws, argv[0], &manifest, &service, err) < 0)
		return -1;
	if (!service)
		return err_set(
			err, ERR_USAGE, "\"%s\" is a manifest; name one service of it", argv[0]);
	if (read_environment(chosen, manifest, env, err) < 0)
		return -1;
	random_hex(random, 4);
	joint = plan_joint(manifest);
	name = chosen->name ? xstrdup(chosen->name)
			    : xasprintf("%s%s%s%srun%s%s", manifest->project, joint, service, joint,
				      joint, random);
	oneoff.manifest = manifest;
	oneoff.service = service;
	oneoff.name = name;
	if (bring_up(app, &session, &oneoff, argv[0], chosen, err) < 0)
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
