/*
 * pull.c - which images to pull: `devenv pull`, and what `pull_policy` wants newer before an `up`.
 */
#include "images.h"
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#define NS_PER_S 1000000000

/* daily, weekly, every_DURATION: was the image last tagged longer ago than that? */
static bool is_due(struct engine *engine, const char *policy, const char *ref)
{
	autojson json_t *image = NULL;
	struct err ignored = ERR_INIT;
	const char *tagged;
	int64_t period, since;

	if (!manifest_pull_period(policy, &period))
		return false;
	if (image_inspect(engine, ref, &image, &ignored) < 0)
		return true;
	tagged = json_str(json_object_get(image, "Metadata"), "LastTagTime");
	since = tagged ? clock_parse_rfc3339(tagged) : -1;
	return since < 0 || clock_wall() - since > period / NS_PER_S;
}

static bool is_wanted(struct engine *engine, const struct plan_request *request,
	const json_t *service, const char *ref, bool there)
{
	const char *policy = json_str(service, "pull_policy");

	if (!json_str(service, "image") ||
		(request->ignore_buildable && json_object_get(service, "build")))
		return false;
	if (request->pull == PULL_MISSING)
		return !there;
	if (str_eq(policy, "build"))
		return false;
	if (request->pull == PULL_ALWAYS)
		return true;
	if (str_eq(policy, "never"))
		return false;
	if (request->pull == PULL_NEWER)
		return !there || !str_eq(policy, "missing");
	return str_eq(policy, "always") || (there && is_due(engine, policy, ref));
}

int plan_pull(struct engine *engine, const struct plan_request *request, bool dependencies,
	struct plan *plan, struct err *err)
{
	struct selection selection = {0};
	autojson json_t *images = NULL;

	*plan = (struct plan){.ws = request->ws};
	if (selection_make(request, dependencies, &selection, err) < 0)
		return -1;
	if (images_read(engine, &images, err) < 0) {
		selection_release(&selection);
		return -1;
	}
	for (size_t i = 0; i < selection.n; i++) {
		const struct selected *one = &selection.list[i];
		json_t *service = model_service(one->manifest, one->service);
		autofree char *ref = plan_image(one->manifest, one->service);
		autofree char *object = xasprintf("image %s", ref);
		bool there = images_find(images, ref) != NULL;
		size_t action;

		if (plan_index(plan, ACTION_PULL, object) != NO_ACTION ||
			!is_wanted(engine, request, service, ref, there))
			continue;
		action = plan_add(plan, ACTION_PULL, TAKE(object), NULL, TAKE(ref));
		plan->actions[action].extra = json_object();
		json_set_str(
			plan->actions[action].extra, "platform", json_str(service, "platform"));
	}
	selection_release(&selection);
	return 0;
}
