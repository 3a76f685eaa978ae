/*
 * test_model.c - model_build(): references, cycles, profiles, env files, and what it adds.
 * That the whole equals docker compose's is test_compose_cases.c.
 */
#include "testing.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/json.h"
#include "devenv/str.h"

struct built {
	struct arena *arena;
	struct diags diags;
	json_t *model, *inactive, *explain, *env;
	struct strv profiles, services;
	bool all_profiles;
};

static void build(struct built *out, const char *text)
{
	struct model_context context = {.project = "p", .dir = "/project"};
	struct node *doc;

	out->arena = arena_new();
	out->inactive = json_object();
	out->explain = json_object();
	out->env = json_pack("{s:s}", "FROM_ENV", "value");
	context.env = out->env;
	context.profiles = &out->profiles;
	context.services = &out->services;
	context.all_profiles = out->all_profiles;
	context.inactive = out->inactive;
	context.explain = out->explain;
	doc = node_item(yaml_parse(out->arena, "a.yaml", text, strlen(text), &out->diags), 0);
	assert_non_null(doc);
	check_document(doc, &out->diags);
	canonical_document(
		out->arena, doc, &(struct canonical_rules){.dir = "/project"}, &out->diags);
	doc = merge_documents(out->arena, NULL, doc, false, &out->diags);
	out->model = model_build(out->arena, doc, &context, &out->diags);
}

static void release(struct built *built)
{
	json_decref(built->model);
	json_decref(built->inactive);
	json_decref(built->explain);
	json_decref(built->env);
	strv_release(&built->profiles);
	strv_release(&built->services);
	diags_release(&built->diags);
	arena_free(built->arena);
}

static json_t *service(const struct built *built, const char *name)
{
	return json_at(built->model, "services", name, NULL);
}

/* Exactly one problem: where, in which part of the document, and what. */
static void assert_problem(
	const char *text, int line, int column, const char *path, const char *message)
{
	struct built built = {0};

	build(&built, text);
	assert_null(built.model);
	if (built.diags.n != 1)
		fail_msg("%zu problems, last: %s", built.diags.n,
			built.diags.n ? built.diags.list[built.diags.n - 1].text : "none");
	assert_string_equal(built.diags.list[0].file, "a.yaml");
	assert_int_equal(built.diags.list[0].line, line);
	assert_int_equal(built.diags.list[0].column, column);
	assert_string_equal(built.diags.list[0].path, path);
	assert_string_equal(built.diags.list[0].text, message);
	release(&built);
}

static void test_cycles(void **state)
{
	assert_problem("services:\n"
		       "  a: {image: x, depends_on: [b]}\n"
		       "  b: {image: x, depends_on: [c]}\n"
		       "  c: {image: x, depends_on: [a]}\n",
		4, 30, "services.c.depends_on",
		"the services wait for each other: a -> b -> c -> a");
	assert_problem("services:\n  a: {image: x, depends_on: [a]}\n", 2, 30,
		"services.a.depends_on", "the services wait for each other: a -> a");
	assert_problem("services:\n"
		       "  a: {image: x, links: [b]}\n"
		       "  b: {image: x, network_mode: \"service:a\"}\n",
		3, 31, "services.b.network_mode", "the services wait for each other: a -> b -> a");
}

/* The cycle is shown without the way to it, and each cycle once. */
static void test_cycle_without_its_tail(void **state)
{
	assert_problem("services:\n"
		       "  start: {image: x, depends_on: [a]}\n"
		       "  a: {image: x, depends_on: [b]}\n"
		       "  b: {image: x, depends_on: [a]}\n",
		4, 30, "services.b.depends_on", "the services wait for each other: a -> b -> a");
}

static void test_references(void **state)
{
	assert_problem("services:\n  a: {image: x, networks: [frontend]}\n", 2, 28,
		"services.a.networks.frontend", "undefined network \"frontend\"");
	assert_problem("services:\n  a: {image: x, volumes: [\"dta:/x\"]}\nvolumes: {data: }\n", 2,
		27, "services.a.volumes[0]", "undefined volume \"dta\" (did you mean \"data\"?)");
	assert_problem("services:\n  a: {image: x, secrets: [s]}\n", 2, 27, "services.a.secrets[0]",
		"undefined secret \"s\"");
	assert_problem("services:\n  a: {image: x, configs: [c]}\n", 2, 27, "services.a.configs[0]",
		"undefined config \"c\"");
	assert_problem("services:\n  a: {image: x, depends_on: [bd]}\n  db: {image: y}\n", 2, 30,
		"services.a.depends_on.bd", "undefined service \"bd\" (did you mean \"db\"?)");
	assert_problem("services:\n  a: {image: x, links: [bd]}\n  db: {image: y}\n", 2, 25,
		"services.a.links", "undefined service \"bd\" (did you mean \"db\"?)");
}

static void test_consistency(void **state)
{
	assert_problem("services:\n  a: {command: x}\n", 2, 3, "services.a",
		"a service needs an image or a build");
	assert_problem("services:\n  a: {image: x, container_name: nn, scale: 2}\n", 2, 33,
		"services.a", "2 containers cannot all be named \"nn\"");
	assert_problem("services:\n  a: {image: x, network_mode: host, networks: [n]}\n"
		       "networks: {n: }\n",
		2, 31, "services.a", "\"network_mode\" and \"networks\" exclude each other");
	assert_problem("services:\n  a: {image: x, tmpfs: /t, volumes: [\"./x:/t\"]}\n", 2, 38,
		"services.a.volumes[0]", "something is mounted at \"/t\" already");
	assert_problem("services:\n  a: {image: x, mem_limit: lots}\n", 2, 28,
		"services.a.mem_limit", "\"lots\" is not a size");
	assert_problem("services: {a: {image: x}}\nsecrets: {s: {file: f, environment: E}}\n", 2,
		37, "secrets.s", "\"file\" and \"environment\" exclude each other");
}

static void assert_lazy_problem(
	const char *service, int column, const char *path, const char *message)
{
	autofree char *text = xasprintf("services:\n  a: {image: x, volumes: [\"db:/d\"], %s}\n"
					"volumes: {db: {x-snapshot: {url: s, lazy: true}}}\n",
		service);

	assert_problem(text, 2, column, path, message);
}

/* The container restores the volume itself: as root, and when somebody connects to it. */
static void test_lazy(void **state)
{
	static const char fine[] =
		"services:\n"
		"  a: {image: x, volumes: [\"db:/d\"], user: \"0:0\", cap_drop: [ALL],\n"
		"      cap_add: [cap_chown, DAC_OVERRIDE, FOWNER]}\n"
		"  b: {image: x, volumes: [\"db:/d:ro\", \"ex:/e\"], user: app}\n"
		"volumes: {db: {x-snapshot: {url: s, lazy: true}}, ex: {x-snapshot: s}}\n";
	struct built built = {0};

	build(&built, fine);
	assert_int_equal(built.diags.n, 0);
	release(&built);
	assert_lazy_problem("user: \"app:0\"", 43, "services.a.user",
		"volume \"db\" is restored by the container itself (x-snapshot.lazy), which has to "
		"begin as root, not as \"app:0\"");
	assert_lazy_problem("network_mode: host", 51, "services.a.network_mode",
		"volume \"db\" is restored on the first connection (x-snapshot.lazy), and with the "
		"network \"host\" the container has no address of its own");
	assert_lazy_problem("cap_drop: [MKNOD, chown]", 55, "services.a.cap_drop[1]",
		"volume \"db\" is restored by the container itself (x-snapshot.lazy), which needs "
		"the capability CHOWN for it");
	assert_problem("services:\n  a:\n    image: x\n    volumes:\n"
		       "      - {type: volume, source: db, target: /d, volume: {subpath: p}}\n"
		       "volumes: {db: {x-snapshot: {url: s, lazy: true}}}\n",
		5, 66, "services.a.volumes",
		"x-snapshot.lazy restores the whole volume \"db\", not a part of it");
}

static const char profiles_text[] = "services:\n"
				    "  web: {image: x}\n"
				    "  tool: {image: y, profiles: [tools], volumes: [\"td:/t\"]}\n"
				    "volumes: {td: }\n";

static void test_profiles(void **state)
{
	struct built off = {0}, on = {0}, named = {0}, all = {.all_profiles = true};

	build(&off, profiles_text);
	assert_null(service(&off, "tool"));
	assert_non_null(json_object_get(off.inactive, "tool"));
	assert_null(json_object_get(off.model, "volumes"));
	strv_push(&on.profiles, "tools");
	build(&on, profiles_text);
	assert_non_null(service(&on, "tool"));
	assert_int_equal(json_object_size(on.inactive), 0);
	assert_string_equal(json_str(json_at(on.model, "volumes", "td", NULL), "name"), "p_td");
	strv_push(&named.services, "tool");
	build(&named, profiles_text);
	assert_non_null(service(&named, "tool"));
	build(&all, profiles_text);
	assert_non_null(service(&all, "tool"));
	release(&off);
	release(&on);
	release(&named);
	release(&all);
}

static void test_dependency_out_of_profile(void **state)
{
	struct built optional = {0};

	assert_problem("services:\n"
		       "  a: {image: x, depends_on: [b]}\n"
		       "  b: {image: y, profiles: [p1]}\n",
		2, 30, "services.a.depends_on.b", "service \"b\" is only in the profile \"p1\"");
	build(&optional, "services:\n"
			 "  a: {image: x, depends_on: {b: {condition: service_started, required: "
			 "false}}}\n"
			 "  b: {image: y, profiles: [p1]}\n");
	assert_non_null(service(&optional, "a"));
	release(&optional);
}

static void test_implied(void **state)
{
	struct built built = {0};
	autofree char *depends = NULL;

	build(&built,
		"services:\n"
		"  a: {image: x, links: [\"b:alias\"], volumes_from: [c], ipc: \"service:d\"}\n"
		"  b: {image: x}\n  c: {image: x}\n  d: {image: x, network_mode: none}\n");
	assert_non_null(built.model);
	depends = json_print_sorted(json_object_get(service(&built, "a"), "depends_on"));
	assert_string_equal(depends,
		"{\"b\":{\"condition\":\"service_started\",\"required\":true,\"restart\":true},"
		"\"c\":{\"condition\":\"service_started\",\"required\":true},"
		"\"d\":{\"condition\":\"service_started\",\"required\":true,\"restart\":true}}");
	assert_non_null(json_at(service(&built, "a"), "networks", "default", NULL));
	assert_null(json_object_get(service(&built, "d"), "networks"));
	assert_string_equal(
		json_str(json_at(built.model, "networks", "default", NULL), "name"), "p_default");
	release(&built);
}

static void test_units(void **state)
{
	struct built built = {0};
	autofree char *json = NULL;

	build(&built, "services: {a: {image: x, mem_limit: 1g, cpus: \"0.5\", scale: \"2\", tty: "
		      "\"yes\", "
		      "healthcheck: {test: [NONE], interval: 90s}, network_mode: none, "
		      "environment: [FROM_ENV, NOT_THERE]}}");
	assert_non_null(built.model);
	json = json_print_sorted(service(&built, "a"));
	assert_string_equal(json,
		"{\"command\":null,\"cpus\":0.5,\"entrypoint\":null,"
		"\"environment\":{\"FROM_ENV\":\"value\",\"NOT_THERE\":null},"
		"\"healthcheck\":{\"interval\":\"1m30s\",\"test\":[\"NONE\"]},\"image\":\"x\","
		"\"mem_limit\":\"1073741824\",\"network_mode\":\"none\",\"scale\":2,\"tty\":true}");
	release(&built);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	autofree char *path = path_join(folder, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

/* Who wins, and that explain names the line of the one that did. */
static void test_env_files(void **state)
{
	const char *folder = *state;
	autofree char *text = xasprintf("services:\n"
					"  a:\n"
					"    image: x\n"
					"    env_file: [%s/one, %s/two]\n"
					"    environment:\n"
					"      OWN: mine\n",
		folder, folder);
	autofree char *from_two = xasprintf("%s/two:2", folder);
	struct built built = {0};
	json_t *environment, *explain;

	write_file(folder, "one", "A=1\nB=1\nOWN=1\n");
	write_file(folder, "two", "# comment\nB=${A}2\n");
	build(&built, text);
	assert_non_null(built.model);
	environment = json_object_get(service(&built, "a"), "environment");
	assert_string_equal(json_str(environment, "A"), "1");
	assert_string_equal(json_str(environment, "B"), "12");
	assert_string_equal(json_str(environment, "OWN"), "mine");
	assert_null(json_object_get(service(&built, "a"), "env_file"));
	explain = json_object_get(built.explain, "a");
	assert_string_equal(json_str(json_object_get(explain, "B"), "from"), from_two);
	assert_string_equal(json_str(json_object_get(explain, "B"), "value"), "12");
	assert_string_equal(json_str(json_object_get(explain, "OWN"), "from"), "a.yaml:6");
	release(&built);
}

/* An env_file can be anything that is on the machine: it must be an error at once, not a hang. */
static void test_env_file_is_no_file(void **state)
{
	assert_problem("services:\n  a: {image: x, env_file: /nowhere/x.env}\n", 2, 27,
		"services.a.env_file[0]", "there is no file /nowhere/x.env");
	assert_problem("services:\n  a: {image: x, env_file: /dev/zero}\n", 2, 27,
		"services.a.env_file[0]", "/dev/zero: is not a regular file");
	assert_problem("services:\n  a: {image: x, env_file: /}\n", 2, 27, "services.a.env_file[0]",
		"/: is a directory, not a file");
}

/* A long chain is no reason to run out of stack. */
static void test_deep_chain(void **state)
{
	struct buf text = BUF_INIT(0);
	struct built built = {0};

	buf_addstr(&text, "services:\n");
	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "  s%d: {image: x, depends_on: [s%d]}\n", i, i + 1);
	buf_addstr(&text, "  s5000: {image: x}\n");
	build(&built, buf_str(&text));
	assert_non_null(built.model);
	assert_int_equal(json_object_size(json_object_get(built.model, "services")), 5001);
	release(&built);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_cycle_without_its_tail),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_consistency),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_dependency_out_of_profile),
		cmocka_unit_test(test_implied),
		cmocka_unit_test(test_units),
		FOLDER_TEST(test_env_files),
		cmocka_unit_test(test_env_file_is_no_file),
		cmocka_unit_test(test_deep_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
