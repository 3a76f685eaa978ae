/* canary.h - what looks for strings and for patterns share.  Private to src/snapshot. */
#ifndef SNAPSHOT_CANARY_H
#define SNAPSHOT_CANARY_H

#include "devenv/canary.h"

#include <stdint.h>

struct canary_rules {
	char **strings;
	size_t *lens;
	size_t n_strings;
	char **allowed;
	size_t n_allowed;
	/* Of Wu and Manber's search: see canary.c. */
	size_t shortest;
	unsigned char shift[1 << 16];
	uint32_t head[1 << 16]; /* number of a string + 1, or 0 */
	uint32_t *next;
};

struct canary_look {
	const struct canary_rules *rules;
	const struct canary_view *view;
	void (*found)(void *ctx, const struct canary_hit *hit);
	void *ctx;
};

/*
 * Is a match with that end this view's to tell? One at the very end may go on: then the next view
 * has all of it.
 */
static inline bool canary_is_ours(const struct canary_view *view, size_t end)
{
	return end >= view->from && (end < view->len || view->last);
}

void canary_emails(const struct canary_look *look);
void canary_cards(const struct canary_look *look);

#endif
