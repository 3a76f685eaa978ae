/* test_watch.c - which rule of `develop.watch` a change concerns, and where it goes. */
#include "testing.h"

#include "devenv/json.h"
#include "devenv/str.h"
#include "devenv/watch.h"

static const char model_text[] =
	"{\"name\": \"shop\", \"services\": {"
	" \"web\": {\"image\": \"web\","
	"  \"volumes\": [{\"type\": \"bind\", \"source\": \"/w/data\", \"target\": \"/data\"}],"
	"  \"develop\": {\"watch\": ["
	"   {\"path\": \"/w/src\", \"action\": \"sync\", \"target\": \"/app/src/\","
	"    \"ignore\": [\"node_modules/\", \"!node_modules/keep\", \"*.log\", \"/deep/*.o\"],"
	"    \"exec\": {\"command\": null}},"
	"   {\"path\": \"/w/src\", \"action\": \"sync\", \"target\": \"/js\","
	"    \"include\": [\"**/*.js\"], \"initial_sync\": true, \"exec\": {\"command\": null}},"
	"   {\"path\": \"/w/data/sub\", \"action\": \"sync\", \"target\": \"/data\","
	"    \"exec\": {\"command\": null}},"
	"   {\"path\": \"/w/data\", \"action\": \"sync+exec\", \"target\": \"/data\","
	"    \"exec\": {\"command\": [\"reload\"]}},"
	"   {\"path\": \"/w/package.json\", \"action\": \"sync+restart\","
	"    \"target\": \"/app/package.json\", \"exec\": {\"command\": null}}]}},"
	" \"job\": {\"image\": \"job\", \"develop\": {\"watch\": ["
	"   {\"path\": \"/w/job\", \"action\": \"rebuild\", \"exec\": {\"command\": null}}]}},"
	" \"plain\": {\"image\": \"plain\"}}}";

struct fixture {
	struct manifest manifest;
	struct workspace ws;
	size_t warnings;
	struct sink sink;
	struct watch_rules rules;
};

static void count_warning(void *ctx, const struct event *event)
{
	struct fixture *fixture = ctx;

	fixture->warnings += event->kind == EVENT_WARNING;
}

static int make_rules(struct fixture *fixture, const char *service, struct err *err)
{
	char *word = (char *)service;
	struct strv words = {.v = &word, .n = 1};

	return watch_rules_make(&(struct plan_request){.ws = &fixture->ws, .words = &words},
		&fixture->sink, &fixture->rules, err);
}

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct err err = ERR_INIT;

	fixture->manifest = (struct manifest){.name = "shop",
		.project = "shop",
		.model = json_parse(model_text, strlen(model_text), "model", &err),
		.inactive = json_object()};
	assert_non_null(fixture->manifest.model);
	fixture->ws = (struct workspace){
		.name = "shop", .single = true, .manifests = &fixture->manifest, .n = 1};
	fixture->sink = (struct sink){count_warning, fixture};
	assert_int_equal(make_rules(fixture, "web", &err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	watch_rules_release(&fixture->rules);
	json_decref(fixture->manifest.model);
	json_decref(fixture->manifest.inactive);
	free(fixture);
	return 0;
}

static void test_rules(void **state)
{
	struct fixture *fixture = *state;
	struct watch_rules none = {0};
	struct err err = ERR_INIT;

	assert_int_equal(fixture->rules.n, 4);
	assert_int_equal(fixture->warnings, 2);
	assert_true(fixture->rules.list[1].initial);
	assert_false(fixture->rules.list[2].sync);
	assert_non_null(fixture->rules.list[2].exec);
	watch_rules_release(&fixture->rules);
	assert_int_equal(make_rules(fixture, "plain", &err), -1);
	assert_int_equal(err.kind, ERR_MANIFEST);
	assert_non_null(strstr(err.msg, "    plain:\n      develop:"));
	assert_int_equal(make_rules(fixture, "job", &err), -1);
	assert_non_null(strstr(err.msg, "service job: develop.watch: the action \"rebuild\""));
	assert_memory_equal(&fixture->rules, &none, sizeof(none));
}

static void test_matches(void **state)
{
	const struct fixture *fixture = *state;
	const struct watch_rule *all = &fixture->rules.list[0], *js = &fixture->rules.list[1];
	static const char *const yes[] = {"a", "sub/a", "sub/a.log", "node_modules/keep/x",
		"sub/node_modules/x", "deep/sub/a.o", ".gitignore", "a.swp"};
	static const char *const no[] = {"a.log", "node_modules", "node_modules/x", "deep/a.o",
		"a~", "sub/.a.swp", ".git", ".git/index", "sub/.git/index", ".#a", "sub/#a#",
		"4913", ".idea/x.xml"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		autofree char *path = path_join("/w/src", yes[i]);

		if (!watch_rule_matches(all, path))
			fail_msg("%s does not match", path);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		autofree char *path = path_join("/w/src", no[i]);

		if (watch_rule_matches(all, path))
			fail_msg("%s matches", path);
	}
	assert_false(watch_rule_matches(all, "/w/srcs/a"));
	assert_true(watch_rule_matches(js, "/w/src/x/y.js"));
	assert_true(watch_rule_matches(js, "/w/src/y.js"));
	assert_false(watch_rule_matches(js, "/w/src/y.ts"));
}

static void expect_target(const struct watch_rule *rule, const char *path, const char *wanted)
{
	autofree char *target = watch_rule_target(rule, path);

	assert_string_equal(target, wanted);
}

static void test_targets(void **state)
{
	const struct fixture *fixture = *state;
	const struct watch_rule *rules = fixture->rules.list;

	expect_target(&rules[0], "/w/src/a/b", "/app/src/a/b");
	expect_target(&rules[0], "/w/src", "/app/src");
	expect_target(&rules[3], "/w/package.json", "/app/package.json");
}

static void test_skip(void **state)
{
	struct fixture *fixture = *state;

	assert_false(watch_rules_skip(&fixture->rules, "/w/src/sub"));
	assert_false(watch_rules_skip(&fixture->rules, "/w/src"));
	/* An exception may let something in, and the second rule has no such pattern. */
	assert_false(watch_rules_skip(&fixture->rules, "/w/src/node_modules"));
	assert_true(watch_rules_skip(&fixture->rules, "/w/src/.git"));
	assert_true(watch_rules_skip(&fixture->rules, "/w/other"));
	assert_false(watch_rules_skip(&fixture->rules, "/w"));
}

static void test_batch(void **state)
{
	struct fixture *fixture = *state;
	autostrv struct strv changed = STRV_INIT;
	struct watch_batch batch;

	strv_split(&changed, "/w/data/x /w/data/y /w/package.json /w/src/a.js /w/src/a.log", ' ');
	watch_batch_make(&fixture->ws, &fixture->rules, &changed, false, &batch);
	assert_int_equal(batch.n, 1);
	assert_string_equal(batch.jobs[0].object, "service web");
	assert_true(batch.jobs[0].restart);
	assert_false(batch.jobs[0].rebuild);
	assert_int_equal(batch.jobs[0].n_execs, 1);
	assert_int_equal(batch.jobs[0].from.n, 3);
	assert_string_equal(batch.jobs[0].to.v[0], "/app/src/a.js");
	assert_string_equal(batch.jobs[0].to.v[1], "/js/a.js");
	assert_string_equal(batch.jobs[0].to.v[2], "/app/package.json");
	watch_batch_release(&batch);

	watch_batch_make(&fixture->ws, &fixture->rules, &changed, true, &batch);
	assert_int_equal(batch.n, 1);
	assert_int_equal(batch.jobs[0].from.n, 1);
	assert_int_equal(batch.jobs[0].n_execs, 0);
	assert_false(batch.jobs[0].restart);
	watch_batch_release(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_matches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
