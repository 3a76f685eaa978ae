/* push.c - `devenv push`: images of services that have `build:` to their registries. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"

struct push_options {
	bool ignore_failures, include_deps, quiet;
};

#define AT(member) OPT_AT(struct push_options, member)

static const struct option_spec options[] = {
	{.name = "ignore-push-failures",
		.type = OPT_FLAG,
		AT(ignore_failures),
		.help = "Warn of what cannot be pushed, and push the others"},
	{.name = "include-deps",
		.type = OPT_FLAG,
		AT(include_deps),
		.help = "Images of what the named services depend on too"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "No progress, only errors"},
	{0},
};

static int push_one(struct app *app, struct session *session, const struct push_options *chosen,
	const char *ref, struct err *err)
{
	if (image_push(session->engine, ref, chosen->quiet ? NULL : &app->sink, err) == 0)
		return 0;
	if (!chosen->ignore_failures || err->kind == ERR_CANCELLED)
		return -1;
	sink_warn(&app->sink, NULL, "%s", err->msg);
	err_clear(err);
	return 0;
}

/* `image:` of a service that is built, and its further tags. */
static void add_images(const struct workspace *ws, const char *word, struct strv *refs)
{
	struct err ignored = ERR_INIT;
	struct manifest *manifest;
	autostrv struct strv all = STRV_INIT;
	const char *name, *image;
	json_t *service;

	if (workspace_resolve(ws, word, &manifest, &name, &ignored) < 0)
		return;
	service = json_at(manifest->model, "services", name, NULL);
	image = json_str(service, "image");
	if (!image || !json_object_get(service, "build"))
		return;
	strv_push(&all, image);
	json_to_strv(json_at(service, "build", "tags", NULL), &all);
	for (size_t i = 0; i < all.n; i++)
		if (!strv_has(refs, all.v[i]))
			strv_push(refs, all.v[i]);
}

static int push_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct push_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	autostrv struct strv services = STRV_INIT, refs = STRV_INIT;
	struct plan_request request = {
		.ws = &session.ws, .words = &words, .no_deps = !chosen->include_deps};

	if (session_open(app, SESSION_ENGINE, &session, err) < 0 ||
		plan_words(&request, &services, err) < 0)
		return -1;
	for (size_t i = 0; i < services.n; i++)
		add_images(&session.ws, services.v[i], &refs);
	if (!refs.n)
		sink_info(&app->sink, NULL,
			"nothing to push: no service has both `build:` and `image:`");
	for (size_t i = 0; i < refs.n; i++)
		if (push_one(app, &session, chosen, refs.v[i], err) < 0)
			return -1;
	return 0;
}

static const char *const examples[] = {"devenv push web # after devenv build", NULL};

const struct command cmd_push = {
	.name = "push",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Push the images of services that have `build:`",
	.details = "With the credentials of the Docker configuration. A service without `image:` "
		   "has no name to push.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct push_options),
	.run = push_run,
};
