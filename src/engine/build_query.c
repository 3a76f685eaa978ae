/*
 * build_query.c - `build:` as the query of POST /build, and what the engine cannot do.
 *
 * Docker's classic builder and Podman's differ in the form of lists: Docker reads extrahosts as
 * repeated values and cachefrom as JSON, Podman the other way round.
 */
#include "build_query.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static void add(struct buf *query, const char *key, const char *value)
{
	autofree char *escaped = value ? engine_escape(value) : NULL;

	if (value)
		buf_addf(query, "%s%s=%s", query->len ? "&" : "", key, escaped);
}

static void add_json(struct buf *query, const char *key, const json_t *value)
{
	autofree char *text = NULL;

	if (!json_object_size(value) && !json_array_size(value))
		return;
	text = json_print(value);
	add(query, key, text);
}

static void add_list(struct buf *query, const char *key, const json_t *list, bool as_json)
{
	json_t *item;
	size_t i;

	if (as_json) {
		add_json(query, key, list);
		return;
	}
	json_array_foreach (list, i, item)
		add(query, key, json_string_value(item));
}

/* NAME=VALUE; a name alone is taken from our environment, as docker does. */
static void set_argument(json_t *args, const char *text)
{
	const char *equals = strchr(text, '=');
	autofree char *name = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);

	json_set_str(args, name, equals ? equals + 1 : getenv(name));
}

static json_t *arguments(const struct build_spec *spec)
{
	json_t *args = json_object(), *value;
	const char *name;

	json_object_foreach (json_object_get(spec->build, "args"), name, value) {
		if (json_is_string(value))
			json_object_set(args, name, value);
		else
			json_set_str(args, name, getenv(name));
	}
	for (size_t i = 0; spec->args && i < spec->args->n; i++)
		set_argument(args, spec->args->v[i]);
	return args;
}

static void add_labels(struct buf *query, const struct build_spec *spec)
{
	autojson json_t *labels = json_object();

	json_object_update(labels, json_object_get(spec->build, "labels"));
	if (spec->labels)
		json_object_update(labels, (json_t *)spec->labels);
	add_json(query, "labels", labels);
}

/* "host=address" of the model as "host:address". */
static void add_hosts(struct buf *query, const json_t *build, bool podman)
{
	autojson json_t *hosts = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(build, "extra_hosts"), i, item) {
		autofree char *host = xstrdup(json_string_value(item));
		char *equals = host ? strchr(host, '=') : NULL;

		if (equals)
			*equals = ':';
		json_array_append_new(hosts, json_string_safe(host ? host : ""));
	}
	add_list(query, "extrahosts", hosts, podman);
}

static void add_limits(struct buf *query, const json_t *build)
{
	autojson json_t *limits = json_array();
	const char *name, *size = json_str(build, "shm_size");
	json_t *value;
	int64_t bytes;

	json_object_foreach (json_object_get(build, "ulimits"), name, value) {
		bool both = json_is_integer(value);
		json_int_t soft = both ? json_integer_value(value) : json_int(value, "soft");
		json_int_t hard = both ? soft : json_int(value, "hard");

		json_array_append_new(limits,
			json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", soft, "Hard", hard));
	}
	add_json(query, "ulimits", limits);
	if (size && parse_bytes(size, &bytes))
		buf_addf(query, "&shmsize=%lld", (long long)bytes);
}

static const char *platform_of(const struct build_spec *spec)
{
	const json_t *list = json_object_get(spec->build, "platforms");

	return spec->platform ? spec->platform : json_string_value(json_array_get(list, 0));
}

void build_query(const struct build_spec *spec, const struct build_context *context, bool podman,
	struct buf *query)
{
	const json_t *build = spec->build;
	autojson json_t *args = arguments(spec);

	add(query, "t", spec->image);
	add_list(query, "t", json_object_get(build, "tags"), false);
	add(query, "dockerfile", context->dockerfile);
	add(query, "remote", build_is_remote(context->dir) ? context->dir : NULL);
	add(query, "target", json_str(build, "target"));
	add(query, "networkmode", json_str(build, "network"));
	add(query, "platform", platform_of(spec));
	add_json(query, "buildargs", args);
	add_labels(query, spec);
	add_hosts(query, build, podman);
	add_list(query, "cachefrom", json_object_get(build, "cache_from"), !podman);
	add_limits(query, build);
	if (spec->memory)
		buf_addf(query, "&memory=%lld", (long long)spec->memory);
	buf_addstr(query, "&rm=1&forcerm=1");
	/* Podman's cache takes `ENV A=$B` for the same step when the argument B has changed. */
	if (spec->no_cache || json_bool(build, "no_cache") || (podman && json_object_size(args)))
		buf_addstr(query, "&nocache=1");
	if (spec->pull || json_bool(build, "pull"))
		buf_addstr(query, "&pull=1");
}

/* === what the engine cannot do === */

static bool is_used(const json_t *build, const char *key)
{
	const json_t *value = json_object_get(build, key);

	return json_object_size(value) || json_array_size(value) || json_is_true(value);
}

int build_check(const struct build_spec *spec, bool podman, struct err *err)
{
	static const char *const keys[] = {
		"ssh", "secrets", "additional_contexts", "cache_to", "entitlements", "privileged"};
	size_t platforms = json_array_size(json_object_get(spec->build, "platforms"));

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (is_used(spec->build, keys[i]) && !(podman && str_eq(keys[i], "secrets")))
			return err_set(err, ERR_ENGINE,
				"`build.%s` needs BuildKit, which the builder of this engine's API "
				"does not offer; build it with `docker buildx` or in CI and name "
				"the result as `image:`",
				keys[i]);
	if (platforms > 1 && !spec->platform)
		return err_set(err, ERR_ENGINE,
			"`build.platforms` names %zu platforms; this engine builds one at a time",
			platforms);
	return 0;
}
