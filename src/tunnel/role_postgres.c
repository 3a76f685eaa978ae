/* role_postgres.c - asking PostgreSQL what it is, through libpq (role.h). */
#include "role_engine.h"

#include "devenv/clock.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PQ_FUNCTIONS(X) \
	X(PQconnectStartParams) \
	X(PQconnectPoll) \
	X(PQsetErrorVerbosity) \
	X(PQconndefaults) \
	X(PQconninfoFree) \
	X(PQconnectionNeedsPassword) \
	X(PQconnectionUsedPassword) \
	X(PQsslInUse) \
	X(PQsocket) \
	X(PQstatus) \
	X(PQerrorMessage) \
	X(PQexec) \
	X(PQresultStatus) \
	X(PQntuples) \
	X(PQgetvalue) \
	X(PQgetisnull) \
	X(PQclear) \
	X(PQfinish)
#define LAZY_STRUCT pq
LAZY_LIBRARY(pq, LAZY_PQ, PQ_FUNCTIONS)

#define PARAMS 10
#define STATE_LEN 5 /* of a SQLSTATE, whose first two letters are its class */
#define INVALID_AUTHORIZATION "28"

/* NULL where it cannot be told: on a writer, or when nothing was replayed yet. */
static const char lag_query[] =
	"SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN NULL "
	"WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0 "
	"ELSE pg_catalog.round(extract(epoch FROM pg_catalog.now() - "
	"pg_catalog.pg_last_xact_replay_timestamp())) END";

struct params {
	const char *names[PARAMS + 1], *values[PARAMS + 1];
	size_t n;
};

static void add(struct params *params, const char *name, const char *value)
{
	if (!value)
		return;
	params->names[params->n] = name;
	params->values[params->n++] = value;
}

/* What the user's variables and service file say of an option; NULL: nothing. The caller's. */
static char *own_setting(const char *name)
{
	PQconninfoOption *options = pq.PQconndefaults();
	char *value = NULL;

	for (const PQconninfoOption *option = options; option && option->keyword; option++)
		if (str_eq(option->keyword, name) && option->val)
			value = xstrdup(option->val);
	pq.PQconninfoFree(options);
	return value;
}

/*
 * The SQLSTATE of a message's first line: "FATAL:  28P01: password ...", where the first word is in
 * the server's language. What libpq says itself has none.
 */
static const char *find_state(const char *text, size_t len)
{
	const char *at = memmem(text, len, ":  ", 3);
	const char *state = at ? at + 3 : text + len;

	return strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == STATE_LEN &&
			       str_starts(state + STATE_LEN, ": ")
		       ? state
		       : NULL;
}

/*
 * "connection to server at ..., port 5433 failed: FATAL:  28P01: ..." without the part about the
 * way, and the SQLSTATE, which goes into `state` ("": there is none).
 */
static void server_words(PGconn *conn, char *words, size_t size, char state[STATE_LEN + 1])
{
	const char *text = pq.PQerrorMessage(conn), *at = strstr(text, " failed: "), *found;
	size_t len;

	if (str_starts(text, "connection to server") && at)
		text = at + strlen(" failed: ");
	len = strcspn(text, "\n");
	found = find_state(text, len);
	*state = '\0';
	if (!found) {
		snprintf(words, size, "%.*s", (int)len, text);
		return;
	}
	snprintf(state, STATE_LEN + 1, "%s", found);
	at = found + STATE_LEN + strlen(": ");
	snprintf(words, size, "%.*s%.*s", (int)(found - text), text, (int)(text + len - at), at);
}

/* Another password helps where the server did not take this one, not where it let it in and had
 * another reason: no such database, too many connections. */
static bool password_is_wrong(PGconn *conn, const char *state)
{
	return pq.PQconnectionNeedsPassword(conn) ||
	       (pq.PQconnectionUsedPassword(conn) && str_starts(state, INVALID_AUTHORIZATION));
}

static int refused(PGconn *conn, struct err *err)
{
	char words[512], state[STATE_LEN + 1];

	server_words(conn, words, sizeof(words), state);
	err_set(err, ERR_TUNNEL, "%s",
		pq.PQconnectionNeedsPassword(conn)
			? "the database asks for a password, and none is known"
			: words);
	if (password_is_wrong(conn, state))
		err->os = EKEYREJECTED;
	else if (strstr(words, "does not support SSL"))
		err->os = EPROTONOSUPPORT;
	return -1;
}

static int log_in(PGconn *conn, struct err *err)
{
	int64_t deadline = clock_ms() + ROLE_CONNECT_MS;
	PostgresPollingStatusType wish = PGRES_POLLING_WRITING;

	while (wish != PGRES_POLLING_OK) {
		short events = wish == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (wish == PGRES_POLLING_FAILED)
			return refused(conn, err);
		if (!role_wait(pq.PQsocket(conn), events, deadline)) {
			err_set(err, ERR_TUNNEL, "it does not answer a login");
			err->os = ETIMEDOUT;
			return -1;
		}
		wish = pq.PQconnectPoll(conn);
	}
	return 0;
}

static bool is_choice(const char *sslmode)
{
	return sslmode && !str_eq(sslmode, "prefer") && !str_eq(sslmode, "allow");
}

static PGconn *start(
	const struct role_login *login, const char *sslmode, const struct role_door *door)
{
	autofree char *database = own_setting("dbname");
	struct params params = {0};
	char port[8];

	snprintf(port, sizeof(port), "%u", door->port);
	add(&params, "host", "127.0.0.1"); /* as ~/.pgpass knows it */
	add(&params, "hostaddr", door->host);
	add(&params, "port", port);
	add(&params, "user", login->user);
	add(&params, "password", login->password);
	/* Each server has this one; libpq's own choice, named as the user, is rarely there. */
	add(&params, "dbname", login->database ? login->database : database ? NULL : "postgres");
	add(&params, "sslmode", sslmode);
	add(&params, "gssencmode", "disable");
	add(&params, "application_name", "devenv");
	return pq.PQconnectStartParams(params.names, params.values, 0);
}

static void *postgres_connect(const struct role_login *login, bool tls,
	const struct role_door *door, role_give *give, void *ctx, struct err *err)
{
	autofree char *chosen = NULL;
	PGconn *conn;

	if (pq_load(err) < 0) {
		err->os = ECANCELED;
		return NULL;
	}
	chosen = own_setting("sslmode");
	if (tls && is_choice(chosen)) {
		err->os = EPROTONOSUPPORT; /* the first attempt was made as it says */
		return NULL;
	}
	conn = start(login, is_choice(chosen) ? chosen : tls ? "require" : "disable", door);
	pq.PQsetErrorVerbosity(conn, PQERRORS_VERBOSE); /* its messages then have the SQLSTATE */
	if (!conn || pq.PQstatus(conn) == CONNECTION_BAD)
		refused(conn, err);
	else if (role_door_pass(door, pq.PQsocket(conn), give, ctx, err) == 0 &&
		 log_in(conn, err) == 0)
		return conn;
	pq.PQfinish(conn);
	return NULL;
}

/* The first row's only column; NULL: there is none. The caller's. */
static char *one_value(PGconn *conn, const char *query)
{
	PGresult *result = pq.PQexec(conn, query);
	char *value = NULL;

	if (pq.PQresultStatus(result) == PGRES_TUPLES_OK && pq.PQntuples(result) == 1 &&
		!pq.PQgetisnull(result, 0, 0))
		value = xstrdup(pq.PQgetvalue(result, 0, 0));
	pq.PQclear(result);
	return value;
}

static int postgres_ask(void *session, struct role *role, struct err *err)
{
	autofree char *answer = one_value(session, ROLE_QUERY_POSTGRES), *lag = NULL;
	uint64_t seconds;
	char words[512], state[STATE_LEN + 1];

	if (!answer) {
		server_words(session, words, sizeof(words), state);
		return err_set(err, ERR_TUNNEL, "%s", words);
	}
	role->replica = str_eq(answer, "t");
	role->tls = pq.PQsslInUse(session);
	lag = role->replica ? one_value(session, lag_query) : NULL;
	if (lag && parse_u64(lag, 0, INT64_MAX, &seconds))
		role->lag_s = (int64_t)seconds;
	return 0;
}

static void postgres_close(void *session)
{
	pq.PQfinish(session);
}

const struct role_engine role_postgres = {
	.connect = postgres_connect,
	.ask = postgres_ask,
	.close = postgres_close,
};
