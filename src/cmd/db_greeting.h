/* db_greeting.h - what a database says before any login.  Private to src/cmd. */
#ifndef CMD_DB_GREETING_H
#define CMD_DB_GREETING_H

#include "devenv/err.h"

#include <stdint.h>

/*
 * Ask what listens on 127.0.0.1:port, without credentials: `engine` is mysql or postgres. *text
 * (the caller's) is "MySQL 8.0.36" or "PostgreSQL, without TLS". ERR_TUNNEL when it hangs up, stays
 * silent for 10 s, refuses (its own words) or speaks another protocol.
 */
int db_greeting(const char *engine, uint16_t port, char **text, struct err *err);

#endif
