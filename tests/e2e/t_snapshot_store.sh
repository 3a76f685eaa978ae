#!/usr/bin/env bash
# Snapshots between the cache and a registry; tidying up; damage.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/agent_lib.sh
source "$HERE/agent_lib.sh"

data=$(volume data)
"$HERE/tree" make "$data"
check "save" "$agent" save data first
printf changed | dd of="$data/base/1/pages" bs=1 seek=1000000 conv=notrunc status=none
check "save a child" "$agent" save data second first
check "verify" "$agent" verify second
check "restore it" "$agent" restore second copy
copy=$(api GET /volumes/copy | jq -r .Mountpoint)

# --- a registry -----------------------------------------------------------------------------------
check "push" "$agent" push first "$DEVENV_REGISTRY/test/seed:1"
check "push the child" "$agent" push second "$DEVENV_REGISTRY/test/seed:2"
before=$("$agent" show second | jq -r .digest)
check "forget the first" "$agent" remove first
check "forget the second" "$agent" remove second
check_out "tidy up" '"freed":[1-9]' "$agent" prune
expect_fail "it is gone" 1 'no snapshot "first"' "$agent" restore first copy replace
check "pull the first" "$agent" pull "$DEVENV_REGISTRY/test/seed:1" first
check "pull the child by its delta" "$agent" pull "$DEVENV_REGISTRY/test/seed:2" second
check_out "it is the same" "^$before\$" bash -c "'$agent' show second | jq -r .digest"
check "restore what was pulled" "$agent" restore second copy replace
check "everything is there" same_tree "$data" "$copy"
check "verify what was pulled" "$agent" verify first
check "tidy up keeps what the delta needs" bash -c \
	"'$agent' remove first && '$agent' prune && '$agent' restore second copy replace"
check "everything is still there" same_tree "$data" "$copy"

# --- damage ---------------------------------------------------------------------------------------
blobs=$(api GET /volumes/devenv-cache | jq -r .Mountpoint)/blobs/sha256
check "pull it again" "$agent" pull "$DEVENV_REGISTRY/test/seed:1" first
# shellcheck disable=SC2012 # names of blobs are hex
largest=$(ls -S "$blobs" | head -n 1)
printf damaged | dd of="$blobs/$largest" bs=1 seek=200000 conv=notrunc status=none
expect_fail "damage in the cache is seen" 1 "$largest" "$agent" verify first
check "what was damaged comes again" "$agent" pull "$DEVENV_REGISTRY/test/seed:1" first
check "nothing is damaged then" "$agent" verify first
printf damaged | dd of="$blobs/$largest" bs=1 seek=300000 conv=notrunc status=none
check "a restore repairs the cache itself" "$agent" restore first copy replace
check "with everything right" "$agent" verify first
check "a snapshot of ours alone" "$agent" save data own
largest=$(jq -r '.layers[1].digest[7:]' "$blobs/$("$agent" show own | jq -r '.digest[7:]')")
printf damaged | dd of="$blobs/$largest" bs=1 seek=200000 conv=notrunc status=none
expect_fail "is never restored with damage" 1 'damaged.*came from no store' "$agent" restore own other
index=$(jq -r '.layers[0].digest[7:]' "$blobs/$("$agent" show first | jq -r '.digest[7:]')")
printf damaged | dd of="$blobs/$index" bs=1 seek=100 conv=notrunc status=none
expect_fail "a damaged index is seen" 1 'index is damaged' "$agent" verify first
check "it comes again, too" "$agent" pull "$DEVENV_REGISTRY/test/seed:1" first
check "and is right" "$agent" verify first

finish
