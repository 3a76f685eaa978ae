#!/usr/bin/env bash
# engine: none
# Replicas that become writers under open sessions: a PostgreSQL standby that is promoted, a MariaDB
# that is made writable.  And that the questions in between disturb nobody.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=22911
MARIA_PORT=22912
PG_PORT=22913
STANDBY_PORT=22914
# shellcheck source=tests/e2e/databases.sh
source "$HERE/databases.sh"
tunnel_pid=

workspace() {
	mkdir -p "$T/ws"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key maria 22921 mysql "$MARIA_PORT" 'user: analyst' 'database: shop'
		tunnel_key standby 22923 postgres "$STANDBY_PORT" 'ssh_engine: openssh'
	} >"$T/ws/compose.yaml"
}

up() {
	"$DEVENV" -C "$T/ws" --progress plain tunnel >"$T/out" 2>"$T/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	wait_for 20 both_ready
}
both_ready() { (($(grep -c ' -> ' "$T/out") == 2)); }

down() {
	local rc=0
	kill -INT "$tunnel_pid"
	wait "$tunnel_pid" || rc=$?
	return "$rc"
}

maria() { mariadb --defaults-file="$S/my.cnf" -h 127.0.0.1 -P 22921 -N --unbuffered \
	--skip-reconnect --force "$@" shop; }
pg() { psql -X -A -t "host=127.0.0.1 port=22923 user=postgres sslmode=disable" "$@"; }

pg_sessions() { # of clients, as the standby sees them
	psql -X -A -t "host=127.0.0.1 port=$STANDBY_PORT user=postgres" -c "SELECT count(*)
		FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
}
no_pg_sessions() { [[ $(pg_sessions) == 0 ]]; }
maria_sessions() {
	maria_root -N -e "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'analyst'"
}
no_maria_sessions() { [[ $(maria_sessions) == 0 ]]; }

export PGPASSWORD=secret DEVENV_SSH_CONFIG=$S/config PGCONNECT_TIMEOUT=20
check 'sshd starts' start_sshd
my_cnf >"$S/my.cnf"
check 'MariaDB starts' start_maria
check 'PostgreSQL starts, with a standby' start_postgres
check 'MariaDB is read-only' maria_root -e \
	'SET GLOBAL read_only = 1, GLOBAL max_allowed_packet = 67108864'
workspace
check 'the tunnels come up' up

# === questions in between disturb nobody ===

check 'a MariaDB session' open_session idle maria
check 'answers' answers idle 'SELECT 40 + 2;' '^42$'
log_on() { maria_root -e "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1"; }
questions() {
	maria_root -N -e "SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE
		'SELECT @@global.read_only%' AND user_host LIKE 'analyst%'"
}
at_least() { (($($2) >= $1)); }
check 'the server writes down what it is asked' log_on
check 'an idle session is asked for again and again' wait_for 12 at_least 2 questions
check 'and answers still' answers idle 'SELECT 40 + 3;' '^43$'
check 'a session on the standby' open_session pgidle pg
check 'answers' answers pgidle 'SELECT 40 + 2;' '^42$'
check 'with an open transaction' answers pgidle 'BEGIN; SELECT 50 + 1;' '^51$'

# Many commands of all kinds, while the question comes every second.
many_results() {
	local n
	n=$(for ((i = 0; i < 900; i++)); do
		echo "SELECT $i; SELECT 1, REPEAT('x', $i), NULL; SET @a = $i; SELECT * FROM t;"
		((i % 100)) || echo 'SELECT SLEEP(0.05), @a; SHOW TABLES; SELECT * FROM nowhere;'
	done | maria 2>"$T/many.err" | grep -c '^[0-9]*$')
	[[ $n == 900 && $(grep -c 'ERROR 1146' "$T/many.err") == 9 ]]
}
check 'mysql: thousands of commands, one after another' many_results
several_at_once() {
	[[ $(maria -e "SELECT 1; SELECT SLEEP(1.2); SELECT 2; SELECT REPEAT('y', 20000000)" \
		--max-allowed-packet=64M --delimiter=// | wc -c) == 20000007 ]]
}
check 'mysql: several results of one command' several_at_once
prepared() {
	perl -MDBI -e '
		my $db = DBI->connect("DBI:MariaDB:database=shop;host=127.0.0.1;port=22921;" .
			"mariadb_server_prepare=1;mariadb_ssl=0", "analyst", "secret", {RaiseError => 1});
		my $query = $db->prepare("SELECT ? + 1, ? FROM (SELECT 1 UNION SELECT 2) AS two");
		my $until = time + 2;
		my $n = 0;
		while (time < $until) {
			$query->execute($n, "text");
			my $rows = $query->fetchall_arrayref;
			die "wrong" unless @$rows == 2 && $rows->[1][0] == $n + 1;
			$n++;
			$db->ping or die "no ping";
			select undef, undef, undef, 1.1 if $n == 10;
		}
		my $other = $db->prepare("SELECT REPEAT(?, 10)");
		$other->execute("ab");
		die "other" unless $other->fetchrow_array eq "ab" x 10;
		print "$n\n";'
}
check_out 'mysql: prepared statements' '^[0-9]+$' prepared
infile() {
	seq 1 100000 >"$S/rows"
	maria --local-infile=1 -e "CREATE TEMPORARY TABLE here (a INT);
		LOAD DATA LOCAL INFILE '$S/rows' INTO TABLE here; SELECT COUNT(*), SUM(a) FROM here"
}
check_out 'mysql: a file of the client' '100000.5000050000' infile
bench() {
	pgbench -h 127.0.0.1 -p 22923 -U postgres -n -T 2 -c 4 -M "$1" -f "$T/bench.sql" postgres
}
printf '\\set a random(1, 1000)\nSELECT :a + 1;\nSELECT repeat(%s, :a);\n' "'x'" >"$T/bench.sql"
for mode in simple extended prepared; do
	check_out "postgres: pgbench, $mode" 'number of failed transactions: 0|tps = ' bench "$mode"
done
printf '\\startpipeline\nSELECT 1;\nSELECT 2;\nSELECT 3;\n\\endpipeline\n' >"$T/bench.sql"
check_out 'postgres: a pipeline' 'tps = ' bench extended
copy_out() { pg -c "COPY (SELECT generate_series(1, 1000000)) TO STDOUT" | tail -n 1; }
check_out 'postgres: COPY' '^1000000$' copy_out
slow_command() { pg -c 'SELECT pg_sleep(1.5)' -c 'SELECT 7' | tail -n 1; }
check_out 'postgres: a command that takes longer than a second' '^7$' slow_command
check 'nobody was disturbed' not grep -q 'closed\|refused\|cannot tell' "$T/err"

check 'two idle sessions take no processor time' is_idle "$tunnel_pid"

# === a standby is promoted ===

check 'another session, without a transaction' open_session pgfree pg
check 'answers' answers pgfree 'SELECT 60 + 1;' '^61$'
check 'both are there' at_least 2 pg_sessions
promote() {
	psql -X -q "host=127.0.0.1 port=$STANDBY_PORT user=postgres" -c 'SELECT pg_promote()'
}
check 'the standby is promoted' promote
check 'postgres: within 6 s the server has none of them' within 6 no_pg_sessions
check_out 'and devenv says so' \
	'tunnel "standby": the server is no longer a read-only replica: 2 connections closed' \
	cat "$T/err"
write_pg() {
	say pgfree 'CREATE TABLE written (a INT);'
	ended pgfree
}
expect_fail 'postgres: the next command is not made' 2 '' write_pg
check_out 'and psql shows why' 'FATAL:  devenv: this server is no longer a read-only replica' \
	cat "$T/pgfree.said"
no_table() { ! psql -X "host=127.0.0.1 port=$STANDBY_PORT user=postgres" -c 'TABLE written'; }
check 'nothing was written' no_table
expect_fail 'a new connection is refused' 2 'not a read-only replica' pg -c 'SELECT 1'

# === a MariaDB is made writable ===

check 'a second session' open_session second maria
check 'answers' answers second 'SELECT 70 + 1;' '^71$'
check 'the server becomes writable' maria_root -e 'SET GLOBAL read_only = 0'
check 'mysql: within 6 s the server has none of them' within 6 no_maria_sessions
check_out 'and devenv says so' 'tunnel "maria": .*no longer .*: 2 connections closed' cat "$T/err"
write_maria() {
	say idle 'INSERT INTO t VALUES (1);'
	ended idle
}
check_out 'mysql: the next command is not made, and the client shows why' \
	'ERROR 1105 .*devenv: this server is no longer a read-only replica' write_maria
check_out 'nothing was written' '^0$' maria_root -N -e 'SELECT COUNT(*) FROM shop.t'
expect_fail 'a new connection is refused' 1 'not a read-only replica' maria -e 'SELECT 1'
logged() {
	"$DEVENV" -C "$T/ws" tunnel logs --format json |
		jq '[.[] | select(.check == "writer" and (.why | startswith("broken off")))] | length'
}
all_logged() { [[ $(logged) == 4 ]]; }
check 'logs: why they ended' wait_for 10 all_logged # the clients may read on a little

# At once: the answer is older than a second when the next command comes, and not asked for yet.
check 'read-only again' maria_root -e 'SET GLOBAL read_only = 1'
at_once() {
	local i
	open_session quick maria
	answers quick 'SELECT 80 + 1;' '^81$' || return 1
	sleep 1.2
	maria_root -e 'SET GLOBAL read_only = 0'
	for i in 1 2 3; do
		say quick "INSERT INTO t VALUES ($i);" || break
	done
	ended quick
}
check_out 'mysql: a command right after' 'ERROR 1105 .*devenv: .*no longer' at_once
check_out 'is not made either' '^0$' maria_root -N -e 'SELECT COUNT(*) FROM shop.t'
check 'Ctrl-C ends it with status 0' down

finish
