/*
 * ssh_words.c - why ssh has ended, from what it said on stderr.
 *
 * ssh exits with 255 whatever it was, but its words have been the same for decades; those that mean
 * the same as an error of the other engine become that error, and the rest is passed on as it is.
 */
#include "ssh_openssh.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 3 /* of words that are passed on */

/* What follows `mark` on its line, or NULL. The caller's. */
static char *after(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	at = at ? at + strlen(mark) : NULL;
	return at ? xstrndup(at, strcspn(at, "\n")) : NULL;
}

/* Its last lines, as one. The caller's. */
static char *last_lines(const char *text)
{
	autostrv struct strv lines = STRV_INIT, kept = STRV_INIT;

	strv_split(&lines, text, '\n');
	for (size_t i = lines.n > LINES_MAX ? lines.n - LINES_MAX : 0; i < lines.n; i++)
		strv_push(&kept, lines.v[i]);
	return strv_join(&kept, "; ");
}

static int refuse(struct err *err)
{
	err->os = EPERM;
	return -1;
}

static int no_address(const char *words, struct err *err)
{
	const char *colon = strstr(words, ": ");

	return err_set(err, ERR_TUNNEL, "the name \"%.*s\" cannot be resolved: %s",
		(int)strcspn(words, ":"), words, colon ? colon + 2 : "no reason given");
}

static int changed_key(const struct ssh_words *words, struct err *err)
{
	autofree char *offending = after(words->text, "Offending ");
	const char *at = offending ? strstr(offending, " in ") : NULL;
	const char *colon = at ? strrchr(at, ':') : NULL;

	err_set(err, ERR_TUNNEL,
		"the host key of %s has changed: %.*s line %s has another one, the server shows "
		"%s. Someone may be listening in: refused. If the server was set up anew, remove "
		"that line",
		words->name, colon ? (int)(colon - at - 4) : 11, colon ? at + 4 : "known_hosts",
		colon ? colon + 1 : "?", words->key);
	return refuse(err);
}

static int bad_key(const struct ssh_words *words, struct err *err)
{
	const char *print = strchr(words->key, ' ') ? strchr(words->key, ' ') + 1 : words->key;
	autofree char *file = after(words->text, " revoked by file ");
	autofree char *unread = after(words->text, " in revoked keys file ");

	if (words->pinned)
		err_set(err, ERR_TUNNEL,
			"the host key of %s is %s, but the manifest pins %s: refused. Ask whoever "
			"runs the server which one is right",
			words->name, print, words->pinned);
	else if (strstr(words->text, "REVOKED HOST KEY"))
		err_set(err, ERR_TUNNEL,
			"the key of %s (%s) is revoked in known_hosts: refused" SSH_REVOKED_NEXT,
			words->name, words->key);
	else if (file)
		err_set(err, ERR_TUNNEL,
			"the key of %s (%s) is revoked in %s: refused" SSH_REVOKED_NEXT,
			words->name, words->key, file);
	else if (unread)
		err_set(err, ERR_TUNNEL, "%s: RevokedHostKeys %s: refused", words->name, unread);
	else if (strstr(words->text, "IDENTIFICATION HAS CHANGED"))
		return changed_key(words, err);
	else
		err_set(err, ERR_TUNNEL,
			"unknown host %s: its key is %s. When whoever runs it confirms that, add "
			"\"host_key: %s\" to the tunnel, or run \"ssh-keyscan -p %u %s >> %s\"",
			words->name, words->key, print, words->port, words->host,
			words->known_hosts);
	return refuse(err);
}

static bool has_publickey(const char *methods)
{
	const char *at = strstr(methods, "publickey");

	return at && at < methods + strcspn(methods, ")");
}

/* What is wrong with a key file, if that is what its words are about. The caller's, or NULL. */
static char *key_trouble(const char *text)
{
	autofree char *load = after(text, "Load key \"");
	char *why = load ? strstr(load, "\": ") : NULL;

	if (!why)
		return after(text, "no such identity: ");
	*why = '\0';
	why += strlen("\": ");
	if (str_eq(why, "bad permissions"))
		return xasprintf(
			"key file %s can be read by others: run \"chmod 600 %s\"", load, load);
	if (str_eq(why, "error in libcrypto") || str_eq(why, "invalid format"))
		return xasprintf("%s is no private key", load);
	return xasprintf("key file %s: %s", load, why);
}

static int no_way_in(const struct ssh_words *words, const char *methods, struct err *err)
{
	const char *end = strstr(words->text, "Permission denied (");
	autofree char *before = NULL, *notes = NULL, *trouble = key_trouble(words->text);

	while (end > words->text && end[-1] != '\n')
		end--;
	before = xstrndup(words->text, end ? (size_t)(end - words->text) : 0);
	notes = trouble ? xstrdup(trouble) : last_lines(before);
	err_set(err, ERR_TUNNEL, "%s does not let \"%s\" in (it takes: %.*s)%s%s", words->name,
		words->user, (int)strcspn(methods, ")"), methods, *notes ? ". " : "", notes);
	if (words->person || (words->batch && !has_publickey(methods))) {
		err_hint(err, "It wants answers of a person, whom ssh asks only where \"devenv "
			      "tunnel\" runs on a terminal");
		return refuse(err);
	}
	if (trouble)
		return -1;
	if (words->batch && words->locked)
		return err_hint(err,
			"%s has a passphrase, and nobody can be asked for it: run \"ssh-add %s\" "
			"first",
			words->locked, words->locked);
	return err_hint(err, "Is your public key in that account's authorized_keys?");
}

int ssh_words_failed(const struct ssh_words *words, struct err *err)
{
	autofree char *name = after(words->text, "Could not resolve hostname ");
	autofree char *connect = after(words->text, "connect to host ");
	autofree char *methods = after(words->text, "Permission denied (");
	autofree char *negotiate = after(words->text, "Unable to negotiate with ");
	autofree char *lines = NULL;

	if (name)
		return no_address(name, err);
	if (connect)
		return err_set(err, ERR_TUNNEL, "connect to %s", connect);
	if (words->key && strstr(words->text, "Host key verification failed"))
		return bad_key(words, err);
	if (methods)
		return no_way_in(words, methods, err);
	if (negotiate)
		return err_set(err, ERR_TUNNEL, "%s and the installed ssh do not agree: %s",
			words->name, negotiate);
	lines = last_lines(words->text);
	return err_set(err, ERR_TUNNEL, "%s: %s", words->name,
		*lines ? lines : "ssh ended without a word");
}

char *ssh_words_lost(const char *text)
{
	if (strstr(text, "Timeout, server "))
		return xstrdup("the server is silent");
	if (strstr(text, "closed by remote host") || strstr(text, "Connection reset") ||
		strstr(text, "Broken pipe") || !*text)
		return xstrdup("the server closed the connection");
	return last_lines(text);
}
