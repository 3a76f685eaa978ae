/*
 * digest.c - which image a name stands for at its registry now.
 *
 * Docker is asked, as it knows its mirrors and insecure registries.  Podman has no such request;
 * there the registry is asked: the digest is the hash of the manifest (OCI distribution-spec v1.1,
 * "Pulling manifests"; tokens: distribution's docs/content/spec/auth/token.md).
 */
#include "engine_priv.h"

#include "devenv/credential.h"
#include "devenv/hash.h"
#include "devenv/http.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <strings.h>

/* What registries let a manifest be at most; a token is far smaller. */
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

struct answer {
	struct buf body;
	char *challenge; /* WWW-Authenticate */
};

static int on_data(void *ctx, const void *data, size_t len, struct err *err)
{
	struct answer *answer = ctx;

	if (answer->body.len + len > MANIFEST_MAX)
		return err_set(
			err, ERR_REGISTRY, "the answer is larger than %zu bytes", MANIFEST_MAX);
	buf_add(&answer->body, data, len);
	return 0;
}

static void on_header(void *ctx, const char *line)
{
	static const char name[] = "www-authenticate:";
	struct answer *answer = ctx;

	if (strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	line += sizeof(name) - 1;
	free(answer->challenge);
	answer->challenge = xstrdup(line + strspn(line, " \t"));
}

static void answer_release(struct answer *answer)
{
	buf_release(&answer->body);
	cleanup_free(&answer->challenge);
}

#define autoanswer __attribute__((cleanup(answer_release)))
#define ANSWER_INIT ((struct answer){.body = BUF_INIT(MANIFEST_MAX + 1)})

static int fetch(const char *url, const char *authorization, struct answer *answer, struct err *err)
{
	const char *headers[] = {accept_line, authorization, NULL};
	struct http_get get = {.url = url,
		.on_data = on_data,
		.on_header = on_header,
		.ctx = answer,
		.headers = headers};

	return http_get(&get, err);
}

/* realm="..." of a challenge. The caller's; NULL when it is not there. */
static char *parameter(const char *challenge, const char *name)
{
	autofree char *start = xasprintf("%s=\"", name);
	const char *at = strcasestr(challenge, start);

	if (!at)
		return NULL;
	at += strlen(start);
	return xstrndup(at, strcspn(at, "\""));
}

/* "Authorization: Basic ...", or NULL without credentials. */
static char *basic_line(const struct credential *credential)
{
	autofree char *pair = NULL, *encoded = NULL;

	if (!credential->user || !credential->password)
		return NULL;
	pair = xasprintf("%s:%s", credential->user, credential->password);
	encoded = base64_encode(pair, strlen(pair), 0);
	explicit_bzero(pair, strlen(pair));
	return xasprintf("Authorization: Basic %s", encoded);
}

/* Exchange the credentials, or none, for a token. "Authorization: Bearer ..." or NULL with err. */
static char *token_line(const char *challenge, const char *name,
	const struct credential *credential, struct err *err)
{
	autofree char *realm = parameter(challenge, "realm");
	autofree char *service = parameter(challenge, "service");
	autofree char *scope = xasprintf("repository:%s:pull", name);
	autofree char *of = engine_escape(service ? service : "");
	autofree char *what = engine_escape(scope);
	autofree char *basic = basic_line(credential), *url = NULL;
	autoanswer struct answer answer = ANSWER_INIT;
	autojson json_t *token = NULL;
	const char *text;

	if (!realm) {
		err_set(err, ERR_REGISTRY, "it asks for a token and does not say where to get one");
		return NULL;
	}
	url = xasprintf("%s%cservice=%s&scope=%s", realm, strchr(realm, '?') ? '&' : '?', of, what);
	if (fetch(url, basic, &answer, err) < 0)
		return NULL;
	token = json_parse(buf_str(&answer.body), answer.body.len, "token", err);
	text = json_str(token, "token") ? json_str(token, "token")
					: json_str(token, "access_token");
	if (!text) {
		err_set(err, ERR_REGISTRY, "%s gave no token", realm);
		return NULL;
	}
	return xasprintf("Authorization: Bearer %s", text);
}

static char *authorization(const char *challenge, const struct reference *reference,
	const struct sink *sink, struct err *err)
{
	struct credential credential = {0};
	char *line = NULL;

	credential_find(reference->registry, sink, &credential);
	if (strncasecmp(challenge, "bearer", strlen("bearer")) == 0)
		line = token_line(challenge, reference->name, &credential, err);
	else if (!(line = basic_line(&credential)))
		err_set(err, ERR_REGISTRY, "it wants credentials");
	credential_release(&credential);
	return line;
}

/* As engines do: only this machine itself is spoken to without TLS. */
static char *manifest_url(const struct reference *reference)
{
	const char *host = reference->registry;
	bool here = str_starts(host, "127.") || str_starts(host, "localhost:") ||
		    str_eq(host, "localhost") || str_starts(host, "[::1]");

	if (str_eq(host, "docker.io"))
		host = "registry-1.docker.io";
	return xasprintf("%s://%s/v2/%s/manifests/%s", here ? "http" : "https", host,
		reference->name, reference->tag);
}

static int ask_registry(
	const struct reference *reference, const struct sink *sink, char **digest, struct err *err)
{
	autofree char *url = manifest_url(reference), *line = NULL;
	autoanswer struct answer answer = ANSWER_INIT;
	char hash[SHA256_HEX];

	if (fetch(url, NULL, &answer, err) < 0) {
		if (err->status != 401 || !answer.challenge)
			return -1;
		err_clear(err);
		line = authorization(answer.challenge, reference, sink, err);
		buf_reset(&answer.body);
		if (!line || fetch(url, line, &answer, err) < 0)
			return -1;
	}
	sha256_hex(buf_str(&answer.body), answer.body.len, hash);
	*digest = xasprintf("sha256:%s", hash);
	return 0;
}

static int digest_error(const char *ref, const struct reference *reference, struct err *err)
{
	if (err->kind == ERR_CANCELLED)
		return -1;
	err->kind = ERR_REGISTRY;
	err_wrap(err, "find the digest of %s", ref);
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
