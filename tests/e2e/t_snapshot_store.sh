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

# --- another tool's ---------------------------------------------------------------------------------
sk() { skopeo --insecure-policy "$@"; }
seed=$DEVENV_REGISTRY/test/seed
check_out "skopeo inspects it" '"linux"' sk inspect --tls-verify=false "docker://$seed:2"
check "skopeo copies it into a folder" \
	sk copy --quiet --src-tls-verify=false "docker://$seed:2" "oci:$T/copied:seed"
check_out "where it inspects it, too" "^$before\$" bash -c \
	"skopeo inspect oci:$T/copied:seed | jq -r .Digest"
check_out "and its config" '^\[".*","sha256:' bash -c \
	"skopeo inspect --config --raw oci:$T/copied:seed | jq -c '[.created, .parent]'"
check "and back" sk copy --quiet --dest-tls-verify=false "oci:$T/copied:seed" "docker://$seed:3"
check "forget the child" "$agent" remove second
check "what was copied twice is pulled" "$agent" pull "$seed:3" second
check_out "and is the same" "^$before\$" bash -c "'$agent' show second | jq -r .digest"
pull_image() { api POST "/images/create?fromImage=$seed&tag=2" || true; }
check_out "no engine takes it for an image" 'unsupported media type|processing tar file' pull_image
typed() { # TAG TYPE: the child as typed by its config alone
	jq -c --arg type "$2" 'del(.artifactType) | .config.mediaType = $type' \
		"$T/copied/blobs/sha256/${before#sha256:}" |
		curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
			--data-binary @- "http://${seed/\//\/v2\/}/manifests/$1"
}
for type in v1 config.v1+json; do
	check "typed $type" typed "${type/+/-}" "application/vnd.devenv.snapshot.$type"
	check "it is pulled" "$agent" pull "$seed:${type/+/-}" "typed-${type%%.*}"
done
check "typed as an image's" typed image application/vnd.oci.image.config.v1+json
expect_fail "it is none" 1 'another kind of artifact' "$agent" pull "$seed:image" image

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
