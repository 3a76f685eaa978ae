/* test_plan.c - what the engine is asked for, and why a container is replaced; no engine needed. */
#include "devenv/plan.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char model_text[] =
	"{\"name\": \"shop\","
	" \"services\": {"
	"  \"web\": {\"image\": \"nginx:1\", \"command\": [\"a\", \"b\"],"
	"   \"environment\": {\"A\": \"1\", \"B\": null},"
	"   \"depends_on\": {\"db\": {\"condition\": \"service_healthy\", \"required\": true}},"
	"   \"ports\": [{\"mode\": \"ingress\", \"target\": 80, \"published\": \"8080\","
	"     \"host_ip\": \"127.0.0.1\", \"protocol\": \"tcp\"}],"
	"   \"networks\": {\"front\": {\"priority\": 10, \"aliases\": [\"www\"]}, \"default\": "
	"null},"
	"   \"volumes\": [{\"type\": \"volume\", \"source\": \"data\", \"target\": \"/data\"},"
	"     {\"type\": \"bind\", \"source\": \"/src\", \"target\": \"/app\", \"read_only\": true,"
	"      \"bind\": {\"create_host_path\": true}},"
	"     {\"type\": \"tmpfs\", \"target\": \"/tmp\", \"tmpfs\": {\"size\": \"1048576\"}}],"
	"   \"mem_limit\": \"67108864\", \"cpus\": 0.5, \"shm_size\": \"1024\","
	"   \"stop_grace_period\": \"1m30s\", \"extra_hosts\": [\"x=10.0.0.1\"],"
	"   \"ulimits\": {\"nofile\": {\"soft\": 10, \"hard\": 20}, \"nproc\": 5},"
	"   \"healthcheck\": {\"test\": [\"CMD\", \"true\"], \"interval\": \"5s\", \"retries\": 3},"
	"   \"restart\": \"on-failure:3\","
	"   \"secrets\": [{\"source\": \"key\"}],"
	"   \"configs\": [{\"source\": \"conf\", \"target\": \"/etc/conf\", \"mode\": \"0440\"}]},"
	"  \"db\": {\"image\": \"mariadb\", \"networks\": {\"default\": null}},"
	"  \"side\": {\"image\": \"busybox\", \"network_mode\": \"service:web\"}},"
	" \"networks\": {\"default\": {\"name\": \"shop_default\"}, \"front\": {\"name\": \"f\"}},"
	" \"volumes\": {\"data\": {\"name\": \"shop_data\"}},"
	" \"secrets\": {\"key\": {\"name\": \"shop_key\", \"file\": \"/run/key\"}},"
	" \"configs\": {\"conf\": {\"name\": \"shop_conf\", \"content\": \"hello\"}}}";

struct fixture {
	struct workspace ws;
	struct manifest manifest;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct err err = ERR_INIT;

	fixture->manifest = (struct manifest){.name = "shop",
		.project = "shop",
		.dir = "/w",
		.model = json_parse(model_text, strlen(model_text), "model", &err),
		.inactive = json_object(),
		.env = json_object()};
	assert_non_null(fixture->manifest.model);
	fixture->ws = (struct workspace){.name = "shop",
		.root = "/w",
		.single = true,
		.manifests = &fixture->manifest,
		.n = 1};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	json_decref(fixture->manifest.model);
	json_decref(fixture->manifest.inactive);
	json_decref(fixture->manifest.env);
	free(fixture);
	return 0;
}

static json_t *body_of(struct fixture *fixture, const char *service, json_t **extra)
{
	struct err err = ERR_INIT;
	json_t *body = plan_body(&fixture->ws, &fixture->manifest, service, 1, NULL, extra, &err);

	if (!body)
		print_error("%s\n", err.msg);
	assert_non_null(body);
	return body;
}

static void assert_json(const json_t *value, const char *expected)
{
	autofree char *text = json_print_sorted(value);

	assert_string_equal(text, expected);
}

static void test_body_scalars(void **state)
{
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(*state, "web", &extra);
	json_t *host = json_object_get(body, "HostConfig");

	assert_string_equal(json_str(body, "Image"), "nginx:1");
	assert_json(json_object_get(body, "Cmd"), "[\"a\",\"b\"]");
	assert_json(json_object_get(body, "Env"), "[\"A=1\",\"B\"]");
	assert_int_equal(json_int(body, "StopTimeout"), 90);
	assert_int_equal(json_int(host, "Memory"), 67108864);
	assert_int_equal(json_int(host, "NanoCpus"), 500000000);
	assert_int_equal(json_int(host, "ShmSize"), 1024);
	assert_json(json_object_get(host, "ExtraHosts"), "[\"x:10.0.0.1\"]");
	assert_json(json_object_get(host, "RestartPolicy"),
		"{\"MaximumRetryCount\":3,\"Name\":\"on-failure\"}");
	assert_json(json_object_get(host, "Ulimits"),
		"[{\"Hard\":20,\"Name\":\"nofile\",\"Soft\":10},"
		"{\"Hard\":5,\"Name\":\"nproc\",\"Soft\":5}]");
	assert_json(json_object_get(body, "Healthcheck"),
		"{\"Interval\":5000000000,\"Retries\":3,\"Test\":[\"CMD\",\"true\"]}");
}

static void test_body_mounts(void **state)
{
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(*state, "web", &extra);
	json_t *host = json_object_get(body, "HostConfig");

	assert_json(json_object_get(host, "Binds"), "[\"shop_data:/data:rw\",\"/src:/app:ro\"]");
	assert_json(json_object_get(host, "Mounts"),
		"[{\"Target\":\"/tmp\",\"TmpfsOptions\":{\"SizeBytes\":1048576},"
		"\"Type\":\"tmpfs\"},{\"BindOptions\":{},\"ReadOnly\":true,\"Source\":\"/run/key\","
		"\"Target\":\"/run/secrets/key\",\"Type\":\"bind\"}]");
	assert_json(json_object_get(extra, "files"),
		"[{\"content\":\"hello\",\"mode\":\"0440\",\"path\":\"/etc/conf\"}]");
}

static void test_body_networks(void **state)
{
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(*state, "web", &extra);

	/* The one of the highest priority is in the request, the other is connected after. */
	assert_json(json_object_get(body, "NetworkingConfig"),
		"{\"EndpointsConfig\":{\"f\":{\"Aliases\":[\"shop-web-1\",\"web\",\"www\"]}}}");
	assert_json(json_object_get(extra, "connect"),
		"[{\"endpoint\":{\"Aliases\":[\"shop-web-1\",\"web\"]},"
		"\"network\":\"shop_default\"}]");
	assert_json(json_at(body, "HostConfig", "PortBindings", NULL),
		"{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"}]}");
}

static void test_body_shared_network(void **state)
{
	struct fixture *fixture = *state;
	autojson json_t *extra = NULL;
	autojson json_t *body = NULL;

	fixture->ws.single = false;
	body = body_of(fixture, "db", &extra);
	assert_json(json_object_get(extra, "connect"),
		"[{\"endpoint\":{\"Aliases\":[\"db.shop\"]},\"network\":\"shop_shared\"}]");
}

static void test_body_namespace(void **state)
{
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(*state, "side", &extra);

	assert_string_equal(json_str(json_object_get(body, "HostConfig"), "NetworkMode"),
		"container:shop-web-1");
	assert_null(json_object_get(body, "NetworkingConfig"));
}

static void test_labels(void **state)
{
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(*state, "web", &extra);
	json_t *labels = json_object_get(body, "Labels");

	assert_string_equal(json_str(labels, "com.docker.compose.project"), "shop");
	assert_string_equal(json_str(labels, "com.docker.compose.service"), "web");
	assert_string_equal(json_str(labels, "com.docker.compose.oneoff"), "False");
	assert_string_equal(
		json_str(labels, "com.docker.compose.depends_on"), "db:service_healthy:false");
	assert_string_equal(json_str(labels, "com.docker.compose.project.working_dir"), "/w");
}

/* A container as `up` leaves it, by its labels. */
static struct container container_of(json_t *body)
{
	return (struct container){.name = "shop-web-1", .labels = json_object_get(body, "Labels")};
}

static const struct actual nothing; /* the engine runs nothing else */

static void test_no_difference(void **state)
{
	struct fixture *fixture = *state;
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(fixture, "web", &extra);
	struct container container = container_of(body);
	autostrv struct strv list = STRV_INIT;
	json_t *web = json_at(fixture->manifest.model, "services", "web", NULL);

	/* What does not reach the container is no reason. */
	json_object_set_new(web, "scale", json_integer(2));
	json_object_set_new(web, "pull_policy", json_string("always"));
	json_object_set_new(web, "x-route", json_string("shop.localhost"));
	plan_differences(&fixture->manifest, "web", &container, &nothing, &list);
	assert_int_equal(list.n, 0);
}

static void test_difference_names_the_field(void **state)
{
	struct fixture *fixture = *state;
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(fixture, "web", &extra);
	struct container container = container_of(body);
	autostrv struct strv list = STRV_INIT;
	json_t *web = json_at(fixture->manifest.model, "services", "web", NULL);

	json_object_set_new(json_object_get(web, "environment"), "A", json_string("2"));
	json_object_del(web, "cpus");
	json_object_set_new(web, "user", json_string("www"));
	plan_differences(&fixture->manifest, "web", &container, &nothing, &list);
	assert_int_equal(list.n, 3);
	assert_true(strv_has(&list, "environment.A changed from \"1\" to \"2\""));
	assert_true(strv_has(&list, "cpus is gone (was 0.5)"));
	assert_true(strv_has(&list, "user is new: \"www\""));
}

static void test_inline_config_counts(void **state)
{
	struct fixture *fixture = *state;
	autojson json_t *extra = NULL;
	autojson json_t *body = body_of(fixture, "web", &extra);
	struct container container = container_of(body);
	autostrv struct strv list = STRV_INIT;

	json_object_set_new(json_at(fixture->manifest.model, "configs", "conf", NULL), "content",
		json_string("other"));
	plan_differences(&fixture->manifest, "web", &container, &nothing, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0], "configs:conf.content changed from \"hello\" to \"other\"");
}

/* A container that docker compose made of `service` as it is: it has a hash and no model. */
static json_t *compose_labels(const struct fixture *fixture, const char *service)
{
	char hash[SHA256_HEX];

	manifest_hash_service(&fixture->manifest, service,
		json_at(fixture->manifest.model, "services", service, NULL), hash);
	return json_pack("{s:s}", "com.docker.compose.config-hash", hash);
}

static void test_made_by_compose(void **state)
{
	struct fixture *fixture = *state;
	autojson json_t *labels = compose_labels(fixture, "db");
	autojson json_t *raw = json_pack(
		"{s:{s:{s:{}, s:{}}}}", "NetworkSettings", "Networks", "shop_default", "other");
	struct container container = {.image = "mariadb", .labels = labels, .raw = raw};
	autostrv struct strv list = STRV_INIT;
	json_t *db = json_at(fixture->manifest.model, "services", "db", NULL);

	json_object_set_new(db, "scale", json_integer(2));
	plan_differences(&fixture->manifest, "db", &container, &nothing, &list);
	assert_int_equal(list.n, 0);

	json_object_set_new(db, "image", json_string("mariadb:11"));
	json_object_set_new(db, "labels", json_pack("{s:s}", "kind", "data"));
	plan_differences(&fixture->manifest, "db", &container, &nothing, &list);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.v[0], "image changed from \"mariadb\" to \"mariadb:11\"");
	assert_string_equal(list.v[1], "labels.kind is new: \"data\"");
	assert_string_equal(list.v[2], "networks: it is on other too");
	assert_non_null(strstr(list.v[3], "docker compose made it from another definition"));
}

/* What shares a network is hashed with the id of the container that has it. */
static void test_made_by_compose_with_shared_network(void **state)
{
	struct fixture *fixture = *state;
	struct container web = {
		.id = "0123", .project = "shop", .service = "web", .state = "running", .number = 1};
	struct actual actual = {.containers = &web, .n = 1};
	json_t *side = json_at(fixture->manifest.model, "services", "side", NULL);
	autojson json_t *labels = NULL;
	autostrv struct strv list = STRV_INIT;
	struct container container = {.image = "busybox"};

	json_object_set_new(side, "network_mode", json_string("container:0123"));
	labels = compose_labels(fixture, "side");
	json_object_set_new(side, "network_mode", json_string("service:web"));
	container.labels = labels;
	plan_differences(&fixture->manifest, "side", &container, &actual, &list);
	assert_int_equal(list.n, 0);
	web.id = "4567";
	plan_differences(&fixture->manifest, "side", &container, &actual, &list);
	assert_int_equal(list.n, 1);
}

static void test_external_secret_is_refused(void **state)
{
	struct fixture *fixture = *state;
	json_t *extra = NULL;
	struct err err = ERR_INIT;
	json_t *key = json_at(fixture->manifest.model, "secrets", "key", NULL);

	json_object_del(key, "file");
	json_object_set_new(key, "external", json_true());
	assert_null(plan_body(&fixture->ws, &fixture->manifest, "web", 1, NULL, &extra, &err));
	assert_int_equal(err.kind, ERR_MANIFEST);
	assert_non_null(strstr(err.msg, "secrets key"));
}

/* Compose would copy the user's credentials into the container. */
static void test_api_socket(void **state)
{
	struct fixture *fixture = *state;
	json_t *side = json_at(fixture->manifest.model, "services", "side", NULL);
	autojson json_t *extra = NULL, *body = NULL, *before = NULL;

	json_object_set_new(side, "use_api_socket", json_true());
	before = json_deep_copy(fixture->manifest.model);
	body = body_of(fixture, "side", &extra);
	assert_json(json_at(body, "HostConfig", "Binds", NULL),
		"[\"/var/run/docker.sock:/var/run/docker.sock:rw\"]");
	assert_json(json_object_get(body, "Env"), "[\"DOCKER_CONFIG=/run/secrets/docker\"]");
	/* Its content comes when it is put in, so that no plan has it. */
	assert_json(extra, "{\"files\":[{\"path\":\"/run/secrets/docker/config.json\"}]}");
	assert_true(json_equal(before, fixture->manifest.model));
}

/* Whoever says where the credentials are gets no other place. */
static void test_api_socket_own_config(void **state)
{
	struct fixture *fixture = *state;
	json_t *side = json_at(fixture->manifest.model, "services", "side", NULL);
	autojson json_t *extra = NULL, *body = NULL;

	json_object_set_new(side, "use_api_socket", json_true());
	json_object_set_new(side, "environment", json_pack("{s:s}", "DOCKER_CONFIG", "/own"));
	body = body_of(fixture, "side", &extra);
	assert_json(json_object_get(body, "Env"), "[\"DOCKER_CONFIG=/own\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_body_scalars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_mounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_shared_network, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_namespace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(test_difference_names_the_field, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inline_config_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_by_compose, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_made_by_compose_with_shared_network, setup, teardown),
		cmocka_unit_test_setup_teardown(test_external_secret_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_api_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_api_socket_own_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
