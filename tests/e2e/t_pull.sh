#!/usr/bin/env bash
# pull, push, scale and `pull_policy`: the images and containers that docker compose leaves.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"
theirs() { DOCKER_BUILDKIT=0 timeout 60 "$DOCKER_COMPOSE" --progress quiet "$@"; }
ours() { timeout 60 "$DEVENV" --progress quiet "$@"; }

# Images of the registry under names of our own, so that those of other tests stay.
names='web dep built missing never'
mkdir alike
cd alike
echo "services: {a: {image: \"$(image base)\"}}" >base.yaml
check "the image is there" "$DEVENV" -f base.yaml pull
echo "FROM $(image base)" >Dockerfile
for name in $names; do
	api POST "/images/$(image base)/tag?repo=$DEVENV_REGISTRY/alike/$name&tag=1"
done
cat >push.yaml <<YAML
services:
$(for name in $names; do
	echo "  $name: {image: \"$DEVENV_REGISTRY/alike/$name:1\", build: .}"
done)
  nameless: {build: .}
  apart: {image: "$(image base)"}
YAML
check "push" "$DEVENV" -f push.yaml push
tags() { curl -sS --fail "http://$DEVENV_REGISTRY/v2/alike/$1/tags/list"; }
check_out "the registry has it" '"1"' tags missing
cat >wrong.yaml <<YAML
services:
  lost: {image: "$DEVENV_REGISTRY/alike/lost:1", build: .}
  web: {image: "$DEVENV_REGISTRY/alike/web:1", build: .}
YAML
expect_fail "what is not there cannot be pushed" '[145]' 'lost' "$DEVENV" -f wrong.yaml push
check "but others can" "$DEVENV" -f wrong.yaml push --ignore-push-failures
check "one service of them" "$DEVENV" -f wrong.yaml push -q web

cat >compose.yaml <<YAML
services:
  web: {image: "$DEVENV_REGISTRY/alike/web:1", depends_on: [dep], command: [sleep, infinity]}
  dep: {image: "$DEVENV_REGISTRY/alike/dep:1", command: [sleep, infinity]}
  built: {image: "$DEVENV_REGISTRY/alike/built:1", build: .}
  missing: {image: "$DEVENV_REGISTRY/alike/missing:1", pull_policy: missing}
  never: {image: "$DEVENV_REGISTRY/alike/never:1", pull_policy: never}
YAML
sed 's|alike/dep:1|alike/absent:1|' compose.yaml >absent.yaml

# The images there are, and those that were asked for at the registry.
images() { api GET /images/json | jq -r '.[].RepoTags[]?' | grep /alike/ | sort; }
asked() {
	api GET "/events?since=$1&until=$(date +%s.%N)" --get \
		--data-urlencode 'filters={"type":["image"],"event":["pull"]}' |
		jq -r .Actor.ID | sort
}
forget() { # but NAME...
	local name
	for name in $names; do
		[[ " $* " == *" $name "* ]] ||
			api DELETE "/images/$DEVENV_REGISTRY/alike/$name:1" >/dev/null 2>&1 || true
	done
}
# alike NAME THERE ARG...: the same images are pulled when of them THERE are there already
alike() {
	local name=$1 there=$2 who since
	shift 2
	for who in theirs ours; do
		ours pull -q --policy always >/dev/null 2>&1
		# shellcheck disable=SC2086 # names
		forget $there
		since=$(date +%s.%N)
		"$who" "$@" >"$T/$who.out" 2>"$T/$who.err" </dev/null || echo "status $?" >>"$T/$who.err"
		{ asked "$since"; images; } >"$T/$who"
	done
	check "$name" diff "$T/theirs" "$T/ours"
}
alike "pull" "missing" pull
check_out "does, what is not there" 'alike/web:1' cat "$T/ours"
alike "pull of what is there" "$names" pull
alike "pull SERVICE" "" pull web
check "is of it alone" not grep alike/dep "$T/ours"
alike "pull --include-deps" "" pull --include-deps web
check_out "has dependencies" 'alike/dep:1' cat "$T/ours"
alike "pull --ignore-buildable" "" pull --ignore-buildable
check "without what is built" not grep alike/built "$T/ours"
alike "pull --policy missing" "web" pull --policy missing
alike "pull --policy always" "$names" pull --policy always
alike "pull --ignore-pull-failures" "" -f absent.yaml pull --ignore-pull-failures
check_out "goes on" 'alike/web:1' cat "$T/ours"
expect_fail "without it that is an error" 5 'absent' ours -f absent.yaml pull

# === pull_policy that tells how old an image may be ===

for policy in weekly daily every_1s; do
	cat >"$policy.yaml" <<YAML
name: alike
services:
  web: {image: "$DEVENV_REGISTRY/alike/web:1", pull_policy: $policy, command: [sleep, infinity]}
YAML
done
ours pull -q web
tagged=$(date +%s)
older() { (($(date +%s) > tagged + 1)); }
wait_for 10 older
up_pulls() { # WHO POLICY
	local since
	since=$(date +%s.%N)
	"$1" -f "$2.yaml" create >"$T/create" 2>&1 && asked "$since" | wc -l
}
same_pulls() {
	up_pulls theirs "$1" >"$T/theirs" && up_pulls ours "$1" >"$T/ours" &&
		diff "$T/theirs" "$T/ours"
}
for policy in weekly daily every_1s; do
	check "pull_policy $policy" same_pulls "$policy"
done
check_out "a day is not over" '^0$' up_pulls ours daily
check_out "a second is" '^1$' up_pulls ours every_1s
echo 'services: {a: {image: a, pull_policy: every_x}}' >wrong.yaml
expect_fail "no time" 3 'pull_policy' "$DEVENV" -f wrong.yaml config

# === scale ===

counts() { containers alike "$1" | wc -l; }
check "scale" "$DEVENV" scale web=3
check "so many" test "$(counts web)" = 3
check "with what it depends on" test "$(counts dep)" = 1
check "docker compose has the same" theirs scale --no-deps web=2 dep=2
check "and takes one away" test "$(counts web)$(counts dep)" = 22
check "back again" "$DEVENV" scale --no-deps web=1 dep=0
check "to one and none" test "$(counts web)$(counts dep)" = 10
expect_fail "no number" 2 'SERVICE=NUMBER' "$DEVENV" scale web
"$DEVENV" down -t 0 >/dev/null 2>&1
forget
finish
