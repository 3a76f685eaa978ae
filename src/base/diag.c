/*
 * diag.c - collecting problems with their places, and showing them with the source line.
 *
 * The list has a ceiling: a file made to hurt can have a problem on every one of a million lines,
 * and nobody reads past the first screen.
 */
#include "devenv/diag.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DIAGS_MAX 200
#define SOURCE_MAX ((size_t)16 << 20)
#define TAB_WIDTH 8
#define WINDOW 120 /* columns of a source line that are shown */

static bool diag_same(const struct diag *diag, enum diag_level level, const char *file, int line,
	int column, const char *text)
{
	return diag->line == line && diag->column == column && diag->level == level &&
	       str_eq(diag->file, file) && str_eq(diag->text, text);
}

void diag_add(struct diags *diags, enum diag_level level, const char *file, int line, int column,
	const char *path, const char *help, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	for (size_t i = 0; i < diags->n; i++) {
		if (diag_same(&diags->list[i], level, file, line, column, text) &&
			str_eq(diags->list[i].path, path))
			return;
	}
	if (level == DIAG_ERROR)
		diags->errors++;
	if (diags->n >= (level == DIAG_ERROR ? DIAGS_MAX : DIAGS_MAX / 2))
		return;
	diags->list = xgrow(diags->list, diags->n, sizeof(*diags->list));
	diags->list[diags->n++] = (struct diag){
		.level = level,
		.file = xstrdup(file ? file : ""),
		.line = line,
		.column = column,
		.path = xstrdup(path),
		.text = TAKE(text),
		.help = xstrdup(help),
	};
}

static int diag_compare(const void *pa, const void *pb)
{
	const struct diag *a = pa, *b = pb;
	int order = strcmp(a->file, b->file);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	return strcmp(a->text, b->text);
}

/* The file whose lines are being shown; problems come sorted, so one at a time is enough. */
struct source {
	const char *file;
	struct buf text;
	size_t offset; /* where `line` starts */
	int line;
};

static void source_open(struct source *source, const char *file)
{
	struct err ignored = ERR_INIT; /* no source: the message alone has to do */

	if (source->file && str_eq(source->file, file))
		return;
	buf_reset(&source->text);
	source->file = file;
	source->offset = 0;
	source->line = 1;
	if (fs_read(file, &source->text, ERR_MANIFEST, &ignored) < 0)
		buf_reset(&source->text);
}

/* The line of this number without its end, or NULL. */
static const char *source_line(struct source *source, int line, size_t *len)
{
	const char *text = buf_str(&source->text), *end;

	while (source->line < line) {
		end = memchr(text + source->offset, '\n', source->text.len - source->offset);
		if (!end)
			return NULL;
		source->offset = (size_t)(end - text) + 1;
		source->line++;
	}
	if (source->offset >= source->text.len)
		return NULL;
	text += source->offset;
	end = memchr(text, '\n', source->text.len - source->offset);
	*len = end ? (size_t)(end - text) : source->text.len - source->offset;
	return text;
}

/*
 * Append the line as a terminal shows it: tabs expanded, control characters as '?', and only a
 * window around the column when it is long.  Returns the column (from 0) of the caret in what was
 * appended.  `column` counts characters, as libyaml does.
 */
static int line_show(const char *line, size_t len, int column, struct buf *out)
{
	autobuf struct buf shown = BUF_INIT(0);
	int at = 1, width = 0, caret = -1, start = 0;
	size_t from = 0;

	for (size_t i = 0; i < len && at < column + 4 * WINDOW; i++) {
		unsigned char c = (unsigned char)line[i];
		bool starts = (c & 0xc0) != 0x80;
		int cells = !starts ? 0 : c == '\t' ? TAB_WIDTH - width % TAB_WIDTH : 1;

		if (starts && at++ == column)
			caret = width;
		width += cells;
		if (caret >= 0 && width > caret + WINDOW)
			break;
		if (c == '\t')
			buf_addf(&shown, "%*s", cells, "");
		else
			buf_addch(&shown, (char)(c < 0x20 || c == 0x7f ? '?' : c));
	}
	if (caret < 0)
		caret = width;
	if (caret > WINDOW) { /* cut the left side, at a character */
		for (; start < caret - WINDOW / 2; from++)
			start += ((unsigned char)buf_str(&shown)[from] & 0xc0) != 0x80;
		while (((unsigned char)buf_str(&shown)[from] & 0xc0) == 0x80)
			from++;
		buf_addstr(out, "...");
		caret += 3 - start;
	}
	buf_addstr(out, buf_str(&shown) + from);
	return caret;
}

static void diag_show_source(const struct diag *diag, struct source *source, struct buf *out)
{
	const char *line;
	size_t len = 0;
	int caret;

	if (diag->line <= 0)
		return;
	source_open(source, diag->file);
	line = source_line(source, diag->line, &len);
	if (!line)
		return;
	if (len && line[len - 1] == '\r')
		len--;
	buf_addf(out, "%5d | ", diag->line);
	caret = line_show(line, len, diag->column, out);
	buf_addch(out, '\n');
	if (diag->column > 0)
		buf_addf(out, "      | %*s^\n", caret, "");
}

void diag_print(struct diags *diags, struct buf *out)
{
	struct source source = {.text = BUF_INIT(SOURCE_MAX)};
	size_t errors = 0;

	if (diags->n)
		qsort(diags->list, diags->n, sizeof(*diags->list), diag_compare);
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *diag = &diags->list[i];

		errors += diag->level == DIAG_ERROR;
		if (!str_empty(diag->file))
			buf_addf(out, "%s:", diag->file);
		if (diag->line > 0)
			buf_addf(out, "%d:%d:", diag->line, diag->column);
		if (!str_empty(diag->file) || diag->line > 0)
			buf_addch(out, ' ');
		buf_addf(out, "%s: ", diag->level == DIAG_ERROR ? "error" : "warning");
		if (!str_empty(diag->path))
			buf_addf(out, "%s: ", diag->path);
		buf_addf(out, "%s\n", diag->text);
		diag_show_source(diag, &source, out);
		if (!str_empty(diag->help))
			buf_addf(out, "      = %s\n", diag->help);
	}
	if (diags->errors > errors)
		buf_addf(out, "and %zu more errors\n", diags->errors - errors);
	buf_release(&source.text);
}

void diags_release(struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		struct diag *diag = &diags->list[i];

		cleanup_free(&diag->file);
		cleanup_free(&diag->path);
		cleanup_free(&diag->text);
		cleanup_free(&diag->help);
	}
	cleanup_free(&diags->list);
	*diags = DIAGS_INIT;
}
