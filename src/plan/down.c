/*
 * down.c - the plans of `down`, `stop`, `start` and `restart`.
 *
 * They go by labels and not by manifests, so that what was brought up can be taken down when its
 * manifest is gone or broken (salvage.c).  Order comes from the label of dependencies, reversed.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* Is `container` one that the words on the command line mean? */
static bool chosen(const struct plan_request *request, const struct selection *selection,
	const struct container *container)
{
	if (!request->words || !request->words->n)
		return true;
	for (size_t i = 0; i < selection->n; i++)
		if (str_eq(selection->list[i].manifest->project, container->project) &&
			str_eq(selection->list[i].service, container->service))
			return true;
	return false;
}

static const struct manifest *manifest_of(
	const struct plan *plan, const struct container *container)
{
	for (size_t i = 0; i < plan->ws->n; i++)
		if (str_eq(plan->ws->manifests[i].project, container->project))
			return &plan->ws->manifests[i];
	return NULL;
}

/* The service's name as the model has it, which lives longer than the list of containers. */
static const char *borrowed_name(const struct manifest *manifest, const char *service)
{
	const char *key;
	json_t *ignored;

	json_object_foreach (json_object_get(manifest->model, "services"), key, ignored)
		if (str_eq(key, service))
			return key;
	return NULL;
}

static size_t add_container(
	struct plan *plan, enum action_kind kind, const struct container *container)
{
	const struct manifest *manifest = manifest_of(plan, container);
	char *object = container->service && !container->oneoff
			       ? object_service(
					 plan->ws, manifest, container->service, container->number)
			       : xasprintf("container %s", container->name);
	size_t action = plan_add(plan, kind, object, NULL, xstrdup(container->name));

	plan->actions[action].id = xstrdup(container->id);
	plan->actions[action].manifest = manifest;
	plan->actions[action].service = borrowed_name(manifest, container->service);
	return action;
}

/* Does `container` depend on `service` of its own project, by its label? */
static bool depends_on(const struct container *container, const char *service)
{
	autostrv struct strv list = STRV_INIT;

	strv_split(&list, json_str(container->labels, LABEL_DEPENDS), ',');
	for (size_t i = 0; i < list.n; i++) {
		list.v[i][strcspn(list.v[i], ":")] = '\0';
		if (str_eq(list.v[i], service))
			return true;
	}
	return false;
}

static bool requires(const struct manifest *manifest, const struct manifest *other)
{
	return manifest && other && strv_has(&manifest->requires, other->name);
}

/*
 * Order the actions made for containers: `indexes[i]` is the action of containers[i], or NO_ACTION.
 * Who depends waits for what it depends on; reversed when things end.
 */
static void order(
	struct plan *plan, const struct actual *actual, const size_t *indexes, bool reversed)
{
	for (size_t i = 0; i < actual->n; i++) {
		const struct container *one = &actual->containers[i];

		for (size_t k = 0; k < actual->n && indexes[i] != NO_ACTION; k++) {
			const struct container *other = &actual->containers[k];
			bool same = str_eq(one->project, other->project);

			if (indexes[k] == NO_ACTION || !(same ? depends_on(one, other->service)
							      : requires(manifest_of(plan, one),
									manifest_of(plan, other))))
				continue;
			if (reversed)
				plan_need(plan, indexes[k], indexes[i]);
			else
				plan_need(plan, indexes[i], indexes[k]);
		}
	}
}

struct job {
	struct plan *plan;
	const struct plan_request *request;
	struct selection selection;
	struct actual actual;
	size_t *indexes;
};

static int job_begin(struct job *job, struct engine *engine, const struct plan_request *request,
	struct plan *plan, struct err *err)
{
	*job = (struct job){.plan = plan, .request = request};
	*plan = (struct plan){.ws = request->ws};
	if (request->words && request->words->n &&
		selection_make(request, false, &job->selection, err) < 0)
		return -1;
	if (actual_read(engine, request->ws, &job->actual, err) < 0) {
		selection_release(&job->selection);
		return -1;
	}
	job->indexes = xcalloc(job->actual.n, sizeof(*job->indexes));
	return 0;
}

static void job_end(struct job *job)
{
	selection_release(&job->selection);
	actual_release(&job->actual);
	free(job->indexes);
}

/* One action of `kind` for each chosen container that `fits`. */
static void add_all(struct job *job, enum action_kind kind,
	bool (*fits)(const struct container *container), bool reversed)
{
	for (size_t i = 0; i < job->actual.n; i++) {
		const struct container *container = &job->actual.containers[i];

		job->indexes[i] = NO_ACTION;
		if (chosen(job->request, &job->selection, container) && fits(container))
			job->indexes[i] = add_container(job->plan, kind, container);
	}
	order(job->plan, &job->actual, job->indexes, reversed);
}

static bool fits_any(const struct container *container)
{
	return true;
}

static bool fits_running(const struct container *container)
{
	return str_eq(container->state, "running") || str_eq(container->state, "restarting") ||
	       str_eq(container->state, "paused");
}

static bool fits_stopped(const struct container *container)
{
	return !container->oneoff && !fits_running(container);
}

static bool fits_service(const struct container *container)
{
	return !container->oneoff;
}

/* === down === */

/*
 * A network or volume of ours: its project label is one of the workspace's and its folder is here.
 */
static bool ours(const struct plan *plan, const json_t *entry)
{
	json_t *labels = json_object_get(entry, "Labels");
	const char *project = json_str(labels, LABEL_PROJECT), *dir = json_str(labels, LABEL_DIR);

	if (str_eq(json_str(labels, LABEL_WORKSPACE), plan->ws->name) && !project)
		return str_eq(dir, plan->ws->root);
	for (size_t i = 0; i < plan->ws->n; i++)
		if (str_eq(plan->ws->manifests[i].project, project))
			return !dir || str_eq(dir, plan->ws->manifests[i].dir);
	return false;
}

static void add_named(struct job *job, enum action_kind kind, const char *word, json_t *entries)
{
	size_t containers = job->plan->n;
	const char *name;
	json_t *entry;

	json_object_foreach (entries, name, entry) {
		size_t action;

		if (!ours(job->plan, entry))
			continue;
		action = plan_add(
			job->plan, kind, xasprintf("%s %s", word, name), NULL, xstrdup(name));
		for (size_t i = 0; i < containers; i++)
			if (job->plan->actions[i].kind == ACTION_REMOVE)
				plan_need(job->plan, action, i);
	}
}

int plan_down(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct job job;

	if (job_begin(&job, engine, request, plan, err) < 0)
		return -1;
	add_all(&job, ACTION_REMOVE, fits_any, true);
	for (size_t i = 0; i < plan->n; i++)
		if (request->volumes)
			plan->actions[i].extra = json_pack("{s:b}", "volumes", 1);
	if (!request->words || !request->words->n) {
		add_named(&job, ACTION_REMOVE_NETWORK, "network", job.actual.networks);
		if (request->volumes)
			add_named(&job, ACTION_REMOVE_VOLUME, "volume", job.actual.volumes);
	}
	job_end(&job);
	return 0;
}

int plan_stop(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct job job;

	if (job_begin(&job, engine, request, plan, err) < 0)
		return -1;
	add_all(&job, ACTION_STOP, fits_running, true);
	job_end(&job);
	return 0;
}

/* === start, restart === */

/* After each start or restart, wait until it is ready; dependents wait for that. */
static void add_waits(struct job *job)
{
	size_t n = job->plan->n;

	for (size_t i = 0; i < n; i++) {
		const struct action from = job->plan->actions[i];
		size_t ready;

		if (!from.service)
			continue;
		ready = plan_add(
			job->plan, ACTION_READY, xstrdup(from.object), NULL, xstrdup(from.name));
		job->plan->actions[ready].manifest = from.manifest;
		job->plan->actions[ready].service = from.service;
		job->plan->actions[ready].id = xstrdup(from.id);
		plan_need(job->plan, ready, i);
	}
}

int plan_start(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct job job;
	int result = 0;

	if (job_begin(&job, engine, request, plan, err) < 0)
		return -1;
	add_all(&job, ACTION_START, fits_stopped, false);
	for (size_t i = 0; i < job.actual.n && result == 0; i++)
		if (job.indexes[i] != NO_ACTION)
			result = plan_need_files(
				plan, job.indexes[i], &job.actual.containers[i], err);
	add_waits(&job);
	job_end(&job);
	return result;
}

int plan_restart(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct job job;

	if (job_begin(&job, engine, request, plan, err) < 0)
		return -1;
	add_all(&job, ACTION_RESTART, fits_service, false);
	add_waits(&job);
	job_end(&job);
	return 0;
}
