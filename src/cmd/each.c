/* each.c - one request for each chosen container. */
#include "each.h"

#include "devenv/mem.h"
#include "devenv/str.h"

bool each_chosen(
	const struct workspace *ws, const struct strv *words, const struct container *container)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < words->n; i++) {
		struct manifest *manifest;
		const char *service;

		if (workspace_resolve(ws, words->v[i], &manifest, &service, &ignored) == 0 &&
			str_eq(manifest->project, container->project) &&
			(!service || str_eq(service, container->service)))
			return true;
	}
	return !words->n;
}

bool container_runs(const struct container *container)
{
	return str_eq(container->state, "running") || str_eq(container->state, "paused") ||
	       str_eq(container->state, "restarting");
}

static void emit(struct app *app, enum event_kind kind, const char *object, const char *text)
{
	if (text)
		sink_emit(
			&app->sink, &(struct event){.kind = kind, .object = object, .text = text});
}

static int run_one(struct app *app, struct session *session, const struct each *each,
	const struct container *container, struct err *err)
{
	autofree char *object = xasprintf("container %s", container->name);

	emit(app, EVENT_START, object, each->doing);
	if (each->run(each->ctx, session, container, err) < 0)
		return err->kind == ERR_EXIT ? -1 : err_wrap(err, "%s", object);
	emit(app, EVENT_DONE, object, each->done);
	return 0;
}

static int run_all(struct app *app, struct session *session, const struct strv *words,
	const struct each *each, const struct actual *actual, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];

		if (container->oneoff || !each_chosen(&session->ws, words, container) ||
			(!each->all && !container_runs(container)) ||
			(each->no_orphans && session_is_orphan(session, container)))
			continue;
		n++;
		if (run_one(app, session, each, container, err) < 0)
			return -1;
	}
	if (!n && each->needs_one)
		return err_set(err, ERR_FAILED, "no such container runs; `devenv up` starts them");
	return 0;
}

int each_container(struct app *app, int argc, char **argv, const struct each *each, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct actual actual = {0};
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	if (session_check_words(&session, argc, argv, err) < 0 ||
		actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	result = run_all(app, &session, &words, each, &actual, err);
	actual_release(&actual);
	return result;
}
