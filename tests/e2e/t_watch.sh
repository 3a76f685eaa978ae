#!/usr/bin/env bash
# `develop.watch`: real changes to real files, seen in running containers.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

inside() { "$DEVENV" exec "$1" bash -c "$2"; } # SERVICE SCRIPT
has() { [[ $(inside "$1" "cat '$2'") == "$3" ]]; }
there() { inside "$1" "test -e '$2' || test -L '$2'"; }
gone() { inside "$1" "! test -e '$2'"; }
said() { grep -Eq -- "$1" watch.err; }
started() { api GET "/containers/$(containers live "$1")/json" | jq -r .State.StartedAt; }
id() { containers live "$1"; }

mkdir -p live/src/sub live/src/vendor live/conf live/late live/app
cd live
echo one >src/one.txt
echo conf >conf/app.conf
echo late >late/file
cat >compose.yaml <<YAML
x-base: &base
  image: $(image base)
  command: [bash, -c, "trap 'exit 0' TERM; while :; do read -rt 1 <> <(:); done"]
services:
  web:
    <<: *base
    scale: 2
    develop:
      watch:
        - {action: sync, path: ./src, target: /app/src, ignore: [vendor/, "*.log"]}
  only:
    <<: *base
    develop:
      watch:
        - {action: sync, path: ./src, target: /only, include: ["**/*.js"]}
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
          path: ./conf
          target: /conf
          exec:
            command: [bash, -c, 'echo "\$\$WHO saw \$\$(cat /conf/app.conf) in \$\$PWD"; cat /conf/fail && exit 3 || true']
            working_dir: /tmp
            environment: {WHO: hook}
  again:
    <<: *base
    develop:
      watch:
        - {action: restart, path: ./again}
  first:
    <<: *base
    develop:
      watch:
        - {action: sync, path: ./late, target: /first, initial_sync: true}
  bound:
    <<: *base
    volumes: ["./src:/src"]
    develop:
      watch:
        - {action: sync, path: ./src, target: /src}
YAML

check "up" "$DEVENV" up
"$DEVENV" watch --no-up >watch.out 2>watch.err &
watch=$!
at_exit kill "$watch"
check "it says that it watches" wait_for 20 said 'watching for changes'
check "initial_sync copies what is there" has first /first/file late
check "a bind mount is named" said 'bound.*/src is in the container already'

echo two >src/two.txt
chmod 750 src/two.txt
check "a new file arrives" wait_for 20 has web /app/src/two.txt two
check_out "with its mode, owned by root" '^750 0:0$' inside web 'stat -c "%a %u:%g" /app/src/two.txt'
both() { "$DEVENV" exec --index "$1" web cat /app/src/two.txt; }
check "in each replica" both 1
check "and the other" both 2
check "not in a service with other patterns" gone only /only/two.txt
echo changed >src/one.txt
check "a change arrives" wait_for 20 has web /app/src/one.txt changed
mkdir -p src/new/deep
echo deep >src/new/deep/file.txt
echo js >src/new/deep/file.js
check "a new folder arrives with what is in it" wait_for 20 has web /app/src/new/deep/file.txt deep
check "include lets in what it names" wait_for 20 has only /only/new/deep/file.js js
check "and nothing else" gone only /only/new/deep/file.txt
echo more >src/new/deep/more.txt
check "a new folder is watched" wait_for 20 has web /app/src/new/deep/more.txt more
mv src/new src/moved
check "a moved folder arrives" wait_for 20 has web /app/src/moved/deep/file.txt deep
check "and is gone where it was" wait_for 20 gone web /app/src/new
check "also what include let in" wait_for 20 gone only /only/new/deep/file.js
rm src/two.txt
check "a removed file goes" wait_for 20 gone web /app/src/two.txt
ln -s nowhere src/link
check "a dangling link is a link" wait_for 20 there web /app/src/link
touch src/.one.txt.swp src/one.txt~ src/vendor/lib.php src/x.log
mkdir src/.git && touch src/.git/index
touch src/marker
check "the last change of a batch arrives" wait_for 20 there web /app/src/marker
check_out "what is ignored does not" '^link marker moved one.txt $' \
	inside web 'cd /app/src && LC_ALL=C ls -A | tr "\n" " "'
echo atomic >src/.new && mv src/.new src/one.txt
check "a file replaced by renaming arrives" wait_for 20 has web /app/src/one.txt atomic

before=$(started reload)
pid_before=$(id again)
again_before=$(started again)
echo conf2 >conf/app.conf
check "sync+restart copies one file" wait_for 20 has reload /etc/app.conf conf2
other() { [[ $(started reload) != "$before" ]]; }
check "and restarts" wait_for 30 other
check "sync+exec runs its command" wait_for 20 said 'hook saw conf2 in /tmp'
echo x >conf/fail
check "and reports its status" wait_for 20 said 'status 3'
check "what nobody changed is left alone" test "$(started again)" = "$again_before"
mkdir again && echo x >again/now
restarted() { [[ $(started again) != "$again_before" ]]; }
check "restart, of a path that was not there" wait_for 30 restarted
check "keeps the container" test "$(id again)" = "$pid_before"

"$DEVENV" kill only >/dev/null 2>&1
echo js >src/other.js
check "a failure is told of" wait_for 20 said 'no container of it runs; start it with .devenv up only'
echo on >src/on.txt
check "and it goes on" wait_for 20 has web /app/src/on.txt on
kill -INT "$watch"
status=0
wait "$watch" || status=$?
check "Ctrl-C ends it with 130" test "$status" = 130
check "with a last word" said 'no longer watching'
check "and leaves the containers" has web /app/src/on.txt on

# --progress json, --dry-run
rm -f watch.err
"$DEVENV" --progress json watch --no-up --dry-run web >dry.out 2>watch.err &
dry=$!
at_exit kill "$dry"
check "a dry run watches too" wait_for 20 said 'watching for changes'
echo dry >src/dry.txt
tells() { jq -es 'any(.[]; .object == "service web" and (.text | test("^sync .*/dry.txt to /app/src/dry.txt$")))' watch.err; }
check "it tells what it would do, as JSON" wait_for 20 tells
check "and does not" gone web /app/src/dry.txt
kill -INT "$dry"
wait "$dry" || true
"$DEVENV" down >/dev/null 2>&1

# what is wrong
cat >none.yaml <<YAML
services:
  web: {image: $(image base), command: [sleep, infinity]}
YAML
expect_fail "nothing to watch" 3 'develop.watch' "$DEVENV" -f none.yaml watch
check "with an example" grep -q 'action: sync, path: ./src, target: /app/src' "$T/.failure"
cat >wrong.yaml <<YAML
services:
  web:
    image: $(image base)
    develop: {watch: [{action: rebuild, path: ./src}]}
YAML
expect_fail "a rebuild without build" 3 'rebuild.*needs .build:' "$DEVENV" -f wrong.yaml watch
finish
