/*
 * ssh_hostkey.c - is this the server that we mean?
 *
 * The algorithms of the keys that are known come first in the offer: libssh2's own order asks for
 * ecdsa, and a host known by its ed25519 key would look unknown.
 */
#include "ssh_session.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <string.h>

#define SSH2_FUNCTIONS(X) \
	X(libssh2_session_hostkey) \
	X(libssh2_session_supported_algs) \
	X(libssh2_free) \
	X(libssh2_session_method_pref)
#define LAZY_STRUCT ssh2
LAZY_LIBRARY(ssh2, LAZY_SSH2, SSH2_FUNCTIONS)

#define REVOKED_LIMIT ((size_t)16 << 20)

/* libssh2 1.11 is the first that checks rsa-sha2 signatures; unknown names are passed over. */
#define DEFAULT_ORDER \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512," \
	"rsa-sha2-256,ssh-rsa"

int ssh_hostkey_load(struct err *err)
{
	return ssh2_load(err);
}

static bool has_name(const char **names, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (str_eq(names[i], name))
			return true;
	}
	return false;
}

int ssh_prefer(struct ssh *ssh, int method, const char *names)
{
	autostrv struct strv wanted = STRV_INIT, usable = STRV_INIT;
	autofree char *list = NULL;
	const char **have = NULL;
	int n = ssh2.libssh2_session_supported_algs(ssh->session, method, &have);

	strv_split(&wanted, names, ',');
	for (size_t i = 0; i < wanted.n; i++) {
		if (has_name(have, n, wanted.v[i]))
			strv_push(&usable, wanted.v[i]);
	}
	if (n > 0)
		ssh2.libssh2_free(ssh->session, have);
	if (!usable.n)
		return -1;
	list = strv_join(&usable, ",");
	return ssh2.libssh2_session_method_pref(ssh->session, method, list) ? -1 : 0;
}

static const char *known_name(const struct ssh *ssh, uint16_t *port)
{
	*port = ssh->config.key_alias ? 22 : ssh->config.port;
	return ssh->config.key_alias ? ssh->config.key_alias : ssh->config.host;
}

static int load_known(const struct ssh *ssh, struct known_hosts *known, struct err *err)
{
	if (ssh->options.known_hosts)
		return known_hosts_load(known, ssh->options.known_hosts, err);
	for (size_t i = 0; i < ssh->config.known_hosts.n; i++) {
		if (known_hosts_load(known, ssh->config.known_hosts.v[i], err) < 0)
			return -1;
	}
	return 0;
}

int ssh_nothing_left(const struct ssh *ssh, enum ssh_algorithms list, struct err *err)
{
	err_set(err, ERR_TUNNEL,
		"%s: %s of the ssh configuration allows only %s, and libssh2 can safely do none of "
		"that" SSH_OTHER_ENGINE,
		ssh->name, ssh_algorithms_keyword(list), ssh->config.algorithms[list]);
	err->os = EPERM;
	return -1;
}

/* What HostKeyAlgorithms allows of that with which we can check keys, in its order. */
static void allowed(const struct ssh *ssh, struct strv *names)
{
	const char *set = ssh->config.algorithms[SSH_HOST_KEYS];
	autostrv struct strv ours = STRV_INIT, wanted = STRV_INIT;

	strv_split(&ours, DEFAULT_ORDER, ',');
	strv_split(&wanted, set ? set : DEFAULT_ORDER, ',');
	for (size_t i = 0; i < wanted.n; i++)
		if (strv_has(&ours, wanted.v[i]))
			strv_push(names, wanted.v[i]);
}

/* The algorithms of keys that are known come first. */
static void prefer_known(const struct ssh *ssh, const struct known_hosts *known, struct strv *order)
{
	autostrv struct strv types = STRV_INIT, names = STRV_INIT;
	uint16_t port;
	const char *name = known_name(ssh, &port);

	known_hosts_types(known, name, port, &types);
	allowed(ssh, &names);
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < names.n; i++) {
			bool rsa = str_starts(names.v[i], "rsa-");
			bool is_known = strv_has(&types, rsa ? "ssh-rsa" : names.v[i]);

			if (is_known == !pass)
				strv_push(order, names.v[i]);
		}
	}
}

int ssh_hostkey_prefer(struct ssh *ssh, struct err *err)
{
	struct known_hosts known = {0};
	autostrv struct strv order = STRV_INIT;
	autofree char *list = NULL;
	int rc = load_known(ssh, &known, err);

	if (rc == 0)
		prefer_known(ssh, &known, &order);
	known_hosts_release(&known);
	if (rc < 0)
		return -1;
	list = strv_join(&order, ",");
	if (ssh_prefer(ssh, LIBSSH2_METHOD_HOSTKEY, list) == 0)
		return 0;
	if (ssh->config.algorithms[SSH_HOST_KEYS])
		return ssh_nothing_left(ssh, SSH_HOST_KEYS, err);
	return err_set(err, ERR_TUNNEL, "libssh2 does not take the host key types %s", list);
}

char *ssh_key_words(const char *type)
{
	if (str_eq(type, "ssh-ed25519"))
		return xstrdup("ED25519");
	if (str_eq(type, "ssh-rsa"))
		return xstrdup("RSA");
	if (type && str_starts(type, "ecdsa-"))
		return xstrdup("ECDSA");
	return xstrdup(type ? type : "unknown");
}

static int refuse_pinned(struct ssh *ssh, const char *print, struct err *err)
{
	err_set(err, ERR_TUNNEL,
		"the host key of %s is %s, but the manifest pins %s: "
		"refused. Ask whoever runs the server which one is right",
		ssh->name, print, ssh->options.host_key);
	err->os = EPERM;
	return -1;
}

static const char *file_to_write(const struct ssh *ssh)
{
	if (ssh->options.known_hosts)
		return ssh->options.known_hosts;
	return ssh->config.known_hosts.n ? ssh->config.known_hosts.v[0] : NULL;
}

static int remember(struct ssh *ssh, const char *key, size_t len, struct err *err)
{
	const char *path = file_to_write(ssh);
	uint16_t port;
	const char *name = known_name(ssh, &port);
	autofree char *line = known_hosts_line(name, port, ssh->config.hash_known_hosts, key, len);

	if (!path)
		return 0;
	if (known_hosts_append(path, line, err) < 0)
		return -1;
	sink_info(ssh->options.sink, NULL, "the key of %s was added to %s", ssh->name, path);
	return 0;
}

static bool ask_about(struct ssh *ssh, const char *words, const char *print)
{
	const struct ssh_ask *ask = ssh->options.ask;
	autofree char *question = NULL;

	if (!ask || !ask->confirm || ssh->been_up || ssh->config.strict == SSH_STRICT_YES)
		return false;
	question = xasprintf("%s is not known yet. Its %s key has the fingerprint\n  %s\n"
			     "Is that right, and shall it be remembered?",
		ssh->name, words, print);
	return ask->confirm(ask->ctx, question);
}

static int check_unknown(struct ssh *ssh, const char *key, size_t len, const char *words,
	const char *print, struct err *err)
{
	const char *path = file_to_write(ssh);

	if (ssh->config.strict == SSH_STRICT_ACCEPT_NEW || ask_about(ssh, words, print))
		return remember(ssh, key, len, err);
	err_set(err, ERR_TUNNEL,
		"unknown host %s: its %s key has the fingerprint %s. When whoever runs it "
		"confirms that, add \"host_key: %s\" to the tunnel, or run "
		"\"ssh-keyscan -p %u %s >> %s\"",
		ssh->name, words, print, print, ssh->config.port, ssh->config.host,
		path ? path : "~/.ssh/known_hosts");
	err->os = EPERM;
	return -1;
}

static int refuse_known(struct ssh *ssh, enum known_hosts_verdict verdict,
	const struct known_hosts_entry *match, const char *words, const char *print,
	struct err *err)
{
	autofree char *known_print = ssh_fingerprint(match->key, match->key_len);
	autofree char *known_words = ssh_key_words(match->type);

	switch (verdict) {
	case KNOWN_REVOKED:
		err_set(err, ERR_TUNNEL,
			"the %s key of %s (%s) is revoked in %s line %d: refused" SSH_REVOKED_NEXT,
			words, ssh->name, print, match->file, match->line);
		break;
	case KNOWN_AUTHORITY:
		err_set(err, ERR_TUNNEL,
			"%s is known by a certificate authority (%s line %d), and libssh2 "
			"cannot check host certificates. Pin its key (\"host_key: %s\"), or let "
			"the "
			"installed ssh do it (\"ssh_engine: openssh\")",
			ssh->name, match->file, match->line, print);
		break;
	case KNOWN_OTHER:
		err_set(err, ERR_TUNNEL,
			"%s shows an %s key (%s), but %s line %d has its %s key (%s): refused. If "
			"both are the server's, add the new one: \"ssh-keyscan -p %u %s\"",
			ssh->name, words, print, match->file, match->line, known_words, known_print,
			ssh->config.port, ssh->config.host);
		break;
	default:
		err_set(err, ERR_TUNNEL,
			"the host key of %s has changed: %s line %d has %s, the server shows %s. "
			"Someone may be listening in: refused. If the server was set up anew, "
			"remove that line",
			ssh->name, match->file, match->line, known_print, print);
	}
	err->os = EPERM;
	return -1;
}

static int check_known(struct ssh *ssh, const char *key, size_t len, const char *words,
	const char *print, struct err *err)
{
	struct known_hosts known = {0};
	const struct known_hosts_entry *match = NULL;
	enum known_hosts_verdict verdict;
	uint16_t port;
	const char *name = known_name(ssh, &port);
	int rc;

	if (load_known(ssh, &known, err) < 0)
		return -1;
	verdict = known_hosts_check(&known, name, port, key, len, &match);
	if (verdict == KNOWN_YES)
		rc = 0;
	else if (verdict == KNOWN_NO)
		rc = check_unknown(ssh, key, len, words, print, err);
	else
		rc = refuse_known(ssh, verdict, match, words, print, err);
	known_hosts_release(&known);
	return rc;
}

/* RevokedHostKeys, which stands above all else: one that cannot be read revokes every key. */
static int check_revoked(struct ssh *ssh, const char *key, size_t len, const char *words,
	const char *print, struct err *err)
{
	const char *path = ssh->config.revoked_keys;
	autobuf struct buf text = BUF_INIT(REVOKED_LIMIT);
	autofree char *mine = base64_encode(key, len, 0);

	if (!path)
		return 0;
	if (fs_read(path, &text, ERR_TUNNEL, err) < 0) {
		err_wrap(err, "RevokedHostKeys of %s", ssh->name);
	} else if (str_starts(buf_str(&text), "SSHKRL")) {
		err_set(err, ERR_TUNNEL,
			"RevokedHostKeys %s is in a form that libssh2 cannot look into: "
			"refused" SSH_OTHER_ENGINE,
			path);
	} else {
		if (!strstr(buf_str(&text), mine))
			return 0;
		err_set(err, ERR_TUNNEL,
			"the %s key of %s (%s) is revoked in %s: refused" SSH_REVOKED_NEXT, words,
			ssh->name, print, path);
	}
	err->os = EPERM;
	return -1;
}

static int check_size(const struct ssh *ssh, const char *key, size_t len, struct err *err)
{
	int bits = ssh_blob_rsa_bits(key, len);

	if (!bits || bits >= ssh->config.rsa_bits)
		return 0;
	err_set(err, ERR_TUNNEL,
		"the RSA host key of %s has %d bits, and RequiredRSASize of the ssh configuration "
		"wants %d: refused",
		ssh->name, bits, ssh->config.rsa_bits);
	err->os = EPERM;
	return -1;
}

/* NoHostAuthenticationForLocalhost: this is an address of this machine itself. */
static bool is_trusted(const struct ssh *ssh)
{
	const char *address = ssh_stage_detail(ssh, SSH_STAGE_NAME);

	return ssh->config.trust_loopback && !ssh->config.key_alias &&
	       (str_starts(address, "127.") || str_eq(address, "::1"));
}

int ssh_hostkey_check(struct ssh *ssh, struct err *err)
{
	size_t len = 0;
	int kind = 0;
	const char *key = ssh2.libssh2_session_hostkey(ssh->session, &len, &kind);
	autofree char *print = NULL, *type = NULL, *words = NULL;

	if (!key)
		return err_set(err, ERR_TUNNEL, "%s showed no host key", ssh->name);
	print = ssh_fingerprint(key, len);
	type = ssh_blob_type(key, len);
	words = ssh_key_words(type);
	if (check_revoked(ssh, key, len, words, print, err) < 0 ||
		check_size(ssh, key, len, err) < 0)
		return -1;
	if (ssh->options.host_key && !str_eq(print, ssh->options.host_key))
		return refuse_pinned(ssh, print, err);
	if (!ssh->options.host_key && !is_trusted(ssh) &&
		check_known(ssh, key, len, words, print, err) < 0)
		return -1;
	ssh_passed(ssh, SSH_STAGE_HOST_KEY, xasprintf("%s %s", words, print));
	return 0;
}
