/*
 * test_store.c - what the stores read: references, challenges, header values; and the folder store.
 */
#include "testing.h"

#include "../../src/registry/aws.h"
#include "../../src/registry/store_priv.h"

#include "devenv/str.h"

#include <unistd.h>

/* === references === */

static void expect(const char *text, enum place_kind kind, const char *host, const char *path,
	const char *tag, const char *digest)
{
	struct reference reference;
	struct err err = ERR_INIT;

	if (reference_parse(text, &reference, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(reference.kind, kind);
	if (!str_eq(reference.host, host) || !str_eq(reference.path, path) ||
		!str_eq(reference.tag, tag) || !str_eq(reference.digest, digest))
		fail_msg("%s: %s %s %s %s", text, reference.host, reference.path, reference.tag,
			reference.digest);
	reference_release(&reference);
}

static void expect_refused(const char *text, const char *words)
{
	struct reference reference;
	struct err err = ERR_INIT;

	if (reference_parse(text, &reference, &err) == 0)
		fail_msg("%s is understood", text);
	assert_int_equal(err.kind, ERR_USAGE);
	if (!strstr(err.msg, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static void test_registry_references(void **state)
{
	expect("r.example/shop/seed:1", PLACE_REGISTRY, "r.example", "shop/seed", "1", NULL);
	expect("docker://r.example/seed", PLACE_REGISTRY, "r.example", "seed", NULL, NULL);
	expect("r:5000/a/b__c/d-e.f:T_.-1", PLACE_REGISTRY, "r:5000", "a/b__c/d-e.f", "T_.-1",
		NULL);
	expect("localhost/seed", PLACE_REGISTRY, "localhost", "seed", NULL, NULL);
	expect("[::1]:5000/seed:x", PLACE_REGISTRY, "[::1]:5000", "seed", "x", NULL);
	expect("seed:1", PLACE_REGISTRY, "docker.io", "library/seed", "1", NULL);
	expect("acme/seed", PLACE_REGISTRY, "docker.io", "acme/seed", NULL, NULL);
	expect("r.example/s:1@" DIGEST, PLACE_REGISTRY, "r.example", "s", "1", DIGEST);
	expect("r.example/s@" DIGEST, PLACE_REGISTRY, "r.example", "s", NULL, DIGEST);
	expect_refused("r.example/Seed", "lower case");
	expect_refused("r.example/seed:", "no tag");
	expect_refused("r.example/seed:-x", "no tag");
	expect_refused("r.example/a//b", "no repository");
	expect_refused("r.example/a/../b", "no repository");
	expect_refused("r.example/-a", "no repository");
	expect_refused("r.example/", "no repository");
	expect_refused("r.example/s@sha256:12", "no digest");
	expect_refused("r.example/s@sha512:" HEX, "no digest");
	expect_refused("", "no repository");
	expect_refused("a b", "no repository");
	expect_refused("oci:/a\nb", "control");
	expect_refused("ftp://r.example/s", "ftp is not known");
}

static void test_layout_references(void **state)
{
	expect("oci:/a/b:seed", PLACE_LAYOUT, NULL, "/a/b", "seed", NULL);
	expect("oci:/a/b", PLACE_LAYOUT, NULL, "/a/b", NULL, NULL);
	expect("oci:/a/b:r.example:5000/shop/seed:1", PLACE_LAYOUT, NULL, "/a/b",
		"r.example:5000/shop/seed:1", NULL);
	expect("oci:/a/b@" DIGEST, PLACE_LAYOUT, NULL, "/a/b", NULL, DIGEST);
	expect("oci+https://h.example:8443/x/y/:seed", PLACE_WEB, "h.example:8443", "x/y", "seed",
		NULL);
	expect("oci+https://h.example", PLACE_WEB, "h.example", "", NULL, NULL);
	expect("oci+http://127.0.0.1:80/x", PLACE_WEB, "127.0.0.1:80", "x", NULL, NULL);
	expect("s3://bucket/a/b:seed", PLACE_S3, "bucket", "a/b", "seed", NULL);
	expect("s3://bucket:seed", PLACE_S3, "bucket", "", "seed", NULL);
	expect("s3://bucket", PLACE_S3, "bucket", "", NULL, NULL);
	expect_refused("oci:", "no folder");
	expect_refused("oci:/a:", "no name");
	expect_refused("oci:/a:x/", "no name");
	expect_refused("oci+http://h.example/x", "oci+https");
	expect_refused("oci+http://127.evil.example/x", "oci+https");
	expect_refused("oci+https:///x", "no host");
	expect_refused("s3://", "no host");
	expect_refused("/a/b", "written oci:/a/b");
	expect_refused("./a", "written oci:./a");
}

/* === challenges === */

static void expect_challenge(
	const char *header, const char *scheme, const char *name, const char *wanted)
{
	autofree char *value = auth_challenge(header, scheme, name, NULL);

	if (!str_eq(value, wanted))
		fail_msg("%s of %s: %s", name, header, value ? value : "nothing");
}

static void test_challenges(void **state)
{
	static const char bearer[] = "Bearer realm=\"https://a.example/t\",service=\"r\","
				     "scope=\"repository:a:pull,push\"";
	static const char both[] = "Negotiate abc==, basic realm=\"a, \\\"b\\\"\", BEARER "
				   "Realm = x , service=y";
	bool found = true;

	expect_challenge(bearer, "Bearer", "realm", "https://a.example/t");
	expect_challenge(bearer, "bearer", "SCOPE", "repository:a:pull,push");
	expect_challenge(bearer, "Bearer", "error", NULL);
	expect_challenge(bearer, "Basic", "realm", NULL);
	expect_challenge(both, "Basic", "realm", "a, \"b\"");
	expect_challenge(both, "Bearer", "realm", "x");
	expect_challenge(both, "Bearer", "service", "y");
	expect_challenge("Basic", "Basic", "realm", NULL);
	expect_challenge("Bearer realm=\"open", "Bearer", "realm", "open");
	expect_challenge("\"\"=,,=\"", "Bearer", "realm", NULL);
	assert_null(auth_challenge("Digest realm=\"x\"", "Basic", "realm", &found));
	assert_false(found);
	assert_null(auth_challenge("Basic", "Basic", "realm", &found));
	assert_true(found);
}

/* === header values === */

static void expect_link(const char *header, const char *wanted)
{
	autofree char *next = link_next(header);

	if (!str_eq(next, wanted))
		fail_msg("%s: %s", header, next ? next : "nothing");
}

static void test_link(void **state)
{
	expect_link("</v2/a/tags/list?n=5&last=b>; rel=\"next\"", "/v2/a/tags/list?n=5&last=b");
	expect_link("<a>; rel=prev, <b>;title=\"x\"; rel=next", "b");
	expect_link("<a>; rel=\"nextish\"", NULL);
	expect_link("<a", NULL);
	expect_link("", NULL);
	expect_link(NULL, NULL);
}

static void test_ranges(void **state)
{
	uint64_t value = 7;

	assert_true(content_range("bytes 10-99/200", &value));
	assert_int_equal(value, 10);
	assert_true(content_range("bytes 0-0/*", &value));
	assert_int_equal(value, 0);
	assert_false(content_range("bytes */200", &value));
	assert_false(content_range("items 1-2/3", &value));
	assert_false(content_range(NULL, &value));
	assert_true(upload_range("0-99", &value));
	assert_int_equal(value, 100);
	assert_true(upload_range("bytes=0-9", &value));
	assert_int_equal(value, 10);
	assert_false(upload_range("5-9", &value));
	assert_false(upload_range("0-", &value));
	assert_false(upload_range("0-18446744073709551615", &value));
}

static void test_retry_after(void **state)
{
	/* 784111777: Sun, 06 Nov 1994 08:49:37 GMT, of RFC 9110. */
	assert_int_equal(retry_after("3", 0), 3000);
	assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111770), 7000);
	assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111800), 0);
	assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 0), -1);
	assert_int_equal(retry_after("999999999", 0), -1);
	assert_int_equal(retry_after("soon", 0), -1);
	assert_int_equal(retry_after(NULL, 0), -1);
}

static void test_location(void **state)
{
	static const char base[] = "https://r.example:5000/v2/a/blobs/uploads/?x=/y";
	static const char *const cases[][2] = {
		{"https://s.example/u?a=b", "https://s.example/u?a=b"},
		{"/v2/a/blobs/uploads/1?state=x", "https://r.example:5000/v2/a/blobs/uploads/1?"
						  "state=x"},
		{"1?next=http://x", "https://r.example:5000/v2/a/blobs/uploads/1?next=http://x"},
		{"//s.example/u", "https://s.example/u"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *resolved = url_resolve(base, cases[i][0]);

		assert_string_equal(resolved, cases[i][1]);
	}
	assert_true(url_same_origin("https://a.example/x", "https://A.example/y"));
	assert_false(url_same_origin("https://a.example/x", "http://a.example/x"));
	assert_false(url_same_origin("https://a.example/x", "https://a.example:444/x"));
	assert_false(url_same_origin("https://a.example/x", "https://a.example.evil/x"));
}

/* === Amazon's files === */

static void expect_ini(const char *section, const char *key, const char *wanted)
{
	static const char text[] = "before = x\n"
				   "[default]\nregion=eu-west-1 # mine\r\n; region = no\n"
				   "[ profile team ] # ours\n"
				   "a = 1\ns3 =\n  a = nested\nb = x=y#z\nb2 =\na = 2\n"
				   "[broken\na = 3\n[default]\noutput = json";
	autofree char *value = ini_get(text, section, key, NULL);

	if (!str_eq(value, wanted))
		fail_msg("[%s] %s: %s", section, key, value ? value : "nothing");
}

static void test_ini(void **state)
{
	bool found = true;

	expect_ini("default", "region", "eu-west-1");
	expect_ini("default", "output", "json");
	expect_ini("default", "before", NULL);
	expect_ini("profile team", "a", "2");
	expect_ini("profile team", "b", "x=y#z");
	expect_ini("profile team", "b2", "");
	expect_ini("team", "a", NULL);
	assert_null(ini_get("", "default", "a", &found));
	assert_false(found);
	assert_null(ini_get("[default]", "default", "a", &found));
	assert_true(found);
}

static void test_command_words(void **state)
{
	struct err err = ERR_INIT;
	autostrv struct strv words = STRV_INIT, none = STRV_INIT;
	autofree char *joined = NULL;

	assert_int_equal(
		command_words("  a 'b  c'\t\"d\\\"e\" f\\ g '' 'h'\"i\"j\\", &words, &err), 0);
	joined = strv_join(&words, "|");
	assert_string_equal(joined, "a|b  c|d\"e|f g||hij\\");
	assert_int_equal(command_words("a 'b", &none, &err), -1);
	strv_release(&none);
	assert_int_equal(command_words("  ", &none, &err), -1);
}

/* === the folder, where ranges are cut === */

static int gather(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len);
}

static int gather_range(void *ctx, size_t i, const void *data, size_t len, struct err *err)
{
	buf_addf(ctx, "%zu:", i);
	return buf_add(ctx, data, len);
}

static struct store *open_folder(const char *folder)
{
	autofree char *reference = xasprintf("oci:%s/layout:name", folder);
	struct err err = ERR_INIT;
	struct store *store = store_open(reference, NULL, &err);

	assert_non_null(store);
	return store;
}

static void test_same_registry(void **state)
{
	static const char *const others[] = {
		"other.example/shop/seed:1", "oci:/tmp/shop:1", "s3://registry.example/shop:1"};
	struct err err = ERR_INIT;
	struct store *store = store_open("registry.example/shop/branch:1", NULL, &err);
	struct store *same = store_open("registry.example/shop/seed:1", NULL, &err);

	assert_string_equal(store_same_registry(store, same), "shop/seed");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct store *other = store_open(others[i], NULL, &err);

		assert_null(store_same_registry(store, other));
		store_close(other);
	}
	store_close(same);
	store_close(store);
}

static void test_blobs(void **state)
{
	static const char text[] = "0123456789";
	static const struct store_range ranges[] = {{0, 1}, {3, 2}, {9, 1}};
	static const struct store_range crossed[] = {{3, 2}, {4, 2}};
	static const struct store_range behind[] = {{8, 5}};
	struct store *store = open_folder(*state), *clone = store_clone(store);
	struct http_body body = http_body_text(text, 10);
	struct buf got = BUF_INIT(100);
	struct err err = ERR_INIT;
	char digest[STORE_DIGEST];
	uint64_t size = 0;

	digest_of(text, 10, digest);
	assert_int_equal(store_blob_exists(store, digest, &size, &err), 0);
	assert_int_equal(store_blob_put(store, digest, &body, &err), 0);
	assert_int_equal(store_blob_exists(clone, digest, &size, &err), 1);
	assert_int_equal(size, 10);
	assert_int_equal(store_blob_get(clone, digest, 10, gather, &got, &err), 0);
	assert_string_equal(buf_str(&got), text);
	buf_reset(&got);
	assert_int_equal(store_blob_ranges(store, digest, ranges, 3, gather_range, &got, &err), 0);
	assert_string_equal(buf_str(&got), "0:01:342:9");
	assert_int_equal(
		store_blob_ranges(store, digest, crossed, 2, gather_range, &got, &err), -1);
	assert_int_equal(store_blob_ranges(store, digest, behind, 1, gather_range, &got, &err), -1);
	assert_int_equal(store_blob_get(store, digest, 9, gather, &got, &err), -1);
	assert_int_equal(store_blob_exists(store, "sha256:../../etc/passwd", NULL, &err), -1);
	digest_of(text, 9, digest);
	assert_int_equal(store_blob_put(store, digest, &body, &err), -1);
	assert_int_equal(store_blob_exists(store, digest, NULL, &err), 0);
	buf_release(&got);
	store_close(store);
	store_close(clone);
}

static void test_manifests(void **state)
{
	static const char json[] = "{\"schemaVersion\":2,\"artifactType\":\"a/b\"}";
	struct store *store = open_folder(*state);
	automanifest struct store_manifest manifest = {0};
	struct err err = ERR_INIT;
	char digest[STORE_DIGEST];

	assert_int_equal(store_manifest_get(store, NULL, &manifest, &err), -1);
	assert_int_equal(err.status, 404);
	assert_int_equal(err.kind, ERR_REGISTRY);
	assert_int_equal(
		store_manifest_put(store, NULL, "x/y", json, strlen(json), digest, &err), 0);
	assert_int_equal(store_manifest_get(store, NULL, &manifest, &err), 0);
	assert_string_equal(buf_str(&manifest.json), json);
	assert_string_equal(manifest.type, "x/y");
	assert_string_equal(manifest.digest, digest);
	assert_int_equal(
		store_manifest_put(store, "/x", "x/y", json, strlen(json), digest, &err), -1);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry_references),
		cmocka_unit_test(test_layout_references),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_same_registry),
		cmocka_unit_test(test_location),
		cmocka_unit_test(test_ini),
		cmocka_unit_test(test_command_words),
		FOLDER_TEST(test_blobs),
		FOLDER_TEST(test_manifests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
