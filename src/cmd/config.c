/*
 * config.c - `devenv config`: the canonical model, as `docker compose config` prints it.
 */
#include "commands.h"
#include "session.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct config_options {
	const char *format;
	const char *manifest;
	const char *hash;
	const char *output;
	bool services, images, volumes, networks, models, profiles, quiet, explain, no_interpolate,
		environment, pin, lock, variables, no_normalize, no_consistency, keep_paths, no_env;
};

#define AT(member) OPT_AT(struct config_options, member)

static const char *const formats[] = {"yaml", "json", NULL};

static const struct option_spec options[] = {
	{.name = "environment",
		.type = OPT_FLAG,
		AT(environment),
		.help = "Print the variables that ${...} is filled from"},
	{.name = "explain",
		.type = OPT_FLAG,
		AT(explain),
		.help = "Tell for each environment value which file and line won"},
	{.name = "format",
		.type = OPT_CHOICE,
		AT(format),
		.arg = "FORMAT",
		.choices = formats,
		.def = "yaml",
		.help = "How the model is printed"},
	{.name = "hash",
		.type = OPT_STRING,
		AT(hash),
		.arg = "SERVICE,...",
		.help = "Only Compose's config hash of each of these services (\"*\": of all)"},
	{.name = "images", .type = OPT_FLAG, AT(images), .help = "Only names of images"},
	{.name = "lock-image-digests",
		.type = OPT_FLAG,
		AT(lock),
		.help = "Only the images, pinned: an override file for -f"},
	{.name = "manifest",
		.letter = 'm',
		.type = OPT_STRING,
		AT(manifest),
		.arg = "NAME",
		.complete = COMPLETE_MANIFEST,
		.help = "Only this manifest of the workspace"},
	{.name = "models", .type = OPT_FLAG, AT(models), .help = "Only the AI models in use"},
	{.name = "networks", .type = OPT_FLAG, AT(networks), .help = "Only names of networks"},
	{.name = "no-consistency",
		.type = OPT_FLAG,
		AT(no_consistency),
		.help = "Do not check that what is named is there and goes together"},
	{.name = "no-env-resolution",
		.type = OPT_FLAG,
		AT(no_env),
		.help = "Accepted for Compose, which reads each `env_file` all the same"},
	{.name = "no-interpolate",
		.type = OPT_FLAG,
		AT(no_interpolate),
		.help = "Leave ${...} as written"},
	{.name = "no-normalize",
		.type = OPT_FLAG,
		AT(no_normalize),
		.help = "Without the networks, names and defaults that Compose adds"},
	{.name = "no-path-resolution",
		.type = OPT_FLAG,
		AT(keep_paths),
		.help = "Leave paths relative"},
	{.name = "output",
		.letter = 'o',
		.type = OPT_STRING,
		AT(output),
		.arg = "FILE",
		.complete = COMPLETE_FILE,
		.help = "Write the model into this file"},
	{.name = "profiles", .type = OPT_FLAG, AT(profiles), .help = "Only names of profiles"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "Only check; print nothing but problems"},
	{.name = "resolve-image-digests",
		.type = OPT_FLAG,
		AT(pin),
		.help = "Pin each image to the digest that its registry has for it now"},
	{.name = "services", .type = OPT_FLAG, AT(services), .help = "Only names of services"},
	{.name = "variables",
		.type = OPT_FLAG,
		AT(variables),
		.help = "Only the variables that ${...} asks for, with their defaults"},
	{.name = "volumes", .type = OPT_FLAG, AT(volumes), .help = "Only names of volumes"},
	{0},
};

static void add_keys(const json_t *object, struct strv *out)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		strv_push(out, key);
}

static void add_profiles(const struct manifest *manifest, struct strv *out)
{
	json_t *sets[] = {json_object_get(manifest->model, "services"), manifest->inactive};
	const char *key;
	json_t *service;

	for (size_t s = 0; s < ARRAY_LEN(sets); s++)
		json_object_foreach (sets[s], key, service) {
			autostrv struct strv profiles = STRV_INIT;

			json_to_strv(json_object_get(service, "profiles"), &profiles);
			for (size_t i = 0; i < profiles.n; i++)
				if (!strv_has(out, profiles.v[i]))
					strv_push(out, profiles.v[i]);
		}
}

static void add_images(const struct manifest *manifest, struct strv *out)
{
	const char *key;
	json_t *service;

	json_object_foreach (json_object_get(manifest->model, "services"), key, service)
		strv_push_take(out, plan_image(manifest, key));
}

static void add_models(const struct manifest *manifest, struct strv *out)
{
	const char *key;
	json_t *model;

	json_object_foreach (json_object_get(manifest->model, "models"), key, model)
		strv_push(out, json_str(model, "model"));
}

/* The one-word lists; false when none was asked for. */
static bool list_names(
	const struct config_options *config, const struct manifest *manifest, struct strv *out)
{
	const struct {
		bool chosen;
		const char *section;
	} lists[] = {{config->services, "services"}, {config->volumes, "volumes"},
		{config->networks, "networks"}};
	bool any = config->images || config->models || config->profiles;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (lists[i].chosen) {
			add_keys(json_object_get(manifest->model, lists[i].section), out);
			any = true;
		}
	if (config->images)
		add_images(manifest, out);
	if (config->models)
		add_models(manifest, out);
	if (config->profiles)
		add_profiles(manifest, out);
	return any;
}

static void add_explained(const struct manifest *manifest, struct buf *text)
{
	const char *service, *name;
	json_t *variables, *entry;

	json_object_foreach (manifest->explain, service, variables) {
		buf_addf(text, "%s:\n", service);
		json_object_foreach (variables, name, entry) {
			const char *value = json_str(entry, "value");

			buf_addf(text, "  %s=%s  # %s\n", name, value ? value : "",
				json_str(entry, "from"));
		}
	}
}

static void add_environment(const struct manifest *manifest, struct buf *text)
{
	autostrv struct strv lines = STRV_INIT;
	autofree char *all = NULL;
	const char *name;
	json_t *value;

	json_object_foreach (manifest->env, name, value)
		strv_pushf(&lines, "%s=%s\n", name, json_string_value(value));
	strv_sort(&lines);
	all = strv_join(&lines, "");
	buf_addstr(text, all);
}

static void add_one(
	const struct config_options *config, const struct manifest *manifest, struct buf *text)
{
	autostrv struct strv names = STRV_INIT;

	if (list_names(config, manifest, &names)) {
		strv_sort(&names);
		for (size_t i = 0; i < names.n; i++)
			buf_addf(text, "%s\n", names.v[i]);
	} else if (config->explain) {
		add_explained(manifest, text);
	} else if (config->environment) {
		add_environment(manifest, text);
	} else {
		manifest_print_yaml(manifest->model, text);
	}
}

/* As Compose: what is printed can be read as a manifest again, so each $ is written $$. */
static int output_model(
	const struct config_options *config, const char *text, bool escape, struct err *err)
{
	autobuf struct buf out = BUF_INIT(0);

	while (*text) {
		size_t plain = escape ? strcspn(text, "$") : strlen(text);

		buf_add(&out, text, plain);
		text += plain;
		if (*text)
			buf_addstr(&out, "$$"), text++;
	}
	if (config->output)
		return fs_write_atomic(config->output, buf_str(&out), out.len, 0644, err);
	return ui_output(buf_str(&out), err);
}

static json_t *json_model(const struct config_options *config, const struct manifest *manifest)
{
	return config->no_interpolate ? manifest_raw_json(manifest->model)
				      : manifest_json(manifest->model);
}

/* One manifest: its model. A workspace: {"name", "manifests": {name: model}}. */
static char *json_text(const struct config_options *config, const struct workspace *ws,
	const struct manifest *only)
{
	autojson json_t *all = NULL;
	json_t *models = json_object();
	autofree char *text = NULL;

	all = json_pack("{s:s, s:o}", "name", ws->name, "manifests", models);
	for (size_t i = 0; i < ws->n; i++)
		json_object_set_new(
			models, ws->manifests[i].name, json_model(config, &ws->manifests[i]));
	if (!only && ws->single)
		only = &ws->manifests[0];
	if (only) {
		json_decref(all);
		all = json_model(config, only);
	}
	text = json_print_pretty(all);
	return xasprintf("%s\n", text);
}

/* === hashes === */

static int add_hash(const struct workspace *ws, const struct manifest *manifest,
	const char *service, struct strv *out, struct err *err)
{
	char hash[SHA256_HEX];

	if (!json_at(manifest->model, "services", service, NULL))
		return err_set(err, ERR_USAGE,
			"service %s is of a profile that is not active; add --profile", service);
	manifest_hash_config(manifest, service, hash);
	if (ws->single)
		strv_pushf(out, "%s %s\n", service, hash);
	else
		strv_pushf(out, "%s/%s %s\n", manifest->name, service, hash);
	return 0;
}

static int add_hashes(const struct workspace *ws, const struct manifest *manifest, struct strv *out,
	struct err *err)
{
	const char *service;
	json_t *ignored;

	json_object_foreach (json_object_get(manifest->model, "services"), service, ignored)
		if (add_hash(ws, manifest, service, out, err) < 0)
			return -1;
	return 0;
}

/* `words`: services with commas between, or "*". */
static int print_hashes(
	const struct workspace *ws, const struct manifest *only, const char *words, struct err *err)
{
	autostrv struct strv list = STRV_INIT, lines = STRV_INIT;
	autofree char *text = NULL;

	if (str_eq(words, "*")) {
		for (size_t i = 0; i < ws->n; i++)
			if ((!only || only == &ws->manifests[i]) &&
				add_hashes(ws, &ws->manifests[i], &lines, err) < 0)
				return -1;
	} else {
		strv_split(&list, words, ',');
	}
	for (size_t i = 0; i < list.n; i++) {
		struct manifest *manifest;
		const char *service;

		if (workspace_resolve(ws, list.v[i], &manifest, &service, err) < 0)
			return -1;
		if ((service ? add_hash(ws, manifest, service, &lines, err)
			     : add_hashes(ws, manifest, &lines, err)) < 0)
			return -1;
	}
	strv_sort(&lines);
	text = strv_join(&lines, "");
	return ui_output(text, err);
}

/* === variables === */

static char *variables_table(const json_t *variables)
{
	static const char *const headings[] = {
		"NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE", NULL};
	struct table *table = table_new(headings);
	autobuf struct buf text = BUF_INIT(0);
	autostrv struct strv names = STRV_INIT;

	add_keys(variables, &names);
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		const json_t *one = json_object_get(variables, names.v[i]);
		bool required = json_is_true(json_object_get(one, "Required"));

		table_add(table,
			(const char *[]){names.v[i], required ? "true" : "false",
				json_str(one, "DefaultValue"), json_str(one, "PresenceValue")});
	}
	table_print(table, &text);
	table_free(table);
	return xstrdup(buf_str(&text));
}

static int print_variables(const struct config_options *config, const struct workspace *ws,
	const struct manifest *only, struct err *err)
{
	autojson json_t *all = json_object();
	autofree char *table = NULL;

	for (size_t i = 0; i < ws->n; i++) {
		autojson json_t *variables = NULL;

		if (only && only != &ws->manifests[i])
			continue;
		variables = manifest_variables(ws->manifests[i].model);
		json_object_update_missing(all, variables);
	}
	if (str_eq(config->format, "json"))
		return ui_output_json(all, err);
	table = variables_table(all);
	return ui_output(table, err);
}

static bool wants_words(const struct config_options *config)
{
	return config->services || config->images || config->volumes || config->networks ||
	       config->models || config->profiles || config->explain || config->environment;
}

static void add_all(const struct config_options *config, const struct workspace *ws,
	const struct manifest *only, struct buf *text)
{
	for (size_t i = 0; i < ws->n; i++) {
		if (only && only != &ws->manifests[i])
			continue;
		if (!ws->single && !only && !wants_words(config))
			buf_addf(text, "%s# %s\n", i ? "---\n" : "", ws->manifests[i].name);
		add_one(config, &ws->manifests[i], text);
	}
}

static int print(const struct config_options *config, const struct workspace *ws, struct err *err)
{
	const struct manifest *only = config->manifest ? workspace_find(ws, config->manifest)
						       : NULL;
	bool escape = !config->no_interpolate;
	autobuf struct buf text = BUF_INIT(0);

	if (config->manifest && !only)
		return err_set(
			err, ERR_USAGE, "this workspace has no manifest \"%s\"", config->manifest);
	if (config->quiet)
		return 0;
	if (config->variables)
		return print_variables(config, ws, only, err);
	if (config->hash)
		return print_hashes(ws, only, config->hash, err);
	if (str_eq(config->format, "json") && !wants_words(config)) {
		autofree char *json = json_text(config, ws, only);

		return output_model(config, json, escape, err);
	}
	add_all(config, ws, only, &text);
	return wants_words(config) ? ui_output(buf_str(&text), err)
				   : output_model(config, buf_str(&text), escape, err);
}

/* Once for all: a team that builds everywhere waits everywhere. */
static void warn_of_builds(struct app *app, const struct workspace *ws)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *list = NULL;
	const char *name;
	json_t *service;

	for (size_t i = 0; i < ws->n; i++)
		json_object_foreach (
			json_object_get(ws->manifests[i].model, "services"), name, service)
			if (json_object_get(service, "build") && !json_str(service, "image"))
				strv_push(&names, name);
	if (!names.n)
		return;
	list = strv_join(&names, ", ");
	sink_warn(&app->sink, NULL,
		"no prebuilt image, only `build:`: %s; everybody who starts builds it anew (build "
		"once with `devenv build --push` and name the `image:`)",
		list);
}

/* Services that share an image are pinned to the same one. */
static int pin_images(struct app *app, struct session *session, struct err *err)
{
	autojson json_t *known = json_object();
	const char *name;
	json_t *service;

	for (size_t i = 0; i < session->ws.n; i++)
		json_object_foreach (json_object_get(session->ws.manifests[i].model, "services"),
			name, service) {
			const char *image = json_str(service, "image");
			autofree char *pinned = NULL;

			if (str_empty(image))
				continue;
			if (!json_str(known, image)) {
				if (image_pin(session->engine, image, &app->sink, &pinned, err) < 0)
					return err_wrap(err, "service %s", name);
				json_set_str(known, image, pinned);
			}
			json_object_set(service, "image", json_object_get(known, image));
		}
	return 0;
}

/* The model as an override file that only says which images. */
static void keep_images(struct workspace *ws)
{
	for (size_t i = 0; i < ws->n; i++) {
		json_t *services = json_object();
		const char *name;
		json_t *service;

		json_object_foreach (
			json_object_get(ws->manifests[i].model, "services"), name, service) {
			json_t *kept = json_object();

			json_set_str(kept, "image", json_str(service, "image"));
			json_object_set_new(services, name, kept);
		}
		json_decref(ws->manifests[i].model);
		ws->manifests[i].model = json_pack("{s:o}", "services", services);
	}
}

/* Compose's lists of names but for images are of everything. */
static bool lists_all(const struct config_options *config)
{
	return config->services || config->volumes || config->networks || config->models ||
	       config->profiles;
}

/* Each manifest's model without what the words do not name; "MANIFEST" names all of it. */
static int select_services(struct workspace *ws, int argc, char **argv, struct err *err)
{
	for (size_t i = 0; argc && i < ws->n; i++) {
		struct manifest *manifest = &ws->manifests[i], *named;
		autostrv struct strv names = STRV_INIT;
		const char *service;
		json_t *subset;

		for (int j = 0; j < argc; j++) {
			if (workspace_resolve(ws, argv[j], &named, &service, err) < 0)
				return -1;
			if (named == manifest && service)
				strv_push(&names, service);
			else if (named == manifest)
				add_keys(json_object_get(manifest->model, "services"), &names);
		}
		subset = manifest_subset(manifest->model, &names);
		json_decref(manifest->model);
		manifest->model = subset;
	}
	return 0;
}

static int config_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct config_options *config = opts;
	autosession struct session session = SESSION_INIT;
	bool raw = config->no_interpolate || config->variables, pin = config->pin || config->lock;
	/* As Compose: what it adds came after its first version. */
	bool plain = config->no_normalize || app->global.compatibility;
	unsigned flags = (raw ? SESSION_RAW : 0u) | (pin ? SESSION_ENGINE : 0u) |
			 (config->keep_paths ? SESSION_KEEP_PATHS : 0u) |
			 (plain ? SESSION_NO_NORMALIZE : 0u) |
			 (config->no_consistency ? SESSION_NO_CONSISTENCY : 0u);

	if (config->quiet && str_eq(config->format, "json"))
		flags |= SESSION_LIST;
	if (argc && config->no_interpolate)
		sink_warn(&app->sink, NULL, "--no-interpolate: services are not selected");
	if (lists_all(config) || raw)
		argc = 0;
	if (session_open(app, flags | (argc ? SESSION_ALL : 0u), &session, err) < 0 ||
		select_services(&session.ws, argc, argv, err) < 0)
		return -1;
	if (pin && pin_images(app, &session, err) < 0)
		return -1;
	if (!config->quiet)
		warn_of_builds(app, &session.ws);
	if (config->lock)
		keep_images(&session.ws);
	return print(config, &session.ws, err);
}

static const char *const examples[] = {
	"devenv config # the whole, with everything filled in",
	"devenv config web # only it and what it depends on",
	"devenv config --explain # where each environment value comes from",
	"devenv -f compose.yaml config --format json",
	NULL,
};

const struct command cmd_config = {
	.name = "config",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Check the manifests and print the canonical model",
	.details =
		"The same value that `docker compose config` prints: variables filled in, files "
		"merged, short forms made long, defaults written out. All problems are reported at "
		"once, each with its file, line and column; with -q --format json as a list for "
		"editors.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct config_options),
	.run = config_run,
};
