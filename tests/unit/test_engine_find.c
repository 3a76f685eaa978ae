/* test_engine_find.c - which engine is chosen, without any engine; and what goes into paths. */
#include "testing.h"

#include "devenv/engine.h"
#include "devenv/hash.h"
#include "devenv/str.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A home, runtime folder and docker configuration of the test's own, and no choice made. */
static void set_world(const char *folder)
{
	autofree char *config = path_join(folder, "docker");

	setenv("HOME", folder, 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	setenv("XDG_STATE_HOME", folder, 1);
	setenv("DOCKER_CONFIG", config, 1);
	unsetenv("DOCKER_HOST");
	unsetenv("DOCKER_CONTEXT");
	unsetenv("DEVENV_ENGINE_ROOT");
}

static void write_at(const char *folder, const char *name, const char *text)
{
	autofree char *path = path_join(folder, name);
	autofree char *dir = path_dirname(path);
	struct err err = ERR_INIT;

	assert_int_equal(fs_mkdirs(dir, 0700, &err), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static void add_context(const char *folder, const char *name, const char *host)
{
	char hash[SHA256_HEX];
	autofree char *path = NULL;
	autofree char *text = xasprintf(
		"{\"Name\": \"%s\", \"Endpoints\": {\"docker\": {\"Host\": \"%s\"}}}", name, host);

	sha256_hex(name, strlen(name), hash);
	path = xasprintf("docker/contexts/meta/%s/meta.json", hash);
	write_at(folder, path, text);
}

static void expect(const struct engine_ask *given, const char *host, const char *why)
{
	struct engine_ask ask = given ? *given : (struct engine_ask){0};
	struct engine_where where = {0};
	struct err err = ERR_INIT;

	ask.no_embedded = true;
	if (engine_find(&ask, &where, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(where.host, host);
	assert_string_equal(where.why, why);
	assert_false(where.embedded);
	engine_where_release(&where);
}

static void expect_error(const struct engine_ask *given, const char *words)
{
	struct engine_ask ask = given ? *given : (struct engine_ask){0};
	struct engine_where where = {0};
	struct err err = ERR_INIT;

	ask.no_embedded = true;
	assert_int_equal(engine_find(&ask, &where, &err), -1);
	assert_int_equal(err.kind, ERR_ENGINE);
	if (!strstr(err.msg, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

/* Each choice is made on top of the weaker ones, and wins. */
static void test_order(void **state)
{
	const char *folder = *state;

	set_world(folder);
	add_context(folder, "one", "unix:///one.sock");
	add_context(folder, "two", "tcp://two:2375");
	add_context(folder, "three", "ssh://three");
	write_at(folder, "docker/config.json", "{\"currentContext\": \"one\"}");
	expect(NULL, "unix:///one.sock", "context one");
	setenv("DOCKER_CONTEXT", "two", 1);
	expect(NULL, "tcp://two:2375", "context two");
	setenv("DOCKER_HOST", "unix:///env.sock", 1);
	expect(NULL, "unix:///env.sock", "DOCKER_HOST");
	expect(&(struct engine_ask){.host = "unix:///option.sock"}, "unix:///option.sock",
		"--host");
	expect(&(struct engine_ask){.host = "unix:///option.sock", .context = "three"},
		"ssh://three", "context three");
	expect(&(struct engine_ask){.context = "default"}, "unix:///env.sock", "DOCKER_HOST");
}

static void test_host_forms(void **state)
{
	set_world(*state);
	expect(&(struct engine_ask){.host = "/run/x.sock"}, "unix:///run/x.sock", "--host");
	expect(&(struct engine_ask){.host = "box:2375"}, "tcp://box:2375", "--host");
}

static void test_bad_context(void **state)
{
	const char *folder = *state;

	set_world(folder);
	expect_error(&(struct engine_ask){.context = "nope"}, "no docker context \"nope\"");
	setenv("DOCKER_CONTEXT", "nope", 1);
	expect_error(NULL, "DOCKER_CONTEXT");
	unsetenv("DOCKER_CONTEXT");
	write_at(folder, "docker/config.json", "{\"currentContext\": \"gone\"}");
	expect_error(NULL, "currentContext of config.json");
	add_context(folder, "empty", "");
	expect_error(&(struct engine_ask){.context = "empty"}, "names no host");
}

static int listen_at(const char *folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autofree char *path = path_join(folder, name);
	autofree char *dir = path_dirname(path);
	struct err err = ERR_INIT;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(fs_mkdirs(dir, 0700, &err), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* Of the usual sockets the first that accepts: one left over by a dead engine is passed over. */
static void test_usual_sockets(void **state)
{
	autofree char *live = xasprintf("unix://%s/.orbstack/run/docker.sock", (char *)*state);
	autofree char *why = xasprintf("found at %s", live + strlen("unix://"));
	int fd;

	set_world(*state);
	/*
	 * An engine of the machine itself comes first; then this test can say nothing about the
	 * rest.
	 */
	if (fs_exists("/var/run/docker.sock"))
		skip();
	close(listen_at(*state, ".docker/run/docker.sock"));
	fd = listen_at(*state, ".orbstack/run/docker.sock");
	write_at(*state, "docker/config.json", "{\"currentContext\": \"default\"}");
	expect(NULL, live, why);
	close(fd);
}

static void test_none(void **state)
{
	set_world(*state);
	if (fs_exists("/var/run/docker.sock") || fs_exists("/run/podman/podman.sock"))
		skip();
	expect_error(NULL, "no container engine");
}

/* Named engines that do not answer are errors of opening, and say who named them. */
static void test_open_nothing(void **state)
{
	autofree char *host = xasprintf("unix://%s/none.sock", (char *)*state);
	struct engine_where where = {.host = host, .why = (char *)"DOCKER_HOST"};
	struct engine *engine = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(engine_open(&where, &engine, &err), -1);
	assert_int_equal(err.kind, ERR_ENGINE);
	assert_non_null(strstr(err.msg, host));
	assert_non_null(strstr(err.msg, "DOCKER_HOST"));
	assert_non_null(strstr(err.msg, "No such file"));
}

/* The embedded engine's socket always fits into a socket's address. */
static void test_embedded_socket(void **state)
{
	autofree char *far = xasprintf("%s/%0120d", (char *)*state, 0);
	autofree char *root = NULL, *socket = NULL, *again = NULL, *same = NULL;

	set_world(*state);
	embedded_status(&socket, &root);
	same = xasprintf("%s/devenv/engine.sock", (char *)*state);
	assert_string_equal(socket, same);
	assert_true(str_starts(root, *state));
	free(TAKE(socket));
	free(TAKE(root));
	setenv("DEVENV_ENGINE_ROOT", far, 1);
	embedded_status(&socket, &root);
	embedded_status(&again, NULL);
	assert_string_equal(root, far);
	assert_true(strlen(socket) <= 107);
	assert_string_equal(socket, again);
	unsetenv("DEVENV_ENGINE_ROOT");
}

static void test_texts(void **state)
{
	autofree char *escaped = engine_escape("a/b c%é~");
	autofree char *filters = engine_filters("label", "a=b", "label", "c", "name", "n", NULL);

	assert_string_equal(escaped, "a%2Fb%20c%25%C3%A9~");
	assert_string_equal(filters,
		"%7B%22label%22%3A%5B%22a%3Db%22%2C%22c%22%5D%2C%22name%22%3A%5B%22n%22%5D%7D");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_order),
		FOLDER_TEST(test_host_forms),
		FOLDER_TEST(test_bad_context),
		FOLDER_TEST(test_usual_sockets),
		FOLDER_TEST(test_none),
		FOLDER_TEST(test_open_nothing),
		FOLDER_TEST(test_embedded_socket),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
