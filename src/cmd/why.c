/* why.c - `devenv why SERVICE`: which field forces a re-creation. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

/* "envs/shop.yaml:12:5" of the field that a difference names first, or NULL. The caller's. */
static char *place_of(const struct manifest *manifest, const char *service, const char *text)
{
	autofree char *field = xstrndup(text, strcspn(text, ". "));
	autofree char *path = xasprintf("services.%s.%s", service, field);

	return manifest_place(manifest, path);
}

static int explain(const struct manifest *manifest, const char *service,
	const struct container *container, const struct actual *actual, bool json, struct err *err)
{
	autostrv struct strv list = STRV_INIT;
	autobuf struct buf text = BUF_INIT(0);
	autojson json_t *out = json_object();

	plan_differences(manifest, service, container, actual, &list);
	json_set_str(out, "service", service);
	json_set_str(out, "container", container->name);
	json_object_set_new(out, "differences", json_from_strv(&list));
	if (json)
		return ui_output_json(out, err);
	buf_addf(&text, "%s %s\n", container->name,
		list.n ? "differs from its manifest:" : "is as its manifest says");
	for (size_t i = 0; i < list.n; i++) {
		autofree char *place = place_of(manifest, service, list.v[i]);

		buf_addf(&text, "  %s%s%s%s\n", list.v[i], place ? "  (" : "", place ? place : "",
			place ? ")" : "");
	}
	return ui_output(buf_str(&text), err);
}

static int why_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	const struct container *container;
	struct actual actual = {0};
	struct manifest *manifest;
	const char *service;
	int result;

	if (session_open(app, SESSION_ENGINE, &session, err) < 0 ||
		session_container(&session, argv[0], 0, false, &actual, &container, err) < 0 ||
		workspace_resolve(&session.ws, argv[0], &manifest, &service, err) < 0)
		return -1;
	result = explain(manifest, service, container, &actual, app->json, err);
	actual_release(&actual);
	return result;
}

static const char *const examples[] = {"devenv why web", "devenv why shop/web --format json", NULL};

const struct command cmd_why = {
	.name = "why",
	.group = "Look",
	.args = "SERVICE",
	.summary = "Name the fields that make `up` replace a container",
	.details = "Compares the service's model, kept in a label of the container when it was "
		   "created, with what its manifest says now, field by field.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.run = why_run,
};
