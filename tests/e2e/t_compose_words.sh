#!/usr/bin/env bash
# The words that people know from Compose: create, kill, pause, port, top, images, events, wait, rm, ls.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

state() { api GET "/containers/$(containers words "$1")/json" | jq -r .State.Status; }
is() { [[ $(state "$1") == "$2" ]]; }

mkdir words
cd words
cat >compose.yaml <<YAML
services:
  web:
    image: $(image base)
    command: [busybox, httpd, -f, -p, "80"]
    stop_signal: KILL
    ports: ["127.0.0.1:21081:80"]
    volumes: ["data:/data"]
  job:
    image: $(image base)
    command: [bash, -c, "read -rt 1 <> <(:); exit 4"]
volumes: {data: {}}
YAML

check "create" "$DEVENV" create
check "makes the container" test -n "$(containers words web)"
check "and does not start it" is web created
check "start" "$DEVENV" start --wait --wait-timeout 30 web
check_out "port names where it is published" '^127\.0\.0\.1:21081$' "$DEVENV" port web 80
expect_fail "port of what is not published" 1 'no such port' "$DEVENV" port web 81
check_out "top shows the process" 'httpd' "$DEVENV" top web
check_out "images names the image" 'devenv/base:1' "$DEVENV" images
check_out "volumes names the volume" 'words_data' "$DEVENV" volumes
check_out "ls names the project" '^words ' "$DEVENV" ls
"$DEVENV" ls --format json >ls.json
check "ls as JSON" jq -e '.[] | select(.name == "words") | .running == 1' ls.json
check_out "ls --filter" '^words$' "$DEVENV" ls -q --filter name=^wor
check "ls --filter of another" test -z "$("$DEVENV" ls -q --filter name=^ords)"
expect_fail "ls: a filter that is none" 2 'name=TEXT' "$DEVENV" ls --filter status=running
expect_fail "ls: no regular expression" 2 'no regular expression' "$DEVENV" ls --filter 'name=('


"$DEVENV" exec -T web bash -c 'echo changed >/made-here' </dev/null
check "export -o" "$DEVENV" export web -o web.tar
check "holds what was made there" test "$(tar xOf web.tar made-here)" = changed
check "and leaves nothing beside it" test "$(echo web.tar*)" = web.tar
check_out "export into a pipe, of what never ran" '^var/tmp/$' bash -c '"$DEVENV" export job | tar t'
expect_fail "export: a folder that is not there" 1 'nowhere/web.tar' \
	"$DEVENV" export web -o nowhere/web.tar
expect_fail "export: no such container" 1 'has no container' "$DEVENV" export --index 7 web
made=$("$DEVENV" commit -a somebody -m changed -c 'ENV TEAM=shop' -c 'CMD ["true"]' web words/made:1)
at_exit api DELETE "/images/$made?force=1"
api GET "/images/$made/json" >made.json
check "commit: its name" jq -e '.RepoTags[0] | endswith("words/made:1")' made.json
check "commit: author, message and changes" jq -e '.Author == "somebody" and .Comment == "changed" and
	(.Config.Env | index("TEAM=shop")) != null and .Config.Cmd == ["true"]' made.json
check_out "commit without pausing, and without a name" '[0-9a-f]{64}' "$DEVENV" commit --pause=false web
at_exit api DELETE "/images/$(tr -d '\n' <"$T/.out")?force=1"
expect_fail "commit: no digest" 2 'only REPOSITORY' "$DEVENV" commit web "words/made@sha256:0"

"$DEVENV" events --json >events.out 2>events.err &
events=$!
at_exit kill "$events"
check "pause" "$DEVENV" pause web
check "freezes it" is web paused
check "unpause" "$DEVENV" unpause web
check "lets it go on" is web running
paused() { jq -es 'any(.[]; .Action == "pause")' events.out; }
check "events told of it" wait_for 10 paused
past() { "$DEVENV" events --json --since 1h --until "$(($(date +%s) + 1))" web; }
check "events that end by themselves" past
# Podman reads its file of events within that second, or does not get to its end.
past_paused() { past | jq -es 'any(.[]; .Action == "pause")'; }
check "events of the past" wait_for 10 past_paused
"$DEVENV" events --since 1h --until "$(($(date +%s) + 1))" job >job.out
check "events of another service" not grep -q pause job.out
expect_fail "events: no service" 2 'nothing' "$DEVENV" events --until 0s nothing
expect_fail "events: no time" 2 'no time' "$DEVENV" events --since yesterday

"$DEVENV" start job >start.out 2>&1 || true
expect_fail "wait ends with the container's status" 4 '' "$DEVENV" wait job
check "kill" "$DEVENV" kill web
check "ends it" wait_for 10 is web exited
check_out "ps --status exited" 'web' "$DEVENV" ps --status exited
check "ps --filter status=running: not that one" \
	test -z "$("$DEVENV" ps -q --filter status=running web)"
expect_fail "a filter that is none" 2 'status=STATE' "$DEVENV" ps --filter name=web
check "images -q: each once" test "$("$DEVENV" images -q | wc -l)" = 1
check_out "volumes -q" '^words_data$' "$DEVENV" volumes -q
check_out "version --short" '^[0-9]' "$DEVENV" version --short
check_out "version -f json" '"version"' "$DEVENV" version -f json
check_out "run with a label, a capability and a port" '^cap$' "$DEVENV" run --rm -i -l team=shop \
	--cap-add NET_ADMIN -p 127.0.0.1:21082:80 -q --no-deps web bash -c \
	'(($(sed -n "s/CapEff:\t/0x/p" /proc/self/status) & 1 << 12)) && echo cap'
"$DEVENV" run -d --keep --name words-kept --use-aliases -l team=shop -p 21082:80/tcp --no-deps web \
	busybox httpd -f -p 80 >run.out 2>&1
api GET /containers/words-kept/json >kept.json
check "its label" jq -e '.Config.Labels.team == "shop"' kept.json
check "its alias" jq -e '.NetworkSettings.Networks[].Aliases | index("web")' kept.json
check "its port" jq -e '.HostConfig.PortBindings["80/tcp"][0].HostPort == "21082"' kept.json
api DELETE "/containers/words-kept?force=1" >delete.out
expect_fail "a port that is none" 2 'is no port' "$DEVENV" run -p web:80 web true
for option in --builder=x --check --print --provenance=true --sbom=true; do
	expect_fail "build $option" 2 "${option%%=*} needs BuildKit" "$DEVENV" build "$option"
done
expect_fail "build --ssh" 2 'BuildKit' "$DEVENV" build --ssh default
check "logs --no-log-prefix --index" "$DEVENV" logs --no-log-prefix --index 1 web
check "rm -f -v" "$DEVENV" rm -f -v
check "removes what is stopped" test -z "$(containers words)"
check_out "and no data" 'words_data' "$DEVENV" volumes
check "create again" "$DEVENV" create
check "down -v --rmi all" "$DEVENV" --yes down -v --rmi all
check "removes the data" test -z "$("$DEVENV" volumes -q)"
check "and the image" not api GET "/images/$(image base)/json"
finish
