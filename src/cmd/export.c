/* export.c - `devenv export SERVICE`: the files of a container, as a tar. */
#include "commands.h"
#include "cp.h"
#include "session.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/term.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE 65536

struct export_options {
	const char *output;
	int64_t index;
};

static const struct option_spec options[] = {
	{.name = "index",
		.type = OPT_INT,
		OPT_AT(struct export_options, index),
		.arg = "N",
		.min = 0,
		.max = 10000,
		.def = "0",
		.help = "Which container of a scaled service"},
	{.name = "output",
		.letter = 'o',
		.type = OPT_STRING,
		OPT_AT(struct export_options, output),
		.arg = "FILE",
		.complete = COMPLETE_FILE,
		.help = "Write into this file"},
	{0},
};

static int copy(struct cp *cp, int fd, const char *where, struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	if (container_export(cp->engine, cp->id, err) < 0)
		return -1;
	while ((n = container_archive_read(cp->engine, piece, sizeof(piece), err)) > 0) {
		if (fs_write_all(fd, piece, (size_t)n) < 0)
			return err_os(err, ERR_FAILED, errno, "write to %s", where);
		cp_count(cp, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

/* The file is there when it is whole: until then it has another name. */
static int copy_to_file(struct cp *cp, const char *output, struct err *err)
{
	autofree char *target = path_real(output);
	autofree char *temporary = xasprintf("%s.XXXXXX", target);
	autoclose int fd = mkstemp(temporary);

	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "write %s", output);
	if (copy(cp, fd, output, err) == 0) {
		if (rename(temporary, target) == 0)
			return 0;
		err_os(err, ERR_FAILED, errno, "write %s", output);
	}
	unlink(temporary);
	return -1;
}

static int export_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct export_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	const struct container *container;
	struct actual actual = {0};
	struct cp cp = {.sink = &app->sink};
	int result;

	if (!chosen->output && term_is(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
			"a tar is not for a terminal; add -o FILE, or send it through a pipe");
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		session_container(
			&session, argv[0], (int)chosen->index, false, &actual, &container, err) < 0)
		return -1;
	cp.engine = session.engine;
	cp.id = container->id;
	cp.object = container->name;
	sink_emit(cp.sink,
		&(struct event){.kind = EVENT_START, .object = cp.object, .text = "Exporting"});
	result = chosen->output ? copy_to_file(&cp, chosen->output, err)
				: copy(&cp, STDOUT_FILENO, "standard output", err);
	if (result == 0)
		sink_emit(cp.sink,
			&(struct event){
				.kind = EVENT_DONE, .object = cp.object, .text = "Exported"});
	else
		err_wrap(err, "export %s", container->name);
	actual_release(&actual);
	return result;
}

static const char *const examples[] = {
	"devenv export web -o web.tar", "devenv export web | tar t", NULL};

const struct command cmd_export = {
	.name = "export",
	.group = "Work inside",
	.args = "SERVICE",
	.summary = "Write the files of a container as a tar",
	.details =
		"Of one that runs or not, as they are now. What is in volumes is not among them: "
		"`devenv snapshot save` keeps that.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct export_options),
	.run = export_run,
};
