# shellcheck shell=bash
# shellcheck disable=SC2317,SC2119,SC2120 # the functions are called through check, and elsewhere
# An sshd on SSHD_PORT with an echo server on ECHO_PORT behind it, and workspaces with a tunnel to
# that, for scripts that source this after lib.sh. TUNNEL_KEYS are lines that each tunnel gets, too.
: "${SSHD_PORT:?}" "${ECHO_PORT:?}"

S=$T/ssh
TUNNEL_KEYS=()
SSHD=(/usr/sbin/sshd)
tunnel_pid=
port=

# === the far side ===

make_keys() {
	mkdir -p "$S"
	chmod 700 "$S"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/host_ed25519"
	ssh-keygen -q -t ecdsa -N '' -C '' -f "$S/host_ecdsa"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/user"
	ssh-keygen -q -t ecdsa -N '' -C '' -f "$S/user_ecdsa"
	ssh-keygen -q -t rsa -N '' -C '' -f "$S/user_rsa"
	ssh-keygen -q -t rsa -m PEM -N '' -C '' -f "$S/user_pem"
	ssh-keygen -q -t ed25519 -N secret -C '' -f "$S/user_encrypted"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/stranger"
	cp "$S/user" "$S/user_open"
	chmod 644 "$S/user_open"
	cat "$S"/user*.pub >"$S/authorized"
	host_line host_ed25519 >"$S/known"
	host_line stranger >"$S/known_changed"
	{
		printf '@revoked * '
		cut -d' ' -f1,2 "$S/host_ed25519.pub"
	} >"$S/known_revoked"
	: >"$S/known_none"
	: >"$S/config"
	echo 'not a key' >"$S/no_key"
	chmod 600 "$S/no_key"
	# For runs under ASan: libssh2 1.10 forgets the host key at each change of keys, its own keys
	# of an exchange that is broken off, and twice a login the number of an ECDSA key.
	echo 'leak:libssh2.so' >"$S/known_leaks"
	export LSAN_OPTIONS=suppressions=$S/known_leaks
}

host_line() {
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$S/$1.pub")"
}

# start_sshd [LINE OF CONFIGURATION...]
start_sshd() {
	printf '%s\n' "$@" >"$S/sshd_config" # the first value of a keyword counts
	cat >>"$S/sshd_config" <<-END
		Port $SSHD_PORT
		ListenAddress 127.0.0.1
		HostKey $S/host_ed25519
		HostKey $S/host_ecdsa
		PidFile $S/sshd.pid
		AuthorizedKeysFile $S/authorized
		UsePAM no
		StrictModes no
		MaxStartups 100
		LogLevel VERBOSE
	END
	mkdir -p /run/sshd
	rm -f "$S/sshd.pid"
	"${SSHD[@]}" -f "$S/sshd_config" -E "$S/sshd.log"
	wait_for 10 test -s "$S/sshd.pid"
	wait_for 10 answers "$SSHD_PORT"
}

answers() { ssh-keyscan -T 2 -p "$1" 127.0.0.1 2>/dev/null | grep -q ssh-; }

# The processes that serve connections; the listening one stays.
kill_sessions() {
	local pid
	for pid in $(pgrep -P "$(cat "$S/sshd.pid")"); do
		kill -KILL "$pid" 2>/dev/null || true
	done
}

stop_sshd() {
	if [[ -s $S/sshd.pid ]]; then
		# Held still first: a session killed before it would be made anew at once.
		kill -STOP "$(cat "$S/sshd.pid")"
		kill_sessions
		kill -KILL "$(cat "$S/sshd.pid")"
		wait_for 10 not answers "$SSHD_PORT"
		rm -f "$S/sshd.pid"
	fi
}

start_echo() {
	# Its patience when one way has ended: half a second is less than a busy machine needs.
	socat -t 60 "TCP-LISTEN:$ECHO_PORT,bind=127.0.0.1,reuseaddr,fork,backlog=300" EXEC:cat \
		2>"$S/echo.log" &
	at_exit kill $!
}

# === the near side ===

# workspace NAME [LINE...]: a workspace of one tunnel; the lines are more keys of it
workspace() {
	local name=$1 line
	shift
	mkdir -p "$T/$name"
	{
		cat <<-END
			services: {none: {image: none}}
			x-tunnels:
			  reader:
			    via: root@127.0.0.1:$SSHD_PORT
			    identity: $S/user
			    known_hosts: $S/known
			    to: 127.0.0.1:$ECHO_PORT
		END
		for line in "${TUNNEL_KEYS[@]}" "$@"; do
			printf '    %s\n' "$line"
		done
	} >"$T/$name/compose.yaml"
}

# A key given twice would be refused: `key NAME identity PATH` replaces it
key() {
	sed -i "s|^    $2: .*|    $2: $3|" "$T/$1/compose.yaml"
}

tunnel_in() { "$DEVENV" -C "$T/$1" --progress plain tunnel reader; }

# fails_everywhere CHECK NAME REGEX: each command says so, with status 10
fails_everywhere() {
	local words
	for words in 'tunnel reader' 'tunnel up' 'tunnel check reader' 'sql reader'; do
		# shellcheck disable=SC2086 # words
		expect_fail "$1: $words" 10 "$3" "$DEVENV" -C "$T/$2" --progress plain $words
	done
}

# bad_input_everywhere PORT: where nothing listens; $S has a stranger's key and a changed host key
bad_input_everywhere() {
	workspace all 'engine: mysql'
	key all identity "$S/stranger"
	fails_everywhere 'a key that is not authorised' all 'does not let "root" in.*authorized_keys'
	key all identity "$S/user"
	key all known_hosts "$S/known_changed"
	fails_everywhere 'a changed host key' all 'has changed: .*known_changed line 1'
	key all known_hosts "$S/known"
	key all to "127.0.0.1:$1"
	fails_everywhere 'a database that is down' all 'nothing listens there.*Connection refused'
}

# up NAME: serve in the background until `down`; $port is where
up() {
	rm -f "$T/$1/out"
	"$DEVENV" -C "$T/$1" --progress plain tunnel reader >"$T/$1/out" 2>"$T/$1/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	if ! wait_for 20 grep -q ' -> ' "$T/$1/out"; then
		cat "$T/$1/err" >&2
		return 1
	fi
	port=$(sed -n 's/^reader  127\.0\.0\.1:\([0-9]*\) -> .*/\1/p' "$T/$1/out")
	[[ -n $port ]]
}

down() {
	local rc=0
	kill -INT "$tunnel_pid"
	wait "$tunnel_pid" || rc=$?
	return "$rc"
}

exchange() { timeout 60 socat -t 60 - "TCP:127.0.0.1:$port"; }

# echo_bytes N FILE: send N random bytes, end the sending side, and compare what comes back
echo_bytes() {
	head -c "$1" /dev/urandom >"$2.sent"
	exchange <"$2.sent" >"$2.got" || return 1
	[[ $(sha256sum <"$2.sent") == "$(sha256sum <"$2.got")" ]] || return 1
	rm -f "$2.sent" "$2.got"
}

many() {
	local i pids=() bad=0
	for ((i = 0; i < $1; i++)); do
		echo_bytes "$2" "$S/many.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || bad=$((bad + 1))
	done
	echo "$bad of $1 failed" >&2
	((bad == 0))
}

# Of a tunnel to sshd, which closes after a first line that is nonsense: an end that comes with the
# last bytes is passed on with them, and not seconds later, when all sessions are looked at.
ends_at_once() {
	local i fd before=$SECONDS
	for ((i = 0; i < 10; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		printf 'nonsense\r\n' >&"$fd"
		timeout 60 cat <&"$fd" >"$S/ended" || return 1
		exec {fd}>&-
		grep -q ^SSH- "$S/ended" || return 1
	done
	((SECONDS - before < 30))
}

hello() { [[ $(printf 'hello' | exchange) == hello ]]; }

# `works NAME`: the tunnel comes up, carries bytes and ends with status 0
works() {
	up "$1" && echo_bytes 100000 "$S/one" && down
}

# converse NAME WORDS [QUESTION ANSWER]...: devenv with these words on a terminal of its own, whose
# screen is $T/NAME/screen; each question is answered when it is asked. Its process is $script_pid.
converse() {
	local name=$1 words=$2 seen=1
	shift 2
	rm -f "$T/$name/keys" "$T/$name/screen"
	mkfifo "$T/$name/keys"
	script -qefc "exec '$DEVENV' -C '$T/$name' --progress plain $words" "$T/$name/screen" \
		<"$T/$name/keys" >/dev/null 2>&1 &
	script_pid=$!
	exec 8>"$T/$name/keys"
	while (($# > 0)); do
		wait_for 20 asked_or_over "$name" "$1" "$seen"
		asked "$name" "$1" "$seen" || return 1
		seen=$(($(wc -c <"$T/$name/screen") + 1))
		printf '%s\n' "$2" >&8
		shift 2
	done
}
asked_or_over() { asked "$@" || not kill -0 "$script_pid"; }
asked() { tail -c "+$3" "$T/$1/screen" | grep -q "$2"; }

# converse_ends NAME: with what status
converse_ends() {
	local rc=0
	wait "$script_pid" || rc=$?
	exec 8>&-
	tr -d '\r' <"$T/$1/screen" >&2
	return "$rc"
}

# on_terminal NAME [QUESTION ANSWER]...: answer on a terminal, carry bytes, Ctrl-C
on_terminal() {
	local rc=0
	converse "$1" 'tunnel reader' "${@:2}" &&
		wait_for 20 grep -q '^reader  .* -> ' "$T/$1/screen" || rc=1
	port=$(sed -n 's/^reader  127\.0\.0\.1:\([0-9]*\) -> .*/\1/p' "$T/$1/screen")
	hello || rc=1
	if kill -0 "$script_pid"; then
		printf '\003' >&8
	fi
	converse_ends "$1" && return "$rc"
}

# === what every engine has to stand ===

reset_in_the_middle() {
	# The one that hangs up in the middle of a stream must not disturb the others.
	head -c 20000000 /dev/urandom | timeout 0.3 socat -u - "TCP:127.0.0.1:$port" || true
	hello
}

stuck_reader() {
	local stuck
	head -c 20000000 /dev/zero | socat -T 30 - "TCP:127.0.0.1:$port" \
		> >(sleep 20 >/dev/null) 2>/dev/null &
	stuck=$!
	many 5 1000000 || return 1
	kill "$stuck" 2>/dev/null || true
}


one_session() { wait_for 5 one_child; }
one_child() { [[ $(pgrep -c -P "$(cat "$S/sshd.pid")") == 1 ]]; }

survives_kill() {
	kill_sessions
	hello
}

held_during_outage() {
	local pid
	stop_sshd
	printf 'hello' | exchange >"$S/held" &
	pid=$!
	start_sshd
	wait "$pid"
	[[ $(cat "$S/held") == hello ]]
}
