/* ssh_config_tokens.c - "~", "%h"-like tokens and "${NAME}" in the values of ssh_config(5). */
#include "ssh_config_reader.h"

#include "devenv/crypto.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPANDED_LIMIT 65536

char *ssh_local_home(void)
{
	struct passwd entry, *found = NULL;
	char space[4096];

	if (!getpwuid_r(getuid(), &entry, space, sizeof(space), &found) && found)
		return xstrdup(found->pw_dir);
	return path_expand_home("~");
}

char *ssh_local_user(void)
{
	struct passwd entry, *found = NULL;
	char space[4096];
	const char *name = getenv("USER");

	if (!getpwuid_r(getuid(), &entry, space, sizeof(space), &found) && found)
		return xstrdup(found->pw_name);
	return xstrdup(name ? name : "root");
}

static void add_owned(struct buf *out, char *text)
{
	autofree char *owned = text;

	buf_addstr(out, owned);
}

/* %C: one word for the connection. */
static void add_connection(const struct ssh_tokens *tokens, const char *here, struct buf *out)
{
	autofree char *all = xasprintf(
		"%s%s%u%s", here, tokens->host, tokens->port, tokens->user ? tokens->user : "");
	unsigned char digest[SHA1_SIZE];
	char text[2 * SHA1_SIZE + 1];

	sha1_raw(all, strlen(all), digest);
	hex_encode(digest, sizeof(digest), text);
	buf_addstr(out, text);
}

static void add_token(const struct ssh_tokens *tokens, char token, struct buf *out)
{
	char here[256] = "";

	gethostname(here, sizeof(here) - 1);
	if (token == 'C')
		add_connection(tokens, here, out);
	else if (token == 'L')
		buf_add(out, here, strcspn(here, "."));
	else if (token == 'd')
		add_owned(out, ssh_local_home());
	else if (token == 'h')
		buf_addstr(out, tokens->host);
	else if (token == 'i')
		buf_addf(out, "%lu", (unsigned long)getuid());
	else if (token == 'k')
		buf_addstr(out, tokens->alias);
	else if (token == 'l')
		buf_addstr(out, here);
	else if (token == 'n')
		buf_addstr(out, tokens->typed);
	else if (token == 'p')
		buf_addf(out, "%u", tokens->port);
	else if (token == 'r')
		buf_addstr(out, tokens->user ? tokens->user : "");
	else if (token == 'u')
		add_owned(out, ssh_local_user());
	else
		buf_addch(out, token); /* "%%" */
}

/* "${NAME}" at `text`; returns what comes after it, or NULL. */
static const char *add_variable(const char *text, struct buf *out, struct err *err)
{
	size_t len = strcspn(text + 2, "}");
	autofree char *name = xstrndup(text + 2, len);
	const char *value = getenv(name);

	if (text[2 + len] != '}' || !value) {
		err_set(err, ERR_TUNNEL, "ssh config: the variable %s of \"%s\" is not set", name,
			text);
		return NULL;
	}
	buf_addstr(out, value);
	return text + 2 + len + 1;
}

static int add_expanded(const struct ssh_tokens *tokens, const char *text, const char *allowed,
	bool variables, struct buf *out, struct err *err)
{
	const char *at = text;

	while (at && *at) {
		if (variables && *at == '$' && at[1] == '{') {
			at = add_variable(at, out, err);
		} else if (*at != '%') {
			buf_addch(out, *at++);
		} else if (at[1] == '%' || (at[1] && strchr(allowed, at[1]))) {
			add_token(tokens, at[1], out);
			at += 2;
		} else {
			return err_set(
				err, ERR_TUNNEL, "ssh config: no %%%.1s in \"%s\"", at + 1, text);
		}
	}
	if (at && out->overflow)
		return err_set(err, ERR_TUNNEL, "ssh config: \"%s\" becomes too long", text);
	return at ? 0 : -1;
}

char *ssh_tokens_expand(
	const struct ssh_tokens *tokens, const char *text, const char *allowed, struct err *err)
{
	autobuf struct buf out = BUF_INIT(EXPANDED_LIMIT);

	if (add_expanded(tokens, text, allowed, false, &out, err) < 0)
		return NULL;
	return buf_detach(&out);
}

/* "~" or "~USER" at the start of `text`: the folder. NULL with err when there is no such user. */
static char *tilde_dir(const char *text, size_t len, struct err *err)
{
	autofree char *name = xstrndup(text + 1, len - 1);
	struct passwd entry, *found = NULL;
	char space[4096];

	if (!*name)
		return ssh_local_home();
	if (!getpwnam_r(name, &entry, space, sizeof(space), &found) && found)
		return xstrdup(found->pw_dir);
	err_set(err, ERR_TUNNEL, "ssh config: there is no user \"%s\", of \"%s\"", name, text);
	return NULL;
}

char *ssh_path_expand(const struct ssh_tokens *tokens, const char *text, struct err *err)
{
	autobuf struct buf out = BUF_INIT(EXPANDED_LIMIT);

	if (*text == '~') {
		size_t len = strcspn(text, "/");
		autofree char *dir = tilde_dir(text, len, err);

		if (!dir)
			return NULL;
		text += len;
		text += strspn(text, "/");
		buf_addf(&out, "%s%s", dir, str_ends(dir, "/") ? "" : "/");
	}
	if (add_expanded(tokens, text, SSH_TOKENS, true, &out, err) < 0)
		return NULL;
	return buf_detach(&out);
}
