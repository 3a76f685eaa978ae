/*
 * text.c - text from outside, made safe for a terminal, and its width.
 *
 * A container's name or a server's message may hold escape sequences that move the cursor, retitle
 * the window or hide what was printed; bidirectional controls reorder what people read.  All are
 * shown as what they are.
 */
#include "render.h"

#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* The length of the well-formed UTF-8 sequence at `s`, or 0. */
static size_t sequence(const char *s, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++)
		if (str_is_utf8(s, len))
			return len;
	return 0;
}

static bool is_control(const char *s, size_t len)
{
	unsigned char a = (unsigned char)s[0], b = len > 1 ? (unsigned char)s[1] : 0,
		      c = len > 2 ? (unsigned char)s[2] : 0;

	if (len == 1)
		return a < 0x20 || a == 0x7f;
	if (len == 2)
		return a == 0xc2 && b < 0xa0; /* U+0080..U+009F */
	if (len == 3 && a == 0xe2 && b == 0x80)
		return c >= 0xaa && c <= 0xae;                               /* U+202A..U+202E */
	return len == 3 && a == 0xe2 && b == 0x81 && c >= 0xa6 && c <= 0xa9; /* U+2066..U+2069 */
}

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
		size_t len = sequence(text, left);

		if (len && (!is_control(text, len) || strchr(keep, *text)))
			buf_add(out, text, len);
		else
			add_escaped(out, text, len ? len : 1);
		text += len ? len : 1;
		left -= len ? len : 1;
	}
}

void ui_text(struct buf *out, const char *text)
{
	add_text(out, text, "");
}

void text_lines(struct buf *out, const char *text)
{
	add_text(out, text, "\n\t");
}

size_t text_fit(const char *text, int columns, int *used)
{
	mbstate_t state = {0};
	size_t at = 0, len = strlen(text);

	*used = 0;
	while (at < len) {
		wchar_t wide = 0;
		size_t n = mbrtowc(&wide, text + at, len - at, &state);
		int width = 1;

		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			state = (mbstate_t){0};
			n = 1;
		} else {
			width = wcwidth(wide);
		}
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
