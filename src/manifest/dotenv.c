/*
 * dotenv.c - .env and env_file, in the dialect of compose-go's dotenv package.
 *
 *	# comment
 *	export KEY=value  # comment          unquoted: trimmed, ${V} replaced
 *	KEY: "a \"b\" \n ${V}"               double quotes: escapes, then variables; may span lines
 *	KEY='as it is'                       single quotes: only \' is special; may span lines
 *	KEY                                  the value of `lookup`, if it has one
 */
#include "pipeline.h"

#include "template.h"

#include "devenv/fs.h"
#include "devenv/manifest.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <string.h>

#define VALUE_MAX ((size_t)1 << 20)
#define TOTAL_MAX ((size_t)8 << 20) /* of all values: they can repeat each other */

struct dotenv {
	const char *file;
	const char *p, *end;
	int line;
	const char *line_start;
	struct template template;
	json_t *out, *lines;
	struct diags *diags;
	size_t total;
};

static int fail(struct dotenv *env, const char *at, const char *help, const char *text)
{
	int column = at >= env->line_start ? (int)(at - env->line_start) + 1 : 1;

	diag_add(env->diags, DIAG_ERROR, env->file, env->line, column, NULL, help, "%s", text);
	return -1;
}

static void advance(struct dotenv *env, const char *to)
{
	for (; env->p < to; env->p++) {
		if (*env->p == '\n') {
			env->line++;
			env->line_start = env->p + 1;
		}
	}
}

static const char *line_end(const struct dotenv *env, const char *p)
{
	const char *end = memchr(p, '\n', (size_t)(env->end - p));

	return end ? end : env->end;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* To the next statement, over space and comments; false at the end. */
static bool skip_to_statement(struct dotenv *env)
{
	while (env->p < env->end) {
		if (*env->p == '#')
			advance(env, line_end(env, env->p));
		else if (isspace((unsigned char)*env->p))
			advance(env, env->p + 1);
		else
			return true;
	}
	return false;
}

static int store(struct dotenv *env, const char *key, int line, const char *value)
{
	env->total += strlen(value);
	if (env->total > TOTAL_MAX)
		return fail(env, env->p, NULL, "the values are too long");
	json_object_set_new(env->out, key, json_string_safe(value));
	if (env->lines)
		json_object_set_new(env->lines, key, json_integer(line));
	return 0;
}

static int store_inherited(struct dotenv *env, const char *key, int line)
{
	const char *value = json_str(env->template.env, key);

	return value ? store(env, key, line, value) : 0;
}

static int store_expanded(struct dotenv *env, const char *key, int line, const char *text)
{
	autobuf struct buf value = BUF_INIT(VALUE_MAX);

	if (template_expand(&env->template, text, &value) < 0)
		return fail(env, env->p, NULL, env->template.problem);
	return store(env, key, line, buf_str(&value));
}

/* === keys === */

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || memchr("_.-[]", c, 5);
}

/*
 * The name at env->p, left behind its separator.  *inherits: there was none.  NULL after an error.
 */
static char *read_key(struct dotenv *env, bool *inherits)
{
	const char *start = env->p, *p;
	autofree char *key = NULL;

	if (env->end - start > 7 && strncmp(start, "export", 6) == 0 && is_blank(start[6])) {
		for (start += 6; start < env->end && is_blank(*start);)
			start++;
	}
	for (p = start; p < env->end && (is_blank(*p) || is_key_char(*p));)
		p++;
	if (p < env->end && !memchr("=:\n", *p, 3)) {
		fail(env, p, "a line is NAME=value; a comment starts with #",
			"unexpected character in the name of a variable");
		return NULL;
	}
	*inherits = p == env->end || *p == '\n';
	key = xstrndup(start, (size_t)(p - start));
	for (size_t n = strlen(key); n && is_blank(key[n - 1]);)
		key[--n] = '\0';
	if (strpbrk(key, " \t")) {
		fail(env, start, "a line is NAME=value",
			"the name of a variable has a space in it");
		return NULL;
	}
	advance(env, p < env->end && !*inherits ? p + 1 : p);
	return TAKE(key);
}

/* === values === */

static void add_octal(struct buf *out, const char *digits, size_t n)
{
	unsigned value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 8 + (unsigned)(digits[i] - '0');
	if (value < 0x80) {
		buf_addch(out, (char)value);
	} else if (value < 0x100) { /* Go's rune of this number, as UTF-8 */
		buf_addch(out, (char)(0xc0 | (value >> 6)));
		buf_addch(out, (char)(0x80 | (value & 0x3f)));
	}
}

/* One escape at `s` (after its backslash); returns how many characters it has. */
static size_t add_escape(struct buf *out, const char *s)
{
	static const char from[] = "abfnrtv\"\\", to[] = "\a\b\f\n\r\t\v\"\\";
	const char *known = *s ? strchr(from, *s) : NULL;
	size_t digits = 0;

	if (known) {
		buf_addch(out, to[known - from]);
		return 1;
	}
	if (*s == '$') {
		buf_addstr(out, "$$"); /* one dollar after expansion */
		return 1;
	}
	if (*s == '0') {
		while (digits < 3 && s[1 + digits] >= '0' && s[1 + digits] <= '7')
			digits++;
		if (digits == 3) {
			add_octal(out, s + 1, digits);
			return 1 + digits;
		}
	}
	buf_addch(out, '\\');
	return 0;
}

static void add_unescaped(struct buf *out, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "\\");

		buf_add(out, text, plain);
		text += plain;
		if (*text)
			text += 1 + add_escape(out, text + 1);
	}
}

static int read_quoted(struct dotenv *env, const char *key, int line)
{
	autobuf struct buf raw = BUF_INIT(VALUE_MAX), text = BUF_INIT(VALUE_MAX);
	char quote = *env->p;
	const char *p = env->p + 1;

	for (; p < env->end && *p != quote; p++) {
		if (*p == '\\' && p + 1 < env->end) {
			p++;
			if (*p != quote) /* an escaped quote is the quote; the rest comes later */
				buf_addch(&raw, '\\');
		}
		buf_addch(&raw, *p);
	}
	if (p >= env->end)
		return fail(env, env->p, NULL, "a quote that is not closed");
	advance(env, p + 1);
	if (raw.overflow)
		return fail(env, env->p, NULL, "a value over 1 MB");
	if (quote == '\'')
		return store(env, key, line, buf_str(&raw));
	add_unescaped(&text, buf_str(&raw));
	return store_expanded(env, key, line, buf_str(&text));
}

static int read_unquoted(struct dotenv *env, const char *key, int line)
{
	const char *end = line_end(env, env->p);
	autofree char *value = NULL;
	char *comment;
	int rc;

	if ((size_t)(end - env->p) > VALUE_MAX)
		return fail(env, env->p, NULL, "a value over 1 MB");
	value = xstrndup(env->p, (size_t)(end - env->p));
	comment = strstr(value, " #");
	if (comment)
		*comment = '\0';
	for (size_t n = strlen(value); n && isspace((unsigned char)value[n - 1]);)
		value[--n] = '\0';
	rc = store_expanded(env, key, line, value);
	advance(env, end);
	return rc;
}

static int read_statement(struct dotenv *env)
{
	bool inherits = false;
	int line = env->line;
	autofree char *key = read_key(env, &inherits);

	if (!key)
		return -1;
	if (inherits)
		return store_inherited(env, key, line);
	while (env->p < env->end && is_blank(*env->p))
		env->p++;
	if (env->p < env->end && (*env->p == '"' || *env->p == '\''))
		return read_quoted(env, key, line);
	return read_unquoted(env, key, line);
}

/* `format: raw`: everything after the first "=" is the value. */
static int read_raw_line(struct dotenv *env)
{
	const char *end = line_end(env, env->p), *equals;
	autofree char *key = NULL, *value = NULL;
	int rc;

	equals = memchr(env->p, '=', (size_t)(end - env->p));
	key = xstrndup(env->p, (size_t)((equals ? equals : end) - env->p));
	if (!*key || strpbrk(key, " \t\r"))
		return fail(env, env->p, "a line is NAME=value",
			"the name of a variable is empty or has a space in it");
	if (!equals) {
		rc = store_inherited(env, key, env->line);
	} else {
		value = xstrndup(equals + 1, (size_t)(end - equals - 1));
		if (str_ends(value, "\r"))
			value[strlen(value) - 1] = '\0';
		rc = store(env, key, env->line, value);
	}
	advance(env, end);
	return rc;
}

int dotenv_parse(const char *file, const char *text, size_t len, const json_t *lookup, bool raw,
	json_t *out, json_t *lines, struct diags *diags)
{
	struct dotenv env = {
		.file = file,
		.p = text,
		.end = text + len,
		.line = 1,
		.line_start = text,
		.template = {.env = lookup, .more = out},
		.out = out,
		.lines = lines,
		.diags = diags,
	};

	if (!str_is_utf8(text, len)) {
		diag_add(diags, DIAG_ERROR, file, 0, 0, NULL, "save the file as UTF-8 text",
			"not a text file: it has a NUL byte, or bytes that are not UTF-8");
		return -1;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		env.p = env.line_start = text + 3;
	while (skip_to_statement(&env)) {
		if ((raw ? read_raw_line(&env) : read_statement(&env)) < 0)
			return -1;
	}
	return 0;
}

int manifest_env_file(const char *path, const json_t *lookup, json_t *values, struct err *err)
{
	autobuf struct buf text = BUF_INIT(TOTAL_MAX);
	struct diags diags = DIAGS_INIT;
	int rc = -1;

	if (fs_read(path, &text, ERR_MANIFEST, err) < 0)
		return -1;
	if (dotenv_parse(path, buf_str(&text), text.len, lookup, false, values, NULL, &diags) == 0)
		rc = 0;
	else
		err_set(err, ERR_MANIFEST, "%s:%d:%d: %s", path, diags.list[0].line,
			diags.list[0].column, diags.list[0].text);
	diags_release(&diags);
	return rc;
}
