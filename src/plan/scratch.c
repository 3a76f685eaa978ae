/*
 * scratch.c - making, starting, stopping and removing a scratch server (scratch.h).
 *
 * The volume is made first and removed last: whoever sweeps finds by it what else there is.
 */
#include "scratch.h"

#include "dbclient.h"
#include "helper.h"
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An image's scripts for a new data directory may take their time; a big pool its own to flush. */
#define ANSWERS_WITHIN_MS (30 * 60 * 1000)
#define STOPS_WITHIN_S 1800

/* So often one that does not answer is looked after: with less room than that no server starts. */
#define LOOK_MS 15000
#define FULL_BYTES ((int64_t)4 << 20)

/* Of what a server says about its end. */
#define LOG_LINES 200
#define LOG_MAX ((size_t)1 << 20)

#define PAUSE_MS 50
#define PAUSE_MAX_MS 500

struct scratch {
	struct engine *engine;
	struct scratch_spec spec;
	struct helper helper;
	char *volume;
	bool made; /* the volume */
	char *container;
};

/* === the container === */

/* What of `like` it gets: nothing that reaches, or is reached by, anything else. */
static const char *const body_keys[] = {
	"Env", "Cmd", "Entrypoint", "User", "WorkingDir", "StopSignal", NULL};
static const char *const host_keys[] = {"Tmpfs", "ShmSize", "Ulimits", "CapAdd", "CapDrop",
	"SecurityOpt", "ReadonlyRootfs", "Init", "UsernsMode", NULL};

static void copy_keys(json_t *to, const json_t *from, const char *const *keys)
{
	for (; *keys; keys++)
		if (json_object_get(from, *keys))
			json_object_set(to, *keys, json_object_get(from, *keys));
}

/* "SOURCE:TARGET:rw,z" of a folder or file of the host, not to be written; NULL: a volume. */
static char *bind_to_read(const char *bind)
{
	const char *target = strchr(bind, ':'), *options = target ? strchr(target + 1, ':') : NULL;
	const char *more = options ? strchr(options, ',') : NULL;

	if (*bind != '/' || !target)
		return NULL;
	return xasprintf("%.*s:ro%s", options ? (int)(options - bind) : (int)strlen(bind), bind,
		more ? more : "");
}

static void copy_mounts(json_t *host, const json_t *from)
{
	json_t *binds = json_array(), *mounts = json_array(), *item;
	size_t i;

	json_array_foreach (json_object_get(from, "Binds"), i, item) {
		autofree char *bind = bind_to_read(json_string_value(item));

		if (bind)
			json_array_append_new(binds, json_string(bind));
	}
	json_array_foreach (json_object_get(from, "Mounts"), i, item) {
		json_t *copy;

		if (str_eq(json_str(item, "Type"), "volume"))
			continue;
		copy = json_copy(item);
		if (!str_eq(json_str(item, "Type"), "tmpfs"))
			json_object_set_new(copy, "ReadOnly", json_true());
		json_array_append_new(mounts, copy);
	}
	json_object_set_new(host, "Binds", binds);
	json_object_set_new(host, "Mounts", mounts);
}

/* Is it the server's own command line, so that its options may follow? */
static bool is_server(const json_t *command)
{
	static const char *const programs[] = {"mariadbd", "mysqld", "postgres"};
	const char *first = json_string_value(json_array_get(command, 0));

	if (!first || *first == '-')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (str_eq(first, programs[i]))
			return true;
	return false;
}

/*
 * Options without which only a crash would be survived, and with which long statements are taken.
 */
static void add_fast(json_t *body, const json_t *image)
{
	static const char *const mysql[] = {"--innodb-flush-log-at-trx-commit=0",
		"--innodb-doublewrite=OFF", "--skip-log-bin", "--max-allowed-packet=1073741824",
		NULL};
	static const char *const postgres[] = {"-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "max_wal_size=4GB", "-c",
		"checkpoint_timeout=30min", "-c", "maintenance_work_mem=256MB", NULL};
	const json_t *env = json_at(image, "Config", "Env", NULL);
	const json_t *command = json_object_get(body, "Cmd");
	struct datadir_server server;
	const char *const *option;
	json_t *longer;

	if (!json_array_size(command))
		command = json_at(image, "Config", "Cmd", NULL);
	datadir_server_from_env(env, &server);
	option = server.kind == DATADIR_POSTGRES ? postgres : mysql;
	if (server.kind == DATADIR_OPAQUE || json_object_get(body, "Entrypoint") ||
		!is_server(command)) {
		datadir_server_release(&server);
		return;
	}
	datadir_server_release(&server);
	longer = json_array();
	json_array_extend(longer, (json_t *)command);
	for (; *option; option++)
		json_array_append_new(longer, json_string(*option));
	json_object_set_new(body, "Cmd", longer);
}

/* `like`: the service's own; `target`: where the data goes. */
static json_t *make_body(
	const struct scratch *scratch, const json_t *image, const json_t *like, const char *target)
{
	const struct scratch_spec *spec = &scratch->spec;
	json_t *body = json_object(), *host = json_object();

	copy_keys(body, like, body_keys);
	copy_keys(host, json_object_get(like, "HostConfig"), host_keys);
	copy_mounts(host, json_object_get(like, "HostConfig"));
	json_array_append_new(json_object_get(host, "Mounts"),
		json_pack("{s:s, s:s, s:s}", "Type", "volume", "Source", scratch->volume, "Target",
			target));
	json_set_str(host, "NetworkMode", "none");
	json_set_str(body, "Image", spec->image);
	json_object_set_new(body, "Healthcheck", json_pack("{s:[s]}", "Test", "NONE"));
	json_object_set_new(body, "Labels",
		json_pack(
			"{s:s, s:s}", LABEL_HELPER, "scratch", LABEL_SCRATCH, scratch->helper.id));
	json_object_set_new(body, "HostConfig", host);
	if (spec->fast)
		add_fast(body, image);
	return body;
}

/* === its image === */

static bool is_built(const struct scratch_spec *spec)
{
	autofree char *own = plan_image(spec->manifest, spec->service);

	return str_eq(own, spec->image) &&
	       json_object_get(model_service(spec->manifest, spec->service), "build");
}

int scratch_image(
	struct engine *engine, const struct scratch_spec *spec, json_t **image, struct err *err)
{
	if (image_inspect(engine, spec->image, image, err) == 0)
		return 0;
	if (err->status != 404)
		return -1;
	err_clear(err);
	if (is_built(spec))
		return err_set(err, ERR_SNAPSHOT,
			"image %s of service %s is not built yet: devenv build %s", spec->image,
			spec->service, spec->service);
	if (image_pull(engine, spec->image, NULL, spec->sink, err) < 0)
		return -1;
	return image_inspect(engine, spec->image, image, err);
}

/* === opening and closing === */

static int make_volume(struct scratch *scratch, struct err *err)
{
	autojson json_t *body = json_pack("{s:s, s:{s:s, s:s}}", "Name", scratch->volume, "Labels",
		LABEL_HELPER, "scratch", LABEL_SCRATCH, scratch->helper.id);

	if (engine_post(scratch->engine, body, NULL, err, "/volumes/create") < 0)
		return -1;
	scratch->made = true;
	return 0;
}

/* Where the service has the volume; borrowed. */
static const char *find_target(const struct scratch_spec *spec)
{
	json_t *volumes = json_object_get(model_service(spec->manifest, spec->service), "volumes");
	json_t *volume;
	size_t i;

	json_array_foreach (volumes, i, volume) {
		const char *key = json_str(volume, "source");

		if (key && str_eq(json_str(volume, "type"), "volume") &&
			str_eq(model_name(spec->manifest, "volumes", key), spec->volume))
			return json_str(volume, "target");
	}
	return NULL;
}

static int make_container(struct scratch *scratch, struct err *err)
{
	const struct scratch_spec *spec = &scratch->spec;
	const char *target = find_target(spec);
	autojson json_t *image = NULL, *body = NULL, *extra = NULL, *files = json_object();
	autojson json_t *like = NULL;

	if (!target)
		return err_set(err, ERR_SNAPSHOT, "service %s does not mount volume %s",
			spec->service, spec->volume);
	like = plan_body(spec->ws, spec->manifest, spec->service, 1, NULL, &extra, err);
	if (!like || image_inspect(scratch->engine, spec->image, &image, err) < 0)
		return -1;
	body = make_body(scratch, image, like, target);
	if (container_create(scratch->engine, scratch->volume, NULL, body, NULL,
		    &scratch->container, err) < 0)
		return -1;
	/* No networks. */
	if (json_object_get(extra, "files"))
		json_object_set(files, "files", json_object_get(extra, "files"));
	return plan_complete(scratch->engine, scratch->container, files, spec->sink, err);
}

struct scratch *scratch_open(
	struct engine *engine, const struct scratch_spec *spec, struct err *err)
{
	struct scratch *scratch = xcalloc(1, sizeof(*scratch));

	*scratch = (struct scratch){.engine = engine, .spec = *spec, .helper = HELPER_NONE};
	if (scratch_sweep(engine, err) == 0 &&
		helper_new(&scratch->helper, HELPER_SCRATCH, "a scratch server", err) == 0) {
		scratch->volume = xasprintf("devenv-scratch-%s", scratch->helper.id);
		if (make_volume(scratch, err) == 0 && make_container(scratch, err) == 0)
			return scratch;
	}
	scratch_close(scratch);
	err_wrap(err, "make a scratch server of image %s", spec->image);
	return NULL;
}

static int remove_volume(struct engine *engine, const char *volume, struct err *err)
{
	autofree char *name = engine_escape(volume);

	if (engine_delete(engine, err, "/volumes/%s?force=1", name) == 0 || err->status == 404) {
		err_clear(err);
		return 0;
	}
	return -1;
}

void scratch_close(struct scratch *scratch)
{
	struct err err = ERR_INIT;
	bool gone;

	if (!scratch)
		return;
	gone = (!scratch->container ||
		       container_remove(scratch->engine, scratch->container, true, &err) == 0) &&
	       (!scratch->made || remove_volume(scratch->engine, scratch->volume, &err) == 0);
	if (!gone)
		sink_warn(scratch->spec.sink, scratch->spec.object,
			"the scratch server %s could not be removed: %s", scratch->volume, err.msg);
	helper_release(&scratch->helper, gone);
	free(scratch->container);
	free(scratch->volume);
	free(scratch);
}

const char *scratch_volume(const struct scratch *scratch)
{
	return scratch->volume;
}

const char *scratch_container(const struct scratch *scratch)
{
	return scratch->container;
}

/* === running === */

/*
 * Did it find the disk full?  Its last lines may be about anything else, and there are none when
 * the engine had no room for them; what it wrote may be gone by now, so that there is room again.
 */
static bool found_full(const struct scratch *scratch)
{
	autobuf struct buf text = BUF_INIT(LOG_MAX);

	ready_read_log(scratch->engine, scratch->container, false, LOG_LINES, &text);
	return text.len ? ready_tells_full(buf_str(&text))
			: plan_snapshot_is_full(scratch->engine, scratch->volume);
}

static int died(const struct scratch *scratch, const json_t *state, struct err *err)
{
	autofree char *lines = ready_last_lines(scratch->engine, scratch->container, false);

	return err_set(err, ERR_SNAPSHOT, "the scratch server ended with status %d%s%s%s",
		(int)json_int(state, "ExitCode"),
		found_full(scratch) ? ": its disk was full (" PLAN_MAKE_ROOM ")" : "",
		*lines ? "; its last lines:" : "", lines);
}

/* 1: it runs; -1 with err. */
static int check_running(const struct scratch *scratch, struct err *err)
{
	autojson json_t *inspect = NULL;
	json_t *state;

	if (container_inspect(scratch->engine, scratch->container, &inspect, err) < 0)
		return -1;
	state = json_object_get(inspect, "State");
	return json_bool(state, "Running") ? 1 : died(scratch, state, err);
}

static int check_room(const struct scratch *scratch, struct err *err)
{
	autojson json_t *probe = NULL;

	if (plan_snapshot_probe(scratch->engine, scratch->volume, &probe, err) < 0)
		return -1;
	if (json_int(json_object_get(probe, "target"), "free") >= FULL_BYTES)
		return 0;
	err_os(err, ERR_SNAPSHOT, ENOSPC, "the scratch server does not answer");
	return err_hint(err, PLAN_MAKE_ROOM);
}

static int wait_answers(struct scratch *scratch, struct dbclient *client, struct err *err)
{
	int64_t deadline = clock_ms() + ANSWERS_WITHIN_MS, look = clock_ms() + LOOK_MS;
	int pause = PAUSE_MS, answers;

	while ((answers = dbclient_answers(client, err)) <= 0) {
		struct err gone = ERR_INIT;

		/* Nothing can be run in a container that has ended: its own words tell why. */
		if (check_running(scratch, &gone) < 0) {
			*err = gone;
			return -1;
		}
		if (answers < 0)
			return -1;
		if (signals_pending())
			return err_set(err, ERR_CANCELLED, "interrupted");
		if (clock_ms() > deadline)
			return err_set(err, ERR_SNAPSHOT, "the scratch server does not answer");
		if (clock_ms() > look) {
			if (check_room(scratch, err) < 0)
				return -1;
			look = clock_ms() + LOOK_MS;
		}
		clock_sleep_ms(pause);
		pause = pause * 3 / 2 < PAUSE_MAX_MS ? pause * 3 / 2 : PAUSE_MAX_MS;
	}
	return 0;
}

int scratch_start(struct scratch *scratch, struct err *err)
{
	autodbclient struct dbclient client = {0};
	struct err gone = ERR_INIT;

	if (container_start(scratch->engine, scratch->container, err) < 0)
		return err_wrap(err, "start a scratch server");
	if (dbclient_find(scratch->engine, scratch->container, &client, err) == 0)
		return wait_answers(scratch, &client, err);
	if (check_running(scratch, &gone) < 0)
		*err = gone;
	return -1;
}

void scratch_explain(const struct scratch *scratch, struct err *err)
{
	autofree char *lines = ready_last_lines(scratch->engine, scratch->container, false);
	struct err gone = ERR_INIT;

	if (err->kind == ERR_CANCELLED)
		return;
	/* Its clients are killed with it, amid a word. */
	if (check_running(scratch, &gone) < 0 && gone.kind == ERR_SNAPSHOT)
		*err = gone;
	else if (ready_tells_full(err->msg))
		err_hint(err, PLAN_MAKE_ROOM);
	else if (*lines && strstr(err->msg, "onnection"))
		err_hint(err, "; the server's last lines:%s", lines);
}

int scratch_stop(struct scratch *scratch, struct err *err)
{
	autojson json_t *inspect = NULL;
	json_t *state;

	if (container_stop(scratch->engine, scratch->container, STOPS_WITHIN_S, err) < 0 ||
		container_inspect(scratch->engine, scratch->container, &inspect, err) < 0)
		return err_wrap(err, "stop the scratch server");
	state = json_object_get(inspect, "State");
	return json_int(state, "ExitCode") == 0 ? 0 : died(scratch, state, err);
}

/* === sweeping === */

static int sweep_containers(struct engine *engine, const char *id, struct err *err)
{
	autofree char *label = xasprintf("%s=%s", LABEL_SCRATCH, id);
	autofree char *filters = engine_filters("label", label, NULL);
	autojson json_t *list = NULL;
	json_t *item;
	size_t i;

	if (engine_get(engine, &list, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return -1;
	json_array_foreach (list, i, item)
		if (container_remove(engine, json_str(item, "Id"), true, err) < 0)
			return -1;
	return 0;
}

int scratch_sweep(struct engine *engine, struct err *err)
{
	autofree char *filters = engine_filters("label", LABEL_HELPER "=scratch", NULL);
	autojson json_t *list = NULL;
	json_t *item;
	size_t i;

	if (engine_get(engine, &list, err, "/volumes?filters=%s", filters) < 0)
		return -1;
	json_array_foreach (json_object_get(list, "Volumes"), i, item) {
		const char *id = json_str(json_object_get(item, "Labels"), LABEL_SCRATCH);
		struct helper helper;
		bool gone;

		if (!helper_take(&helper, HELPER_SCRATCH, id))
			continue;
		gone = sweep_containers(engine, id, err) == 0 &&
		       remove_volume(engine, json_str(item, "Name"), err) == 0;
		helper_release(&helper, gone);
		if (!gone)
			return err_wrap(err, "remove what a killed run left");
	}
	return 0;
}
