#!/usr/bin/env bash
# Snapshots over the wire: how many requests and bytes, and what a kill -9 anywhere costs.
#
# KILLS: of pull, restore, push and of the agent, each; 100 for a long run by hand.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/agent_lib.sh
source "$HERE/agent_lib.sh"

KILLS=${KILLS:-1}
MEGABYTES=${MEGABYTES:-48}
RANDOM=${SEED:-1}
STREAMS=4
PACK=$((16 << 20)) # at most

# --- a registry that counts -----------------------------------------------------------------------
port=5091
registry=127.0.0.1:$port
check "a registry starts" env REGISTRY_LOG_ACCESSLOG_DISABLED=false \
	"$HERE/registry" start "$port" "$T/registry" "$T/stored"
at_exit "$HERE/registry" stop "$T/registry"
log=$T/registry/log
mark() { log_from=$(stat -c %s "$log"); }
requests() { # METHOD REGEX-OF-PATH
	tail -c +$((log_from + 1)) "$log" | grep -Ec "\"$1 /v2/[^ ]*$2" || true
}
bytes() { # that came by GETs of blobs
	tail -c +$((log_from + 1)) "$log" |
		sed -En 's/.*"GET [^"]*\/blobs\/[^"]*" 20[06] ([0-9]+).*/\1/p' |
		awk '{sum += $1} END {print sum + 0}'
}
at_most() { # WHAT LIMIT: a number of the log
	echo "$1, at most $2"
	(($1 <= $2))
}

noise() { # SEED SIZE
	{ openssl enc -aes-128-ctr -K "$1" -iv 00 -nosalt -in /dev/zero 2>/dev/null || true; } |
		head -c "$2"
}
data=$(volume data)
mkdir "$data/base"
noise 01 "$((MEGABYTES - 8))M" >"$data/base/big"
noise 02 8M >"$data/base/other"
size=$((MEGABYTES << 20))
check "save" "$agent" save data first
mark
check "push" "$agent" push first "$registry/shop/seed:1"
# 800 and 1,000 for 5 GB; and what comes once, whatever the size.
check "a push is few requests" at_most "$(requests '[A-Z]+' '')" $((size / 5000000 + 24))
check "a pack is one upload" at_most "$(requests PUT '[^ ]*/uploads/')" $((size / 14000000 + 3))
mark
check "push it again" "$agent" push first "$registry/shop/seed:again"
check "no blob is sent twice" test "$(requests POST '')" = 0

forget() { # everything in the cache
	local name
	for name in "$@"; do "$agent" remove "$name"; done
	"$agent" prune >/dev/null
}
forget first
mark
check "pull" "$agent" pull "$registry/shop/seed:1" first
check "a pull is few requests" at_most "$(requests '[A-Z]+' '')" $((size / 6250000 + 12))
check "each byte comes once" at_most "$(bytes)" $((size + size / 100))

# --- a second snapshot ----------------------------------------------------------------------------
noise 03 400K | dd of="$data/base/big" bs=64K seek=100 conv=notrunc status=none iflag=fullblock
check "save a child" "$agent" save data second first
mark
check "push it" "$agent" push second "$registry/shop/seed:2"
# At most config, index, and packs of chunks without a delta, of those with one, and of deltas.
check "only what is new is sent" test "$(requests POST '')" -le 5
check "nobody asks for each of the parent's packs" at_most "$(requests HEAD '')" 5
forget second
mark
check "pull it" "$agent" pull "$registry/shop/seed:2" second
check "only the missing bytes come" at_most "$(bytes)" $((600 << 10))
copy=$(volume copy)
check "restore it" "$agent" restore second copy replace
check "it is as it was" same_tree "$data" "$copy"

# --- push of what the cache has in part -----------------------------------------------------------
dd if="$data/base/other" of="$data/base/moved" bs=1M status=none
noise 04 64K | dd of="$data/base/moved" bs=64K seek=7 conv=notrunc status=none iflag=fullblock
rm "$data/base/other" "$data/base/big"
check "save a grandchild" "$agent" save data third second
check "push it" "$agent" push third "$registry/shop/seed:3"
forget first second third
check "pull it alone" "$agent" pull "$registry/shop/seed:3" third
mark
check "push it to another repository" "$agent" push third "$registry/shop/branch:3"
check "what the cache has not whole is mounted" test "$(requests POST '\?mount=')" -gt 0
check "and does not come over the wire" test "$(bytes)" = 0
check "push it to a folder" "$agent" push third "oci:$T/layout:3"
forget third
check "pull it from there" "$agent" pull "oci:$T/layout:3" third
check "restore it" "$agent" restore third copy replace
check "it is as it was" same_tree "$data" "$copy"
check "pull it from the other repository" "$agent" pull "$registry/shop/branch:3" fourth

# --- killed ---------------------------------------------------------------------------------------
mkdir shop
cat >shop/compose.yaml <<EOF2
services: {box: {image: $(image base), command: [sleep, infinity], volumes: ["files:/files"]}}
volumes: {files: {}}
EOF2
cd shop
check "a volume" "$DEVENV" create --quiet-pull
cache=$(api GET /volumes/devenv-cache | jq -r .Mountpoint)
files=$(api GET /volumes/shop_files | jq -r .Mountpoint)

agents_now() { agents | head -n 1; }
in_time() { read -rt "$(printf '0.%06d' "$1")" <> <(:) || true; }
# Run COMMAND, and kill it or its agent somewhere in the time it needs.
kill_somewhere() { # process|agent COMMAND...
	local what=$1 pid moment
	shift
	"$@" >"$T/killed.log" 2>&1 </dev/null &
	pid=$!
	moment=$(((RANDOM * 32768 + RANDOM) % needs))
	in_time $((moment > 990000 ? 990000 : moment))
	if [[ $what == agent ]]; then
		api POST "/containers/$(agents_now)/kill" >/dev/null 2>&1 || true
	else
		kill -9 "$pid" 2>/dev/null || true
	fi
	wait "$pid" 2>/dev/null || true
}
time_of() {
	local began=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 </dev/null || return 1
	needs=$((${EPOCHREALTIME/./} - began + 1))
}
blobs_right() { # each file has its name's digest
	local wrong
	wrong=$(cd "$cache/blobs/sha256" && sha256sum -- *[0-9a-f] | awk '$1 != $2' | head -n 3)
	[[ -z $wrong ]] || { echo "$wrong"; return 1; }
}
nothing_left() { ! find "$cache" -name '.put-*' -o -name '.new-*' | grep -q .; }
restored() { diff "$T/wanted" <("$HERE/tree" describe "$1") >"$T/differs"; }
no_locks() { ! find "$XDG_STATE_HOME/devenv/agents" -type f | grep -q .; }
pull=("$DEVENV" snapshot pull "$registry/shop/seed:1" whole)
# All files anew: what did not change would not be made again.
restore=("$DEVENV" snapshot restore box whole --whole)
push=("$DEVENV" snapshot push whole)

pull_round() { # process|agent NUMBER
	"$DEVENV" snapshot rm whole >/dev/null 2>&1 || true
	"$DEVENV" snapshot prune >/dev/null
	mark
	kill_somewhere "$1" "${pull[@]}"
	"${pull[@]}" >/dev/null 2>&1 && blobs_right && nothing_left &&
		at_most "$(bytes)" $((total + STREAMS * PACK))
}
restore_round() {
	kill_somewhere "$1" "${restore[@]}"
	"${restore[@]}" >/dev/null && restored "$files" && nothing_left
}
push_round() {
	local place=$registry/$1/seed$2:3
	mark
	kill_somewhere "$1" "${push[@]}" "$place"
	"${push[@]}" "$place" >/dev/null &&
		at_most "$(requests PUT '[^ ]*/uploads/')" $((packs + STREAMS)) &&
		[[ $(curl -sSf -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
			"http://$registry/v2/$1/seed$2/manifests/3" | sha256sum | cut -c1-64) == "$manifest" ]]
}
rounds() { # NAME process|agent FUNCTION
	local i
	for ((i = 1; i <= KILLS; i++)); do
		check "$1, killed, and again ($2, $i)" "$3" "$2" "$i"
	done
}

check "the time of a pull" time_of "${pull[@]}"
total=$("$agent" show whole | jq .stored)
rounds pull process pull_round
rounds pull agent pull_round
check "restore" "${restore[@]}" --replace
"$HERE/tree" describe "$files" >"$T/wanted"
check "it is right" test "$(sha256sum <"$files/base/big")" = "$(noise 01 "$((MEGABYTES - 8))M" | sha256sum)"
check "the time of a restore" time_of "${restore[@]}"
mkdir "$files/.devenv-restore"
check "also where one was killed amid the files" "${restore[@]}"
check "what it replaced is kept" "$DEVENV" snapshot undo box
check "and was all of it" restored "$files"
check "restore it again" "${restore[@]}"
rounds restore process restore_round
rounds restore agent restore_round
manifest=$("$agent" show whole | jq -r '.digest[7:]')
packs=$(jq '.layers | length + 1' "$cache/blobs/sha256/$manifest")
check "the time of a push" time_of "${push[@]}" "$registry/shop/timed:3"
rounds push process push_round
rounds push agent push_round
check "no agent is left" wait_for 60 no_agents
find "$XDG_STATE_HOME/devenv/agents" -type f -exec touch -d '2 days ago' {} +
check "an operation takes away the locks of those that were killed" "$DEVENV" snapshot list
check "all of them" no_locks
check "everything in the store is right" bash -c \
	"cd '$T/stored/docker/registry/v2/blobs/sha256' && for file in */*/data; do
		read -r digest _ < <(sha256sum \"\$file\") &&
		[[ \$digest == \"\$(basename \"\$(dirname \"\$file\")\")\" ]] || exit 1; done"

finish
