#!/usr/bin/env bash
# Snapshots by the agent: a volume into the cache and back, killed anywhere.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/agent_lib.sh
source "$HERE/agent_lib.sh"

# --- save and restore -----------------------------------------------------------------------------
data=$(volume data)
"$HERE/tree" make "$data"
"$HERE/tree" describe "$data" >wanted
check_out "save" '"digest":"sha256:' "$agent" save data first
check "the volume is as it was" diff wanted <("$HERE/tree" describe "$data")
check_out "list" '"name":"first"' "$agent" list
check "verify" "$agent" verify first
check "restore into a volume that was not there" "$agent" restore first copy
copy=$(api GET /volumes/copy | jq -r .Mountpoint)
check "everything is as it was" same_tree "$data" "$copy"
check "holes are holes" test "$(stat -c %b "$copy/holes")" -lt 2000
use copy /etc/apt
check "also after a container used it" same_tree "$data" "$copy"
expect_fail "never over data" 1 'snapshot: .*copy' "$agent" restore first copy
echo mine >"$copy/mine"
expect_fail "really not" 1 'snapshot: .*copy' "$agent" restore first copy
check "what was there stays" grep -q mine "$copy/mine"
check "but with the word for it" "$agent" restore first copy replace
check "it is as it was again" same_tree "$data" "$copy"

# --- what is in use -------------------------------------------------------------------------------
id=$(api POST /containers/create -H 'Content-Type: application/json' \
	--data "{\"Image\":\"$ref\",\"Cmd\":[\"sleep\",\"infinity\"],
		\"HostConfig\":{\"Binds\":[\"data:/data\"]}}" | jq -r .Id)
api POST "/containers/$id/start" -o /dev/null
expect_fail "no snapshot of a volume in use" 1 'data is in use by' "$agent" save data no
expect_fail "none into it" 1 'data is in use by' "$agent" restore first data replace
api DELETE "/containers/$id?force=1" -o /dev/null

# --- a child of it --------------------------------------------------------------------------------
printf changed | dd of="$data/base/1/pages" bs=1 seek=1000000 conv=notrunc status=none
rm "$data/setuid"
check "save the child" "$agent" save data second first
check "restore it" "$agent" restore second copy replace
check "with the change" same_tree "$data" "$copy"
new=$("$agent" show second | jq .stored)
check_out "its chunks are not stored twice" '^[0-9]+$' echo "$new"

# --- killed ---------------------------------------------------------------------------------------
big=$(volume big)
head -c 100M /dev/urandom >"$big/random"
sha256sum <"$big/random" >sum
runs_or_ended() {
	[[ $(api GET "/containers/$(agents)/json" | jq .State.Running) == true ]] ||
		! kill -0 "$killed"
}
kill_in_the_middle() { # MOMENT COMMAND...
	local moment=$1 killed
	shift
	"$@" >/dev/null 2>&1 </dev/null &
	killed=$!
	wait_for 20 runs_or_ended
	read -rt "$moment" <> <(:) || true
	kill -9 "$killed" 2>/dev/null || true
	wait "$killed" 2>/dev/null || true
}
kill_in_the_middle 0.2 "$agent" save big big
check "save after kills" "$agent" save big big
check "no agent is left" wait_for 10 no_agents
"$agent" save big interrupted >/dev/null 2>interrupted </dev/null &
interrupted=$!
wait_for 20 not no_agents
kill -TERM "$interrupted"
wait "$interrupted" || true
check "an interrupted save removes its agent before it ends" no_agents
check "and says what happened" grep -q '^cancelled: ' interrupted
expect_fail "nothing has its name" 1 'no snapshot "interrupted"' "$agent" show interrupted
kill_in_the_middle 0.3 "$agent" restore big copy replace
check "the agent of a killed run ends by itself" wait_for 10 no_agents
check "restore after kills" "$agent" restore big copy replace
check_out "the data is right" "$(cut -c1-64 sum)" sha256sum "$copy/random"
check "nothing else is there" test "$(ls -A "$copy")" = random
check "no agent is left then" wait_for 10 no_agents

finish
