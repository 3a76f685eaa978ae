/*
 * auth.h - who may do what at a registry: answering its 401s.
 *
 * The scheme is the registry's choice (RFC 9110 section 11.6.1): Basic, or Bearer with a token that
 * its authorization server gives for a scope (distribution, docs/content/spec/auth/token.md and
 * oauth.md).  The credentials are those of `docker login` (credential.h), looked up when first
 * asked for.  Tokens are kept for their time and fetched anew before it ends, so that a long upload
 * does not fail half way.
 *
 *	struct auth *auth = auth_new("registry.acme.example", sink);
 *	do {
 *		if (auth_line(auth, client, "repository:shop/seed:pull", &line, err) < 0)
 *			return -1;
 *		... send the request with the header `line` (when not NULL) ...
 *	} while (status == 401 && auth_challenged(auth, challenge, scope, err) == 0);
 *
 * Not for several threads at once.  Errors are ERR_REGISTRY.
 */
#ifndef DEVENV_AUTH_H
#define DEVENV_AUTH_H

#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/http.h"

#include <stdbool.h>

struct auth;

/* `registry`: "docker.io" or HOST[:PORT]; `sink` hears of broken credential helpers. Never NULL. */
struct auth *auth_new(const char *registry, const struct sink *sink);

/* The same with what it knows by now, for another thread. Never NULL. */
struct auth *auth_clone(const struct auth *auth);

void auth_free(struct auth *auth); /* NULL is fine */

/*
 * The header "Authorization: ..." for `scope`, or NULL as long as the registry has asked for
 * nothing. Fetches a token over `client` when none is held that lasts. Borrowed until the next
 * call.
 */
int auth_line(struct auth *auth, struct http_client *client, const char *scope, const char **line,
	struct err *err);

/*
 * A request with that header was answered by 401 and `challenge` (all WWW-Authenticate headers,
 * joined; NULL: none). 0: ask again, auth_line() has another header. -1: nothing more can be tried;
 * the hint says what can.
 */
int auth_challenged(struct auth *auth, const char *challenge, const char *scope, struct err *err);

/*
 * The parameter `name` of the challenge with that scheme ("Bearer") in a WWW-Authenticate header,
 * which may hold several (RFC 9110 section 11.6.1). The caller's. NULL: no such parameter; *found
 * (may be NULL) says whether there is such a challenge at all.
 */
char *auth_challenge(const char *header, const char *scheme, const char *name, bool *found);

#endif
