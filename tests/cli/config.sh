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

cat >raw.yaml <<'EOF'
services:
  web:
    build: {context: ., args: [A=1, UNSET], provenance: true}
    command: sh -c "${RUN}"
    environment: [A=1, "B=${B:-two}", HOME]
    extra_hosts: {api: ["10.0.0.1", "10.0.0.2"]}
    labels: {one: 1, two: "${TWO}"}
    ports: ["${PORT:-80}:80", "81:81"]
    tmpfs: /run
    mem_limit: ${MEMORY}
    networks: [back]
  tool: {image: t, profiles: [tools], entrypoint: [], links: [web]}
networks: {back: {labels: [a=b]}}
volumes: {unused: }
x-own: {list: []}
EOF
cat >over.yaml <<'EOF'
services:
  web:
    environment: {A: "${A}", C: }
    labels: [two=2, three]
    tmpfs: [/tmp]
EOF
# As `docker compose -p shop -f raw.yaml ...` printed it; the folder is @DIR@.
raw() { jq -cS . "$out" | sed "s|$PWD|@DIR@|g"; }
run -p shop -f raw.yaml config --no-interpolate --format json
cat >want <<'EOF'
{"name":"shop","networks":{"back":{"labels":["a=b"],"name":"shop_back"},"default":{"name":"shop_default"}},"services":{"tool":{"depends_on":{"web":{"condition":"service_started","required":true,"restart":true}},"entrypoint":null,"image":"t","links":["web"],"networks":{"default":null},"profiles":["tools"]},"web":{"build":{"args":["A=1"],"context":"@DIR@","dockerfile":"Dockerfile","provenance":"true"},"command":"sh -c \"${RUN}\"","environment":["A=1","B=${B:-two}","HOME"],"extra_hosts":{"api":["10.0.0.1","10.0.0.2"]},"labels":{"one":1,"two":"${TWO}"},"mem_limit":"${MEMORY}","networks":{"back":null},"ports":["${PORT:-80}:80","81:81"],"tmpfs":"/run"}},"volumes":{"unused":{"name":"shop_unused"}},"x-own":{"list":null}}
EOF
ok "--no-interpolate: the model as it is written" diff want <(raw)
run -p shop -f raw.yaml -f over.yaml config --no-interpolate --format json
cat >want <<'EOF'
{"name":"shop","networks":{"back":{"labels":["a=b"],"name":"shop_back"},"default":{"name":"shop_default"}},"services":{"tool":{"depends_on":{"web":{"condition":"service_started","required":true,"restart":true}},"entrypoint":null,"image":"t","links":["web"],"networks":{"default":null},"profiles":["tools"]},"web":{"build":{"args":["A=1"],"context":"@DIR@","dockerfile":"Dockerfile","provenance":"true"},"command":"sh -c \"${RUN}\"","environment":["A=${A}","B=${B:-two}","HOME","C"],"extra_hosts":{"api":["10.0.0.1","10.0.0.2"]},"labels":["one=1","two=2","three"],"mem_limit":"${MEMORY}","networks":{"back":null},"ports":["${PORT:-80}:80","81:81"],"tmpfs":["/run","/tmp"]}},"volumes":{"unused":{"name":"shop_unused"}},"x-own":{"list":null}}
EOF
ok "... merged: pairs of two files are a list" diff want <(raw)
run -p shop -f raw.yaml config --no-interpolate web
ok "... whole also when a service is named, with a warning" has "$err" "services are not selected"
ok "... in YAML too" has "$out" "unused:"
