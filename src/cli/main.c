/*
 * main.c - what every run of devenv goes through: parse, run, one error, one exit status.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_BUG 70   /* EX_SOFTWARE of sysexits.h */
#define EXIT_PIPE 141 /* what the shell shows for a death by SIGPIPE */

/* A file opened as descriptor 0, 1 or 2 would be taken for the terminal. */
static void open_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_BUG);
}

/* The option, else the variable of Compose's, else `otherwise`. */
static const char *option_or_variable(
	const char *option, const char *variable, const char *otherwise)
{
	const char *text = getenv(variable);

	return str_eq(option, otherwise) && !str_empty(text) ? text : option;
}

/*
 * --ansi as Compose has it: what --progress leaves open, and the colours, whose variables the
 * programs that devenv starts go by, too.
 */
static int apply_ansi(struct app *app, struct err *err)
{
	const char *ansi = option_or_variable(app->global.ansi, "COMPOSE_ANSI", "auto");
	const char *progress = option_or_variable(app->global.progress, "COMPOSE_PROGRESS", "auto");
	bool never = str_eq(ansi, "never"), always = str_eq(ansi, "always");

	if (never && str_eq(progress, "tty"))
		return err_set(err, ERR_USAGE, "--progress tty needs what --ansi never forbids");
	if (always && str_eq(progress, "plain"))
		return err_set(
			err, ERR_USAGE, "--progress plain is without what --ansi always asks for");
	if (never || always)
		setenv(never ? "NO_COLOR" : "CLICOLOR_FORCE", "1", 1);
	if (str_eq(progress, "auto"))
		progress = never ? "plain" : always ? "tty" : progress;
	app->global.progress = progress;
	return 0;
}

static enum ui_progress progress_mode(const struct app *app)
{
	static const char *const names[] = {[UI_AUTO] = "auto",
		[UI_TTY] = "tty",
		[UI_PLAIN] = "plain",
		[UI_JSON] = "json",
		[UI_QUIET] = "quiet"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], app->global.progress))
			return (enum ui_progress)i;
	return UI_AUTO;
}

static int show_help(const struct app *app, struct err *err)
{
	autobuf struct buf text = BUF_INIT(0);

	cli_help(app->command, app->name, &text);
	return ui_output(buf_str(&text), err);
}

/* stdio is only a convenience of single commands; what it holds must reach the disk too. */
static int flush_output(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (errno == EPIPE) {
		err_set(err, ERR_EXIT, "nobody reads standard output");
		err->status = EXIT_PIPE;
		return -1;
	}
	return err_os(err, ERR_FAILED, errno, "write to standard output");
}

static int run_command(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	int status = 0;

	if (app->global.dir && chdir(app->global.dir) < 0)
		return err_os(err, ERR_USAGE, errno, "go to folder \"%s\"", app->global.dir);
	/* Everything below works in the new folder already. */
	app->global.dir = NULL;
	if (apply_ansi(app, err) < 0)
		return -1;
	app->sink = ui_begin(progress_mode(app), app->global.verbose);
	status = app->command->run(app, options, argc, argv, err);
	ui_end(&app->sink);
	return status;
}

static int exit_status(int status, const struct app *app, const struct err *err)
{
	if (status >= 0)
		return status;
	if (err->kind == ERR_NONE) {
		fprintf(stderr, "devenv: BUG: %s failed without saying why\n",
			app->name && *app->name ? app->name : "parsing");
		return EXIT_BUG;
	}
	ui_error(err, str_eq(app->global.progress, "json"));
	if (err->kind == ERR_CANCELLED && signals_pending())
		return 128 + signals_pending();
	return err_exit_status(err);
}

int cli_main(int argc, char **argv)
{
	struct app app = {0};
	struct err err = ERR_INIT;
	void *options = NULL;
	int status = 0;

	open_standard_files();
	setlocale(LC_CTYPE, "");
	signals_install();
	status = cli_parse(argc, argv, &app, &options, &argc, &argv, &err);
	if (status == 0)
		status = app.global.help || !app.command
				 ? show_help(&app, &err)
				 : run_command(&app, options, argc, argv, &err);
	if (status >= 0 && flush_output(&err) < 0)
		status = -1;
	status = exit_status(status, &app, &err);
	if (app.command)
		cli_options_free(app.command, options);
	options_clear(cli_globals, &app.global);
	free((char *)app.name);
	return status;
}
