/*
 * ssh_config.h - what `~/.ssh/config` says about a host.
 *
 * The installed ssh is asked (`ssh -T -G -- HOST`): what it makes of a configuration is right by
 * definition.  Without an ssh program a built-in reader of the same files gives the same answer,
 * which tests/unit/test_ssh_config_corpus.c holds against ssh.  Tokens and "~", which both leave in
 * some values, are expanded here.  DEVENV_SSH_CONFIG names a file to be used in place of the user's
 * and the system's (ssh -F), or is "none".
 */
#ifndef DEVENV_SSH_CONFIG_H
#define DEVENV_SSH_CONFIG_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* Lists of algorithms that may be used. */
enum ssh_algorithms {
	SSH_CIPHERS,
	SSH_MACS,
	SSH_KEX,
	SSH_HOST_KEYS,
	SSH_USER_KEYS,
	SSH_ALGORITHMS,
};

enum ssh_strict { SSH_STRICT_ASK, SSH_STRICT_YES, SSH_STRICT_ACCEPT_NEW };

struct ssh_config {
	char *typed; /* the host as the user wrote it */
	char *host;  /* what to connect to */
	char *user;
	uint16_t port;
	char *key_alias;         /* HostKeyAlias, or NULL */
	struct strv identities;  /* files, expanded; they need not exist */
	struct strv known_hosts; /* files, expanded; the first one is written to */
	char *agent;             /* socket, or NULL: none */
	bool usual_agent;        /* it is what SSH_AUTH_SOCK says */
	char *proxy_command;     /* expanded, or NULL */
	char *proxy_jump;        /* as written, or NULL */
	char *revoked_keys;      /* RevokedHostKeys: a file, or NULL */
	char *bind_address;      /* or NULL */
	char *bind_interface;    /* or NULL */
	int family;              /* AF_UNSPEC, AF_INET or AF_INET6 */
	struct strv methods;     /* PreferredAuthentications */
	struct strv barred;      /* those among them that are turned off */
	int password_prompts;    /* wrong answers, of a person, until it is enough */
	bool batch;              /* nobody is to be asked */
	bool identities_only;
	bool hash_known_hosts;
	enum ssh_strict strict;
	bool trust_loopback; /* NoHostAuthenticationForLocalhost */
	bool compression;
	bool gssapi;
	int rsa_bits;         /* RequiredRSASize */
	int connect_attempts; /* at least 1 */
	int connect_timeout;  /* seconds; 0: not set */
	int alive_interval;   /* seconds; 0: not set */
	int alive_count;
	char *algorithms[SSH_ALGORITHMS]; /* with commas between; NULL: what ssh has by default */
	struct strv unheeded; /* "Keyword value", not the default, that only ssh itself can heed */
};

/* "Ciphers", for messages. */
const char *ssh_algorithms_keyword(enum ssh_algorithms list);

/* Split "[USER@]HOST[:PORT]" ("[::1]:22" too). *user is NULL and *port 0 when not given. */
int ssh_via_parse(const char *via, char **user, char **host, uint16_t *port, struct err *err);

/* Everything about `via`. ERR_TUNNEL: the configuration is wrong; ssh's words are quoted. */
int ssh_config_resolve(const char *via, struct ssh_config *config, struct err *err);

/*
 * What `ssh -T -G [-l USER] [-p PORT] -- HOST` prints, "key value" lines, for the keys of which
 * devenv has a use, by OpenSSH 9.2's rules (ssh_config(5)) and without an ssh program. `user` may
 * be NULL, `port` 0. It runs the commands of `Match exec`, and looks names up where
 * CanonicalizeHostname or CanonicalizePermittedCNAMEs asks for it. ERR_TUNNEL, with file and line,
 * where ssh would refuse.
 */
int ssh_config_builtin(
	const char *host, const char *user, uint16_t port, struct buf *out, struct err *err);

/* Read the output of `ssh -G` into `config`, whose `typed` is set. Tokens are expanded. */
int ssh_config_parse(struct ssh_config *config, const char *text, struct err *err);

/* Expand "~", "%h"-like tokens and "${NAME}" in a value. The caller's, or NULL with err. */
char *ssh_config_expand(const struct ssh_config *config, const char *text, struct err *err);

/* Go through these hops, whatever the configuration says. */
void ssh_config_jump(struct ssh_config *config, const char *jump);

void ssh_config_release(struct ssh_config *config);

#endif
