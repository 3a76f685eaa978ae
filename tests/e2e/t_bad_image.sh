#!/usr/bin/env bash
# Images that cannot be had: not there, no registry, a registry that wants a login.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

mkdir shop
cd shop
use() { # IMAGE
	cat >compose.yaml <<-YAML
		services:
		  web:
		    image: $1
		    command: [sleep, infinity]
		    stop_signal: KILL
	YAML
}

use "$DEVENV_REGISTRY/devenv/no-such-image:1"
expect_fail "an image that does not exist" 5 'no-such-image' "$DEVENV" up
check "nothing was created" test -z "$(containers shop)"
use "$DEVENV_REGISTRY/devenv/base:no-such-tag"
expect_fail "a tag that does not exist" 5 'no-such-tag' "$DEVENV" up
use "127.0.0.1:5999/devenv/base:1"
expect_fail "a registry that does not run" 5 '127.0.0.1:5999' "$DEVENV" up
use "not/A/Reference:::"
expect_fail "a reference that is none" '[35]' 'not/A/Reference' "$DEVENV" up
use "$DEVENV_REGISTRY/devenv/redis:1"
cat >>compose.yaml <<<'    pull_policy: never'
expect_fail "pull_policy never, and it is not there" 5 'never' "$DEVENV" up

# --- a registry that wants a login: user dev, password secret -------------------------------------
# shellcheck disable=SC2016 # a hash
echo 'dev:$2b$04$mlbBVJBZoGI7CVEdIZaZwuejAriHvPGr6/ckiwuB53XR33TpFuKQO' >"$T/htpasswd"
"$HERE/registry" start 5056 "$T/registry" "$T/registry-data" "$T/htpasswd"
at_exit "$HERE/registry" stop "$T/registry"
PUSH_CREDS=dev:secret "$HERE/images/push" 127.0.0.1:5056 base
login() { # PASSWORD: the file that `docker login` writes
	mkdir -p "$T/docker"
	jq -n --arg auth "$(printf 'dev:%s' "$1" | base64)" \
		'{auths: {"127.0.0.1:5056": {auth: $auth}}}' >"$T/docker/config.json"
}
export DOCKER_CONFIG=$T/docker
use 127.0.0.1:5056/devenv/base:1
expect_fail "without a login it says how to log in" 5 'login' "$DEVENV" up
expect_fail "nor can an image be pinned" 5 'login' "$DEVENV" config --resolve-image-digests
login wrong
expect_fail "a wrong password" 5 '127.0.0.1:5056' "$DEVENV" up
mkdir -p "$T/bin"
printf '#!/bin/sh\necho the keychain is locked >&2\nexit 1\n' >"$T/bin/docker-credential-broken"
chmod 755 "$T/bin/docker-credential-broken"
jq -n '{credsStore: "broken"}' >"$T/docker/config.json"
expect_fail "a credential helper that fails is told" 5 'broken|keychain' \
	env PATH="$T/bin:$PATH" "$DEVENV" up
login secret
# The registry's own word for what a tag is.
digest() { # REGISTRY [curl options]
	curl -fsSI "${@:2}" -H 'Accept: application/vnd.oci.image.index.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' \
		-H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://$1/v2/devenv/base/manifests/1" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //ip'
}
check_out "with the right one an image is pinned" \
	"image: 127.0.0.1:5056/devenv/base:1@$(digest 127.0.0.1:5056 -u dev:secret)\$" \
	"$DEVENV" config --resolve-image-digests
check "and it comes up" "$DEVENV" up
check "down" "$DEVENV" down

use "$(image base)"
jq -n '{credsStore: "broken"}' >"$T/docker/config.json"
check_out "without credentials a public one is pinned too" "image: $(image base)@$(digest "$DEVENV_REGISTRY")\$" \
	env PATH="$T/bin:$PATH" "$DEVENV" config --resolve-image-digests
use "$(image base)@sha256:$(printf '%064d' 1)"
check_out "a digest stays as it is" "image: $DEVENV_REGISTRY/devenv/base@sha256:0{63}1\$" \
	"$DEVENV" config --resolve-image-digests
use "$(image base)"
check "a broken helper does not stop an anonymous pull" \
	env PATH="$T/bin:$PATH" "$DEVENV" up --pull always
check "down" "$DEVENV" down

finish
