#!/usr/bin/env bash
# depends_on and its conditions, healthchecks in every form, and services that fail.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
state() { api GET "/containers/$(containers "$1" "$2")/json" | jq -r ".State.$3"; }
# Is the first time before the second?  RFC 3339 in one zone sorts as text once the zone is cut.
before() { [[ $(date -u -d "$1" +%s%N) -le $(date -u -d "$2" +%s%N) ]]; }

mkdir "$T/order"
cd "$T/order"
cat >compose.yaml <<EOF2
services:
  web:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
      cache: {condition: service_started}
  db:
    image: $image
    command: [bash, -c, "read -rt 2 <> <(:); touch /tmp/up; exec sleep infinity"]
    stop_signal: KILL
    healthcheck: {test: [CMD, bash, -c, "test -e /tmp/up"], interval: 200ms, timeout: 5s, retries: 100}
  migrate:
    image: $image
    command: [bash, -c, "read -rt 1 <> <(:); exit 0"]
  cache:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
EOF2
check "up waits for all conditions" "$DEVENV" up
check "the job had ended before web started" before "$(state order migrate FinishedAt)" \
	"$(state order web StartedAt)"
touched=$("$DEVENV" exec db stat -c %y /tmp/up)
check "the database was healthy before web started" before "$touched" "$(state order web StartedAt)"
job=$(containers order migrate)
check "a second up succeeds" "$DEVENV" up
check "a job that succeeded is not run again" test "$job" = "$(containers order migrate)"
check "down" "$DEVENV" down

mkdir "$T/job"
cd "$T/job"
cat >compose.yaml <<EOF2
services:
  web:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    image: $image
    command: [bash, -c, "echo cannot migrate >&2; exit 3"]
EOF2
expect_fail "a failing job fails up with its name, status and last words" 8 \
	'migrate.*(status|exit(ed)?).* 3' "$DEVENV" up
check "its last log lines are shown" grep -q 'cannot migrate' "$T/.failure"
check "what depends on it was not started" test "$(state job web Running 2>/dev/null)" != true
check "down after the failure" "$DEVENV" down

mkdir "$T/sick"
cd "$T/sick"
cat >compose.yaml <<EOF2
services:
  db:
    image: $image
    command: [bash, -c, "echo I am not well; exec sleep infinity"]
    stop_signal: KILL
    healthcheck: {test: [CMD, bash, -c, "exit 1"], interval: 100ms, timeout: 5s, retries: 3}
EOF2
expect_fail "an unhealthy service fails up" 8 'db.*unhealthy' "$DEVENV" up
check "down after it" "$DEVENV" down

mkdir "$T/slow"
cd "$T/slow"
cat >compose.yaml <<EOF2
services:
  db:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    healthcheck: {test: [CMD-SHELL, "exit 1"], interval: 1s, timeout: 5s, retries: 1000}
EOF2
expect_fail "--wait-timeout ends the waiting and names who was not ready" 7 'db' \
	"$DEVENV" up --wait-timeout 3
check "down after it" "$DEVENV" down

mkdir "$T/dies"
cd "$T/dies"
cat >compose.yaml <<EOF2
services:
  web:
    image: $image
    command: [bash, -c, "echo no configuration; exit 42"]
    ports: ["127.0.0.1:21090:80"]
EOF2
expect_fail "a service that dies fails up with its own status" 8 'web.* 42' "$DEVENV" up
check "and its last log lines" grep -q 'no configuration' "$T/.failure"
check "down after it" "$DEVENV" down

# Arguments with spaces, quotes and dollars reach the check as they are, on every engine.
mkdir "$T/quoting"
cd "$T/quoting"
cat >compose.yaml <<EOF2
services:
  array:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    healthcheck: {test: [CMD, test, "a  b'c", "=", "a  b'c"], interval: 200ms, timeout: 5s, retries: 5}
  shell:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    healthcheck: {test: "x='a  b'; test \"\$\$x\" = 'a  b'", interval: 200ms, timeout: 5s, retries: 5}
  off:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    healthcheck: {disable: true}
EOF2
check "healthchecks get their arguments unchanged" "$DEVENV" up --wait-timeout 20
check "down" "$DEVENV" down

finish
