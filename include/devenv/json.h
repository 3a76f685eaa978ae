/*
 * json.h - jansson's loading and printing, with the flags chosen once, and short accessors.
 *
 * json_t is a fine value type and passes through all layers, but only this module parses or prints
 * it.  The accessors take NULL and wrong types and answer NULL, 0 or false.  They borrow.
 */
#ifndef DEVENV_JSON_H
#define DEVENV_JSON_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void cleanup_json(json_t **json);
#define autojson __attribute__((cleanup(cleanup_json)))

/* Parse one value (scalars too; duplicate keys refused). `what` names it in the error. */
json_t *json_parse(const char *text, size_t len, const char *what, struct err *err);
json_t *json_parse_file(const char *path, enum err_kind kind, struct err *err);

/* Printed, the caller's: on one line in key order as inserted; with sorted keys; for people. */
char *json_print(const json_t *json);
char *json_print_sorted(const json_t *json);
char *json_print_pretty(const json_t *json);

/* A member by a path of keys: json_at(o, "HostConfig", "NetworkMode", NULL). */
json_t *json_at(const json_t *json, const char *key, ...) __attribute__((sentinel));

const char *json_str(const json_t *object, const char *key); /* NULL when absent or no string */
int64_t json_int(const json_t *object, const char *key);     /* 0 when absent */
bool json_bool(const json_t *object, const char *key);

/* Set a string made by printf; invalid UTF-8 is replaced by '?'. */
void json_setf(json_t *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Set a copy of `s` (absent when NULL). */
void json_set_str(json_t *object, const char *key, const char *s);

json_t *json_string_safe(const char *s);     /* '?' for invalid UTF-8; never NULL */
json_t *json_from_strv(const struct strv *); /* array of strings */
void json_to_strv(const json_t *array, struct strv *out);

#endif
