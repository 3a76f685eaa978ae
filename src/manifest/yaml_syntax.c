/*
 * yaml_syntax.c - see yaml_syntax.h.
 *
 * libyaml says what it expected of its grammar; people have forgotten a quote, a space or a colon,
 * mostly on the line before.  What is not recognised here is passed on in libyaml's words.
 */
#include "yaml_syntax.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

struct syntax {
	const yaml_parser_t *parser;
	const char *file;
	struct diags *diags;
	const char *text, *end;
	const char *at; /* what libyaml complains about */
};

/* The byte at a mark. */
static const char *text_at(const struct syntax *s, const yaml_mark_t *mark)
{
	const char *text = s->text;
	size_t line = 0, column = 0;

	for (; text < s->end && line < mark->line; text++)
		line += *text == '\n';
	for (; text < s->end && column < mark->column; text++)
		column += ((unsigned char)*text & 0xc0) != 0x80;
	return text;
}

static const char *line_start(const struct syntax *s, const char *at)
{
	while (at > s->text && at[-1] != '\n')
		at--;
	return at;
}

static size_t line_length(const struct syntax *s, const char *start)
{
	const char *newline = memchr(start, '\n', (size_t)(s->end - start));

	return (size_t)((newline ? newline : s->end) - start);
}

static const char *skip_blanks(const struct syntax *s, const char *at)
{
	while (at < s->end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Always true: it has been reported. */
static bool report(const struct syntax *s, const char *at, const char *help, const char *text)
{
	int line = 1, column = 1;

	for (const char *p = s->text; p < at; p++) {
		if (*p == '\n')
			line++;
		column = *p == '\n' ? 1 : column + (((unsigned char)*p & 0xc0) != 0x80);
	}
	diag_add(s->diags, DIAG_ERROR, s->file, line, column, NULL, help, "%s", text);
	return true;
}

/* === lines === */

/* The colon of "key: value" or "key:" in a line, or NULL; `bare`: one with no space after it. */
static const char *find_colon(const char *line, size_t len, bool bare)
{
	for (size_t i = 0; i < len && line[i] != '#'; i++) {
		bool last = i + 1 >= len || strchr(" \t\r", line[i + 1]);

		if (line[i] == ':' && last != bare)
			return line + i;
	}
	return NULL;
}

/* The line above that says something, or NULL. */
static const char *line_above(const struct syntax *s, const char *at)
{
	const char *line = line_start(s, at), *first;

	while (line > s->text) {
		line = line_start(s, line - 1);
		first = skip_blanks(s, line);
		if (first < s->end && !strchr("#\r\n", *first))
			return line;
	}
	return NULL;
}

/* A key where none can be: too deep, or the line above is no "key: value". */
static bool misplaced_key(const struct syntax *s)
{
	const char *above = line_above(s, s->at), *first, *colon;
	const char *key = skip_blanks(s, line_start(s, s->at));
	autofree char *help = NULL;
	size_t len;

	if (!above)
		return report(s, key, "keys of one map begin at the same column",
			"a key is not expected here: check the indentation");
	len = line_length(s, above);
	first = skip_blanks(s, above);
	colon = find_colon(above, len, true);
	while (len && strchr(" \t\r", above[len - 1]))
		len--;
	if (find_colon(above, len, false) || *first == '-')
		return report(s, key, "keys of one map begin at the same column",
			"this key is indented more than the line above it allows");
	if (colon) {
		help = xasprintf("for example: %.*s: %.*s", (int)(colon - first), first,
			(int)(above + len - colon - 1), colon + 1);
		return report(s, colon, help, "a colon needs a space after it");
	}
	help = xasprintf("for example: %.*s:", (int)(above + len - first), first);
	return report(s, first, help, "a key needs a colon after it");
}

/* === quotes === */

/*
 * A quote that somebody forgot to close ends at the next one, lines later, and what follows makes
 * no sense: when what stands before the place of the error is such a text, it is the mistake.
 */
static bool open_quote(const struct syntax *s)
{
	const char *close = s->at, *open;
	autofree char *help = NULL;
	int line = 1;

	while (close > s->text && strchr(" \t", close[-1]))
		close--;
	if (close <= s->text || !strchr("\"'", close[-1]))
		return false;
	close--;
	for (open = close - 1; open >= s->text && *open != *close; open--) {
	}
	if (open < s->text || !memchr(open, '\n', (size_t)(close - open)))
		return false;
	for (const char *p = s->text; p < close; p++)
		line += *p == '\n';
	help = xasprintf("it ends at the next quote only, in line %d", line);
	return report(s, open, help, "the quote that opens here is not closed");
}

static bool unknown_escape(const struct syntax *s)
{
	autofree char *text = NULL;
	int columns;
	const char *c = s->at;
	size_t len;

	while (c < s->end && *c == '\\')
		c++;
	len = c < s->end ? str_character(c, (size_t)(s->end - c), &columns) : 0;
	text = xasprintf("\\%.*s means nothing in double quotes", (int)len, c);
	return report(s, s->at, "use single quotes, or write each backslash twice", text);
}

/* A character that begins no value. */
static bool wrong_start(const struct syntax *s, const char *at)
{
	autofree char *text = NULL;
	char c = at < s->end ? *at : '\0';

	if (c == '\t')
		return report(s, at, "use spaces: YAML does not allow tabs here",
			"a tab is used for indentation");
	text = xasprintf("a value cannot begin with %c", c > 0x20 && c < 0x7f ? c : '?');
	return report(s, at, "put it in quotes", text);
}

/* === telling them apart === */

/* Errors inside of [ ] and { }. */
static bool unclosed(const struct syntax *s, const char *problem, const char *start)
{
	if (open_quote(s))
		return true;
	if (s->at > s->text && s->at < s->end && *s->at == '{' && s->at[-1] == '$')
		return report(s, s->at - 1, "for example: {image: \"web:${TAG}\"}",
			"a ${NAME} inside of [ ] or { } has to be in quotes");
	return report(s, start, NULL,
		strstr(problem, "']'") ? "the list that opens here is not closed with ]"
				       : "the map that opens here is not closed with }");
}

/* What people get wrong most; false: leave it to libyaml's words. */
static bool report_known(const struct syntax *s, const char *problem, const char *context)
{
	const char *start = text_at(s, &s->parser->context_mark);
	char c = s->at < s->end ? *s->at : '\0';

	if (str_starts(problem, "found character that cannot start any token"))
		return wrong_start(s, s->at);
	if (str_starts(problem, "found a tab character"))
		return wrong_start(s, strchr("\t", c) ? s->at : line_start(s, s->at));
	if (str_starts(problem, "did not find expected alphabetic"))
		return wrong_start(s, start);
	if (str_starts(problem, "found unknown escape character"))
		return unknown_escape(s);
	if (str_starts(problem, "found unexpected ':'"))
		return report(s, s->at, "for example: {A: 1}, or \"A:\" for a word with a colon",
			"a colon needs a space after it");
	if (str_starts(context, "while scanning a quoted scalar"))
		return report(s, start, NULL, "the quote that opens here is not closed");
	if (str_starts(problem, "did not find expected ',' or"))
		return unclosed(s, problem, start);
	if (str_starts(problem, "could not find expected ':'"))
		return report(s, start,
			"a key ends with a colon (key: value), "
			"an item of a list begins with a dash (- item)",
			"this is neither a key nor an item of a list");
	if (str_starts(problem, "mapping values are not allowed")) {
		const char *line = line_start(s, s->at);

		if (!find_colon(line, (size_t)(s->at - line), false))
			return misplaced_key(s);
		return report(s, s->at, "for example: key: \"a: b\"",
			"a value with a colon and a space in it has to be in quotes");
	}
	if (str_starts(problem, "did not find expected '-' indicator"))
		return open_quote(s) ||
		       report(s, s->at, "items of one list begin at the same column",
			       "an item of the list above (- ...) is expected here");
	if (str_starts(problem, "did not find expected key") && c != '}' && c != ']')
		return open_quote(s) ||
		       report(s, s->at, "keys of one map begin at the same column",
			       "this does not fit the lines above: check the indentation");
	return false;
}

void yaml_syntax_error(const yaml_parser_t *parser, const char *file, struct diags *diags)
{
	struct syntax s = {
		.parser = parser,
		.file = file,
		.diags = diags,
		.text = (const char *)parser->input.string.start,
		.end = (const char *)parser->input.string.end,
	};
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *context = parser->context;
	autofree char *text = NULL;

	if (s.end - s.text >= 3 && memcmp(s.text, "\xef\xbb\xbf", 3) == 0) /* a BOM is no column */
		s.text += 3;
	s.at = text_at(&s, mark);
	if (parser->problem && report_known(&s, parser->problem, context ? context : ""))
		return;
	if (!parser->problem)
		text = xstrdup("the file cannot be read as YAML");
	else if (context && parser->context_mark.line != mark->line)
		text = xasprintf("%s, %s that begins at line %zu", parser->problem, context,
			parser->context_mark.line + 1);
	else
		text = xasprintf(
			"%s%s%s", parser->problem, context ? ", " : "", context ? context : "");
	report(&s, s.at, NULL, text);
}
