#!/usr/bin/env bash
# Which files, which folder and which variables a project is made of, and the options of every
# command that say so: as docker compose finds them.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"
top=$PWD

# alike FOLDER [NAME=VALUE...] [OPTION...]: `config` is one value there, or both refuse.
alike() {
	local folder=$1 variables=() theirs=0 ours=0
	shift
	while [[ ${1-} == [A-Z]*=* ]]; do
		variables+=("$1")
		shift
	done
	cd "$top/$folder"
	env "${variables[@]}" "$DOCKER_COMPOSE" "$@" config --format json >"$T/theirs" || theirs=1
	env "${variables[@]}" "$DEVENV" "$@" config --format json >"$T/ours" || ours=1
	cd "$top"
	((theirs == ours)) || return
	diff <(jq -S . "$T/theirs") <(jq -S . "$T/ours")
}

mkdir -p shop/sub/deep shop/other env sep yml old only win
cat >shop/compose.yaml <<'YAML'
services:
  web:
    image: i:${T:-0}${A:-}${B:-}
    volumes: [./a:/a]
    env_file: [{path: e.env, required: false}]
networks: {unused: }
volumes: {unused: }
secrets: {unused: {file: ./s}}
configs: {unused: {content: c}}
models: {unused: {model: m}}
YAML
echo 'services: {web: {labels: [over]}}' >shop/compose.override.yml
echo 'services: {web: {image: "c:${T:-0}", volumes: ["./b:/b"], env_file: e.env}}' >shop/sub/c.yaml
for folder in . sub other; do
	echo "T=$folder" >"shop/$folder/.env"
	echo "E=$folder" >"shop/$folder/e.env"
done
printf '%s\n' T=one A=1 >shop/one.env
printf '%s\n' T=two 'B=${A}2' >shop/two.env
cat >env/.env <<'ENV'
COMPOSE_FILE=a.yaml:b.yaml
COMPOSE_PROJECT_NAME=of-env
COMPOSE_PROFILES=p, q
ENV
cat >env/a.yaml <<'YAML'
services:
  web: {image: a, volumes: ["./v:/v"]}
  p: {image: p, profiles: [p]}
  q: {image: q, profiles: [q]}
  r: {image: r, profiles: [r]}
  none: {image: n, profiles: [""]}
YAML
echo 'services: {web: {labels: [b]}}' >env/b.yaml
printf '%s\n' 'COMPOSE_FILE=a.yaml;b.yaml' 'COMPOSE_PATH_SEPARATOR=;' >sep/.env
cp env/[ab].yaml sep
for file in yml/compose.yml yml/docker-compose.yaml old/docker-compose.yaml old/docker-compose.yml; do
	echo "services: {web: {image: \"${file//\//-}\"}}" >"$file"
done
for file in yml/compose.override.yaml yml/docker-compose.override.yaml \
	old/docker-compose.override.yml only/compose.override.yaml; do
	echo "services: {web: {labels: [\"$file\"]}}" >"$file"
done

n=0
while read -r words; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # words
	check "$words" alike $words
done <<'CASES'
shop
shop/sub
shop/sub/deep
shop -f sub/c.yaml
shop -f compose.yaml -f sub/c.yaml
shop -f sub/c.yaml -f compose.yaml
shop --project-directory other
shop --project-directory other -f compose.yaml
shop --project-directory other -f sub/c.yaml
shop --project-directory . -f sub/c.yaml
shop --project-directory sub/deep
shop --project-directory nowhere -f compose.yaml
shop/sub --project-directory .. -f c.yaml
shop --env-file one.env
shop --env-file one.env --env-file two.env
shop --env-file two.env --env-file one.env
shop --env-file one.env --project-directory other
shop --env-file nowhere.env
shop COMPOSE_ENV_FILES=one.env,two.env
shop COMPOSE_ENV_FILES=one.env --env-file two.env
shop COMPOSE_DISABLE_ENV_FILE=true
shop COMPOSE_FILE=compose.yaml:sub/c.yaml
shop COMPOSE_FILE=nowhere.yaml
shop COMPOSE_FILE=nowhere.yaml -f compose.yaml
shop COMPOSE_FILE=compose.yaml;sub/c.yaml COMPOSE_PATH_SEPARATOR=;
shop --all-resources
shop --compatibility
shop COMPOSE_COMPATIBILITY=true
shop --ansi never --parallel 3
shop --ansi never --progress tty
shop --ansi always --progress plain
env
env COMPOSE_PROFILES=
env COMPOSE_PROFILES=r
env COMPOSE_PROFILES=*
env --profile r --profile p
env -p mine
env COMPOSE_PROJECT_NAME=Wrong.Name
sep
sep COMPOSE_PROFILES=r
yml
old
only
CASES
check "every case was tried" test "$n" = 43

expect_fail "COMPOSE_PARALLEL_LIMIT that is no number" 2 'whole number, not "many"' \
	env COMPOSE_PARALLEL_LIMIT=many "$DEVENV" -f shop/compose.yaml up

# === what is made of it ===

cat >win/compose.yaml <<YAML
x-base: &base {image: "$(image base)", command: [sleep, infinity], stop_signal: KILL}
services:
  db: *base
  web: {<<: *base, links: [db], scale: 2}
YAML
cd win
shape() {
	api GET '/containers/json?all=1' | jq -r '.[].Names[]' | sed 's/run_[0-9a-f]*/run_ID/' | sort
	api GET /containers/win_web_1/json | jq -S '.HostConfig.Links, [.NetworkSettings.Networks[] |
		.Aliases - [$id[0:12]]]' --arg id "$(api GET /containers/win_web_1/json | jq -r .Id)"
}
# made PROGRAM: the names and the links of what it makes
made() {
	timeout 60 "$1" --progress quiet --compatibility --parallel 1 up -d
	timeout 60 "$1" --progress quiet --compatibility run -d web sleep infinity >"$T/id"
	shape
	timeout 60 "$1" --progress quiet --compatibility down -t 0 --remove-orphans
}
made "$DOCKER_COMPOSE" >"$T/theirs" 2>"$T/theirs.err"
check "--compatibility: as docker compose makes them" diff "$T/theirs" <(made "$DEVENV" 2>ours.err)
check_out "names with _" '^/win_web_run_ID$' cat "$T/theirs"
finish
