/* watch.c - `devenv watch`: changed files into running containers, as `develop.watch` says. */
#include "watch.h"

#include "bring_up.h"
#include "commands.h"

#include "devenv/mem.h"

struct watch_options {
	bool no_up, prune, quiet, dry_run;
};

#define AT(member) OPT_AT(struct watch_options, member)

static const struct option_spec options[] = {
	{.name = "dry-run",
		.type = OPT_FLAG,
		AT(dry_run),
		.help = "Say what would be done at each change; change nothing"},
	{.name = "no-up",
		.type = OPT_FLAG,
		AT(no_up),
		.help = "Do not build and start the services first"},
	{.name = "prune",
		.type = OPT_FLAG,
		AT(prune),
		.def = "true",
		.help = "Remove the old image after a rebuild"},
	{.name = "quiet", .type = OPT_FLAG, AT(quiet), .help = "Hide the output of builds"},
	{0},
};

/* As Compose: what has `build:` is built again, for it may have changed since. */
static int up_first(struct app *app, struct session *session, const struct strv *words,
	const struct watch_options *chosen, struct err *err)
{
	struct run_options run = {
		.sink = &app->sink, .stop_timeout_s = -1, .quiet_build = chosen->quiet};
	struct build_wishes wishes = {0};
	struct plan_request request = {.ws = &session->ws, .words = words, .build = &wishes};
	struct plan plan = {0};
	int result;

	if (chosen->no_up)
		return 0;
	if (bring_up_images(session, &request, &run, chosen->dry_run, err) < 0 ||
		plan_up(session->engine, &request, &plan, err) < 0)
		return -1;
	bring_up_warn(app, &plan);
	if (chosen->dry_run)
		result = bring_up_print(&plan, err);
	else
		result = session_run_plan(app, session, &plan, &run, "is ready", err);
	plan_release(&plan);
	return result;
}

static int watch_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct watch_options *chosen = opts;
	struct watch_wishes wishes = {
		.prune = chosen->prune, .quiet = chosen->quiet, .dry_run = chosen->dry_run};
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	autowatcher struct watcher *watcher = NULL;
	unsigned lock = chosen->no_up || chosen->dry_run ? 0 : SESSION_LOCK;

	if (session_open(app, SESSION_ENGINE | lock, &session, err) < 0 ||
		watcher_open(app, &session, &words, &wishes, &watcher, err) < 0)
		return -1;
	if (chosen->dry_run)
		engine_forbid_writes(session.engine);
	if (up_first(app, &session, &words, chosen, err) < 0)
		return -1;
	return watcher_run(watcher, err);
}

static const char *const examples[] = {
	"devenv watch # bring everything up, then follow changes",
	"devenv watch web --no-up # only what web watches; it runs already",
	"devenv watch --dry-run # which change would do what",
	NULL,
};

const struct command cmd_watch = {
	.name = "watch",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Copy changed files into containers, or rebuild them",
	.details =
		"Follows Compose's `develop.watch`: when files below `path` change, \"sync\" "
		"copies them to `target` in all containers of the service (and removes there what "
		"is gone), \"rebuild\" builds the image and replaces the container, \"restart\" "
		"restarts it; \"sync+restart\" and \"sync+exec\" copy first.\n"
		"\n"
		"Patterns under `ignore` and `include` are those of a .dockerignore, relative to "
		"`path`. What .dockerignore of the build context leaves out, editors' temporary "
		"files and .git never count. Changes are taken together until nothing changed for "
		"half a second.\n"
		"\n"
		"Runs until Ctrl-C, which leaves the containers running and ends with 130. An "
		"action that fails is told of; the next change gets its chance.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct watch_options),
	.run = watch_run,
};
