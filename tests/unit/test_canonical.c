/* test_canonical.c - short forms made long: ports, mounts, devices, paths, key=value lists. */
#include "testing.h"

#include "../../src/manifest/convert.h"
#include "../../src/manifest/pipeline.h"

#include "devenv/json.h"
#include "devenv/str.h"

#include <unistd.h>

/* The document's service "web" after canonical_document() in /project, as JSON with sorted keys. */
static void canonical(const char *text, char **json, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct node *doc = node_item(yaml_parse(arena, "a.yaml", text, strlen(text), diags), 0);
	autojson json_t *value = NULL;
	struct node *web;

	assert_non_null(doc);
	canonical_document(arena, doc, &(struct canonical_rules){.dir = "/project"}, diags);
	web = node_get(node_get(doc, "services"), "web");
	value = convert_any(web ? web : doc);
	*json = json_print_sorted(value);
	arena_free(arena);
}

static void assert_canonical(const char *text, const char *want)
{
	struct diags diags = DIAGS_INIT;
	autofree char *document = xasprintf("services: {web: {%s}}", text);
	autofree char *json = NULL;

	canonical(document, &json, &diags);
	if (diags.n)
		fail_msg("%s: %s", diags.list[0].path, diags.list[0].text);
	assert_string_equal(json, want);
	diags_release(&diags);
}

static void assert_wrong(const char *text, const char *path, const char *message)
{
	struct diags diags = DIAGS_INIT;
	autofree char *document = xasprintf("services: {web: {%s}}", text);
	autofree char *json = NULL;

	canonical(document, &json, &diags);
	assert_int_equal(diags.n, 1);
	assert_string_equal(diags.list[0].path, path);
	assert_string_equal(diags.list[0].text, message);
	assert_int_equal(diags.list[0].line, 1);
	assert_true(diags.list[0].column > 17);
	diags_release(&diags);
}

static void test_ports(void **state)
{
	assert_canonical("ports: [80]",
		"{\"ports\":[{\"mode\":\"ingress\",\"protocol\":\"tcp\",\"target\":80}]}");
	assert_canonical("ports: [\"127.0.0.1:8080:80/UDP\"]",
		"{\"ports\":[{\"host_ip\":\"127.0.0.1\",\"mode\":\"ingress\",\"protocol\":\"udp\","
		"\"published\":\"8080\",\"target\":80}]}");
	assert_canonical("ports: [\"[::1]:1-2:9-10\"]",
		"{\"ports\":[{\"host_ip\":\"::1\",\"mode\":\"ingress\",\"protocol\":\"tcp\","
		"\"published\":\"2\",\"target\":10},{\"host_ip\":\"::1\",\"mode\":\"ingress\","
		"\"protocol\":\"tcp\",\"published\":\"1\",\"target\":9}]}");
	assert_canonical("ports: [\"8000-9000:80\"]",
		"{\"ports\":[{\"mode\":\"ingress\",\"protocol\":\"tcp\",\"published\":\"8000-"
		"9000\","
		"\"target\":80}]}");
}

static void test_wrong_ports(void **state)
{
	assert_wrong("ports: [\"80:\"]", "services.web.ports[0]",
		"\"80:\" is not a port mapping: there is no container port");
	assert_wrong("ports: [\"80\", \"1-2:1-3\"]", "services.web.ports[1]",
		"\"1-2:1-3\" is not a port mapping: the two ranges have different lengths");
	assert_wrong("ports: [\"80/icmp\"]", "services.web.ports[0]",
		"\"80/icmp\" is not a port mapping: the protocol is not tcp, udp or sctp");
	assert_wrong("ports: [\"99999\"]", "services.web.ports[0]",
		"\"99999\" is not a port mapping: the container port is no port or range of ports");
	assert_wrong("ports: [\"::1:1:2\"]", "services.web.ports[0]",
		"\"::1:1:2\" is not a port mapping: an IPv6 address is written in brackets");
}

static void test_mounts(void **state)
{
	assert_canonical("volumes: [\"./a:/b/:ro\"]",
		"{\"volumes\":[{\"bind\":{\"create_host_path\":true},\"read_only\":true,"
		"\"source\":\"/project/a\",\"target\":\"/b\",\"type\":\"bind\"}]}");
	assert_canonical("volumes: [\"data:/b:nocopy,z\"]",
		"{\"volumes\":[{\"bind\":{\"selinux\":\"z\"},\"source\":\"data\",\"target\":\"/b\","
		"\"type\":\"volume\",\"volume\":{\"nocopy\":true}}]}");
	assert_canonical("volumes: [/anonymous]",
		"{\"volumes\":[{\"target\":\"/anonymous\",\"type\":\"volume\",\"volume\":{}}]}");
	assert_canonical("volumes: [{type: bind, source: ../x, target: /x}]",
		"{\"volumes\":[{\"source\":\"/x\",\"target\":\"/x\",\"type\":\"bind\"}]}");
	assert_canonical("volumes: ['C:\\a:/b']",
		"{\"volumes\":[{\"bind\":{\"create_host_path\":true},\"source\":\"C:\\\\a\","
		"\"target\":\"/b\",\"type\":\"bind\"}]}");
}

static void test_wrong_mounts(void **state)
{
	assert_wrong("volumes: [\"data:/b:ro:x\"]", "services.web.volumes[0]",
		"\"data:/b:ro:x\" is not a mount: there are too many colons");
	assert_wrong("volumes: [\"data::/b\"]", "services.web.volumes[0]",
		"\"data::/b\" is not a mount: there is nothing between two colons");
	assert_wrong(
		"volumes: [\"\"]", "services.web.volumes[0]", "\"\" is not a mount: it is empty");
	assert_wrong("volumes: [{type: bind, target: /b}]", "services.web.volumes[0]",
		"a bind mount needs a source");
	assert_wrong("devices: [\"a:b:c:d\"]", "services.web.devices[0]",
		"\"a:b:c:d\" is not a device mapping");
}

static void test_lists(void **state)
{
	assert_canonical("environment: [A=1, B, \"C=x=y\"]",
		"{\"environment\":{\"A\":\"1\",\"B\":null,\"C\":\"x=y\"}}");
	assert_canonical("labels: [a=1, b]", "{\"labels\":{\"a\":\"1\",\"b\":\"\"}}");
	assert_canonical("networks: [a, b]", "{\"networks\":{\"a\":null,\"b\":null}}");
	assert_canonical("depends_on: [a]",
		"{\"depends_on\":{\"a\":{\"condition\":\"service_started\",\"required\":true}}}");
	assert_canonical(
		"dns: 1.1.1.1, tmpfs: /run", "{\"dns\":[\"1.1.1.1\"],\"tmpfs\":[\"/run\"]}");
	assert_canonical("secrets: [a], configs: [{source: b}]",
		"{\"configs\":[{\"source\":\"b\"}],\"secrets\":[{\"source\":\"a\"}]}");
	assert_canonical("devices: [\"/dev/a:/dev/b:r\"]",
		"{\"devices\":[{\"permissions\":\"r\",\"source\":"
		"\"/dev/a\",\"target\":\"/dev/b\"}]}");
	assert_canonical("extra_hosts: {a: [1.1.1.1, 2.2.2.2]}",
		"{\"extra_hosts\":[\"a=1.1.1.1\",\"a=2.2.2.2\"]}");
	assert_wrong("environment: [\"A =1\"]", "services.web.environment",
		"the variable's name ends with a space");
}

static void test_build(void **state)
{
	assert_canonical("build: app", "{\"build\":{\"context\":\"/project/app\"}}");
	assert_canonical("build: {context: \"https://x.example/y.git\", args: [A, B=1]}",
		"{\"build\":{\"args\":{\"A\":null,\"B\":\"1\"},\"context\":\"https://x.example/"
		"y.git\"}}");
	assert_canonical("build: {ssh: [default, \"k=./key\"], additional_contexts: [\"a=./b\"]}",
		"{\"build\":{\"additional_contexts\":{\"a\":\"/project/b\"},"
		"\"ssh\":{\"default\":null,\"k\":\"/project/key\"}}}");
	assert_wrong("build: {ssh: [mine]}", "services.web.build.ssh",
		"\"mine\" needs a path: mine=PATH");
}

static void test_paths(void **state)
{
	setenv("HOME", "/home/me", 1);
	assert_canonical("env_file: [a.env, {path: ~/b.env, required: false}]",
		"{\"env_file\":[{\"path\":\"/project/a.env\",\"required\":true},"
		"{\"path\":\"/home/me/b.env\",\"required\":false}]}");
	assert_canonical("label_file: ../l", "{\"label_file\":[\"/l\"]}");
	assert_canonical("volumes: [\"/a/../b:/c\"]",
		"{\"volumes\":[{\"bind\":{\"create_host_path\":true},\"source\":\"/a/../b\","
		"\"target\":\"/c\",\"type\":\"bind\"}]}");
}

/* A folder that is watched is what the link points to, for that is where changes are seen. */
static void test_watch_follows_links(void **state)
{
	const char *folder = *state;
	autofree char *target = path_join(folder, "real");
	autofree char *link = path_join(folder, "link");
	autofree char *text = xasprintf(
		"develop: {watch: [{path: %s/sub, action: rebuild}]}", link);
	autofree char *want = xasprintf(
		"{\"develop\":{\"watch\":[{\"action\":\"rebuild\",\"path\":\"%s/sub\"}]}}", target);
	struct err err = ERR_INIT;

	assert_int_equal(fs_mkdirs(target, 0755, &err), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_canonical(text, want);
}

static void test_external(void **state)
{
	struct diags diags = DIAGS_INIT;
	autofree char *json = NULL;

	canonical("volumes: {a: {external: {name: b}}}", &json, &diags);
	assert_string_equal(json, "{\"volumes\":{\"a\":{\"external\":true,\"name\":\"b\"}}}");
	assert_int_equal(diags.n, 0);
	cleanup_free(&json);
	canonical("volumes: {a: {name: c, external: {name: b}}}", &json, &diags);
	assert_int_equal(diags.n, 1);
	assert_string_equal(diags.list[0].text, "name and external.name differ: \"c\" and \"b\"");
	diags_release(&diags);
}

static void test_words(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a  b\tc", "[\"a\",\"b\",\"c\"]"},
		{"a 'b c' \"d e\"", "[\"a\",\"b c\",\"d e\"]"},
		{"a\\ b \"\" ''", "[\"a b\",\"\",\"\"]"},
		{"x 'a\\b' \"a\\\"b\"", "[\"x\",\"a\\\\b\",\"a\\\"b\"]"},
		{"echo a; echo b", "[\"echo\",\"a\"]"},
		{"echo a 2>x", "[\"echo\",\"a\"]"},
		{"echo $(a b) `c d`", "[\"echo\",\"$(a b)\",\"`c d`\"]"},
		{"", "[]"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *words = convert_words(rows[i].text);
		autofree char *json = json_print(words);

		assert_string_equal(json, rows[i].want);
	}
	assert_null(convert_words("echo \"x"));
	assert_null(convert_words("echo 'x"));
	assert_null(convert_words("f(x"));
	assert_null(convert_words("a\\"));
}

static void test_durations(void **state)
{
	int64_t ns = 0;

	assert_true(convert_duration("1m30s", &ns));
	assert_int_equal(ns, 90000000000);
	assert_true(convert_duration("1d", &ns));
	assert_int_equal(ns, 86400000000000);
	assert_true(convert_duration("1w2d3h", &ns));
	assert_int_equal(ns, (9 * 24 + 3) * 3600000000000);
	assert_false(convert_duration("10", &ns));
	assert_false(convert_duration("99999999w", &ns));
	assert_false(convert_duration("x", &ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_wrong_ports),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_wrong_mounts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_paths),
		FOLDER_TEST(test_watch_follows_links),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
