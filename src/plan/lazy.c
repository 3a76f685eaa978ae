/* lazy.c - a container that restores its volumes itself, and what it does (lazy.h). */
#include "lazy.h"

#include "agent.h"
#include "agent_container.h"
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/signals.h"
#include "devenv/state.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* An image that exposes more is none of a database. */
#define PORTS_MAX 64

#define WAKE_MS 50

/* === which volumes === */

/* What is known of a volume that began as lazy; NULL: nothing, or it did not. */
static json_t *lazy_record(const struct workspace *ws, const char *volume)
{
	json_t *record = state_volume_read(ws->lock_id, volume);

	if (json_bool(record, "lazy"))
		return record;
	json_decref(record);
	return NULL;
}

static json_t *lazy_volume(const char *name, const char *target, const json_t *snapshot)
{
	return json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "volume", name, "target", target,
		"snapshot", json_str(snapshot, "url"), "digest", json_str(snapshot, "digest"),
		"engine", json_str(snapshot, "engine"));
}

static int add_volume(const struct workspace *ws, const struct manifest *manifest,
	const json_t *mount, json_t *list, struct err *err)
{
	const char *key = json_str(mount, "source"), *target = json_str(mount, "target");
	json_t *definition = json_at(manifest->model, "volumes", key, NULL);
	json_t *snapshot = json_object_get(definition, "x-snapshot");
	const char *name = json_str(definition, "name"), *source = json_str(snapshot, "url");
	autojson json_t *record = name ? lazy_record(ws, name) : NULL;

	if (!name || json_bool(definition, "external"))
		return 0;
	if (json_bool(snapshot, "lazy")) {
		if (restore_is_archive(source, manifest->dir))
			return err_set(err, ERR_MANIFEST,
				"volume %s: x-snapshot.lazy is for snapshots, and %s is an archive "
				"(`devenv snapshot import` makes a snapshot of it)",
				name, source);
		json_array_append_new(list, lazy_volume(name, target, snapshot));
	} else if (json_str(record, "source")) {
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:O}", "volume", name, "target", target,
				      "snapshot", json_object_get(record, "source")));
	}
	return 0;
}

json_t *lazy_volumes(const struct workspace *ws, const struct manifest *manifest,
	const char *service, struct err *err)
{
	json_t *mounts = json_object_get(model_service(manifest, service), "volumes"), *mount;
	autojson json_t *list = json_array();
	size_t i;

	json_array_foreach (mounts, i, mount)
		if (str_eq(json_str(mount, "type"), "volume") && json_str(mount, "source") &&
			!json_bool(mount, "read_only") &&
			add_volume(ws, manifest, mount, list, err) < 0)
			return NULL;
	return TAKE(list);
}

/* === its snapshot === */

static int lend(struct engine *engine, const struct lazy_ask *ask, const json_t *volume,
	json_t **lent, struct err *err)
{
	struct agent_spec spec = {
		.volume = json_str(volume, "volume"), .object = ask->object, .sink = ask->sink};
	autojson json_t *request = json_pack(
		"{s:s, s:s}", "do", "lend", "name", json_str(volume, "snapshot"));
	struct agent *agent = agent_open(engine, &spec, err);
	int status;

	if (!agent)
		return -1;
	status = agent_ask(agent, &(struct agent_question){.request = request}, lent, err);
	agent_close(agent);
	return status;
}

/* The volume sleeps: is that what it shall wake up with? Then it is remembered. */
static int check(struct engine *engine, const struct lazy_ask *ask, const json_t *volume,
	const json_t *snapshot, const json_t *body, struct err *err)
{
	autojson json_t *service = json_pack("{s:O*, s:O*}", "entrypoint",
		json_object_get(body, "Entrypoint"), "command", json_object_get(body, "Cmd"));
	struct restore_ask restore = {.volume = json_str(volume, "volume"),
		.reference = json_str(volume, "snapshot"),
		.digest = json_str(volume, "digest"),
		.kind = json_str(volume, "engine"),
		.image = json_str(body, "Image"),
		.service = service,
		.sink = ask->sink};
	autojson json_t *record = plan_snapshot_origin(snapshot);

	if (restore_check(engine, &restore, snapshot, err) < 0)
		return -1;
	json_object_set_new(record, "lazy", json_true());
	return state_volume_write(ask->ws->lock_id, restore.volume, record, err);
}

/* Add the volume to `lazy`, unless it has its data and nothing is known of a snapshot. */
static int prepare(struct engine *engine, const struct lazy_ask *ask, const json_t *volume,
	const json_t *body, json_t *lazy, struct err *err)
{
	const char *reference = json_str(volume, "snapshot");
	autojson json_t *lent = NULL;
	json_t *snapshot;
	bool empty;

	if (lend(engine, ask, volume, &lent, err) < 0)
		return -1;
	empty = json_bool(lent, "empty");
	if (empty && !json_object_get(lent, "snapshot")) {
		json_decref(TAKE(lent));
		if (restore_fetch(engine, reference, ask->pull, ask->sink, err) < 0 ||
			lend(engine, ask, volume, &lent, err) < 0)
			return -1;
	}
	snapshot = json_object_get(lent, "snapshot");
	if (empty && check(engine, ask, volume, snapshot, body, err) < 0)
		return -1;
	if (!snapshot)
		return 0;
	json_object_set(lazy, "program", json_object_get(lent, "program"));
	json_array_append_new(json_object_get(lazy, "volumes"),
		json_pack("{s:s, s:s, s:s}", "target", json_str(volume, "target"), "snapshot",
			reference, "digest", json_str(snapshot, "digest")));
	return 0;
}

/* === its container === */

/* "3306/tcp", "3000-3005/tcp", "80": those of UDP wake nobody. */
static void add_ports(const json_t *exposed, json_t *ports)
{
	const char *key;
	json_t *ignored;

	json_object_foreach ((json_t *)exposed, key, ignored) {
		autofree char *text = xstrndup(key, strcspn(key, "/"));
		char *dash = strchr(text, '-');
		uint16_t first, last;

		if (strchr(key, '/') && !str_ends(key, "/tcp"))
			continue;
		if (dash)
			*dash++ = '\0';
		if (!parse_port(text, &first) || !parse_port(dash ? dash : text, &last))
			continue;
		for (unsigned port = first; port <= last; port++) {
			bool known = false;
			json_t *each;
			size_t i;

			json_array_foreach (ports, i, each)
				known |= json_integer_value(each) == port;
			if (!known && json_array_size(ports) < PORTS_MAX)
				json_array_append_new(ports, json_integer(port));
		}
	}
}

static bool is_root(const char *user)
{
	size_t len = user ? strcspn(user, ":") : 0;

	return !len || (len == 1 && *user == '0') || (len == 4 && str_starts(user, "root"));
}

/* What the image has at the mount's place is not copied into the volume, which is to stay empty. */
static void keep_empty(json_t *host, const char *volume)
{
	autofree char *start = xasprintf("%s:", volume);
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(host, "Binds"), i, item)
		if (str_starts(json_string_value(item), start)) {
			autofree char *bind = xasprintf("%s,nocopy", json_string_value(item));

			json_array_set_new(
				json_object_get(host, "Binds"), i, json_string_safe(bind));
		}
	json_array_foreach (json_object_get(host, "Mounts"), i, item) {
		json_t *options = json_object_get(item, "VolumeOptions");

		if (!str_eq(json_str(item, "Source"), volume))
			continue;
		if (!options)
			json_object_set_new(item, "VolumeOptions", options = json_object());
		json_object_set_new(options, "NoCopy", json_true());
	}
}

static void wrap(json_t *body, const json_t *image, const json_t *lazy)
{
	json_t *host = json_object_get(body, "HostConfig");
	autofree char *text = json_print(lazy);

	json_object_set_new(body, "Cmd",
		image_command(
			image, json_object_get(body, "Entrypoint"), json_object_get(body, "Cmd")));
	json_object_set_new(body, "Entrypoint",
		json_pack("[s, s, s]", json_str(lazy, "program"), "lazy", text));
	json_array_append_new(json_object_get(host, "Mounts"), agent_cache_mount(false));
	json_set_str(json_object_get(body, "Labels"), LABEL_LAZY, text);
}

int lazy_arrange(struct engine *engine, const struct lazy_ask *ask, json_t *body, struct err *err)
{
	const char *ref = json_str(body, "Image"), *user = json_str(body, "User");
	autojson json_t *image = NULL, *lazy = json_pack("{s:[], s:[]}", "ports", "volumes");
	json_t *ports = json_object_get(lazy, "ports"), *volume;
	size_t i;

	if (image_inspect(engine, ref, &image, err) < 0)
		return -1;
	if (str_empty(user))
		user = json_str(json_object_get(image, "Config"), "User");
	if (!is_root(user))
		return err_set(err, ERR_MANIFEST,
			"x-snapshot.lazy: a container that restores its volume itself has to begin "
			"as root, and image %s runs as %s; leave `lazy` out",
			ref, user);
	if (!ask->oneoff) {
		add_ports(json_object_get(body, "ExposedPorts"), ports);
		add_ports(json_at(image, "Config", "ExposedPorts", NULL), ports);
	}
	json_array_foreach ((json_t *)ask->volumes, i, volume) {
		if (prepare(engine, ask, volume, body, lazy, err) < 0)
			return -1;
		keep_empty(json_object_get(body, "HostConfig"), json_str(volume, "volume"));
	}
	if (!json_array_size(json_object_get(lazy, "volumes")))
		return 0;
	if (!json_array_size(ports) && !ask->oneoff)
		sink_warn(ask->sink, ask->object,
			"no TCP port could wake it (`expose:` names one): its volume is restored "
			"when it starts");
	wrap(body, image, lazy);
	return 0;
}

/* === what it does === */

static json_t *lazy_of(const json_t *labels)
{
	const char *text = json_str(labels, LABEL_LAZY);
	struct err ignored = ERR_INIT;

	return text ? json_parse(text, strlen(text), "label", &ignored) : NULL;
}

json_t *lazy_all(struct engine *engine, struct err *err)
{
	autofree char *filters = engine_filters("label", LABEL_LAZY, NULL);
	autojson json_t *list = NULL, *out = json_array();
	json_t *container;
	size_t i;

	if (engine_get(engine, &list, err, "/containers/json?all=1&filters=%s", filters) < 0)
		return NULL;
	json_array_foreach (list, i, container) {
		json_t *lazy = lazy_of(json_object_get(container, "Labels"));

		if (lazy)
			json_array_append_new(out, lazy);
	}
	return TAKE(out);
}

char *plan_lazy_snapshots(const json_t *labels)
{
	autojson json_t *lazy = lazy_of(labels);
	autostrv struct strv names = STRV_INIT;
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(lazy, "volumes"), i, volume)
		if (json_str(volume, "snapshot"))
			strv_push(&names, json_str(volume, "snapshot"));
	return strv_join(&names, ", ");
}

/* A program that has not come as far as saying what it does still has its own name. */
static enum lazy_state state_of(const json_t *process, const char *program)
{
	json_t *cell;
	size_t i;

	json_array_foreach ((json_t *)process, i, cell) {
		const char *text = json_string_value(cell);

		if (text && str_starts(text, LAZY_SLEEPING))
			return LAZY_ASLEEP;
		if (text && (str_starts(text, LAZY_RESTORING) || str_starts(text, program)))
			return LAZY_WAKING;
	}
	return LAZY_AWAKE;
}

int plan_lazy_state(struct engine *engine, const char *id, const json_t *labels,
	enum lazy_state *state, struct err *err)
{
	autojson json_t *lazy = lazy_of(labels), *top = NULL;
	json_t *process;
	size_t i;

	*state = LAZY_AWAKE;
	if (!json_str(lazy, "program"))
		return 0;
	if (container_top(engine, id, &top, err) < 0)
		return -1;
	json_array_foreach (json_object_get(top, "Processes"), i, process)
		if (*state == LAZY_AWAKE)
			*state = state_of(process, json_str(lazy, "program"));
	return 0;
}

/* As a connection would. */
static int rouse(struct engine *engine, const struct container *container, struct err *err)
{
	enum lazy_state state = LAZY_ASLEEP;

	if (container_kill(engine, container->id, "CONT", err) < 0)
		return -1;
	while (state == LAZY_ASLEEP) {
		if (plan_lazy_state(engine, container->id, container->labels, &state, err) < 0)
			return -1;
		if (signals_pending())
			return err_set(err, ERR_CANCELLED, "interrupted");
		clock_sleep_ms(WAKE_MS);
	}
	return 0;
}

static int await(struct engine *engine, struct ready_state *ready, const char *id, struct err *err)
{
	char detail[128];
	int result;

	while ((result = ready_check(ready, engine, id, detail, err)) == 0) {
		if (signals_pending())
			return err_set(err, ERR_CANCELLED, "interrupted");
		clock_sleep_ms(WAKE_MS);
	}
	return result < 0 ? -1 : 0;
}

int plan_lazy_wake(struct engine *engine, const struct workspace *ws,
	const struct manifest *manifest, const struct container *container, const struct sink *sink,
	struct err *err)
{
	autofree char *object = object_service(ws, manifest, container->service, container->number);
	autofree char *names = plan_lazy_snapshots(container->labels);
	enum lazy_state state;
	struct ready_state *ready;
	int status = plan_lazy_state(engine, container->id, container->labels, &state, err);

	if (status < 0 || state == LAZY_AWAKE)
		return status;
	sink_info(sink, object, "restores snapshot %s first", names);
	if (state == LAZY_ASLEEP && rouse(engine, container, err) < 0)
		return -1;
	ready = ready_new(ws, manifest, container->service, false);
	status = await(engine, ready, container->id, err);
	ready_free(ready);
	return status;
}
