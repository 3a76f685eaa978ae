/*
 * machine.c - is this machine fit for devenv: the engine, and all checks in their order.
 */
#include "machine.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/*
 * Containers check certificates and sign requests by their clock; the engine's VM may have slept.
 */
#define CLOCK_SKEW_S 5
/* A clock before this program was written is wrong. */
#define CLOCK_OLDEST 1764000000

static const char engine_fix[] =
	"install Docker (Debian: apt install docker.io; then add yourself to the group docker), or "
	"podman "
	"(apt install podman runc netavark aardvark-dns), which devenv then runs by itself";

const char *check_state_name(enum check_state state)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_BROKEN] = "broken"};

	return names[state];
}

void check_add(
	struct checks *checks, const char *name, enum check_state state, char *text, char *fix)
{
	checks->list = xgrow(checks->list, checks->n, sizeof(*checks->list));
	checks->list[checks->n++] = (struct check){name, state, text, fix};
	checks->broken += state == CHECK_BROKEN;
}

void checks_release(struct checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		free(checks->list[i].text);
		free(checks->list[i].fix);
	}
	free(checks->list);
	*checks = (struct checks){0};
}

/* === the engine === */

static void check_clock(struct checks *checks, const json_t *info)
{
	const char *time = json_str(info, "SystemTime");
	int64_t now = clock_wall(), theirs = time ? clock_parse_rfc3339(time) : -1;
	int64_t skew = theirs < 0 ? 0 : llabs(theirs - now);
	char text[32];

	if (now < CLOCK_OLDEST)
		check_add(checks, "clock", CHECK_BROKEN,
			xasprintf("it says %s", clock_rfc3339(now, text)),
			xstrdup("set the clock: certificates are not valid otherwise"));
	else if (skew > CLOCK_SKEW_S)
		check_add(checks, "clock", CHECK_WARNING,
			xasprintf("the engine's is %lld s off", (long long)skew),
			xstrdup("restart the engine (its VM slept), or set its clock by NTP"));
	else
		check_add(checks, "clock", CHECK_OK, xstrdup(clock_rfc3339(now, text)), NULL);
}

static void check_running_engine(
	struct checks *checks, const struct engine_where *where, struct engine *engine)
{
	const struct engine_facts *facts = engine_all_facts(engine);
	struct err ignored = ERR_INIT;
	autojson json_t *info = NULL;
	const char *root;

	check_add(checks, "engine", CHECK_OK,
		xasprintf("%s %s at %s (%s), API %s%s", facts->podman ? "Podman" : "Docker",
			facts->version, where->host, where->why, facts->api,
			facts->rootless ? ", rootless" : ""),
		NULL);
	engine_get(engine, &info, &ignored, "/info");
	root = json_str(info, "DockerRootDir");
	if (facts->local && root && fs_is_dir(root))
		check_disk(checks, "engine disk", root);
	check_clock(checks, info);
}

/* None runs; with podman installed `up` would start the embedded one. */
static void check_no_engine(struct checks *checks, const struct err *why)
{
	autofree char *root = NULL;

	if (embedded_status(NULL, &root) == EMBEDDED_ABSENT) {
		check_add(checks, "engine", CHECK_BROKEN, xstrdup(why->msg), xstrdup(engine_fix));
		return;
	}
	check_add(checks, "engine", CHECK_OK,
		xstrdup("none runs; `devenv up` starts its own (podman)"), NULL);
	check_clock(checks, NULL);
}

/* Adds its lines; true when podman's parts are what containers depend on here. */
static bool check_engine(struct app *app, struct checks *checks)
{
	bool running = embedded_status(NULL, NULL) == EMBEDDED_RUNNING;
	struct engine_ask ask = {
		.context = app->global.context, .host = app->global.host, .no_embedded = !running};
	struct engine_where where = {0};
	struct engine *engine = NULL;
	struct err err = ERR_INIT;
	bool embedded = true;

	if (engine_find(&ask, &where, &err) < 0) {
		check_no_engine(checks, &err);
	} else if (engine_open(&where, &engine, &err) < 0) {
		check_add(checks, "engine", CHECK_BROKEN, xstrdup(err.msg),
			xasprintf("start the engine at %s, or choose another with --host or "
				  "--context",
				where.host));
		embedded = where.embedded;
	} else {
		check_running_engine(checks, &where, engine);
		embedded = where.embedded;
	}
	engine_close(engine);
	engine_where_release(&where);
	return embedded;
}

void machine_check(struct app *app, bool everything, struct checks *checks)
{
	bool embedded = check_engine(app, checks);

	check_podman_parts(checks, embedded);
	check_disk(checks, "disk", ".");
	if (everything)
		check_memory(checks);
	check_git(checks);
	check_ssh(checks);
	if (everything) {
		check_ports(checks);
		check_libraries(checks);
	}
}
