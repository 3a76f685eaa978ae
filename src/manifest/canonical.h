/*
 * canonical.h - the parts of canonical.c, by subject; private to them.
 *
 * Each turns one short form into its long form as compose-go's transform and format packages do.
 */
#ifndef DEVENV_MANIFEST_CANONICAL_H
#define DEVENV_MANIFEST_CANONICAL_H

#include "node.h"
#include "pipeline.h"
#include "place.h"

struct canonical {
	struct arena *arena;
	const struct canonical_rules *rules;
	struct diags *diags;
};

/* canonical_ports.c: `ports` with every short form as maps; a range becomes several. */
void canonical_ports(const struct canonical *c, struct node *service, const struct place *place);

/* canonical_volumes.c: `volumes` and `devices` of a service. */
void canonical_mounts(const struct canonical *c, struct node *service, const struct place *place);

/* canonical_paths.c; all keep what is no string. */

/* A file that is read: ~ expanded, against rules->dir; an absolute path stays as written. */
void canonical_file(const struct canonical *c, struct node *text);
/* The same, where rules->shown has a say. */
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
