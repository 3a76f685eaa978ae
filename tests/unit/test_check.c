/* test_check.c - what check_document() reports: exact texts, places and order. */
#include "testing.h"

#include "../../src/manifest/keys.h"
#include "../../src/manifest/pipeline.h"

#include "devenv/manifest.h"
#include "devenv/str.h"

struct checked {
	struct arena *arena;
	struct diags diags;
};

static void check(struct checked *out, const char *text)
{
	struct node *doc;

	out->arena = arena_new();
	out->diags = DIAGS_INIT;
	doc = node_item(yaml_parse(out->arena, "a.yaml", text, strlen(text), &out->diags), 0);
	assert_non_null(doc);
	check_document(doc, &out->diags);
}

static void release(struct checked *checked)
{
	diags_release(&checked->diags);
	arena_free(checked->arena);
}

static void assert_diag(const struct checked *checked, size_t i, const char *at, const char *path,
	const char *text, const char *help)
{
	const struct diag *diag = &checked->diags.list[i];
	autofree char *place = NULL;

	assert_true(i < checked->diags.n);
	place = xasprintf("%s:%d:%d", diag->file, diag->line, diag->column);
	assert_string_equal(place, at);
	assert_string_equal(diag->path ? diag->path : "", path);
	assert_string_equal(diag->text, text);
	assert_string_equal(diag->help ? diag->help : "", help);
}

static void assert_one(
	const char *text, const char *at, const char *path, const char *message, const char *help)
{
	struct checked checked;

	check(&checked, text);
	assert_int_equal(checked.diags.n, 1);
	assert_diag(&checked, 0, at, path, message, help);
	release(&checked);
}

static void assert_fine(const char *text)
{
	struct checked checked;

	check(&checked, text);
	if (checked.diags.n)
		fail_msg("%s: %s", checked.diags.list[0].path, checked.diags.list[0].text);
	release(&checked);
}

static void test_unknown(void **state)
{
	assert_one("services:\n  web:\n    portz: [\"80:80\"]\n", "a.yaml:3:5",
		"services.web.portz", "unknown key (did you mean \"ports\"?)", "");
	assert_one("services:\n  web:\n    frobnicate: 1\n", "a.yaml:3:5",
		"services.web.frobnicate", "unknown key", "keys of your own begin with x-");
	assert_one("services: {web: {ports: [{target: 80, publish: 1}]}}", "a.yaml:1:39",
		"services.web.ports[0].publish", "unknown key (did you mean \"published\"?)", "");
}

static void test_misplaced(void **state)
{
	assert_one("services:\n  web:\n    context: .\n", "a.yaml:3:5", "services.web.context",
		"misplaced key: \"context\" belongs in services.NAME.build", "");
	assert_one("image: a\n", "a.yaml:1:1", "image",
		"misplaced key: \"image\" belongs in services.NAME", "");
	assert_one("services:\n  web:\n    network: a\n", "a.yaml:3:5", "services.web.network",
		"unknown key (did you mean \"networks\"? \"network\" belongs in "
		"services.NAME.build)",
		"");
}

static void test_types(void **state)
{
	assert_one("services:\n  web:\n    ports: \"80:80\"\n", "a.yaml:3:12", "services.web.ports",
		"expected a list, not a string", "for example: ports: [\"8080:80\"]");
	assert_one("services: {web: {user: 1000}}", "a.yaml:1:24", "services.web.user",
		"expected a string, not a whole number", "quote it: \"1000\"");
	assert_one("services: {web: {ports: }}", "a.yaml:1:25", "services.web.ports",
		"expected a list, but it is empty", "for example: ports: [\"8080:80\"]");
	assert_one("services: {web: {stop_grace_period: 10}}", "a.yaml:1:37",
		"services.web.stop_grace_period", "expected a string, not a whole number",
		"give it a unit: stop_grace_period: 10s");
	assert_one("services: {web: {privileged: maybe}}", "a.yaml:1:30", "services.web.privileged",
		"expected true or false, not \"maybe\"", "for example: privileged: true");
	assert_one("services: {web: {oom_score_adj: 5000}}", "a.yaml:1:33",
		"services.web.oom_score_adj", "expected a number from -1000 to 1000, not \"5000\"",
		"for example: oom_score_adj: 1");
}

static void test_words(void **state)
{
	assert_one("services: {web: {volumes: [{type: volme}]}}", "a.yaml:1:35",
		"services.web.volumes[0].type",
		"\"volme\" is not one of bind, volume, tmpfs, cluster, npipe, image (did you mean "
		"\"volume\"?)",
		"");
	assert_one("services: {web: {depends_on: [a, b, a]}}", "a.yaml:1:37",
		"services.web.depends_on[2]", "written twice", "");
	assert_one("services: {\"my web\": {image: a}}", "a.yaml:1:12", "services.my web",
		"a name may have letters, digits, \".\", \"_\" and \"-\" only", "");
}

static void test_all_at_once(void **state)
{
	struct checked checked;

	check(&checked,
		"services:\n  web:\n    imge: a\n    user: 5\n  db:\n    scale: x\nvolums: {}\n");
	assert_int_equal(checked.diags.n, 4);
	assert_int_equal(checked.diags.errors, 4);
	assert_diag(&checked, 0, "a.yaml:3:5", "services.web.imge",
		"unknown key (did you mean \"image\"?)", "");
	assert_diag(&checked, 1, "a.yaml:4:11", "services.web.user",
		"expected a string, not a whole number", "quote it: \"5\"");
	assert_diag(&checked, 2, "a.yaml:6:12", "services.db.scale",
		"expected a whole number, not \"x\"", "for example: scale: 1");
	assert_diag(
		&checked, 3, "a.yaml:7:1", "volums", "unknown key (did you mean \"volumes\"?)", "");
	release(&checked);
}

static void test_devenv_keys(void **state)
{
	assert_fine(
		"x-requires: [auth]\n"
		"x-sources: {shop: {url: \"git@example.com:a/b.git\", ref: main, path: src}}\n"
		"x-tunnels: {r: {via: b, to: \"h:3306\", port: 8025, engine: mysql}}\n"
		"services: {web: {image: a, x-other: {any: thing}}}\n"
		"volumes: {a: {x-snapshot: reg/x:1}, b: {x-snapshot: {url: reg/x:1, lazy: true}},\n"
		"  c: {x-production: true}, d: {x-production: {masking: ./masking.sql}}}\n");
	assert_one("x-tasks: {test: {service: web, command: [a]}}", "a.yaml:1:1", "x-tasks",
		"not done yet: nothing comes of it", "");
	assert_one("volumes: {a: {x-snapshot: {ulr: x}}}", "a.yaml:1:28",
		"volumes.a.x-snapshot.ulr", "unknown key (did you mean \"url\"?)", "");
	assert_one("x-requires: auth", "a.yaml:1:13", "x-requires", "expected a list, not a string",
		"for example: x-requires: [auth]");
}

static void test_accepted_forms(void **state)
{
	assert_fine("services: {web: {build: ., command: , pid: host, deploy: , develop: }}");
	assert_fine("services: {web: {environment: [A, B=1], labels: {a: 1, b: null, c: true}}}");
	assert_fine("services: {web: {scale: \"2\", privileged: \"true\", cpus: \"0.5\"}}");
	assert_one("services: {web: {privileged: \"N\"}}", "a.yaml:1:30", "services.web.privileged",
		"\"N\" is no boolean of YAML 1.2: write false", "");
	assert_fine("services: {web: {scale: \"${N}\", privileged: \"${P}\"}}");
	assert_fine("services: {web: {ulimits: {a: 1, b: {soft: 1, hard: 2}}, gpus: all}}");
	assert_fine("networks: {a: , b: {}}\nvolumes: {a: , b: {}}\nx-anything: [1]");
}

/* The table itself: every row has a line of help, and no shape has a key twice. */
static void test_table(void **state)
{
	const struct shape *const *lists[] = {shapes_top, shapes_service, shapes_deploy};
	size_t rows = 0;

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (const struct shape *const *shape = lists[l]; *shape; shape++)
			for (size_t i = 0; i < (*shape)->n; i++, rows++) {
				const struct key *key = &(*shape)->keys[i];

				assert_non_null(key->doc);
				assert_true(key->accepts != 0);
				assert_ptr_equal(shape_find(*shape, key->name), key);
				assert_true(str_ends(key->doc, "."));
			}
	assert_true(rows > 250);
}

static void test_schema(void **state)
{
	autojson json_t *schema = manifest_schema();
	json_t *service = json_at(schema, "$defs", "services.NAME", "properties", NULL);
	autofree char *text = json_print(schema);
	const char *at = text;
	size_t references = 0;

	assert_non_null(json_object_get(service, "image"));
	assert_non_null(json_at(service, "depends_on", "anyOf", NULL));
	assert_false(json_is_true(
		json_at(schema, "$defs", "services.NAME", "additionalProperties", NULL)));
	while ((at = strstr(at, "\"$ref\":\"#/$defs/"))) { /* each leads somewhere */
		autofree char *name = NULL;

		at += strlen("\"$ref\":\"#/$defs/");
		name = xstrndup(at, strcspn(at, "\""));
		assert_non_null(json_at(schema, "$defs", name, NULL));
		references++;
	}
	assert_true(references > 40);
	assert_true(json_object_size(json_object_get(schema, "$defs")) > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_misplaced),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_devenv_keys),
		cmocka_unit_test(test_accepted_forms),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
