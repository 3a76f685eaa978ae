/* keys_macros.h - short names for what a key accepts and becomes; for the rows of keys*.c only. */
#ifndef DEVENV_MANIFEST_KEYS_MACROS_H
#define DEVENV_MANIFEST_KEYS_MACROS_H

#include "keys.h"

#define TEXT .accepts = A_STRING, .form = FORM_TEXT
#define FLAG .accepts = A_BOOL | A_STRING, .form = FORM_BOOL
#define PURE_FLAG .accepts = A_BOOL, .form = FORM_BOOL
#define WHOLE .accepts = A_INT | A_STRING, .form = FORM_INT
#define ROUGH_INT .accepts = A_NUMBER | A_STRING, .form = FORM_INT
#define FRACTION .accepts = A_NUMBER | A_STRING, .form = FORM_FLOAT
#define BYTES .accepts = A_NUMBER | A_STRING, .form = FORM_BYTES
#define WHOLE_BYTES .accepts = A_INT | A_STRING, .form = FORM_BYTES
#define DURATION .accepts = A_STRING, .form = FORM_DURATION
#define STRINGS .accepts = A_LIST, .form = FORM_STRINGS
#define STRING_OR_LIST .accepts = A_LIST | A_STRING, .form = FORM_STRINGS
#define LABELS .accepts = A_MAP | A_LIST, .form = FORM_LABELS
#define VARS .accepts = A_MAP | A_LIST, .form = FORM_VARS
#define OPTIONS .accepts = A_MAP, .form = FORM_OPTIONS
#define HOSTS .accepts = A_MAP | A_LIST, .form = FORM_HOSTS
#define COMMAND .accepts = A_STRING | A_LIST | A_NULL, .form = FORM_COMMAND
#define MAP_WITH(s) .accepts = A_MAP, .form = FORM_SHAPE, .shape = &(s)
#define MAP_OR(s, more) .accepts = A_MAP | (more), .form = FORM_SHAPE, .shape = &(s)
#define NAMES_OR_MAP_OF(s) .accepts = A_MAP | A_LIST, .form = FORM_MAP, .shape = &(s)
#define LIST_OF(s) .accepts = A_LIST, .form = FORM_LIST, .shape = &(s)
#define MAP_OF(s) .accepts = A_MAP, .form = FORM_MAP, .shape = &(s)

/* .warning of a row: what is accepted and does nothing. */
#define NOT_DONE "not done yet: nothing comes of it"
#define SWARM_ONLY "for Swarm only: nothing comes of it here"

/*
 * `SHAPE(s, where, rows, .closed = true);` after the rows; put `static` before it where it is
 * local.
 */
#define SHAPE(s, where, rows, ...) \
	const struct shape s = {.place = where, .keys = rows, .n = ARRAY_LEN(rows), ##__VA_ARGS__}

#endif
