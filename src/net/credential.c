/*
 * credential.c - who we are at a registry: what `docker login` wrote.
 *
 * The helper protocol is docker-credential-helpers': `docker-credential-NAME get` reads the server
 * from stdin and answers {"Username", "Secret"}; when it has none it fails with a known sentence on
 * stdout.
 */
#include "devenv/credential.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/"
#define HELPER_TIMEOUT_MS 10000
#define HELPER_OUTPUT_MAX 65536
#define HELPER_HAS_NONE "credentials not found in native keychain"

char *credential_config_dir(void)
{
	const char *chosen = getenv("DOCKER_CONFIG");

	return str_empty(chosen) ? path_expand_home("~/.docker") : xstrdup(chosen);
}

/*
 * As docker's reference package: the first part is a host when it has '.' or ':' or is localhost.
 */
char *credential_registry(const char *ref)
{
	const char *slash = strchr(ref, '/');
	autofree char *first = slash ? xstrndup(ref, (size_t)(slash - ref)) : NULL;

	if (!first || (!strpbrk(first, ".:") && !str_eq(first, "localhost")))
		return xstrdup(HUB);
	if (str_eq(first, "index.docker.io") || str_eq(first, "registry-1.docker.io"))
		return xstrdup(HUB);
	return TAKE(first);
}

char *credential_authority(const char *registry)
{
	static const char *const folders[] = {
		"docker", "containers", "/etc/docker", "/etc/containers"};
	const char *chosen = getenv("XDG_CONFIG_HOME");
	autofree char *config = path_expand_home(str_empty(chosen) ? "~/.config" : chosen);

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		autofree char *folder = path_join(config, folders[i]);
		autofree char *file = xasprintf("%s/certs.d/%s/ca.crt", folder, registry);

		if (fs_is_file(file))
			return TAKE(file);
	}
	return NULL;
}

void credential_release(struct credential *credential)
{
	free(credential->server);
	free(credential->user);
	if (credential->password)
		explicit_bzero(credential->password, strlen(credential->password));
	free(credential->password);
	if (credential->token)
		explicit_bzero(credential->token, strlen(credential->token));
	free(credential->token);
	*credential = (struct credential){0};
}

char *credential_header(const struct credential *credential)
{
	autojson json_t *json = json_object();
	autofree char *text = NULL;

	if (!credential->token && !credential->user)
		return NULL;
	json_set_str(json, "serveraddress", credential->server);
	if (credential->token) {
		json_set_str(json, "identitytoken", credential->token);
	} else {
		json_set_str(json, "username", credential->user);
		json_set_str(json, "password", credential->password);
	}
	text = json_print(json);
	return base64_encode(text, strlen(text), 1);
}

/* "https://host/v1/" as the host alone, for comparing keys of auths. */
static char *host_of(const char *key)
{
	const char *scheme = strstr(key, "://");

	if (scheme)
		key = scheme + 3;
	return xstrndup(key, strcspn(key, "/"));
}

/* An entry of auths: "auth" is base64 of user:password; an identity token may be beside it. */
static bool from_entry(const json_t *entry, struct credential *out)
{
	const char *encoded = json_str(entry, "auth");
	const char *token = json_str(entry, "identitytoken");
	autofree char *pair = NULL;
	char *colon;
	size_t len;

	if (!str_empty(token)) {
		out->token = xstrdup(token);
		return true;
	}
	if (str_empty(encoded)) {
		if (str_empty(json_str(entry, "username")))
			return false;
		out->user = xstrdup(json_str(entry, "username"));
		out->password = xstrdup(json_str(entry, "password"));
		return true;
	}
	pair = base64_decode(encoded, &len);
	colon = pair ? strchr(pair, ':') : NULL;
	if (!colon)
		return false;
	out->user = xstrndup(pair, (size_t)(colon - pair));
	out->password = xstrdup(colon + 1);
	return true;
}

static bool from_auths(const json_t *config, const char *server, struct credential *out)
{
	autofree char *host = host_of(server);
	json_t *auths = json_object_get(config, "auths");
	json_t *exact = json_object_get(auths, server);
	const char *key;
	json_t *entry;

	if (exact)
		return from_entry(exact, out);
	json_object_foreach (auths, key, entry) {
		autofree char *each = host_of(key);

		if (str_eq(each, host) && from_entry(entry, out))
			return true;
	}
	return false;
}

static bool parse_helper(const char *suffix, const struct buf *output, const struct sink *sink,
	struct credential *out)
{
	struct err err = ERR_INIT;
	autojson json_t *json = json_parse(buf_str(output), output->len, "its answer", &err);
	const char *user = json_str(json, "Username");
	const char *secret = json_str(json, "Secret");

	if (str_empty(secret) || !user) {
		sink_warn(sink, NULL,
			"docker-credential-%s did not answer with credentials; going on without "
			"(try: docker-credential-%s list)",
			suffix, suffix);
		return false;
	}
	if (str_eq(user, "<token>")) {
		out->token = xstrdup(secret);
		return true;
	}
	out->user = xstrdup(user);
	out->password = xstrdup(secret);
	return true;
}

/*
 * Ask the helper to `verb`. Its exit status and what it said, or -1; `said` is to be initialised.
 */
static int run_helper(const char *suffix, const char *verb, const char *input, struct buf *output,
	struct buf *said, struct err *err)
{
	autofree char *helper = xasprintf("docker-credential-%s", suffix);
	const char *const argv[] = {helper, verb, NULL};
	struct proc_spec spec = {.argv = argv, .input = input, .timeout_ms = HELPER_TIMEOUT_MS};
	autobuf struct buf errors = BUF_INIT(HELPER_OUTPUT_MAX);
	int status = strchr(suffix, '/') ? err_set(err, ERR_FAILED, "\"%s\" is no name", suffix)
					 : proc_run(&spec, output, &errors, err);
	const char *text = status < 0 ? err->msg : output->len ? buf_str(output) : buf_str(&errors);

	buf_addf(said, "%.*s", (int)strcspn(text, "\r\n"), *text ? text : "no reason given");
	return status;
}

static bool from_helper(
	const char *suffix, const char *server, const struct sink *sink, struct credential *out)
{
	autobuf struct buf output = BUF_INIT(HELPER_OUTPUT_MAX), said = BUF_INIT(HELPER_OUTPUT_MAX);
	struct err err = ERR_INIT;
	int status = run_helper(suffix, "get", server, &output, &said, &err);

	if (status == 0)
		return parse_helper(suffix, &output, sink, out);
	if (status > 0 && strstr(buf_str(&output), HELPER_HAS_NONE))
		return false;
	sink_warn(sink, NULL,
		"the credential helper docker-credential-%s failed for %s: %s; going on without "
		"credentials",
		suffix, server, buf_str(&said));
	return false;
}

/* DOCKER_AUTH_CONFIG holds the same object as the file. NULL: none. */
static json_t *read_environment(const struct sink *sink)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");
	struct err err = ERR_INIT;
	json_t *json;

	if (str_empty(text))
		return NULL;
	json = json_parse(text, strlen(text), "DOCKER_AUTH_CONFIG", &err);
	if (!json)
		sink_warn(sink, NULL, "%s; ignored", err.msg);
	return json;
}

static json_t *read_config(const struct sink *sink)
{
	autofree char *dir = credential_config_dir();
	autofree char *path = path_join(dir, "config.json");
	struct err err = ERR_INIT;
	json_t *config;

	if (!fs_exists(path))
		return NULL;
	config = json_parse_file(path, ERR_FAILED, &err);
	if (!config)
		sink_warn(sink, NULL, "%s; going on without credentials", err.msg);
	return config;
}

bool credential_find(const char *registry, const struct sink *sink, struct credential *out)
{
	const char *server = str_eq(registry, HUB) ? HUB_KEY : registry;
	autojson json_t *environment = read_environment(sink), *config = NULL;
	const char *helper;
	bool found;

	*out = (struct credential){.server = xstrdup(server)};
	if (from_auths(environment, server, out))
		return true;
	config = read_config(sink);
	helper = json_str(json_object_get(config, "credHelpers"), server);
	if (!helper && str_eq(registry, HUB))
		helper = json_str(json_object_get(config, "credHelpers"), HUB);
	if (!str_empty(helper))
		return from_helper(helper, server, sink, out);
	helper = json_str(config, "credsStore");
	found = !str_empty(helper) && from_helper(helper, server, sink, out);
	/* What `docker login` could not give to the store stays in the file. */
	return found || from_auths(config, server, out);
}

/* === all of them: GetAllCredentials() of docker/cli 28.5 (cli/config/configfile/file.go) === */

/* `found` as an entry of auths, with what only the file knows; never the password in the clear. */
static json_t *entry_with(const json_t *known, const struct credential *found)
{
	json_t *entry = json_object();

	json_set_str(entry, "email", json_str(known, "email"));
	json_set_str(entry, "registrytoken", json_str(known, "registrytoken"));
	json_set_str(entry, "identitytoken", found->token);
	if (found->user) {
		autofree char *pair = xasprintf("%s:%s", found->user, found->password);
		autofree char *auth = base64_encode(pair, strlen(pair), 0);

		json_set_str(entry, "auth", auth);
		explicit_bzero(pair, strlen(pair));
		explicit_bzero(auth, strlen(auth));
	}
	return entry;
}

static void add_written(json_t *auths, const json_t *config)
{
	const char *server;
	json_t *entry;

	json_object_foreach (json_object_get(config, "auths"), server, entry) {
		struct credential found = {0};

		if (from_entry(entry, &found))
			json_object_set_new(auths, server, entry_with(entry, &found));
		credential_release(&found);
	}
}

static void add_helped(json_t *auths, const json_t *config, const char *suffix, const char *server,
	const struct sink *sink)
{
	struct credential found = {0};

	if (from_helper(suffix, server, sink, &found))
		json_object_set_new(
			auths, server, entry_with(json_at(config, "auths", server, NULL), &found));
	credential_release(&found);
}

static int add_stored(json_t *auths, const json_t *config, const char *suffix,
	const struct sink *sink, struct err *err)
{
	autobuf struct buf output = BUF_INIT(HELPER_OUTPUT_MAX), said = BUF_INIT(HELPER_OUTPUT_MAX);
	autojson json_t *list = NULL;
	const char *server;
	json_t *user;

	if (run_helper(suffix, "list", "", &output, &said, err) == 0)
		list = json_parse(buf_str(&output), output.len, "its answer", err);
	if (!list)
		return err_set(err, ERR_REGISTRY,
			"the credential helper docker-credential-%s does not list what it keeps: "
			"%s",
			suffix, buf_str(&said));
	json_object_foreach (list, server, user)
		add_helped(auths, config, suffix, server, sink);
	return 0;
}

int credential_config(const struct sink *sink, char **config, struct err *err)
{
	autojson json_t *file = read_config(sink), *environment = read_environment(sink),
			*auths = json_object(), *out = json_pack("{s:O}", "auths", auths);
	const char *store = json_str(file, "credsStore"), *server;
	json_t *helper;

	if (str_empty(store))
		add_written(auths, file);
	else if (add_stored(auths, file, store, sink, err) < 0)
		return -1;
	json_object_foreach (json_object_get(file, "credHelpers"), server, helper)
		if (json_is_string(helper))
			add_helped(auths, file, json_string_value(helper), server, sink);
	add_written(auths, environment);
	*config = json_print(out);
	return 0;
}
