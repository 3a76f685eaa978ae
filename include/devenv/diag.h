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

#include <stdbool.h>
#include <stddef.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_level level;
	char *file;       /* as the user knows it */
	int line, column; /* from 1; 0: the whole file */
	char *path;       /* place in the document, "services.web.ports[0]"; may be NULL */
	char *text;
	char *help; /* what is expected, with an example; may be NULL */
};

struct diags {
	struct diag *list;
	size_t n;
	size_t errors;
};

#define DIAGS_INIT ((struct diags){0})

/* Add one; `path` and `help` may be NULL. Copies. Exact repeats are dropped. */
void diag_add(struct diags *diags, enum diag_level level, const char *file, int line, int column,
	const char *path, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));

/* Sort by file, line, column and print all into `out`, source lines with carets included. */
void diag_print(struct diags *diags, struct buf *out);

void diags_release(struct diags *diags);

#endif
