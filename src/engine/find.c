/*
 * find.c - which engine: the order that docker's client uses, then what runs on this machine.
 *
 * An engine that the user named (option, environment, context) is taken as it is, even when it does
 * not answer: falling back to another one would act on the wrong machine.  The usual sockets are
 * taken only if something accepts connections there.
 */
#include "engine_priv.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIAL_TIMEOUT_MS 2000

/* '~' is the home folder, '@' is $XDG_RUNTIME_DIR; in order of preference. */
static const char *const usual_sockets[] = {
	"/var/run/docker.sock",
	"~/.docker/run/docker.sock",
	"~/.docker/desktop/docker.sock",
	"@/docker.sock",
	"~/.colima/default/docker.sock",
	"~/.colima/docker.sock",
	"~/.config/colima/default/docker.sock",
	"~/.orbstack/run/docker.sock",
	"~/.rd/docker.sock",
	"@/podman/podman.sock",
	"/run/podman/podman.sock",
	NULL,
};

void engine_where_release(struct engine_where *where)
{
	free(where->host);
	free(where->why);
	*where = (struct engine_where){0};
}

bool engine_answers(const char *host)
{
	struct err ignored = ERR_INIT;
	int fd = net_dial(host, DIAL_TIMEOUT_MS, &ignored);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* An address as docker's client reads it: without a scheme it is tcp, and a path is a socket. */
static char *normal_host(const char *host)
{
	if (strstr(host, "://"))
		return xstrdup(host);
	if (*host == '/')
		return xasprintf("unix://%s", host);
	return xasprintf("tcp://%s", host);
}

static int take_host(struct engine_where *where, const char *host, char *why)
{
	*where = (struct engine_where){.host = normal_host(host), .why = why};
	return 0;
}

/* The context "default" means: as if there were none. 1 when it is that one. */
static int take_context(
	struct engine_where *where, const char *name, const char *from, struct err *err)
{
	autofree char *host = NULL;

	if (str_eq(name, "default"))
		return 1;
	if (context_host(name, &host, err) < 0)
		return err_wrap(err, "%s", from);
	return take_host(where, host, xasprintf("context %s", name));
}

/* The user's own choice: 0 taken, 1 none was made, -1. */
static int find_chosen(const struct engine_ask *ask, struct engine_where *where, struct err *err)
{
	const char *host = getenv("DOCKER_HOST");
	const char *context = getenv("DOCKER_CONTEXT");
	autofree char *current = NULL;

	if (!str_empty(ask->context)) {
		int result = take_context(where, ask->context, "--context", err);

		/* "default" still means DOCKER_HOST where that is set. */
		if (result <= 0)
			return result;
		return str_empty(host) ? 1 : take_host(where, host, xstrdup("DOCKER_HOST"));
	}
	if (!str_empty(ask->host))
		return take_host(where, ask->host, xstrdup("--host"));
	if (!str_empty(host))
		return take_host(where, host, xstrdup("DOCKER_HOST"));
	if (!str_empty(context))
		return take_context(where, context, "DOCKER_CONTEXT", err);
	current = context_current();
	return current ? take_context(where, current, "currentContext of config.json", err) : 1;
}

static char *socket_path(const char *pattern)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (*pattern != '@')
		return path_expand_home(pattern);
	return str_empty(runtime) ? NULL : xasprintf("%s%s", runtime, pattern + 1);
}

static bool find_usual(struct engine_where *where)
{
	for (int i = 0; usual_sockets[i]; i++) {
		autofree char *path = socket_path(usual_sockets[i]);
		autofree char *host = path ? xasprintf("unix://%s", path) : NULL;

		if (!path || access(path, F_OK) < 0 || !engine_answers(host))
			continue;
		*where = (struct engine_where){
			.host = TAKE(host), .why = xasprintf("found at %s", path)};
		return true;
	}
	return false;
}

static int find_embedded(const struct engine_ask *ask, struct engine_where *where, struct err *err)
{
	if (ask->no_embedded || embedded_status(NULL, NULL) == EMBEDDED_ABSENT)
		return err_set(err, ERR_ENGINE,
			"no container engine: DOCKER_HOST is not set, no docker context is chosen, "
			"nothing listens at the usual sockets of Docker, Docker Desktop, Colima, "
			"OrbStack, Rancher and Podman%s (start Docker, or install podman and run "
			"devenv again)",
			ask->no_embedded ? "" : ", and podman is not installed");
	if (embedded_start(ask->sink, err) < 0)
		return -1;
	*where = (struct engine_where){
		.host = embedded_host(), .why = xstrdup("embedded engine"), .embedded = true};
	return 0;
}

int engine_find(const struct engine_ask *ask, struct engine_where *where, struct err *err)
{
	int result = find_chosen(ask, where, err);

	if (result <= 0)
		return result;
	if (find_usual(where))
		return 0;
	return find_embedded(ask, where, err);
}
