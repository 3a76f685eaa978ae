#!/usr/bin/env bash
# `up --scale` and `up --no-start`.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

mkdir scale
cd scale
cat >compose.yaml <<YAML
services:
  web:
    image: $(image base)
    command: [bash, -c, "exec sleep infinity"]
    stop_signal: KILL
YAML
has() { [[ $(containers scale web | wc -l) == "$1" ]]; }
state() { api GET "/containers/$(containers scale web)/json" | jq -r .State.Status; }

check "up --no-start" "$DEVENV" up --no-start
check "creates only" test "$(state)" = created
check "up --scale" "$DEVENV" up --scale web=3
check "makes three" has 3
check "up without it goes back" "$DEVENV" up
check "to one" has 1
expect_fail "a number that is none" 2 'SERVICE=NUMBER' "$DEVENV" up --scale web=many
expect_fail "a service that is none" 2 'wbe' "$DEVENV" up --scale wbe=2
"$DEVENV" down >/dev/null 2>&1
finish
