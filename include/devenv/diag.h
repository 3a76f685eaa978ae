/*
 * diag.h - problems in files, all at once, each with its place.
 *
 * Loading a manifest reports problems into a list instead of stopping at the first; diag_print()
 * sorts and shows them with the source line and a caret:
 *
 *	envs/shop.yaml:12:5: error: services.web.portz: unknown key (did you mean "ports"?)
 *	   12 |     portz: ["80:80"]
 *	      |     ^
 */
#ifndef DEVENV_DIAG_H
#define DEVENV_DIAG_H

#include "devenv/buf.h"
#include "devenv/json.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_level level;
	size_t order;     /* of the file, in diags.files */
	char *file;       /* as the user knows it */
	int line, column; /* from 1; 0: the whole file */
	char *path;       /* place in the document, "services.web.ports[0]"; may be NULL */
	char *text;
	char *help; /* what is expected, with an example; may be NULL */
};

struct diags {
	struct diag *list;
	size_t n;
	size_t errors, warnings; /* all, the ones over the ceiling of `list` too */
	/* in the order in which they were opened, which is that of output */
	struct strv files;
};

#define DIAGS_INIT ((struct diags){0})

/* Files are shown in the order in which they are made known here, or by their first problem. */
void diag_file(struct diags *diags, const char *file);

/*
 * Add one; `path` and `help` may be NULL. Copies. What repeats is dropped: the same words at the
 * same place, and an error at a place that has one already, for that follows from the first.
 */
void diag_add(struct diags *diags, enum diag_level level, const char *file, int line, int column,
	const char *path, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));

/* true when there is an error at `path` of the document or below it; "" is the top level alone. */
bool diag_has_error(const struct diags *diags, const char *path);

/*
 * Sort by file, line, column and print into `out`, source lines with carets included: the first 20
 * errors and the first 20 warnings, and how many more there are. Controls become "?".
 */
void diag_print(struct diags *diags, struct buf *out);

/*
 * Sorted, for editors: a list of {"file", "line", "column", "severity": "error" or "warning",
 * "path", "message", "hint"}; line and column from 1 (0: the whole file), path and hint null when
 * there is none. The caller's.
 */
json_t *diag_json(struct diags *diags);

void diags_release(struct diags *diags);

#endif
