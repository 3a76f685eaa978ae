/*
 * test_datadir.c - data directories that real servers made, ended and were killed in.
 *
 * MariaDB and PostgreSQL are Debian's; they run below the test's folder, on a socket there.
 */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/datadir.h"
#include "devenv/proc.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Servers refuse to run as root. */
#define AS_MYSQL "runuser -u mysql --"
#define AS_POSTGRES "runuser -u postgres --"

/* Run a line of shell in `dir`; what it prints is shown only when it fails. */
static void shell(const char *dir, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void shell(const char *dir, const char *fmt, ...)
{
	autobuf struct buf out = BUF_INIT(0);
	autofree char *line = NULL, *script = NULL;
	struct err err = ERR_INIT;
	va_list args;
	int status;

	va_start(args, fmt);
	line = xvasprintf(fmt, args);
	va_end(args);
	script = xasprintf(
		"exec 2>&1; set -e; as() { [ $(id -u) = 0 ] || shift 4; \"$@\"; }; %s", line);
	const char *const argv[] = {"sh", "-c", script, NULL};
	status = proc_run(&(struct proc_spec){.argv = argv, .dir = dir}, &out, NULL, &err);
	if (status)
		fail_msg("%s: %d %s %s", line, status, err.msg, buf_str(&out));
}

static struct datadir examine(const char *dir, const char *name)
{
	autofree char *path = path_join(dir, name);
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct datadir found;
	struct err err = ERR_INIT;

	assert_true(fd >= 0);
	if (datadir_examine(fd, &found, &err) < 0)
		fail_msg("%s", err.msg);
	return found;
}

static void expect_state(const char *dir, const char *name, enum datadir_state state)
{
	struct datadir found = examine(dir, name);

	if (found.state != state)
		fail_msg("%s is %s: %s", name, datadir_state_name(found.state), found.proof);
	datadir_release(&found);
}

static json_t *facts_of(const struct datadir *found)
{
	autobuf struct buf text = BUF_INIT(0);
	struct err err = ERR_INIT;
	json_t *facts;

	datadir_print_facts(found, &text);
	facts = json_parse(buf_str(&text), text.len, "facts", &err);
	if (!facts)
		fail_msg("%s: %s", err.msg, buf_str(&text));
	return facts;
}

/* Change one byte of a file. */
static void flip(const char *dir, const char *name, off_t offset)
{
	autofree char *path = path_join(dir, name);
	autoclose int fd = open(path, O_RDWR);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
}

/* === MariaDB === */

#define SMALL "--innodb-log-file-size=8M"
#define SQL "mariadb --no-defaults --socket=$PWD/sock --user=root"

/* A fresh directory "data" with some tables, its server still running; its id is in "pid". */
static void start_mariadb(const char *dir, const char *options)
{
	shell(dir, "chmod 755 .; mkdir -p data; [ $(id -u) != 0 ] || chown -R mysql . ; "
		   "[ -e data/ibdata1 ] || as " AS_MYSQL " mariadb-install-db --no-defaults "
		   "--datadir=$PWD/data --auth-root-authentication-method=normal "
		   "--skip-test-db " SMALL);
	/* A shell of its own keeps no pipe to us open. */
	shell(dir,
		"(exec >out 2>&1; as " AS_MYSQL " mariadbd --no-defaults --datadir=$PWD/data " SMALL
		" "
		"--socket=$PWD/sock --skip-networking --pid-file=$PWD/pid --log-error=$PWD/log %s) "
		"</dev/null & i=0; until " SQL " -e 'select 1' >>log 2>&1; do i=$((i+1)); "
		"[ $i -lt 600 ] && kill -0 $! || { cat log; exit 1; }; sleep 0.1; done",
		options);
}

static void stop_mariadb(const char *dir)
{
	shell(dir, "pid=$(cat pid); mariadb-admin --no-defaults --socket=$PWD/sock --user=root "
		   "shutdown; tail -s 0.1 --pid=$pid -f /dev/null");
}

static void kill_mariadb(const char *dir)
{
	shell(dir, "pid=$(cat pid); kill -9 $pid; tail -s 0.1 --pid=$pid -f /dev/null");
}

static void write_mariadb(const char *dir, const char *database)
{
	shell(dir,
		SQL " -e 'create database %s; use %s; create table a (i int primary key) "
		    "engine=innodb; insert into a values (1), (2); create table b (i int) "
		    "engine=aria; insert into b values (1); create table c (i int) engine=myisam; "
		    "insert into c values (1)'",
		database, database);
}

static void test_mariadb_ends(void **state)
{
	struct datadir found;
	autojson json_t *facts = NULL;

	start_mariadb(*state, "--log-bin=shop-bin --server-id=1");
	write_mariadb(*state, "shop");
	expect_state(*state, "data", DATADIR_NOT_CLEAN);
	stop_mariadb(*state);

	found = examine(*state, "data");
	if (found.state != DATADIR_CLEAN)
		fail_msg("%s", found.proof);
	assert_int_equal(found.kind, DATADIR_MARIADB);
	assert_string_equal(found.path, "");
	assert_int_equal(found.page_size, 16384);
	assert_int_equal(found.checksums, 1);
	assert_int_equal(found.capitals, 0);
	assert_true(datadir_leaves_out(&found, "shop-bin.000001"));
	assert_true(datadir_leaves_out(&found, "shop-bin.index"));
	assert_true(datadir_leaves_out(&found, "host.pid"));
	assert_true(datadir_leaves_out(&found, "shop/.DS_Store"));
	assert_false(datadir_leaves_out(&found, "shop/a.ibd"));
	assert_false(datadir_leaves_out(&found, "ib_logfile0"));
	assert_false(datadir_leaves_out(&found, "aria_log.00000001"));
	facts = facts_of(&found);
	assert_string_equal(json_str(facts, "kind"), "mariadb");
	assert_string_equal(json_str(facts, "state"), "clean");
	assert_true(str_starts(json_str(facts, "version"), "10."));
	datadir_release(&found);

	/*
	 * Clean again after a start that wrote nothing; and not after a kill that followed writes.
	 */
	start_mariadb(*state, "");
	stop_mariadb(*state);
	expect_state(*state, "data", DATADIR_CLEAN);
	start_mariadb(*state, "");
	write_mariadb(*state, "Zoo");
	kill_mariadb(*state);
	expect_state(*state, "data", DATADIR_NOT_CLEAN);

	/* Recovered, it is a good seed again; but a MyISAM table only once somebody opened it. */
	start_mariadb(*state, "");
	stop_mariadb(*state);
	expect_state(*state, "data", DATADIR_NOT_CLEAN);
	start_mariadb(*state, "");
	shell(*state, SQL " -e 'check table Zoo.c, Zoo.b'");
	stop_mariadb(*state);
	expect_state(*state, "data", DATADIR_CLEAN);
	found = examine(*state, "data");
	assert_int_equal(found.capitals, 1);
	datadir_release(&found);
}

/* Each of the three signs alone tells that the server was killed. */
static void test_mariadb_each_sign(void **state)
{
	start_mariadb(*state, "");
	stop_mariadb(*state);
	shell(*state, "cp -a data innodb; cp -a data aria; cp -a data control; cp -a data head");
	start_mariadb(*state, "");
	shell(*state, SQL " -e 'create table mysql.x (i int) engine=innodb; "
			  "insert into mysql.x values (1); flush tables'");
	kill_mariadb(*state);
	shell(*state, "cp -a data/ib_logfile0 innodb/");
	expect_state(*state, "innodb", DATADIR_NOT_CLEAN);
	shell(*state,
		"cp data/aria_log.* aria/; printf '\\144' | dd of=aria/aria_log.00000001 bs=1 "
		"conv=notrunc seek=$(($(stat -c %%s aria/aria_log.00000001) - 1))");
	expect_state(*state, "aria", DATADIR_NOT_CLEAN);
	flip(*state, "control/aria_log_control", 33);
	expect_state(*state, "control", DATADIR_NOT_CLEAN);
	flip(*state, "head/ib_logfile0", 20);
	expect_state(*state, "head", DATADIR_NOT_CLEAN);
}

/* === PostgreSQL === */

#define PG "PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH; "

static void start_postgres(const char *dir)
{
	shell(dir, PG "chmod 755 .; mkdir -p volume; [ $(id -u) != 0 ] || chown -R postgres . ; "
		      "[ -e volume/pgdata ] || as " AS_POSTGRES " initdb -A trust -k "
		      "--wal-segsize=1 -D $PWD/volume/pgdata; as " AS_POSTGRES
		      " pg_ctl -w -D $PWD/volume/pgdata "
		      "-o \"-c listen_addresses= -c fsync=off -k $PWD\" -l $PWD/log start");
}

static void stop_postgres(const char *dir, const char *mode)
{
	shell(dir, PG "as " AS_POSTGRES " pg_ctl -w -D $PWD/volume/pgdata -m %s stop", mode);
}

/* Enough to fill several segments. */
static void write_postgres(const char *dir)
{
	shell(dir, PG "as " AS_POSTGRES " psql -qh $PWD -d postgres -c 'create table if not exists "
		      "t (a int, b text); insert into t select i, repeat(i::text, 20) from "
		      "generate_series(1, 40000) i; create index on t (a)'");
}

/* Delete what is left out, as a capture would. */
static void drop_left_out(const char *dir, const struct datadir *found)
{
	autobuf struct buf out = BUF_INIT(0);
	autostrv struct strv paths = STRV_INIT;
	autofree char *volume = path_join(dir, "volume");
	const char *const argv[] = {"find", ".", "-type", "f", "-printf", "%P\\n", NULL};
	struct err err = ERR_INIT;

	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = argv, .dir = volume}, &out, NULL, &err), 0);
	strv_split(&paths, buf_str(&out), '\n');
	for (size_t i = 0; i < paths.n; i++) {
		autofree char *path = path_join(volume, paths.v[i]);

		if (datadir_leaves_out(found, paths.v[i]))
			assert_int_equal(unlink(path), 0);
	}
}

static void test_postgres_ends(void **state)
{
	autofree char *segments = NULL;
	autojson json_t *facts = NULL;
	struct datadir found;

	start_postgres(*state);
	write_postgres(*state);
	expect_state(*state, "volume", DATADIR_NOT_CLEAN);
	stop_postgres(*state, "fast");
	found = examine(*state, "volume");
	if (found.state != DATADIR_CLEAN)
		fail_msg("%s", found.proof);
	assert_int_equal(found.kind, DATADIR_POSTGRES);
	assert_string_equal(found.path, "pgdata");
	assert_int_equal(found.page_size, 8192);
	assert_int_equal(found.segment_size, 1 << 20);
	assert_int_equal(found.max_align, 8);
	assert_int_equal(found.checksums, 1);
	facts = facts_of(&found);
	assert_string_equal(json_str(facts, "path"), "pgdata");

	/* What pg_controldata says is what was read. */
	shell(*state,
		PG "export LC_ALL=C; pg_controldata volume/pgdata > control; "
		   "grep -q \"REDO WAL file: *%s$\" control; "
		   "grep -q 'Catalog version number: *%u$' control",
		found.wal_first, found.catalog_version);

	assert_true(datadir_leaves_out(&found, "pgdata/postmaster.opts"));
	assert_true(datadir_leaves_out(&found, "pgdata/pg_notify/0000"));
	assert_true(datadir_leaves_out(&found, "pgdata/base/pgsql_tmp"));
	assert_true(datadir_leaves_out(&found, "pgdata/pg_wal/000000010000000000000001"));
	assert_false(datadir_leaves_out(&found, "pgdata/pg_notify"));
	assert_false(datadir_leaves_out(&found, "pgdata/pg_wal/archive_status"));
	assert_false(datadir_leaves_out(&found, "pgdata/pg_wal/00000002.history"));
	assert_false(datadir_leaves_out(&found, "pgdata/PG_VERSION"));
	assert_false(datadir_leaves_out(&found, "postmaster.pid"));

	/* Without all that it starts, has its rows, and ends cleanly. */
	drop_left_out(*state, &found);
	datadir_release(&found);
	shell(*state, "[ $(ls volume/pgdata/pg_wal | grep -c ^0) = 1 ]");
	start_postgres(*state);
	shell(*state, PG "[ $(as " AS_POSTGRES
			 " psql -Atqh $PWD -d postgres -c 'select count(*) from t') = 40000 ]");
	stop_postgres(*state, "fast");
	expect_state(*state, "volume", DATADIR_CLEAN);
}

static void test_postgres_not_clean(void **state)
{
	start_postgres(*state);
	write_postgres(*state);
	/* "immediate" kills every process: the state that a power cut leaves. */
	stop_postgres(*state, "immediate");
	expect_state(*state, "volume", DATADIR_NOT_CLEAN);
	start_postgres(*state);
	stop_postgres(*state, "fast");
	expect_state(*state, "volume", DATADIR_CLEAN);

	shell(*state, "cp -a volume label; touch label/pgdata/backup_label; "
		      "cp -a volume wal; rm wal/pgdata/pg_wal/0*; "
		      "cp -a volume space; ln -s /srv/space space/pgdata/pg_tblspc/16400; "
		      "cp -a volume damaged; cp -a volume two; cp -a two/pgdata two/other");
	flip(*state, "damaged/pgdata/global/pg_control", 16);
	expect_state(*state, "label", DATADIR_NOT_CLEAN);
	expect_state(*state, "wal", DATADIR_NOT_CLEAN);
	expect_state(*state, "space", DATADIR_NOT_CLEAN);
	expect_state(*state, "damaged", DATADIR_NOT_CLEAN);

	autofree char *path = path_join(*state, "two");
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct datadir found;
	struct err err = ERR_INIT;

	assert_int_equal(datadir_examine(fd, &found, &err), -1);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.msg, "other and pgdata"));
}

/* === neither === */

static void test_opaque(void **state)
{
	struct datadir found;
	autojson json_t *facts = NULL;

	/* A pipe where a file is read must not hang, and a link is not followed. */
	shell(*state, "mkdir -p v/a/b v/global; echo x > v/a/b/dump.rdb; mkfifo v/a/PG_VERSION; "
		      "ln -s /etc v/link");
	found = examine(*state, "v");
	assert_int_equal(found.kind, DATADIR_OPAQUE);
	assert_int_equal(found.state, DATADIR_CANNOT_TELL);
	assert_false(datadir_leaves_out(&found, "a/.DS_Store"));
	facts = facts_of(&found);
	assert_string_equal(json_str(facts, "kind"), "opaque");
	datadir_release(&found);
	shell(*state,
		"mkdir -p v/a/global; mkfifo v/a/ibdata1 v/a/ib_logfile0 v/a/aria_log_control");
	expect_state(*state, "v", DATADIR_NOT_CLEAN);
}

/* === who may read whose === */

static void expect_verdict(const char *facts_text, const char *env_text, const char *architecture,
	enum datadir_verdict verdict, const char *why)
{
	struct err err = ERR_INIT;
	autojson json_t *facts = json_parse(facts_text, strlen(facts_text), "facts", &err);
	autojson json_t *env = json_parse(env_text, strlen(env_text), "env", &err);
	autofree char *said = NULL;
	struct datadir_server server;
	enum datadir_verdict got;

	assert_non_null(facts);
	assert_non_null(env);
	datadir_server_from_env(env, &server);
	server.architecture = architecture;
	got = datadir_compatible(facts, &server, &said);
	if (got != verdict || !strstr(said ? said : "", why))
		fail_msg("%s with %s: %d %s", facts_text, env_text, (int)got, said ? said : "");
	datadir_server_release(&server);
}

/* The command line of the service asks for what the files are not. */
static void expect_command(const char *facts_text, enum datadir_kind kind, const char *command_text,
	enum datadir_verdict verdict, const char *why)
{
	struct err err = ERR_INIT;
	autojson json_t *facts = json_parse(facts_text, strlen(facts_text), "facts", &err);
	autojson json_t *command = json_parse(command_text, strlen(command_text), "command", &err);
	autofree char *said = NULL;
	struct datadir_server server = {.kind = kind, .command = command};

	assert_int_equal(datadir_compatible(facts, &server, &said), verdict);
	assert_non_null(strstr(said ? said : "", why));
}

static void test_command(void **state)
{
	const char *maria = "{\"kind\": \"mariadb\", \"page_size\": 16384, \"capitals\": true}";
	const char *mysql = "{\"kind\": \"mysql\", \"lower_case_table_names\": 0}";

	expect_command(maria, DATADIR_MARIADB, "[\"--innodb_page-size=16k\"]", DATADIR_FITS, "");
	expect_command(maria, DATADIR_MARIADB, "[\"--innodb-page-size=8192\"]", DATADIR_REFUSED,
		"pages of 16384 bytes");
	expect_command(maria, DATADIR_MARIADB, "[\"mariadbd\", \"--lower_case_table_names=1\"]",
		DATADIR_REFUSED, "capital letters");
	expect_command(maria, DATADIR_MARIADB, "[\"--lower-case_table-names\", \"1\"]",
		DATADIR_REFUSED, "capital letters");
	expect_command(maria, DATADIR_MARIADB, "[\"--innodb-page-size\"]", DATADIR_FITS, "");
	expect_command(
		maria, DATADIR_MARIADB, "[\"--innodb-page-sizes\", \"8k\"]", DATADIR_FITS, "");
	expect_command(maria, DATADIR_MARIADB, "[\"--lower_case_table_names=x\", \"--lower\"]",
		DATADIR_FITS, "");
	expect_command(mysql, DATADIR_MYSQL,
		"[\"--lower-case-table-names=1\", \"--lower-case-table-names=0\"]", DATADIR_FITS,
		"");
	expect_command(mysql, DATADIR_MYSQL, "[\"--lower-case-table-names=1\"]", DATADIR_REFUSED,
		"lower_case_table_names=0");
}

static void test_compatible(void **state)
{
	const char *pg15 = "{\"kind\": \"postgres\", \"version\": \"15\", \"architecture\": "
			   "\"amd64\", \"libc\": \"debian12\"}";
	const char *maria = "{\"kind\": \"mariadb\", \"version\": \"10.11.19-MariaDB\"}";
	const char *mysql = "{\"kind\": \"mysql\", \"version\": \"8.0.36\"}";

	expect_verdict(pg15, "[\"PG_MAJOR=15\", \"PG_VERSION=15.7-1.pgdg120+1\"]", "amd64",
		DATADIR_FITS, "");
	expect_verdict(pg15, "[\"PG_MAJOR=16\", \"PG_VERSION=16.3-1.pgdg120+1\"]", "amd64",
		DATADIR_REFUSED, "PostgreSQL 15");
	expect_verdict(
		pg15, "[\"PG_MAJOR=15\", \"PG_VERSION=15.7\"]", "amd64", DATADIR_WARN, "alpine");
	expect_verdict(pg15, "[\"PG_VERSION=15.7-1.pgdg130+1\"]", NULL, DATADIR_WARN, "debian13");
	expect_verdict(pg15, "[\"PG_MAJOR=15\"]", "arm64", DATADIR_WARN, "arm64");
	expect_verdict("{\"kind\": \"postgres\", \"version\": \"9.6\"}", "[\"PG_MAJOR=9.5\"]", NULL,
		DATADIR_REFUSED, "9.6");
	expect_verdict(pg15, "[\"MARIADB_VERSION=1:11.4.2+maria~ubu2404\"]", NULL, DATADIR_REFUSED,
		"neither");
	expect_verdict(maria, "[\"PGDATA=/data\"]", NULL, DATADIR_REFUSED, "neither");
	expect_verdict(maria, "[\"MYSQL_VERSION=8.0.36-1.el8\"]", NULL, DATADIR_REFUSED, "neither");
	expect_verdict(maria, "[\"MARIADB_VERSION=1:11.4.2+maria~ubu2404\"]", NULL, DATADIR_WARN,
		"no way back");
	expect_verdict(
		maria, "[\"MARIADB_VERSION=1:10.6.18+maria\"]", NULL, DATADIR_REFUSED, "older");
	expect_verdict(maria, "[\"MARIADB_VERSION=10.11.8\"]", "arm64", DATADIR_FITS, "");
	expect_verdict(mysql, "[\"MYSQL_VERSION=8.0.35-1.el8\"]", NULL, DATADIR_REFUSED, "older");
	expect_verdict(mysql, "[\"MYSQL_VERSION=8.0.40-1.el9\"]", NULL, DATADIR_FITS, "");
	expect_verdict(mysql, "[\"PATH=/bin\"]", NULL, DATADIR_FITS, "");
	expect_verdict("{\"kind\": \"opaque\"}", "[\"PG_MAJOR=15\"]", NULL, DATADIR_FITS, "");
}

/* A test that failed leaves its server behind. */
static int end_servers(void **state)
{
	shell(*state, "for file in pid volume/pgdata/postmaster.pid; do [ ! -e $file ] || "
		      "kill -9 $(head -n 1 $file) || :; done");
	return test_folder_remove(state);
}

static void expect_group(enum datadir_kind kind, const char *path, const char *group)
{
	autofree char *actual = datadir_group(kind, path);

	assert_string_equal(actual, group);
}

static void test_group(void **state)
{
	expect_group(DATADIR_MARIADB, "shop/orders.ibd", "shop.orders");
	expect_group(DATADIR_MARIADB, "shop/orders#P#p2026.ibd", "shop.orders");
	expect_group(DATADIR_MYSQL, "shop/orders#p#p2026.ibd", "shop.orders");
	expect_group(DATADIR_MYSQL, "my@002dshop/a@0020b@00e9@20ac.ibd", "my-shop.a b\u00e9\u20ac");
	expect_group(DATADIR_MYSQL, "shop/odd@00", "shop.odd@00");
	expect_group(DATADIR_MARIADB, "shop/db.opt", "(other)");
	expect_group(DATADIR_MARIADB, "mysql/user.MAD", "(system)");
	expect_group(DATADIR_MARIADB, "ibdata1", "(system)");
	expect_group(DATADIR_MARIADB, "undo001", "(undo log)");
	expect_group(DATADIR_MYSQL, "#innodb_redo/#ib_redo6", "(redo log)");
	expect_group(DATADIR_POSTGRES, "base/16384/24576.1", "16384/24576");
	expect_group(DATADIR_POSTGRES, "base/16384/24576_fsm", "16384/24576");
	expect_group(DATADIR_POSTGRES, "base/5/1259", "(system)");
	expect_group(DATADIR_POSTGRES, "pg_wal/000000010000000000000001", "(WAL)");
	expect_group(DATADIR_POSTGRES, "postgresql.conf", "(other)");
	expect_group(DATADIR_OPAQUE, "anything", "(other)");
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, test_folder, end_servers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_mariadb_ends),
		SERVER_TEST(test_mariadb_each_sign),
		SERVER_TEST(test_postgres_ends),
		SERVER_TEST(test_postgres_not_clean),
		FOLDER_TEST(test_opaque),
		cmocka_unit_test(test_compatible),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
