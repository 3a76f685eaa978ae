#!/usr/bin/env bash
# engine: none
# Tunnels to real databases: the guard that finds writers, and `devenv sql`, on MariaDB and
# PostgreSQL.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=22711
MARIA_PORT=22712
PG_PORT=22713
STANDBY_PORT=22714
SILENT_PORT=22715
# shellcheck source=tests/e2e/databases.sh
source "$HERE/databases.sh"
tunnel_pid=

# === the near side ===

workspace() {
	mkdir -p "$T/ws"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key maria 22721 mysql "$MARIA_PORT" 'user: analyst' 'database: shop'
		tunnel_key writer 22722 postgres "$PG_PORT"
		tunnel_key standby 22723 postgres "$STANDBY_PORT"
		tunnel_key dir 0 postgres "$STANDBY_PORT" 'user: postgres' "socket: $S/pg-run"
		tunnel_key lax 22724 postgres "$STANDBY_PORT" 'allow_unverified: true'
		tunnel_key free 22725 postgres "$PG_PORT" 'read_only: false'
		tunnel_key silent 22727 mysql "$SILENT_PORT"
		tunnel_key maria_lax 22726 mysql "$MARIA_PORT" 'user: nobody' 'allow_unverified: true'
	} | sed '/port: 0$/d' >"$T/ws/compose.yaml"
}

up() {
	rm -f "$T/out"
	"$DEVENV" -C "$T/ws" --progress plain tunnel >"$T/out" 2>"$T/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	wait_for 20 all_ready
}
all_ready() { (($(grep -c ' -> ' "$T/out") == 8)); }

down() {
	local rc=0
	kill -INT "$tunnel_pid"
	wait "$tunnel_pid" || rc=$?
	return "$rc"
}

# maria PORT SQL [ARGS...]; the password comes from a file, as analysts have it
maria() {
	local to=$1 sql=$2
	shift 2
	mariadb --defaults-file="$S/my.cnf" --connect-timeout=20 -h 127.0.0.1 -P "$to" -N "$@" \
		-e "$sql" shop
}

# pg PORT SSLMODE SQL
pg() { psql -X -A -t "host=127.0.0.1 port=$1 user=postgres sslmode=$2" -c "$3"; }

export PGPASSWORD=secret DEVENV_SSH_CONFIG=$S/config PGCONNECT_TIMEOUT=20

check 'sshd starts' start_sshd
my_cnf >"$S/my.cnf"
check 'MariaDB starts' start_maria
check 'PostgreSQL starts, with a standby' start_postgres
workspace
socat "TCP-LISTEN:$SILENT_PORT,bind=127.0.0.1,reuseaddr,fork" SYSTEM:'cat >/dev/null' &
at_exit kill $!
check 'the tunnels come up' up

# === the guard, on MariaDB ===

writer='devenv: this server is not a read-only replica'
expect_fail 'mysql: a writer is refused, and the client says why' 1 "ERROR 1105.*$writer" \
	maria 22721 'INSERT INTO t VALUES (1)'
check_out 'and devenv says so too' 'tunnel "maria": .*refused.*not a read-only' cat "$T/err"
check_out 'nothing was written' '^0$' maria_root -N -e 'SELECT COUNT(*) FROM shop.t'
expect_fail 'mysql: a wrong password is the server'"'"'s own error' 1 'ERROR 1045.*Access denied' \
	mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P 22721 -u analyst -pwrong -e 'SELECT 1'
check 'the server becomes read-only' maria_root -e 'SET GLOBAL read_only = 1'
check_out 'mysql: a replica is let through' '^42$' maria 22721 'SELECT 42'
by_cnf() {
	"$DEVENV" -C "$T/ws" tunnel env maria --format my.cnf >"$S/maria.cnf"
	MYSQL_PWD=secret mariadb --defaults-file="$S/maria.cnf" -N -e 'SELECT 42'
}
check_out 'env: my.cnf' '^42$' by_cnf
large() {
	maria 22721 "SELECT REPEAT('x', 9999999) UNION ALL SELECT REPEAT('y', 9999999)" \
		--max-allowed-packet=64M | wc -c
}
check_out 'mysql: a large answer comes whole' '^20000000$' large
expect_fail 'mysql: TLS hides the login: refused' 1 '.' maria 22721 'SELECT 1' --ssl
check_out 'and devenv says why, and what to do' 'TLS hides the login.*allow_unverified' cat "$T/err"
expect_fail 'mysql: compression hides it' 1 'cannot tell.*compresses' \
	maria 22721 'SELECT 1' --compress
check_out 'mysql: TLS passes with allow_unverified' 'TLS_' \
	maria 22726 "SHOW STATUS LIKE 'Ssl_cipher'" --ssl
check_out 'and it is said' 'maria_lax": cannot tell .*TLS' cat "$T/err"

thirty() {
	local i pids=() bad=0
	for ((i = 0; i < 30; i++)); do
		maria 22721 "SELECT $i" >"$S/one.$i" &
		pids+=($!)
	done
	for ((i = 0; i < 30; i++)); do
		wait "${pids[$i]}" && [[ $(cat "$S/one.$i") == "$i" ]] || bad=$((bad + 1))
	done
	((bad == 0))
}
check 'mysql: 30 logins at once' thirty
# === `devenv sql`, on MariaDB ===

sql() { "$DEVENV" -C "$T/ws" sql "$@" </dev/null; }
mysql_sql() { sql maria "--defaults-file=$S/my.cnf" -N "$@"; }
check_out 'sql: a query, while the tunnel is open already' '^42$' mysql_sql -e 'SELECT 42'
check_out 'sql: user and database are the manifest'"'"'s' '^analyst@.* shop$' \
	mysql_sql -e "SELECT CONCAT(USER(), ' ', DATABASE())"
expect_fail 'sql: a wrong statement gives the client'"'"'s own status and words' 1 'ERROR 1064' \
	mysql_sql -e 'SELEKT'
check 'a replica whose analyst may write all the same' maria_root -e \
	"GRANT READ_ONLY ADMIN ON *.* TO analyst@'%'"
expect_fail 'sql: the session is read-only' 1 'ERROR 1792.*READ ONLY' \
	mysql_sql -e 'INSERT INTO t VALUES (1)'
check 'and no longer' maria_root -e "REVOKE READ_ONLY ADMIN ON *.* FROM analyst@'%'"
# A client may drop what was typed before it turned the echo off: type until it has heard.
type_password() {
	wait_for 20 grep -q 'Enter password' "$T/.out"
	until wait_for 1 grep -qE ' 42 |ERROR' "$T/.out"; do
		echo secret
	done
}
ask_password() { # on a terminal of its own
	timeout 60 script -qec \
		"\"$DEVENV\" -C \"$T/ws\" sql maria --no-defaults -N -e 'SELECT 40 + 2'" /dev/null \
		< <(type_password)
}
check_out 'sql: a password that is nowhere is asked for' ' 42 ' ask_password
expect_fail 'sql: no name, and several tunnels' 2 \
	'through which tunnel\? There are: maria, .*standby' sql
expect_fail 'sql: an unknown name' 2 'no tunnel "marai" .did you mean "maria"' sql marai
no_client() { PATH=$T/empty sql maria; }
expect_fail 'sql: no client installed' 1 'apt install mariadb-client' no_client
expect_fail 'sql: a database that says nothing is not waited for for ever' 1 'ERROR 2013.*handshake' \
	sql silent --no-defaults -e 'SELECT 1'
check 'sql: nothing of it is left' not pgrep -f "$DEVENV -C $T/ws sql"

check 'the server is made writable again' maria_root -e 'SET GLOBAL read_only = 0'
expect_fail 'mysql: the next connection is refused' 1 "$writer" maria 22721 'SELECT 1'
expect_fail 'sql: a writer is refused' 10 "${writer#devenv: }.* .point \"to\" at" mysql_sql -e 'SELECT 1'
check 'and read-only for the rest' maria_root -e 'SET GLOBAL read_only = 1'

# === the guard, on PostgreSQL ===

expect_fail 'postgres: a writer is refused' 2 "FATAL:  $writer" pg 22722 disable 'SELECT 1'
own_default() { PGOPTIONS='-c default_transaction_read_only=on' pg 22722 disable 'SELECT 1'; }
expect_fail 'postgres: a read-only session does not make a replica' 2 "$writer" own_default
expect_fail 'postgres: a wrong password is the server'"'"'s own error' 2 \
	'password authentication failed' \
	env PGPASSWORD=wrong psql "host=127.0.0.1 port=22722 user=postgres sslmode=disable" -c ''
check_out 'postgres: the standby is let through' '^42$' pg 22723 disable 'SELECT 42'
check_out 'postgres: a large answer comes whole' '^20000000$' \
	pg 22723 disable "SELECT length(string_agg(repeat('x', 1000), '')) \
		FROM generate_series(1, 20000)"
check_out 'postgres: a client that would like TLS from a server without' '^1$' \
	pg 22723 prefer 'SELECT 1'
check_out 'postgres: read_only: false lets a writer pass' '^1$' pg 22725 disable 'SELECT 1'
check_out 'sql: PostgreSQL' '^42$' sql -u postgres standby -X -A -t -c 'SELECT 42'
check_out 'sql: what follows -- is the client'"'"'s' '^41$' \
	sql -u postgres standby -- -X -A -t -c 'SELECT 41'
expect_fail 'sql: where writers pass the session is read-only still' 1 'read-only transaction' \
	sql -u postgres free -X -c 'CREATE TABLE t ()'
expect_fail 'sql: and a writer is refused' 10 "${writer#devenv: }.* .point \"to\" at" \
	sql -u postgres writer -X -c 'SELECT 1'
check_out 'env: what programs read' "^export PGPORT='22723'$" \
	"$DEVENV" -C "$T/ws" tunnel env standby
by_env() { # of a program that knows nothing of devenv
	eval "$("$DEVENV" -C "$T/ws" tunnel env standby)"
	PGUSER=postgres psql -X -A -t -d postgres -c 'SHOW default_transaction_read_only'
}
check_out 'env: psql reads them' '^on$' by_env
by_url() {
	psql -X -A -t -U postgres -c 'SELECT 42' \
		"$("$DEVENV" -C "$T/ws" tunnel env standby --format json | jq -r .DATABASE_URL)"
}
check_out 'env: and the URL' '^42$' by_url
jdbc() { "$DEVENV" -C "$T/ws" tunnel env maria --format json | jq -r .JDBC_URL; }
check_out 'env: for Java, too, with the user' \
	'^jdbc:mysql://127.0.0.1:22721/shop\?user=analyst&sslMode=DISABLED&' jdbc
only() { # the one tunnel that there is
	mkdir "$T/one"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key alone 22728 postgres "$STANDBY_PORT" 'user: postgres'
	} >"$T/one/compose.yaml"
	echo 'SELECT 45' | "$DEVENV" -C "$T/one" sql
}
check_out 'sql: without a name the only one' '^ +45$' only
by_folder() {
	eval "$("$DEVENV" -C "$T/ws" tunnel env dir)"
	psql -X -A -t -d postgres -c "SELECT 43" &&
		psql -X -A -t -c "SELECT 44" "${DATABASE_URL/\/\?/\/postgres?}"
}
check_out 'env: the folder of a socket, and a URL with it' '^44$' by_folder
check_out 'a socket: the client to try' "psql -h '$S/pg-run' -p 5432" cat "$T/out"
check_out 'list: names and ports' '^maria +127.0.0.1:22721 +127.0.0.1:22712 ' \
	"$DEVENV" -C "$T/ws" tunnel list
check 'the standby gets TLS' standby_tls
# A recent libpq does not show the text of an error that comes before TLS.
expect_fail 'postgres: TLS hides the login: refused' 2 'cannot tell|error response during SSL' \
	pg 22723 require 'SELECT 1'
check_out 'and devenv says why' 'tunnel "standby": .*TLS hides the login' cat "$T/err"
check_out 'postgres: TLS passes with allow_unverified' '^1$' pg 22724 require 'SELECT 1'
check_out 'postgres: without TLS it still looks' '^1$' pg 22724 disable 'SELECT 1'
check 'a standby is promoted' as_postgres "$PG/pg_ctl" -D "$D/standby" -w promote
expect_fail 'postgres: the next connection is refused' 2 "$writer" pg 22723 disable 'SELECT 1'

# === what is kept of it ===

AUDIT=$XDG_STATE_HOME/devenv/tunnels.jsonl
logs() { "$DEVENV" -C "$T/ws" tunnel logs "$@"; }
logged() { # logged TUNNEL CONDITION: how many lines there are of that kind
	logs "$1" --format json -n 1000 | jq "[.[] | select($2)] | length"
}
open_session() { # one that says nothing
	psql -X "host=127.0.0.1 port=22725 user=postgres sslmode=disable" < <(sleep 60) \
		>/dev/null 2>&1 &
	at_exit kill $!
	wait_for 10 session_is_there
}
session_is_there() { [[ $(pg 22725 disable 'SELECT count(*) FROM pg_stat_activity
	WHERE client_port IS NOT NULL AND state = '"'idle'") == 1 ]]; }
check_out 'logs: a line a connection' '^20[0-9T:-]+Z +maria +127\.0\.0\.1:[0-9]+ .* replica ' logs maria
check_out 'logs: a refused one' '^[1-9]' \
	logged writer '.check == "writer" and (.why | startswith("refused: this server is not"))'
check_out 'logs: one that nobody could look into' '^[1-9]' logged maria_lax '.check == "unverified"'
check_out 'logs: one that was refused for it' '^[1-9]' \
	logged maria '.check == "unknown" and (.why | test("TLS hides the login"))'
check_out 'logs: where nobody looks' '^[1-9]' logged free '.check == "off"'
check_out 'logs: bytes' '^1$' logged maria '.bytes_down > 20000000 and .bytes_up < 2000'
check_out 'logs: who' '^[1-9]' logged maria ".user == \"$(id -un)\" and .begin <= .end"
check_out 'logs: why it ended' '^[1-9]' logged maria '.why == "the client closed"'
last_line() { logs -n 1 | wc -l; }
check_out 'logs: the last line only, below a heading' '^2$' last_line
check_out 'nobody else can read it' '^600$' stat -c %a "$AUDIT"
check 'nothing of what was said is in it' not grep -qE 'SELECT|secret|INSERT' "$AUDIT"
check 'a session is open' open_session
check 'Ctrl-C ends it with status 0' down
check_out 'logs: what was still open too' '^[1-9]' logged free '.why == "the tunnel was closed"'
fill() {
	local line
	line=$(head -n 1 "$AUDIT")
	awk -v line="$line" 'BEGIN {for (i = 0; i < 20000; i++) print line}' >>"$AUDIT"
}
all_lines() { logs -n 1000000 --format json | jq length; }
check 'the file is full' fill
check 'and one more connection' mysql_sql -e 'SELECT 42'
check_out 'begins a new one' '^1 ' wc -l "$AUDIT"
check_out 'of the same mode' '^600$' stat -c %a "$AUDIT"
check_out 'the old one is read still' '^20[0-9]{3}$' \
	all_lines

finish
