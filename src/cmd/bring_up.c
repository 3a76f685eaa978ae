/* bring_up.c - what `up`, `create` and `run` do before their plan. */
#include "bring_up.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

const char *const bring_up_pull[] = {"policy", "missing", "always", "never", NULL};

enum pull_policy bring_up_policy(const char *pull)
{
	if (str_eq(pull, "always"))
		return PULL_ALWAYS;
	if (str_eq(pull, "never"))
		return PULL_NEVER;
	return str_eq(pull, "missing") ? PULL_MISSING : PULL_POLICY;
}

int bring_up_scale(struct workspace *ws, const struct strv *scale, struct err *err)
{
	for (size_t i = 0; i < scale->n; i++) {
		const char *equals = strchr(scale->v[i], '=');
		autofree char *word = equals ? xstrndup(scale->v[i], (size_t)(equals - scale->v[i]))
					     : NULL;
		struct manifest *manifest;
		const char *service = NULL;
		uint64_t number;

		if (!equals || !parse_u64(equals + 1, 0, 1000, &number))
			return err_set(err, ERR_USAGE, "--scale: \"%s\" is not SERVICE=NUMBER",
				scale->v[i]);
		if (workspace_resolve(ws, word, &manifest, &service, err) < 0)
			return -1;
		if (!service)
			return err_set(err, ERR_USAGE, "--scale: \"%s\" is a manifest", word);
		json_object_set_new(json_at(manifest->model, "services", service, NULL), "scale",
			json_integer((json_int_t)number));
	}
	return 0;
}

int bring_up_print(const struct plan *plan, struct err *err)
{
	autobuf struct buf text = BUF_INIT(0);

	plan_print(plan, &text);
	return ui_output(buf_str(&text), err);
}

void bring_up_warn(struct app *app, const struct plan *plan)
{
	for (size_t i = 0; i < plan->warnings.n; i++)
		sink_warn(&app->sink, NULL, "%s", plan->warnings.v[i]);
	for (size_t i = 0; i < plan->orphans.n; i++)
		sink_warn(&app->sink, NULL,
			"container %s belongs to no service any more; `up` and `down` remove it "
			"with --remove-orphans",
			plan->orphans.v[i]);
}

/* Run it (or print it), and release it. */
static int finish(struct session *session, struct plan *plan, const struct run_options *run,
	bool dry_run, struct err *err)
{
	int result = 0;

	if (plan->n)
		result = dry_run ? bring_up_print(plan, err)
				 : plan_run(plan, session->engine, run, err);
	plan_release(plan);
	return result;
}

int bring_up_images(struct session *session, const struct plan_request *request,
	const struct run_options *run, bool dry_run, struct err *err)
{
	struct plan plan = {0};

	if (request->pull == PULL_ALWAYS || request->pull == PULL_POLICY) {
		if (plan_pull(session->engine, request, true, &plan, err) < 0 ||
			finish(session, &plan, run, dry_run, err) < 0)
			return -1;
	}
	if (request->no_build)
		return 0;
	if (plan_build(request, true, &plan, err) < 0)
		return -1;
	return finish(session, &plan, run, dry_run, err);
}

int bring_up_conflict(const struct conflict *conflicts, struct err *err)
{
	for (; conflicts->one; conflicts++)
		if (conflicts->both)
			return err_set(err, ERR_USAGE,
				"%s and %s exclude each other; leave one out", conflicts->one,
				conflicts->other);
	return 0;
}
