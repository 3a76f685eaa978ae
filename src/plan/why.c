/*
 * why.c - which field makes a container differ from its service.
 *
 * The canonical model of a service is kept in a label of its container, so the answer is a
 * comparison of two values, field by field, and not of two hashes.
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* A value for people: short, on one line. */
static char *shown(const json_t *value)
{
	autofree char *text = json_print(value);

	if (strlen(text) <= 60)
		return TAKE(text);
	return xasprintf("%.57s...", text);
}

static void report(struct strv *out, const char *path, const json_t *was, const json_t *now)
{
	autofree char *old = was ? shown(was) : NULL;
	autofree char *new = now ? shown(now) : NULL;

	if (!was)
		strv_pushf(out, "%s is new: %s", path, new);
	else if (!now)
		strv_pushf(out, "%s is gone (was %s)", path, old);
	else
		strv_pushf(out, "%s changed from %s to %s", path, old, new);
}

static void compare(struct strv *out, const char *path, const json_t *was, const json_t *now)
{
	const char *key;
	json_t *value;

	if (!json_is_object(was) || !json_is_object(now)) {
		if (!json_equal(was, now))
			report(out, path, was, now);
		return;
	}
	json_object_foreach ((json_t *)was, key, value) {
		autofree char *at = xasprintf("%s%s%s", path, *path ? "." : "", key);
		json_t *other = json_object_get(now, key);

		if (other)
			compare(out, at, value, other);
		else
			report(out, at, value, NULL);
	}
	json_object_foreach ((json_t *)now, key, value) {
		autofree char *at = xasprintf("%s%s%s", path, *path ? "." : "", key);

		if (!json_object_get(was, key))
			report(out, at, NULL, value);
	}
}

void differences(const json_t *was, const json_t *now, struct strv *out)
{
	compare(out, "", was, now);
}

void plan_differences(const struct manifest *manifest, const char *service,
	const struct container *container, struct strv *out)
{
	const char *label = json_str(container->labels, LABEL_MODEL);
	autofree char *wanted = model_fingerprint(manifest, service);
	autojson json_t *was = NULL;
	autojson json_t *now = NULL;
	struct err ignored = ERR_INIT;

	/* Brought up by `docker compose`: without a model there is nothing to differ from. */
	if (!label || str_eq(label, wanted))
		return;
	was = json_parse(label, strlen(label), "label", &ignored);
	now = json_parse(wanted, strlen(wanted), "model", &ignored);
	if (!was || !now)
		strv_push(out, "its label " LABEL_MODEL " is damaged");
	else
		compare(out, "", was, now);
}
