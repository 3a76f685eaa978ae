#!/usr/bin/env bash
# The agent: loaded, run, asked, and gone again, also after a kill.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/agent_lib.sh
source "$HERE/agent_lib.sh"

check_out "the agent answers" '"kernel":"[0-9]' "$agent" probe
check_out "again, with the image that is there" '"cache":\{"bytes":[1-9]' "$agent" probe
check "its container is gone" no_agents
check_out "the cache is a volume of its own" '^1$' bash -c \
	"curl -sS --unix-socket '${DOCKER_HOST#unix://}' http://e/v1.41/volumes/devenv-cache |
	jq -r '.Labels[\"io.devenv.cache\"]'"
expect_fail "a volume that is not there" 1 'snapshot: .*no volume none' "$agent" probe none
check "and none is made" not api GET /volumes/none -o /dev/null
check "a volume" api POST /volumes/create -H 'Content-Type: application/json' \
	--data '{"Name":"data"}' -o /dev/null
check_out "is seen" '"target":\{"bytes":[1-9]' "$agent" probe data

# --- killed at whatever it does -------------------------------------------------------------------
# Created, started, asked: each time a little later than the container's first sight. It may end
# before it was seen.
seen_or_ended() { ! no_agents || ! kill -0 "$killed"; }
for moment in 0 0 0.05 0.1 0.3; do
	"$agent" probe data >/dev/null 2>&1 </dev/null &
	killed=$!
	wait_for 20 seen_or_ended
	read -rt "$moment" <> <(:) || true
	kill -9 "$killed" 2>/dev/null || true
	wait "$killed" 2>/dev/null || true
done
check_out "after kills the next one answers" '"kernel"' "$agent" probe data
check "and removes what was left" wait_for 10 no_agents

finish
