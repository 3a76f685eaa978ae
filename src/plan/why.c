/*
 * why.c - which field makes a container differ from its service.
 *
 * The canonical model of a service is kept in a label of its container, so the answer is a
 * comparison of two values, field by field, and not of two hashes.  A container that docker compose
 * made has only a hash.
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

/* === made by docker compose: it keeps no definition, but what was made can be looked at === */

static void compare_text(struct strv *out, const char *path, const char *was, const char *now)
{
	autojson json_t *old = was ? json_string_safe(was) : NULL;
	autojson json_t *new = now ? json_string_safe(now) : NULL;

	if (!str_eq(was, now))
		report(out, path, old, new);
}

static void compare_labels(
	struct strv *out, const json_t *service, const struct container *container)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(service, "labels"), name, value) {
		autofree char *path = xasprintf("labels.%s", name);

		compare_text(
			out, path, json_str(container->labels, name), json_string_value(value));
	}
}

static void compare_networks(struct strv *out, const struct manifest *manifest,
	const json_t *service, const struct container *container)
{
	json_t *joined = json_at(container->raw, "NetworkSettings", "Networks", NULL), *ignored;
	autostrv struct strv wanted = STRV_INIT;
	const char *key;

	json_object_foreach (json_object_get(service, "networks"), key, ignored) {
		const char *name = model_name(manifest, "networks", key);

		if (!name)
			continue;
		strv_push(&wanted, name);
		if (!json_object_get(joined, name))
			strv_pushf(out, "networks.%s is new", key);
	}
	json_object_foreach (joined, key, ignored)
		if (wanted.n && !strv_has(&wanted, key))
			strv_pushf(out, "networks: it is on %s too", key);
}

static void compare_made(struct strv *out, const struct manifest *manifest, const char *name,
	const struct container *container, const struct actual *actual)
{
	const json_t *service = model_service(manifest, name);
	autofree char *image = plan_image(manifest, name);
	char hash[SHA256_HEX];
	char *changed;

	compose_hash(manifest, name, actual, hash);
	changed = compose_changed(container->labels, hash);
	if (!changed)
		return;
	/* An image that lost its name to a newer one is listed by its id. */
	if (!str_starts(container->image ? container->image : "sha256:", "sha256:"))
		compare_text(out, "image", container->image, image);
	compare_labels(out, service, container);
	compare_networks(out, manifest, service, container);
	strv_push_take(out, changed);
}

void plan_differences(const struct manifest *manifest, const char *service,
	const struct container *container, const struct actual *actual, struct strv *out)
{
	const char *label = json_str(container->labels, LABEL_MODEL);
	autofree char *wanted = model_fingerprint(manifest, service);
	autojson json_t *was = NULL;
	autojson json_t *now = NULL;
	struct err ignored = ERR_INIT;

	if (!label)
		compare_made(out, manifest, service, container, actual);
	if (!label || str_eq(label, wanted))
		return;
	was = json_parse(label, strlen(label), "label", &ignored);
	now = json_parse(wanted, strlen(wanted), "model", &ignored);
	if (!was || !now)
		strv_push(out, "its label " LABEL_MODEL " is damaged");
	else
		compare(out, "", was, now);
}
