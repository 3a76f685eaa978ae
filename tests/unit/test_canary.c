/* test_canary.c - what is found among bytes, what is not, and at borders. */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/canary.h"
#include "devenv/json.h"

#include <stdarg.h>

#define ZEROS 3000

struct found {
	struct buf text; /* "e12+7 " for each: kind, place, length */
	size_t offset;
	size_t count;
};

static void note(void *ctx, const struct canary_hit *hit)
{
	struct found *found = ctx;

	found->count++;
	buf_addf(&found->text, "%c%zu+%zu ", "sec"[hit->kind], found -> offset + hit -> at,
		hit -> len);
}

static struct canary_rules *rules_of(const char *strings, const char *allowed)
{
	struct err err = ERR_INIT;
	autojson json_t *list = json_parse(strings, strlen(strings), "strings", &err);
	autojson json_t *fine = json_parse(allowed, strlen(allowed), "allowed", &err);
	struct canary_rules *rules = canary_rules_new(list, fine, &err);

	if (!rules)
		fail_msg("%s", err.msg);
	return rules;
}

/* All of it at once. */
static void scan(
	const struct canary_rules *rules, const char *data, size_t len, struct found *found)
{
	canary_scan(rules,
		&(struct canary_view){.data = data, .len = len, .first = true, .last = true}, note,
		found);
}

/* In two views that meet at `border`. */
static void scan_cut(const struct canary_rules *rules, const char *data, size_t len, size_t border,
	struct found *found)
{
	size_t context = border < CANARY_CONTEXT ? border : CANARY_CONTEXT;

	canary_scan(rules, &(struct canary_view){.data = data, .len = border, .first = true}, note,
		found);
	found->offset = border - context;
	canary_scan(rules,
		&(struct canary_view){.data = data + border - context,
			.len = len - border + context,
			.from = context,
			.first = context == border,
			.last = true},
		note, found);
}

/* What is found in a text is `wanted`; the same far from its begin, wherever it is cut. */
static void expect_with(const struct canary_rules *rules, const char *text, const char *wanted)
{
	struct found whole = {.text = BUF_INIT(0)};
	size_t len = strlen(text);
	autofree char *far = xcalloc(1, 2 * ZEROS + len);

	memcpy(far + ZEROS, text, len);
	scan(rules, text, len, &whole);
	if (strcmp(buf_str(&whole.text), wanted) != 0)
		fail_msg("\"%s\": %s, not %s", text, buf_str(&whole.text), wanted);
	for (size_t cut = 0; cut <= len; cut++) {
		struct found near = {.text = BUF_INIT(0)}, other = {.text = BUF_INIT(0)};

		scan_cut(rules, text, len, cut, &near);
		scan_cut(rules, far, 2 * ZEROS + len, ZEROS + cut, &other);
		if (near.count != whole.count || other.count != whole.count)
			fail_msg("\"%s\" cut at %zu: %zu and %zu, not %zu", text, cut, near.count,
				other.count, whole.count);
		buf_release(&near.text);
		buf_release(&other.text);
	}
	buf_release(&whole.text);
}

static void expect(const char *text, const char *wanted)
{
	struct canary_rules *rules = rules_of("[]", "[]");

	expect_with(rules, text, wanted);
	canary_rules_free(rules);
}

static void test_emails(void **state)
{
	expect("anna@acme.io", "e0+12 ");
	expect("<anna.b+c@mail.acme.co.uk>, bob@acme.de.", "e1+24 e28+11 ");
	expect("anna@acme.io.", "e0+12 ");
	expect("a@acme.io @acme.io an@ an@io an@a.io an@acme.i an@acme.123 root@localhost", "");
	/* Columns one behind the other. */
	expect("7anna@acme.comAnna Smith", "e0+14 ");
	expect("anna@acme.com5551234", "e0+13 ");
	expect("Anna@Acme.Com", "e0+13 ");
	/* Nobody's. */
	expect("anna@example.com bob@www.example.org eve@shop.test x1@a.b.localhost", "");
	expect("anna@notexample.com", "e0+19 ");
	expect("anna@example.comBob", "");
	expect("anna@example.com.evil.io", "e0+24 ");
}

static void test_cards(void **state)
{
	expect("4111111111111111", "c0+16 ");
	expect("x4111 1111 1111 1111, 4111-1111-1111-1111.", "c1+19 c22+19 ");
	expect("378282246310005 3782-822463-10005", "c0+15 c16+17 ");
	expect("5555555555554444|6011111111111117|3530111333300000|30569309025904|4222222222222",
		"c0+16 c17+16 c34+16 c51+14 c66+13 ");
	/* The next column begins with a digit. */
	expect("411111111111111112/26", "c0+16 ");
	expect("4111-1111-1111-111112/26", "c0+19 ");
	expect("6212345678901232 6200000000000000000", "c0+16 c17+19 ");
	/* Wrong last digit; no brand; part of something longer; a decimal. */
	expect("4111111111111112 1234567812345670 9b2e-4111-1111-1111-1111 0.4111111111111111", "");
	expect("4111-1111 1111-1111 4111--1111--1111--1111 41111111111 11111", "");
	expect("1700000000000 20261121180000 68487932199-96439406143-93774651418-41631865787", "");
}

static void test_strings(void **state)
{
	struct canary_rules *rules = rules_of("[\"Mrs Secret\", \"needle\", \"need\"]", "[]");

	expect_with(
		rules, "needles, Mrs Secret, MrsSecret, nee dle, need", "s0+4 s0+6 s9+10 s41+4 ");
	expect_with(rules, "Mrs Secre", "");
	canary_rules_free(rules);
	rules = rules_of("[\"aaaa\"]", "[]");
	expect_with(rules, "aaaaaa", "s0+4 s1+4 s2+4 ");
	canary_rules_free(rules);
}

static void test_allowed(void **state)
{
	struct canary_rules *rules = rules_of("[]",
		"[\"acme.io\", \"info@shop.de\", \"4111111111111111\", \"4242*\", \"corp.com*\"]");

	expect_with(rules, "a1@acme.io a2@ACME.io b3@mail.acme.io c4@otheracme.io", "e38+15 ");
	expect_with(rules, "info@shop.de Xinfo@shop.de me@shop.de", "e27+10 ");
	expect_with(rules, "4111111111111111 4242424242424242 5555555555554444", "c34+16 ");
	expect_with(rules, "x1@corp.community x2@corp.co", "e18+10 ");
	canary_rules_free(rules);
}

static void refuse(const char *strings, const char *allowed, const char *message)
{
	struct err err = ERR_INIT;
	autojson json_t *list = json_parse(strings, strlen(strings), "strings", &err);
	autojson json_t *fine = json_parse(allowed, strlen(allowed), "allowed", &err);

	assert_null(canary_rules_new(list, fine, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.msg, message));
}

static void test_refused(void **state)
{
	char long_one[CANARY_MAX + 6] = "[\"";

	memset(long_one + 2, 'x', CANARY_MAX + 1);
	memcpy(long_one + 2 + CANARY_MAX + 1, "\"]", 3);
	refuse("[\"abc\"]", "[]", "\"abc\" is too short: 4");
	refuse(long_one, "[]", "too long: 256");
	refuse("[]", "[\"\"]", "too short: 1");
	refuse("[7]", "[]", "too short");
}

static void test_redacted(void **state)
{
	char out[CANARY_REDACTED];

	canary_redact(CANARY_EMAIL, "john.doe@acme.io", 16, out);
	assert_string_equal(out, "j***@acme.io");
	canary_redact(CANARY_CARD, "4111111111111111", 16, out);
	assert_string_equal(out, "411111******1111");
	canary_redact(CANARY_STRING, "\x01y secret", 9, out);
	assert_string_equal(out, "?y***");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emails),
		cmocka_unit_test(test_cards),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_redacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
