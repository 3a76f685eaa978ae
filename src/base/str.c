/* str.c - text: comparing, and the one place where numbers, sizes and durations are read. */
#include "devenv/str.h"

#include "devenv/buf.h"
#include "devenv/mem.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && strcmp(s + len - n, suffix) == 0;
}

bool str_empty(const char *s)
{
	return !s || !*s;
}

bool str_is_true(const char *s)
{
	static const char *const words[] = {"1", "t", "true", "y"};

	for (size_t i = 0; s && i < ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

char *str_trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}

char *str_shell_quote(const char *s)
{
	struct buf out = BUF_INIT(0);

	buf_addch(&out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_addf(&out, "'\\''");
		else
			buf_addch(&out, *s);
	}
	buf_addch(&out, '\'');
	return buf_detach(&out);
}

/* === numbers === */

bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (str_empty(text))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = text && *text == '-';
	uint64_t size;
	int64_t value;

	if (!parse_u64(negative ? text + 1 : text, 0, (uint64_t)INT64_MAX, &size))
		return false;
	value = negative ? -(int64_t)size : (int64_t)size;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_port(const char *text, uint16_t *out)
{
	uint64_t value;

	if (!parse_u64(text, 1, 65535, &value))
		return false;
	*out = (uint16_t)value;
	return true;
}

bool parse_octal(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (str_empty(text))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7' || value > max / 8)
			return false;
		value = value * 8 + (uint64_t)(*text - '0');
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

bool parse_double(const char *text, double *out)
{
	static locale_t c_locale;
	double value;
	char *end;

	/*
	 * Not strtod: the user's locale may want a comma. A lost race only makes one locale more.
	 */
	if (!c_locale)
		c_locale = newlocale(LC_NUMERIC_MASK, "C", NULL);
	if (str_empty(text) || !strchr("0123456789.-", *text))
		return false;
	errno = 0;
	value = strtod_l(text, &end, c_locale);
	if (*end || errno || !isfinite(value))
		return false;
	*out = value;
	return true;
}

bool parse_bytes(const char *text, int64_t *out)
{
	static const char units[] = "bkmgtp";
	char number[32];
	size_t digits = text ? strspn(text, "0123456789.") : 0;
	const char *unit;
	double value;

	if (!digits || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!parse_double(number, &value))
		return false;
	text += digits;
	text += strspn(text, " ");
	if (*text) {
		unit = strchr(units, tolower((unsigned char)*text));
		if (!unit)
			return false;
		if (*unit != 'b' && tolower((unsigned char)text[1]) == 'i' &&
			tolower((unsigned char)text[2]) == 'b' && !text[3])
			text += 2;
		else if (*unit != 'b' && tolower((unsigned char)text[1]) == 'b' && !text[2])
			text++;
		if (text[1])
			return false;
		value *= pow(1024, (double)(unit - units));
	}
	if (value > 9.2e18)
		return false;
	*out = (int64_t)value;
	return true;
}

static const struct {
	const char *name;
	double ns;
} duration_units[] = {{"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6}, {"s", 1e9},
	{"m", 60e9}, {"h", 3600e9}};

bool parse_duration(const char *text, int64_t *ns)
{
	double total = 0;

	if (str_empty(text))
		return false;
	if (str_eq(text, "0")) {
		*ns = 0;
		return true;
	}
	while (*text) {
		char number[32];
		size_t digits = strspn(text, "0123456789."), letters, i;
		double value;

		if (!digits || digits >= sizeof(number))
			return false;
		memcpy(number, text, digits);
		number[digits] = '\0';
		if (!parse_double(number, &value))
			return false;
		text += digits;
		letters = strcspn(text, "0123456789.");
		for (i = 0; i < ARRAY_LEN(duration_units); i++)
			if (strlen(duration_units[i].name) == letters &&
				strncmp(text, duration_units[i].name, letters) == 0)
				break;
		if (i == ARRAY_LEN(duration_units))
			return false;
		total += value * duration_units[i].ns;
		text += letters;
	}
	if (total > 9.2e18)
		return false;
	*ns = (int64_t)(total + 0.5);
	return true;
}

/* `value` of `unit` with up to 9 decimals, trailing zeros cut: 1500000000 of 1e9 is "1.5". */
static void add_decimal(struct buf *out, int64_t value, int64_t unit, const char *name)
{
	char text[48];
	size_t len;

	snprintf(text, sizeof(text), "%" PRId64 ".%09" PRId64, value / unit,
		(value % unit) * (1000000000 / unit));
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	buf_addf(out, "%.*s%s", (int)len, text, name);
}

char *format_duration(int64_t ns)
{
	struct buf out = BUF_INIT(0);
	const int64_t second = 1000000000;

	if (ns == 0)
		return xstrdup("0s");
	if (ns < 0) {
		buf_addch(&out, '-');
		ns = -ns;
	}
	if (ns < 1000) {
		buf_addf(&out, "%" PRId64 "ns", ns);
	} else if (ns < 1000000) {
		add_decimal(&out, ns, 1000, "\xc2\xb5s");
	} else if (ns < second) {
		add_decimal(&out, ns, 1000000, "ms");
	} else {
		if (ns >= 3600 * second)
			buf_addf(&out, "%" PRId64 "h", ns / (3600 * second));
		if (ns >= 60 * second)
			buf_addf(&out, "%" PRId64 "m", ns / (60 * second) % 60);
		add_decimal(&out, ns % (60 * second), second, "s");
	}
	return buf_detach(&out);
}

const char *format_bytes(char out[16], uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, 16, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

const char *format_ms(char out[16], int64_t ms)
{
	if (ms < 1000)
		snprintf(out, 16, "%d ms", (int)ms);
	else if (ms < 60000)
		snprintf(out, 16, "%d.%d s", (int)(ms / 1000), (int)(ms / 100 % 10));
	else
		snprintf(out, 16, "%dm%02ds", (int)(ms / 60000), (int)(ms / 1000 % 60));
	return out;
}

/* === did you mean === */

int str_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	int rows[3][66];
	int *before = rows[0], *last = rows[1], *now = rows[2];

	if (na > 64 || nb > 64)
		return 64;
	for (size_t j = 0; j <= nb; j++)
		last[j] = (int)j;
	for (size_t i = 1; i <= na; i++) {
		int *recycled = before;

		now[0] = (int)i;
		for (size_t j = 1; j <= nb; j++) {
			int best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = recycled;
	}
	return last[nb];
}

const char *str_suggest(const char *word, const char *const *words)
{
	int limit = strlen(word) < 4 ? 1 : (int)(strlen(word) + 5) / 4, best = limit + 1;
	const char *found = NULL;

	for (; *words; words++) {
		int distance = str_distance(word, *words);

		if (strlen(word) > 2 && str_starts(*words, word) && distance > limit)
			distance = limit;
		if (distance < best) {
			best = distance;
			found = *words;
		}
	}
	return found;
}

/* === UTF-8 === */

/* Length of the sequence at `s` (at most `left` bytes), 0 when it is not well-formed. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
	size_t len;

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates and what is above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

bool str_is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0;

	while (at < len) {
		size_t n = utf8_sequence(s + at, len - at);

		if (!n)
			return false;
		at += n;
	}
	return true;
}

/* The code point of a well-formed sequence. */
static uint32_t utf8_decode(const unsigned char *s, size_t len)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = s[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

size_t str_character(const char *s, size_t left, int *columns)
{
	size_t len = left ? utf8_sequence((const unsigned char *)s, left) : 0;
	uint32_t code = len ? utf8_decode((const unsigned char *)s, len) : 0;

	*columns = -1;
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069))
		return len ? len : 1;
	*columns = wcwidth((wchar_t)code);
	if (*columns < 0) /* the locale does not know it: most take one */
		*columns = 1;
	return len;
}
