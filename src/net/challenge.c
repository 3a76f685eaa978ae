/*
 * challenge.c - reading WWW-Authenticate.
 *
 * The grammar is awkward: a comma parts both the challenges and the parameters of one of them
 * ("Basic realm="a", Bearer realm="b",service="c""), so that only what follows a word tells whether
 * it names a scheme or a parameter.
 */
#include "devenv/auth.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <strings.h>

#define SPACE " \t"
#define ENDS_WORD " \t,=\""

/* A value, quoted or not; *at goes behind it. The caller's. */
static char *take_value(const char **at)
{
	struct buf out = BUF_INIT(0);
	const char *s = *at;

	if (*s != '"') {
		size_t len = strcspn(s, " \t,");

		*at = s + len;
		return xstrndup(s, len);
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		buf_addch(&out, *s);
	}
	*at = s + (*s == '"');
	return buf_detach(&out);
}

char *auth_challenge(const char *header, const char *scheme, const char *name, bool *found)
{
	const char *at = header;
	bool inside = false, any = false;
	char *result = NULL;

	while (*(at += strspn(at, " \t,="))) {
		size_t len = strcspn(at, ENDS_WORD);
		autofree char *word = xstrndup(at, len), *value = NULL;

		at += len;
		at += strspn(at, SPACE);
		if (*at == '=') {
			at++;
			at += strspn(at, SPACE);
			value = take_value(&at);
			if (inside && !result && strcasecmp(word, name) == 0)
				result = TAKE(value);
		} else if (len) {
			inside = strcasecmp(word, scheme) == 0;
			any = any || inside;
		} else {
			at++; /* a quote where none may be */
		}
	}
	if (found)
		*found = any;
	return result;
}
