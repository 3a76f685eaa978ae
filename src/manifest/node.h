/*
 * node.h - a YAML document as a tree whose every node knows where it came from.
 *
 * The pipeline of this module (private to it; devenv/manifest.h is the public face):
 *
 *	yaml.c         text -> nodes; anchors and `<<` resolved, duplicates and bombs refused
 *	interpolate.c  ${VAR} in scalars
 *	canonical.c    short forms -> long forms, per file, driven by the table of keys.c
 *	extends.c include.c merge.c   several files -> one tree (override rules of the Compose spec)
 *	check.c        the tree against the table of keys.c: unknown keys, wrong types, did you mean
 *	model.c        normalised -> json_t, equal to what `docker compose config` prints
 *	load.c         runs them in order
 *
 * Nodes live in an arena that is released at once; nothing in a tree is freed on its own.
 */
#ifndef DEVENV_MANIFEST_NODE_H
#define DEVENV_MANIFEST_NODE_H

#include "devenv/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_DATE, /* date.h */
	NODE_STRING,
	NODE_LIST,
	NODE_MAP
};

/*
 * `!reset` and `!override` (compose-spec 13-merge.md); they act in merge.c and are gone after it.
 */
enum node_tag { TAG_NONE, TAG_RESET, TAG_OVERRIDE };

struct position {
	const char *file; /* lives as long as the arena */
	int line, column; /* from 1 */
};

/* 64 bytes: a document is little else. */
struct node {
	enum node_kind kind : 8;
	enum node_tag tag : 8;
	bool quoted;        /* a quoted or block scalar: always a string */
	bool turned;        /* canonical.c made a map of a list of KEY=VALUE, or a list of a map */
	bool keys_borrowed; /* `keys` is another map's as well: node.c's own */
	uint32_t n, cap;
	struct position at;
	const char *text; /* scalars: as written (after interpolation); NUL-terminated UTF-8 */
	union {
		bool boolean;
		int64_t integer;
		double number;
		struct node_index *index; /* of large maps; node.c's own */
	};
	struct node **items; /* list items, or map values */
	struct node **keys;  /* map: scalar nodes, keys[i] names items[i]; order as written */
};

/* === arena.c === */

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena);
size_t arena_size(const struct arena *arena);        /* bytes taken from the system */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* === node.c: building and reading; `at` may be NULL === */

struct node *node_new(struct arena *arena, enum node_kind kind, const struct position *at);
struct node *node_string(
	struct arena *arena, const struct position *at, const char *text); /* copies */
struct node *node_int(struct arena *arena, const struct position *at, int64_t value);
struct node *node_bool(struct arena *arena, const struct position *at, bool value);

/* Give a plain scalar its YAML 1.2 core type from its text (null, bool, int, float, date, string).
 */
void node_resolve(struct node *scalar);

struct node *node_get(const struct node *map, const char *key); /* NULL when absent or no map */
/* NULL when absent or no list */
struct node *node_item(const struct node *list, size_t i);
const char *node_get_text(const struct node *map, const char *key); /* scalar text or NULL */
struct node *node_get_key(
	const struct node *map, const char *key); /* the key's own node, or NULL */

/* Add without looking: `key` must not be there yet. */
void node_add(struct arena *arena, struct node *map, struct node *key, struct node *value);
void node_set(struct arena *arena, struct node *map, const char *key, struct node *value);
bool node_remove(struct arena *arena, struct node *map, const char *key);
void node_append(struct arena *arena, struct node *list, struct node *item);
void node_reserve(struct arena *arena, struct node *node, uint32_t cap); /* room for so many */
/* An empty map gets the keys of a full one, all values NULL, without a copy of the keys as long as
 * neither is changed. */
void node_borrow_keys(struct arena *arena, struct node *map, struct node *from);
void node_own_keys(struct arena *arena, struct node *map); /* before keys[] is written to */
struct node *node_copy(struct arena *arena, const struct node *node); /* deep */
bool node_equal(const struct node *a, const struct node *b); /* as values; positions ignored */
bool node_is_scalar(const struct node *node); /* bool, int, float, date or string; not null */

/* "a map", "a list", "a string", "the number 5"...: for messages. Borrowed. */
const char *node_kind_name(const struct node *node);

/* Report a problem at `node` (diag.h). `path` is "services.web.ports[0]"; may be NULL. */
void node_error(struct diags *diags, const struct node *node, const char *path, const char *help,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void node_warning(struct diags *diags, const struct node *node, const char *path, const char *help,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
