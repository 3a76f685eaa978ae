#!/usr/bin/env bash
# exec, run and logs: whose status, whose stdin, which stream.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
mkdir shop
cd shop
cat >compose.yaml <<EOF2
services:
  web:
    image: $image
    command: [bash, -c, "echo to stdout; echo to stderr >&2; exec sleep infinity"]
    stop_signal: KILL
    environment: {COLOUR: green}
  many:
    image: $image
    command: [bash, -c, "for i in {1..50}; do echo line \$\$i; done; exec sleep infinity"]
    stop_signal: KILL
  tool:
    image: $image
    profiles: [tools]
    entrypoint: [bash, -c]
    command: ["echo default command"]
EOF2

with_input() { # TEXT COMMAND...
	local text=$1
	shift
	timeout 60 "$@" <<<"$text"
}
same_bytes() {
	head -c 3000000 /dev/urandom >"$T/random"
	timeout 60 "$DEVENV" exec -T web cat <"$T/random" | cmp - "$T/random"
}
streams_apart() {
	"$DEVENV" logs web >"$T/logs.out" 2>"$T/logs.err" </dev/null &&
		grep -q 'to stdout' "$T/logs.out" && ! grep -q 'to stderr' "$T/logs.out" &&
		grep -q 'to stderr' "$T/logs.err" && ! grep -q 'to stdout' "$T/logs.err"
}
exec_streams_apart() {
	"$DEVENV" exec -T web bash -c 'echo out; echo err >&2' >"$T/x.out" 2>"$T/x.err" </dev/null &&
		[[ $(cat "$T/x.out") == out && $(cat "$T/x.err") == err ]]
}
logs_lines() { [[ $("$DEVENV" logs --tail "$1" many 2>/dev/null </dev/null | grep -c line) == "$2" ]]; }
followed() { # logs -f sees what comes later, and ends when it is told to
	"$DEVENV" logs -f --tail 0 web >"$T/follow" 2>&1 </dev/null &
	local pid=$! status=0
	wait_for 10 bash -c "'$DEVENV' exec -T web bash -c 'echo seen later >/proc/1/fd/1' </dev/null;
		grep -q 'seen later' '$T/follow'" || status=1
	kill -INT "$pid"
	wait "$pid" || true
	return "$status"
}

check "up" "$DEVENV" up

check_out "exec runs a command" '^green$' "$DEVENV" exec web bash -c 'echo $COLOUR'
expect_fail "exec passes the status on" 37 '' "$DEVENV" exec web bash -c 'exit 37'
check_out "exec passes stdin on" '^HELLO$' with_input hello "$DEVENV" exec -T web tr a-z A-Z
check "exec passes three megabytes through unchanged" same_bytes
check "exec keeps stdout and stderr apart" exec_streams_apart
check_out "exec -e and -w" '^blue /tmp$' "$DEVENV" exec -e COLOUR=blue -w /tmp web \
	bash -c 'echo $COLOUR $PWD'
check_out "exec -u" '^65534$' "$DEVENV" exec -u 65534 web id -u
expect_fail "exec in a service that is not in the manifest" 2 'wbe' "$DEVENV" exec wbe true
expect_fail "exec in a service that does not run" 1 'tool' "$DEVENV" exec tool true

check_out "run uses the service's command" '^default command$' "$DEVENV" run tool
check_out "run takes another command" '^another$' "$DEVENV" run --entrypoint echo tool another
expect_fail "run passes the status on" 19 '' "$DEVENV" run web bash -c 'exit 19'
check_out "run passes stdin on" '^3$' with_input $'a\nb\nc' "$DEVENV" run -T web wc -l
check_out "run has the service's environment" '^green$' "$DEVENV" run web bash -c 'echo $COLOUR'
check "run leaves no container behind" test "$(containers shop web | wc -l)" = 1

check "logs keep stdout and stderr apart" streams_apart
check_out "logs are prefixed with the service's name" '^web[^a-z]+to stdout' "$DEVENV" logs web
check "logs --tail counts lines" logs_lines 7 7
check "logs without --tail are complete" logs_lines all 50
check_out "logs --since now has nothing old" '^0$' bash -c \
	"'$DEVENV' logs --since 2099-01-01T00:00:00Z many 2>/dev/null | wc -l"
check "logs --since a while ago has them" bash -c "'$DEVENV' logs --since 10m many | grep -q 'line 50'"
check "logs -f follows" followed
check "down" "$DEVENV" down

finish
