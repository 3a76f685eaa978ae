/*
 * place.h - where in a document the walk is: a chain of the caller's locals, made text only for a
 * message, so that walking costs nothing.
 *
 *	struct place services = {.name = "services"};
 *	struct place web = {.up = &services, .name = "web"};
 *	autofree char *path = place_text(&web);	-> "services.web"
 */
#ifndef DEVENV_MANIFEST_PLACE_H
#define DEVENV_MANIFEST_PLACE_H

#include "node.h"

struct place {
	const struct place *up; /* NULL: below the root */
	const char *name;       /* NULL: item number `index` of a list */
	size_t index;
};

/* "services.web.ports[0]"; "" for NULL. The caller's. */
char *place_text(const struct place *place);

/* node_error() with the text of a place, or node_warning() below an `x-` key. */
void place_error(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* What is accepted and does not mean what it seems to. */
void place_warning(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * place_error() for what is not there, unless something at `place` or below is wrong already: that
 * is probably the missing part, misspelt.
 */
void place_missing(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
