/* down.c - `devenv down`: stop and remove; data stays unless --volumes says otherwise. */
#include "bring_up.h"
#include "commands.h"
#include "common_options.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <unistd.h>

struct down_options {
	bool volumes, dry_run, remove_orphans;
	const char *rmi;
	int64_t timeout;
};

#define AT(member) OPT_AT(struct down_options, member)

static const char *const rmi_choices[] = {"local", "all", NULL};

static const struct option_spec options[] = {
	{OPTION_DRY_RUN, AT(dry_run)},
	{.name = "remove-orphans",
		.type = OPT_FLAG,
		AT(remove_orphans),
		.help = "Remove containers whose service is in no manifest, and those of `run`"},
	{.name = "rmi",
		.type = OPT_CHOICE,
		AT(rmi),
		.arg = "WHICH",
		.choices = rmi_choices,
		.help = "Remove images too: local: those without `image:`; all"},
	{OPTION_STOP_TIMEOUT, AT(timeout)},
	{.name = "volumes",
		.letter = 'v',
		.type = OPT_FLAG,
		AT(volumes),
		.help = "Remove the volumes too, with all data in them"},
	{0},
};

static int confirm_volumes(const struct app *app, const struct plan *plan, struct err *err)
{
	autobuf struct buf question = BUF_INIT(0);
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->actions[i].kind == ACTION_REMOVE_VOLUME)
			buf_addf(&question, "%s%s", n++ ? ", " : "Delete all data in ",
				plan->actions[i].name);
	buf_addstr(&question, "?");
	/* --volumes is the word for it; a person at a terminal is asked once more. */
	if (!n || app->global.yes || !(isatty(0) && isatty(2)) || ui_confirm(buf_str(&question)))
		return 0;
	return err_set(err, ERR_FAILED, "nothing was removed");
}

static void remove_image(struct app *app, struct session *session, const char *ref)
{
	autofree char *escaped = engine_escape(ref), *object = xasprintf("image %s", ref);
	struct err err = ERR_INIT;

	if (engine_delete(session->engine, &err, "/images/%s", escaped) == 0)
		sink_emit(&app->sink,
			&(struct event){.kind = EVENT_DONE, .object = object, .text = "Removed"});
	else if (err.status != 404)
		sink_warn(&app->sink, object, "stays: %s", err.msg);
}

/* --rmi: of the services that the words name; what others still use stays, with a warning. */
static int remove_images(struct app *app, struct session *session, const struct strv *words,
	bool local, struct err *err)
{
	struct plan_request request = {.ws = &session->ws, .words = words, .no_deps = true};
	autostrv struct strv services = STRV_INIT, refs = STRV_INIT;

	if (plan_words(&request, &services, err) < 0)
		return -1;
	for (size_t i = 0; i < services.n; i++) {
		struct manifest *manifest;
		const char *service;
		autofree char *ref = NULL;

		if (workspace_resolve(&session->ws, services.v[i], &manifest, &service, err) < 0)
			return -1;
		if (local && json_str(json_at(manifest->model, "services", service, NULL), "image"))
			continue;
		ref = plan_image(manifest, service);
		if (!strv_has(&refs, ref))
			strv_push(&refs, ref);
	}
	for (size_t i = 0; i < refs.n; i++)
		remove_image(app, session, refs.v[i]);
	return 0;
}

static int down_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct down_options *down = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct plan plan = {0};
	struct plan_request request = {.ws = &session.ws,
		.words = &words,
		.volumes = down->volumes,
		.remove_orphans = session_remove_orphans(down->remove_orphans)};
	struct run_options run = {.stop_timeout_s = (int)down->timeout};
	/* Who names a service means it, whatever its profile. */
	unsigned flags = SESSION_ENGINE | SESSION_NO_START | SESSION_SALVAGE |
			 (argc ? SESSION_ALL : 0) | (down->dry_run ? 0 : SESSION_LOCK);
	int result;

	if (session_open(app, flags, &session, err) < 0)
		return -1;
	if (plan_down(session.engine, &request, &plan, err) < 0)
		return -1;
	bring_up_warn(app, &plan);
	if (down->dry_run) {
		result = bring_up_print(&plan, err);
	} else {
		result = down->volumes ? confirm_volumes(app, &plan, err) : 0;
		if (result == 0)
			result = session_run_plan(app, &session, &plan, &run,
				plan.n ? "is down" : "is down: nothing to do", err);
		if (result == 0 && down->rmi)
			result = remove_images(
				app, &session, &words, str_eq(down->rmi, "local"), err);
	}
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {
	"devenv down # containers and networks; volumes stay",
	"devenv down --volumes # the data too",
	NULL,
};

const struct command cmd_down = {
	.name = "down",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Stop and remove containers and networks; data stays",
	.details = "Dependents end before what they depend on. Takes what the manifests have, or, "
		   "when they cannot be read, what carries the labels that `up` wrote. Containers "
		   "whose service is gone from its manifest stay without --remove-orphans, and so "
		   "does a network that something uses. Volumes are only removed with --volumes.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct down_options),
	.run = down_run,
};
