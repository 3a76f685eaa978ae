#!/usr/bin/env bash
# engine: none
# A tunnel whose ssh server and line go bad all the time, under 50 clients that look at every byte.
# CHAOS_SECONDS is for how long, CHAOS_SEED for which misfortunes in which order.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=23111
LINE_PORT=23112
BLAST_PORT=23113
seconds=${CHAOS_SECONDS:-12}
seed=${CHAOS_SEED:-$RANDOM}
build=$(dirname "$DEVENV")
blast=$build/bench/blast
S=$T/far

start_sshd() {
	/usr/sbin/sshd -f "$S/sshd_config" -E "$S/sshd.log"
	wait_for 10 test -s "$S/sshd.pid"
}

set_up() {
	mkdir -p "$S" "$T/ws" /run/sshd
	chmod 755 "$T" "$S"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/host"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/user"
	cp "$S/user.pub" "$S/authorized"
	printf '[127.0.0.1]:%s %s\n' "$LINE_PORT" "$(cut -d' ' -f1,2 "$S/host.pub")" >"$S/known"
	: >"$S/config"
	cat >"$S/sshd_config" <<-END
		Port $SSHD_PORT
		ListenAddress 127.0.0.1
		HostKey $S/host
		PidFile $S/sshd.pid
		AuthorizedKeysFile $S/authorized
		UsePAM no
		StrictModes no
		MaxStartups 100
		RekeyLimit 8M
	END
	cat >"$T/ws/compose.yaml" <<-END
		services: {none: {image: none}}
		x-tunnels:
		  t:
		    via: root@127.0.0.1:$LINE_PORT
		    identity: $S/user
		    known_hosts: $S/known
		    to: 127.0.0.1:$BLAST_PORT
	END
	"$blast" serve "$BLAST_PORT" &
	at_exit kill $!
	"$build/bench/wire" "$LINE_PORT" "$SSHD_PORT" 0 4000 &
	line=$!
	at_exit kill -KILL "$line"
}

up() {
	# For runs under ASan: libssh2 1.10 forgets the host key, of 51 bytes, at each change of keys.
	echo 'leak:libssh2.so' >"$S/known_leaks"
	LSAN_OPTIONS=suppressions=$S/known_leaks "$DEVENV" -C "$T/ws" --progress plain tunnel \
		>"$S/out" 2>"$S/err" </dev/null &
	tunnel=$!
	at_exit kill "$tunnel"
	wait_for 30 grep -q ' -> ' "$S/out"
	port=$(sed -n 's/^t  127\.0\.0\.1:\([0-9]*\) -> .*/\1/p' "$S/out")
}

down() {
	kill -INT "$tunnel"
	wait "$tunnel"
}

# A pause, that no process starts for.
pause() { read -rt "$1" <> <(:) || true; }

# signal NUMBER [PID...]: those that are still there
signal() {
	local pid
	for pid in "${@:2}"; do
		kill "-$1" "$pid" 2>/dev/null || true
	done
}
sessions() { pgrep -P "$(cat "$S/sshd.pid")"; }

kill_sessions() {
	local pids
	mapfile -t pids < <(sessions)
	signal KILL "${pids[@]}"
}
cut_line() { signal USR1 "$line"; }
stall_line() {
	signal STOP "$line"
	pause "${1:-0.7}"
	signal CONT "$line"
}
stop_sessions() {
	local pids
	mapfile -t pids < <(sessions)
	signal STOP "${pids[@]}"
	pause 0.7
	signal CONT "${pids[@]}"
}
restart_sshd() {
	local pid
	pid=$(cat "$S/sshd.pid")
	signal STOP "$pid"
	kill_sessions
	signal KILL "$pid"
	rm -f "$S/sshd.pid"
	pause 0.7
	start_sshd
}
# Longer than the tunnel believes in the server.
black_hole() { stall_line 18; }

misfortunes=(kill_sessions cut_line stall_line stop_sessions restart_sshd)

chaos() {
	local end=$((SECONDS + seconds)) rc=0 load i
	RANDOM=$seed
	"$blast" load "$port" 50 1000000 "$seconds" echo >"$S/load" &
	load=$!
	if ((seconds >= 120)); then
		pause 2
		black_hole
	fi
	# Each of them in turn, and then as it comes.
	for ((i = 0; SECONDS < end; i++)); do
		pause "1.$((RANDOM % 10))"
		"${misfortunes[i < ${#misfortunes[@]} ? i : RANDOM % ${#misfortunes[@]}]}"
	done
	wait "$load" || rc=$?
	echo "seed $seed: $(cat "$S/load")" >&2
	return "$rc"
}

some_whole() { grep -q '^whole [1-9]' "$S/load"; }
some_broken() { grep -q ' broken [1-9]' "$S/load"; }
serves() { [[ -n $(timeout 60 "$blast" until "$port") ]]; }
descriptors() {
	local n
	n=$(find "/proc/$tunnel/fd" -mindepth 1 | wc -l)
	echo "$n descriptors" >&2
	((n < 20))
}

check 'build what sends, and what is in the way' make -s -C "$HERE/../.." \
	-o "$build/libdevenv.a" BUILD="$build" "$blast" "$build/bench/wire"
set_up
at_exit eval 'kill "$(cat "$S/sshd.pid")"'
export DEVENV_SSH_CONFIG=$S/config
check 'sshd starts' start_sshd
check 'the tunnel comes up' up
check 'no byte is wrong or missing, and nobody is stuck' chaos
check 'whole connections there were' some_whole
check 'and broken ones, which is what this is about' some_broken
check 'it serves at the end' serves
check 'and holds nothing of what is gone' wait_for 10 descriptors
check 'Ctrl-C ends it with status 0' down

finish
