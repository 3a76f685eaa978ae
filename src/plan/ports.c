/*
 * ports.c - is every host port free, before anything is pulled?
 *
 * The question is put to the kernel by binding, and the holder is named: another container from the
 * engine's list, else the process (port.h).  Only for a local engine: elsewhere the engine says
 * it.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/port.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct wanted {
	const char *object;
	const char *address; /* IPv4 or IPv6; "": all of IPv4 */
	uint16_t port;
	bool udp;
};

/*
 * Could a server bind it now? What cannot be told (no such address, a privileged port) counts as
 * free: whoever binds it will hear.
 */
static bool is_free(const struct wanted *wanted)
{
	bool v6 = strchr(wanted->address, ':') != NULL;
	autoclose int fd = socket(v6 ? AF_INET6 : AF_INET,
		(wanted->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(wanted->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(wanted->port)};
	int one = 1, result;

	if (fd < 0)
		return true;
	/* As servers do: connections in TIME_WAIT are no holders. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (v6) {
		if (inet_pton(AF_INET6, wanted->address, &in6.sin6_addr) != 1)
			return true;
		result = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	} else {
		if (*wanted->address && inet_pton(AF_INET, wanted->address, &in4.sin_addr) != 1)
			return true;
		result = bind(fd, (struct sockaddr *)&in4, sizeof(in4));
	}
	return result == 0 || errno != EADDRINUSE;
}

/* === who holds it === */

static bool container_publishes(const json_t *container, const struct wanted *wanted)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(container, "Ports"), i, port)
		if (json_int(port, "PublicPort") == wanted->port &&
			str_eq(json_str(port, "Type"), wanted->udp ? "udp" : "tcp"))
			return true;
	return false;
}

static const char *container_name(const json_t *container)
{
	const char *name = json_string_value(
		json_array_get(json_object_get(container, "Names"), 0));

	return name ? name + (*name == '/') : "?";
}

static int taken(const struct wanted *wanted, const json_t *containers, struct err *err)
{
	json_t *container;
	size_t i;
	autofree char *process = NULL;

	json_array_foreach (containers, i, container)
		if (container_publishes(container, wanted))
			return err_set(err, ERR_PORT,
				"%s: port %d is taken by container %s (project %s); stop it, or "
				"publish another port",
				wanted->object, wanted->port, container_name(container),
				json_str(json_object_get(container, "Labels"), LABEL_PROJECT)
					? json_str(json_object_get(container, "Labels"),
						  LABEL_PROJECT)
					: "none");
	process = wanted->udp ? NULL : port_holder(wanted->port);
	return err_set(err, ERR_PORT,
		"%s: port %d is taken by %s; stop it, or publish another port", wanted->object,
		wanted->port, process ? process : "another process");
}

/* === what the plan will bind === */

/* Do our own containers, which the plan replaces, hold it now? */
static bool held_by_replaced(
	const struct plan *plan, const struct actual *actual, const struct wanted *wanted)
{
	for (size_t i = 0; i < actual->n; i++) {
		if (!container_publishes(actual->containers[i].raw, wanted))
			continue;
		for (size_t a = 0; a < plan->n; a++)
			if ((plan->actions[a].kind == ACTION_CREATE ||
				    plan->actions[a].kind == ACTION_REMOVE) &&
				str_eq(plan->actions[a].id, actual->containers[i].id))
				return true;
	}
	return false;
}

static int check_action(const struct plan *plan, const struct action *action,
	const struct actual *actual, const json_t *containers, struct err *err)
{
	json_t *bindings = json_at(action->body, "HostConfig", "PortBindings", NULL), *list, *item;
	const char *key;
	size_t i;

	json_object_foreach (bindings, key, list) {
		json_array_foreach (list, i, item) {
			struct wanted wanted = {
				action->object, json_str(item, "HostIp"), 0, str_ends(key, "/udp")};

			if (!parse_port(json_str(item, "HostPort"), &wanted.port))
				continue;
			if (!is_free(&wanted) && !held_by_replaced(plan, actual, &wanted))
				return taken(&wanted, containers, err);
		}
	}
	return 0;
}

/* "service shop/web (envs/shop.yaml:7:5)"; the caller's. */
static char *with_place(const struct plan *plan, const char *object)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];
		autofree char *path = NULL, *place = NULL;

		if (!action->manifest || !action->service || !str_eq(action->object, object))
			continue;
		path = xasprintf("services.%s.ports", action->service);
		place = manifest_place(action->manifest, path);
		if (place)
			return xasprintf("%s (%s)", object, place);
	}
	return xstrdup(object);
}

static int wanted_twice(const struct plan *plan, const char *one, const char *other,
	const char *port, struct err *err)
{
	autofree char *first = with_place(plan, one), *second = with_place(plan, other);

	return err_set(err, ERR_PORT, "%s and %s both publish port %s; give one of them another",
		first, second, port);
}

/* Two services of the plan that want the same port. */
static int check_twice(
	const struct plan *plan, json_t *seen, const struct action *action, struct err *err)
{
	json_t *bindings = json_at(action->body, "HostConfig", "PortBindings", NULL), *list, *item;
	const char *key;
	size_t i;

	json_object_foreach (bindings, key, list) {
		json_array_foreach (list, i, item) {
			autofree char *port = xasprintf("%s:%s/%s", json_str(item, "HostIp"),
				json_str(item, "HostPort"), strrchr(key, '/') + 1);
			const char *other = json_str(seen, port);

			if (str_empty(json_str(item, "HostPort")) ||
				strchr(json_str(item, "HostPort"), '-'))
				continue;
			if (other && !str_eq(other, action->object))
				return wanted_twice(plan, other, action->object,
					json_str(item, "HostPort"), err);
			json_set_str(seen, port, action->object);
		}
	}
	return 0;
}

/* === a port of a range: Docker chooses one itself, Podman takes none === */

static int choose_port(const struct plan *plan, const struct actual *actual, json_t *seen,
	const struct action *action, const char *protocol, json_t *item, struct err *err)
{
	const char *range = json_str(item, "HostPort"), *dash = range ? strchr(range, '-') : NULL;
	autofree char *first = dash ? xstrndup(range, (size_t)(dash - range)) : NULL;
	struct wanted wanted = {
		action->object, json_str(item, "HostIp"), 0, str_eq(protocol, "udp")};
	uint16_t last;

	if (!dash || !parse_port(first, &wanted.port) || !parse_port(dash + 1, &last))
		return 0;
	for (unsigned port = wanted.port; port <= last; port++) {
		autofree char *key = xasprintf("%s:%u/%s", wanted.address, port, protocol);

		wanted.port = (uint16_t)port;
		if (json_str(seen, key) ||
			(!is_free(&wanted) && !held_by_replaced(plan, actual, &wanted)))
			continue;
		json_set_str(seen, key, action->object);
		json_setf(item, "HostPort", "%u", port);
		return 0;
	}
	return err_set(err, ERR_PORT,
		"%s: ports.published: every port of %s is taken; publish another range",
		action->object, range);
}

static int choose_ports(const struct plan *plan, const struct actual *actual, json_t *seen,
	const struct action *action, struct err *err)
{
	json_t *bindings = json_at(action->body, "HostConfig", "PortBindings", NULL), *list, *item;
	const char *key;
	size_t i;

	json_object_foreach (bindings, key, list)
		json_array_foreach (list, i, item)
			if (choose_port(plan, actual, seen, action, strrchr(key, '/') + 1, item,
				    err) < 0)
				return -1;
	return 0;
}

static bool publishes(const struct action *action)
{
	return action->kind == ACTION_CREATE &&
	       json_object_size(json_at(action->body, "HostConfig", "PortBindings", NULL));
}

int ports_check(struct engine *engine, const struct plan *plan, const struct actual *actual,
	struct err *err)
{
	autojson json_t *containers = NULL;
	autojson json_t *seen = json_object();

	for (size_t i = 0; i < plan->n; i++)
		if (publishes(&plan->actions[i]) &&
			check_twice(plan, seen, &plan->actions[i], err) < 0)
			return -1;
	for (size_t i = 0; i < plan->n; i++) {
		if (!publishes(&plan->actions[i]))
			continue;
		if (engine_facts(engine)->podman &&
			choose_ports(plan, actual, seen, &plan->actions[i], err) < 0)
			return -1;
		if (!containers && engine_get(engine, &containers, err, "/containers/json") < 0)
			return -1;
		if (engine_facts(engine)->local &&
			check_action(plan, &plan->actions[i], actual, containers, err) < 0)
			return -1;
	}
	return 0;
}
