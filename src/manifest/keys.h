/*
 * keys.h - the one table of keys that a manifest may have.
 *
 * Every key of the Compose Specification's schema (compose-spec.json as of docker compose 2.40)
 * plus devenv's own `x-` keys.  From a row come: the check of a file (check.c), the "did you mean",
 * the form that the value takes in the model (model.c) and the JSON Schema (schema.c).  Adding a
 * key is adding a row.
 *
 * A shape is the set of keys of one kind of map: a service, a build, a port...  shape_document is
 * the root.  Rows are grouped in keys.c (top level), keys_service.c and keys_deploy.c.
 */
#ifndef DEVENV_MANIFEST_KEYS_H
#define DEVENV_MANIFEST_KEYS_H

#include "node.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What the schema lets a value be. A string stands for a number or a boolean where both bits are
 * set.
 */
enum accepts {
	A_STRING = 1,
	A_INT = 2,
	A_NUMBER = 4, /* whole or not */
	A_BOOL = 8,
	A_NULL = 16,
	A_LIST = 32,
	A_MAP = 64,
};

/* How a value looks in the model; named after the types of compose-go that they reproduce. */
enum form {
	FORM_TEXT,     /* left out when empty */
	FORM_BOOL,     /* left out when false, unless KEY_KEEP */
	FORM_INT,      /* left out when 0, unless KEY_KEEP */
	FORM_FLOAT,    /* of single precision, left out when 0 */
	FORM_BYTES,    /* "512m" -> "536870912" */
	FORM_DURATION, /* "90s" -> "1m30s" */
	FORM_MODE,     /* "0440" or 288 -> "0440" */
	FORM_COUNT,    /* "all" -> -1 */
	FORM_STRINGS,  /* list of strings; one string is a list of one */
	FORM_VARS,     /* map of strings or null; list of KEY=VALUE or KEY */
	FORM_LABELS,   /* map of strings; list of KEY=VALUE */
	FORM_OPTIONS,  /* map of strings */
	FORM_MULTI,    /* map of lists of strings */
	FORM_HOSTS,    /* list of HOST=IP, sorted */
	FORM_COMMAND,  /* list of words; a string is split like a shell does; null when absent */
	FORM_TEST,     /* a string is CMD-SHELL */
	FORM_ULIMITS,  /* map of a number or {soft, hard} */
	FORM_SSH,      /* list of ID or ID=PATH */
	FORM_SHAPE,    /* a map with the keys of key->shape */
	FORM_LIST,     /* a list of such maps */
	FORM_MAP,      /* a map of names to such maps */
	FORM_ANY,      /* as written */
	FORM_NONE,     /* not in the model: read and used up while loading */
};

enum key_flags {
	KEY_REQUIRED = 1, /* the map is wrong without it (asked after merging) */
	KEY_KEEP = 2,     /* in the model even when 0, false or empty, if it was written */
	KEY_ALWAYS = 4,   /* in the model even when it was not written */
	KEY_UNIQUE = 8,   /* a list without equal items */
	KEY_NAMES = 16,   /* a map's names must be [a-zA-Z0-9._-]+ */
	KEY_NULLS = 32,   /* a map's values may be null */
	KEY_NUMBERS = 64, /* list items may be numbers too */
};

struct shape;

struct key {
	const char *name;
	unsigned accepts; /* enum accepts */
	enum form form;
	unsigned flags;            /* enum key_flags */
	unsigned items;            /* FORM_LIST and FORM_MAP: what items may be besides maps */
	const struct shape *shape; /* FORM_SHAPE, FORM_LIST, FORM_MAP */
	const char *values;        /* the allowed words, "a|b|c"; NULL: any */
	int64_t min, max;          /* both 0: any */
	const char *out;           /* name in the model when it differs */
	const char *doc;           /* one line */
	const char *example;       /* a value; NULL: by the form */
	const char *warning;       /* said wherever it is written; NULL: nothing */
};

struct shape {
	const char *place; /* "services.NAME.build" */
	const struct key *keys;
	size_t n;
	bool closed; /* x- keys are refused */
	bool open;   /* any other key is fine */
};

extern const struct shape shape_document, shape_service, shape_build, shape_port, shape_mount,
	shape_deploy, shape_healthcheck, shape_develop, shape_dependency, shape_file_mount,
	shape_device_request, shape_hook, shape_network, shape_volume, shape_secret, shape_config,
	shape_model, shape_include, shape_ulimit, shape_service_network;

/* All shapes, for searching where a misplaced key belongs; each list ends with NULL. */
extern const struct shape *const shapes_top[], *const shapes_service[], *const shapes_deploy[];

const struct key *shape_find(const struct shape *shape, const char *name); /* NULL: no such key */

/* The value of an example line, from the row or by its form. Borrowed. */
const char *key_example(const struct key *key);

/* "for example: restart: always". The caller's. */
char *key_help(const struct key *key);

/* "a list", "a string or a number"...; into `out`, which is returned. */
const char *key_expected(unsigned accepts, char *out, size_t size);

/* true when `name` is an extension's name: x-... */
bool key_is_extension(const char *name);

/*
 * A string where a number or boolean stands, as compose casts it: YAML 1.1's yes/no/on/off
 * included.
 */
bool key_to_bool(const struct node *node, bool *out);
bool key_to_int(const struct node *node, int64_t *out);
bool key_to_float(const struct node *node, double *out);

#endif
