/*
 * canary.c - looking for strings and patterns: whatever the bytes, and wherever they are cut, the
 * same is found.
 *
 * The input: strings, one a line, "%%", what is allowed, "%%", and the bytes, whose first two say
 * where they are cut.
 */
#include "fuzz.h"

#include "devenv/canary.h"
#include "devenv/json.h"
#include "devenv/mem.h"

#include <stdlib.h>
#include <string.h>

struct sum {
	size_t offset, hits, places;
	const char *data;
	size_t len;
};

static void add(void *ctx, const struct canary_hit *hit)
{
	struct sum *sum = ctx;
	char shown[CANARY_REDACTED];

	if (hit->at + hit->len > sum->len || !hit->len)
		abort();
	canary_redact(hit->kind, sum->data + hit->at, hit->len, shown);
	sum->hits++;
	sum->places += (sum->offset + hit->at) * 31 + hit->len * 7 + (size_t)hit->kind +
		       hit->number;
}

static void scan(const struct canary_rules *rules, const struct canary_view *view, size_t offset,
	struct sum *sum)
{
	autofree char *exact = xmalloc(view->len + 1);
	struct canary_view own = *view;

	/* A copy that ends where the view does: so that whatever reads on is seen. */
	memcpy(exact, view->data, view->len);
	own.data = exact;
	sum->offset = offset;
	sum->data = exact;
	sum->len = view->len;
	canary_scan(rules, &own, add, sum);
}

static void compare(const struct canary_rules *rules, const char *data, size_t len, size_t cut)
{
	size_t context = cut < CANARY_CONTEXT ? cut : CANARY_CONTEXT;
	struct canary_view whole = {.data = data, .len = len, .first = true, .last = true};
	struct canary_view before = {.data = data, .len = cut, .first = true};
	struct canary_view after = {.data = data + cut - context,
		.len = len - cut + context,
		.from = context,
		.first = context == cut,
		.last = true};
	struct sum once = {0}, twice = {0};

	scan(rules, &whole, 0, &once);
	scan(rules, &before, 0, &twice);
	scan(rules, &after, cut - context, &twice);
	if (once.hits != twice.hits || once.places != twice.places)
		abort();
}

static json_t *lines(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		autofree char *line = xstrndup(text, len);

		json_array_append_new(list, json_string_safe(line));
		text += len + (text[len] == '\n');
	}
	return list;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *strings = NULL, *allowed = NULL;
	struct canary_rules *rules;
	struct parts parts;
	struct err err = ERR_INIT;

	parts_cut(data, size, &parts);
	strings = lines(parts.text[0]);
	allowed = parts.n > 1 ? lines(parts.text[1]) : json_array();
	rules = canary_rules_new(strings, allowed, &err);
	if (rules && parts.n > 2 && parts.len[2] > 2) {
		const unsigned char *bytes = (const unsigned char *)parts.text[2];
		size_t len = parts.len[2] - 2;

		compare(rules, parts.text[2] + 2, len, (bytes[0] | bytes[1] << 8u) % (len + 1));
	}
	canary_rules_free(rules);
	parts_release(&parts);
	return 0;
}
