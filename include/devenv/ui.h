/*
 * ui.h - everything that reaches a terminal: tables, JSON, progress, prompts, colours.
 *
 * Results go to stdout, progress and errors to stderr.  Text from outside (names, logs in tables,
 * server messages) passes ui_text(), which escapes control bytes.
 */
#ifndef DEVENV_UI_H
#define DEVENV_UI_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/json.h"

#include <stdbool.h>

/* === progress: three renderers of the same events === */

enum ui_progress { UI_AUTO, UI_TTY, UI_PLAIN, UI_JSON, UI_QUIET };

/*
 * A sink on stderr; UI_AUTO takes the live display when stderr is a terminal. End it with ui_end.
 */
struct sink ui_begin(enum ui_progress mode, bool verbose);
void ui_end(struct sink *sink); /* erases nothing: the last state stays on the screen */

/* Stop drawing while somebody else writes to the terminal, e.g. an attached container. */
void ui_pause(struct sink *sink);
void ui_resume(struct sink *sink);

/* === results === */

struct table;
struct table *table_new(const char *const *headings); /* NULL-terminated */
void table_add(
	struct table *table, const char *const *cells); /* as many as headings; NULL: empty */
void table_print(struct table *table, struct buf *out); /* aligned, unpadded last column */
void table_free(struct table *table);

/* Write all of `text` to stdout. ERR_FAILED when that fails (a full disk, /dev/full). */
int ui_output(const char *text, struct err *err);
int ui_output_json(const json_t *json, struct err *err); /* pretty, and a newline */

/* === people === */

/* Escape control bytes and broken UTF-8, appended to `out`. */
void ui_text(struct buf *out, const char *text);
void ui_lines(struct buf *out, const char *text); /* but line ends and tabs stay */

bool ui_color(int fd); /* a terminal, and NO_COLOR is not set */

/* "\033[31m" or "" - `name` is red, green, yellow, blue, cyan, magenta, bold, dim, reset. */
const char *ui_style(int fd, const char *name);

/* Ask on the terminal; false without one, or on anything but yes. */
bool ui_confirm(const char *question);

/* The error as main prints it: "devenv: ...". Kinds and hints included. */
void ui_error(const struct err *err, bool json);

#endif
