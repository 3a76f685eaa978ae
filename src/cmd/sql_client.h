/*
 * sql_client.h - mariadb, mysql or psql, told where to go.  Private to src/cmd.
 *
 * Passwords come from the client's own files or its prompt; none passes through here.
 */
#ifndef CMD_SQL_CLIENT_H
#define CMD_SQL_CLIENT_H

#include "tunnels.h"

#include "devenv/strv.h"

/* What runs: its words, and what is added to its environment. */
struct sql_client {
	struct strv argv, env;
	char *name;
};

/* The engine's client in PATH. ERR_FAILED says how to install one. */
int sql_client_find(struct sql_client *client, const char *engine, struct err *err);

/* A read-only session with 127.0.0.1:port, and the user's further words. */
void sql_client_words(struct sql_client *client, const struct tunnel_entry *entry, uint16_t port,
	int argc, char **argv);
void sql_client_release(struct sql_client *client);

/* Can a person be asked for a password? */
bool sql_client_has_terminal(void);

#endif
