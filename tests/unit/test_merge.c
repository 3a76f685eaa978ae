/* test_merge.c - several files into one: the rules of the specification, on canonical forms. */
#include "testing.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/str.h"

/* A tree as text, keys sorted: enough to compare. */
static void show(const struct node *node, struct buf *out)
{
	if (node->kind == NODE_MAP || node->kind == NODE_LIST)
		buf_addch(out, node->kind == NODE_MAP ? '{' : '[');
	else
		buf_addstr(out, node->kind == NODE_NULL ? "~" : node->text);
	for (size_t i = 0; i < node->n; i++) {
		buf_addstr(out, i ? " " : "");
		if (node->kind == NODE_MAP)
			buf_addf(out, "%s:", node->keys[i]->text);
		show(node->items[i], out);
	}
	if (node->kind == NODE_MAP || node->kind == NODE_LIST)
		buf_addch(out, node->kind == NODE_MAP ? '}' : ']');
}

static struct node *read_document(struct arena *arena, const char *body, struct diags *diags)
{
	struct node *doc = node_item(yaml_parse(arena, "f.yaml", body, strlen(body), diags), 0);

	assert_non_null(doc);
	canonical_document(arena, doc, &(struct canonical_rules){.dir = "/dir"}, diags);
	return doc;
}

/* Both are the value of services.x; what comes out of merging is compared, or the first problem. */
static void assert_merged(const char *base, const char *over, const char *expected)
{
	struct arena *arena = arena_new();
	struct diags diags = DIAGS_INIT;
	autofree char *a = xasprintf("services: {x: {%s}}", base);
	autofree char *b = xasprintf("services: {x: {%s}}", over);
	autobuf struct buf out = BUF_INIT(0);
	struct node *doc = merge_documents(
		arena, NULL, read_document(arena, a, &diags), false, &diags);

	doc = merge_documents(arena, doc, read_document(arena, b, &diags), false, &diags);
	if (diags.n)
		buf_addf(&out, "%s: %s", diags.list[0].path, diags.list[0].text);
	else
		show(node_get(node_get(doc, "services"), "x"), &out);
	assert_string_equal(buf_str(&out), expected);
	diags_release(&diags);
	arena_free(arena);
}

static void test_plain(void **state)
{
	assert_merged(
		"image: a, x-a: {b: 1, c: 2}", "image: b, x-a: {c: 3}", "{image:b x-a:{b:1 c:3}}");
	assert_merged("x-l: [1, 2]", "x-l: [2, 3]", "{x-l:[1 2 2 3]}");
	assert_merged("image: a", "image: ~", "{image:a}");
	assert_merged("image: ~", "image: a", "{image:a}");
	assert_merged("x-a: {b: 1}", "x-a: [1]",
		"services.x.x-a: a list cannot be merged with a map of f.yaml:1");
}

static void test_replaced(void **state)
{
	assert_merged("command: [a, b]", "command: [c]", "{command:[c]}");
	assert_merged("entrypoint: [a]", "entrypoint: b", "{entrypoint:b}");
	assert_merged("healthcheck: {test: [CMD, a], retries: 3}", "healthcheck: {test: [CMD, b]}",
		"{healthcheck:{test:[CMD b] retries:3}}");
	assert_merged("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 5}",
		"{ulimits:{nofile:5}}");
	assert_merged("command: [a]", "command: ~", "{command:~}");
}

static void test_names_and_values(void **state)
{
	assert_merged("environment: [A=1, B=2]", "environment: {B: 3, C: }",
		"{environment:{A:1 B:3 C:~}}");
	assert_merged("environment: {A: 1}", "environment: [A]", "{environment:{A:~}}");
	assert_merged("labels: {a: 1}", "labels: [a=2, b]", "{labels:{a:2 b:}}");
	assert_merged("cap_add: [A, B]", "cap_add: [B, C]", "{cap_add:[A B C]}");
	assert_merged("dns: 1.1.1.1", "dns: [1.1.1.1, 8.8.8.8]", "{dns:[1.1.1.1 8.8.8.8]}");
	assert_merged("expose: [\"80\"]", "expose: [\"80\", \"90\"]", "{expose:[80 90]}");
	assert_merged("extra_hosts: {a: 1.1.1.1}", "extra_hosts: [\"a=1.1.1.1\", \"a=2.2.2.2\"]",
		"{extra_hosts:[a=1.1.1.1 a=2.2.2.2]}");
}

static void test_ports(void **state)
{
	assert_merged("ports: [{target: 80, published: \"8080\", protocol: tcp, mode: ingress}]",
		"ports: [{target: 80, published: \"8080\", mode: host}, "
		"{target: 80, published: \"9090\"}]",
		"{ports:[{target:80 published:8080 mode:host} {target:80 published:9090}]}");
	assert_merged("ports: [{target: 80, published: \"80\"}]",
		"ports: [{target: 80, published: \"80\", host_ip: 127.0.0.1}]",
		"{ports:[{target:80 published:80} {target:80 published:80 host_ip:127.0.0.1}]}");
}

static void test_mounts(void **state)
{
	assert_merged("volumes: [{type: volume, source: a, target: /x}, "
		      "{type: volume, source: b, target: /y}]",
		"volumes: [{type: bind, source: /h, target: /x}]",
		"{volumes:[{type:bind source:/h target:/x} {type:volume source:b target:/y}]}");
	assert_merged("secrets: [a, {source: b, target: t}]",
		"secrets: [{source: c, target: t}, a]",
		"{secrets:[{source:a} {source:c target:t}]}");
	assert_merged("env_file: a.env", "env_file: [{path: a.env, required: false}, b.env]",
		"{env_file:[{path:/dir/a.env required:false} {path:/dir/b.env required:true}]}");
}

static void test_maps_of_names(void **state)
{
	assert_merged("networks: [a]", "networks: {a: {aliases: [x]}, b: }",
		"{networks:{a:{aliases:[x]} b:~}}");
	assert_merged(
		"networks: {a: {aliases: [x]}}", "networks: [a]", "{networks:{a:{aliases:[x]}}}");
	assert_merged("depends_on: {a: {condition: service_healthy}}",
		"depends_on: {b: {condition: service_started}}",
		"{depends_on:{a:{condition:service_healthy} b:{condition:service_started}}}");
	assert_merged("logging: {driver: a, options: {x: 1}}", "logging: {options: {y: 2}}",
		"{logging:{driver:a options:{x:1 y:2}}}");
	assert_merged("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}",
		"{logging:{driver:b}}");
}

static void test_reset_and_override(void **state)
{
	assert_merged("image: a, ports: [{target: 80}]", "ports: !reset []", "{image:a}");
	assert_merged("environment: {A: 1, B: 2}", "environment: {A: !reset null}",
		"{environment:{B:2}}");
	assert_merged("dns: [a, b]", "dns: !override [c]", "{dns:[c]}");
	assert_merged("build: {context: ., args: {A: 1}}", "build: !override {context: sub}",
		"{build:{context:/dir/sub}}");
	assert_merged("image: !reset a, dns: !override [a]", "image: b", "{dns:[a] image:b}");
}

static void test_unique_in_one_file(void **state)
{
	assert_merged("cap_add: [A, B, A], expose: [\"1\", \"1\"]", "image: a",
		"{cap_add:[A B] expose:[1] image:a}");
}

static void test_base_is_a_copy(void **state)
{
	struct arena *arena = arena_new();
	struct diags diags = DIAGS_INIT;
	autobuf struct buf out = BUF_INIT(0);
	struct node *base = node_item(yaml_parse(arena, "f", "{dns: [a]}", 10, &diags), 0);
	struct node *over = node_item(yaml_parse(arena, "f", "{dns: [b]}", 10, &diags), 0);

	show(merge_service(arena, "web", node_copy(arena, base), over, false, &diags), &out);
	show(base, &out);
	assert_string_equal(buf_str(&out), "{dns:[a b]}{dns:[a]}");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_names_and_values),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_maps_of_names),
		cmocka_unit_test(test_reset_and_override),
		cmocka_unit_test(test_unique_in_one_file),
		cmocka_unit_test(test_base_is_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
