#!/usr/bin/env bash
# Options of Compose's commands: devenv leaves behind what docker compose leaves behind.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"

theirs() { DOCKER_BUILDKIT=0 timeout 60 "$DOCKER_COMPOSE" --progress quiet "$@"; }
ours() { timeout 60 "$DEVENV" --progress quiet "$@"; }

# What there is: containers with their states, networks, volumes, and images by name.
state() {
	api GET '/containers/json?all=1' | jq -r '.[] | "\(.Names[0]) \(.State)"'
	api GET /networks | jq -r '.[] | select(.Name | startswith("alike")) | .Name'
	api GET /volumes | jq -r '.Volumes[]?.Name'
	api GET /images/json | jq -r '.[].RepoTags[]?' | grep -E '^(alike|words)' || true
}
prepare() {
	theirs down -v -t 0 --remove-orphans 2>/dev/null || true
	api POST "/images/$(image base)/tag?repo=words/base&tag=1"
	theirs "$@"
}

# alike NAME ARG...: from the same start both programs do ARG... and leave the same behind; what
# they printed is in $T/theirs and $T/ours, with the status as the last line.
alike() {
	local name=$1 who status
	shift
	for who in theirs ours; do
		prepare "${start[@]}" >"$T/prepared" 2>&1 || cat "$T/prepared"
		status=0
		"$who" "$@" >"$T/$who" 2>"$T/$who.err" </dev/null || status=$?
		echo "status $status" >>"$T/$who"
		state | sort >"$T/$who.state"
	done
	check "$name" diff "$T/theirs.state" "$T/ours.state"
}

mkdir -p alike/app alike/limit
cd alike
echo 'FROM words/base:1' >app/Dockerfile
cat >compose.yaml <<'YAML'
x-base: &base {image: words/base:1, command: [sleep, infinity], stop_signal: KILL}
services:
  web: {<<: *base, volumes: ["data:/data"], environment: {FROM: manifest, KEPT: manifest}}
  built: {<<: *base, image: "", build: app}
  third: *base
volumes: {data: }
YAML
cat >less.yaml <<'YAML'
name: alike
services: {web: {image: words/base:1}}
YAML
cat >whole.yaml <<'YAML'
name: alike
x-base: &base {image: words/base:1, command: [sleep, infinity], stop_signal: KILL}
services:
  db: {<<: *base, volumes: ["kept:/data"]}
  web: {<<: *base, depends_on: [db], networks: [default, extra], volumes: ["other:/data"]}
  other: *base
  idle: {<<: *base, profiles: [idle], volumes: ["idle:/data"]}
volumes: {kept: , other: , idle: }
networks: {extra: }
YAML
cat >one.yaml <<'YAML'
name: alike
services:
  deaf: {image: words/base:1, command: [sleep, infinity], stop_signal: CONT, stop_grace_period: 1h}
YAML
echo "services: {a: {image: \"$(image base)\"}}" >base.yaml
check "the image is there" "$DEVENV" -f base.yaml pull

# === down, kill, ps ===

# All of it is there at first, with the profile; the files of the ways down are other ones.
start=(-f whole.yaml --profile '*' up -d)
for args in "-f less.yaml down -v" "-f less.yaml down --remove-orphans" "-f whole.yaml down -v" \
	"-f whole.yaml down -v web other"; do
	# shellcheck disable=SC2086 # words
	alike "${args/-f /}" $args
done

start=(up -d)
alike "down --rmi local" down --rmi local
check_out "keeps what has a name of its own" '^words/base:1$' cat "$T/ours.state"
check "and no other" not grep alike-built "$T/ours.state"
alike "down --rmi all" down -v --rmi all
check "keeps none" not grep -E 'words|built' "$T/ours.state"
start=(-f one.yaml up -d)
alike "down -t: it does not get its hour" -f one.yaml down -t 1

start=(up -d)
alike "kill knows what belongs to the manifest" -f less.yaml kill
check "kill --remove-orphans" ours -f less.yaml kill --remove-orphans
check "leaves nothing else" test "$(containers alike)" = "$(containers alike web)"

# === commit, export ===

start=(up -d)
alike "commit" commit --author me --message why -c 'ENV A=b' web words/made:2
committed() { api GET /images/words/made:2/json | jq '[.Author, .Comment, (.Config.Env | sort), .Config.Cmd]'; }
committed >"$T/ours.image"
prepare up -d 2>/dev/null
theirs commit --author me --message why -c 'ENV A=b' web words/made:2 2>/dev/null
check "the same image" diff <(committed) "$T/ours.image"
theirs export -o theirs.tar web 2>/dev/null
ours export -o ours.tar web
check "export: the same files" diff <(tar tvf theirs.tar) <(tar tvf ours.tar)
check "with the same mode" test "$(stat -c %a theirs.tar)" = "$(stat -c %a ours.tar)"

prepare up -d 2>/dev/null
theirs pause third 2>/dev/null
theirs stop web 2>/dev/null
theirs run -d built sleep infinity >/dev/null 2>&1
same_lines() { diff <(theirs "$@" 2>&1 | sort) <(ours "$@" 2>&1 | sort); }
for args in '-q' '-a -q' '--services' '-a --services' '-q --status running' \
	'-q --status paused --status exited' '-q --filter status=exited' '-q built' '-a -q web'; do
	# shellcheck disable=SC2086 # words
	check "ps $args" same_lines ps $args
done
for args in '-q' '-a --services' '-q --orphans=false' '-a --services --orphans=false'; do
	# shellcheck disable=SC2086 # words
	check "ps $args of a manifest with less in it" same_lines -f less.yaml ps $args
done
check "--no-orphans is --orphans=false" diff <(ours -f less.yaml ps -a -q --orphans=false) \
	<(ours -f less.yaml ps -a -q --no-orphans)

# === run, wait, build ===

cat >one.env <<'ENV'
FROM=one
ONE=${GIVEN} and ${FROM}
QUOTED="a b"
ENV
cat >two.env <<'ENV'
FROM=two
TWO=${ONE}
HERE_TOO
ENV
export GIVEN_HERE=from-here
same_environment() {
	diff <(theirs run --rm -T "$@" web env 2>"$T/theirs.err" | sort | grep -v ^HOSTNAME) \
		<(ours run --rm -T "$@" web env 2>"$T/ours.err" | sort | grep -v ^HOSTNAME)
}
check "run -e" same_environment -e FROM=line -e GIVEN_HERE -e NOWHERE
check "run --env-from-file" same_environment --env-from-file one.env
check "two, and what is on the line" same_environment --env-from-file one.env \
	--env-from-file two.env -e GIVEN=line -e KEPT=
expect_fail "a file that is not there" 3 'none.env' "$DEVENV" run --env-from-file none.env web env
echo 'A="' >wrong.env
expect_fail "what is wrong in a file has a line" 3 'wrong.env:1:' \
	"$DEVENV" run --env-from-file wrong.env web env
theirs kill 2>/dev/null
theirs rm -f 2>/dev/null

cat >wait.yaml <<'YAML'
name: alike
services:
  first: {image: words/base:1, command: [bash, -c, "read -rt 2 <> <(:); exit 3"]}
  second: {image: words/base:1, command: [sleep, infinity], stop_signal: KILL}
YAML
start=(-f wait.yaml up -d)
alike "wait --down-project" -f wait.yaml wait --down-project first
check_out "ends with the status of the container" '^status 3$' tail -n 1 "$T/ours"
check_out "as docker compose" '^status 3$' tail -n 1 "$T/theirs"
prepare -f wait.yaml up -d 2>/dev/null
expect_fail "of two, the first that ends" 3 '' ours -f wait.yaml wait --down-project second first
check "takes everything down" test -z "$(containers alike)"

cat >build.yaml <<'YAML'
name: alike
services: {web: {image: alike-limit, build: limit}}
YAML
cat >limit/Dockerfile <<'DOCKER'
FROM words/base:1
RUN cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes >/limit || :
DOCKER
start=(ls)
alike "build --memory" -f build.yaml build --no-cache --memory 99m
check_out "limits each step" '^103809024$' ours -f build.yaml run --rm -T web cat /limit
expect_fail "no size" 2 'try 512m' "$DEVENV" -f build.yaml build -m much
finish
