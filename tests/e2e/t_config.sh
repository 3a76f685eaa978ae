#!/usr/bin/env bash
# `config` and its options: the values that docker compose prints, of the same files.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"
export B=from-the-shell

# same ARG...: `config ARG... --format json` of both is one value
same() {
	"$DOCKER_COMPOSE" "${files[@]}" config "$@" --format json | jq -S . >theirs &&
		"$DEVENV" "${files[@]}" config "$@" --format json | jq -S . >ours &&
		[[ -s theirs ]] && diff theirs ours
}
# The same in YAML, to the letter.
same_text() {
	"$DOCKER_COMPOSE" "${files[@]}" config "$@" >theirs &&
		"$DEVENV" "${files[@]}" config "$@" >ours && diff theirs ours
}

mkdir -p shop/sub beside
cd shop
cat >compose.yaml <<YAML
include: [sub/more.yaml, ../beside/far.yaml]
services:
  web:
    image: $(image base)
    build: {args: {HOME: }, additional_contexts: {docs: ../docs}}
    env_file: web.env
    volumes: ["./src:/src", "data:/data", "~/x:/x", "/abs//y:/y"]
    networks: [front]
    links: [db]
    pull_policy: if_not_present
    depends_on: {db: {condition: service_healthy}}
    secrets: [one]
    environment: {A: "\${A-\${B:?}}", C: "\$\$C \${D:+on}", HOME: }
    command: echo \${TAG:-1} \$OTHER
    develop: {watch: [{action: sync, path: src, target: /src}]}
  db: {image: "$(image base)", extends: {file: sub/base.yaml, service: base}}
  tool: {image: "$(image base)", profiles: [tools]}
volumes: {data: , unused: }
networks: {front: }
secrets: {one: {file: ./one.txt}}
YAML
echo WEB=1 >web.env
echo 'services: {near: {image: n, build: ., volumes: ["./z:/z", "~/y:/y"]}}' >sub/more.yaml
echo 'services: {base: {volumes: ["./here:/here"], env_file: [base.env]}}' >sub/base.yaml
echo BASE=1 >sub/base.env
echo 'services: {far: {build: ./b, volumes: ["./f:/f"]}}' >../beside/far.yaml

files=()
check "config" same
check "and in YAML" same_text
for option in --no-normalize --no-path-resolution --no-env-resolution --no-consistency \
	--no-interpolate --variables; do
	check "$option" same "$option"
done
check "--no-normalize in YAML" same_text --no-normalize
check "--no-path-resolution in YAML" same_text --no-path-resolution
check "all together" same --no-normalize --no-path-resolution --no-consistency
check "raw, with relative paths" same --no-interpolate --no-path-resolution
check "raw and not normalised" same --no-interpolate --no-normalize
check_out "--variables is a table" '^A +false +\$\{B:\?\}$' "$DEVENV" config --variables
check_out "with what has to be set" '^B +true$' "$DEVENV" config --variables
check "a service" same web
check "a profile" same --no-normalize tool
same_lines() {
	diff <("$DOCKER_COMPOSE" config "$@" | sort) <("$DEVENV" config "$@" | sort)
}
for option in --services --volumes --networks --profiles --images '--hash=*'; do
	check "$option" same_lines "$option"
done

cat >pinned.yaml <<YAML
services:
  web: {image: "$(image base)", command: ["true"]}
  other: {image: "$(image base)"}
YAML
files=(-f pinned.yaml)
check "--resolve-image-digests" same --resolve-image-digests
check "--lock-image-digests" same_text --lock-image-digests
check_out "names what the registry has" '@sha256:[0-9a-f]{64}$' cat ours
cp ours lock.yaml
files=(-f pinned.yaml -f lock.yaml)
check "and is an override file" same

cat >loose.yaml <<YAML
services:
  web: {image: w, networks: [nope], depends_on: [nix, db], scale: 2, container_name: one}
  db: {depends_on: [web], secrets: [s], network_mode: host, networks: [nope]}
YAML
files=(-f loose.yaml)
check "what does not go together, with --no-consistency" same --no-consistency
expect_fail "but not without" 3 'undefined network "nope"' "$DEVENV" -f loose.yaml config
finish
