/*
 * test_workspace.c - whole loads from real folders: finding, naming, .env, extends, include,
 * errors.
 */
#include "testing.h"

#include "devenv/manifest.h"
#include "devenv/str.h"

#include <sys/stat.h>
#include <unistd.h>

struct load {
	struct load_options options;
	struct workspace ws;
	struct diags diags;
	struct err err;
};

static void put(const char *dir, const char *name, const char *text)
{
	autofree char *path = path_join(dir, name), *parent = path_dirname(path);
	struct err err = ERR_INIT;

	assert_int_equal(fs_mkdirs(parent, 0700, &err), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static int load(struct load *load, const char *dir)
{
	load->options.dir = dir;
	assert_int_equal(chdir(dir), 0);
	return workspace_load(&load->options, &load->ws, &load->diags, &load->err);
}

/* The load has to work; the report is shown when it does not. */
static void load_ok(struct load *it, const char *dir)
{
	autobuf struct buf out = BUF_INIT(0);

	if (load(it, dir) < 0) {
		diag_print(&it->diags, &out);
		fail_msg("%s\n%s", it->err.msg, buf_str(&out));
	}
}

static void load_end(struct load *load)
{
	workspace_release(&load->ws);
	diags_release(&load->diags);
}

static const char *image(const struct load *load, size_t manifest, const char *service)
{
	return json_str(
		json_at(load->ws.manifests[manifest].model, "services", service, NULL), "image");
}

/* The load has to fail with exactly this report. */
static void assert_report(const char *dir, const char *expected)
{
	struct load it = {0};
	autobuf struct buf out = BUF_INIT(0);

	assert_int_equal(load(&it, dir), -1);
	assert_int_equal(it.err.kind, ERR_MANIFEST);
	diag_print(&it.diags, &out);
	assert_string_equal(buf_str(&out), expected);
	load_end(&it);
}

static void test_single(void **state)
{
	autofree char *dir = path_join(*state, "My.Shop_1"), *sub = path_join(dir, "a/b");
	struct load it = {0};
	struct err err = ERR_INIT;

	put(dir, "compose.yaml", "services: {web: {image: \"a:${TAG:-1}\"}}\n");
	put(dir, "compose.override.yaml", "services: {web: {labels: [x=1]}}\n");
	put(dir, ".env", "TAG=7\n");
	assert_int_equal(fs_mkdirs(sub, 0700, &err), 0);
	load_ok(&it, sub);
	assert_true(it.ws.single);
	assert_string_equal(it.ws.name, "myshop_1");
	assert_string_equal(it.ws.root, dir);
	assert_int_equal(it.ws.n, 1);
	assert_int_equal(it.ws.manifests[0].files.n, 2);
	assert_int_equal(it.ws.manifests[0].env_files.n, 1);
	assert_string_equal(image(&it, 0, "web"), "a:7");
	assert_true(str_starts(it.ws.lock_id, "myshop_1-"));
	assert_int_equal(strlen(it.ws.lock_id), strlen("myshop_1-") + 8);
	load_end(&it);
}

static void test_workspace(void **state)
{
	struct load it = {0};
	const char *service = NULL;
	struct manifest *manifest = NULL;
	autofree char *place = NULL, *source = NULL;

	put(*state, "envs/shop.yaml",
		"x-requires: [auth]\n"
		"services:\n  web: {image: a, volumes: [\"./src/shop:/srv\"]}\n  db: {image: b}\n");
	put(*state, "envs/auth.yaml", "services: {web: {image: c}}\n");
	put(*state, "envs/workspace.yaml", "name: acme\nproxy: {domain: x}\n");
	load_ok(&it, *state);
	assert_false(it.ws.single);
	assert_string_equal(it.ws.name, "acme");
	assert_int_equal(it.ws.n, 2);
	assert_string_equal(it.ws.manifests[1].name, "shop");
	assert_string_equal(it.ws.manifests[1].project, "acme-shop");
	assert_string_equal(it.ws.manifests[1].requires.v[0], "auth");
	assert_string_equal(json_str(json_object_get(it.ws.settings, "proxy"), "domain"), "x");
	source = path_join(*state, "src/shop");
	assert_string_equal(json_str(json_array_get(json_at(it.ws.manifests[1].model, "services",
							    "web", "volumes", NULL),
					     0),
				    "source"),
		source);
	place = manifest_place(&it.ws.manifests[1], "services.web.image");
	assert_string_equal(place, "envs/shop.yaml:3:9");
	assert_null(manifest_place(&it.ws.manifests[1], "services.web.imag"));
	assert_int_equal(workspace_resolve(&it.ws, "db", &manifest, &service, &it.err), 0);
	assert_string_equal(manifest->name, "shop");
	assert_string_equal(service, "db");
	assert_int_equal(workspace_resolve(&it.ws, "auth", &manifest, &service, &it.err), 0);
	assert_null(service);
	assert_int_equal(workspace_resolve(&it.ws, "auth/web", &manifest, &service, &it.err), 0);
	assert_string_equal(manifest->name, "auth");
	assert_int_equal(workspace_resolve(&it.ws, "web", &manifest, &service, &it.err), -1);
	assert_string_equal(
		it.err.msg, "\"web\" is in several manifests: say auth/web or shop/web");
	assert_int_equal(workspace_resolve(&it.ws, "shpo", &manifest, &service, &it.err), -1);
	assert_int_equal(it.err.kind, ERR_USAGE);
	assert_string_equal(
		it.err.msg, "there is no service or manifest \"shpo\" (did you mean \"shop\"?)");
	load_end(&it);
}

static void test_requires(void **state)
{
	put(*state, "envs/a.yaml", "x-requires: [b]\nservices: {s: {image: a}}\n");
	put(*state, "envs/b.yaml", "x-requires: [c]\nservices: {s: {image: a}}\n");
	put(*state, "envs/c.yaml", "x-requires: [b]\nservices: {s: {image: a}}\n");
	assert_report(*state, "envs/b.yaml:1:1: error: x-requires: a cycle: b -> c -> b\n"
			      "    1 | x-requires: [c]\n"
			      "      | ^\n");
	put(*state, "envs/c.yaml", "services: {s: {image: a}}\nx-requires: [nope]\n");
	assert_report(*state,
		"envs/c.yaml:2:14: error: x-requires: there is no manifest \"nope\" in "
		"the workspace\n"
		"    2 | x-requires: [nope]\n"
		"      |              ^\n");
}

static void test_reports(void **state)
{
	put(*state, "compose.yaml", "services:\n\tweb: {image: a}\n");
	assert_report(*state, "compose.yaml:2:1: error: a tab is used for indentation\n"
			      "    2 |         web: {image: a}\n"
			      "      | ^\n"
			      "      = use spaces: YAML does not allow tabs here\n");
	put(*state, "compose.yaml", "services:\n  web:\n    image: a\n    image: b\n");
	assert_report(*state, "compose.yaml:4:5: error: services.web: the key \"image\" is already "
			      "given at line 3\n"
			      "    4 |     image: b\n"
			      "      |     ^\n"
			      "      = a key can be given once; merge the two, or remove one\n");
	put(*state, "compose.yaml", "services:\n  web:\n    image: a\n    portz: [80]\n");
	assert_report(*state, "compose.yaml:4:5: error: services.web.portz: unknown key (did you "
			      "mean \"ports\"?)\n"
			      "    4 |     portz: [80]\n"
			      "      |     ^\n");
}

/* What the back half says may be worded anew; that it is said at the right place may not. */
static void assert_place(const char *dir, int line, int column, const char *path)
{
	struct load it = {0};

	assert_int_equal(load(&it, dir), -1);
	assert_int_equal(it.diags.errors, 1);
	assert_string_equal(it.diags.list[0].file, "compose.yaml");
	assert_int_equal(it.diags.list[0].line, line);
	assert_int_equal(it.diags.list[0].column, column);
	assert_string_equal(it.diags.list[0].path, path);
	load_end(&it);
}

static void test_wrong_type(void **state)
{
	put(*state, "compose.yaml", "services:\n  web:\n    image: a\n    ports: 80\n");
	assert_place(*state, 4, 12, "services.web.ports");
}

static void test_all_problems_at_once(void **state)
{
	struct load it = {0};

	put(*state, "compose.yaml",
		"services:\n  a: {image: x, portz: 1}\n  b: {imag: y}\n"
		"  c: {image: \"${NO:?why}\"}\n");
	assert_int_equal(load(&it, *state), -1);
	assert_true(it.diags.errors >= 3);
	load_end(&it);
}

static void test_extends(void **state)
{
	struct load it = {0};
	const json_t *web;
	autofree char *data = path_join(*state, "lib/data");

	put(*state, "lib/base.yaml",
		"services:\n"
		"  base: {image: b, environment: {A: 1, B: 1}, volumes: [\"./data:/d\"]}\n"
		"  mid: {extends: base, environment: {B: 2}}\n"
		"  broken: {nonsense: 1}\n");
	put(*state, "compose.yaml",
		"services:\n"
		"  web: {extends: {file: lib/base.yaml, service: mid}, environment: [C=3]}\n"
		"  two: {extends: web, image: c}\n");
	load_ok(&it, *state);
	web = json_at(it.ws.manifests[0].model, "services", "two", NULL);
	assert_string_equal(json_str(web, "image"), "c");
	assert_string_equal(json_str(json_object_get(web, "environment"), "A"), "1");
	assert_string_equal(json_str(json_object_get(web, "environment"), "B"), "2");
	assert_string_equal(json_str(json_object_get(web, "environment"), "C"), "3");
	assert_string_equal(
		json_str(json_array_get(json_object_get(web, "volumes"), 0), "source"), data);
	load_end(&it);
}

static void test_extends_errors(void **state)
{
	put(*state, "compose.yaml",
		"services:\n  a: {extends: b, image: x}\n  b: {extends: a, image: x}\n");
	assert_report(*state, "compose.yaml:2:16: error: services.a.extends: a cycle of extends: a "
			      "(compose.yaml) -> b (compose.yaml) -> a (compose.yaml)\n"
			      "    2 |   a: {extends: b, image: x}\n"
			      "      |                ^\n"
			      "      = remove one of these extends\n");
	put(*state, "compose.yaml", "services:\n  web: {image: x}\n  b: {extends: wbe}\n");
	assert_report(*state, "compose.yaml:3:16: error: services.b.extends: there is no service "
			      "\"wbe\" in compose.yaml (did you mean \"web\"?)\n"
			      "    3 |   b: {extends: wbe}\n"
			      "      |                ^\n");
}

static void test_include(void **state)
{
	struct load it = {0};
	const json_t *model;
	autofree char *data = path_join(*state, "sub/data");

	put(*state, "sub/compose.yaml",
		"services: {db: {image: \"db:$TAG\", volumes: [\"./data:/d\"], environment: [X]}}\n"
		"volumes: {v: {}}\n");
	put(*state, "sub/.env", "TAG=3\nX=from-env\n");
	put(*state, "compose.yaml",
		"include: [sub/compose.yaml]\n"
		"services: {web: {image: w, depends_on: [db], volumes: [\"v:/v\"]}}\n");
	load_ok(&it, *state);
	model = it.ws.manifests[0].model;
	assert_string_equal(image(&it, 0, "db"), "db:3");
	assert_string_equal(
		json_str(json_at(model, "services", "db", "environment", NULL), "X"), "from-env");
	assert_string_equal(
		json_str(json_array_get(json_at(model, "services", "db", "volumes", NULL), 0),
			"source"),
		data);
	load_end(&it);
}

static void test_include_errors(void **state)
{
	put(*state, "compose.yaml", "include: [b.yaml]\nservices: {web: {image: w}}\n");
	put(*state, "b.yaml", "include:\n  - path: compose.yaml\n");
	assert_report(*state, "b.yaml:2:11: error: include: a cycle of includes: compose.yaml -> "
			      "b.yaml -> compose.yaml\n"
			      "    2 |   - path: compose.yaml\n"
			      "      |           ^\n"
			      "      = remove one of these includes\n");
	put(*state, "b.yaml", "services: {web: {image: other}}\n");
	assert_report(*state,
		"compose.yaml:2:12: error: services.web: conflicts with the included one of "
		"b.yaml:1\n"
		"    2 | services: {web: {image: w}}\n"
		"      |            ^\n"
		"      = it is included at compose.yaml:1; change it in an override file of that "
		"include instead\n");
}

static void test_names(void **state)
{
	struct load it = {0};

	put(*state, "compose.yaml", "name: \"My ${X:-App}!\"\nservices: {web: {image: a}}\n");
	load_ok(&it, *state);
	assert_string_equal(it.ws.manifests[0].project, "myapp");
	load_end(&it);
	it = (struct load){.options.project = "Not OK"};
	assert_int_equal(load(&it, *state), -1);
	assert_non_null(strstr(it.err.msg, "invalid project name \"Not OK\""));
	load_end(&it);
	it = (struct load){.options.project = "given"};
	load_ok(&it, *state);
	assert_string_equal(it.ws.name, "given");
	load_end(&it);
}

static void test_nothing(void **state)
{
	struct load it = {0};

	assert_int_equal(load(&it, *state), -1);
	assert_int_equal(it.err.kind, ERR_MANIFEST);
	assert_non_null(strstr(it.err.msg, "no manifest in "));
	load_end(&it);
}

static void test_hostile_files(void **state)
{
	struct load it = {0};
	autofree char *path = path_join(*state, "compose.yaml");

	put(*state, "compose.yaml", "");
	assert_int_equal(truncate(path, 100 << 20), 0);
	assert_int_equal(load(&it, *state), -1);
	load_end(&it);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	it = (struct load){0};
	assert_int_equal(load(&it, *state), -1);
	load_end(&it);
	assert_int_equal(unlink(path), 0);
	put(*state, "compose.yaml", "include: [{path: a.yaml, env_file: /dev/zero}]\n");
	put(*state, "a.yaml", "services: {web: {image: a, env_file: /dev/zero}}\n");
	it = (struct load){0};
	assert_int_equal(load(&it, *state), -1);
	load_end(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_single),
		FOLDER_TEST(test_workspace),
		FOLDER_TEST(test_requires),
		FOLDER_TEST(test_reports),
		FOLDER_TEST(test_wrong_type),
		FOLDER_TEST(test_all_problems_at_once),
		FOLDER_TEST(test_extends),
		FOLDER_TEST(test_extends_errors),
		FOLDER_TEST(test_include),
		FOLDER_TEST(test_include_errors),
		FOLDER_TEST(test_names),
		FOLDER_TEST(test_nothing),
		FOLDER_TEST(test_hostile_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
