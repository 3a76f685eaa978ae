/* commit.c - `devenv commit SERVICE [IMAGE]`: an image of what a container has become. */
#include "commands.h"
#include "common_options.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct commit_options {
	const char *author, *message;
	struct strv changes;
	int64_t index;
	bool pause;
};

#define AT(member) OPT_AT(struct commit_options, member)

static const struct option_spec options[] = {
	{.name = "author",
		.letter = 'a',
		.type = OPT_STRING,
		AT(author),
		.arg = "TEXT",
		.help = "Who made it"},
	{.name = "change",
		.letter = 'c',
		.type = OPT_LIST,
		AT(changes),
		.arg = "INSTRUCTION",
		.help = "Instruction of a Dockerfile for the image, such as CMD or ENV"},
	{OPTION_INDEX, AT(index)},
	{.name = "message",
		.letter = 'm',
		.type = OPT_STRING,
		AT(message),
		.arg = "TEXT",
		.help = "What has changed"},
	{.name = "pause",
		.letter = 'p',
		.type = OPT_FLAG,
		AT(pause),
		.def = "true",
		.help = "Let the container stand still meanwhile (--pause=false: let it run)"},
	{0},
};

static int commit_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct commit_options *chosen = opts;
	struct commit_spec spec = {.ref = argc > 1 ? argv[1] : NULL,
		.author = chosen->author,
		.message = chosen->message,
		.changes = &chosen->changes,
		.pause = chosen->pause};
	autosession struct session session = SESSION_INIT;
	const struct container *container;
	struct actual actual = {0};
	autofree char *image = NULL, *line = NULL;
	int result;

	if (spec.ref && strchr(spec.ref, '@'))
		return err_set(err, ERR_USAGE,
			"the digest of an image comes of what is in it; name only "
			"REPOSITORY[:TAG]");
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		session_container(
			&session, argv[0], (int)chosen->index, false, &actual, &container, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){
			.kind = EVENT_START, .object = container->name, .text = "Committing"});
	result = container_commit(session.engine, container->id, &spec, &image, err);
	if (result == 0)
		sink_emit(&app->sink, &(struct event){.kind = EVENT_DONE,
					      .object = container->name,
					      .text = "Committed"});
	else
		err_wrap(err, "commit %s", container->name);
	actual_release(&actual);
	if (result < 0)
		return -1;
	line = xasprintf("%s\n", image);
	return ui_output(line, err);
}

static const char *const examples[] = {
	"devenv commit db shop/db:tuned", "devenv commit -c 'CMD [\"serve\"]' web shop/web", NULL};

const struct command cmd_commit = {
	.name = "commit",
	.group = "Work inside",
	.args = "SERVICE [REPOSITORY[:TAG]]",
	.summary = "Make an image of what a container has become",
	.details = "Prints the image's id. What is in volumes is not part of it: `devenv snapshot "
		   "save` keeps that, and `build:` says how an image came about.",
	.examples = examples,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct commit_options),
	.run = commit_run,
};
