/*
 * ssh.c - reaching a repository over ssh the way that `ssh` itself would.
 *
 * libgit2 reads no ~/.ssh/config, asks for keys one by one, and leaves the server's key to its
 * user.  So aliases, ports, keys and known_hosts files are taken from `ssh -G`
 * (devenv/ssh_config.h).  What libssh2 cannot do is said, and not tried: proxies, and keys that
 * want a passphrase (the agent has them).
 */
#include "clone.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/known_hosts.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX ((size_t)64 << 10)

/* What an OpenSSH key begins with when its cipher is "none". */
#define OPENSSH_PLAIN "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"

/* Split "ssh://[user@]host[:port]/path" or "[user@]host:path". false: it is neither. */
static bool split_url(const char *url, char **via, char **path, bool *scp)
{
	const char *scheme = strstr(url, "://"), *rest = url;
	size_t host;

	if (scheme && !str_starts(url, "ssh://") && !str_starts(url, "git+ssh://"))
		return false;
	*scp = !scheme;
	if (scheme)
		rest = scheme + 3;
	host = strcspn(rest, scheme ? "/" : ":/");
	if (!host || rest[host] != (scheme ? '/' : ':') || (!scheme && fs_exists(url)))
		return false;
	*via = xstrndup(rest, host);
	*path = xstrdup(rest + host + (scheme ? 0 : 1));
	return true;
}

/*
 * The scp form is relative to the account's home and has no place for a port, and libgit2 1.5 knows
 * no other way to say it; hosting services, whose account is "git", take both forms alike.
 */
static char *resolved_url(const struct ssh_config *config, const char *path, bool scp)
{
	if (!scp)
		return xasprintf(
			"ssh://%s@%s:%u%s", config->user, config->host, config->port, path);
	if (config->port == 22)
		return xasprintf("%s@%s:%s", config->user, config->host, path);
	return xasprintf("ssh://%s@%s:%u%s%s", config->user, config->host, config->port,
		*path == '/'                  ? ""
		: str_eq(config->user, "git") ? "/"
					      : "/~/",
		path);
}

int clone_ssh_resolve(struct clone_ssh *ssh, const char *url, struct err *err)
{
	autofree char *via = NULL, *path = NULL;
	bool scp = false;

	if (!split_url(url, &via, &path, &scp))
		return 0;
	if (ssh_config_resolve(via, &ssh->config, err) < 0)
		return -1;
	ssh->used = true;
	if (ssh->config.proxy_command || ssh->config.proxy_jump)
		return err_set(err, ERR_FAILED,
			"ssh reaches %s through a proxy, which devenv cannot clone through yet; "
			"clone it with git, and devenv will use what is there",
			via);
	ssh->url = resolved_url(&ssh->config, path, scp);
	return 0;
}

void clone_ssh_release(struct clone_ssh *ssh)
{
	free(ssh->url);
	ssh_config_release(&ssh->config);
}

/* libssh2 gives up on the whole login at a key that it cannot read, so those are left out. */
static bool is_plain_key(const char *path)
{
	autobuf struct buf text = BUF_INIT(KEY_MAX);
	struct err ignored = ERR_INIT;
	const char *key;

	if (fs_read(path, &text, ERR_FAILED, &ignored) < 0)
		return false;
	key = buf_str(&text);
	if (strstr(key, "BEGIN OPENSSH PRIVATE KEY"))
		return strstr(key, OPENSSH_PLAIN) != NULL;
	return strstr(key, "PRIVATE KEY-----") && !strstr(key, "ENCRYPTED");
}

const char *clone_ssh_next_key(struct clone_ssh *ssh)
{
	while (ssh->next_key < ssh->config.identities.n) {
		const char *path = ssh->config.identities.v[ssh->next_key++];

		if (is_plain_key(path))
			return path;
	}
	return NULL;
}

static int judge(const struct clone_ssh *ssh, const struct known_hosts *known, const char *host,
	const void *key, size_t len, struct err *err)
{
	const struct known_hosts_entry *entry = NULL;
	autofree char *print = ssh_fingerprint(key, len);
	autofree char *line = NULL;
	uint16_t port = ssh->config.port;

	switch (known_hosts_check(known, host, port, key, len, &entry)) {
	case KNOWN_YES:
		return 0;
	case KNOWN_REVOKED:
		return err_set(err, ERR_FAILED, "the host key of %s (%s) is revoked (%s:%d)", host,
			print, entry ? entry->file : "known_hosts", entry ? entry->line : 0);
	case KNOWN_CHANGED:
		return err_set(err, ERR_FAILED,
			"the host key of %s has CHANGED to %s (%s:%d): somebody may be listening",
			host, print, entry ? entry->file : "known_hosts", entry ? entry->line : 0);
	case KNOWN_NO:
		if (ssh->config.strict == SSH_STRICT_ACCEPT_NEW && ssh->config.known_hosts.n) {
			line = known_hosts_line(host, port, ssh->config.hash_known_hosts, key, len);
			return known_hosts_append(ssh->config.known_hosts.v[0], line, err);
		}
		break;
	case KNOWN_OTHER:
	case KNOWN_AUTHORITY:
		break;
	}
	return err_set(err, ERR_FAILED,
		"the host key of %s is not known (%s); connect once with `ssh -p %u %s@%s`, "
		"compare the "
		"fingerprint with what its owner publishes, and try again",
		host, print, port, ssh->config.user, host);
}

int clone_ssh_check_host(const struct clone_ssh *ssh, const void *key, size_t len, struct err *err)
{
	const char *host = ssh->config.key_alias ? ssh->config.key_alias : ssh->config.host;
	struct known_hosts known = {0};
	int result = 0;

	for (size_t i = 0; i < ssh->config.known_hosts.n && result == 0; i++)
		result = known_hosts_load(&known, ssh->config.known_hosts.v[i], err);
	if (result == 0)
		result = judge(ssh, &known, host, key, len, err);
	known_hosts_release(&known);
	return result;
}
