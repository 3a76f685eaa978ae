#!/usr/bin/env bash
# `develop.watch` with images that are built: rebuild, .dockerignore, --prune, `up --watch`.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

base=$DEVENV_REGISTRY/devenv/imported:1
check "a base image" import_base "$base"
inside() { "$DEVENV" exec web bash -c "$1"; }
has() { [[ $(inside "cat '$1'") == "$2" ]]; }
said() { grep -Eq -- "$1" watch.err; }
nameless() { api GET /images/json --get --data-urlencode \
	'filters={"dangling":["true"],"label":["com.docker.compose.project=made"]}' | jq length; }
none_nameless() { [[ $(nameless) == 0 ]]; }

mkdir -p made/app/src
cd made
echo one >app/built.txt
echo one >app/src/file.txt
echo secret >app/src/secret.env
printf '%s\n' '**/*.env' >app/.dockerignore
cat >app/Dockerfile <<DOCKER
FROM $base
COPY . /app
CMD ["bash", "-c", "exec sleep infinity"]
STOPSIGNAL SIGKILL
DOCKER
cat >compose.yaml <<YAML
services:
  web:
    build: app
    depends_on: [side]
    develop:
      watch:
        - {action: sync, path: ./app/src, target: /app/src}
        - {action: rebuild, path: ./app/built.txt}
  side:
    image: $(image base)
    command: [bash, -c, "exec sleep infinity"]
    stop_signal: KILL
YAML

"$DEVENV" watch >watch.out 2>watch.err &
watch=$!
at_exit kill "$watch"
check "watch builds and starts first" wait_for 60 said 'watching for changes'
check "the built file" has /app/built.txt one
side=$(containers made side)
echo two >app/src/file.txt
echo two >app/src/secret.env
check "sync into what was built" wait_for 20 has /app/src/file.txt two
check "not what .dockerignore leaves out" inside '! test -e /app/src/secret.env'
web=$(containers made web)
echo two >app/built.txt
check "rebuild" wait_for 60 has /app/built.txt two
check "replaces the container" test "$(containers made web)" != "$web"
check "and no other" test "$(containers made side)" = "$side"
check "the old image is removed" wait_for 30 none_nameless
check "the new one has what was synced" has /app/src/file.txt two

echo 'RUN false' >>app/Dockerfile
echo three >app/built.txt
check "a build that fails is told of" wait_for 60 said 'RUN false'
sed -i '$d' app/Dockerfile
echo four >app/built.txt
check "and the next one is tried" wait_for 60 has /app/built.txt four
kill -INT "$watch"
wait "$watch" || true

rm -f watch.err # what follows waits for a new one
"$DEVENV" up --watch >watch.out 2>watch.err &
watch=$!
at_exit kill "$watch"
check "up --watch" wait_for 60 said 'watching for changes'
echo five >app/src/file.txt
check "syncs" wait_for 20 has /app/src/file.txt five
kill -INT "$watch"
status=0
wait "$watch" || status=$?
check "until Ctrl-C" test "$status" = 130
"$DEVENV" down >/dev/null 2>&1
finish
