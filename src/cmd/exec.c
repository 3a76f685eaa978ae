/* exec.c - `devenv exec` and `devenv shell`: a command in a running container. */
#include "commands.h"
#include "common_options.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <unistd.h>

struct exec_options {
	bool no_tty, detach, privileged, interactive, tty;
	const char *user, *dir;
	struct strv env;
	int64_t index;
};

#define AT(member) OPT_AT(struct exec_options, member)

static const struct option_spec options[] = {
	{.name = "detach",
		.letter = 'd',
		.type = OPT_FLAG,
		AT(detach),
		.help = "Return at once; the command goes on"},
	{.name = "env",
		.letter = 'e',
		.type = OPT_LIST,
		AT(env),
		.arg = "NAME=VALUE",
		.help = "Set a variable"},
	{OPTION_INDEX, AT(index)},
	{.name = "interactive",
		.letter = 'i',
		.type = OPT_FLAG,
		AT(interactive),
		.help = "Pass stdin on: the default"},
	{OPTION_NO_TTY, AT(no_tty)},
	{.name = "privileged", .type = OPT_FLAG, AT(privileged), .help = "With all capabilities"},
	{.name = "tty",
		.letter = 't',
		.type = OPT_FLAG,
		AT(tty),
		.help = "A terminal when we have one: the default"},
	{OPTION_USER, AT(user)},
	{OPTION_WORKDIR, AT(dir)},
	{0},
};

/* Of a service that waits for its first connection: its server is what the command is for. */
static int wake(struct app *app, struct session *session, const char *word,
	const struct container *container, struct err *err)
{
	struct manifest *manifest;
	const char *service;

	if (workspace_resolve(&session->ws, word, &manifest, &service, err) < 0)
		return -1;
	return plan_lazy_wake(session->engine, &session->ws, manifest, container, &app->sink, err);
}

static int exec_in(struct app *app, const char *word, const struct exec_options *chosen,
	const char *const *argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	bool tty = !chosen->no_tty && !chosen->detach && isatty(0) && isatty(1);
	struct stream_io io = {.in = chosen->detach ? -1 : 0,
		.out = 1,
		.errfd = 2,
		.tty = tty,
		.cancel_fd = tty ? -1 : signals_fd()};
	struct exec_spec spec = {.argv = argv,
		.env = (const char *const *)chosen->env.v,
		.user = chosen->user,
		.dir = chosen->dir,
		.tty = tty,
		.detach = chosen->detach,
		.privileged = chosen->privileged};
	const struct container *container;
	struct actual actual = {0};
	int status = 0, result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		session_container(
			&session, word, (int)chosen->index, true, &actual, &container, err) < 0)
		return -1;
	result = wake(app, &session, word, container, err);
	ui_pause(&app->sink);
	if (result == 0)
		result = container_exec(session.engine, container->id, &spec, &io, &status, err);
	ui_resume(&app->sink);
	actual_release(&actual);
	if (result == 0 && status) {
		err->kind = ERR_EXIT;
		err->status = status;
		return -1;
	}
	return result;
}

static int exec_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	return exec_in(app, argv[0], opts, (const char *const *)argv + 1, err);
}

static const char *const exec_examples[] = {
	"devenv exec web ls -la",
	"devenv exec -u root db bash",
	"echo 'SELECT 1' | devenv exec -T db mariadb shop",
	NULL,
};

const struct command cmd_exec = {
	.name = "exec",
	.group = "Work inside",
	.args = "SERVICE COMMAND...",
	.summary = "Run a command in a running container",
	.details = "stdin, stdout and stderr are the command's own, and so is the exit status. "
		   "Options "
		   "of devenv come before SERVICE. A service that sleeps until its first "
		   "connection (x-snapshot with `lazy: true`) is woken for it.",
	.examples = exec_examples,
	.min_args = 2,
	.max_args = -1,
	.flags = CMD_OPTIONS_FIRST,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct exec_options),
	.run = exec_run,
};

static int shell_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	static const char *const shell[] = {"sh", "-c",
		"if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi", NULL};

	return exec_in(app, argv[0], opts, shell, err);
}

static const char *const shell_examples[] = {"devenv shell web", "devenv shell -u root db", NULL};

const struct command cmd_shell = {
	.name = "shell",
	.group = "Work inside",
	.args = "SERVICE",
	.summary = "Open a shell in a running container",
	.details = "bash where the image has it, else sh.",
	.examples = shell_examples,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct exec_options),
	.run = shell_run,
};
