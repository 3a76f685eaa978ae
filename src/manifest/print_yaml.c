/*
 * print_yaml.c - the model as `docker compose config` prints it.
 *
 * That is what Go's yaml.v3 writes: known keys in the order of Compose's types, names sorted with
 * numbers by value, two spaces of indentation, and each string in the plainest style that reads
 * back as the same string.
 */
#include "devenv/manifest.h"

#include "node.h"
#include "order.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct printer {
	struct buf *out;
	struct model_path path;
};

static bool is_letter(char c)
{
	return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Numbers inside names compare by value: "web2" before "web10". */
static int compare_names(const char *a, const char *b)
{
	bool digits = false;

	for (; *a && *a == *b; a++, b++)
		digits = isdigit((unsigned char)*a);
	if (is_letter(*a) && is_letter(*b))
		return (unsigned char)*a - (unsigned char)*b;
	if (*a && *b && (is_letter(*a) || is_letter(*b)))
		return is_letter(*a) == digits ? -1 : 1;
	if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
		size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");

		if (na != nb)
			return na < nb ? -1 : 1;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

struct entry {
	const char *key;
	json_t *value;
	int rank;
};

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return a->rank != b->rank ? a->rank - b->rank : compare_names(a->key, b->key);
}

/*
 * Compose's JSON has Path, Rate and Weight here, for want of a tag; its YAML has them as written.
 */
static const char *shown_key(const struct printer *printer, const char *key)
{
	static const char *const pairs[][2] = {
		{"Path", "path"}, {"Rate", "rate"}, {"Weight", "weight"}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (str_eq(key, pairs[i][0]) &&
			model_path_matches(&printer->path, "services.*.blkio_config.*.[]"))
			return pairs[i][1];
	}
	return key;
}

/* Compose leaves these out of YAML, though not out of JSON. */
static bool is_omitted(const struct printer *printer, const char *key, const json_t *value)
{
	if (str_starts(key, "x-") &&
		model_path_matches(&printer->path, "networks.*.ipam.config.[]"))
		return true;
	if (json_is_null(value) && model_path_matches(&printer->path, "services.*"))
		return str_eq(key, "command") || str_eq(key, "entrypoint");
	if (str_eq(key, "exec") && json_object_size(value) == 1)
		return json_is_null(json_object_get(value, "command"));
	if (!json_is_object(value) || json_object_size(value))
		return false;
	if (str_eq(key, "ipam"))
		return model_path_matches(&printer->path, "networks.*");
	return (str_eq(key, "placement") || str_eq(key, "resources")) &&
	       model_path_matches(&printer->path, "services.*.deploy");
}

/* The members in the order in which they are printed. The caller's. */
static struct entry *sorted_entries(
	const struct printer *printer, const json_t *object, size_t *count)
{
	struct entry *entries = xcalloc(json_object_size(object) + 1, sizeof(*entries));
	const char *order = order_find(&printer->path), *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)object, key, value) {
		if (!is_omitted(printer, key, value))
			entries[n++] = (struct entry){
				shown_key(printer, key), value, order_rank(order, key)};
	}
	qsort(entries, n, sizeof(*entries), compare_entries);
	*count = n;
	return entries;
}

/* === strings === */

static bool is_old_bool(const char *s)
{
	static const char *const words[] = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n",
		"N", "no", "No", "NO", "off", "Off", "OFF"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(s, words[i]))
			return true;
	}
	return false;
}

/* "10:20:30": a number of base 60 for YAML 1.1; "1000:1000" is none. */
static bool is_base60(const char *s)
{
	s += *s == '-' || *s == '+';
	if (!isdigit((unsigned char)*s))
		return false;
	s += strspn(s, "0123456789_");
	if (*s != ':')
		return false;
	while (*s == ':') {
		size_t digits = strspn(s + 1, "0123456789");

		if (digits < 1 || digits > 2 || (digits == 2 && s[1] > '5'))
			return false;
		s += 1 + digits;
	}
	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789_");
	return !*s;
}

/* A string that YAML would read as something else when it stood there plain. */
static bool reads_as_other(const char *s)
{
	struct node plain = {.text = s};

	node_resolve(&plain);
	return plain.kind != NODE_STRING || is_old_bool(s) || is_base60(s);
}

struct analysis {
	bool plain, single, block, lines;
};

/* What ends a line for YAML 1.1 beside \n, and the letter of its escape; 0: it is none. */
static char line_end_letter(const char *s)
{
	return str_starts(s, "\xc2\x85")       ? 'N'
	       : str_starts(s, "\xe2\x80\xa8") ? 'L'
	       : str_starts(s, "\xe2\x80\xa9") ? 'P'
					       : 0;
}

/*
 * What libyaml does not print as it is: controls, the byte order mark and, by a slip, U+10000 on.
 */
static bool is_special(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return c >= 0xf0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ||
	       (c == 0xc2 && (unsigned char)s[1] < 0xa0) || line_end_letter(s) ||
	       memcmp(s, "\xef\xbb\xbf", c == 0xef ? 3 : 1) == 0;
}

static bool is_indicator(const char *start, const char *s)
{
	bool last = !s[1] || s[1] == ' ' || s[1] == '\n' || s[1] == '\t';

	if (s == start && strchr("#,[]{}&*!|>'\"%@`", *s))
		return true;
	if (s == start && (*s == '?' || *s == '-'))
		return last;
	if (*s == ':')
		return last;
	return *s == '#' && (s[-1] == ' ' || s[-1] == '\n' || s[-1] == '\t');
}

/* Which styles can hold the text (libyaml's yaml_emitter_analyze_scalar). */
static struct analysis analyze(const char *text)
{
	struct analysis can = {.plain = *text != '\0', .single = true, .block = true};
	size_t len = strlen(text);

	if (str_starts(text, "---") || str_starts(text, "..."))
		can.plain = false;
	for (const char *s = text; *s; s++) {
		bool special = is_special(s);

		if (special || *s == '\t' || (*s == ' ' && s[1] == '\n'))
			can.plain = can.single = false;
		if (special || (*s == ' ' && s[1] == '\n'))
			can.block = false;
		if (*s == '\n' && s[1] == ' ')
			can.plain = can.single = false;
		can.lines |= *s == '\n';
		if (is_indicator(text, s))
			can.plain = false;
	}
	if (len && (strchr(" \n", text[0]) || strchr(" \n", text[len - 1])))
		can.plain = false;
	if (len && text[len - 1] == ' ')
		can.block = false;
	can.plain = can.plain && !can.lines;
	return can;
}

/* The code point of four bytes of UTF-8. */
static unsigned wide_rune(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

static void put_double(struct buf *out, const char *s)
{
	static const char from[] = "\a\b\t\n\v\f\r\x1b\"\\", to[] = "abtnvfre\"\\";

	buf_addch(out, '"');
	for (; *s; s++) {
		const char *known = strchr(from, *s);
		unsigned char c = (unsigned char)*s;

		if (known)
			buf_addf(out, "\\%c", to[known - from]);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02X", c);
		else if (line_end_letter(s))
			buf_addf(out, "\\%c", line_end_letter(s)), s += c == 0xc2 ? 1 : 2;
		else if (is_special(s) && c == 0xc2)
			buf_addf(out, "\\x%02X", (unsigned char)*++s);
		else if (is_special(s) && c == 0xef)
			buf_addstr(out, "\\uFEFF"), s += 2;
		else if (is_special(s))
			buf_addf(out, "\\U%08X", wide_rune(s)), s += 3;
		else
			buf_addch(out, *s);
	}
	buf_addch(out, '"');
}

static void put_single(struct buf *out, const char *s)
{
	buf_addch(out, '\'');
	for (; *s; s++)
		buf_addstr(out, *s == '\'' ? "''" : (char[]){*s, '\0'});
	buf_addch(out, '\'');
}

static void put_literal(struct buf *out, const char *s, int indent)
{
	size_t len = strlen(s);

	buf_addch(out, '|');
	if (*s == ' ' || *s == '\n')
		buf_addch(out, '2');
	if (s[len - 1] != '\n')
		buf_addch(out, '-');
	else if (len == 1 || s[len - 2] == '\n')
		buf_addch(out, '+');
	while (*s) {
		size_t line = strcspn(s, "\n");

		buf_addch(out, '\n');
		if (line)
			buf_addf(out, "%*s%.*s", indent, "", (int)line, s);
		s += line + (s[line] == '\n');
	}
}

static void put_string(struct buf *out, const char *s, int indent, bool key)
{
	struct analysis can = analyze(s);

	if (can.lines && can.block && !key)
		put_literal(out, s, indent);
	else if (can.lines || reads_as_other(s) || (!can.plain && !can.single))
		put_double(out, s);
	else if (can.plain)
		buf_addstr(out, s);
	else
		put_single(out, s);
}

/* The fewest digits that read back as the same number. */
static void put_real(struct buf *out, double value)
{
	char text[40];
	double back = 0;

	if (!isfinite(value)) {
		buf_addstr(out, isnan(value) ? ".nan" : value < 0 ? "-.inf" : ".inf");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (parse_double(text, &back) && !(back < value) && !(back > value))
			break;
	}
	buf_addstr(out, text);
}

/* === structure === */

static void put_list(struct printer *printer, const json_t *list, int indent, bool inside);
static void put_map(struct printer *printer, const json_t *map, int indent, bool inside);

/* The value that `printer` is at goes on lines of its own: there is something in it to show. */
static bool is_block(const struct printer *printer, const json_t *value)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)value, key, member)
		if (!is_omitted(printer, key, member))
			return true;
	return json_array_size(value) > 0;
}

static void put_flat(struct printer *printer, const json_t *value, int indent)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		buf_addstr(printer->out, "{}");
		break;
	case JSON_ARRAY:
		buf_addstr(printer->out, "[]");
		break;
	case JSON_STRING:
		put_string(printer->out, json_string_value(value), indent, false);
		break;
	case JSON_INTEGER:
		buf_addf(printer->out, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		put_real(printer->out, json_real_value(value));
		break;
	case JSON_NULL:
		buf_addstr(printer->out, "null");
		break;
	default:
		buf_addstr(printer->out, json_is_true(value) ? "true" : "false");
	}
	buf_addch(printer->out, '\n');
}

static void put_block(struct printer *printer, const json_t *value, int indent, bool inside)
{
	if (json_is_object(value))
		put_map(printer, value, indent, inside);
	else
		put_list(printer, value, indent, inside);
}

/* The two numbers of a limit, zeros too, though Compose's JSON is without them. */
static bool put_ulimit(struct printer *printer, const json_t *value, int indent)
{
	if (!json_is_object(value) || json_is_string(json_object_get(value, "soft")) ||
		json_is_string(json_object_get(value, "hard")) ||
		!(model_path_matches(&printer->path, "services.*.ulimits.*") ||
			model_path_matches(&printer->path, "services.*.build.ulimits.*")))
		return false;
	buf_addf(printer->out, ":\n%*ssoft: %lld\n%*shard: %lld\n", indent, "",
		(long long)json_int(value, "soft"), indent, "", (long long)json_int(value, "hard"));
	return true;
}

static void put_member(struct printer *printer, const json_t *value, int indent)
{
	if (put_ulimit(printer, value, indent))
		return;
	if (is_block(printer, value)) {
		buf_addstr(printer->out, ":\n");
		put_block(printer, value, indent, false);
	} else {
		buf_addstr(printer->out, ": ");
		put_flat(printer, value, indent);
	}
}

/* `inside`: the first item continues a line. */
static void put_list(struct printer *printer, const json_t *list, int indent, bool inside)
{
	size_t i;
	json_t *value;

	if (!model_path_enter(&printer->path, "[]"))
		return;
	json_array_foreach (list, i, value) {
		buf_addf(printer->out, "%*s- ", inside && !i ? 0 : indent, "");
		if (is_block(printer, value))
			put_block(printer, value, indent + 2, true);
		else
			put_flat(printer, value, indent + 2);
	}
	printer->path.depth--;
}

static void put_map(struct printer *printer, const json_t *map, int indent, bool inside)
{
	size_t n = 0;
	autofree struct entry *entries = sorted_entries(printer, map, &n);

	for (size_t i = 0; i < n; i++) {
		if (!model_path_enter(&printer->path, entries[i].key))
			return;
		buf_addf(printer->out, "%*s", inside && !i ? 0 : indent, "");
		put_string(printer->out, entries[i].key, indent, true);
		put_member(printer, entries[i].value, indent + 2);
		printer->path.depth--;
	}
}

void manifest_print_yaml(const json_t *model, struct buf *out)
{
	struct printer printer = {.out = out};

	if (is_block(&printer, model))
		put_block(&printer, model, 0, false);
	else
		put_flat(&printer, model, 0);
}
