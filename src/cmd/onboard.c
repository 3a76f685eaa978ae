/*
 * onboard.c - `devenv onboard [GIT_URL]`: from a new machine to a running workspace.
 *
 * Every step looks first whether it is done, so running it again is harmless, and a run that was
 * interrupted goes on.
 */
#include "commands.h"
#include "machine.h"
#include "session.h"

#include "devenv/fs.h"
#include "devenv/http.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/source.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct onboard_options {
	const char *dir;
};

static const struct option_spec options[] = {
	{.name = "dir",
		.type = OPT_STRING,
		OPT_AT(struct onboard_options, dir),
		.arg = "DIR",
		.help = "Where the workspace is, or is cloned to",
		.complete = COMPLETE_DIR},
	{0},
};

/* === the machine === */

static int check_machine(struct app *app, struct err *err)
{
	struct checks checks = {0};
	size_t broken;

	machine_check(app, false, &checks);
	for (size_t i = 0; i < checks.n; i++) {
		const struct check *check = &checks.list[i];

		if (check->state == CHECK_OK)
			sink_info(&app->sink, NULL, "%s: %s", check->name, check->text);
		else
			sink_warn(&app->sink, NULL, "%s: %s; %s", check->name, check->text,
				check->fix ? check->fix : "see `devenv doctor`");
	}
	broken = checks.broken;
	checks_release(&checks);
	if (broken)
		return err_set(err, ERR_FAILED,
			"this machine is not ready: mend what is said above and run it again");
	return 0;
}

/* === the workspace === */

/* "shop" of "git@example.com:acme/shop.git". The caller's. */
static char *name_of_url(const char *url)
{
	autofree char *clean = xstrdup(url);
	size_t len = strlen(clean), start;

	while (len && clean[len - 1] == '/')
		clean[--len] = '\0';
	if (str_ends(clean, ".git"))
		clean[len -= 4] = '\0';
	for (start = len; start && !strchr("/:", clean[start - 1]); start--)
		;
	return xstrdup(start < len ? clean + start : "workspace");
}

static int get_workspace(struct app *app, const char *url, const char *dir, struct err *err)
{
	struct source source = {.name = "workspace", .url = url, .path = dir};
	autofree char *question = NULL, *shown = NULL;

	if (!url || source_check(&source, NULL) == SOURCE_READY)
		return 0;
	shown = http_shown(url);
	question = xasprintf("Clone %s into %s and bring it up?", shown, dir);
	if (!app->global.yes && !ui_confirm(question))
		return err_set(err, ERR_CANCELLED, "not cloned (--yes answers for you)");
	return source_clone(&source, &app->sink, err);
}

/* === up === */

/* What `up` would do: 0 nothing, 1 something, -1. */
static int needs_up(struct app *app, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct plan plan = {0};
	int result;

	if (session_open(app, SESSION_ENGINE, &session, err) < 0)
		return -1;
	if (plan_up(session.engine, &(struct plan_request){.ws = &session.ws}, &plan, err) < 0)
		return -1;
	result = plan.n > 0;
	plan_release(&plan);
	return result;
}

static void pass_option(struct strv *argv, const char *name, const char *value)
{
	if (!value)
		return;
	strv_push(argv, name);
	strv_push(argv, value);
}

/* `up` in a process of its own, which has the terminal for itself. */
static int run_up(struct app *app, struct err *err)
{
	autofree char *self = proc_self();
	autostrv struct strv argv = STRV_INIT;
	int status = 0;
	pid_t pid;

	strv_push(&argv, self);
	strv_push(&argv, "up");
	pass_option(&argv, "--context", app->global.context);
	pass_option(&argv, "--host", app->global.host);
	pass_option(&argv, "--progress", app->global.progress);
	ui_pause(&app->sink);
	pid = proc_spawn(&(struct proc_spec){.argv = (const char *const *)argv.v}, err);
	status = pid < 0 ? 0 : proc_wait(pid);
	ui_resume(&app->sink);
	if (pid < 0)
		return -1;
	if (status == 0)
		return 0;
	/* It has told why. */
	err_set(err, ERR_EXIT, "`devenv up` failed");
	err->status = status;
	return -1;
}

/* === where things answer === */

static const char *url_scheme(int port)
{
	static const int web[] = {80, 3000, 4000, 5000, 5173, 8000, 8080, 8888, 9000};

	if (port == 443 || port == 8443)
		return "https://";
	for (size_t i = 0; i < ARRAY_LEN(web); i++)
		if (web[i] == port)
			return "http://";
	return "";
}

static void add_ports(struct table *table, const struct container *container, struct strv *seen)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(container->raw, "Ports"), i, port) {
		const char *manifest = json_str(container->labels, "io.devenv.manifest");
		autofree char *name = xasprintf(
			"%s/%s", manifest ? manifest : container->project, container->service);
		int public = (int)json_int(port, "PublicPort");
		autofree char *url = xasprintf(
			"%slocalhost:%d", url_scheme((int)json_int(port, "PrivatePort")), public);
		const char *cells[] = {name, url};

		if (!public || strv_has(seen, url))
			continue;
		strv_push(seen, url);
		table_add(table, cells);
	}
}

static void add_tunnels(struct buf *text, const struct workspace *ws)
{
	for (size_t i = 0; i < ws->n; i++) {
		json_t *tunnels = json_object_get(ws->manifests[i].model, "x-tunnels"), *tunnel;
		const char *name;

		json_object_foreach (tunnels, name, tunnel)
			buf_addf(text, "tunnel to %s: devenv tunnel %s\n",
				json_str(tunnel, "to") ? json_str(tunnel, "to") : name, name);
	}
}

static int print_urls(struct app *app, const char *dir, struct err *err)
{
	static const char *const headings[] = {"SERVICE", "ANSWERS AT", NULL};
	autosession struct session session = SESSION_INIT;
	autostrv struct strv seen = STRV_INIT;
	autobuf struct buf text = BUF_INIT(0);
	struct actual actual = {0};
	struct table *table;

	if (session_open(app, SESSION_ENGINE, &session, err) < 0 ||
		actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	table = table_new(headings);
	for (size_t i = 0; i < actual.n; i++)
		if (str_eq(actual.containers[i].state, "running"))
			add_ports(table, &actual.containers[i], &seen);
	if (seen.n)
		table_print(table, &text);
	table_free(table);
	actual_release(&actual);
	add_tunnels(&text, &session.ws);
	buf_addf(&text, "all is well in %s\n", dir);
	return ui_output(buf_str(&text), err);
}

static int onboard_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct onboard_options *onboard = opts;
	const char *url = argc ? argv[0] : NULL;
	autofree char *name = url ? name_of_url(url) : xstrdup(".");
	autofree char *dir = path_absolute(NULL, onboard->dir ? onboard->dir : name);
	int needed;

	if (check_machine(app, err) < 0 || get_workspace(app, url, dir, err) < 0)
		return -1;
	if (chdir(dir) < 0)
		return err_os(err, ERR_USAGE, errno, "go to folder \"%s\"", dir);
	needed = needs_up(app, err);
	if (needed < 0 || (needed && run_up(app, err) < 0))
		return -1;
	return print_urls(app, dir, err);
}

static const char *const examples[] = {
	"devenv onboard git@git.acme.example:acme/workspace.git # day one",
	"devenv onboard # in a workspace that is there already", NULL};

const struct command cmd_onboard = {
	.name = "onboard",
	.group = "This machine",
	.args = "[GIT_URL]",
	.summary = "From a new machine to a running workspace, in one command",
	.details = "Checks the engine, disk, git and ssh key and says how to mend what is missing; "
		   "clones the workspace into a folder of its name; brings it up; prints where its "
		   "services answer. Run again, it only does what is left to do. It asks before it "
		   "clones, unless --yes is given.",
	.examples = examples,
	.min_args = 0,
	.max_args = 1,
	.complete = COMPLETE_NONE,
	.options = options,
	.options_size = sizeof(struct onboard_options),
	.run = onboard_run,
};
