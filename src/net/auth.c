/*
 * auth.c - Basic and Bearer at a registry (what and why: auth.h).
 *
 * A token server may grant less than was asked for and says so nowhere: the second 401 with a fresh
 * token is the only sign.  An identity token (credential helpers of some clouds) is exchanged by
 * the OAuth2 form of the protocol, everything else by the older GET, which all servers have.
 */
#include "devenv/auth.h"

#include "devenv/clock.h"
#include "devenv/credential.h"
#include "devenv/hash.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)1 << 20)
#define EXPIRES_DEFAULT_S 60
#define EXPIRES_MAX_S 86400
#define CLIENT_ID "devenv"

struct token {
	char *scope, *line;
	int64_t until; /* clock_ms */
	bool fresh;    /* no request has been let in with it yet */
};

struct auth {
	char *registry;
	const struct sink *sink;
	struct credential credential;
	bool looked;           /* for the credential */
	char *basic;           /* the header, once the registry asked for Basic */
	char *realm, *service; /* once it asked for Bearer */
	char *wanted;          /* the scope that the last challenge named */
	struct token *tokens;
	size_t n;
};

struct auth *auth_new(const char *registry, const struct sink *sink)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));

	auth->registry = xstrdup(registry);
	auth->sink = sink;
	return auth;
}

struct auth *auth_clone(const struct auth *auth)
{
	struct auth *clone = auth_new(auth->registry, auth->sink);

	clone->credential = (struct credential){.server = xstrdup(auth->credential.server),
		.user = xstrdup(auth->credential.user),
		.password = xstrdup(auth->credential.password),
		.token = xstrdup(auth->credential.token)};
	clone->looked = auth->looked;
	clone->basic = xstrdup(auth->basic);
	clone->realm = xstrdup(auth->realm);
	clone->service = xstrdup(auth->service);
	clone->wanted = xstrdup(auth->wanted);
	for (size_t i = 0; i < auth->n; i++) {
		const struct token *token = &auth->tokens[i];

		clone->tokens = xgrow(clone->tokens, clone->n, sizeof(*clone->tokens));
		clone->tokens[clone->n++] = (struct token){.scope = xstrdup(token->scope),
			.line = xstrdup(token->line),
			.until = token->until};
	}
	return clone;
}

static void token_release(struct token *token)
{
	free(token->scope);
	free(token->line);
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	for (size_t i = 0; i < auth->n; i++)
		token_release(&auth->tokens[i]);
	free(auth->tokens);
	credential_release(&auth->credential);
	free(auth->registry);
	free(auth->basic);
	free(auth->realm);
	free(auth->service);
	free(auth->wanted);
	free(auth);
}

static const struct credential *credential_of(struct auth *auth)
{
	if (!auth->looked)
		credential_find(auth->registry, auth->sink, &auth->credential);
	auth->looked = true;
	return &auth->credential;
}

/* "Authorization: Basic ...", the caller's; NULL without credentials. */
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

/* === tokens === */

static struct token *token_of(struct auth *auth, const char *scope)
{
	for (size_t i = 0; i < auth->n; i++)
		if (str_eq(auth->tokens[i].scope, scope))
			return &auth->tokens[i];
	return NULL;
}

static int on_data(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(
			err, ERR_REGISTRY, "the answer is larger than %zu bytes", ANSWER_MAX);
	return 0;
}

/* Scopes are parted by spaces in a challenge; each is a parameter of its own in the query. */
static void add_scopes(struct strv *query, const char *scopes, const char *but)
{
	autostrv struct strv each = STRV_INIT;

	strv_split(&each, scopes ? scopes : "", ' ');
	for (size_t i = 0; i < each.n; i++) {
		autofree char *escaped = http_escape(each.v[i]);

		if (!but || !strstr(but, each.v[i]))
			strv_pushf(query, "scope=%s", escaped);
	}
}

/* The token server's answer: distribution's token.md, section "Token Response Fields". */
static int read_answer(const struct buf *answer, struct token *token, struct err *err)
{
	autojson json_t *json = json_parse(buf_str(answer), answer->len, "its answer", err);
	int64_t seconds = json_int(json, "expires_in");
	const char *text = json_str(json, "token");

	if (!json)
		return -1;
	if (str_empty(text))
		text = json_str(json, "access_token");
	if (str_empty(text) || strpbrk(text, "\r\n"))
		return err_set(err, ERR_REGISTRY, "it gave no token");
	if (seconds <= 0)
		seconds = EXPIRES_DEFAULT_S;
	if (seconds > EXPIRES_MAX_S)
		seconds = EXPIRES_MAX_S;
	token->line = xasprintf("Authorization: Bearer %s", text);
	/* A tenth early: the request that carries it takes time too. */
	token->until = clock_ms() + seconds * 900;
	token->fresh = true;
	return 0;
}

static int ask_token(struct auth *auth, struct http_client *client, const char *scope,
	struct buf *answer, struct http_response *response, struct err *err)
{
	const struct credential *credential = credential_of(auth);
	autofree char *basic = basic_line(credential), *query = NULL, *url = NULL;
	autofree char *service = http_escape(auth->service ? auth->service : "");
	const char *headers[] = {basic, NULL};
	struct http_request request = {
		.on_data = on_data, .ctx = answer, .headers = basic ? headers : NULL};
	struct http_body form;
	autostrv struct strv fields = STRV_INIT;

	strv_pushf(&fields, "service=%s", service);
	if (credential->token) {
		autofree char *secret = http_escape(credential->token);
		autofree char *all = http_escape(scope);

		strv_pushf(&fields, "scope=%s", all);
		strv_pushf(&fields, "grant_type=refresh_token&client_id=" CLIENT_ID);
		strv_pushf(&fields, "refresh_token=%s", secret);
	} else {
		add_scopes(&fields, scope, NULL);
		add_scopes(&fields, auth->wanted, scope);
	}
	query = strv_join(&fields, "&");
	if (credential->token) {
		headers[0] = "Content-Type: application/x-www-form-urlencoded";
		form = http_body_text(query, strlen(query));
		request.method = "POST";
		request.url = auth->realm;
		request.headers = headers;
		request.body = &form;
	} else {
		url = xasprintf("%s%c%s", auth->realm, strchr(auth->realm, '?') ? '&' : '?', query);
		request.url = url;
	}
	return http_send(client, &request, response, err);
}

static int login_hint(const struct auth *auth, struct err *err)
{
	return err_hint(err, "run: docker login %s", auth->registry);
}

/* Exchange the credentials, or none, for a token. */
static int fetch_token(struct auth *auth, struct http_client *client, const char *scope,
	struct token *token, struct err *err)
{
	autobuf struct buf answer = BUF_INIT(ANSWER_MAX);
	autoresponse struct http_response response = {0};
	autofree char *shown = http_shown(auth->realm);

	if (ask_token(auth, client, scope, &answer, &response, err) < 0) {
		err->kind = err->kind == ERR_FAILED ? ERR_REGISTRY : err->kind;
		return err_wrap(err, "get a token for %s", auth->registry);
	}
	if (response.status == 401 || response.status == 403) {
		err_set(err, ERR_REGISTRY, "%s refuses to give a token (HTTP status %d)", shown,
			response.status);
		err->status = response.status;
		return login_hint(auth, err);
	}
	if (response.status >= 300) {
		err_set(err, ERR_REGISTRY, "get a token of %s: HTTP status %d: %s", shown,
			response.status, http_status_means(response.status));
		err->status = response.status;
		return -1;
	}
	return read_answer(&answer, token, err) < 0 ? err_wrap(err, "get a token of %s", shown) : 0;
}

static int bearer_line(struct auth *auth, struct http_client *client, const char *scope,
	const char **line, struct err *err)
{
	struct token *token = token_of(auth, scope);
	struct token made = {0};

	if (token && clock_ms() < token->until) {
		token->fresh = false; /* a first request got by with it */
		*line = token->line;
		return 0;
	}
	if (fetch_token(auth, client, scope, &made, err) < 0)
		return -1;
	if (!token) {
		auth->tokens = xgrow(auth->tokens, auth->n, sizeof(*auth->tokens));
		token = &auth->tokens[auth->n++];
		*token = (struct token){0};
	}
	made.scope = xstrdup(scope);
	token_release(token);
	*token = made;
	*line = token->line;
	return 0;
}

int auth_line(struct auth *auth, struct http_client *client, const char *scope, const char **line,
	struct err *err)
{
	*line = auth->basic;
	return auth->realm ? bearer_line(auth, client, scope, line, err) : 0;
}

/* === challenges === */

/* A header that was sent is not good enough. */
static int denied(struct auth *auth, struct err *err)
{
	const struct credential *credential = credential_of(auth);

	if (credential->user || credential->token)
		err_set(err, ERR_REGISTRY, "%s refuses the credentials of %s", auth->registry,
			credential->user ? credential->user : "its identity token");
	else
		err_set(err, ERR_REGISTRY, "%s wants credentials", auth->registry);
	err->status = 401;
	return login_hint(auth, err);
}

/* Tokens go where the registry says, with the password: never in the clear to another machine. */
static bool realm_is_fine(const char *realm)
{
	return str_starts(realm, "https://") ||
	       (str_starts(realm, "http://") && http_is_local(realm + strlen("http://")));
}

static int take_bearer(
	struct auth *auth, const char *challenge, const char *scope, char *realm, struct err *err)
{
	struct token *token = token_of(auth, scope);

	if (!realm || !realm_is_fine(realm)) {
		err_set(err, ERR_REGISTRY, "%s asks for a token from \"%s\", which is no https URL",
			auth->registry, realm ? realm : "");
		free(realm);
		return -1;
	}
	free(auth->realm);
	free(auth->service);
	free(auth->wanted);
	auth->realm = realm;
	auth->service = auth_challenge(challenge, "Bearer", "service", NULL);
	auth->wanted = auth_challenge(challenge, "Bearer", "scope", NULL);
	if (token && token->fresh)
		return denied(auth, err);
	if (token)
		token->until = 0;
	return 0;
}

int auth_challenged(struct auth *auth, const char *challenge, const char *scope, struct err *err)
{
	bool bearer = false, basic = false;
	char *realm = auth_challenge(challenge ? challenge : "", "Bearer", "realm", &bearer);

	if (bearer)
		return take_bearer(auth, challenge, scope, realm, err);
	free(auth_challenge(challenge ? challenge : "", "Basic", "realm", &basic));
	if (!basic) {
		err_set(err, ERR_REGISTRY, "%s wants a login of a kind that is not known here: %s",
			auth->registry, challenge ? challenge : "it does not say which");
		err->status = 401;
		return -1;
	}
	if (auth->basic)
		return denied(auth, err);
	auth->basic = basic_line(credential_of(auth));
	return auth->basic ? 0 : denied(auth, err);
}
