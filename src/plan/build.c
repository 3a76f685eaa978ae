/*
 * build.c - images that are built from a service's `build:`: `devenv build`, `up --build`, and what
 * `up` finds missing.
 */
#include "build.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

size_t build_add(struct plan *plan, const struct plan_request *request, const struct selected *one,
	const char *reason, bool pull_first)
{
	autofree char *ref = plan_image(one->manifest, one->service);
	autofree char *object = xasprintf("image %s", ref);
	size_t at = plan_index(plan, ACTION_BUILD, object);
	const struct build_wishes *wishes = request->build;
	struct action *action;

	if (at != NO_ACTION)
		return at;
	at = plan_add(plan, ACTION_BUILD, TAKE(object), xstrdup(reason), TAKE(ref));
	action = &plan->actions[at];
	action->manifest = one->manifest;
	action->service = one->service;
	action->extra = json_object();
	json_object_set_new(action->extra, "pull_first", json_boolean(pull_first));
	if (!wishes)
		return at;
	json_object_set_new(action->extra, "no_cache", json_boolean(wishes->no_cache));
	json_object_set_new(action->extra, "pull", json_boolean(wishes->pull));
	json_object_set_new(action->extra, "push", json_boolean(wishes->push));
	json_object_set_new(action->extra, "memory", json_integer(wishes->memory));
	if (wishes->args)
		json_object_set_new(action->extra, "args", json_from_strv(wishes->args));
	return at;
}

/* A Dockerfile may begin with the image of a service that its service depends on. */
static void order_builds(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];
		json_t *service = model_service(action->manifest, action->service), *ignored;
		const char *name;

		json_object_foreach (json_object_get(service, "depends_on"), name, ignored) {
			autofree char *ref = plan_image(action->manifest, name);
			autofree char *object = xasprintf("image %s", ref);

			plan_need(plan, i, plan_index(plan, ACTION_BUILD, object));
		}
	}
}

static bool is_wanted(const struct plan_request *request, const json_t *service)
{
	if (!json_object_get(service, "build"))
		return false;
	return request->build || str_eq(json_str(service, "pull_policy"), "build");
}

int plan_build(
	const struct plan_request *request, bool dependencies, struct plan *plan, struct err *err)
{
	struct selection selection = {0};

	*plan = (struct plan){.ws = request->ws};
	if (selection_make(request, dependencies, &selection, err) < 0)
		return -1;
	for (size_t i = 0; i < selection.n; i++) {
		const struct selected *one = &selection.list[i];

		if (is_wanted(request, model_service(one->manifest, one->service)))
			build_add(plan, request, one, NULL, false);
	}
	selection_release(&selection);
	order_builds(plan);
	return 0;
}

/* === acting === */

/* The secrets of `build:` with what they are: [{"id", "file" or "content"}]. */
static json_t *secrets_of(const struct manifest *manifest, const json_t *build)
{
	json_t *out = json_array(), *item;
	size_t i;

	json_array_foreach (json_object_get(build, "secrets"), i, item) {
		const char *source = json_str(item, "source"), *target = json_str(item, "target");
		json_t *definition = json_at(
			manifest->model, "secrets", source ? source : "", NULL);
		const char *variable = json_str(definition, "environment");
		json_t *entry = json_object();

		json_set_str(entry, "id", target ? target : source);
		json_set_str(entry, "file", json_str(definition, "file"));
		json_set_str(entry, "content",
			variable ? json_str(manifest->env, variable)
				 : json_str(definition, "content"));
		json_array_append_new(out, entry);
	}
	return out;
}

static int push(struct engine *engine, const struct action *action, const json_t *build,
	const struct sink *sink, struct err *err)
{
	const char *image = json_str(model_service(action->manifest, action->service), "image");
	json_t *tag;
	size_t i;

	if (image && image_push(engine, image, sink, err) < 0)
		return -1;
	if (!image)
		sink_info(sink, action->object, "is not pushed: service %s has no `image:`",
			action->service);
	json_array_foreach (json_object_get(build, "tags"), i, tag)
		if (image_push(engine, json_string_value(tag), sink, err) < 0)
			return -1;
	return 0;
}

int act_build(struct act_context *context, const struct action *action, struct engine *engine,
	struct err *err)
{
	const json_t *service = model_service(action->manifest, action->service);
	const json_t *build = json_object_get(service, "build");
	const struct sink *sink = context->options->quiet_build ? NULL : context->options->sink;
	autojson json_t *secrets = secrets_of(action->manifest, build);
	autojson json_t *labels = json_pack("{s:s, s:s}", LABEL_PROJECT, action->manifest->project,
		LABEL_SERVICE, action->service);
	autostrv struct strv args = STRV_INIT;
	struct build_spec spec = {
		.build = build,
		.image = action->name,
		.platform = json_str(service, "platform"),
		.labels = labels,
		.secrets = secrets,
		.args = &args,
		.no_cache = json_bool(action->extra, "no_cache"),
		.pull = json_bool(action->extra, "pull"),
		.memory = json_int(action->extra, "memory"),
		.object = action->object,
		.sink = sink,
	};

	json_to_strv(json_object_get(action->extra, "args"), &args);
	if (json_bool(action->extra, "pull_first")) {
		struct err missing = ERR_INIT;

		if (image_pull(engine, action->name, spec.platform, sink, &missing) == 0)
			return 0;
		if (missing.kind != ERR_REGISTRY) {
			*err = missing;
			return -1;
		}
	}
	if (image_build(engine, &spec, err) < 0)
		return err_wrap(err, "build service %s", action->service);
	return json_bool(action->extra, "push") ? push(engine, action, build, sink, err) : 0;
}
