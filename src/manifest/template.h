/*
 * template.h - variables in one string: $V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r} and $$
 * (compose-spec 12-interpolation.md); private to this module.
 *
 * A `$` that starts none of these stays as it is. Defaults, replacements and error texts may
 * contain variables again.
 */
#ifndef DEVENV_MANIFEST_TEMPLATE_H
#define DEVENV_MANIFEST_TEMPLATE_H

#include "devenv/buf.h"
#include "devenv/json.h"

struct template
{
	const json_t *env;  /* name -> string; wins */
	const json_t *more; /* looked at next; may be NULL */
	/* Called for a variable that is not set and has no default; may be NULL. */
	void (*unset)(void *context, const char *name);
	/*
	 * When set, nothing is looked up: it is called for each variable, those inside of defaults
	 * and replacements too. `op` is '-', '?', '+' or 0, and `word` what stands after it.
	 */
	void (*found)(void *context, const char *name, char op, const char *word);
	void *context;
	char problem[1024]; /* after a failure: what is wrong */
};

/* Append `text` with its variables replaced. -1 with template->problem set. */
int template_expand(struct template *template, const char *text, struct buf *out);

/* true when template_expand() would change `text` or complain about it. */
bool template_has_variables(const char *text);

#endif
