#!/usr/bin/env bash
# A workspace of two manifests: names that do not collide, the shared network, x-requires.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
mkdir -p acme/envs/files acme/deep/down
cd acme
echo "from the root of the workspace" >envs/files/page
cat >envs/workspace.yaml <<EOF2
name: acme
EOF2
cat >envs/auth.yaml <<EOF2
services:
  db: &server
    image: $image
    command: [bash, -c, "mkdir -p /www && echo \$\$WORD >/www/index.html && exec busybox httpd -f -p 80 -h /www"]
    stop_signal: KILL
    environment: {WORD: auth data}
EOF2
cat >envs/shop.yaml <<EOF2
x-requires: [auth]
services:
  web:
    image: $image
    command: [busybox, httpd, -f, -p, "80", -h, /www]
    stop_signal: KILL
    ports: ["127.0.0.1:21100:80"]
    volumes: ["./envs/files:/www:ro"]
    depends_on: [db]
  db:
    image: $image
    command: [bash, -c, "mkdir -p /www && echo \$\$WORD >/www/index.html && exec busybox httpd -f -p 80 -h /www"]
    stop_signal: KILL
    environment: {WORD: shop data}
EOF2

fetch() { # HOST: its page, asked for from inside
	# shellcheck disable=SC2016 # for the shell in the container
	"$DEVENV" exec -T shop/web bash -c \
		'printf "GET / HTTP/1.0\r\n\r\n" | socat -t 5 - "TCP:$1:80" | tail -n 1' - "$1" </dev/null
}

check "one manifest brings up what it requires" "$DEVENV" up shop
check_out "status has both manifests" 'auth/db +running' "$DEVENV" status
check "it runs in the required manifest's project" test -n "$(containers acme-auth db)"
check_out "a service's name is its own manifest's" '^shop data$' fetch db
check_out "SERVICE.MANIFEST is the other manifest's" '^auth data$' fetch db.auth
check_out "and our own is found so too" '^shop data$' fetch db.shop
check_out "paths begin at the workspace's root" 'root of the workspace' \
	curl -sS http://127.0.0.1:21100/page
expect_fail "a name in two manifests must be told apart" 2 '(auth|shop)/db' "$DEVENV" exec db true
check_out "found from a folder below" 'shop/web' bash -c "cd deep/down && '$DEVENV' status"
check_out "config has both manifests" 'shop data' "$DEVENV" config
check "down of one manifest" "$DEVENV" down shop
check "the other one stays" test -n "$(containers acme-auth db)"
check "up of the whole workspace" "$DEVENV" up
check "down of the whole workspace" "$DEVENV" down
check "nothing is left" test -z "$(containers acme-auth)$(containers acme-shop)"
check "nor the shared network" not api GET /networks/acme_shared

cat >envs/auth.yaml <<EOF2
x-requires: [shop]
services:
  db:
    image: $image
EOF2
expect_fail "manifests that require one another" 3 '(auth.*shop|shop.*auth)' "$DEVENV" up
cat >envs/auth.yaml <<EOF2
x-requires: [shopp]
services:
  db:
    image: $image
EOF2
expect_fail "a required manifest that is not there" 3 'shopp' "$DEVENV" up

finish
