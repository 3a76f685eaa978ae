#!/usr/bin/env bash
# up, a second up, a change, stop and start, down: the life of a small project.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

write() { # GREETING
	cat >compose.yaml <<-YAML
		services:
		  web:
		    image: $(image base)
		    command: [bash, -c, "mkdir -p /www && echo \$\$GREETING >/www/index.html && exec busybox httpd -f -p 80 -h /www"]
		    stop_signal: KILL
		    environment: {GREETING: "$1"}
		    ports: ["127.0.0.1:21080:80"]
		    depends_on: [db]
		  db:
		    image: $(image base)
		    command: [sleep, infinity]
		    stop_signal: KILL
		    volumes: ["data:/data"]
		volumes:
		  data:
	YAML
}
web() { containers shop web; }
db() { containers shop db; }
greets() { [[ $(curl -sS --max-time 5 http://127.0.0.1:21080/) == "$1" ]]; }
running() { [[ $(api GET "/containers/$1/json" | jq -r .State.Running) == true ]]; }

mkdir shop
cd shop
write hello

check_out "plan names what it would create" 'create service web' "$DEVENV" plan
check "a dry run ends well" "$DEVENV" up --dry-run
check "a dry run creates nothing" test -z "$(containers shop)"
check "up brings the project up" "$DEVENV" up
check "the published port answers at once" greets hello
check_out "status shows the service running" 'web +running' "$DEVENV" status
check_out "ps is the same command" 'db +running' "$DEVENV" ps
"$DEVENV" status --format json >status.json
check "status as JSON has both services" jq -e \
	'[.. | objects | select(has("service")) | .service] | unique == ["db", "web"]' status.json

before="$(web) $(db)"
check "a second up succeeds" "$DEVENV" up
check "a second up leaves the containers alone" test "$before" = "$(web) $(db)"
check_out "why says that nothing differs" 'as its manifest says' "$DEVENV" why web

old_web=$(web) old_db=$(db)
write goodbye
check_out "why names the field that changed" 'environment.*GREETING' "$DEVENV" why web
check_out "plan tells that web is replaced" 'web' "$DEVENV" plan
check "up after the change succeeds" "$DEVENV" up
check "the changed service was replaced" test "$old_web" != "$(web)"
check "the other one was not" test "$old_db" = "$(db)"
check "the change is in effect" greets goodbye

check "exec writes into the volume" "$DEVENV" exec db bash -c 'echo kept >/data/file'
check "stop succeeds" "$DEVENV" stop
check "stopped containers stay" test -n "$(db)"
check "they do not run" not running "$(db)"
check "start succeeds" "$DEVENV" start
check "they run again" running "$(db)"
check "restart succeeds" "$DEVENV" restart web
check "it runs after a restart" running "$(web)"
wait_for 10 greets goodbye || true
check "and answers" greets goodbye

check "down succeeds" "$DEVENV" down
check "down removes the containers" test -z "$(containers shop)"
check "down removes the network" not api GET /networks/shop_default
check "down keeps the volume" api GET /volumes/shop_data
check "down again is no error" "$DEVENV" down
check "up finds the old data" "$DEVENV" up
check_out "the file is still there" '^kept$' "$DEVENV" exec db cat /data/file
check "up of one service alone" "$DEVENV" up db
check "down --volumes succeeds" "$DEVENV" down --volumes
check "down --volumes removes the volume" not api GET /volumes/shop_data

# === what no manifest has any more ===

cat >less.yaml <<YAML
name: shop
services: {web: {image: "$(image base)", volumes: ["data:/data"]}}
volumes: {data: }
YAML
cat >profile.yaml <<YAML
name: shop
services:
  web: &service {image: "$(image base)", command: [sleep, infinity], stop_signal: KILL}
  db: {<<: *service, profiles: [data]}
YAML
check "up once more" "$DEVENV" up
kept=$(db)
check "down of a manifest that has one service less" "$DEVENV" -f less.yaml down --volumes
cp "$T/.err" less.err
check "leaves its container" test "$kept" = "$(db)"
check "which runs" running "$kept"
check "and takes the other" test -z "$(web)"
check "it is named" grep -q 'shop-db-1 belongs to no service.*--remove-orphans' less.err
check "the network that it is on stays" api GET /networks/shop_default
check "and that is said" grep -q 'network shop_default stays: container shop-db-1 uses it' less.err
check "so does its volume" api GET /volumes/shop_data
check "which is said, too" grep -q 'volume shop_data stays: container shop-db-1 uses it' less.err
check_out "a dry run with --remove-orphans" 'remove container shop-db-1|remove service db' \
	"$DEVENV" -f less.yaml down --remove-orphans --dry-run
check "down --remove-orphans" "$DEVENV" -f less.yaml down --remove-orphans
check "takes it" test -z "$(containers shop)"
check "and the network" not api GET /networks/shop_default
check "but not the volume" api GET /volumes/shop_data
"$DEVENV" -f profile.yaml --profile data up
check "down without its profile" "$DEVENV" -f profile.yaml down
check_out "leaves a service" '^db$' "$DEVENV" -f profile.yaml --profile data ps --services
check "down of its name" "$DEVENV" -f profile.yaml down db
check "takes it, and the network" not api GET /networks/shop_default
"$DEVENV" -f profile.yaml run --keep web true
check "down without --remove-orphans" "$DEVENV" -f profile.yaml down
check "leaves the container of run" test -n "$(containers shop web)"
check "COMPOSE_REMOVE_ORPHANS is --remove-orphans" \
	env COMPOSE_REMOVE_ORPHANS=y "$DEVENV" -f profile.yaml down
check "and takes it" test -z "$(containers shop)"
check "up, and the files are broken" "$DEVENV" up
echo 'services: [' >compose.yaml
check "down goes by the labels" "$DEVENV" down --volumes
check "and takes containers" test -z "$(containers shop)"
check "networks" not api GET /networks/shop_default
check "and volumes" not api GET /volumes/shop_data

finish
