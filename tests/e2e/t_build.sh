#!/usr/bin/env bash
# Images from `build:`: what goes into the context, how it is asked for, and what `up` makes of it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

base=$DEVENV_REGISTRY/devenv/imported:1
check "a base image" import_base "$base"
mkdir -p shop/app/sub/deep shop/app/node_modules/left
cd shop
echo one >app/one.txt
echo two >app/two.log
echo kept >app/sub/kept.log
echo deep >app/sub/deep/note.md
echo drop >app/sub/deep/drop.txt
echo pad >app/node_modules/left/pad.js
long=$(printf 'n%.0s' {1..140})
echo long >"app/$long"
ln -s one.txt app/link
cat >app/.dockerignore <<'IGNORE'
# comment
**/*.log
!sub/kept.log
node_modules
/sub/deep
!**/*.md
Dockerfile*
IGNORE
cat >app/Dockerfile <<DOCKER
FROM $base AS first
ARG COLOUR=none
ENV COLOUR=\$COLOUR
COPY . /app
FROM first AS second
CMD ["bash", "-c", "exec sleep infinity"]
STOPSIGNAL SIGKILL
FROM $base
RUN false
DOCKER
cat >app/other.Dockerfile <<DOCKER
FROM $base
COPY . /app
CMD ["bash", "-c", "exec sleep infinity"]
STOPSIGNAL SIGKILL
DOCKER
echo '*.txt' >app/other.Dockerfile.dockerignore
cat >compose.yaml <<YAML
services:
  web:
    build:
      context: app
      target: second
      args: {COLOUR: green}
      labels: {acme.team: shop}
      tags: ["shop-web:extra"]
  other:
    build: {context: app, dockerfile: other.Dockerfile}
  inline:
    build:
      context: app
      dockerfile_inline: |
        FROM $base
        COPY . /app
        CMD ["bash", "-c", "exec sleep infinity"]
        STOPSIGNAL SIGKILL
YAML

files() { "$DEVENV" exec "$1" bash -c 'cd /app && find . -mindepth 1 | sort | tr "\n" " "'; }
label() { api GET "/images/shop-web/json" | jq -r ".Config.Labels[\"$1\"]"; }
wrong() { # the same project with one service replaced
	sed "s|^    build: {context: app, dockerfile: other.Dockerfile}|    build: $1|" compose.yaml \
		>wrong.yaml
	"$DEVENV" -f wrong.yaml build other
}

check_out "the plan builds what is missing" 'build image shop-web ' "$DEVENV" up --dry-run
check "up builds what is missing" "$DEVENV" up
check_out "the context is without what is ignored" \
	"^\./\.dockerignore \./link \./$long \./one\.txt (\./other[^ ]* )*\./sub \./sub/deep \./sub/deep/note\.md \./sub/kept\.log " \
	files web
check_out "a Dockerfile's own .dockerignore wins" './two.log' files other
check_out "and leaves out what it names" '^0$' bash -c "'$DEVENV' exec other bash -c \
	'ls /app | grep -c txt || true'"
check_out "an inline Dockerfile is not copied" '^0$' bash -c "'$DEVENV' exec inline bash -c \
	'ls -a /app | grep -c devenv || true'"
check_out "arguments arrive" '^green$' "$DEVENV" exec web bash -c 'echo $COLOUR'
check "labels arrive" test "$(label acme.team)" = shop
check "Compose's labels too" test "$(label com.docker.compose.service)" = web
check "further tags" api GET /images/shop-web:extra/json
check_out "then there is nothing to do" 'nothing to do' "$DEVENV" up --dry-run

before=$(containers shop web)
echo changed >app/one.txt
check "up alone does not build again" "$DEVENV" up
check "and keeps the container" test "$(containers shop web)" = "$before"
check "up --build does" "$DEVENV" up --build
check_out "and the container is new" '^changed$' "$DEVENV" exec web cat /app/one.txt
check "build" "$DEVENV" build web --build-arg COLOUR=red
check "up takes what was built" "$DEVENV" up
check_out "with its argument" '^red$' "$DEVENV" exec web bash -c 'echo $COLOUR'

expect_fail "an error names service and step" 4 'service other: .*step [0-9]+/[0-9]+ "RUN false"' \
	wrong '{context: app}'
expect_fail "a context that is not there" 3 'nowhere is no folder' wrong '{context: nowhere}'
expect_fail "a Dockerfile that is not there" 3 'no Dockerfile .*/nofile' \
	wrong '{context: app, dockerfile: nofile}'
expect_fail "what needs BuildKit is named" 4 'build.ssh. needs BuildKit' \
	wrong '{context: app, ssh: [default]}'
sed 's|^    build: {context: app, d|    image: not-there-at-all:1\n&|' compose.yaml >no.yaml
expect_fail "up --no-build" 5 'not-there-at-all' "$DEVENV" -f no.yaml up --no-build other

tag=$(od -An -N6 -tx1 /dev/urandom | tr -d " ")
cat >push.yaml <<YAML
services:
  web:
    image: $DEVENV_REGISTRY/built/web:$tag
    build: {context: app, target: first}
YAML
check "build --push" "$DEVENV" -f push.yaml build --push
check "the registry has it" curl -sSf -o /dev/null \
	-H 'Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json' \
	"http://$DEVENV_REGISTRY/v2/built/web/manifests/$tag"

"$DEVENV" config >/dev/null 2>config.err
check "config warns once about services that only build" test "$(grep -c 'only `build:`' config.err)" = 1
"$DEVENV" -f push.yaml config >/dev/null 2>config.err
check "and not about one with an image" test ! -s config.err
"$DEVENV" down >/dev/null 2>&1
finish
