/* logs.c - `devenv logs`: what the services write. */
#include "commands.h"
#include "follow.h"

#include "devenv/str.h"

struct logs_options {
	bool follow, timestamps, no_color, no_prefix;
	const char *since, *until, *tail;
	int64_t index;
};

#define AT(member) OPT_AT(struct logs_options, member)

static const struct option_spec options[] = {
	{.name = "follow",
		.letter = 'f',
		.type = OPT_FLAG,
		AT(follow),
		.help = "Go on with what comes, until Ctrl-C"},
	{.name = "index",
		.type = OPT_INT,
		AT(index),
		.arg = "N",
		.min = 0,
		.max = 10000,
		.def = "0",
		.help = "Only this container of each service"},
	{.name = "no-color", .type = OPT_FLAG, AT(no_color), .help = "No colours"},
	{.name = "no-log-prefix",
		.type = OPT_FLAG,
		AT(no_prefix),
		.help = "Lines without the name of their service"},
	{.name = "since",
		.type = OPT_STRING,
		AT(since),
		.arg = "TIME",
		.help = "From then on: 10m, 2026-11-21T09:00:00Z"},
	{.name = "tail",
		.letter = 'n',
		.type = OPT_STRING,
		AT(tail),
		.arg = "LINES",
		.def = "all",
		.help = "Only this many lines of each service"},
	{.name = "timestamps",
		.letter = 't',
		.type = OPT_FLAG,
		AT(timestamps),
		.help = "Put the time before each line"},
	{.name = "until", .type = OPT_STRING, AT(until), .arg = "TIME", .help = "Up to then"},
	{0},
};

static int logs_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct logs_options *logs = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct follow wish = {
		.logs = {.follow = logs->follow,
			.timestamps = logs->timestamps,
			.since = logs->since,
			.until = logs->until,
			.tail = -1},
		.words = &words,
		.number = (int)logs->index,
		.no_prefix = logs->no_prefix,
		.no_color = logs->no_color,
	};
	int64_t tail;

	if (!str_eq(logs->tail, "all")) {
		if (!parse_i64(logs->tail, 0, 1000000000, &tail))
			return err_set(err, ERR_USAGE, "--tail: \"%s\" is not a number of lines",
				logs->tail);
		wish.logs.tail = (int)tail;
	}
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	if (session_check_words(&session, argc, argv, err) < 0)
		return -1;
	return follow_logs(app, &session, &wish, err);
}

static const char *const examples[] = {
	"devenv logs -f web",
	"devenv logs --since 10m --tail 100",
	"devenv logs shop 2>/dev/null # only what went to stdout",
	NULL,
};

const struct command cmd_logs = {
	.name = "logs",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Print what services write, merged",
	.details = "Each line carries the name of its service. What a service writes to stdout "
		   "goes to "
		   "stdout, its stderr to stderr.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct logs_options),
	.run = logs_run,
};
