/*
 * quirks.c - where engines differ, found by asking them.
 *
 * Podman runs declared healthchecks by timers of systemd.  Where the engine's machine has no
 * systemd (its cgroup driver tells: containers in another init, WSL, our embedded engine) nobody
 * runs them, and devenv does, through Podman's own request for it.
 */
#include "engine_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

void quirks_read_server(const char *server, struct engine_facts *facts)
{
	const char *slash = server ? strchr(server, '/') : NULL;

	if (!slash)
		return;
	facts->podman = str_starts(server, "Libpod/");
	copy(facts->version, sizeof(facts->version), slash + 1);
	facts->version[strcspn(facts->version, " ")] = '\0';
}

/* Whose the socket is: -1 when the engine is not on this machine. */
static int64_t socket_owner(const struct engine_shared *shared)
{
	struct stat status;

	if (!str_starts(shared->host, "unix://") ||
		stat(shared->host + strlen("unix://"), &status) < 0)
		return -1;
	return status.st_uid;
}

/*
 * What is known without asking, which saves a slow request: Docker as root owns its socket, and the
 * embedded engine is our own.
 */
static bool known_already(struct engine_shared *shared)
{
	if (shared->embedded) {
		shared->facts.no_health_timer = true;
		shared->facts.rootless = geteuid() != 0;
		return true;
	}
	return !shared->facts.podman && socket_owner(shared) == 0;
}

static bool has_option(const json_t *info, const char *wanted)
{
	const json_t *options = json_object_get(info, "SecurityOptions");
	const json_t *option;
	size_t i;

	json_array_foreach (options, i, option) {
		const char *text = json_string_value(option);

		if (text && strstr(text, wanted))
			return true;
	}
	return false;
}

void quirks_ask(struct engine *engine)
{
	struct engine_shared *shared = engine->shared;
	autojson json_t *info = NULL;
	struct err err = ERR_INIT;
	bool rootless, no_timer;

	pthread_mutex_lock(&shared->mutex);
	if (!shared->asked && known_already(shared))
		shared->asked = true;
	if (shared->asked) {
		pthread_mutex_unlock(&shared->mutex);
		return;
	}
	pthread_mutex_unlock(&shared->mutex);
	/*
	 * Two threads may ask at once: both write the same. An engine that does not tell is a plain
	 * one.
	 */
	if (engine_get(engine, &info, &err, "/info") < 0)
		return;
	/* Podman 4.3 does not say it; its service is the owner of the socket. */
	rootless = has_option(info, "name=rootless") ||
		   (shared->facts.podman && socket_owner(shared) > 0);
	no_timer = shared->facts.podman && !str_eq(json_str(info, "CgroupDriver"), "systemd");
	pthread_mutex_lock(&shared->mutex);
	shared->facts.rootless = rootless;
	shared->facts.no_health_timer = no_timer;
	shared->asked = true;
	pthread_mutex_unlock(&shared->mutex);
}

int engine_healthcheck(struct engine *engine, const char *id, struct err *err)
{
	autofree char *name = engine_escape(id);
	autojson json_t *answer = NULL;

	/* The check runs while we wait; its own timeout ends it. */
	if (engine_get(engine, &answer, err, "/libpod/containers/%s/healthcheck", name) < 0)
		return -1;
	return str_eq(json_str(answer, "Status"), "healthy") ? 0 : 1;
}

int container_top(struct engine *engine, const char *id, json_t **out, struct err *err)
{
	/* Podman's answer to Docker's request runs the image's own ps, which it may not have. */
	return engine_get(engine, out, err, "%s/containers/%s/top",
		engine_facts(engine)->podman ? "/libpod" : "", id);
}
