/*
 * ssh_config_algorithms.c - Ciphers and the other lists of algorithms in a configuration.
 *
 * What ssh has by default, and of what it can choose, is that of OpenSSH 9.2.  The installed one is
 * asked where its answers are other ones (ssh_config.c).
 */
#include "ssh_config_reader.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define ECDSA_CERTIFICATES \
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384-cert-v01@openssh.com," \
	"ecdsa-sha2-nistp521-cert-v01@openssh.com"
#define KEYS \
	"ssh-ed25519-cert-v01@openssh.com," ECDSA_CERTIFICATES \
	",sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com," \
	"rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519," \
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com," \
	"sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
#define ALL_KEYS \
	"ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com," \
	"sk-ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256," \
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384," \
	"ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521," \
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com," \
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com," \
	"webauthn-sk-ecdsa-sha2-nistp256@openssh.com,ssh-dss,ssh-dss-cert-v01@openssh.com," \
	"ssh-rsa,ssh-rsa-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-256-cert-v01@openssh.com," \
	"rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com"

static const struct {
	const char *keyword;
	const char *usual, *all;
	bool patterns; /* the list may consist of such */
} lists[SSH_ALGORITHMS] = {
	[SSH_CIPHERS] = {"Ciphers",
		"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
		"aes128-gcm@openssh.com,aes256-gcm@openssh.com",
		"3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr,aes256-ctr,"
		"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
		false},
	[SSH_MACS] = {"MACs",
		"umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
		"hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,"
		"umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1",
		"hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96,"
		"umac-64@openssh.com,umac-128@openssh.com,hmac-sha1-etm@openssh.com,"
		"hmac-sha1-96-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
		"hmac-sha2-512-etm@openssh.com,hmac-md5-etm@openssh.com,"
		"hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com",
		false},
	[SSH_KEX] = {"KexAlgorithms",
		"sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
		"curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
		"ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,"
		"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
		"diffie-hellman-group14-sha256",
		"diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,"
		"diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,"
		"diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,"
		"diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
		"ecdh-sha2-nistp521,curve25519-sha256,curve25519-sha256@libssh.org,"
		"sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com",
		false},
	[SSH_HOST_KEYS] = {"HostKeyAlgorithms", KEYS, ALL_KEYS, true},
	[SSH_USER_KEYS] = {"PubkeyAcceptedAlgorithms", KEYS, ALL_KEYS, true},
};

const char *ssh_algorithms_keyword(enum ssh_algorithms list)
{
	return lists[list].keyword;
}

int ssh_algorithms_find(const char *key)
{
	for (int i = 0; i < SSH_ALGORITHMS; i++)
		if (strcasecmp(key, lists[i].keyword) == 0)
			return i;
	return -1;
}

bool ssh_algorithms_usual(enum ssh_algorithms list, const char *names)
{
	return str_eq(names, lists[list].usual);
}

/* === the built-in reader === */

/* Those of `names` that `pattern` matches, or does not. */
static void filter(const char *names, const char *pattern, bool matching, struct strv *out)
{
	autostrv struct strv list = STRV_INIT;

	strv_split(&list, names, ',');
	for (size_t i = 0; i < list.n; i++)
		if (ssh_pattern_list_matches(pattern, list.v[i], false) == matching &&
			!strv_has(out, list.v[i]))
			strv_push(out, list.v[i]);
}

static bool is_known(enum ssh_algorithms list, const char *word)
{
	autostrv struct strv all = STRV_INIT, found = STRV_INIT;

	strv_split(&all, lists[list].all, ',');
	if (lists[list].patterns)
		filter(lists[list].all, word, true, &found);
	return found.n || strv_has(&all, word);
}

/* Each is something that ssh has, up to an empty one; what a list takes away may be anything. */
static bool is_valid(enum ssh_algorithms list, const char *text)
{
	if (*text == '-')
		return true;
	text += *text == '+' || *text == '^';
	if (!*text)
		return false;
	while (*text && *text != ',') {
		size_t len = strcspn(text, ",");
		autofree char *word = xstrndup(text, len);

		if (!is_known(list, word))
			return false;
		text += len + (text[len] == ',');
	}
	return true;
}

int ssh_apply_algorithms(
	struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	enum ssh_algorithms list = (enum ssh_algorithms)ssh_algorithms_find(line->keyword->name);

	if (line->words.n == 1 && *line->words.v[0] && !is_valid(list, line->words.v[0]))
		return ssh_line_bad(line->where, err, "%s: \"%s\" is not what ssh has",
			lists[list].keyword, line->words.v[0]);
	return ssh_apply_text(settings, line, err);
}

char *ssh_algorithms_expand(enum ssh_algorithms list, const char *text)
{
	const char *usual = lists[list].usual, *all = lists[list].all;
	autofree char *both = NULL;
	autostrv struct strv words = STRV_INIT, out = STRV_INIT;

	if (*text == '-') {
		filter(usual, text + 1, false, &out);
		return strv_join(&out, ",");
	}
	if (*text == '+')
		both = xasprintf("%s,%s", usual, text + 1);
	else if (*text == '^')
		both = xasprintf("%s,%s", text + 1, usual);
	strv_split(&words, both ? both : text, ',');
	for (size_t i = 0; i < words.n; i++)
		filter(all, words.v[i], true, &out);
	return strv_join(&out, ",");
}
