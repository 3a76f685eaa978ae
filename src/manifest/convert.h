/*
 * convert.h - nodes to JSON values by the table of keys: casting, units, and what is left out.
 *
 * The result is what encoding/json makes of compose-go's types: empty values are left out, sizes
 * are strings of bytes, durations are as Go prints them, a fraction has single precision.
 */
#ifndef DEVENV_MANIFEST_CONVERT_H
#define DEVENV_MANIFEST_CONVERT_H

#include "keys.h"
#include "place.h"

#include "devenv/json.h"

/* Strings made lately, shared by all that are the same: "tcp" stands in every port of a range. */
#define CONVERT_RECENT 64

struct convert {
	struct diags *diags;
	bool raw;        /* not interpolated: what cannot be cast stays a string */
	json_t **recent; /* CONVERT_RECENT slots, owned by the caller */
};

/* An object with the keys of `shape`, in the table's order; `map` may be NULL or a null. x- keys
 * are kept at the end. The caller's; never NULL. */
json_t *convert_shape(const struct convert *c, const struct shape *shape, const struct node *map,
	const struct place *place);

/* The value as it is written: for x- keys. The caller's. */
json_t *convert_any(const struct node *node);

/* A scalar as Go's fmt.Sprint prints it: 1.0 is "1", 1e10 is "1e+10". Null is "". The caller's. */
char *convert_text(const struct node *scalar);

/* Split like a shell (mattn/go-shellwords): quotes and backslashes, up to an unquoted ; & | < >.
 * NULL: a quote or parenthesis is not closed. The caller's array of strings. */
json_t *convert_words(const char *text);

/* "1h30m" and also "2d", "1w" (xhit/go-str2duration). */
bool convert_duration(const char *text, int64_t *ns);

#endif
