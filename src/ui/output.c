/*
 * output.c - results on standard output, and the one error of a run.
 *
 * Written with write(2), not stdio: a full disk must be an error of the command, not of nobody.
 */
#include "devenv/ui.h"

#include "render.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_PIPE 141 /* what the shell shows for a death by SIGPIPE */

int ui_output(const char *text, struct err *err)
{
	/* fflush() keeps the order with what a command printed through stdio. */
	if (fflush(stdout) == 0 && fs_write_all(STDOUT_FILENO, text, strlen(text)) == 0)
		return 0;
	if (errno == EPIPE) {
		err_set(err, ERR_EXIT, "nobody reads standard output");
		err->status = EXIT_PIPE;
		return -1;
	}
	return err_os(err, ERR_FAILED, errno, "write to standard output");
}

int ui_output_json(const json_t *json, struct err *err)
{
	autofree char *text = json_print_pretty(json);
	autobuf struct buf line = BUF_INIT(0);

	buf_addf(&line, "%s\n", text);
	return ui_output(buf_str(&line), err);
}

static void error_json(const struct err *err, struct buf *out)
{
	autojson json_t *line = json_object();
	char now[32];
	autofree char *text = NULL;

	json_object_set_new(line, "event", json_string("error"));
	json_object_set_new(line, "kind", json_string(err_kind_name(err->kind)));
	json_object_set_new(line, "message", json_string_safe(err->msg));
	json_object_set_new(line, "status", json_integer(err_exit_status(err)));
	json_object_set_new(line, "time", json_string(clock_rfc3339(clock_wall(), now)));
	text = json_print(line);
	buf_addf(out, "%s\n", text);
}

void ui_error(const struct err *err, bool json)
{
	autobuf struct buf out = BUF_INIT(0);

	/* ERR_EXIT is the status of somebody else's command, who has spoken already. */
	if (err->kind == ERR_EXIT)
		return;
	fflush(stdout);
	if (json) {
		error_json(err, &out);
	} else {
		buf_addf(&out, "%sdevenv:%s ", ui_style(STDERR_FILENO, "red"),
			ui_style(STDERR_FILENO, "reset"));
		ui_lines(&out, err->msg);
		if (!str_ends(buf_str(&out), "\n"))
			buf_addch(&out, '\n');
	}
	fs_write_all(STDERR_FILENO, buf_str(&out), out.len);
}
