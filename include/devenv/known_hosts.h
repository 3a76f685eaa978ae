/*
 * known_hosts.h - which host key belongs to which server (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
 *
 * devenv matches by itself because libssh2's known_hosts code knows neither patterns nor negation
 * nor `@revoked`: it would take a revoked key for an unknown one.  Loading is tolerant (a line that
 * cannot be read is passed over, as ssh does), deciding is not.
 *
 *	struct known_hosts known = {0};
 *	known_hosts_load(&known, path, &err);
 *	switch (known_hosts_check(&known, "bastion", 22, blob, len, &match)) ...
 *	known_hosts_release(&known);
 */
#ifndef DEVENV_KNOWN_HOSTS_H
#define DEVENV_KNOWN_HOSTS_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum known_hosts_marker { KNOWN_PLAIN, KNOWN_CA, KNOWN_REVOKED_KEY };

struct known_hosts_entry {
	enum known_hosts_marker marker;
	char *hosts; /* the first field: patterns, or "|1|salt|hash" */
	char *type;  /* "ssh-ed25519" */
	char *key;   /* public key blob */
	size_t key_len;
	char *file;
	int line;
};

struct known_hosts {
	struct known_hosts_entry *list;
	size_t n;
};

enum known_hosts_verdict {
	KNOWN_YES,     /* the key is the host's */
	KNOWN_NO,      /* nothing is known of this host */
	KNOWN_CHANGED, /* another key of the same type is known: refuse */
	KNOWN_OTHER, /* only keys of other types are known: refuse, but it need not be an attack */
	KNOWN_REVOKED,   /* marked @revoked: refuse */
	KNOWN_AUTHORITY, /* only an @cert-authority line covers the host */
};

/* Add the file's lines; a missing file adds none. Files over 16 MiB are refused. */
int known_hosts_load(struct known_hosts *known, const char *path, struct err *err);

/* Add lines of text; `file` is only a name. */
void known_hosts_parse(struct known_hosts *known, const char *file, const char *text);

void known_hosts_release(struct known_hosts *known);

/*
 * Judge a key that `host`:`port` has shown. *match (may be NULL) is set to the entry that decided,
 * or NULL. For a port other than 22 an entry of the bare name counts as well, but only to say yes.
 */
enum known_hosts_verdict known_hosts_check(const struct known_hosts *known, const char *host,
	uint16_t port, const void *key, size_t len, const struct known_hosts_entry **match);

/* The key types known for the host (revoked ones and authorities left out), each once. */
void known_hosts_types(
	const struct known_hosts *known, const char *host, uint16_t port, struct strv *types);

/* Does a first field cover this name ("bastion", "[bastion]:2222")? Exposed for the tests. */
bool known_hosts_covers(const char *hosts, const char *name);

/* "bastion", or "[bastion]:2222" when the port is not 22; lower case. The caller's. */
char *known_hosts_name(const char *host, uint16_t port);

/* The line to add for this key, with a newline, the name hashed when `hashed`. The caller's. */
char *known_hosts_line(const char *host, uint16_t port, bool hashed, const void *key, size_t len);

/* Append the line to `path`, which is made (0600, its folder 0700) when missing. */
int known_hosts_append(const char *path, const char *line, struct err *err);

/* "SHA256:..." as ssh-keygen -l prints it. The caller's. */
char *ssh_fingerprint(const void *key, size_t len);

/* The type at the start of a key blob, "ssh-ed25519", or NULL when it is none. The caller's. */
char *ssh_blob_type(const void *key, size_t len);

#endif
