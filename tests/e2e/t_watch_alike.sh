#!/usr/bin/env bash
# `watch` beside docker compose's own: the same changes of the same files, the same in the containers.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"
export DOCKER_BUILDKIT=0
base=$DEVENV_REGISTRY/devenv/imported:1
check "a base image" import_base "$base"

mkdir -p theirs/{src/sub,src/vendor,assets/deep,conf,hook,late,app/src,again}
echo one >theirs/src/one.txt
echo gone >theirs/src/sub/gone.txt
echo conf >theirs/conf/app.conf
echo late >theirs/late/file
echo later >theirs/late/left.out
echo one >theirs/app/built.txt
echo one >theirs/app/src/file.txt
echo '**/*.env' >theirs/app/.dockerignore
printf 'FROM %s\nCOPY . /app\nSTOPSIGNAL SIGKILL\nCMD ["bash", "-c", "exec sleep infinity"]\n' \
	"$base" >theirs/app/Dockerfile
cat >theirs/compose.yaml <<YAML
x-base: &base {image: "$base", command: [bash, -c, "exec sleep infinity"], stop_signal: KILL}
services:
  web:
    <<: *base
    scale: 2
    develop:
      watch:
        - {action: sync, path: ./src, target: /app/src, ignore: [vendor/, "*.log", sub/skip]}
        - {action: sync, path: ./assets, target: /app/assets, include: ["**/*.css", "*.txt"]}
  reload:
    <<: *base
    develop:
      watch:
        - {action: sync+restart, path: ./conf/app.conf, target: /etc/app.conf}
  hook:
    <<: *base
    develop:
      watch:
        - action: sync+exec
          path: ./hook
          target: /hook
          exec:
            command: [bash, -c, "echo \$\$WHO in \$\$PWD saw \$\$(cat /hook/file) >>/ran"]
            working_dir: /tmp
            environment: [WHO=hook]
  first:
    <<: *base
    develop:
      watch:
        - {action: sync, path: ./late, target: /late, initial_sync: true, ignore: [left.out]}
  again:
    <<: *base
    develop: {watch: [{action: restart, path: ./again}]}
  built:
    build: app
    develop:
      watch:
        - {action: sync, path: ./app/src, target: /app/src}
        - {action: rebuild, path: ./app/built.txt}
YAML
cp -a theirs ours

in_service() { # WHO SERVICE SCRIPT [NUMBER]
	"$DOCKER_COMPOSE" --project-directory "$1" exec -T --index "${4:-1}" "$2" bash -c "$3"
}
has() { # WHO SERVICE FILE TEXT
	[[ $(in_service "$1" "$2" "cat '$3'") == "$4" ]]
}
both_have() { has theirs "$@" && has ours "$@"; }
both() { (cd theirs && "$@") && (cd ours && "$@"); }

# Files with their kinds, modes, owners and contents.
# shellcheck disable=SC2016 # for the shell inside
files='cd / && find app late hook ran etc/app.conf 2>/dev/null | LC_ALL=C sort |
	while read -r f; do stat -c "%n %F %a %u:%g" "$f"; [[ ! -f $f ]] || cat "$f"; done'
check_files() { # NAME SERVICE [NUMBER]
	local who
	for who in theirs ours; do
		in_service "$who" "$2" "$files" "${3:-1}" >"$T/$who.files"
	done
	check "$1" diff "$T/theirs.files" "$T/ours.files"
}
# Service, id and time of its start, of all containers.
running() {
	for id in $(containers "$1"); do
		api GET "/containers/$id/json" |
			jq -r '[.Name | ltrimstr("/")] + [.Id, .State.StartedAt] | join(" ")'
	done | sed "s/^$1-//" | sort
}
# What happened to each container since $T/WHO.before: "again-1 restarted", "built-1 replaced".
happened() {
	running "$1" | join "$T/$1.before" - |
		awk '{print $1, $2 != $4 ? "replaced" : $3 != $5 ? "restarted" : "left alone"}'
}
happened_alike() { diff <(happened theirs) <(happened ours); }
is_so() { [[ $(happened theirs) == *"$1"* && $(happened ours) == *"$1"* ]]; }

for who in theirs ours; do
	"$DOCKER_COMPOSE" --project-directory "$who" --progress quiet up -d --build \
		>"$T/up" 2>&1 || fail "up of $who" "status $?" "$T/up"
	running "$who" >"$T/$who.before"
done
(cd theirs && exec "$DOCKER_COMPOSE" watch --no-up) >theirs.out 2>&1 &
theirs=$!
at_exit kill "$theirs"
"$DEVENV" -C ours watch --no-up >ours.out 2>&1 &
ours=$!
at_exit kill "$ours"
check "devenv watches" wait_for 30 grep -q 'watching for changes' ours.out
check "docker compose watches" wait_for 30 grep -q 'Watch enabled' theirs.out
check "initial_sync" wait_for 30 both_have first /late/file late
check_files "copies the same" first

change() {
	echo two >src/two.txt
	chmod 750 src/two.txt
	echo changed >src/one.txt
	mkdir -p src/new/deep
	echo deep >src/new/deep/file.txt
	ln -s one.txt src/link
	echo no >src/x.log
	echo no >src/vendor/lib.php
	echo no >src/sub/skip
	echo no >src/one.txt~
	rm src/sub/gone.txt
	echo css >assets/deep/a.css
	echo css >assets/b.css
	echo txt >assets/c.txt
	echo no >assets/deep/d.txt
	echo no >assets/e.js
}
both change
check "sync" wait_for 30 both_have web /app/src/new/deep/file.txt deep
both bash -c 'echo marker >src/marker; echo marker >assets/marker.txt'
check "later changes" wait_for 30 both_have web /app/src/marker marker
check "of the other rule" wait_for 30 both_have web /app/assets/marker.txt marker
check_files "ignore, include, modes, links and what was removed" web
check_files "in each replica" web 2
check_out "which has them" '^app/src/new/deep/file.txt regular file 644 0:0$' cat "$T/ours.files"

both bash -c 'mv src/new src/moved; rm -r src/sub; echo atomic >src/.new; mv src/.new src/one.txt'
both bash -c 'rm assets/b.css; rm src/link; echo a file >src/link'
check "replaced by renaming" wait_for 30 both_have web /app/src/one.txt atomic
both bash -c 'echo again >src/marker; echo again >assets/marker.txt'
check "and once more" wait_for 30 both_have web /app/src/marker again
check "in both folders" wait_for 30 both_have web /app/assets/marker.txt again
check_files "moved and removed" web

both bash -c 'echo conf2 >conf/app.conf; echo x >conf/other; echo one >hook/file; echo x >again/file'
check "sync+restart copies" wait_for 30 both_have reload /etc/app.conf conf2
check "and restarts" wait_for 30 is_so 'reload-1 restarted'
check "restart" wait_for 30 is_so 'again-1 restarted'
check "sync+exec runs its command" wait_for 30 both_have hook /ran 'hook in /tmp saw one'
check_files "the files of sync+restart" reload
check_files "and of sync+exec" hook
both bash -c 'echo two >app/src/file.txt; echo no >app/src/left.env'
check "sync into what is built" wait_for 30 both_have built /app/src/file.txt two
both bash -c 'echo two >app/built.txt'
check "rebuild" wait_for 60 both_have built /app/built.txt two
check_files "has the same files" built
check "the same containers are replaced, restarted or left alone" wait_for 30 happened_alike
check_out "and not all" 'first-1 left alone' happened ours

# === one watcher a project ===

expect_fail "no second watcher" 1 "\"ours\" is busy: \"devenv watch\" \(process $ours," \
	"$DEVENV" -C ours watch --no-up
expect_fail "as with docker compose" 1 "$theirs" \
	"$DOCKER_COMPOSE" --project-directory theirs watch --no-up
check "others may work beside it" "$DEVENV" -C ours stop first
kill -9 "$ours"
wait "$ours" || true
"$DEVENV" -C ours watch --no-up >second.out 2>&1 &
second=$!
at_exit kill "$second"
check "what a killed one held is free" wait_for 30 grep -q 'watching for changes' second.out
finish
