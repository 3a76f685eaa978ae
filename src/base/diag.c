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
#define SHOWN_MAX 20        /* of each level; 200 would push the first from the screen */
#define MESSAGE_COLUMNS 400 /* a value that is quoted in a message can be long */
#define SOURCE_MAX ((size_t)16 << 20)
#define TAB_WIDTH 8
#define BOM "\xef\xbb\xbf" /* no column of the first line */
#define WINDOW 120         /* columns of a source line that are shown */

static size_t file_order(struct diags *diags, const char *file)
{
	for (size_t i = 0; i < diags->files.n; i++)
		if (str_eq(diags->files.v[i], file))
			return i;
	strv_push(&diags->files, file);
	return diags->files.n - 1;
}

void diag_file(struct diags *diags, const char *file)
{
	file_order(diags, file);
}

static bool diag_repeats(const struct diag *old, const struct diag *new)
{
	if (old->line != new->line || old->column != new->column || old->level != new->level ||
		!str_eq(old->file, new->file))
		return false;
	if (new->level == DIAG_ERROR &&new->line > 0)
		return true;
	return str_eq(old->text, new->text) && str_eq(old->path, new->path);
}

/* Takes the texts of `diag`. */
static void diag_keep(struct diags *diags, struct diag *diag)
{
	bool error = diag->level == DIAG_ERROR;

	if (diags->n < (error ? DIAGS_MAX : DIAGS_MAX / 2)) {
		diags->list = xgrow(diags->list, diags->n, sizeof(*diags->list));
		diags->list[diags->n++] = *diag;
		*diag = (struct diag){0};
	}
	if (error)
		diags->errors++;
	else
		diags->warnings++;
}

static void diag_release(struct diag *diag)
{
	cleanup_free(&diag->file);
	cleanup_free(&diag->path);
	cleanup_free(&diag->text);
	cleanup_free(&diag->help);
}

void diag_add(struct diags *diags, enum diag_level level, const char *file, int line, int column,
	const char *path, const char *help, const char *fmt, ...)
{
	struct diag diag = {
		.level = level,
		.file = xstrdup(file ? file : ""),
		.line = line,
		.column = column,
		.path = xstrdup(path),
		.help = xstrdup(help),
	};
	bool repeats = false;
	va_list args;

	va_start(args, fmt);
	diag.text = xvasprintf(fmt, args);
	va_end(args);
	for (size_t i = 0; i < diags->n && !repeats; i++)
		repeats = diag_repeats(&diags->list[i], &diag);
	if (!repeats) {
		diag.order = file_order(diags, diag.file);
		diag_keep(diags, &diag);
	}
	diag_release(&diag);
}

bool diag_has_error(const struct diags *diags, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < diags->n; i++) {
		const char *other = diags->list[i].path;

		if (diags->list[i].level != DIAG_ERROR || !other)
			continue;
		if (len ? strncmp(other, path, len) == 0 && strchr(".[", other[len])
			: !strpbrk(other, ".["))
			return true;
	}
	return false;
}

static int diag_compare(const void *pa, const void *pb)
{
	const struct diag *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	return strcmp(a->text, b->text);
}

static void sort(struct diags *diags)
{
	if (diags->n)
		qsort(diags->list, diags->n, sizeof(*diags->list), diag_compare);
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
	if (str_starts(buf_str(&source->text), BOM))
		source->offset = strlen(BOM);
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

/* The columns of `line` before its character number `column` (from 1), tabs expanded. */
static int caret_of(const char *line, size_t len, int column)
{
	int width = 0, cells;

	for (size_t i = 0; i < len && --column > 0;) {
		bool tab = line[i] == '\t';

		i += str_character(line + i, len - i, &cells);
		width += tab ? TAB_WIDTH - width % TAB_WIDTH : cells < 0 ? 1 : cells;
	}
	return width;
}

/*
 * Append the line as a terminal shows it: tabs expanded, '?' for what must not reach one, and only
 * a window around the caret when it is long.  Returns the column (from 0) of the caret in what was
 * appended.  `column` counts characters, as libyaml does.
 */
static int line_show(const char *line, size_t len, int column, struct buf *out)
{
	int caret = caret_of(line, len, column), width = 0, cells;
	int from = caret > WINDOW ? caret - WINDOW / 2 : 0, cut = -1;

	for (size_t i = 0, next; i < len && width <= caret + WINDOW; i = next) {
		bool tab = line[i] == '\t';

		next = i + str_character(line + i, len - i, &cells);
		if (width >= from && cut < 0) {
			cut = width;
			buf_addstr(out, cut ? "..." : "");
		}
		if (tab)
			cells = TAB_WIDTH - width % TAB_WIDTH;
		if (cut >= 0 && tab)
			buf_addf(out, "%*s", cells, "");
		else if (cut >= 0 && cells >= 0)
			buf_add(out, line + i, next - i);
		else if (cut >= 0)
			buf_addch(out, '?');
		width += cells < 0 ? 1 : cells;
	}
	return cut > 0 ? caret - cut + 3 : caret;
}

/* Text with parts from outside: nothing that a terminal would obey, and not without end. */
static void add_shown(struct buf *out, const char *text)
{
	size_t left = strlen(text);
	int width = 0, cells;

	while (left && width < MESSAGE_COLUMNS) {
		size_t len = str_character(text, left, &cells);

		if (cells >= 0)
			buf_add(out, text, len);
		else
			buf_addch(out, '?');
		width += cells < 0 ? 1 : cells;
		text += len;
		left -= len;
	}
	if (left)
		buf_addstr(out, "...");
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

static void diag_show(const struct diag *diag, struct source *source, struct buf *out)
{
	add_shown(out, diag->file);
	if (!str_empty(diag->file))
		buf_addch(out, ':');
	if (diag->line > 0)
		buf_addf(out, "%d:%d:", diag->line, diag->column);
	if (!str_empty(diag->file) || diag->line > 0)
		buf_addch(out, ' ');
	buf_addf(out, "%s: ", diag->level == DIAG_ERROR ? "error" : "warning");
	if (!str_empty(diag->path)) {
		add_shown(out, diag->path);
		buf_addstr(out, ": ");
	}
	add_shown(out, diag->text);
	buf_addch(out, '\n');
	diag_show_source(diag, source, out);
	if (!str_empty(diag->help)) {
		buf_addstr(out, "      = ");
		add_shown(out, diag->help);
		buf_addch(out, '\n');
	}
}

static void show_rest(size_t all, const char *what, struct buf *out)
{
	if (all > SHOWN_MAX)
		buf_addf(out, "and %zu more %s%s\n", all - SHOWN_MAX, what,
			all - SHOWN_MAX == 1 ? "" : "s");
}

void diag_print(struct diags *diags, struct buf *out)
{
	struct source source = {.text = BUF_INIT(SOURCE_MAX)};
	size_t shown[] = {[DIAG_ERROR] = 0, [DIAG_WARNING] = 0};

	sort(diags);
	for (size_t i = 0; i < diags->n; i++)
		if (shown[diags->list[i].level]++ < SHOWN_MAX)
			diag_show(&diags->list[i], &source, out);
	show_rest(diags->errors, "error", out);
	show_rest(diags->warnings, "warning", out);
	buf_release(&source.text);
}

json_t *diag_json(struct diags *diags)
{
	json_t *list = json_array();

	sort(diags);
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *diag = &diags->list[i];
		json_t *item = json_object();

		json_object_set_new(item, "file", json_string_safe(diag->file));
		json_object_set_new(item, "line", json_integer(diag->line));
		json_object_set_new(item, "column", json_integer(diag->column));
		json_set_str(item, "severity", diag->level == DIAG_ERROR ? "error" : "warning");
		json_object_set_new(item, "path",
			str_empty(diag->path) ? json_null() : json_string_safe(diag->path));
		json_object_set_new(item, "message", json_string_safe(diag->text));
		json_object_set_new(item, "hint",
			str_empty(diag->help) ? json_null() : json_string_safe(diag->help));
		json_array_append_new(list, item);
	}
	return list;
}

void diags_release(struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		diag_release(&diags->list[i]);
	cleanup_free(&diags->list);
	strv_release(&diags->files);
	*diags = DIAGS_INIT;
}
