#!/usr/bin/env bash
# engine: none
# Snapshots' store as an OCI image layout in a folder, with skopeo on the other side.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/store.sh
source "$HERE/store.sh"

none=sha256:$(printf '0%.0s' {1..64})
at=oci:$T/layout

expect_fail "a folder that is not there" 5 'no OCI image layout' store tags "$at"
check_out "put blobs and a manifest" "^$MANIFEST\$" push "$at:registry.example/shop/seed:1"
check_out "a blob with its size" '^3000000$' store exists "$at" "$BLOB"
check "get it whole" gets_blob "$at"
check "get parts of it" gets_ranges "$at"
check_out "the manifest by its name" "^$MANIFEST $manifest_regex\$" \
	store manifest "$at:registry.example/shop/seed:1"
check_out "the only one needs none" "^$MANIFEST " store manifest "$at"
check_out "and by digest" "^$MANIFEST " store manifest "$at@$MANIFEST"
check "a second name" store put-manifest "$at:two" manifest.json "$manifest_type"
check "the same again" store put-manifest "$at:two" manifest.json "$manifest_type"
check_out "the list of names" '^registry.example/shop/seed:1 two $' bash -c \
	"'$program' tags $at | tr '\n' ' '"
expect_fail "now a name is needed" 5 'which of its 2' store manifest "$at"
expect_fail "a name that is not there" 5 'no manifest "three".*two' store manifest "$at:three"
expect_fail "a blob that is not what its digest says is not stored" 5 "is $BLOB" \
	store put-as "$at" "$none" blob
check_out "nothing is left of it" '^3$' bash -c "ls -A layout/blobs/sha256 | wc -l"
mkdir photos
: >photos/cat.jpg
expect_fail "a folder of other things stays one" 5 'cat.jpg' store put "oci:$T/photos" blob
check_out "it does" '^cat.jpg$' ls -A photos

# --- writers at the same time -------------------------------------------------------------------------
pids=()
for i in {1..12}; do
	store put-manifest "$at:at-once-$i" manifest.json "$manifest_type" >/dev/null &
	pids+=($!)
done
wait "${pids[@]}"
check_out "no name is lost" '^12$' bash -c "'$program' tags $at | grep -c at-once"

# --- skopeo -------------------------------------------------------------------------------------------
copy() { skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"; }
check_out "skopeo reads what we wrote" "$BLOB" skopeo inspect --raw "$at:two"
"$HERE/registry" start 5061 "$T/open" "$T/data"
at_exit "$HERE/registry" stop "$T/open"
check "skopeo copies it to a registry" copy "$at:two" docker://127.0.0.1:5061/shop/seed:1
check "where we read it" gets_blob 127.0.0.1:5061/shop/seed
check_out "with its digest" "^$MANIFEST " store manifest 127.0.0.1:5061/shop/seed:1
check "skopeo writes a layout" copy docker://127.0.0.1:5061/shop/seed:1 "oci:$T/theirs:seed"
check "that we read" gets_blob "oci:$T/theirs"
check "and write" store put-manifest "oci:$T/theirs:more" manifest.json "$manifest_type"
check_out "skopeo reads both" "$BLOB" skopeo inspect --raw "oci:$T/theirs:more"
check_out "the other too" "$BLOB" skopeo inspect --raw "oci:$T/theirs:seed"

# --- damage -------------------------------------------------------------------------------------------
printf damaged | dd of="layout/blobs/sha256/${BLOB#sha256:}" bs=1 seek=1000 conv=notrunc status=none
expect_fail "a flipped byte is found" 5 'damaged or tampered with' gets_blob "$at"
echo '{"manifests": 3}' >layout/index.json
expect_fail "an index that is none" 5 'index.json' store tags "$at"
finish
