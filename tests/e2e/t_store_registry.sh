#!/usr/bin/env bash
# engine: none
# Snapshots' store in an OCI registry: Debian's docker-registry, open, with Basic and with token auth,
# and behind a proxy that misbehaves as real registries do.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/store.sh
source "$HERE/store.sh"

none=sha256:$(printf '0%.0s' {1..64})
"$HERE/registry" start 5061 "$T/open" "$T/data"
at_exit "$HERE/registry" stop "$T/open"
seed=127.0.0.1:5061/shop/seed

# --- open ------------------------------------------------------------------------------------------
expect_fail "a blob that is not there" 1 'not there' store exists $seed "$BLOB"
check_out "put blobs and a manifest" "^$MANIFEST\$" push $seed:1
check_out "now it is there, with its size" '^3000000$' store exists $seed "$BLOB"
check "get it whole" gets_blob $seed
check "get parts of it" gets_ranges $seed
check_out "the manifest by tag" "^$MANIFEST $manifest_regex\$" store manifest $seed:1
check_out "is as it was stored" "^$(sed 's/[][{}.+]/\\&/g' manifest.json)\$" store manifest $seed:1
check_out "and by digest" "^$MANIFEST " store manifest "$seed@$MANIFEST"
check "another tag" store put-manifest $seed:2 manifest.json "$manifest_type"
check_out "the list of tags" '^1 2 $' bash -c "'$program' tags $seed | tr '\n' ' '"
check_out "mount from another repository" '^mounted$' store mount 127.0.0.1:5061/other "$BLOB" shop/seed
check "there it is" gets_blob 127.0.0.1:5061/other
check_out "what is nowhere is not mounted" '^not mounted$' \
	store mount 127.0.0.1:5061/other "$none" shop/seed
check "put it in chunks" store put-chunks 127.0.0.1:5061/chunks 700000 blob
check "and get it" gets_blob 127.0.0.1:5061/chunks
: >empty
check "put an empty blob" store put $seed empty
expect_fail "a blob that is not what its digest says is not stored" 5 "is $BLOB" \
	store put-as 127.0.0.1:5061/wrong "$none" blob
expect_fail "really not" 1 'not there' store exists 127.0.0.1:5061/wrong "$none"
expect_fail "a manifest that is not there" 5 'MANIFEST_UNKNOWN.*check the name and the tag' \
	store manifest $seed:none
expect_fail "a manifest whose blobs are not there" 5 'BLOB_UNKNOWN' \
	store put-manifest 127.0.0.1:5061/wrong manifest.json "$manifest_type"
expect_fail "a blob of another size" 5 'ends after 3000000 of 3000001' store get $seed "$BLOB" 3000001
expect_fail "nobody there" 5 '127.0.0.1:1/.*connect' store tags 127.0.0.1:1/shop/seed
for i in {1..12}; do
	curl -fsS -o /dev/null -X PUT -H "Content-Type: $manifest_type" --data-binary @manifest.json \
		"http://127.0.0.1:5061/v2/shop/seed/manifests/t$i"
done
daemon 5069 "$HERE/bad_proxy" 5069 5061 pages=5
check_out "all pages of the list of tags" '^14$' bash -c \
	"'$program' tags 127.0.0.1:5069/shop/seed | sort -u | wc -l"
check_out "there were several" '^3$' grep -c page daemon.5069.log

# --- other programs read it, and we what they write --------------------------------------------------
copy() { skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"; }
check_out "skopeo reads what we wrote" "$BLOB" \
	skopeo inspect --raw --tls-verify=false docker://$seed:1
check "skopeo copies it" copy docker://$seed:1 docker://127.0.0.1:5061/copied:1
check "and we read the copy" gets_blob 127.0.0.1:5061/copied
check_out "with its digest" "^$MANIFEST " store manifest 127.0.0.1:5061/copied:1

# --- Basic ------------------------------------------------------------------------------------------
# User dev, password secret.
# shellcheck disable=SC2016 # a hash
echo 'dev:$2b$04$mlbBVJBZoGI7CVEdIZaZwuejAriHvPGr6/ckiwuB53XR33TpFuKQO' >htpasswd
"$HERE/registry" start 5062 "$T/basic" "$T/basic-data" "$T/htpasswd"
at_exit "$HERE/registry" stop "$T/basic"
export DOCKER_CONFIG=$T/docker
login() { # REGISTRY USER:PASSWORD
	mkdir -p docker
	jq -n --arg at "$1" --arg auth "$(printf %s "$2" | base64)" '{auths: {($at): {auth: $auth}}}' \
		>docker/config.json
}
expect_fail "without a login" 5 'wants credentials.*run: docker login 127.0.0.1:5062' \
	push 127.0.0.1:5062/shop/seed:1
login 127.0.0.1:5062 dev:wrong
expect_fail "a wrong password" 5 'refuses the credentials of dev.*docker login' \
	push 127.0.0.1:5062/shop/seed:1
login 127.0.0.1:5062 dev:secret
check "with a login" push 127.0.0.1:5062/shop/seed:1
check "get" gets_blob 127.0.0.1:5062/shop/seed

# --- tokens -----------------------------------------------------------------------------------------
daemon 5064 "$HERE/token_server" 5064 "$T/tokens" 1
"$HERE/registry" start 5063 "$T/bearer" "$T/bearer-data" "{token: {realm: \"http://127.0.0.1:5064/token\",
	service: shop-registry, issuer: devenv, rootcertbundle: \"$T/tokens/cert.pem\"}}"
at_exit "$HERE/registry" stop "$T/bearer"
granted() { grep -c "$1" "$T/tokens/log"; }
rm docker/config.json
expect_fail "anybody may not push" 5 'wants credentials.*docker login 127.0.0.1:5063' \
	push 127.0.0.1:5063/public/seed:1
login 127.0.0.1:5063 dev:wrong
expect_fail "a wrong password" 5 'refuses to give a token.*docker login 127.0.0.1:5063' \
	push 127.0.0.1:5063/public/seed:1
login 127.0.0.1:5063 dev:pw
check "with a login" push 127.0.0.1:5063/public/seed:1
check_out "one token for several requests was asked for" 'dev:pw.*public/seed.*"push"' cat tokens/log
: >tokens/log
check_out "mounting asks for both repositories" '^mounted$' \
	store mount 127.0.0.1:5063/other "$BLOB" public/seed
check_out "it did" 'other.*push.*public/seed.*pull' cat tokens/log
: >tokens/log
check "a token that expires is asked for again" store hold 127.0.0.1:5063/public/seed "$BLOB" 2500
check_out "two or three a store, not one a request" '^[4-8]$' granted dev:pw
rm docker/config.json
check "anybody may pull" gets_blob 127.0.0.1:5063/public/seed

# --- what goes wrong ---------------------------------------------------------------------------------
daemon 5065 "$HERE/bad_proxy" 5065 5061 busy=2 fail=1 cut=2
check "429, 502 and bodies that break off are ridden out" gets_blob 127.0.0.1:5065/shop/seed
daemon 5066 "$HERE/bad_proxy" 5066 5061 no-ranges cut=1
check "a server without ranges" gets_ranges 127.0.0.1:5066/shop/seed
check "also when a body breaks off" gets_blob 127.0.0.1:5066/shop/seed
daemon 5067 "$HERE/bad_proxy" 5067 5061 no-types stuck
check_out "a registry that knows no artifacts gets a plain manifest" '^sha256:' push 127.0.0.1:5067/plain:1
check_out "whose type the config tells" '^application/vnd.devenv.snapshot.v1$' bash -c \
	"'$program' manifest 127.0.0.1:5061/plain:1 | tail -n 1 | jq -r .config.mediaType"
check_out "and nothing else" '^null$' bash -c \
	"'$program' manifest 127.0.0.1:5061/plain:1 | tail -n 1 | jq .artifactType"
check "where chunks are not counted, the blob goes whole" \
	store put-chunks 127.0.0.1:5067/whole 700000 blob
check "and is right" gets_blob 127.0.0.1:5061/whole
daemon 5068 "$HERE/bad_proxy" 5068 5061 small=1500000 flip
check "too large for a proxy: in chunks" store put 127.0.0.1:5068/small blob
check "and is right" gets_blob 127.0.0.1:5061/small
expect_fail "a flipped bit is found" 5 'damaged or tampered with' gets_blob 127.0.0.1:5068/shop/seed

# --- a redirect to another host takes no credentials with it ------------------------------------------
login 127.0.0.1:5071 dev:secret
daemon 5070 "$HERE/bad_proxy" 5070 5061 no-auth
daemon 5071 "$HERE/bad_proxy" 5071 5062 redirect=5070
check "blobs that are elsewhere" gets_blob 127.0.0.1:5071/shop/seed
check "and parts of them" gets_ranges 127.0.0.1:5071/shop/seed
finish
