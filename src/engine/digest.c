/*
 * digest.c - which image a name stands for at its registry now.
 *
 * Docker is asked, as it knows its mirrors and insecure registries.  Podman has no such request;
 * there the registry is asked: the digest is the hash of the manifest (OCI distribution-spec v1.1,
 * "Pulling manifests"; tokens: distribution's docs/content/spec/auth/token.md).
 */
#include "engine_priv.h"

#include "devenv/auth.h"
#include "devenv/credential.h"
#include "devenv/hash.h"
#include "devenv/http.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* What registries let a manifest be at most. */
#define MANIFEST_MAX ((size_t)4 << 20)

static const char accept_line[] = "Accept: application/vnd.oci.image.index.v1+json, "
				  "application/vnd.docker.distribution.manifest.list.v2+json, "
				  "application/vnd.oci.image.manifest.v1+json, "
				  "application/vnd.docker.distribution.manifest.v2+json";

/* === names === */

struct reference {
	char *registry, *name, *tag;
	char *digest; /* or NULL */
};

static void reference_release(struct reference *reference)
{
	free(reference->registry);
	free(reference->name);
	free(reference->tag);
	free(reference->digest);
}

#define autoreference __attribute__((cleanup(reference_release)))

/* "nginx" is docker.io, library/nginx, latest. */
static struct reference reference_of(const char *ref)
{
	struct reference out = {.registry = credential_registry(ref)};
	const char *slash = strchr(ref, '/'), *at = strchr(ref, '@');
	autofree char *first = slash ? xstrndup(ref, (size_t)(slash - ref)) : NULL;
	bool named = first && (strpbrk(first, ".:") || str_eq(first, "localhost"));
	autofree char *rest = xstrdup(named ? slash + 1 : ref);
	char *tag;

	rest[strcspn(rest, "@")] = '\0';
	tag = strrchr(rest, ':');
	if (tag && !strchr(tag, '/'))
		*tag++ = '\0';
	else
		tag = NULL;
	out.tag = xstrdup(tag ? tag : "latest");
	out.digest = at ? xstrdup(at + 1) : NULL;
	out.name = str_eq(out.registry, "docker.io") && !strchr(rest, '/')
			   ? xasprintf("library/%s", rest)
			   : TAKE(rest);
	return out;
}

/* === Docker === */

static int ask_engine(struct engine *engine, const char *ref, const struct sink *sink,
	char **digest, struct err *err)
{
	autofree char *name = engine_escape(ref);
	autofree char *path = xasprintf("/distribution/%s/json", name);
	autofree char *auth = registry_auth_line(ref, sink);
	struct http1_request request = {.method = "GET",
		.path = path,
		.headers = auth,
		.body_fd = -1,
		.interruptible = true};
	autojson json_t *answer = NULL;

	if (engine_request(engine, &request, &answer, err) < 0)
		return -1;
	*digest = xstrdup(json_str(json_object_get(answer, "Descriptor"), "digest"));
	return *digest ? 0 : err_set(err, ERR_ENGINE, "the engine's answer has no digest");
}

/* === the registry itself === */

static int on_data(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(
			err, ERR_REGISTRY, "the answer is larger than %zu bytes", MANIFEST_MAX);
	return 0;
}

/* As engines do: only this machine itself is spoken to without TLS. */
static char *manifest_url(const struct reference *reference)
{
	const char *host = reference->registry;

	if (str_eq(host, "docker.io"))
		host = "registry-1.docker.io";
	return xasprintf("%s://%s/v2/%s/manifests/%s", http_is_local(host) ? "http" : "https", host,
		reference->name, reference->tag);
}

/* Once, and again for as long as the registry's challenge can be answered. */
static int fetch(struct http_client *client, struct auth *auth, const struct reference *reference,
	struct buf *body, struct err *err)
{
	autofree char *url = manifest_url(reference);
	autofree char *scope = xasprintf("repository:%s:pull", reference->name);
	autoresponse struct http_response response = {0};
	const char *headers[] = {accept_line, NULL, NULL};
	struct http_request request = {
		.url = url, .headers = headers, .on_data = on_data, .ctx = body};
	autofree char *challenge = NULL;

	do {
		if (auth_line(auth, client, scope, &headers[1], err) < 0 ||
			http_send(client, &request, &response, err) < 0)
			return -1;
		free(challenge);
		challenge = http_header_all(&response, "WWW-Authenticate");
	} while (response.status == 401 && auth_challenged(auth, challenge, scope, err) == 0);
	if (response.status < 400)
		return 0;
	if (response.status != 401)
		err_set(err, ERR_REGISTRY, "HTTP status %d: %s", response.status,
			http_status_means(response.status));
	err->status = response.status;
	return -1;
}

static int ask_registry(
	const struct reference *reference, const struct sink *sink, char **digest, struct err *err)
{
	autobuf struct buf body = BUF_INIT(MANIFEST_MAX);
	autofree char *authority = credential_authority(reference->registry);
	struct http_client *client = http_client_new();
	struct auth *auth = auth_new(reference->registry, sink);
	char hash[SHA256_HEX];
	int result;

	http_client_trust(client, authority);
	result = fetch(client, auth, reference, &body, err);
	if (result == 0) {
		sha256_hex(buf_str(&body), body.len, hash);
		*digest = xasprintf("sha256:%s", hash);
	}
	auth_free(auth);
	http_client_free(client);
	return result;
}

static int digest_error(const char *ref, const struct reference *reference, struct err *err)
{
	if (err->kind == ERR_CANCELLED)
		return -1;
	err->kind = ERR_REGISTRY;
	err_wrap(err, "find the digest of %s", ref);
	if (strstr(err->msg, "docker login"))
		return -1;
	return err_hint(err,
		"check the name and the tag; if %s wants a login, run: docker login %s",
		reference->registry, reference->registry);
}

int image_pin(struct engine *engine, const char *ref, const struct sink *sink, char **pinned,
	struct err *err)
{
	autoreference struct reference reference = reference_of(ref);
	autofree char *digest = NULL;
	int result = 0;

	if (reference.digest) {
		*pinned = xasprintf(
			"%s/%s@%s", reference.registry, reference.name, reference.digest);
		return 0;
	}
	if (engine_facts(engine)->podman)
		result = ask_registry(&reference, sink, &digest, err);
	else
		result = ask_engine(engine, ref, sink, &digest, err);
	if (result < 0)
		return digest_error(ref, &reference, err);
	*pinned = xasprintf(
		"%s/%s:%s@%s", reference.registry, reference.name, reference.tag, digest);
	return 0;
}
