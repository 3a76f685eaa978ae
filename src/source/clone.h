/*
 * clone.h - what parent and child of a clone agree on.
 *
 * Private to src/source.
 */
#ifndef SOURCE_CLONE_H
#define SOURCE_CLONE_H

#include "devenv/source.h"
#include "devenv/ssh_config.h"

#include <stdbool.h>

/*
 * The folder beside `path` that a clone grows in: always the same, so that a cut one is found
 * again.
 */
char *clone_temporary(const char *path);

/* The URL of the remote "origin" in PATH/.git/config, the caller's, or NULL. No libgit2 needed. */
char *clone_origin(const char *path);

/* Do two URLs name the same repository? "git@host:a/b.git" and "https://host/a/b" do. */
bool clone_same(const char *a, const char *b);

/* Remove a temporary folder, unless another process is at work in it. */
void clone_discard(const char *temporary);

/* === ssh.c: how to reach a repository over ssh === */

/* An ssh URL, resolved through the user's ssh configuration. */
struct clone_ssh {
	bool used; /* the URL is one */
	char *url; /* what libgit2 is given: aliases resolved */
	struct ssh_config config;
	size_t next_key; /* of config.identities: the next to be offered */
	bool agent_tried;
};

/* Fill `ssh` from any URL; used stays false for other kinds. */
int clone_ssh_resolve(struct clone_ssh *ssh, const char *url, struct err *err);
void clone_ssh_release(struct clone_ssh *ssh);

/* The next key file that can be used without a passphrase, each once; NULL: no more. Borrowed. */
const char *clone_ssh_next_key(struct clone_ssh *ssh);

/* Is this the server's key? As ssh decides with StrictHostKeyChecking, but nobody is asked. */
int clone_ssh_check_host(const struct clone_ssh *ssh, const void *key, size_t len, struct err *err);

#endif
