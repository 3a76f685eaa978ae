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
