/*
 * canonical.h - the parts of canonical.c, by subject; private to them.
 *
 * Each turns one short form into its long form as compose-go's transform and format packages do.
 */
#ifndef DEVENV_MANIFEST_CANONICAL_H
#define DEVENV_MANIFEST_CANONICAL_H

#include "node.h"
#include "place.h"

struct canonical {
	struct arena *arena;
	const char *dir; /* where relative paths begin; absolute */
	bool raw;        /* see canonical_document() */
	struct diags *diags;
};

/* canonical_ports.c: `ports` with every short form as maps; a range becomes several. */
void canonical_ports(const struct canonical *c, struct node *service, const struct place *place);

/* canonical_volumes.c: `volumes` and `devices` of a service. */
void canonical_mounts(const struct canonical *c, struct node *service, const struct place *place);

/* canonical_paths.c; all keep what is no string. */

/* ~ expanded, relative to c->dir; an absolute path stays as written. */
void canonical_path(const struct canonical *c, struct node *map, const char *key);
/* The same for a node (an item of a list, or a map's value). */
void canonical_path_node(const struct canonical *c, struct node *text);
/* As canonical_path_node(), but a Windows path is absolute too. */
void canonical_host_path(const struct canonical *c, struct node *text);
/* As canonical_path_node(), but a URL or service:NAME stays: for build contexts. */
void canonical_context(const struct canonical *c, struct node *text);
/* As canonical_path_node(), and a symbolic link on the way is followed. */
void canonical_real_path(const struct canonical *c, struct node *text);

/* Replace the text of a scalar node. */
void canonical_set_text(struct arena *arena, struct node *scalar, const char *text);

#endif
