#!/usr/bin/env bash
# engine: none
# `devenv tunnel up|down|status`: the process that keeps tunnels open, on a real sshd and MariaDB.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=23011
MARIA_PORT=23012
PG_PORT=23013
STANDBY_PORT=23014
# shellcheck source=tests/e2e/databases.sh
source "$HERE/databases.sh"

workspace() {
	mkdir -p "$T/ws"
	{
		printf 'services: {none: {image: none}}\nx-tunnels:\n'
		tunnel_key maria 23021 mysql "$MARIA_PORT" 'user: analyst' 'database: shop'
		tunnel_key second 23022 mysql "$MARIA_PORT" 'user: analyst'
		tunnel_key sock 0 mysql "$MARIA_PORT" "socket: $S/run/reader.sock"
		tunnel_key dead 23023 mysql 22699
		tunnel_key taken "$SSHD_PORT" mysql "$MARIA_PORT"
		tunnel_key agent 23027 mysql "$MARIA_PORT"
		tunnel_key locked 23025 mysql "$MARIA_PORT"
		tunnel_key unknown 23026 mysql "$MARIA_PORT"
	} | sed '/port: 0$/d' | sed "/^  agent:/,/^  locked:/{/identity:/d; s|via: .*|via: root@jumped|}" |
		sed "/^  locked:/,/^  unknown:/s|identity: .*|identity: $S/encrypted|" |
		sed "/^  unknown:/,\$s|known_hosts: .*|known_hosts: $S/known_asked|" >"$T/ws/compose.yaml"
	ssh-keygen -q -t ed25519 -N words -C '' -f "$S/encrypted"
	cat "$S/encrypted.pub" >>"$S/authorized"
	cat >"$S/config" <<-END
		Host jumped
		HostName 127.0.0.1
		Port $SSHD_PORT
		ProxyJump root@hop
		Host hop
		HostName 127.0.0.1
		Port $SSHD_PORT
		Host *
		UserKnownHostsFile $S/known
	END
}

tunnel() { "$DEVENV" -C "$T/ws" --progress plain tunnel "$@" </dev/null; }
maria() { mariadb --defaults-file="$S/my.cnf" --connect-timeout=20 -h 127.0.0.1 -P "$1" -N -e "$2"; }
state() { tunnel status "$1" --format json | jq -r '.[0].state'; }
daemon_pid() { pgrep -f "$DEVENV --progress plain tunnel daemon"; }
no_daemon() { not daemon_pid; }
ssh_sessions() { pgrep -c -P "$(cat "$S/sshd.pid")"; }
count_down() { tunnel status --format json | jq '[.[] | select(.state == "down")] | length'; }
socket_modes() {
	printf '%s %s\n' "$(stat -c %a "$XDG_RUNTIME_DIR/devenv")" \
		"$(stat -c %a "$XDG_RUNTIME_DIR/devenv/tunnel.sock")"
}
typed() { # typed TUNNEL QUESTION ANSWER
	mkfifo "$T/$1.keys"
	timeout 60 script -qefc "exec '$DEVENV' -C '$T/ws' --progress plain tunnel up $1" "$T/$1.screen" \
		<"$T/$1.keys" >/dev/null 2>&1 &
	local script_pid=$!
	exec 8>"$T/$1.keys"
	wait_for 20 grep -q "$2" "$T/$1.screen" && printf '%s\n' "$3" >&8
	wait "$script_pid"
}
end_daemon() { kill "$(daemon_pid)"; }
at_exit end_daemon

export DEVENV_SSH_CONFIG=$S/config
check 'sshd starts' start_sshd
my_cnf >"$S/my.cnf"
check 'MariaDB starts' start_maria
check 'it is read-only' maria_root -e 'SET GLOBAL read_only = 1'
workspace

check_out 'status: nothing is up' '^maria +down +127.0.0.1:23021' tunnel status
check 'and nothing was started for it' no_daemon
down_says() { tunnel down "$@" 2>&1; }
check_out 'down: neither' '^no tunnel was open$' down_says
check 'up returns when it is ready' tunnel up maria
check_out 'and it is' '^42$' maria 23021 'SELECT 42'
check_out 'status: up, since when' '^maria +up +127.0.0.1:23021 +20[0-9T:-]+Z +0 ' tunnel status
check_out 'the others are not' '^second +down' tunnel status
pid=$(daemon_pid)
check 'a second up changes nothing' tunnel up maria
check_out 'it is the same process' "^$pid\$" daemon_pid
with_port() {
	local rc=0
	sed -i 's|port: 23021|port: 23029|' "$T/ws/compose.yaml"
	tunnel up maria || rc=$?
	sed -i 's|port: 23029|port: 23021|' "$T/ws/compose.yaml"
	return "$rc"
}
expect_fail 'one of other settings says what to do' 10 'is open with other settings: .*tunnel down maria' \
	with_port
check 'up: another one' tunnel up second
check_out 'both serve' '^43$' maria 23022 'SELECT 43'
check_out 'through one ssh session' '^1$' ssh_sessions
check_out 'in one process' "^$pid\$" daemon_pid

# A Unix socket in place of a port.
by_socket() { mariadb --defaults-file="$S/my.cnf" --connect-timeout=20 -S "$S/run/reader.sock" -N -e "$1"; }
sock_modes() { printf '%s %s\n' "$(stat -c %a "$S/run")" "$(stat -c %a "$S/run/reader.sock")"; }
old_socket() {
	local pid
	tunnel down sock && not test -e "$S/run/reader.sock" || return 1
	socat "UNIX-LISTEN:$S/run/reader.sock,unlink-close=0" - </dev/null &
	pid=$!
	wait_for 5 test -S "$S/run/reader.sock"
	kill -KILL "$pid"
	wait "$pid" || true # it may live on for a moment
	tunnel up sock && by_socket 'SELECT 53'
}
cnf() { tunnel env sock --format my.cnf; }
check_out 'a socket: list says where' "^sock +$S/run/reader.sock" tunnel list sock
check 'up' tunnel up sock
check_out 'it serves' '^52$' by_socket 'SELECT 52'
check_out 'its owner alone' '^700 600$' sock_modes
check_out 'status says where' "^sock +up +$S/run/reader.sock" tunnel status sock
check_out 'env: a variable' "MYSQL_UNIX_PORT='?$S/run/reader.sock" tunnel env sock
check_out 'and my.cnf' "^socket = $S/run/reader.sock" cnf
expect_fail 'tunnel: one that is open in the background' 10 \
	'tunnel "sock" is open in the background already: .*"devenv tunnel down sock" first' \
	tunnel sock
as_a_stranger() { XDG_RUNTIME_DIR=$T/elsewhere tunnel sock; } # who knows nothing of the process
expect_fail 'one that is in use is left alone' 10 'reader.sock is in use' as_a_stranger
check_out 'it serves still' '^54$' by_socket 'SELECT 54'
check_out 'one that nobody listens on is replaced' '^53$' old_socket
chmod 755 "$S/run"
in_open_folder() { tunnel down sock; tunnel up sock; }
expect_fail 'no socket in a folder that others can enter' 10 'chmod 700' in_open_folder
chmod 700 "$S/run"
check 'up again' tunnel up sock

expect_fail 'up: a database that is down' 10 'tunnel "dead": .*cannot connect to 127.0.0.1:22699' tunnel up dead
expect_fail 'up: a taken port' 10 "port $SSHD_PORT is taken by sshd" tunnel up taken
expect_fail 'up: several that fail' 10 '2 of 3 tunnels are not open' tunnel up dead taken second
check_out 'each is told' 'warning: tunnel "dead": .*cannot connect' cat "$T/.failure"
check_out 'with its name' "warning: tunnel \"taken\": port $SSHD_PORT" cat "$T/.failure"
expect_fail 'up: an encrypted key without a terminal' 10 'encrypted.*ssh-add' tunnel up locked
expect_fail 'up: an unknown host without a terminal' 10 'unknown host.*ssh-keyscan' tunnel up unknown
check_out 'those are down' '^5$' count_down
check_out 'the others serve still' '^44$' maria 23021 'SELECT 44'
check_out 'nobody else can reach it' '^700 700$' socket_modes
check 'up: a passphrase is asked for on a terminal' typed locked Passphrase words
check_out 'and opens it' '^45$' maria 23025 'SELECT 45'
check 'up: an unknown host is asked about' typed unknown 'y/N' yes
check_out 'and opens it' '^46$' maria 23026 'SELECT 46'

sql() { "$DEVENV" -C "$T/ws" sql "$@" </dev/null; }
opened() { tunnel status maria --format json | jq '.[0].opened'; }
through_it() {
	local before
	before=$(opened)
	sql maria "--defaults-file=$S/my.cnf" -N -e 'SELECT 42' && (($(opened) == before + 1))
}
check_out 'sql: through the tunnel that is open' '^42$' through_it
survives() {
	pkill -KILL -P "$(cat "$S/sshd.pid")"
	maria 23021 'SELECT 47'
}
check_out 'a killed ssh session is made again' '^47$' survives
# Each has a session of its own; the one of an encrypted key costs a tenth of a second.
none_reconnecting() { tunnel status --format json | jq -e 'all(.[]; .state != "reconnecting")'; }
check 'and so are those of the other tunnels' wait_for 10 none_reconnecting
check 'it takes no processor time when idle' is_idle "$pid"

# up_with_agent NAME: with the key in an agent of this name, and nowhere else
up_with_agent() {
	eval "$(ssh-agent -s -a "$S/agent.$1")" >/dev/null
	at_exit kill "$SSH_AGENT_PID"
	ssh-add -q "$S/user" && tunnel up agent
}
of_another_login() {
	kill "$SSH_AGENT_PID"
	up_with_agent second
	pkill -KILL -P "$(cat "$S/sshd.pid")"
	maria 23027 'SELECT 52'
}
check 'up: a key that only the agent has, for a jump too' up_with_agent first
check_out 'it serves' '^51$' maria 23027 'SELECT 51'
check_out 'with the next agent, after another up' '^52$' of_another_login
unset SSH_AUTH_SOCK SSH_AGENT_PID

check_out 'logs: its connections' '^20[0-9T:-]+Z +second .* replica ' tunnel logs second
check 'the server becomes a writer' maria_root -e 'SET GLOBAL read_only = 0'
expect_fail 'the guard looks' 1 'not a read-only replica' maria 23021 'SELECT 1'
check 'and read-only again' maria_root -e 'SET GLOBAL read_only = 1'
# One that cannot come back without a person.
lose() {
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$S/stranger.pub")" >"$S/known_asked"
	pkill -KILL -P "$(cat "$S/sshd.pid")"
	wait_for 10 is_lost
}
is_lost() { [[ $(state unknown) == lost ]]; }
why_lost() { tunnel status unknown 2>&1; }
check 'a host key is another one when the session is made again' lose
check_out 'status says so' '^unknown +lost ' tunnel status unknown
check_out 'and why' 'warning: tunnel "unknown": the host key of .* has changed: .*known_asked line 1' \
	why_lost
check_out 'down: one' '^1 tunnel closed$' down_says maria
check_out 'is down' '^down$' state maria
expect_fail 'its port is closed' 1 "Can't connect" maria 23021 'SELECT 1'
check_out 'the others are not' '^48$' maria 23022 'SELECT 48'
check_out 'down: all' '^[0-9] tunnels closed$' down_says
check 'and the process has ended' wait_for 5 no_daemon

expect_fail 'tunnel: all fail' 10 'all 2 tunnels have failed' tunnel dead taken
check_out 'one says why' 'warning: tunnel "dead": .*cannot connect' cat "$T/.failure"
check_out 'and the other' "warning: tunnel \"taken\": port $SSHD_PORT" cat "$T/.failure"
foreground() {
	"$DEVENV" -C "$T/ws" --progress plain tunnel taken second >"$T/fore" 2>&1 </dev/null &
	foreground_pid=$!
	at_exit kill "$foreground_pid"
	wait_for 20 grep -q '^second .* -> ' "$T/fore"
}
check 'tunnel: one that cannot be opened does not keep the others from it' foreground
check_out 'and is told' "warning: tunnel \"taken\": port $SSHD_PORT" cat "$T/fore"
check_out 'they serve' '^55$' maria 23022 'SELECT 55'
until_interrupted() { kill -INT "$foreground_pid" && wait "$foreground_pid"; }
check 'until Ctrl-C' until_interrupted
check 'up again' tunnel up maria second
check_out 'serves' '^49$' maria 23021 'SELECT 49'
killed() {
	kill -KILL "$(daemon_pid)"
	wait_for 5 no_daemon
	tunnel up maria && maria 23021 'SELECT 50'
}
check_out 'up after it was killed' '^50$' killed
kill -TERM "$(daemon_pid)"
check 'SIGTERM ends it' wait_for 5 no_daemon

finish
