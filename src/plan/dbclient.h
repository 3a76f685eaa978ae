/*
 * dbclient.h - a database's own client, run in the database's own container.
 *
 * Private to src/plan.  So nothing has to be installed here, no port has to be published, and the
 * client is as old or new as its server.  Who it logs in as is what the container's environment
 * says, in the words of the official images: MARIADB_ROOT_PASSWORD, POSTGRES_USER ...
 *
 *	autodbclient struct dbclient client = {0};
 *	autobuf struct buf answer = BUF_INIT(ANSWER_MAX);
 *	if (dbclient_find(engine, id, &client, err) < 0 ||
 *		dbclient_ask(&client, NULL, "SELECT 1", &answer, err) < 0)
 *		return -1;
 *
 * Errors are ERR_SNAPSHOT with what the client said, or ERR_ENGINE; ERR_CANCELLED after Ctrl-C.
 */
#ifndef PLAN_DBCLIENT_H
#define PLAN_DBCLIENT_H

#include "devenv/buf.h"
#include "devenv/datadir.h"
#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <sys/types.h>

struct dbclient {
	struct engine *engine; /* borrowed */
	char *container;
	enum datadir_kind kind;
	const char *program;              /* "mariadb", "mysql", "psql" */
	char *user, *password, *database; /* password and database may be NULL */
};

/*
 * What the running container has. ERR_SNAPSHOT when its environment is of no database that devenv
 * knows. After a failure too: dbclient_release().
 */
int dbclient_find(
	struct engine *engine, const char *container, struct dbclient *client, struct err *err);
void dbclient_release(struct dbclient *client);
#define autodbclient __attribute__((cleanup(dbclient_release)))

/*
 * Does the server take connections over TCP? While an image prepares a new data directory, its
 * server listens on a socket only. 1: it does; 0: not yet; -1 with err: nobody can tell.
 */
int dbclient_answers(const struct dbclient *client, struct err *err);

/* What is run: a program of the client's package, with its user and password. */
struct dbclient_run {
	const char *const *argv; /* what follows the client's own words; NULL-terminated */
	const char *program;     /* another one that takes the same words: "pg_restore"; or NULL */
	const char *database;    /* NULL: no certain one */
	/* Its stdin, called in another thread: up to `len` bytes, 0 at the end; NULL: none. */
	ssize_t (*read)(void *ctx, void *data, size_t len, struct err *err);
	void *ctx;
	struct buf *out; /* its stdout, up to its limit; NULL: dropped */
};

/* Run it to its end. A failed `read` is the error, whatever the client made of it. */
int dbclient_run(const struct dbclient *client, const struct dbclient_run *run, struct err *err);

/* Run SQL, which is read as from a file, so that psql's commands work; *out as above. */
int dbclient_ask(const struct dbclient *client, const char *database, const char *sql,
	struct buf *out, struct err *err);

#endif
