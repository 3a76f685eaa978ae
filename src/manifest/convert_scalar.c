/* convert_scalar.c - numbers, durations and command lines as Compose reads and prints them. */
#include "convert.h"

#include "devenv/buf.h"
#include "devenv/manifest.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_PRECISION 6 /* ftoa.go: what decides between %e and %f */
#define NS_PER_HOUR 3600000000000LL
#define HOURS_PER_DAY 24
#define HOURS_PER_WEEK (24 * 7)

/* The shortest "%.Ne" that reads back as the same number. */
static void shortest(double value, char *out, size_t size)
{
	double back;

	for (int digits = 0; digits < 18; digits++) {
		snprintf(out, size, "%.*e", digits, value);
		if (parse_double(out, &back) && back == value)
			return;
	}
}

/* strconv.FormatFloat(value, 'g', -1, 64): an exponent below -4 or from 6 on is written out. */
static char *format_float(double value)
{
	char text[64];
	const char *e;
	int exponent = 0, digits;
	int64_t parsed;

	if (isnan(value))
		return xstrdup("NaN");
	if (isinf(value))
		return xstrdup(value > 0 ? "+Inf" : "-Inf");
	shortest(value, text, sizeof(text));
	e = strchr(text, 'e');
	if (e && parse_i64(e[1] == '+' ? e + 2 : e + 1, -400, 400, &parsed))
		exponent = (int)parsed;
	digits = e ? (int)(e - text) - (text[0] == '-') : 1;
	digits = digits > 1 ? digits - 1 : 1; /* without the point */
	if (exponent < -4 || exponent >= SHORTEST_PRECISION)
		return xstrdup(text);
	return xasprintf("%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, value);
}

char *convert_text(const struct node *scalar)
{
	uint64_t large;

	switch (scalar->kind) {
	case NODE_INT:
		return xasprintf("%lld", (long long)scalar->integer);
	case NODE_FLOAT:
		if (parse_u64(scalar->text, 0, UINT64_MAX, &large)) /* over INT64_MAX */
			return xasprintf("%llu", (unsigned long long)large);
		return format_float(scalar->number);
	case NODE_BOOL:
		return xstrdup(scalar->boolean ? "true" : "false");
	case NODE_STRING:
		return xstrdup(scalar->text);
	default:
		return xstrdup("");
	}
}

/* The leading number of `text` with its unit when that is d or w; 0 when it is not. */
static size_t leading_days(const char *text, int64_t *ns)
{
	size_t len = strspn(text, "0123456789.");
	autofree char *number = xstrndup(text, len);
	double value;

	if (!len || (text[len] != 'd' && text[len] != 'w') || !parse_double(number, &value))
		return 0;
	value *= (double)NS_PER_HOUR * (text[len] == 'd' ? HOURS_PER_DAY : HOURS_PER_WEEK);
	if (value > 9e18)
		return 0;
	*ns = (int64_t)value;
	return len + 1;
}

bool convert_duration(const char *text, int64_t *ns)
{
	int64_t total = 0, part;
	size_t used;

	while (*text && (used = leading_days(text, &part)) > 0) {
		if (__builtin_add_overflow(total, part, &total))
			return false;
		text += used;
		if (!*text) {
			*ns = total;
			return true;
		}
	}
	if (!parse_duration(text, &part) || __builtin_add_overflow(total, part, ns))
		return false;
	return true;
}

bool manifest_pull_period(const char *policy, int64_t *ns)
{
	if (str_eq(policy, "daily"))
		policy = "every_1d";
	if (str_eq(policy, "weekly"))
		policy = "every_1w";
	return policy && str_starts(policy, "every_") &&
	       convert_duration(policy + strlen("every_"), ns);
}

struct words {
	json_t *list;
	struct buf word;
	bool any; /* there is a word, perhaps an empty quoted one */
	bool escaped, single, quoted, backtick, dollar;
};

static void words_end(struct words *w)
{
	if (w->any)
		json_array_append_new(w->list, json_string_safe(buf_str(&w->word)));
	buf_reset(&w->word);
	w->any = false;
}

static bool words_in_quotes(const struct words *w)
{
	return w->single || w->quoted || w->backtick || w->dollar;
}

/* A quote or parenthesis. 1: used up; 0: an ordinary character; -1: wrong. */
static int words_quote(struct words *w, char ch)
{
	if (ch == '"' && !w->single && !w->dollar) {
		w->any |= w->quoted;
		w->quoted = !w->quoted;
		return 1;
	}
	if (ch == '\'' && !w->quoted && !w->dollar) {
		w->any |= w->single;
		w->single = !w->single;
		return 1;
	}
	if (ch == '`' && !w->single && !w->quoted && !w->dollar)
		w->backtick = !w->backtick;
	if (ch == ')' && !w->single && !w->quoted && !w->backtick)
		w->dollar = !w->dollar;
	if (ch == '(' && !w->single && !w->quoted && !w->backtick) {
		if (w->dollar || !w->word.len || w->word.data[w->word.len - 1] != '$')
			return -1;
		w->dollar = true;
		buf_addch(&w->word, ch);
		return 1;
	}
	return 0;
}

/* One character; false: the line ends here (an operator) or is wrong (then *wrong). */
static bool words_step(struct words *w, char ch, bool *wrong)
{
	int quote;

	if (w->escaped) {
		w->escaped = false;
	} else if (ch == '\\' && !w->single) {
		w->escaped = true;
		return true;
	} else if (ch != '\\' && strchr(" \t\r\n", ch)) {
		if (!words_in_quotes(w)) {
			words_end(w);
			return true;
		}
		buf_addch(&w->word, ch);
		return true;
	} else {
		quote = words_quote(w, ch);
		*wrong = quote < 0;
		if (quote)
			return !*wrong;
		if (strchr(";&|<>", ch) && !words_in_quotes(w)) {
			if (ch == '>' && w->word.len && strchr("0123456789", w->word.data[0]))
				w->any = false; /* the 2 of "2>file" */
			return false;
		}
	}
	w->any = true;
	buf_addch(&w->word, ch);
	return true;
}

json_t *convert_words(const char *text)
{
	struct words w = {.list = json_array()};
	bool wrong = false;

	for (; *text && words_step(&w, *text, &wrong); text++)
		;
	words_end(&w);
	buf_release(&w.word);
	if (wrong || w.escaped || words_in_quotes(&w)) {
		json_decref(w.list);
		return NULL;
	}
	return w.list;
}
