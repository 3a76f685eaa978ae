/*
 * down.c - the plans of `down`, `stop`, `start` and `restart`.
 *
 * What is there is known by its labels, and its order by the label of dependencies, reversed.  What
 * `down` takes is what docker compose's takes: the containers, networks and volumes of the
 * manifests.  When those are gone or broken, labels stand for them (salvage.c).
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

struct job {
	struct plan *plan;
	const struct plan_request *request;
	struct selection selection;
	struct actual actual;
	struct engine *engine;
	size_t *indexes;
	bool podman;
};

static bool has_words(const struct job *job)
{
	return job->request->words && job->request->words->n;
}

/* Is `container` one that the words on the command line mean? */
static bool chosen(const struct job *job, const struct container *container)
{
	for (size_t i = 0; i < job->selection.n; i++)
		if (str_eq(job->selection.list[i].manifest->project, container->project) &&
			str_eq(job->selection.list[i].service, container->service))
			return true;
	return !has_words(job);
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
	json_t *const places[] = {json_object_get(manifest->model, "services"), manifest->inactive};
	const char *key;
	json_t *ignored;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		json_object_foreach (places[i], key, ignored)
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

static int job_begin(struct job *job, struct engine *engine, const struct plan_request *request,
	struct plan *plan, struct err *err)
{
	*job = (struct job){.plan = plan,
		.request = request,
		.engine = engine,
		.podman = engine_facts(engine)->podman};
	*plan = (struct plan){.ws = request->ws};
	if (has_words(job) && selection_make(request, false, &job->selection, err) < 0)
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

/* One action of `kind` for each container that `fits`. */
static void add_all(struct job *job, enum action_kind kind,
	bool (*fits)(struct job *job, const struct container *container), bool reversed)
{
	for (size_t i = 0; i < job->actual.n; i++) {
		const struct container *container = &job->actual.containers[i];

		job->indexes[i] = NO_ACTION;
		if (fits(job, container))
			job->indexes[i] = add_container(job->plan, kind, container);
	}
	order(job->plan, &job->actual, job->indexes, reversed);
}

static bool is_running(const struct container *container)
{
	return str_eq(container->state, "running") || str_eq(container->state, "restarting") ||
	       str_eq(container->state, "paused") || str_eq(container->state, "stopping");
}

static bool fits_running(struct job *job, const struct container *container)
{
	return chosen(job, container) && is_running(container);
}

static bool fits_stopped(struct job *job, const struct container *container)
{
	struct err ignored = ERR_INIT;

	return chosen(job, container) && !container->oneoff &&
	       (!is_running(container) ||
		       container_alive(job->engine, container->id, &ignored) == 0);
}

static bool fits_service(struct job *job, const struct container *container)
{
	return chosen(job, container) && !container->oneoff;
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

/*
 * As with Compose: one-off containers and those whose service is in no manifest go only with
 * --remove-orphans, and those of inactive profiles only when they are named.
 */
static bool fits_down(struct job *job, const struct container *container)
{
	const struct manifest *manifest = manifest_of(job->plan, container);
	bool orphans = job->request->remove_orphans;

	if (container->oneoff && (!orphans || !is_running(container)))
		return orphans;
	if (!borrowed_name(manifest, container->service)) {
		if (!orphans && !container->oneoff)
			strv_push(&job->plan->orphans, container->name);
		return orphans && !container->oneoff;
	}
	if (has_words(job))
		return chosen(job, container);
	return json_at(manifest->model, "services", container->service, NULL) != NULL;
}

/* Docker lets a network go that only stopped containers are on, Podman does not. */
static bool is_on(const struct job *job, const struct container *container, const char *network)
{
	return (job->podman || is_running(container)) &&
	       json_at(container->raw, "NetworkSettings", "Networks", network, NULL);
}

/* A container that stays and uses it, or NULL. */
static const struct container *user_of(
	const struct job *job, enum action_kind kind, const char *name)
{
	for (size_t i = 0; i < job->actual.n; i++) {
		const struct container *container = &job->actual.containers[i];

		if (job->indexes[i] == NO_ACTION &&
			(kind == ACTION_REMOVE_VOLUME ? actual_mount(container->raw, name) != NULL
						      : is_on(job, container, name)))
			return container;
	}
	return NULL;
}

static void add_named(struct job *job, enum action_kind kind, const char *name)
{
	bool volume = kind == ACTION_REMOVE_VOLUME;
	const char *word = volume ? "volume" : "network";
	json_t *there = volume ? job->actual.volumes : job->actual.networks;
	const struct container *user = user_of(job, kind, name);
	size_t action;

	if (!ours(job->plan, json_object_get(there, name)))
		return;
	if (user) {
		strv_pushf(&job->plan->warnings, "%s %s stays: container %s uses it", word, name,
			user->name);
		return;
	}
	action = plan_add(job->plan, kind, xasprintf("%s %s", word, name), NULL, xstrdup(name));
	for (size_t i = 0; i < action; i++)
		if (job->plan->actions[i].kind == ACTION_REMOVE)
			plan_need(job->plan, action, i);
}

static void add_section(struct job *job, enum action_kind kind, const json_t *section)
{
	const char *key;
	json_t *definition;

	json_object_foreach ((json_t *)section, key, definition)
		if (!json_bool(definition, "external"))
			add_named(job, kind, json_str(definition, "name"));
}

/* What the named services and those that they depend on use; without words all of it. */
static json_t *scope(const struct job *job, const struct manifest *manifest)
{
	autostrv struct strv services = STRV_INIT;

	if (!has_words(job))
		return json_incref(manifest->model);
	for (size_t i = 0; i < job->selection.n; i++)
		if (job->selection.list[i].manifest == manifest)
			strv_push(&services, job->selection.list[i].service);
	return manifest_subset(manifest->model, &services);
}

static void add_resources(struct job *job)
{
	const struct workspace *ws = job->plan->ws;
	autofree char *shared = shared_network(ws);

	for (size_t i = 0; i < ws->n; i++) {
		autojson json_t *model = scope(job, &ws->manifests[i]);

		add_section(job, ACTION_REMOVE_NETWORK, json_object_get(model, "networks"));
		if (job->request->volumes)
			add_section(job, ACTION_REMOVE_VOLUME, json_object_get(model, "volumes"));
	}
	if (shared && !has_words(job))
		add_named(job, ACTION_REMOVE_NETWORK, shared);
}

int plan_down(struct engine *engine, const struct plan_request *request, struct plan *plan,
	struct err *err)
{
	struct job job;

	if (job_begin(&job, engine, request, plan, err) < 0)
		return -1;
	add_all(&job, ACTION_REMOVE, fits_down, true);
	for (size_t i = 0; i < plan->n; i++)
		if (request->volumes && plan->actions[i].service)
			plan->actions[i].extra = json_pack("{s:b}", "volumes", 1);
	add_resources(&job);
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

/* Who runs may have been started a moment ago. */
static void wait_running(struct job *job)
{
	for (size_t i = 0; i < job->actual.n; i++)
		if (job->indexes[i] == NO_ACTION && fits_running(job, &job->actual.containers[i]) &&
			!job->actual.containers[i].oneoff)
			add_container(job->plan, ACTION_READY, &job->actual.containers[i]);
}

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
	if (request->wait_running)
		wait_running(&job);
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
