#!/usr/bin/env bash
# engine: none
# Replicas that insist on TLS, which hides logins from the guard: devenv asks them on a session of its
# own, with the analyst's credentials.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=22611
MARIA_PORT=22612
PG_PORT=22613
STANDBY_PORT=22614
# shellcheck source=tests/e2e/databases.sh
source "$HERE/databases.sh"

workspace() {
	mkdir -p "$T/ws"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key maria 22621 mysql "$MARIA_PORT" 'user: analyst' 'database: shop'
		tunnel_key standby 22623 postgres "$STANDBY_PORT" 'user: postgres'
		tunnel_key stranger 22624 postgres "$STANDBY_PORT" 'user: nobody'
		tunnel_key lax 22625 postgres "$STANDBY_PORT" 'user: nobody' 'allow_unverified: true'
	} >"$T/ws/compose.yaml"
}

dev() { "$DEVENV" -C "$T/ws" --progress plain "$@"; }
up() {
	"$DEVENV" -C "$T/ws" --progress plain tunnel >"$T/out" 2>"$T/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	wait_for 20 all_ready
}
down() {
	local rc=0
	kill -INT "$tunnel_pid"
	wait "$tunnel_pid" || rc=$?
	return "$rc"
}
all_ready() { (($(grep -c ' -> ' "$T/out") == 4)); }

# A replica as clouds have them: no login in the clear.
insist_on_tls() {
	maria_root -e 'SET GLOBAL require_secure_transport = 1, GLOBAL read_only = 1'
	standby_tls
	printf '%s all %s 127.0.0.1/32 %s\n' host barred reject hostssl all scram-sha-256 \
		>"$D/standby/pg_hba.conf"
	printf 'local all all trust\n' >>"$D/standby/pg_hba.conf"
	as_postgres "$PG/pg_ctl" -D "$D/standby" reload
	wait_for 10 refuses_clear
}
refuses_clear() { ! psql "host=127.0.0.1 port=$STANDBY_PORT user=postgres sslmode=disable" -c ''; }

# What a program of the analyst's does, with TLS and a password of its own.
maria() {
	MYSQL_PWD=secret mariadb --no-defaults --ssl -u analyst -h 127.0.0.1 -P 22621 -N \
		--unbuffered --skip-reconnect "$@" shop
}
pg() { PGPASSWORD=secret psql -X -A -t "host=127.0.0.1 port=$1 user=postgres sslmode=require" "${@:2}"; }

knows() { # knows on|off: what devenv finds in the analyst's files
	if [[ $1 == on ]]; then
		printf '[client]\npassword=secret\n' >"$HOME/.my.cnf"
		printf '127.0.0.1:22623:*:postgres:secret\n' >"$HOME/.pgpass"
		chmod 600 "$HOME/.my.cnf" "$HOME/.pgpass"
	else
		rm -f "$HOME/.my.cnf" "$HOME/.pgpass"
	fi
}

export DEVENV_SSH_CONFIG=$S/config PGCONNECT_TIMEOUT=20
check 'sshd starts' start_sshd
check 'MariaDB starts' start_maria
export PGPASSWORD=secret
check 'PostgreSQL starts, with a standby' start_postgres
limit_role() {
	psql -X -U postgres -h 127.0.0.1 -p "$PG_PORT" -q \
		-c "CREATE ROLE limited LOGIN PASSWORD 'secret' CONNECTION LIMIT 0"
}
check 'a role that may have no connection' limit_role
check 'the replicas insist on TLS' insist_on_tls
unset PGPASSWORD
workspace

# === `devenv sql` ===

sql() { # what devenv and the client say is kept in $T/sql.err
	local rc=0
	dev sql "$@" </dev/null 2>"$T/sql.err" || rc=$?
	cat "$T/sql.err" >&2
	return "$rc"
}
check 'the analyst has a password in the usual files' knows on
check_out 'sql: TLS, with the password of the usual files' '\sTLSv1' \
	sql maria -N -e "SHOW STATUS LIKE 'Ssl_version'"
check_out 'and it says what the server is' 'tunnel "maria": a read-only replica' cat "$T/sql.err"
check_out 'sql: PostgreSQL' '^t$' \
	sql standby -X -A -t -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
check_out 'and how far behind it is' 'tunnel "standby": a read-only replica, [0-9]+ s behind' \
	cat "$T/sql.err"
check 'a tunnel in the background' dev tunnel up standby
check 'which sql uses' sql standby -X -c 'SELECT 1'
check_out 'status: the server, and how far behind it is' \
	'^standby +up +127.0.0.1:22623 .* replica, [0-9]+ s behind$' dev tunnel status
check_out 'and nothing of one that was not asked' '^maria +down +[^ ]+$' dev tunnel status
check 'it is taken down' dev tunnel down
check 'the password is gone from the files' knows off
expect_fail 'sql: without a terminal it says where the password is looked for' 10 \
	'tunnel "standby": the database asks for a password, and none is known .*~/.pgpass' \
	sql standby
expect_fail 'sql: for MariaDB too' 10 'tunnel "maria": Access denied.*the password into ~/.my.cnf' \
	sql maria
asked_times() { (($(grep -c 'Password of .* for the database of tunnel' "$T/typed") >= $1)); }
type_answers() { # each when it is asked for
	local n=0 word
	for word in "$@"; do
		n=$((n + 1))
		wait_for 20 asked_times "$n"
		echo "$word"
	done
}
on_terminal() { # on_terminal "ANSWERS" WORDS...: devenv, on a terminal of its own
	local words
	words=$(printf '%q ' "$DEVENV" -C "$T/ws" --progress plain "${@:2}")
	rm -f "$T/typed"
	# shellcheck disable=SC2086 # several answers
	PAGER='' timeout 60 script -qefc "$words" "$T/typed" < <(type_answers $1)
}
check_out 'sql: a password that is nowhere is asked for, again when it was wrong' '\sTLSv1' \
	on_terminal 'wrong secret' sql maria -N -e "SHOW STATUS LIKE 'Ssl_version'"
check_out 'with a word on that' 'not accepted' cat "$T/typed"
check_out 'sql: and so for PostgreSQL' '^43' \
	on_terminal 'wrong secret' sql standby -X -A -t -c 'SELECT 43'
wrong_thrice() { ! on_terminal 'one two three' sql "$1"; }
asked_once() { # it fails for a reason that no password mends
	! on_terminal secret sql "$@" && asked_times 1 && not asked_times 2
}
check_out 'sql: PostgreSQL, no such database: nothing to do with the password' \
	'devenv: tunnel "standby": FATAL:  database "nowhere" does not exist' \
	asked_once -d nowhere standby
check_out 'sql: PostgreSQL, too many connections: neither' \
	'devenv: tunnel "standby": FATAL:  too many connections for role "limited"' \
	asked_once -u limited standby
never_asked() { ! on_terminal '' sql "$@" && not asked_times 1; }
check_out 'sql: PostgreSQL, a login that is barred whatever its password' \
	'warning: tunnel "standby": .*FATAL:  pg_hba.conf rejects connection .*"barred"' never_asked -u barred standby
# shellcheck disable=SC2016 # the shell of psql knows its own parent
seen() {
	on_terminal secret sql standby -X -c \
		'\! cat /proc/$PPID/environ /proc/$PPID/cmdline | tr "\0" "\n"'
}
check_out 'the client runs' '^PGPORT=' seen
check 'and has the password neither in its words nor in its environment' \
	not grep -q secret "$T/typed"
expect_fail 'sql: Ctrl-C at the question' 130 '' on_terminal $'\003' sql maria
expect_fail 'tunnel up: Ctrl-C at the question' 130 '' \
	on_terminal $'\003' tunnel up --password standby
check 'which is open' dev tunnel down standby
check_out 'sql: a password that is wrong three times' 'devenv: tunnel "maria": Access denied' \
	wrong_thrice maria
check_out 'and so for PostgreSQL, without its code' \
	'devenv: tunnel "standby": FATAL:  password authentication failed for user "postgres"' \
	wrong_thrice standby

# === nothing is known ===

check 'the tunnels come up' up
expect_fail 'mysql: without a password nobody can tell' 1 '.' maria -e 'SELECT 1'
check_out 'and devenv says what it missed' \
	'tunnel "maria": .*refused: TLS hides the login; Access denied.*--password' cat "$T/err"
expect_fail 'postgres: without a password nobody can tell' 2 '.' pg 22623 -c 'SELECT 1'
check_out 'and devenv says what it missed' \
	'tunnel "standby": .*TLS hides the login; the database asks for a password, and none is known' cat "$T/err"
check_out 'postgres: with allow_unverified it passes' '^1$' pg 22625 -c 'SELECT 1'
check_out 'and that is said' 'tunnel "lax": cannot tell' cat "$T/err"

# === the usual files ===

check 'the analyst has a password in the usual files' knows on
answers_again() { wait_for 10 "$@"; } # a login that was refused is not tried again at once
check 'mysql: a connection through TLS is proven' answers_again maria -e 'SELECT 1'
check_out 'and passes' '\sTLSv1' maria -e "SHOW STATUS LIKE 'Ssl_version'"
check 'postgres: a connection through TLS is proven' answers_again pg 22623 -c 'SELECT 1'
check_out 'and passes' '^t$' pg 22623 -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
check_out 'sql: beside the open tunnel, with the same line of ~/.pgpass' '^1$' \
	sql standby -X -A -t -c 'SELECT 1'
large() { maria -e "SELECT REPEAT('x', 9999999)" --max-allowed-packet=64M | wc -c; }
check_out 'a large answer comes whole' '^10000000$' large
twenty() {
	local i pids=() bad=0
	for ((i = 0; i < 20; i++)); do
		pg 22623 -c "SELECT $i" >"$T/one.$i" &
		pids+=($!)
	done
	for ((i = 0; i < 20; i++)); do
		wait "${pids[$i]}" && [[ $(cat "$T/one.$i") == "$i" ]] || bad=$((bad + 1))
	done
	((bad == 0))
}
check 'twenty at once' twenty
expect_fail 'postgres: a login that the server refuses proves nothing' 2 '.' pg 22624 -c 'SELECT 1'
logged() { dev tunnel logs "$1" --format json -n 1000 | jq "[.[] | select($2)] | length"; }
check_out 'logs: proven' '^[1-9]' logged standby '.check == "replica"'
check_out 'logs: not to be told' '^[1-9]' logged stranger '.check == "unknown"'
sessions_named() { # devenv's own on the standby
	psql -X -A -t -U postgres -h "$D" -p "$STANDBY_PORT" -c "SELECT count(*)
		FROM pg_stat_activity WHERE application_name = 'devenv'"
}
check_out 'one session of its own asks for all' '^1$' sessions_named

# === it goes on asking ===

check 'a session through TLS' open_session pgone pg 22623
check 'answers' answers pgone 'SELECT 40 + 1;' '^41$'
asked_at() {
	psql -X -A -t -U postgres -h "$D" -p "$STANDBY_PORT" -c "SELECT max(query_start)
		FROM pg_stat_activity WHERE application_name = 'devenv'"
}
asked_since() { [[ $(asked_at) > $1 ]]; }
check 'the server is asked again' wait_for 10 asked_since "$(asked_at)"
end_asker() {
	psql -X -A -t -U postgres -h "$D" -p "$STANDBY_PORT" -c "SELECT pg_terminate_backend(pid)
		FROM pg_stat_activity WHERE application_name = 'devenv'"
}
check_out "its own session ends" '^t$' end_asker
has_asker() { [[ $(sessions_named) == 1 ]]; }
check 'and another one takes its place' wait_for 10 has_asker
check 'the client was not disturbed' answers pgone 'SELECT 40 + 2;' '^42$'
check 'a session of MariaDB' open_session maria maria
check 'answers' answers maria 'SELECT 50 + 1;' '^51$'
check 'two idle sessions take no processor time' is_idle "$tunnel_pid"

check 'the standby is promoted' as_postgres "$PG/pg_ctl" -D "$D/standby" -w promote
no_sessions() { [[ $(psql -X -A -t -U postgres -h "$D" -p "$STANDBY_PORT" -c "SELECT count(*)
	FROM pg_stat_activity WHERE client_addr IS NOT NULL AND application_name = 'psql'") == 0 ]]; }
check 'postgres: within 6 s its session is gone' within 6 no_sessions
check_out 'and devenv says so' \
	'tunnel "standby": the server is no longer a read-only replica: 1 connection closed' \
	cat "$T/err"
expect_fail 'a new connection is refused' 2 '.' pg 22623 -c 'CREATE TABLE written (a INT)'
check_out 'because it is a writer' 'tunnel "standby": .*refused: this server is not' cat "$T/err"
check 'MariaDB becomes writable' maria_root -e 'SET GLOBAL read_only = 0'
gone() { ! answers_now "$1"; }
answers_now() {
	say "$1" 'SELECT 60 + 1;' 2>/dev/null && within 1 said "$1" '^61$'
}
closed() { grep -q 'tunnel "maria": the server is no longer .*: 1 connection closed' "$T/err"; }
check 'mysql: within 6 s devenv closes its session' within 6 closed
check 'which can do nothing more' gone maria
check_out 'logs: why they ended' '^1$' \
	logged maria '.check == "writer" and (.why | startswith("broken off"))'
check 'MariaDB is read-only again' maria_root -e 'SET GLOBAL read_only = 1'

check 'Ctrl-C ends the tunnels' down

# === in the background ===

check 'no password is in the usual files' knows off
check_out 'up --password asks for it, and says what the server is' \
	'tunnel "maria": a read-only replica' on_terminal secret tunnel up --password maria
check_out 'mysql: a connection through TLS is proven' '^1$' maria -e 'SELECT 1'
is_replica() {
	dev tunnel status maria --format json |
		jq -e '.[0].replica == true and .[0].tls == true and .[0].state == "up"'
}
check 'status says so' is_replica
check_out 'and in its table' ' replica$' dev tunnel status maria
# The client itself has none, and nobody to ask.
expect_fail 'sql has the daemon ask with the password that it keeps' 1 \
	'tunnel "maria": a read-only replica' sql maria -N -e 'SELECT 1'
expect_fail 'up --password: one database that refuses' 10 '' \
	on_terminal 'one two three secret' tunnel up --password maria standby
check_out 'is told, with what to do' 'warning: tunnel "maria": Access denied.*my.cnf' cat "$T/typed"
check_out 'the next one is asked all the same' \
	'warning: tunnel "standby": this server is not a read-only replica.*point "to"' cat "$T/typed"
check_out 'and the end says it too' '2 of 2 databases are not proven replicas' cat "$T/typed"
check 'down' dev tunnel down
told() { dev "$@" 2>&1; }
expect_fail 'up --password without a terminal, and no file knows it' 10 'Access denied.*my.cnf' \
	dev tunnel up --password maria
check 'the analyst has a password in the usual files' knows on
check_out 'where a file does, that is taken' 'tunnel "maria": a read-only replica' \
	told tunnel up --password maria
expect_fail 'a writer fails it' 10 \
	'tunnel "standby": this server is not a read-only replica.*point "to"' \
	dev tunnel up --password standby
check 'and again there is none' knows off
check 'down' dev tunnel down
foreground() {
	on_terminal secret tunnel --password maria >"$T/out" 2>&1 &
	at_exit kill $!
	wait_for 30 grep -q '^maria .* -> ' "$T/typed"
}
check 'tunnel --password, in the foreground' foreground
check_out 'says what the server is before it is ready' 'a read-only replica' cat "$T/typed"
check_out 'and which client to try' "mysql -h 127.0.0.1 -P 22621 -u .?analyst.? -p .?shop" \
	cat "$T/typed"
check_out 'and proves a connection through TLS' '^1$' maria -e 'SELECT 1'

finish
