#!/usr/bin/env bash
# A port that is taken: told before anything is pulled, with who holds it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
project() { # NAME PORT [IMAGE]
	mkdir -p "$T/$1"
	cat >"$T/$1/compose.yaml" <<-YAML
		services:
		  web:
		    image: ${3:-$image}
		    command: [busybox, httpd, -f, -p, "80"]
		    stop_signal: KILL
		    ports: ["127.0.0.1:$2:80"]
	YAML
}

socat TCP-LISTEN:21200,bind=127.0.0.1,fork,reuseaddr SYSTEM:true &
holder=$!
at_exit kill "$holder"
wait_for 5 bash -c '</dev/tcp/127.0.0.1/21200'
project mine 21200 "$DEVENV_REGISTRY/devenv/no-such-image:1"
expect_fail "a port that a process holds" 6 "21200.*(socat|$holder)" "$DEVENV" -C "$T/mine" up
check "nothing was pulled before: the missing image is not what it stumbled over" \
	not grep -q no-such-image "$T/.failure"
check "nothing was created" test -z "$(containers mine)"
kill "$holder"

project other 21201
check "another project" "$DEVENV" -C "$T/other" up
project mine 21201
expect_fail "a port that a container holds" 6 '21201.*other' "$DEVENV" -C "$T/mine" up
check "the other project still runs" bash -c '</dev/tcp/127.0.0.1/21201'
check "down of the other" "$DEVENV" -C "$T/other" down
check "then it is free" "$DEVENV" -C "$T/mine" up
check "our own container does not stand in our way" "$DEVENV" -C "$T/mine" up --force-recreate
check "down" "$DEVENV" -C "$T/mine" down

cat >"$T/mine/compose.yaml" <<EOF2
services:
  a: {image: "$image", command: [sleep, infinity], ports: ["127.0.0.1:21202:80"]}
  b: {image: "$image", command: [sleep, infinity], ports: ["127.0.0.1:21202:81"]}
EOF2
expect_fail "two services that want the same port" 6 \
	'a \(.*compose.yaml:2:.*b \(.*compose.yaml:3:.*21202' "$DEVENV" -C "$T/mine" up

finish
