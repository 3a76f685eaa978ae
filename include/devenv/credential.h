/*
 * credential.h - who we are at a registry: what `docker login` wrote.
 *
 * Reads $DOCKER_CONFIG/config.json (~/.docker/config.json) as docker's own client does:
 * DOCKER_AUTH_CONFIG first, then credHelpers for this registry, then credsStore, then auths.  A
 * helper that fails is no error: the user hears of it and the pull goes on without credentials, as
 * most images are public.
 *
 *	struct credential credential = {0};
 *	credential_find("registry.acme.example:5000", sink, &credential);
 *	autofree char *header = credential_header(&credential);	// NULL: anonymous
 *	credential_release(&credential);
 */
#ifndef DEVENV_CREDENTIAL_H
#define DEVENV_CREDENTIAL_H

#include "devenv/err.h"
#include "devenv/event.h"

#include <stdbool.h>

struct credential {
	char *server;   /* the key it is kept under */
	char *user;     /* NULL: none found */
	char *password; /* or */
	char *token;    /* an identity token instead of both */
};

/* Find the credentials of a registry ("docker.io" or HOST[:PORT]); true when there are any. */
bool credential_find(const char *registry, const struct sink *sink, struct credential *out);

/* The value of X-Registry-Auth (URL-safe base64 of JSON), the caller's; NULL when there is none. */
char *credential_header(const struct credential *credential);

/*
 * A config.json with the credentials of all registries, as `docker run --use-api-socket` gives it
 * to a container: those of credsStore or else auths, of credHelpers, and of DOCKER_AUTH_CONFIG.
 * *config is the caller's, who wipes it. ERR_REGISTRY when the store cannot list or give them.
 */
int credential_config(const struct sink *sink, char **config, struct err *err);

void credential_release(struct credential *credential);

/* The registry of an image reference: "nginx" is "docker.io". The caller's. */
char *credential_registry(const char *ref);

/*
 * The file with the authority of a registry of one's own, where the engines look for it:
 * certs.d/HOST[:PORT]/ca.crt in ~/.config/docker, ~/.config/containers, /etc/docker and
 * /etc/containers. The caller's; NULL: none.
 */
char *credential_authority(const char *registry);

/* $DOCKER_CONFIG or ~/.docker. The caller's. */
char *credential_config_dir(void);

#endif
