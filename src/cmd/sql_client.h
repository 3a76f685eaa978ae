/*
 * sql_client.h - mariadb, mysql or psql, told where to go.  Private to src/cmd.
 *
 * Passwords come from the client's own files or its prompt. One that devenv had to ask for, to find
 * out what the server is, goes to the client in a file of this process' memory.
 */
#ifndef CMD_SQL_CLIENT_H
#define CMD_SQL_CLIENT_H

#include "tunnels.h"

#include "devenv/strv.h"

/* What runs: its words, and what is added to its environment. */
struct sql_client {
	struct strv argv, env;
	char *name;
	int secret; /* the file with the password; -1: none */
};

#define SQL_CLIENT_INIT \
	{ \
		.secret = -1 \
	}

/* How its session gets to the server. */
struct sql_way {
	const char *host; /* "127.0.0.1", or another of this machine */
	uint16_t port;
	/* the server takes no login in the clear, which the guard could see */
	bool tls;
	const char *password; /* that the client is not to ask for again; or NULL */
};

/* The engine's client in PATH. ERR_FAILED says how to install one. */
int sql_client_find(struct sql_client *client, const char *engine, struct err *err);

/* A read-only session, and the user's further words. */
void sql_client_words(struct sql_client *client, const struct tunnel_entry *entry,
	const struct sql_way *way, int argc, char **argv);

/*
 * Do the user's words choose another login, server or TLS than the tunnel's? Then only the client
 * knows them. *defaults_file is the one of `--defaults-file=FILE`, which is as good as the usual
 * files; borrowed, or NULL.
 */
bool sql_client_own_login(
	const char *engine, int argc, char *const *argv, const char **defaults_file);
void sql_client_release(struct sql_client *client);

/* Can a person be asked for a password? */
bool sql_client_has_terminal(void);

#endif
