/* session.c - what most commands begin with: the workspace and the engine. */
#include "session.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS_MAX 64 /* each is a thread with a connection to the engine */

static void print_problems(struct app *app, struct diags *diags)
{
	autobuf struct buf text = BUF_INIT(0);

	if (!diags->n)
		return;
	diag_print(diags, &text);
	if (str_eq(app->global.progress, "json"))
		sink_warn(&app->sink, NULL, "%s", buf_str(&text));
	else
		fputs(buf_str(&text), stderr);
}

static int print_list(struct diags *diags, struct err *err)
{
	autojson json_t *list = diag_json(diags);
	autofree char *text = json_print_pretty(list);
	autofree char *line = xasprintf("%s\n", text);

	return ui_output(line, err);
}

static int load(struct app *app, unsigned flags, struct workspace *ws, struct err *err)
{
	struct load_options options = {
		.dir = app->global.dir,
		.files = &app->global.files,
		.project = app->global.project,
		.project_dir = app->global.project_dir,
		.compatibility = app->global.compatibility,
		.all_resources = app->global.all_resources,
		.profiles = &app->global.profiles,
		.env_files = &app->global.env_files,
		.all_profiles = flags & SESSION_ALL,
		.no_interpolate = flags & SESSION_RAW,
		.keep_paths = flags & SESSION_KEEP_PATHS,
		.no_normalize = flags & SESSION_NO_NORMALIZE,
		.no_consistency = flags & SESSION_NO_CONSISTENCY,
	};
	struct diags diags = DIAGS_INIT;
	int result = workspace_load(&options, ws, &diags, err);

	if (flags & SESSION_LIST) {
		struct err second = ERR_INIT; /* of the two, the manifest's is the one to keep */

		if (print_list(&diags, result < 0 ? &second : err) < 0)
			result = -1;
	} else if (!str_eq(app->global.progress, "quiet") || result < 0)
		print_problems(app, &diags);
	diags_release(&diags);
	return result;
}

static int open_engine(struct app *app, unsigned flags, struct session *session, struct err *err)
{
	struct engine_ask ask = {
		.context = app->global.context,
		.host = app->global.host,
		.no_embedded = (flags & SESSION_NO_START) &&
			       embedded_status(NULL, NULL) != EMBEDDED_RUNNING,
		.sink = &app->sink,
	};

	if (engine_find(&ask, &session->where, err) < 0)
		return -1;
	return engine_open(&session->where, &session->engine, err);
}

static int take_lock(struct app *app, struct session *session, struct err *err)
{
	const char *id = session->ws.lock_id;
	autofree char *command = xasprintf("devenv %s", app->name);
	autofree char *earlier = NULL;

	if (state_lock(id, session->ws.name, command, &session->lock, err) < 0)
		return -1;
	earlier = state_begin(id, command);
	session->journal = true;
	if (earlier)
		sink_info(&app->sink, NULL,
			"an earlier \"%s\" was interrupted; going on from there", earlier);
	return 0;
}

/* Without its files, by its labels; the first error stays when there are none. */
static int salvage(struct app *app, unsigned flags, struct session *session, struct err *err)
{
	struct err second = ERR_INIT;

	if (!(flags & SESSION_SALVAGE) || err->kind != ERR_MANIFEST || app->global.files.n ||
		open_engine(app, flags, session, &second) < 0)
		return -1;
	workspace_release(&session->ws);
	if (plan_salvage(session->engine, app->global.dir, &session->ws, &second) < 0)
		return -1;
	sink_warn(&app->sink, NULL, "%s; going by what runs", err->msg);
	err_clear(err);
	return 0;
}

int session_open(struct app *app, unsigned flags, struct session *session, struct err *err)
{
	if (load(app, flags, &session->ws, err) < 0 && salvage(app, flags, session, err) < 0)
		return -1;
	if ((flags & SESSION_LOCK) && take_lock(app, session, err) < 0)
		return -1;
	if ((flags & SESSION_ENGINE) && !session->engine)
		return open_engine(app, flags, session, err);
	return 0;
}

void session_unlock(struct session *session)
{
	if (session->journal)
		state_end(session->ws.lock_id);
	session->journal = false;
	lock_release(&session->lock);
}

void session_close(struct session *session)
{
	session_unlock(session);
	engine_close(session->engine);
	engine_where_release(&session->where);
	workspace_release(&session->ws);
}

struct strv session_words(int argc, char **argv)
{
	return (struct strv){.v = argv, .n = (size_t)argc};
}

int session_check_words(const struct session *session, int argc, char **argv, struct err *err)
{
	struct manifest *manifest;
	const char *service;

	for (int i = 0; i < argc; i++)
		if (workspace_resolve(&session->ws, argv[i], &manifest, &service, err) < 0)
			return -1;
	return 0;
}

int session_container(struct session *session, const char *word, int number, bool running,
	struct actual *actual, const struct container **container, struct err *err)
{
	struct manifest *manifest;
	const char *service;

	if (workspace_resolve(&session->ws, word, &manifest, &service, err) < 0)
		return -1;
	if (!service)
		return err_set(err, ERR_USAGE,
			"\"%s\" is a manifest; name one service of it: %s/SERVICE", word, word);
	if (actual_read(session->engine, &session->ws, actual, err) < 0)
		return -1;
	*container = actual_find(actual, manifest, service, number);
	if (!*container || (running && !str_eq((*container)->state, "running"))) {
		bool there = *container != NULL;

		actual_release(actual);
		return err_set(err, ERR_FAILED, "service %s %s; start it with `devenv up %s`", word,
			there ? "is not running" : "has no container", word);
	}
	return 0;
}

bool session_remove_orphans(bool chosen)
{
	return chosen || str_is_true(getenv("COMPOSE_REMOVE_ORPHANS"));
}

bool session_is_orphan(const struct session *session, const struct container *container)
{
	for (size_t i = 0; i < session->ws.n; i++) {
		const struct manifest *manifest = &session->ws.manifests[i];

		if (str_eq(manifest->project, container->project) && container->service &&
			(json_at(manifest->model, "services", container->service, NULL) ||
				json_object_get(manifest->inactive, container->service)))
			return false;
	}
	return true;
}

/* How many actions at once; what Compose calls unlimited is WORKERS_MAX. */
static int read_parallel(
	const struct app *app, const struct workspace *ws, int *workers, struct err *err)
{
	int64_t n = app->global.parallel;
	const char *text = ws->n ? json_str(ws->manifests[0].env, "COMPOSE_PARALLEL_LIMIT") : NULL;

	if (!n && text && !parse_i64(text, INT32_MIN, INT32_MAX, &n))
		return err_set(err, ERR_USAGE,
			"COMPOSE_PARALLEL_LIMIT has to be a whole number, not \"%s\"", text);
	if (n)
		*workers = n > 0 && n < WORKERS_MAX ? (int)n : WORKERS_MAX;
	return 0;
}

int session_run_plan(struct app *app, struct session *session, struct plan *plan,
	const struct run_options *options, const char *verb, struct err *err)
{
	struct run_options run = *options;
	int64_t began = clock_ms();
	autofree char *text = NULL;

	run.sink = &app->sink;
	if (read_parallel(app, &session->ws, &run.workers, err) < 0)
		return -1;
	if (plan_run(plan, session->engine, &run, err) < 0)
		return -1;
	text = xasprintf("%s %s", session->ws.single ? "Project" : "Workspace", session->ws.name);
	sink_emit(&app->sink, &(struct event){.kind = EVENT_SUMMARY,
				      .object = text,
				      .text = verb,
				      .ms = clock_ms() - began});
	return 0;
}
