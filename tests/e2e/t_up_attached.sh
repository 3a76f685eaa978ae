#!/usr/bin/env bash
# `up` that ends with its containers: --abort-on-container-exit, --exit-code-from; which logs it shows.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

state() { api GET "/containers/$(containers attached "$1")/json" | jq -r .State.Status; }
all_stopped() {
	local id
	for id in $(containers attached); do
		[[ $(api GET "/containers/$id/json" | jq -r .State.Running) == false ]] || return 1
	done
}
has_line() { grep -q "$1" up.out; }

# ends NAME STATUS OPTION...: up ends so, with its output in up.out
ends() {
	local name=$1 status=$2
	shift 2
	expect_fail "$name" "$status" '' "$DEVENV" up "$@"
	cp "$T/.out" up.out
}

mkdir attached
cd attached
cat >compose.yaml <<YAML
services:
  migrate:
    image: $(image base)
    command: [bash, -c, "echo migrated"]
  db:
    image: $(image base)
    command: [bash, -c, "trap 'exit 7' TERM; echo db is up; while :; do read -rt 0.1 <> <(:); done"]
    depends_on: {migrate: {condition: service_completed_successfully}}
  test:
    image: $(image base)
    command: [bash, -c, "echo testing; read -rt 1 <> <(:); echo tested; exit 3"]
    depends_on: [db]
YAML

ends "--exit-code-from: the status of that service" 3 --exit-code-from test
check "says why" grep -q 'ended with status 3' "$T/.failure"
check "shows the logs of all" grep -q 'db-1 *| db is up' up.out
check "and those until the end" grep -q 'test-1 *| tested' up.out
check "also of what ended before" grep -q 'migrate-1 *| migrated' up.out
check "and stops all" all_stopped
ends "--exit-code-from of another: its status as it was stopped" 7 --exit-code-from db
check "shows nothing of the run before" test "$(grep -c 'db is up' up.out)" = 1
ends "--abort-on-container-exit: the status of the first" 3 --abort-on-container-exit
ends "--abort-on-container-failure" 3 --abort-on-container-failure
check "stops all too" all_stopped
expect_fail "--exit-code-from nobody" 2 'nobody' "$DEVENV" up --exit-code-from nobody
expect_fail "--exit-code-from who is not meant" 2 'no service of this up' \
	"$DEVENV" up --exit-code-from test db
expect_fail "with --detach" 2 'exclude each other' "$DEVENV" up -d --abort-on-container-exit
expect_fail "one with the other" 2 'exclude each other' \
	"$DEVENV" up --abort-on-container-exit --abort-on-container-failure

# === which logs, and how ===

ends "--no-attach --no-log-prefix" 3 --exit-code-from test --no-attach db --no-log-prefix
check "leaves out the one" not grep -q 'db is up' up.out
check "and the names" grep -qx 'tested' up.out
ends "of a named service" 3 --abort-on-container-exit test --timestamps
check "only its own, with times" grep -Eq 'test-1 +[|] 20..-..-..T.* tested' up.out
check "not those of db" not grep -q 'db is up' up.out
ends "--attach-dependencies" 3 --abort-on-container-exit --attach-dependencies test
check "those of db too" grep -q 'db is up' up.out

# === success, and what fails before it runs ===

cat >compose.override.yaml <<'YAML'
services:
  test: {command: [bash, -c, "echo fine"]}
YAML
check "--exit-code-from of a service that ends well" "$DEVENV" up --exit-code-from test
check "stops all" all_stopped
check "down" "$DEVENV" down
cat >compose.override.yaml <<'YAML'
services:
  migrate: {command: [bash, -c, "echo broken; exit 5"]}
YAML
expect_fail "a job that fails" 8 'status 5' "$DEVENV" up --exit-code-from test
check "leaves nothing running" all_stopped
check "down" "$DEVENV" down

# === Ctrl-C ===

ended() {
	status=0
	wait "$pid" || status=$?
}
cat >compose.override.yaml <<'YAML'
services:
  test: {command: [bash, -c, "exec sleep infinity"], init: true}
YAML
set -m # else the shell has children ignore Ctrl-C
rm -f up.out up.err # what follows waits for new ones
"$DEVENV" up --abort-on-container-exit >up.out 2>up.err &
pid=$!
check "up runs" wait_for 30 has_line 'db is up'
kill -INT "$pid"
ended
check "Ctrl-C: 130" test "$status" = 130
check "with all stopped" all_stopped

cat >compose.override.yaml <<'YAML'
services:
  test: {command: [bash, -c, "trap '' TERM; echo deaf; while :; do read -rt 1 <> <(:); done"]}
YAML
rm -f up.out up.err
"$DEVENV" up --abort-on-container-exit -t 120 >up.out 2>up.err &
pid=$!
check "up with one that does not listen" wait_for 30 has_line deaf
began=$SECONDS
kill -INT "$pid"
check "says how to kill" wait_for 10 grep -q 'Ctrl-C again kills' up.err
kill -INT "$pid"
ended
check "a second Ctrl-C: 130" test "$status" = 130
check "at once" test $((SECONDS - began)) -lt 60
check "with all stopped" all_stopped
"$DEVENV" down >down.out 2>&1
finish
