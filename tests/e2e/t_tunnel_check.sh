#!/usr/bin/env bash
# engine: none
# `devenv tunnel check`: the step at which the way to a database ends, on a real sshd and databases.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=22811
MARIA_PORT=22812
PG_PORT=22813
STANDBY_PORT=22814
# shellcheck source=tests/e2e/databases.sh
source "$HERE/databases.sh"

workspace() {
	mkdir -p "$T/ws"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key maria 22821 mysql "$MARIA_PORT" 'database: shop'
		tunnel_key nobody 22822 mysql "$MARIA_PORT" 'user: nobody'
		tunnel_key standby 22823 postgres "$STANDBY_PORT" 'user: postgres'
		tunnel_key writer 22824 postgres "$PG_PORT" 'user: postgres'
		tunnel_key free 22825 postgres "$PG_PORT" 'user: postgres' 'read_only: false'
		tunnel_key mixed 22826 postgres "$MARIA_PORT"
		tunnel_key dead 22827 mysql 22699
	} >"$T/ws/compose.yaml"
}

tunnel_check() { # what it prints is kept in $T/table
	local rc=0
	"$DEVENV" -C "$T/ws" --progress plain tunnel check "$@" </dev/null >"$T/table" || rc=$?
	cat "$T/table"
	return "$rc"
}

# with KEY VALUE COMMAND...: the tunnels have another value for a while
with() {
	local rc=0 saved
	saved=$(cat "$T/ws/compose.yaml")
	sed -i "s|^    $1: .*|    $1: $2|" "$T/ws/compose.yaml"
	"${@:3}" || rc=$?
	printf '%s\n' "$saved" >"$T/ws/compose.yaml"
	return "$rc"
}

# failed_step NAME...: the table says ok for these, failed for the last one, and no more
failed_step() {
	local name
	cat "$T/table"
	for name in "${@:1:$#-1}"; do
		grep -Eq "^$name +ok " "$T/table" || return 1
	done
	grep -Eq "^${!#} +failed" "$T/table" && [[ $(grep -Ec ' (ok|failed)' "$T/table") == "$#" ]]
}

export PGPASSWORD=secret DEVENV_SSH_CONFIG=$S/config PGCONNECT_TIMEOUT=20
check 'sshd starts' start_sshd
my_cnf >"$HOME/.my.cnf"
check 'MariaDB starts' start_maria
check 'PostgreSQL starts, with a standby' start_postgres
check 'MariaDB is read-only' maria_root -e 'SET GLOBAL read_only = 1'
workspace

# === all is well ===

check_out 'a replica' '^replica +ok +read-only' tunnel_check maria
check_out 'each step is told: the key' '^host key +ok +ED25519 SHA256:' tunnel_check maria
check_out 'the login' "^login +ok +root, with $S/user" tunnel_check maria
check_out 'the database, before any login' '^database +ok +MariaDB [0-9]' tunnel_check maria
check_out 'a standby, and its lag' '^replica +ok +a read-only replica, [0-9]+ s behind' \
	tunnel_check standby
check_out 'a writer that may be one' '^replica +ok +a writer' tunnel_check free
json() { tunnel_check standby --format json | jq -c '[.ok, (.steps | length), .steps[6].step]'; }
check_out 'as JSON' '^\[true,7,"replica"\]$' json

# === each step that fails ===

expect_fail 'the name' 10 'name: the name "no-such-host.invalid" cannot be resolved.*\(check "via"' \
	with via root@no-such-host.invalid tunnel_check maria
check 'is the first step' failed_step name
expect_fail 'the port' 10 'tcp: connect to 127.0.0.1 port 22699: Connection refused.*VPN' \
	with via root@127.0.0.1:22699 tunnel_check maria
check 'is the second step' failed_step name tcp
expect_fail 'the host key' 10 'host key: unknown host .*ssh-keyscan' \
	with known_hosts "$S/known_none" tunnel_check maria
check 'is the third step' failed_step name tcp 'host key'
expect_fail 'the login' 10 'login: .*does not let "root" in.*authorized_keys' \
	with identity "$S/stranger" tunnel_check maria
check 'is the fourth step' failed_step name tcp 'host key' login
expect_fail 'a database that is down' 10 'forward: .*cannot connect to 127.0.0.1:22699' \
	tunnel_check dead
check 'is the fifth step' failed_step name tcp 'host key' login forward
expect_fail 'another database than the manifest says' 10 \
	'database: what answers is no PostgreSQL server.*\(check "to" and "engine"' tunnel_check mixed
check 'is the sixth step' failed_step name tcp 'host key' login forward database
expect_fail 'a login that the database refuses' 10 'replica: .*Access denied.*my.cnf' \
	tunnel_check nobody
expect_fail 'a writer' 10 'replica: this server is not a read-only replica \(point "to"' \
	tunnel_check writer
expect_fail 'a database that is not there' 10 \
	'replica: .*"nowhere" does not exist \(check the tunnel.s "user" and "database"' \
	with user 'postgres\n    database: nowhere' tunnel_check standby
check 'is the last step' failed_step name tcp 'host key' login forward database replica
expect_fail 'a writer, as JSON' 10 'not a read-only replica' tunnel_check writer --format json
check 'names the step' jq -e '.ok == false and .failed == "replica" and (.next | length > 20)' \
	"$T/table"
no_client() { PATH=$T/empty "$DEVENV" -C "$T/ws" tunnel check standby </dev/null; }
check_out 'no client of the database is needed' '^replica +ok +a read-only replica' no_client

# without LIBRARY COMMAND...: on a machine that has it not
without() {
	local file
	file=$(ldconfig -p | awk -v name="$1" '$1 == name {print $NF; exit}')
	rm -rf "$T"/upper*
	mkdir "$T/upper" "$T/upper.work"
	# shellcheck disable=SC2016 # the inner shell's own words
	unshare -m bash -ec 'dir=${1%/*}
		mount -t overlay overlay -o "lowerdir=$dir,upperdir=$2,workdir=$2.work" "$dir"
		rm "$1"
		exec "${@:3}"' bash "$file" "$T/upper" "${@:2}"
}
lacks() { without "$1" "$DEVENV" -C "$T/ws" --progress plain tunnel check "$2" </dev/null; }
expect_fail 'a library that is not installed, and how to get it' 10 \
	'replica: .*libpq.so.5 is not installed .*: apt install libpq5 .*brew install libpq\)$' \
	lacks libpq.so.5 standby
expect_fail 'for MariaDB too' 10 \
	'libmariadb.so.3 is not installed .*: apt install libmariadb3 .*mariadb-connector-c\)$' \
	lacks libmariadb.so.3 maria
doctor() { without "$1" "$DEVENV" doctor || true; } # there is no engine here
check_out 'doctor says so before' \
	'^library: apt install libpq5 ' \
	doctor libpq.so.5
check 'nothing of it is left' not pgrep -f "$DEVENV -C $T/ws"

finish
