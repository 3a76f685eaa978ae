/*
 * template.c - see template.h; the rules are those of compose-go's template package, where regular
 * expressions decide what is a variable, read here by hand.
 */
#include "template.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NESTING_MAX 32
#define NAME_MAX_LEN 255

struct variable {
	char name[NAME_MAX_LEN + 1];
	bool colon; /* ":-" and so on: empty counts as unset */
	char op;    /* '-', '?', '+', or 0 */
	const char *word;
	size_t word_len;
};

static int expand(
	struct template *template, const char *text, size_t len, int depth, struct buf *out);

static int problem(struct template *template, const char *text)
{
	snprintf(template->problem, sizeof(template->problem), "%s", text);
	return -1;
}

static size_t name_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len && (isalpha((unsigned char)*s) || *s == '_')) {
		while (n < len && (isalnum((unsigned char)s[n]) || s[n] == '_'))
			n++;
	}
	return n;
}

bool template_has_variables(const char *text)
{
	for (; (text = strchr(text, '$')); text++) {
		if (text[1] == '$' || text[1] == '{' || text[1] == '_' ||
			isalpha((unsigned char)text[1]))
			return true;
	}
	return false;
}

static const char *lookup(const struct template *template, const char *name)
{
	const char *value = json_str(template->env, name);

	return value ? value : json_str(template->more, name);
}

static int missing(struct template *template, const struct variable *variable, int depth)
{
	autobuf struct buf reason = BUF_INIT(512);

	if (expand(template, variable->word, variable->word_len, depth + 1, &reason) < 0)
		return -1;
	snprintf(template->problem, sizeof(template->problem),
		"the required variable \"%s\" is %s%s%s", variable->name,
		lookup(template, variable->name) ? "empty" : "not set", reason.len ? ": " : "",
		buf_str(&reason));
	return -1;
}

static int list(
	struct template *template, const struct variable *variable, int depth, struct buf *out)
{
	autofree char *word = xstrndup(variable->word ? variable->word : "", variable->word_len);

	template->found(template->context, variable->name, variable->op, word);
	if (variable->op == '?')
		return 0;
	return expand(template, word, variable->word_len, depth + 1, out);
}

static int apply(
	struct template *template, const struct variable *variable, int depth, struct buf *out)
{
	const char *value = lookup(template, variable->name);
	bool present = value && !(variable->colon && !*value);

	if (template->found)
		return list(template, variable, depth, out);
	if (variable->op == '?' && !present)
		return missing(template, variable, depth);
	if ((variable->op == '-' && !present) || (variable->op == '+' && present))
		return expand(template, variable->word, variable->word_len, depth + 1, out);
	if (!value && !variable->op && template->unset)
		template->unset(template->context, variable->name);
	if (variable->op == '+')
		value = NULL;
	if (value && buf_addstr(out, value) < 0)
		return problem(template, "the text becomes too long");
	return 0;
}

/* Where the brace that opens at `s` closes, or -1. */
static long closing_brace(const char *s, size_t len)
{
	int open = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			return -1;
		if (s[i] == '{')
			open++;
		else if (s[i] == '}' && --open == 0)
			return (long)i;
	}
	return -1;
}

static int invalid(struct template *template, const char *text, size_t len)
{
	snprintf(template->problem, sizeof(template->problem),
		"\"%.*s\" is not a variable (write $$ for a dollar sign)",
		(int)(len < 60 ? len : 60), text);
	return -1;
}

/* "${...}" at `text`; sets *used. */
static int expand_braced(struct template *template, const char *text, size_t len, int depth,
	size_t *used, struct buf *out)
{
	struct variable variable = {0};
	long end = closing_brace(text + 1, len - 1);
	size_t name_len, i;

	if (end < 0)
		return invalid(template, text, len);
	*used = (size_t)end + 2;
	name_len = name_length(text + 2, (size_t)end - 1);
	if (!name_len || name_len > NAME_MAX_LEN)
		return invalid(template, text, *used);
	memcpy(variable.name, text + 2, name_len);
	i = 2 + name_len;
	if (i + 1 < *used) {
		variable.colon = text[i] == ':';
		variable.op = text[i + variable.colon];
		if (!memchr("-?+", variable.op, 3))
			return invalid(template, text, *used);
		variable.word = text + i + variable.colon + 1;
		variable.word_len = *used - 1 - (size_t)(variable.word - text);
	}
	return apply(template, &variable, depth, out);
}

/* The `$` at `text`; sets *used. */
static int expand_dollar(struct template *template, const char *text, size_t len, int depth,
	size_t *used, struct buf *out)
{
	struct variable variable = {0};
	size_t name_len = name_length(text + 1, len - 1);

	*used = 1;
	if (len > 1 && text[1] == '$') {
		*used = 2;
		return buf_addch(out, '$');
	}
	if (len > 1 && text[1] == '{')
		return expand_braced(template, text, len, depth, used, out);
	if (!name_len || name_len > NAME_MAX_LEN)
		return buf_addch(out, '$');
	memcpy(variable.name, text + 1, name_len);
	*used = 1 + name_len;
	return apply(template, &variable, depth, out);
}

static int expand(
	struct template *template, const char *text, size_t len, int depth, struct buf *out)
{
	const char *end = text + len;

	if (depth > NESTING_MAX)
		return problem(template, "variables are nested too deeply");
	while (text < end) {
		const char *dollar = memchr(text, '$', (size_t)(end - text));
		size_t plain = (size_t)((dollar ? dollar : end) - text), used = 0;

		if (plain && buf_add(out, text, plain) < 0)
			return problem(template, "the text becomes too long");
		text += plain;
		if (!dollar)
			break;
		if (expand_dollar(template, text, (size_t)(end - text), depth, &used, out) < 0)
			return out->overflow ? problem(template, "the text becomes too long") : -1;
		text += used;
	}
	return 0;
}

int template_expand(struct template *template, const char *text, struct buf *out)
{
	template->problem[0] = '\0';
	return expand(template, text, strlen(text), 0, out);
}
