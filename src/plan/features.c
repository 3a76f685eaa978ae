/*
 * features.c - keys that an engine of an older API version does not know.
 *
 * Such an engine takes the request and forgets the field, so a container would run without what its
 * manifest says.  The versions are those of docs.docker.com/engine/api/version-history.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define IFNAME "com.docker.network.endpoint.ifname"

/* One look at the bodies of one plan. */
struct look {
	struct plan *plan;
	const struct engine_facts *facts;
	uint64_t minor; /* of the API version */
};

static bool has(const struct look *look, unsigned minor)
{
	return look->minor >= minor;
}

static int refuse(const struct look *look, const struct action *action, const char *key,
	unsigned minor, struct err *err)
{
	return err_set(err, ERR_ENGINE,
		"%s: %s needs an engine of API 1.%u (%s), and this one has %s; update the engine "
		"or "
		"take the key out",
		action->object, key, minor,
		minor >= 49   ? "Docker 28.1"
		: minor >= 48 ? "Docker 28"
		: minor >= 45 ? "Docker 26"
			      : "Docker 25",
		look->facts->api);
}

static void warn(
	const struct look *look, const struct action *action, const char *key, const char *instead)
{
	autofree char *text = xasprintf("%s: this engine (API %s) has no %s; %s", action->object,
		look->facts->api, key, instead);

	strv_push(&look->plan->warnings, text);
}

/* Take `name` out of an object; was it there, and not null or false? */
static bool take_out(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	bool found = value && !json_is_null(value) && !json_is_false(value);

	json_object_del(object, name);
	return found;
}

static int check_mounts(const struct look *look, const struct action *action, struct err *err)
{
	json_t *mount;
	size_t i;

	json_array_foreach (json_at(action->body, "HostConfig", "Mounts", NULL), i, mount) {
		if (str_eq(json_str(mount, "Type"), "image") && !has(look, 48))
			return refuse(look, action, "a volume of type image", 48, err);
		if (json_at(mount, "VolumeOptions", "Subpath", NULL) && !has(look, 45))
			return refuse(look, action, "volumes.volume.subpath", 45, err);
	}
	return 0;
}

static int check_endpoint(const struct look *look, const struct action *action, json_t *endpoint,
	bool first, struct err *err)
{
	if (json_at(endpoint, "DriverOpts", IFNAME, NULL) && !has(look, 49))
		return refuse(look, action, "networks.interface_name", 49, err);
	if (!has(look, 48) && take_out(endpoint, "GwPriority"))
		warn(look, action, "networks.gw_priority", "it chooses the gateway itself");
	if (has(look, 44) || !json_str(endpoint, "MacAddress"))
		return 0;
	if (!first)
		return refuse(look, action, "networks.mac_address on a second network", 44, err);
	/* The older form: one address for the container. */
	json_set_str(action->body, "MacAddress", json_str(endpoint, "MacAddress"));
	json_object_del(endpoint, "MacAddress");
	return 0;
}

static int check_endpoints(const struct look *look, const struct action *action, struct err *err)
{
	json_t *endpoint, *connect;
	const char *name;
	size_t i;

	json_object_foreach (
		json_at(action->body, "NetworkingConfig", "EndpointsConfig", NULL), name, endpoint)
		if (check_endpoint(look, action, endpoint, true, err) < 0)
			return -1;
	json_array_foreach (json_object_get(action->extra, "connect"), i, connect)
		if (check_endpoint(look, action, json_object_get(connect, "endpoint"), false, err) <
			0)
			return -1;
	return 0;
}

/* Podman reads a seccomp profile itself, from a path; its content it takes for one. */
static void seccomp_by_path(const struct action *action)
{
	json_t *list = json_at(action->body, "HostConfig", "SecurityOpt", NULL), *option;
	const char *path = json_str(action->extra, "seccomp");
	size_t i;

	json_array_foreach (list, i, option) {
		autofree char *text = xasprintf("seccomp=%s", path ? path : "");

		if (path && str_starts(json_string_value(option), "seccomp={"))
			json_array_set_new(list, i, json_string_safe(text));
	}
}

static int check_container(const struct look *look, const struct action *action, struct err *err)
{
	json_t *host = json_object_get(action->body, "HostConfig");

	if (look->facts->podman)
		seccomp_by_path(action);
	if (!has(look, 43) && take_out(host, "Annotations"))
		warn(look, action, "annotations", "the container is made without them");
	if (!has(look, 44) &&
		take_out(json_object_get(action->body, "Healthcheck"), "StartInterval"))
		warn(look, action, "healthcheck.start_interval",
			"its checks keep to the interval from the start");
	if (check_mounts(look, action, err) < 0)
		return -1;
	return check_endpoints(look, action, err);
}

int features_check(struct engine *engine, struct plan *plan, struct err *err)
{
	struct look look = {.plan = plan, .facts = engine_facts(engine)};
	const char *dot = strchr(look.facts->api, '.');

	if (dot)
		parse_u64(dot + 1, 0, 1000, &look.minor);
	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];

		if (action->kind == ACTION_CREATE && check_container(&look, action, err) < 0)
			return -1;
		if (action->kind == ACTION_NETWORK && !has(&look, 48) &&
			json_is_false(json_object_get(action->body, "EnableIPv4")))
			warn(&look, action, "enable_ipv4", "the network has IPv4 addresses");
	}
	return 0;
}
