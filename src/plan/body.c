/*
 * body.c - a service of the model as the body of POST /containers/create.
 *
 * Most keys only change their name and place: they are rows of a table.  Mounts, resources and
 * networks have files of their own (body_*.c).  The API is
 * docs.docker.com/engine/api/v1.51 "ContainerCreate" (what an older engine lacks: features.c); what
 * each key means is compose-spec
 * 05-services.md.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

enum copy { COPY_AS_IS, COPY_BYTES, COPY_SECONDS, COPY_EXTRA_HOSTS };

/* Where a key goes: `host` rows into HostConfig, the others to the top. */
static const struct {
	const char *key;
	const char *name;
	bool host;
	enum copy copy;
} rows[] = {
	{"annotations", "Annotations", true, COPY_AS_IS},
	{"cgroup", "CgroupnsMode", true, COPY_AS_IS},
	{"cgroup_parent", "CgroupParent", true, COPY_AS_IS},
	{"command", "Cmd", false, COPY_AS_IS},
	{"device_cgroup_rules", "DeviceCgroupRules", true, COPY_AS_IS},
	{"dns", "Dns", true, COPY_AS_IS},
	{"dns_opt", "DnsOptions", true, COPY_AS_IS},
	{"dns_search", "DnsSearch", true, COPY_AS_IS},
	{"domainname", "Domainname", false, COPY_AS_IS},
	{"entrypoint", "Entrypoint", false, COPY_AS_IS},
	{"extra_hosts", "ExtraHosts", true, COPY_EXTRA_HOSTS},
	{"group_add", "GroupAdd", true, COPY_AS_IS},
	{"hostname", "Hostname", false, COPY_AS_IS},
	{"init", "Init", true, COPY_AS_IS},
	{"isolation", "Isolation", true, COPY_AS_IS},
	{"oom_score_adj", "OomScoreAdj", true, COPY_AS_IS},
	{"privileged", "Privileged", true, COPY_AS_IS},
	{"read_only", "ReadonlyRootfs", true, COPY_AS_IS},
	{"runtime", "Runtime", true, COPY_AS_IS},
	{"shm_size", "ShmSize", true, COPY_BYTES},
	{"stdin_open", "OpenStdin", false, COPY_AS_IS},
	{"stop_grace_period", "StopTimeout", false, COPY_SECONDS},
	{"stop_signal", "StopSignal", false, COPY_AS_IS},
	{"storage_opt", "StorageOpt", true, COPY_AS_IS},
	{"sysctls", "Sysctls", true, COPY_AS_IS},
	{"tty", "Tty", false, COPY_AS_IS},
	{"user", "User", false, COPY_AS_IS},
	{"userns_mode", "UsernsMode", true, COPY_AS_IS},
	{"uts", "UTSMode", true, COPY_AS_IS},
	{"working_dir", "WorkingDir", false, COPY_AS_IS},
};

static int64_t seconds_of(const char *duration)
{
	int64_t ns = 0;

	parse_duration(duration, &ns);
	return (ns + 999999999) / 1000000000;
}

/* "host=address" of the model is "host:address" for the engine. */
static json_t *extra_hosts(const json_t *list)
{
	json_t *out = json_array(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		autofree char *entry = xstrdup(json_string_value(item));
		char *equals = strchr(entry, '=');

		if (equals)
			*equals = ':';
		json_array_append_new(out, json_string_safe(entry));
	}
	return out;
}

static json_t *copied(const json_t *value, enum copy copy)
{
	int64_t bytes = 0;

	switch (copy) {
	case COPY_AS_IS:
		return json_deep_copy(value);
	case COPY_BYTES:
		if (!parse_bytes(json_string_value(value), &bytes))
			bytes = json_integer_value(value);
		return json_integer(bytes);
	case COPY_SECONDS:
		return json_integer(seconds_of(json_string_value(value)));
	case COPY_EXTRA_HOSTS:
		return extra_hosts(value);
	}
	return NULL;
}

static void copy_rows(const json_t *service, json_t *body, json_t *host)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *value = json_object_get(service, rows[i].key);

		if (value && !json_is_null(value))
			json_object_set_new(rows[i].host ? host : body, rows[i].name,
				copied(value, rows[i].copy));
	}
}

static json_t *environment(const json_t *service)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach (json_object_get(service, "environment"), key, value) {
		autofree char *pair = json_is_string(value)
					      ? xasprintf("%s=%s", key, json_string_value(value))
					      : xstrdup(key);

		json_array_append_new(list, json_string_safe(pair));
	}
	return list;
}

/* The model's durations as the API's nanoseconds. */
static void set_duration(json_t *out, const char *name, const json_t *from, const char *key)
{
	const char *text = json_str(from, key);
	int64_t ns;

	if (text && parse_duration(text, &ns))
		json_object_set_new(out, name, json_integer(ns));
}

static void healthcheck(const json_t *service, json_t *body)
{
	json_t *check = json_object_get(service, "healthcheck"), *out;

	if (!check)
		return;
	out = json_object();
	if (json_bool(check, "disable"))
		json_object_set_new(out, "Test", json_pack("[s]", "NONE"));
	else if (json_object_get(check, "test"))
		json_object_set(out, "Test", json_object_get(check, "test"));
	set_duration(out, "Interval", check, "interval");
	set_duration(out, "Timeout", check, "timeout");
	set_duration(out, "StartPeriod", check, "start_period");
	set_duration(out, "StartInterval", check, "start_interval");
	if (json_object_get(check, "retries"))
		json_object_set(out, "Retries", json_object_get(check, "retries"));
	json_object_set_new(body, "Healthcheck", out);
}

/* "on-failure:3", or the `deploy` form, which comes first; without a policy the engine's own. */
static void restart_policy(const json_t *service, json_t *host)
{
	const char *name = json_str(service, "restart"), *colon = name ? strchr(name, ':') : NULL;
	json_t *deploy = json_at(service, "deploy", "restart_policy", NULL);
	uint64_t attempts = 0;

	if (deploy) {
		name = json_str(deploy, "condition");
		colon = NULL;
		attempts = (uint64_t)json_int(deploy, "max_attempts");
		if (str_eq(name, "none"))
			name = "no";
		else if (str_eq(name, "any"))
			name = "always";
	}
	if (!name)
		return;
	if (colon)
		parse_u64(colon + 1, 0, 1000000, &attempts);
	json_object_set_new(host, "RestartPolicy",
		json_pack("{s:s#, s:I}", "Name", name, (int)strcspn(name, ":"), "MaximumRetryCount",
			(json_int_t)attempts));
}

static void logging(const json_t *service, json_t *host)
{
	json_t *log = json_object_get(service, "logging"), *config;

	if (!log)
		return;
	config = json_object();
	json_set_str(config, "Type", json_str(log, "driver") ? json_str(log, "driver") : "");
	json_object_set(config, "Config", json_object_get(log, "options"));
	json_object_set_new(host, "LogConfig", config);
}

static void ports(const json_t *service, bool publish, json_t *body, json_t *host)
{
	json_t *exposed = json_object(), *bindings = json_object(), *item;
	size_t i;

	json_array_foreach (json_object_get(service, "expose"), i, item)
		json_object_set_new(exposed, json_string_value(item), json_object());
	json_array_foreach (json_object_get(service, "ports"), i, item) {
		const char *protocol = json_str(item, "protocol");
		autofree char *key = xasprintf(
			"%d/%s", (int)json_int(item, "target"), protocol ? protocol : "tcp");
		const char *published = json_str(item, "published");
		const char *address = json_str(item, "host_ip");
		json_t *list = json_object_get(bindings, key);

		json_object_set_new(exposed, key, json_object());
		if (!list) {
			list = json_array();
			json_object_set_new(bindings, key, list);
		}
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "HostIp", address ? address : "", "HostPort",
				      published ? published : ""));
	}
	json_object_set_new(body, "ExposedPorts", exposed);
	if (publish)
		json_object_set(host, "PortBindings", bindings);
	json_decref(bindings);
}

/* Compose's form, so that `docker compose` orders by it too: "db:service_healthy:false,...". */
static char *depends_label(const json_t *service)
{
	struct buf out = BUF_INIT(0);
	const char *name;
	json_t *need;

	json_object_foreach (json_object_get(service, "depends_on"), name, need)
		buf_addf(&out, "%s%s:%s:%s", out.len ? "," : "", name, json_str(need, "condition"),
			json_bool(need, "restart") ? "true" : "false");
	return buf_detach(&out);
}

static json_t *labels(const struct workspace *ws, const struct manifest *manifest, const char *name,
	int number, bool oneoff)
{
	json_t *service = model_service(manifest, name), *out = json_object();
	autofree char *files = strv_join(&manifest->files, ",");
	autofree char *model = model_fingerprint(manifest, name);
	autofree char *depends = depends_label(service);

	json_object_update(out, json_object_get(service, "labels"));
	json_set_str(out, LABEL_PROJECT, manifest->project);
	json_set_str(out, LABEL_SERVICE, name);
	json_setf(out, LABEL_NUMBER, "%d", number);
	json_set_str(out, LABEL_ONEOFF, oneoff ? "True" : "False");
	json_set_str(out, LABEL_DIR, manifest->dir);
	json_set_str(out, LABEL_FILES, files);
	json_set_str(out, LABEL_DEPENDS, depends);
	json_set_str(out, LABEL_VERSION, COMPOSE_VERSION);
	json_set_str(out, LABEL_MODEL, model);
	json_set_str(out, LABEL_WORKSPACE, ws->name);
	json_set_str(out, LABEL_MANIFEST, manifest->name);
	return out;
}

/* "service:NAME" of network_mode, pid and ipc is a container for the engine. */
static void namespace_mode(const struct manifest *manifest, const json_t *service, const char *key,
	const char *name, json_t *host)
{
	const char *mode = json_str(service, key);

	if (!mode)
		return;
	if (str_starts(mode, "service:")) {
		autofree char *container = plan_container_name(
			manifest, mode + strlen("service:"), 1);

		json_setf(host, name, "container:%s", container);
	} else {
		json_set_str(host, name, mode);
	}
}

json_t *plan_body(const struct workspace *ws, const struct manifest *manifest, const char *name,
	int number, const struct oneoff *oneoff, json_t **extra, struct err *err)
{
	autojson json_t *service = model_created(manifest, name);
	autojson json_t *body = json_object();
	autojson json_t *more = json_object();
	autofree char *image = plan_image(manifest, name);
	json_t *host = json_object();

	json_object_set_new(body, "HostConfig", host);
	json_set_str(body, "Image", image);
	/* What attaches later reads these two, as after `docker create`. */
	json_object_set_new(body, "AttachStdout", json_true());
	json_object_set_new(body, "AttachStderr", json_true());
	copy_rows(service, body, host);
	json_object_set_new(body, "Env", environment(service));
	json_object_set_new(body, "Labels", labels(ws, manifest, name, number, oneoff != NULL));
	healthcheck(service, body);
	restart_policy(service, host);
	logging(service, host);
	ports(service, !oneoff || oneoff->publish, body, host);
	namespace_mode(manifest, service, "pid", "PidMode", host);
	namespace_mode(manifest, service, "ipc", "IpcMode", host);
	namespace_mode(manifest, service, "network_mode", "NetworkMode", host);
	body_resources(service, host);
	if (body_security(manifest, service, host, more, err) < 0 ||
		body_mounts(manifest, service, body, more, err) < 0)
		return NULL;
	body_networks(ws, manifest, name, number, !oneoff || oneoff->aliases, body, more);
	*extra = TAKE(more);
	return TAKE(body);
}
