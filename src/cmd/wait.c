/* wait.c - `devenv wait SERVICE...`: until containers end; their status is ours. */
#include "commands.h"
#include "each.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct wait_options {
	bool down;
};

#define AT(member) OPT_AT(struct wait_options, member)

static const struct option_spec options[] = {
	{.name = "down-project",
		.type = OPT_FLAG,
		AT(down),
		.help = "Until the first one ends; then take everything down"},
	{0},
};

static int wait_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	int *worst = ctx, status = 0;
	autofree char *line = NULL;

	if (container_wait(session->engine, container->id, &status, err) < 0)
		return -1;
	if (status)
		*worst = status;
	line = xasprintf("%s %d\n", container->name, status);
	return ui_output(line, err);
}

/* === --down-project === */

struct race {
	struct session *session;
	const struct strv *words;
	const struct actual *actual;
	struct engine *asker;
	const struct container *first; /* that ended */
	struct err *err;
	int result;
};

static bool takes_part(const struct race *race, const struct container *container)
{
	return !container->oneoff && each_chosen(&race->session->ws, race->words, container);
}

/* What an event is of may have ended; its restart policy may have started it again. */
static int on_event(void *ctx, json_t *event)
{
	struct race *race = ctx;
	const char *id = json_str(json_object_get(event, "Actor"), "ID");

	for (size_t i = 0; i < race->actual->n; i++) {
		const struct container *container = &race->actual->containers[i];
		autojson json_t *now = NULL;

		if (!str_eq(container->id, id) || !takes_part(race, container))
			continue;
		race->result = container_inspect(race->asker, id, &now, race->err);
		if (race->result == 0 && json_bool(json_object_get(now, "State"), "Running"))
			return 0;
		race->first = container;
		return 1;
	}
	return 0;
}

/* Wait for the first to end, of those that run; of none that runs, the first did. */
static int run_race(struct race *race, struct err *err)
{
	autofree char *filters = engine_filters("type", "container", NULL);
	/* what ends between the list of containers and the first event is told too */
	struct events_spec spec = {.filters = filters, .since = "10s"};
	bool any = false;

	for (size_t i = 0; i < race->actual->n; i++) {
		const struct container *container = &race->actual->containers[i];

		if (!takes_part(race, container))
			continue;
		any |= container_runs(container);
		if (!race->first)
			race->first = container;
	}
	if (!race->first)
		return err_set(err, ERR_FAILED, "no such container runs; `devenv up` starts them");
	if (!any)
		return 0;
	race->first = NULL;
	if (engine_events(race->session->engine, &spec, on_event, race, signals_fd(), err) < 0 ||
		race->result < 0)
		return -1;
	return race->first ? 0 : err_set(err, ERR_CANCELLED, "interrupted");
}

static int wait_for_first(struct app *app, const struct strv *words, int *status, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct actual actual = {0};
	struct race race = {.session = &session, .words = words, .actual = &actual, .err = err};
	struct manifest *manifest;
	const char *service;
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	for (size_t i = 0; i < words->n; i++)
		if (workspace_resolve(&session.ws, words->v[i], &manifest, &service, err) < 0)
			return -1;
	if (actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	race.asker = engine_clone(session.engine);
	result = run_race(&race, err);
	if (result == 0)
		result = wait_one(status, &session, race.first, err);
	engine_close(race.asker);
	actual_release(&actual);
	return result;
}

static int take_down(struct app *app, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct plan_request request = {.ws = &session.ws, .remove_orphans = true};
	struct plan plan = {0};
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START | SESSION_LOCK,
		    &session, err) < 0 ||
		plan_down(session.engine, &request, &plan, err) < 0)
		return -1;
	result = session_run_plan(
		app, &session, &plan, &(struct run_options){.stop_timeout_s = -1}, "is down", err);
	plan_release(&plan);
	return result;
}

static int wait_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct wait_options *chosen = opts;
	int worst = 0;
	struct each each = {.run = wait_one, .ctx = &worst, .all = true, .needs_one = true};
	struct strv words = session_words(argc, argv);

	if (chosen->down) {
		if (wait_for_first(app, &words, &worst, err) < 0 || take_down(app, err) < 0)
			return -1;
	} else if (each_container(app, argc, argv, &each, err) < 0) {
		return -1;
	}
	if (!worst)
		return 0;
	err->kind = ERR_EXIT;
	err->status = worst;
	return -1;
}

static const char *const examples[] = {"devenv wait migrate # 0 when it has migrated",
	"devenv wait --down-project test # nothing is left when the tests have ended", NULL};

const struct command cmd_wait = {
	.name = "wait",
	.group = "Look",
	.args = "SERVICE...",
	.summary = "Wait until containers end, and exit with their status",
	.details = "Prints the name and the status of each. With several the exit status is the "
		   "last one "
		   "that is not 0.",
	.examples = examples,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct wait_options),
	.run = wait_run,
};
