/* test_tunnel_parse.c - where a tunnel leads, as manifests write it. */
#include "devenv/tunnel.h"

#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void good(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{"db:3306", "db", 3306},
		{"reader.internal.example:5432", "reader.internal.example", 5432},
		{"10.0.0.7:1", "10.0.0.7", 1},
		{"[2001:db8::7]:65535", "2001:db8::7", 65535},
	};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *host = NULL;
		uint16_t port = 0;

		assert_int_equal(0, tunnel_parse_to(cases[i].text, &host, &port, &err));
		assert_string_equal(cases[i].host, host);
		assert_int_equal(cases[i].port, port);
	}
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"", "db", "db:", ":3306", "db:0", "db:65536", "db:3306x", "db:-1", "[]:3306"};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		char *host = NULL;
		uint16_t port = 0;

		print_message("to %s\n", cases[i]);
		assert_int_equal(-1, tunnel_parse_to(cases[i], &host, &port, &err));
		assert_int_equal(ERR_MANIFEST, err.kind);
		assert_null(host);
	}
}

/* What is sent to the daemon arrives whole. */
static void spec_as_json(void **state)
{
	const struct tunnel_spec spec = {
		.name = "reader",
		.id = "1/shop/reader",
		.via = "me@gate",
		.to_host = "db",
		.to_port = 3306,
		.socket = "/run/reader.sock",
		.openssh = true,
		.guard = "mysql",
		.user = "jane",
		.database = "shop",
	};
	autojson json_t *json = tunnel_spec_json(&spec), *again = NULL;
	struct tunnel_spec *read = tunnel_spec_parse(json);

	assert_non_null(read);
	assert_string_equal("/run/reader.sock", read->socket);
	assert_true(read->openssh);
	assert_string_equal("jane", read->user);
	again = tunnel_spec_json(read);
	assert_true(json_equal(json, again));
	tunnel_spec_free(read);
}

static void login_as_json(void **state)
{
	const struct role_login login = {.engine = "postgres", .user = "jane", .password = "a\"b"};
	struct role_login *kept = role_login_copy(&login), read;
	autojson json_t *json = role_login_json(kept);

	role_login_parse(json, &read);
	assert_string_equal("postgres", read.engine);
	assert_string_equal("jane", read.user);
	assert_string_equal("a\"b", read.password);
	assert_null(read.database);
	role_login_free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(spec_as_json),
		cmocka_unit_test(login_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
