/*
 * ready.c - is a container truly ready?
 *
 * In this order: a job has ended with 0; a declared healthcheck says healthy; a server answers in
 * its own protocol on one of its ports; else it runs.  Where the engine does not run healthchecks
 * by itself (Podman without systemd), they are run from here.
 */
#include "up.h"

#include "probe.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How often: a look at the container is the engine's work, a question is the server's alone.  Of
 * what it took so far it is seen late by a quarter or a sixteenth, and by a quarter of a second.
 */
#define LOOK_PART 4
#define LOOK_MS 20
#define ASK_PART 16
#define ASK_MS 5
#define PAUSE_MAX_MS 250

struct target {
	enum probe_kind kind;
	char address[64];
	uint16_t port;
};

#define TARGETS_MAX 16

struct targets {
	struct target list[TARGETS_MAX];
	size_t n;
};

struct ready_state {
	const struct manifest *manifest;
	const char *service;
	char *object;
	bool job;
	int64_t begun;          /* when it was first looked at */
	int64_t since;          /* when it was first seen running */
	struct targets targets; /* where it was asked last */
	int64_t next_look;      /* at the container: until then the server alone is asked */
	int64_t next_check;     /* our own run of the healthcheck */
	int pause_ms;           /* before the next one */
	int failures;
	bool settling;
	char *sleeps; /* what is said of a service that waits for its first connection; or NULL */
};

/* A part of what it took so far, from `least` on. */
static int pause_of(const struct ready_state *state, int part, int least)
{
	int64_t pause = (clock_ms() - state->begun) / part;

	return pause < least ? least : pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : (int)pause;
}

int ready_pause(const struct ready_state *state)
{
	if (state->settling)
		return READY_SETTLE_MS;
	return state->targets.n ? pause_of(state, ASK_PART, ASK_MS)
				: pause_of(state, LOOK_PART, LOOK_MS);
}

const char *ready_word(const struct ready_state *state)
{
	return state && state->sleeps ? state->sleeps : "Ready";
}

void ready_free(struct ready_state *state)
{
	if (!state)
		return;
	free(state->object);
	free(state->sleeps);
	free(state);
}

/* === where a container can be asked === */

static void add_target(
	struct targets *targets, enum probe_kind kind, const char *address, int64_t port)
{
	struct target *target = &targets->list[targets->n];

	if (targets->n == TARGETS_MAX || port < 1 || port > 65535 || strlen(address) >= 64)
		return;
	target->kind = kind;
	snprintf(target->address, sizeof(target->address), "%s", address);
	target->port = (uint16_t)port;
	targets->n++;
}

/* An address inside: reachable on Linux when the engine is local and rootful. */
static const char *inner_address(const json_t *networks)
{
	json_t *network;
	const char *name;

	json_object_foreach ((json_t *)networks, name, network) {
		const char *address = json_str(network, "IPAddress");

		if (!str_empty(address))
			return address;
	}
	return NULL;
}

/* The TCP ports that the service itself names: published ones first. */
static void wanted_ports(const json_t *service, const char *image, struct strv *ports)
{
	uint16_t usual = probe_usual_port(image);
	json_t *item;
	size_t i;

	if (usual) {
		strv_pushf(ports, "%d", usual);
		return;
	}
	json_array_foreach (json_object_get(service, "ports"), i, item)
		if (!str_eq(json_str(item, "protocol"), "udp"))
			strv_pushf(ports, "%d", (int)json_int(item, "target"));
	json_array_foreach (json_object_get(service, "expose"), i, item)
		if (!strstr(json_string_value(item), "udp"))
			strv_pushf(ports, "%.*s", (int)strcspn(json_string_value(item), "/-"),
				json_string_value(item));
}

/* Neither a healthcheck nor a port, as far as the model tells: the image may still have one. */
static bool nothing_to_ask(const struct manifest *manifest, const char *name)
{
	json_t *service = model_service(manifest, name);
	autofree char *image = plan_image(manifest, name);
	autostrv struct strv ports = STRV_INIT;

	wanted_ports(service, image, &ports);
	return !ports.n && !json_object_get(service, "healthcheck");
}

struct ready_state *ready_new(
	const struct workspace *ws, const struct manifest *manifest, const char *service, bool job)
{
	struct ready_state *state = xcalloc(1, sizeof(*state));

	state->manifest = manifest;
	state->service = service;
	state->begun = clock_ms();
	state->object = object_service(ws, manifest, service, 1);
	state->job = job;
	state->settling = !job && nothing_to_ask(manifest, service);
	return state;
}

/*
 * `host_ports`: container port ("80/tcp") -> [{HostIp, HostPort}], as inspect has it; may be NULL.
 */
static void find_targets(const json_t *service, const char *image, const json_t *networks,
	const json_t *host_ports, struct targets *targets)
{
	const char *inner = inner_address(networks);
	autostrv struct strv ports = STRV_INIT;

	wanted_ports(service, image, &ports);
	for (size_t i = 0; i < ports.n; i++) {
		uint16_t port = 0;
		autofree char *key = xasprintf("%s/tcp", ports.v[i]);
		json_t *bound = json_array_get(json_object_get(host_ports, key), 0);
		const char *address = json_str(bound, "HostIp");
		uint16_t host_port = 0;

		if (!parse_port(ports.v[i], &port))
			continue;
		if (inner)
			add_target(targets, probe_choose(image, port), inner, port);
		if (!parse_port(json_str(bound, "HostPort"), &host_port))
			continue;
		if (str_empty(address) || str_eq(address, "0.0.0.0") || str_eq(address, "::"))
			address = "127.0.0.1";
		add_target(targets, probe_choose(image, port), address, host_port);
	}
	if (str_eq(json_str(service, "network_mode"), "host"))
		for (size_t i = 0; i < ports.n; i++) {
			uint16_t port = 0;

			if (parse_port(ports.v[i], &port))
				add_target(targets, probe_choose(image, port), "127.0.0.1", port);
		}
}

static bool any_answers(const struct targets *targets, int timeout_ms)
{
	for (size_t i = 0; i < targets->n; i++)
		if (probe_once(targets->list[i].kind, targets->list[i].address,
			    targets->list[i].port, timeout_ms))
			return true;
	return false;
}

/* === a container that stays as it is === */

/* The list's [{IP, PrivatePort, PublicPort, Type}] in inspect's shape. */
static json_t *ports_by_key(const json_t *list)
{
	json_t *out = json_object(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		autofree char *key = xasprintf("%d/%s", (int)json_int(item, "PrivatePort"),
			json_str(item, "Type") ? json_str(item, "Type") : "tcp");
		autofree char *port = xasprintf("%d", (int)json_int(item, "PublicPort"));

		if (json_int(item, "PublicPort"))
			json_object_set_new(out, key,
				json_pack("[{s:s, s:s}]", "HostIp",
					json_str(item, "IP") ? json_str(item, "IP") : "",
					"HostPort", port));
	}
	return out;
}

bool up_answers(const struct selected *one, const struct container *container)
{
	json_t *service = model_service(one->manifest, one->service);
	autojson json_t *ports = ports_by_key(json_object_get(container->raw, "Ports"));
	struct targets targets = {.n = 0};

	if (strstr(container->status, "(healthy)"))
		return true;
	/*
	 * Where nobody runs the healthcheck (quirks), the list has no word on it: ask the server.
	 */
	if (strstr(container->status, "unhealthy") || strstr(container->status, "starting)"))
		return false;
	find_targets(service, container->image,
		json_at(container->raw, "NetworkSettings", "Networks", NULL), ports, &targets);
	return !targets.n || any_answers(&targets, 200);
}

/* === waiting === */

static int collect_line(void *ctx, int stream, const char *data, size_t len)
{
	return buf_add(ctx, data, len);
}

void ready_read_log(struct engine *engine, const char *id, bool tty, int lines, struct buf *text)
{
	struct stream_io io = {.in = -1,
		.out = -1,
		.errfd = -1,
		.tty = tty,
		.on_data = collect_line,
		.ctx = text,
		.cancel_fd = -1};
	struct err ignored = ERR_INIT;

	container_logs(engine, id, &(struct logs_spec){.tail = lines}, &io, &ignored);
}

char *ready_last_lines(struct engine *engine, const char *id, bool tty)
{
	autobuf struct buf text = BUF_INIT(16384);
	struct buf out = BUF_INIT(0);
	autostrv struct strv lines = STRV_INIT;

	ready_read_log(engine, id, tty, 8, &text);
	strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = lines.n > 8 ? lines.n - 8 : 0; i < lines.n; i++)
		buf_addf(&out, "\n    | %.200s", lines.v[i]);
	return buf_detach(&out);
}

bool ready_tells_full(const char *text)
{
	static const char *const words[] = {
		"No space left", "error 28", "rror number 28", "errno: 28", "Disk is full"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static int died(const struct ready_state *state, struct engine *engine, const json_t *inspect,
	struct err *err)
{
	json_t *status = json_object_get(inspect, "State");
	autofree char *lines = ready_last_lines(engine, json_str(inspect, "Id"),
		json_is_true(json_at(inspect, "Config", "Tty", NULL)));
	const char *problem = json_str(status, "Error");

	if (!str_empty(problem))
		return err_set(err, ERR_SERVICE, "%s: %s", state->object, problem);
	return err_set(err, ERR_SERVICE, "%s %s with status %d%s%s%s", state->object,
		json_bool(status, "OOMKilled") ? "was killed for want of memory" : "exited",
		(int)json_int(status, "ExitCode"),
		ready_tells_full(lines) ? ": its disk was full (" PLAN_MAKE_ROOM ")" : "",
		*lines ? "; its last lines:" : "", lines);
}

static int64_t check_ns(const json_t *inspect, const char *key, int64_t otherwise)
{
	int64_t value = json_int(json_at(inspect, "Config", "Healthcheck", NULL), key);

	return value > 0 ? value : otherwise;
}

/* Run the check ourselves where the engine has no timer for it. */
static int own_health(
	struct ready_state *state, struct engine *engine, const json_t *inspect, struct err *err)
{
	const char *id = json_str(inspect, "Id");
	int retries = (int)json_int(json_at(inspect, "Config", "Healthcheck", NULL), "Retries");
	int64_t interval = check_ns(inspect, "Interval", 30000000000) / 1000000;
	int64_t grace = check_ns(inspect, "StartPeriod", 0) / 1000000, now = clock_ms();
	int result;

	if (now < state->next_check)
		return 0;
	result = engine_healthcheck(engine, id, err);
	if (result == 0)
		return 1;
	if (result < 0)
		err_clear(err);
	/* Often at first, whatever the interval: a service should not wait 30 s to be seen. */
	state->next_check = now + (interval < 500 ? interval : 500);
	if (now - state->since > grace + interval * (retries > 0 ? retries : 3))
		state->failures++;
	return state->failures > (retries > 0 ? retries : 3) ? -2 : 0;
}

static int unhealthy(const struct ready_state *state, struct engine *engine, const json_t *inspect,
	struct err *err)
{
	json_t *log = json_at(inspect, "State", "Health", "Log", NULL);
	json_t *last = json_array_get(log, json_array_size(log) - 1);
	const char *output = json_str(last, "Output");
	autofree char *lines = ready_last_lines(engine, json_str(inspect, "Id"),
		json_is_true(json_at(inspect, "Config", "Tty", NULL)));

	return err_set(err, ERR_SERVICE, "%s is unhealthy%s%.300s%s%s", state->object,
		str_empty(output) ? "" : ": ", output ? output : "",
		*lines ? "; its last lines:" : "", lines);
}

/* Run the declared check by hand: the engine looks only once an interval, 30 s by default. */
static bool check_early(struct ready_state *state, struct engine *engine, const json_t *inspect)
{
	json_t *test = json_at(inspect, "Config", "Healthcheck", "Test", NULL);
	int64_t timeout = check_ns(inspect, "Timeout", 30000000000) / 1000000;
	bool shell = str_eq(json_string_value(json_array_get(test, 0)), "CMD-SHELL");
	autostrv struct strv words = STRV_INIT;
	struct err ignored = ERR_INIT;
	int status = 1;

	if (clock_ms() < state->next_check)
		return false;
	json_to_strv(test, &words);
	if (words.n < 2)
		return false;
	if (shell) {
		const char *const argv[] = {"/bin/sh", "-c", words.v[1], NULL};

		container_exec_output(engine, json_str(inspect, "Id"), argv, (int)timeout, NULL,
			&status, &ignored);
	} else {
		container_exec_output(engine, json_str(inspect, "Id"),
			(const char *const *)words.v + 1, (int)timeout, NULL, &status, &ignored);
	}
	state->pause_ms = state->pause_ms ? state->pause_ms * 3 / 2 : 100;
	if (state->pause_ms > 2000)
		state->pause_ms = 2000;
	state->next_check = clock_ms() + state->pause_ms;
	return status == 0;
}

static int health(struct ready_state *state, struct engine *engine, const json_t *inspect,
	char detail[128], struct err *err)
{
	const char *status = json_str(json_at(inspect, "State", "Health", NULL), "Status");
	int result;

	snprintf(detail, 128, "for its healthcheck");
	if (engine_all_facts(engine)->no_health_timer) {
		result = own_health(state, engine, inspect, err);
		return result == -2 ? unhealthy(state, engine, inspect, err) : result;
	}
	if (str_eq(status, "unhealthy"))
		return unhealthy(state, engine, inspect, err);
	return str_eq(status, "healthy") || check_early(state, engine, inspect);
}

static bool has_healthcheck(const json_t *inspect)
{
	json_t *test = json_at(inspect, "Config", "Healthcheck", "Test", NULL);
	const char *first = json_string_value(json_array_get(test, 0));

	return first && !str_eq(first, "NONE") && !str_empty(first);
}

static int ask_server(const struct ready_state *state, char detail[128])
{
	snprintf(detail, 128, "for %s on port %d", probe_name(state->targets.list[0].kind),
		state->targets.list[0].port);
	return any_answers(&state->targets, 500);
}

static int answers(struct ready_state *state, const json_t *inspect, char detail[128])
{
	json_t *service = model_service(state->manifest, state->service);
	const char *image = json_str(json_object_get(inspect, "Config"), "Image");
	json_t *network = json_object_get(inspect, "NetworkSettings");

	state->targets.n = 0;
	find_targets(service, image ? image : "", json_object_get(network, "Networks"),
		json_object_get(network, "Ports"), &state->targets);
	state->settling = !state->targets.n;
	if (!state->targets.n) {
		snprintf(detail, 128, "until it has settled");
		return clock_ms() - state->since >= READY_SETTLE_MS;
	}
	return ask_server(state, detail);
}

/*
 * Has it yet to restore its volume? 1: it sleeps, and to ask its server would wake it; 0: it is at
 * it, or may just have ended; -1: it has not.
 */
static int lazy_check(
	struct ready_state *state, struct engine *engine, const json_t *inspect, char detail[128])
{
	json_t *labels = json_at(inspect, "Config", "Labels", NULL);
	autofree char *names = NULL;
	struct err ignored = ERR_INIT;
	enum lazy_state lazy;

	if (plan_lazy_state(engine, json_str(inspect, "Id"), labels, &lazy, &ignored) < 0)
		return 0;
	if (lazy == LAZY_AWAKE)
		return -1;
	names = plan_lazy_snapshots(labels);
	snprintf(detail, 128, "until snapshot %s is restored", names);
	if (lazy == LAZY_WAKING)
		return 0;
	free(state->sleeps);
	state->sleeps = xasprintf("Sleeping: restores snapshot %s on the first connection", names);
	return 1;
}

int ready_check(struct ready_state *state, struct engine *engine, const char *id, char detail[128],
	struct err *err)
{
	autojson json_t *inspect = NULL;
	json_t *status;
	const char *word;
	int lazy;

	if (state->settling && !state->since) {
		state->since = clock_ms();
		snprintf(detail, 128, "until it has settled");
		return 0;
	}
	if (state->targets.n && clock_ms() < state->next_look)
		return ask_server(state, detail);
	if (container_inspect(engine, id, &inspect, err) < 0)
		return err_wrap(err, "%s", state->object);
	state->next_look = clock_ms() + pause_of(state, LOOK_PART, LOOK_MS);
	status = json_object_get(inspect, "State");
	word = json_str(status, "Status");
	snprintf(detail, 128, "%s", word ? word : "?");
	if (str_eq(word, "exited") || str_eq(word, "dead") || str_eq(word, "stopped")) {
		if (json_int(status, "ExitCode") == 0 &&
			(state->job || str_empty(json_str(status, "Error"))))
			return 1;
		return died(state, engine, inspect, err);
	}
	if (str_eq(word, "restarting") && json_int(inspect, "RestartCount") >= 2)
		return died(state, engine, inspect, err);
	if (!str_eq(word, "running"))
		return 0;
	lazy = lazy_check(state, engine, inspect, detail);
	if (lazy >= 0)
		return lazy;
	if (!state->since)
		state->since = clock_ms();
	if (state->job) {
		snprintf(detail, 128, "until it ends");
		return 0;
	}
	if (has_healthcheck(inspect))
		return health(state, engine, inspect, detail, err);
	return answers(state, inspect, detail);
}
