/*
 * canary.h - what must not be in a snapshot that leaves: strings, e-mail addresses, card numbers.
 *
 * A canary is a string that only production has: a customer's name, a row planted for it.  Where it
 * turns up, masking missed something.  Addresses and card numbers are found without being named.
 *
 *	struct canary_rules *rules = canary_rules_new(strings, allowed, err);
 *	canary_scan(rules, &(struct canary_view){.data = data, .len = len, .first = true,
 *		.last = true}, found, ctx);
 *	canary_rules_free(rules);
 *
 * Bytes are looked at as they are stored.  What is compressed or encrypted by the database, or in
 * UTF-16, is not seen; nor is what a page's border cuts in two.  So this finds what rules forgot, a
 * column, a log, deleted rows that are still in the files; it is no proof that nothing is left.
 *
 * An e-mail address: 2 to 64 of [A-Za-z0-9._%+'-], "@", and a domain of two labels at least, the
 * last but one of two characters or more, the last of 2 to 24 letters.  In files of databases
 * columns follow each other without a gap: so a domain ends before a capital after a small letter,
 * and before a digit in its last label.
 *
 * A card number (ISO/IEC 7812-1): 13 to 19 digits of a length and with a beginning that a brand has
 * (Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay), whose last is right
 * (Luhn); in one run of digits, or as 4-4-4-4 or 4-6-5 with "-" or " ".  In runs over 16 digits
 * also the first 15 or 16 are tried; decimals are none.
 */
#ifndef DEVENV_CANARY_H
#define DEVENV_CANARY_H

#include "devenv/err.h"
#include "devenv/json.h"

#include <stdbool.h>
#include <stddef.h>

enum canary_kind { CANARY_STRING, CANARY_EMAIL, CANARY_CARD, CANARY_KINDS };

/* "canary", "e-mail address", "card number". */
const char *canary_kind_name(enum canary_kind kind);

#define CANARY_MIN 4       /* bytes of a string: shorter ones are everywhere */
#define CANARY_MAX 256     /* and its most */
#define CANARIES_MAX 10000 /* strings, and things allowed */

struct canary_rules;

/*
 * `strings` and `allowed`: arrays of strings, or NULL. Allowed are domains, for addresses there and
 * below ("acme.example"), whole addresses, card numbers as they are stored; a "*" at the end stands
 * for anything. The domains that belong to nobody (RFC 2606: example.com, .test and so on) are
 * always. NULL with err, ERR_USAGE, naming the entry that is too short or too long.
 */
struct canary_rules *canary_rules_new(
	const json_t *strings, const json_t *allowed, struct err *err);
void canary_rules_free(struct canary_rules *rules); /* NULL is fine */

/*
 * Bytes that follow each other, seen piece by piece: each view but the first begins with the last
 * CANARY_CONTEXT bytes of the one before, or all when there are not as many. So nothing is missed
 * at a border, and nothing is found twice.
 */
#define CANARY_CONTEXT 1024

struct canary_view {
	const void *data;
	size_t len;
	size_t from; /* where the new bytes begin; 0 for the first */
	bool first;  /* there is nothing before `data` */
	bool last;   /* nor after it */
};

struct canary_hit {
	enum canary_kind kind;
	size_t at, len; /* in the view */
	size_t number;  /* CANARY_STRING: of the string, from 0 */
};

void canary_scan(const struct canary_rules *rules, const struct canary_view *view,
	void (*found)(void *ctx, const struct canary_hit *hit), void *ctx);

/* Room for canary_redact(), with its NUL. */
#define CANARY_REDACTED 300

/*
 * A hit's bytes as they may be shown: "j***@acme.example", "411111******1111", "Mr***"; what is not
 * printable ASCII is "?".
 */
void canary_redact(enum canary_kind kind, const void *data, size_t len, char out[CANARY_REDACTED]);

#endif
