#!/usr/bin/env bash
# `devenv config` with words and lists: what docker compose 2.40.3 printed for the same file.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

cd "$work"
cat >compose.yaml <<'EOF'
name: shop
services:
  web: {image: w, depends_on: [db], networks: [front]}
  db: {image: d, volumes: ["data:/data"], networks: [back]}
  other: {build: ., networks: [side], models: [small]}
  tool: {image: t, profiles: [tools], networks: [side]}
networks: {front: , back: , side: }
volumes: {data: , unused: }
models: {small: {model: ai/small}, unused: {model: ai/unused}}
EOF

# lines FILE WORD...: exactly these lines.
lines() { diff <(printf '%s\n' "${@:2}") "$1"; }

run config --format json web
ok "a service comes with what it depends on" \
	test "$(jq -c '[(.services, .networks, .volumes) | keys]' "$out")" = \
	'[["db","web"],["back","front"],["data"]]'
ok "what is left out builds nothing: no advice" empty "$err"
run config --format json tool
ok "a named service needs no profile" test "$(jq -c '.services | keys' "$out")" = '["tool"]'
run config --images web
ok "images of the named services" lines "$out" d w
run config --services web
ok "the other lists are of everything" lines "$out" db other web
run config --models
ok "models in use" lines "$out" ai/small
run config nothing
ok "an unknown service is refused" status_is 2
ok "... by its name" has "$err" nothing

run config
cp "$out" whole
ok "advice about services that are only built, once" \
	test "$(grep -c 'no prebuilt image, only `build:`: other;' "$err")" = 1
run config -o file
ok "-o: the model goes into the file" cmp file whole
ok "... and nowhere else" empty "$out"
run config -o missing/file
ok "-o: a folder that is not there is an error" has "$err" missing/file
