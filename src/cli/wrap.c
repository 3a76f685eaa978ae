/*
 * wrap.c - text in lines that fit a terminal of 80 columns.
 */
#include "table.h"

#include <string.h>

struct wrap {
	struct buf *out;
	int indent, column, width;
};

static void new_line(struct wrap *wrap)
{
	buf_addch(wrap->out, '\n');
	wrap->column = 0;
}

static void add_word(struct wrap *wrap, const char *word, size_t len)
{
	if (wrap->column > wrap->indent && wrap->column + 1 + (int)len > wrap->width)
		new_line(wrap);
	if (wrap->column > wrap->indent) {
		buf_addch(wrap->out, ' ');
		wrap->column++;
	}
	for (; wrap->column < wrap->indent; wrap->column++)
		buf_addch(wrap->out, ' ');
	buf_add(wrap->out, word, len);
	wrap->column += (int)len;
}

/* One line of the text: words to be flowed, or kept as it is, or the end of a paragraph. */
static void add_line(struct wrap *wrap, const char *line, size_t len)
{
	if (len == 0 || line[0] == ' ') {
		if (wrap->column > 0)
			new_line(wrap);
		if (len > 0)
			buf_addf(wrap->out, "%*s%.*s", wrap->indent, "", (int)len, line);
		buf_addch(wrap->out, '\n');
		return;
	}
	for (size_t at = 0; at < len;) {
		size_t word = 0;

		while (at < len && line[at] == ' ')
			at++;
		while (at + word < len && line[at + word] != ' ')
			word++;
		if (word)
			add_word(wrap, line + at, word);
		at += word;
	}
}

void wrap_text(struct buf *out, const char *text, int indent, int at, int width)
{
	struct wrap wrap = {.out = out, .indent = indent, .column = at, .width = width};

	while (*text) {
		size_t len = strcspn(text, "\n");

		add_line(&wrap, text, len);
		text += len;
		if (*text)
			text++;
	}
	if (wrap.column > 0)
		new_line(&wrap);
}
