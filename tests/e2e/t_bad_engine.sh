#!/usr/bin/env bash
# No engine, an engine that goes away during `up`, and one whose disk is full.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
mkdir shop
cd shop
cat >compose.yaml <<EOF2
services:
  web:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 200ms, timeout: 5s, retries: 1000}
EOF2

# --- none -----------------------------------------------------------------------------------------
without_podman() { # only our own programs are found
	mkdir -p "$T/bin"
	env -u DOCKER_HOST PATH="$T/bin" "$DEVENV" "$@"
}
expect_fail "no engine and no podman: how to get one" 4 '[Ii]nstall|podman' without_podman up
expect_fail "an engine that is not there" 4 'none.sock' env DOCKER_HOST="unix://$T/none.sock" \
	"$DEVENV" up
: >"$T/file"
expect_fail "a file where the engine should be" 4 "$T/file" "$DEVENV" --host "unix://$T/file" up
socat "UNIX-LISTEN:$T/closed.sock,mode=000" - </dev/null &
at_exit kill $!
check "an engine that is not for us" wait_for 5 test -S "$T/closed.sock"
expect_fail "whose socket is for others" 4 'Permission denied.*not in the group' \
	setpriv --bounding-set=-dac_override,-dac_read_search \
	"$DEVENV" --host "unix://$T/closed.sock" up
expect_fail "an address that is none" '[24]' 'gopher' "$DEVENV" --host gopher://x up
expect_fail "a context that is not there" 4 'staging' env -u DOCKER_HOST "$DEVENV" --context staging up

# --- it goes away while `up` waits ----------------------------------------------------------------
engine=$DOCKER_HOST
start_proxy() {
	rm -f "$T/proxy.sock"
	setsid socat "UNIX-LISTEN:$T/proxy.sock,fork" "UNIX-CONNECT:${engine#unix://}" &
	proxy=$!
	at_exit kill -- "-$proxy"
	wait_for 5 test -S "$T/proxy.sock"
}
waiting() { grep -q 'Waiting' "$T/up.err"; }
cut_off() { # up, and the engine gone while it waits
	DOCKER_HOST=unix://$T/proxy.sock timeout 60 "$DEVENV" up >"$T/up.out" 2>"$T/up.err" </dev/null &
	local up=$! status=0
	wait_for 30 waiting
	kill -- "-$proxy"
	rm -f "$T/proxy.sock"
	wait "$up" || status=$?
	cat "$T/up.err" >&2
	return "$status"
}
start_proxy
expect_fail "the engine goes away during up" 4 '(engine|Engine|connect|proxy.sock)' cut_off
check "ready at last" bash -c "docker_id=\$1; curl -sS --unix-socket '${engine#unix://}' \
	-H 'Content-Type: application/json' -d '{\"Cmd\":[\"touch\",\"/tmp/ready\"]}' \
	\"http://engine/v1.41/containers/\$docker_id/exec\" | jq -r .Id >'$T/exec'" - \
	"$(containers shop web)"
check "its exec runs" api POST "/exec/$(cat "$T/exec")/start" -H 'Content-Type: application/json' \
	-d '{"Detach":true}'
before=$(containers shop web)
check "the next up goes on from there" "$DEVENV" up
check "with the same container" test "$before" = "$(containers shop web)"
check "down" "$DEVENV" down

# --- its disk is full -----------------------------------------------------------------------------
mkdir "$T/small"
mount -t tmpfs -o size=60m tmpfs "$T/small"
small_docker() {
	echo '{}' >"$T/daemon.json"
	dockerd --config-file "$T/daemon.json" --data-root "$T/small" --exec-root "$T/exec-root" \
		--pidfile "$T/dockerd.pid" --iptables=false \
		--host "unix://$T/small.sock" >"$T/dockerd.log" 2>&1 &
	at_exit kill $!
	wait_for 30 curl -sS --unix-socket "$T/small.sock" http://engine/_ping
	export DOCKER_HOST=unix://$T/small.sock
}
small_podman() {
	export DEVENV_ENGINE_ROOT=$T/small
	at_exit "$DEVENV" engine stop
	DOCKER_HOST=$("$DEVENV" engine start 2>/dev/null)
	export DOCKER_HOST
}
"small_$ENGINE"
expect_fail "a full disk: the engine's words reach the user" '[459]' 'no space left on device' "$DEVENV" up
export DOCKER_HOST=$engine

check "down" "$DEVENV" down

finish
