/*
 * canary.c - the rules, and the search for strings: Wu and Manber, "A fast algorithm for
 * multi-pattern searching" (1994), with blocks of two bytes.
 *
 * For each pair of bytes it is known how far the window of the shortest string's length may move
 * when it ends with that pair: so most bytes are never looked at.
 */
#include "canary.h"

#include "devenv/hash.h"
#include "devenv/mem.h"

#include <stdlib.h>
#include <string.h>

const char *canary_kind_name(enum canary_kind kind)
{
	static const char *const names[] = {"canary", "e-mail address", "card number"};

	return names[kind];
}

/* === the rules === */

static const char *const nobodys[] = {
	"example.com", "example.net", "example.org", "example", "test", "invalid", "localhost"};

static int check_text(const json_t *item, size_t shortest, const char *what, struct err *err)
{
	const char *text = json_string_value(item);
	size_t len = json_string_length(item);

	if (!text || strlen(text) != len || len < shortest)
		return err_set(err, ERR_USAGE, "%s \"%.80s\" is too short: %zu bytes at least",
			what, text ? text : "", shortest);
	if (len > CANARY_MAX)
		return err_set(err, ERR_USAGE, "%s \"%.80s...\" is too long: %d bytes at most",
			what, text, CANARY_MAX);
	return 0;
}

static int take_texts(const json_t *list, size_t shortest, const char *what, char ***out, size_t *n,
	struct err *err)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) > CANARIES_MAX)
		return err_set(err, ERR_USAGE, "more than %d of one kind: %s", CANARIES_MAX, what);
	json_array_foreach (list, i, item) {
		if (check_text(item, shortest, what, err) < 0)
			return -1;
		*out = xgrow(*out, *n, sizeof(**out));
		(*out)[(*n)++] = xstrdup(json_string_value(item));
	}
	return 0;
}

static unsigned pair(const void *data)
{
	const unsigned char *byte = data;

	return byte[0] | (unsigned)byte[1] << 8;
}

static void prepare(struct canary_rules *rules)
{
	rules->shortest = CANARY_MAX;
	rules->lens = xcalloc(rules->n_strings, sizeof(*rules->lens));
	rules->next = xcalloc(rules->n_strings, sizeof(*rules->next));
	for (size_t i = 0; i < rules->n_strings; i++) {
		rules->lens[i] = strlen(rules->strings[i]);
		if (rules->lens[i] < rules->shortest)
			rules->shortest = rules->lens[i];
	}
	memset(rules->shift, (int)rules->shortest - 1, sizeof(rules->shift));
	for (size_t i = 0; i < rules->n_strings; i++) {
		size_t last = rules->shortest - 2;
		uint32_t *head = &rules->head[pair(rules->strings[i] + last)];

		for (size_t at = 0; at <= last; at++) {
			unsigned char *shift = &rules->shift[pair(rules->strings[i] + at)];

			if (*shift > last - at)
				*shift = (unsigned char)(last - at);
		}
		rules->next[i] = *head;
		*head = (uint32_t)i + 1;
	}
}

struct canary_rules *canary_rules_new(const json_t *strings, const json_t *allowed, struct err *err)
{
	struct canary_rules *rules = xcalloc(1, sizeof(*rules));

	if (take_texts(strings, CANARY_MIN, "the canary", &rules->strings, &rules->n_strings, err) <
			0 ||
		take_texts(allowed, 1, "what is allowed,", &rules->allowed, &rules->n_allowed,
			err) < 0) {
		canary_rules_free(rules);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(nobodys); i++) {
		rules->allowed = xgrow(rules->allowed, rules->n_allowed, sizeof(*rules->allowed));
		rules->allowed[rules->n_allowed++] = xstrdup(nobodys[i]);
	}
	prepare(rules);
	return rules;
}

void canary_rules_free(struct canary_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->n_strings; i++)
		free(rules->strings[i]);
	for (size_t i = 0; i < rules->n_allowed; i++)
		free(rules->allowed[i]);
	free(rules->strings);
	free(rules->allowed);
	free(rules->lens);
	free(rules->next);
	free(rules);
}

/* === the search === */

/* Each string that has `at` where the window begins. */
static void compare(const struct canary_look *look, size_t at)
{
	const struct canary_rules *rules = look->rules;
	const struct canary_view *view = look->view;
	const char *data = view->data;

	for (uint32_t i = rules->head[pair(data + at + rules->shortest - 2)]; i;
		i = rules->next[i - 1]) {
		struct canary_hit hit = {CANARY_STRING, at, rules->lens[i - 1], i - 1};

		if (hit.len <= view->len - at && canary_is_ours(view, at + hit.len) &&
			memcmp(data + at, rules->strings[i - 1], hit.len) == 0)
			look->found(look->ctx, &hit);
	}
}

static void find_strings(const struct canary_look *look)
{
	const struct canary_rules *rules = look->rules;
	const unsigned char *data = look->view->data;
	size_t len = look->view->len, end = rules->shortest;

	while (rules->n_strings && end <= len) {
		unsigned char shift = rules->shift[pair(data + end - 2)];

		if (!shift)
			compare(look, end - rules->shortest);
		end += shift ? shift : 1;
	}
}

void canary_scan(const struct canary_rules *rules, const struct canary_view *view,
	void (*found)(void *ctx, const struct canary_hit *hit), void *ctx)
{
	struct canary_look look = {rules, view, found, ctx};

	find_strings(&look);
	canary_emails(&look);
	canary_cards(&look);
}

/* === showing it === */

static char shown(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

void canary_redact(enum canary_kind kind, const void *data, size_t len, char out[CANARY_REDACTED])
{
	const char *text = data, *at = memchr(text, '@', len);
	size_t head = kind == CANARY_CARD ? 6 : kind == CANARY_EMAIL ? 1 : 2, n = 0;
	size_t tail = kind == CANARY_CARD          ? 4
		      : kind == CANARY_EMAIL && at ? len - (size_t)(at - text)
						   : 0;

	if (head + tail > len || head + tail + 16 > CANARY_REDACTED)
		head = tail = 0;
	for (size_t i = 0; i < head; i++)
		out[n++] = shown(text[i]);
	for (size_t i = 0; i < (kind == CANARY_CARD ? 6 : 3); i++)
		out[n++] = '*';
	for (size_t i = len - tail; i < len; i++)
		out[n++] = shown(text[i]);
	out[n] = '\0';
}
