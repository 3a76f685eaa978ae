/* test_credential.c - credentials as docker keeps them, with real helper programs. */
#include "testing.h"

#include "devenv/credential.h"
#include "devenv/hash.h"
#include "devenv/json.h"
#include "devenv/str.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
	autofree char *path = path_join(folder, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, text, strlen(text), mode, &err), 0);
}

/* config.json in a folder of its own, which is first in PATH too. */
static void set_config(const char *folder, const char *config)
{
	autofree char *path = xasprintf("%s:/usr/bin:/bin", folder);

	setenv("DOCKER_CONFIG", folder, 1);
	setenv("PATH", path, 1);
	unsetenv("DOCKER_AUTH_CONFIG");
	write_file(folder, "config.json", config, 0600);
}

static void count_warning(void *ctx, const struct event *event)
{
	struct buf *said = ctx;

	if (event->kind == EVENT_WARNING)
		buf_addf(said, "%s\n", event->text);
}

struct found {
	struct credential credential;
	struct buf said;
};

static struct found find(const char *registry)
{
	struct found found = {.said = BUF_INIT(65536)};
	struct sink sink = {count_warning, &found.said};
	bool any = credential_find(registry, &sink, &found.credential);

	assert_int_equal(any, found.credential.user || found.credential.token);
	return found;
}

static void found_release(struct found *found)
{
	credential_release(&found->credential);
	buf_release(&found->said);
}

static void expect_user(const char *registry, const char *user, const char *password)
{
	struct found found = find(registry);

	assert_string_equal(buf_str(&found.said), "");
	if (user)
		assert_string_equal(found.credential.user, user);
	else
		assert_null(found.credential.user);
	if (password)
		assert_string_equal(found.credential.password, password);
	found_release(&found);
}

static void test_auths(void **state)
{
	/* dXNlcjpwYTpzcw== is user:pa:ss. */
	set_config(*state, "{\"auths\": {\"r.example:5000\": {\"auth\": \"dXNlcjpwYTpzcw==\"},"
			   "\"https://index.docker.io/v1/\": {\"auth\": \"aHViOnB3\"},"
			   "\"https://old.example/v2/\": {\"auth\": \"b2xkOnB3\"},"
			   "\"plain.example\": {\"username\": \"u\", \"password\": \"p\"},"
			   "\"broken.example\": {\"auth\": \"***\"}}}");
	expect_user("r.example:5000", "user", "pa:ss");
	expect_user("docker.io", "hub", "pw");
	expect_user("old.example", "old", "pw");
	expect_user("plain.example", "u", "p");
	expect_user("broken.example", NULL, NULL);
	expect_user("r.example", NULL, NULL);
}

static void test_environment(void **state)
{
	set_config(*state, "{\"auths\": {\"r.example\": {\"auth\": \"dXNlcjpwYTpzcw==\"}}}");
	setenv("DOCKER_AUTH_CONFIG", "{\"auths\": {\"r.example\": {\"auth\": \"aHViOnB3\"}}}", 1);
	expect_user("r.example", "hub", "pw");
	unsetenv("DOCKER_AUTH_CONFIG");
	expect_user("r.example", "user", "pa:ss");
}

static void test_no_config(void **state)
{
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	unsetenv("DOCKER_AUTH_CONFIG");
	expect_user("r.example", NULL, NULL);
}

static void test_helper(void **state)
{
	set_config(*state,
		"{\"credsStore\": \"store\", \"credHelpers\": {\"own.example\": \"own\"},"
		"\"auths\": {\"none.example\": {\"auth\": \"aHViOnB3\"}}}");
	write_file(*state, "docker-credential-own",
		"#!/bin/sh\nread server\n[ \"$1\" = get ] || exit 1\n"
		"echo \"{\\\"Username\\\":\\\"at $server\\\",\\\"Secret\\\":\\\"s\\\"}\"\n",
		0755);
	write_file(*state, "docker-credential-store",
		"#!/bin/sh\nread server\ncase $server in\n"
		"token.example) echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}';;\n"
		"*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n",
		0755);
	expect_user("own.example", "at own.example", "s");
	expect_user("nobody.example", NULL, NULL);
	/* What the store does not have may still be in the file. */
	expect_user("none.example", "hub", "pw");
	{
		struct found found = find("token.example");

		assert_string_equal(found.credential.token, "t");
		assert_null(found.credential.user);
		found_release(&found);
	}
}

static void expect_warning(const char *registry, const char *words)
{
	struct found found = find(registry);

	assert_null(found.credential.user);
	if (!strstr(buf_str(&found.said), words))
		fail_msg("\"%s\" is not in \"%s\"", words, buf_str(&found.said));
	found_release(&found);
}

/* A helper that fails, in every way: a warning, and no credentials. */
static void test_broken_helpers(void **state)
{
	set_config(*state,
		"{\"credHelpers\": {\"a.example\": \"fails\", \"b.example\": \"missing\","
		"\"c.example\": \"babbles\", \"d.example\": \"../../bin/sh\"}}");
	write_file(*state, "docker-credential-fails",
		"#!/bin/sh\necho 'the keychain is locked'\nexit 1\n", 0755);
	write_file(*state, "docker-credential-babbles", "#!/bin/sh\necho hello\n", 0755);
	expect_warning("a.example", "the keychain is locked");
	expect_warning("b.example", "docker-credential-missing");
	expect_warning("c.example", "did not answer with credentials");
	expect_warning("d.example", "is no name");
}

static void test_broken_config(void **state)
{
	set_config(*state, "{\"auths\": ");
	expect_warning("a.example", "config.json");
}

static void test_header(void **state)
{
	struct credential credential = {.server = "r", .user = "u?>", .password = "p~~"};
	autofree char *header = credential_header(&credential);
	autofree char *text = NULL;
	autojson json_t *json = NULL;
	struct err err = ERR_INIT;
	size_t len;

	assert_null(strpbrk(header, "+/"));
	text = base64_decode(header, &len);
	assert_non_null(text);
	json = json_parse(text, len, "header", &err);
	assert_string_equal(json_str(json, "username"), "u?>");
	assert_string_equal(json_str(json, "password"), "p~~");
	assert_string_equal(json_str(json, "serveraddress"), "r");
	assert_null(credential_header(&(struct credential){.server = (char *)"r"}));
}

static void expect_config(const char *wanted)
{
	autofree char *text = NULL, *sorted = NULL;
	autojson json_t *json = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(credential_config(NULL, &text, &err), 0);
	json = json_parse(text, strlen(text), "config", &err);
	sorted = json_print_sorted(json);
	assert_string_equal(sorted, wanted);
}

/* As docker compose 2.40.3 puts them into a container with `use_api_socket`. */
static void test_all_written(void **state)
{
	set_config(*state,
		"{\"auths\": {\"r.example\": {\"auth\": \"dXNlcjpwYTpzcw==\", \"email\": \"m@r\"},"
		"\"plain.example\": {\"username\": \"u\", \"password\": \"p\"},"
		"\"token.example\": {\"identitytoken\": \"t\"}, \"none.example\": {}},"
		"\"HttpHeaders\": {\"X-Secret\": \"x\"}}");
	setenv("DOCKER_AUTH_CONFIG", "{\"auths\": {\"r.example\": {\"auth\": \"aHViOnB3\"}}}", 1);
	expect_config("{\"auths\":{\"plain.example\":{\"auth\":\"dTpw\"},"
		      "\"r.example\":{\"auth\":\"aHViOnB3\"},"
		      "\"token.example\":{\"identitytoken\":\"t\"}}}");
	unsetenv("DOCKER_AUTH_CONFIG");
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	expect_config("{\"auths\":{}}");
}

static void test_all_stored(void **state)
{
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	set_config(*state,
		"{\"credsStore\": \"store\", \"credHelpers\": {\"own.example\": \"own\"},"
		"\"auths\": {\"a.example\": {\"email\": \"m@a\"},"
		"\"unlisted.example\": {\"auth\": \"aHViOnB3\"}}}");
	write_file(*state, "docker-credential-own",
		"#!/bin/sh\nread server\n[ \"$1\" = get ] || exit 1\n"
		"echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'\n",
		0755);
	write_file(*state, "docker-credential-store",
		"#!/bin/sh\nread server\ncase $1 in\n"
		"list) echo '{\"a.example\": \"u\"}';;\n"
		"get) echo '{\"Username\":\"u\",\"Secret\":\"p\"}';;\nesac\n",
		0755);
	expect_config("{\"auths\":{\"a.example\":{\"auth\":\"dTpw\",\"email\":\"m@a\"},"
		      "\"own.example\":{\"identitytoken\":\"t\"}}}");
	write_file(*state, "docker-credential-store",
		"#!/bin/sh\necho 'the keychain is locked'\nexit 1\n", 0755);
	assert_int_equal(credential_config(NULL, &text, &err), -1);
	assert_int_equal(err.kind, ERR_REGISTRY);
	assert_non_null(strstr(err.msg, "docker-credential-store"));
	assert_non_null(strstr(err.msg, "the keychain is locked"));
}

static void expect_registry(const char *ref, const char *wanted)
{
	autofree char *registry = credential_registry(ref);

	assert_string_equal(registry, wanted);
}

static void test_registry(void **state)
{
	expect_registry("nginx", "docker.io");
	expect_registry("nginx:1.27", "docker.io");
	expect_registry("acme/web:1", "docker.io");
	expect_registry("docker.io/library/nginx", "docker.io");
	expect_registry("index.docker.io/library/nginx", "docker.io");
	expect_registry("r.example/web", "r.example");
	expect_registry("r:5000/web@sha256:0", "r:5000");
	expect_registry("localhost/web", "localhost");
}

static void test_authority(void **state)
{
	autofree char *folder = path_join(*state, "docker/certs.d/r.example:5000"), *found = NULL;
	struct err err = ERR_INIT;

	setenv("XDG_CONFIG_HOME", *state, 1);
	assert_int_equal(fs_mkdirs(folder, 0700, &err), 0);
	write_file(folder, "ca.crt", "x", 0600);
	found = credential_authority("r.example:5000");
	assert_non_null(found);
	assert_true(str_starts(found, folder));
	assert_null(credential_authority("r.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_auths),
		FOLDER_TEST(test_environment),
		cmocka_unit_test(test_no_config),
		FOLDER_TEST(test_helper),
		FOLDER_TEST(test_broken_helpers),
		FOLDER_TEST(test_broken_config),
		FOLDER_TEST(test_all_written),
		FOLDER_TEST(test_all_stored),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_registry),
		FOLDER_TEST(test_authority),
	};

	/* As in devenv: a helper may end without reading what it is told. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
