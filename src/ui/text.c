/*
 * text.c - text from outside, made safe for a terminal, and its width.
 *
 * A container's name or a server's message may hold escape sequences that move the cursor, retitle
 * the window or hide what was printed; bidirectional controls reorder what people read.  All are
 * shown as what they are.
 */
#include "render.h"

#include "devenv/str.h"

#include <string.h>

static void add_escaped(struct buf *out, const char *s, size_t len)
{
	if (len == 1 && (*s == '\n' || *s == '\r' || *s == '\t')) {
		buf_addstr(out, *s == '\n' ? "\\n" : *s == '\r' ? "\\r" : "\\t");
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf_addf(out, "\\x%02x", (unsigned char)s[i]);
}

static void add_text(struct buf *out, const char *text, const char *keep)
{
	size_t left = text ? strlen(text) : 0;

	while (left) {
		int columns;
		size_t len = str_character(text, left, &columns);

		if (columns >= 0 || strchr(keep, *text))
			buf_add(out, text, len);
		else
			add_escaped(out, text, len);
		text += len;
		left -= len;
	}
}

void ui_text(struct buf *out, const char *text)
{
	add_text(out, text, "");
}

void ui_lines(struct buf *out, const char *text)
{
	add_text(out, text, "\n\t");
}

size_t text_fit(const char *text, int columns, int *used)
{
	size_t at = 0, len = strlen(text);

	*used = 0;
	while (at < len) {
		int width;
		size_t n = str_character(text + at, len - at, &width);

		if (width < 0)
			width = 1;
		if (*used + width > columns)
			break;
		*used += width;
		at += n;
	}
	return at;
}

int text_columns(const char *text)
{
	int used = 0;

	text_fit(text, 1 << 20, &used);
	return used;
}
