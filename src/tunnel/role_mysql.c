/* role_mysql.c - asking MySQL or MariaDB what it is, through libmariadb (role.h). */
#include "role_engine.h"

#include "devenv/clock.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define MARIADB_FUNCTIONS(X) \
	X(mysql_server_init) \
	X(mysql_init) \
	X(mysql_options) \
	X(mysql_real_connect_start) \
	X(mysql_real_connect_cont) \
	X(mysql_get_socket) \
	X(mysql_get_ssl_cipher) \
	X(mysql_query) \
	X(mysql_store_result) \
	X(mysql_num_fields) \
	X(mysql_fetch_fields) \
	X(mysql_fetch_row) \
	X(mysql_fetch_lengths) \
	X(mysql_free_result) \
	X(mysql_errno) \
	X(mysql_error) \
	X(mysql_close)
#define LAZY_STRUCT mariadb
LAZY_LIBRARY(mariadb, LAZY_MARIADB, MARIADB_FUNCTIONS)

#define ACCESS_DENIED 1045U
#define TLS_FAILED 2026U /* CR_SSL_CONNECTION_ERROR: the server has none, as a rule */
#define ANSWER_S 10U

static int refused(MYSQL *mysql, bool tls, struct err *err)
{
	unsigned code = mariadb.mysql_errno(mysql);

	err_set(err, ERR_TUNNEL, "%s", mariadb.mysql_error(mysql));
	if (code == ACCESS_DENIED)
		err->os = tls ? EKEYREJECTED : EACCES; /* of users who REQUIRE SSL, too */
	else if (code == TLS_FAILED && tls)
		err->os = EPROTONOSUPPORT;
	return -1;
}

/* What of the events that the library waits for has come; 0: none of them did. */
static int await(MYSQL *mysql, int wish, int64_t deadline)
{
	short events = (short)((wish & MYSQL_WAIT_READ ? POLLIN : 0) |
			       (wish & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
			       (wish & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
	short came = role_wait(mariadb.mysql_get_socket(mysql), events, deadline);
	int happened = 0;

	if (came & (POLLIN | POLLHUP | POLLERR))
		happened |= wish & MYSQL_WAIT_READ;
	if (came & (POLLOUT | POLLHUP | POLLERR))
		happened |= wish & MYSQL_WAIT_WRITE;
	if (came & POLLPRI)
		happened |= wish & MYSQL_WAIT_EXCEPT;
	return happened;
}

static int log_in(MYSQL *mysql, int wish, MYSQL **made, bool tls, struct err *err)
{
	int64_t deadline = clock_ms() + ROLE_CONNECT_MS;

	while (wish) {
		int happened = await(mysql, wish, deadline);

		wish = mariadb.mysql_real_connect_cont(
			made, mysql, happened ? happened : MYSQL_WAIT_TIMEOUT);
		if (!happened) {
			err_set(err, ERR_TUNNEL, "it does not answer a login");
			err->os = ETIMEDOUT;
			return -1;
		}
	}
	return *made ? 0 : refused(mysql, tls, err);
}

static void set_options(MYSQL *mysql, const struct role_login *login, bool tls)
{
	const my_bool enforce = tls, verify = 0; /* its name is not 127.0.0.1 */
	const unsigned protocol = MYSQL_PROTOCOL_TCP, answer = ANSWER_S;

	mariadb.mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
	mariadb.mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	mariadb.mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer);
	mariadb.mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
	mariadb.mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	if (login->defaults_file)
		mariadb.mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, login->defaults_file);
	mariadb.mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "mysql");
}

/* By itself the first mysql_init does it, of two threads in each. */
static void init_library(void)
{
	mariadb.mysql_server_init(0, NULL, NULL);
}

static void *mysql_connect_to(const struct role_login *login, bool tls,
	const struct role_door *door, role_give *give, void *ctx, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	MYSQL *mysql, *made = NULL;
	int wish;

	if (mariadb_load(err) < 0) {
		err->os = ECANCELED;
		return NULL;
	}
	pthread_once(&once, init_library);
	mysql = mariadb.mysql_init(NULL);
	set_options(mysql, login, tls);
	wish = mariadb.mysql_real_connect_start(&made, mysql, door->host, login->user,
		login->password, login->database, door->port, NULL, 0);
	if (!wish)
		refused(mysql, tls, err);
	else if (role_door_pass(door, mariadb.mysql_get_socket(mysql), give, ctx, err) == 0 &&
		 log_in(mysql, wish, &made, tls, err) == 0)
		return mysql;
	mariadb.mysql_close(mysql);
	return NULL;
}

static int no_answer(MYSQL *mysql, struct err *err)
{
	return err_set(err, ERR_TUNNEL, "%s", mariadb.mysql_error(mysql));
}

static int ask_switches(MYSQL *mysql, struct role *role, struct err *err)
{
	enum role_switch found[2] = {ROLE_UNKNOWN, ROLE_UNKNOWN};
	unsigned long *lengths;
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (mariadb.mysql_query(mysql, ROLE_QUERY_MYSQL) != 0)
		return no_answer(mysql, err);
	result = mariadb.mysql_store_result(mysql);
	if (!result)
		return no_answer(mysql, err);
	row = mariadb.mysql_fetch_row(result);
	lengths = row ? mariadb.mysql_fetch_lengths(result) : NULL;
	for (unsigned i = 0; lengths && i < 2 && i < mariadb.mysql_num_fields(result); i++)
		if (row[i])
			found[i] = role_switch(row[i], lengths[i]);
	mariadb.mysql_free_result(result);
	if (found[0] == ROLE_UNKNOWN || found[1] == ROLE_UNKNOWN)
		return err_set(err, ERR_TUNNEL, "its answer is not understood");
	role->replica = found[0] == ROLE_ON || found[1] == ROLE_ON;
	return 0;
}

/* Of a replica's status; false: not this login's to see, or no such statement. */
static bool ask_lag(MYSQL *mysql, const char *query, struct role *role)
{
	MYSQL_RES *result = mariadb.mysql_query(mysql, query) == 0
				    ? mariadb.mysql_store_result(mysql)
				    : NULL;
	MYSQL_ROW row = result ? mariadb.mysql_fetch_row(result) : NULL;
	MYSQL_FIELD *fields = row ? mariadb.mysql_fetch_fields(result) : NULL;
	uint64_t seconds;

	for (unsigned i = 0; row && i < mariadb.mysql_num_fields(result); i++) {
		if ((str_eq(fields[i].name, "Seconds_Behind_Source") ||
			    str_eq(fields[i].name, "Seconds_Behind_Master")) &&
			row[i] && parse_u64(row[i], 0, INT64_MAX, &seconds))
			role->lag_s = (int64_t)seconds;
	}
	if (result)
		mariadb.mysql_free_result(result);
	return result != NULL;
}

static int mysql_ask(void *session, struct role *role, struct err *err)
{
	MYSQL *mysql = session;

	if (ask_switches(mysql, role, err) < 0)
		return -1;
	role->tls = mariadb.mysql_get_ssl_cipher(mysql) != NULL;
	if (role->replica && !ask_lag(mysql, "SHOW REPLICA STATUS", role))
		ask_lag(mysql, "SHOW SLAVE STATUS", role);
	return 0;
}

static void mysql_close_it(void *session)
{
	mariadb.mysql_close(session);
}

const struct role_engine role_mysql = {
	.connect = mysql_connect_to,
	.ask = mysql_ask,
	.close = mysql_close_it,
};
