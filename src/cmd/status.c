/* status.c - `devenv status`: what runs, where it answers, and whether it is healthy. */
#include "commands.h"
#include "each.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <string.h>

struct status_options {
	bool all, quiet, services, no_trunc, no_orphans, orphans;
	struct strv states, filters;
};

#define AT(member) OPT_AT(struct status_options, member)

static const struct option_spec options[] = {
	{.name = "all",
		.letter = 'a',
		.type = OPT_FLAG,
		AT(all),
		.help = "One-off containers of `devenv run` too; with -q stopped ones too"},
	{.name = "filter",
		.type = OPT_LIST,
		AT(filters),
		.arg = "status=STATE",
		.help = "Only containers in this state"},
	{.name = "no-orphans",
		.type = OPT_FLAG,
		AT(no_orphans),
		.help = "Leave out containers whose service is in no manifest"},
	{.name = "no-trunc",
		.type = OPT_FLAG,
		AT(no_trunc),
		.help = "Accepted for Compose; nothing is ever cut"},
	{.name = "orphans",
		.type = OPT_FLAG,
		AT(orphans),
		.def = "true",
		.help = "Containers whose service is in no manifest too"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "Only ids of what runs"},
	{.name = "services",
		.type = OPT_FLAG,
		AT(services),
		.help = "Only names of services that run"},
	{.name = "status",
		.type = OPT_LIST,
		AT(states),
		.arg = "STATE",
		.help = "Only containers in this state: running, exited, paused"},
	{0},
};

/* "127.0.0.1:8080->80/tcp, ..." each once (the engine lists IPv4 and IPv6 apart). */
static char *ports_text(const struct container *container)
{
	autostrv struct strv seen = STRV_INIT;
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(container->raw, "Ports"), i, port) {
		const char *address = json_str(port, "IP");
		autofree char *text = NULL;

		if (!json_int(port, "PublicPort"))
			continue;
		if (str_empty(address) || str_eq(address, "0.0.0.0") || str_eq(address, "::"))
			address = "*";
		text = xasprintf("%s:%d->%d/%s", address, (int)json_int(port, "PublicPort"),
			(int)json_int(port, "PrivatePort"), json_str(port, "Type"));
		if (!strv_has(&seen, text))
			strv_push(&seen, text);
	}
	return strv_join(&seen, ", ");
}

/* A container with what its list entry does not tell. */
struct seen {
	const struct container *container;
	bool sleeps;  /* until its first connection */
	char *status; /* for people */
};

static void look(struct session *session, const struct container *container, struct seen *seen)
{
	enum lazy_state lazy = LAZY_AWAKE;
	struct err ignored = ERR_INIT;
	autofree char *names = NULL;

	if (str_eq(container->state, "running"))
		plan_lazy_state(session->engine, container->id, container->labels, &lazy, &ignored);
	*seen = (struct seen){.container = container, .sleeps = lazy == LAZY_ASLEEP};
	if (lazy == LAZY_AWAKE) {
		seen->status = xstrdup(container->status);
		return;
	}
	names = plan_lazy_snapshots(container->labels);
	seen->status = seen->sleeps
			       ? xasprintf("restores snapshot %s on the first connection", names)
			       : xasprintf("restores snapshot %s", names);
}

/* One word for people: the engine's state, with its health. */
static const char *state_word(const struct seen *seen)
{
	const struct container *container = seen->container;

	if (seen->sleeps)
		return "sleeping";
	if (strstr(container->status, "(healthy)"))
		return "healthy";
	if (strstr(container->status, "(unhealthy)"))
		return "unhealthy";
	if (strstr(container->status, "starting)"))
		return "starting";
	return container->state;
}

static const char *manifest_name(const struct container *container)
{
	const char *name = json_str(container->labels, "io.devenv.manifest");

	return name ? name : container->project;
}

static json_t *entry_json(const struct seen *seen)
{
	const struct container *container = seen->container;
	autofree char *ports = ports_text(container);

	return json_pack("{s:s, s:s*, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:O?}", "manifest",
		manifest_name(container), "service", container->service, "name", container->name,
		"id", container->id, "image", container->image, "state", container->state, "sleeps",
		seen->sleeps, "status", seen->status, "ports", ports, "publishers",
		json_object_get(container->raw, "Ports"));
}

static void add_row(struct table *table, const struct workspace *ws, const struct seen *seen)
{
	const struct container *container = seen->container;
	autofree char *ports = ports_text(container);
	autofree char *name = ws->single ? xstrdup(container->service)
					 : xasprintf("%s/%s", manifest_name(container),
						   container->service);
	const char *cells[] = {name, state_word(seen), seen->status, ports, container->image};

	table_add(table, cells);
}

static void add_short(
	const struct status_options *status, const struct container *container, struct strv *lines)
{
	const char *line = status->quiet ? container->id : container->service;

	if (!strv_has(lines, line))
		strv_push(lines, line);
}

/* --filter status=STATE is --status STATE. */
static int read_filters(struct status_options *status, struct err *err)
{
	static const char *const known[] = {
		"created", "dead", "exited", "paused", "removing", "restarting", "running", NULL};

	for (size_t i = 0; i < status->filters.n; i++) {
		const char *filter = status->filters.v[i];

		if (!str_starts(filter, "status="))
			return err_set(err, ERR_USAGE,
				"--filter takes status=STATE, not \"%s\"; name services as "
				"arguments",
				filter);
		strv_push(&status->states, filter + strlen("status="));
	}
	for (size_t i = 0; i < status->states.n; i++) {
		bool found = false;

		for (size_t k = 0; known[k]; k++)
			found |= str_eq(known[k], status->states.v[i]);
		if (!found)
			return err_set(err, ERR_USAGE, "no container is ever \"%s\"; try running",
				status->states.v[i]);
	}
	return 0;
}

static bool is_wanted(const struct session *session, const struct status_options *status,
	const struct strv *words, const struct container *container)
{
	/* Scripts ask with -q and --services as they ask docker compose. */
	bool only_running = (status->quiet || status->services) && !status->all;
	bool orphans = status->orphans && !status->no_orphans;

	if (status->states.n ? !strv_has(&status->states, container->state)
			     : only_running && !container_runs(container))
		return false;
	return (status->all || status->states.n || !container->oneoff) &&
	       (orphans || !session_is_orphan(session, container)) &&
	       each_chosen(&session->ws, words, container);
}

static int print_all(const struct app *app, const struct status_options *status,
	struct session *session, const struct strv *words, const struct actual *actual,
	struct err *err)
{
	static const char *const headings[] = {
		"SERVICE", "STATE", "STATUS", "PORTS", "IMAGE", NULL};
	struct table *table = table_new(headings);
	autobuf struct buf text = BUF_INIT(0);
	autostrv struct strv lines = STRV_INIT;
	autojson json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];
		struct seen seen;

		if (!is_wanted(session, status, words, container))
			continue;
		n++;
		add_short(status, container, &lines);
		look(session, container, &seen);
		json_array_append_new(list, entry_json(&seen));
		add_row(table, &session->ws, &seen);
		free(seen.status);
	}
	for (size_t i = 0; i < lines.n && (status->quiet || status->services); i++)
		buf_addf(&text, "%s\n", lines.v[i]);
	if (!status->quiet && !status->services && n)
		table_print(table, &text);
	else if (!status->quiet && !status->services)
		buf_addstr(&text, "nothing runs here; `devenv up` brings it up\n");
	table_free(table);
	return app->json ? ui_output_json(list, err) : ui_output(buf_str(&text), err);
}

static int status_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct status_options *status = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct actual actual = {0};
	int result;

	if (read_filters(status, err) < 0 ||
		session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START | SESSION_SALVAGE,
			&session, err) < 0)
		return -1;
	if (session_check_words(&session, argc, argv, err) < 0 ||
		actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	result = print_all(app, status, &session, &words, &actual, err);
	actual_release(&actual);
	return result;
}

static const char *const examples[] = {
	"devenv status", "devenv ps --format json # for programs", NULL};

const struct command cmd_status = {
	.name = "status",
	.alias = "ps",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Show what runs, where it answers and whether it is healthy",
	.details = "Lists the containers of this workspace by their labels, those that `docker "
		   "compose` "
		   "brought up included.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct status_options),
	.run = status_run,
};
