/* snapshots.c - which volume a word means, and who uses it. */
#include "snapshots.h"

#include "lifecycle.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/plan_thin.h"
#include "devenv/signals.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* === what a service keeps its data in === */

/* Where images of databases have it, and below. */
static bool is_data_path(const char *target)
{
	static const char *const paths[] = {"/var/lib/mysql", "/var/lib/postgresql"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (path_below(paths[i], target ? target : ""))
			return true;
	return false;
}

static const json_t *service_model(const struct manifest *manifest, const char *service)
{
	const json_t *model = json_at(manifest->model, "services", service, NULL);

	return model ? model : json_object_get(manifest->inactive, service);
}

/* The key of the one volume that is meant; NULL with err. Borrowed. */
static const char *service_volume(
	const struct manifest *manifest, const char *service, struct err *err)
{
	const json_t *volumes = json_object_get(service_model(manifest, service), "volumes");
	const char *only = NULL, *data = NULL;
	autostrv struct strv keys = STRV_INIT;
	autofree char *text = NULL;
	json_t *volume;
	size_t i;

	json_array_foreach (volumes, i, volume) {
		const char *key = json_str(volume, "source");

		if (!str_eq(json_str(volume, "type"), "volume") || !key)
			continue;
		strv_push(&keys, key);
		only = key;
		if (is_data_path(json_str(volume, "target")))
			data = key;
	}
	if (data || keys.n == 1)
		return data ? data : only;
	text = strv_join(&keys, ", ");
	if (keys.n)
		err_set(err, ERR_USAGE, "service %s has several volumes; name one of them: %s",
			service, text);
	else
		err_set(err, ERR_USAGE,
			"service %s keeps its data in no named volume (give it one under "
			"`volumes:` "
			"in its manifest, and bring it up again)",
			service);
	return NULL;
}

/* === the volume === */

static const char *volume_name(const struct manifest *manifest, const char *key)
{
	return json_str(json_at(manifest->model, "volumes", key, NULL), "name");
}

/* A volume by its key or its engine's name, in any manifest. */
static bool find_volume(const struct workspace *ws, const char *word, struct snapshot_place *place)
{
	for (size_t i = 0; i < ws->n; i++) {
		json_t *volumes = json_object_get(ws->manifests[i].model, "volumes"), *volume;
		const char *key;

		json_object_foreach (volumes, key, volume)
			if (str_eq(key, word) || str_eq(json_str(volume, "name"), word)) {
				place->volume = xstrdup(json_str(volume, "name"));
				place->manifest = &ws->manifests[i];
				return place->volume != NULL;
			}
	}
	return false;
}

/* The first service of the manifest that mounts the volume. */
static const char *find_service(const struct manifest *manifest, const char *volume)
{
	json_t *services = json_object_get(manifest->model, "services"), *service, *mount;
	const char *name;
	size_t i;

	json_object_foreach (services, name, service)
		json_array_foreach (json_object_get(service, "volumes"), i, mount) {
			const char *key = json_str(mount, "source");

			if (key && str_eq(volume_name(manifest, key), volume))
				return name;
		}
	return NULL;
}

/*
 * A word that is a volume's key may be a service, too, which keeps its data in another volume. The
 * engine's own name of a volume is always that.
 */
static int check_meaning(const struct workspace *ws, const char *word,
	const struct snapshot_place *place, struct err *err)
{
	struct err none = ERR_INIT;
	struct manifest *manifest;
	const char *service, *key = NULL;

	if (!str_eq(place->volume, word) &&
		workspace_resolve(ws, word, &manifest, &service, &none) == 0 && service)
		key = service_volume(manifest, service, &none);
	if (!key || str_eq(volume_name(manifest, key), place->volume))
		return 0;
	return err_set(err, ERR_USAGE,
		"\"%s\" is a volume and a service, which keeps its data in another volume: say %s "
		"for the volume, or %s/%s for the service",
		word, place->volume, manifest->name, service);
}

static int find_place(struct session *session, const char *word, const struct actual *actual,
	struct snapshot_place *place, struct err *err)
{
	struct manifest *manifest;
	const char *service, *key;

	if (find_volume(&session->ws, word, place)) {
		place->service = find_service(place->manifest, place->volume);
		return check_meaning(&session->ws, word, place, err);
	}
	if (json_object_get(actual->volumes, word)) {
		place->volume = xstrdup(word);
		return 0;
	}
	if (workspace_resolve(&session->ws, word, &manifest, &service, err) < 0)
		return err_hint(err, "or name a volume: see `devenv volumes`");
	if (!service)
		return err_set(err, ERR_USAGE,
			"\"%s\" is a manifest; name one service of it: %s/SERVICE", word, word);
	key = service_volume(manifest, service, err);
	if (!key)
		return -1;
	place->volume = xstrdup(volume_name(manifest, key));
	place->manifest = manifest;
	place->service = service;
	return place->volume ? 0 : err_set(err, ERR_USAGE, "volume %s has no name", key);
}

const json_t *snapshots_service(const struct snapshot_place *place)
{
	return place->service ? service_model(place->manifest, place->service) : NULL;
}

/* === its users === */

/* What a killed command stopped counts as running: it is to be started again. */
static void add_user(
	const struct workspace *ws, const struct container *container, struct snapshot_place *place)
{
	bool running = str_eq(container->state, "running");
	autostrv struct strv stopped = STRV_INIT;

	strv_push(&place->containers, container->id);
	if (container->oneoff)
		return;
	state_stopped_read(ws->lock_id, &stopped);
	for (size_t i = 0; i < ws->n; i++) {
		autofree char *word = xasprintf("%s/%s", ws->manifests[i].name, container->service);

		if (!str_eq(ws->manifests[i].project, container->project) ||
			!(running || strv_has(&stopped, word)) || strv_has(&place->running, word))
			continue;
		strv_push(&place->running, word);
		place->stopped = place->stopped || strv_has(&stopped, word);
	}
}

void snapshots_data_volumes(const struct workspace *ws, bool databases, struct strv *names)
{
	for (size_t i = 0; i < ws->n; i++) {
		json_t *services = json_object_get(ws->manifests[i].model, "services"), *service;
		const char *name;

		json_object_foreach (services, name, service) {
			json_t *mount;
			size_t k;

			json_array_foreach (json_object_get(service, "volumes"), k, mount) {
				const char *key = json_str(mount, "source");
				const char *volume = key ? volume_name(&ws->manifests[i], key)
							 : NULL;

				if (volume && str_eq(json_str(mount, "type"), "volume") &&
					(!databases || is_data_path(json_str(mount, "target"))) &&
					!strv_has(names, volume))
					strv_push(names, volume);
			}
		}
	}
}

int snapshots_place(
	struct session *session, const char *word, struct snapshot_place *place, struct err *err)
{
	struct actual actual = {0};
	int status;

	if (actual_read(session->engine, &session->ws, &actual, err) < 0)
		return -1;
	status = find_place(session, word, &actual, place, err);
	if (status == 0) {
		place->exists = json_object_get(actual.volumes, place->volume) != NULL;
		for (size_t i = 0; i < actual.n; i++)
			if (actual_mount(actual.containers[i].raw, place->volume))
				add_user(&session->ws, &actual.containers[i], place);
		place->cut = plan_thin_is_cut(&session->ws, place->volume);
		plan_thin_running(&session->ws, place->volume, &place->running);
	}
	actual_release(&actual);
	return status;
}

void snapshot_place_release(struct snapshot_place *place)
{
	free(place->volume);
	strv_release(&place->running);
	strv_release(&place->containers);
	*place = (struct snapshot_place){0};
}

static int run_on(struct app *app, struct session *session, const struct snapshot_place *place,
	plan_fn *make, int timeout_s, bool wait_running, struct err *err)
{
	struct plan_request request = {
		.ws = &session->ws, .words = &place->running, .wait_running = wait_running};
	struct plan plan = {0};
	int status;

	if (!place->running.n)
		return 0;
	status = make(session->engine, &request, &plan, err);
	if (status == 0)
		status = plan_run(&plan, session->engine,
			&(struct run_options){.sink = &app->sink, .stop_timeout_s = timeout_s},
			err);
	plan_release(&plan);
	return status;
}

/*
 * Through one Ctrl-C: half stopped or half started is worse than late. *cancelled is the exit
 * status that it asks for, or 0.
 */
static int run_through(struct app *app, struct session *session, const struct snapshot_place *place,
	plan_fn *make, int timeout_s, int *cancelled, struct err *err)
{
	*cancelled = 0;
	if (run_on(app, session, place, make, timeout_s, place->stopped, err) == 0)
		return 0;
	if (err->kind != ERR_CANCELLED)
		return -1;
	*cancelled = err_exit_status(err);
	signals_forget();
	err_clear(err);
	sink_warn(&app->sink, NULL, "services are brought back first; Ctrl-C once more leaves");
	return run_on(app, session, place, make, timeout_s, false, err);
}

static int interrupted(int status, const char *done, struct err *err)
{
	err_set(err, ERR_CANCELLED, "interrupted%s", done);
	err->status = status;
	return -1;
}

int snapshots_stop(struct app *app, struct session *session, const struct snapshot_place *place,
	int timeout_s, struct err *err)
{
	autofree char *names = strv_join(&place->running, ", ");
	int cancelled;

	if (place->running.n)
		sink_info(&app->sink, NULL, "%s %s stopped meanwhile: a database is copied at rest",
			names, place->running.n == 1 ? "is" : "are");
	if (state_stopped_write(session->ws.lock_id, &place->running, err) < 0)
		return -1;
	if (run_through(app, session, place, plan_stop, timeout_s, &cancelled, err) == 0) {
		if (!cancelled)
			return 0;
		interrupted(cancelled, "", err);
	}
	return snapshots_start_again(app, session, place, -1, err);
}

int snapshots_start(struct app *app, struct session *session, const struct snapshot_place *place,
	struct err *err)
{
	static const struct strv none;
	int before = signals_pending(), cancelled;

	/* Also after Ctrl-C: what was stopped only for a while is not left so. */
	if (before)
		signals_forget();
	if (run_through(app, session, place, plan_start, -1, &cancelled, err) < 0 ||
		state_stopped_write(session->ws.lock_id, &none, err) < 0)
		return -1;
	if (!before && !cancelled)
		return 0;
	return interrupted(before ? 128 + before : cancelled,
		"; the work was done, and the services run, ready or not", err);
}

/* Who was stopped for us comes up again; if not, it is said how he does. */
static int start_stopped(struct app *app, struct session *session,
	const struct snapshot_place *place, struct err *err)
{
	autofree char *words = strv_join(&place->running, " ");

	if (snapshots_start(app, session, place, err) == 0)
		return 0;
	if (err->kind == ERR_CANCELLED)
		return -1;
	if (err->kind == ERR_SERVICE && !strstr(err->msg, "make room") &&
		plan_snapshot_is_full(session->engine, NULL))
		err_hint(err, "; its disk is full (%s)", PLAN_MAKE_ROOM);
	return err_hint(err, "; then: devenv start %s", words);
}

int snapshots_start_again(struct app *app, struct session *session,
	const struct snapshot_place *place, int status, struct err *err)
{
	autofree char *names = strv_join(&place->running, ", ");
	struct err second = ERR_INIT;

	if (status == 0)
		return start_stopped(app, session, place, err);
	if (start_stopped(app, session, place, &second) < 0 && second.kind != ERR_CANCELLED)
		err_hint(err, "; %s could not be started again: %s", names, second.msg);
	return -1;
}

bool snapshots_ended(struct session *session, const struct snapshot_place *place)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < place->containers.n; i++) {
		autojson json_t *container = NULL;

		if (container_inspect(
			    session->engine, place->containers.v[i], &container, &ignored) < 0 ||
			json_int(json_object_get(container, "State"), "ExitCode") != 0)
			return false;
	}
	return place->containers.n > 0;
}

/* === records === */

char *snapshots_undo_name(const char *volume)
{
	return xasprintf("undo/%s", volume);
}

/* Of a save, not what a restore put aside. */
static bool is_of(const json_t *record, const char *volume)
{
	return str_eq(json_str(json_object_get(record, "config"), "volume"), volume) &&
	       !str_starts(json_str(record, "name"), "undo/");
}

json_t *snapshots_newest(const json_t *list, const char *volume)
{
	json_t *record, *newest = NULL;
	const char *at = "";
	size_t i;

	json_array_foreach (list, i, record) {
		const char *created = json_str(json_object_get(record, "config"), "created");

		if (!is_of(record, volume) || !created || strcmp(created, at) < 0)
			continue;
		newest = record;
		at = created;
	}
	return newest;
}

json_t *snapshots_find(struct agent *agent, const char *volume, const char *name, struct err *err)
{
	autojson json_t *list = NULL;
	json_t *record = NULL;

	if (name) {
		if (plan_snapshot_show_by(agent, name, &record, err) < 0)
			return NULL;
		return record;
	}
	if (plan_snapshot_list_by(agent, &list, err) < 0)
		return NULL;
	record = snapshots_newest(list, volume);
	if (!record)
		err_set(err, ERR_SNAPSHOT,
			"there is no snapshot of volume %s (make one: devenv snapshot save %s; or "
			"name another: devenv snapshot list)",
			volume, volume);
	return json_incref(record);
}

bool snapshots_is_reference(const char *name)
{
	size_t first = strcspn(name, "/");

	return str_starts(name, "localhost/") || (name[first] && strcspn(name, ".:") < first);
}

char *snapshots_database(const json_t *record)
{
	static const char *const names[] = {"", "PostgreSQL ", "MariaDB ", "MySQL "};
	const json_t *facts = json_at(record, "config", "engine", NULL);
	enum datadir_kind kind = datadir_kind_of(json_str(facts, "kind"));
	const char *version = json_str(facts, "version");

	return xasprintf("%s%s", kind < DATADIR_KINDS ? names[kind] : "", version ? version : "");
}
