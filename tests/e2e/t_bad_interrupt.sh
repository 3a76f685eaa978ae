#!/usr/bin/env bash
# kill -9 and Ctrl-C during `up`, a second `up` meanwhile, and a project of the same name elsewhere.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
mkdir shop
cd shop
head -c 60000000 /dev/urandom >"$T/big"
mkdir "$T/tree"
mv "$T/big" "$T/tree/big"
echo complete >"$T/tree/zz-last"
tar -C "$T/tree" --sort=name -cf "$T/seed.tar" .
cat >compose.yaml <<EOF2
services:
  db:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    volumes: ["data:/data"]
  slow:
    image: $image
    command: [bash, -c, "read -rt 4 <> <(:); touch /tmp/ready; exec sleep infinity"]
    stop_signal: KILL
    depends_on: [db]
    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 200ms, timeout: 5s, retries: 1000}
volumes:
  data: {x-snapshot: ../seed.tar}
EOF2
start_up() {
	rm -f "$T/up.err" # what follows waits for a new one
	# A job of a script ignores SIGINT; `setsid --wait` would not help: bash gives it back.
	bash -c "trap - INT; exec '$DEVENV' up" >"$T/up.out" 2>"$T/up.err" </dev/null &
	up=$!
}
shows() { grep -Eq "$1" "$T/up.err"; }
whole() { [[ $("$DEVENV" exec -T db cat /data/zz-last </dev/null) == complete ]]; }
same_data() {
	"$DEVENV" exec -T db sha256sum </dev/null /data/big | cut -c1-64 |
		cmp - <(sha256sum "$T/tree/big" | cut -c1-64)
}

for moment in 'Pulling|network' 'volume.*(Creating|Created)' 'Restoring' 'service db: Creating' \
	'service slow: (Started|Waiting)'; do
	start_up
	wait_for 30 shows "$moment" || true
	kill -KILL "$up" 2>/dev/null || true
	wait "$up" 2>/dev/null || true
	check "up after kill -9 at \"$moment\"" "$DEVENV" up
	check "its data is whole" same_data
	check "to the last file" whole
	check "down" "$DEVENV" down --volumes
done

# Podman keeps the names of networks unique; Docker may have let two requests make one each.
if [[ $ENGINE == docker ]]; then
	for _ in 1 2; do
		api POST /networks/create --json '{"Name": "shop_default", "Labels": {
			"com.docker.compose.project": "shop", "com.docker.compose.network": "default"}}'
	done >/dev/null
	networks() { api GET /networks | jq '[.[] | select(.Name == "shop_default")] | length'; }
	check_out "two networks of one name" '^2$' networks
	check "up nevertheless" "$DEVENV" up db
	check_out "one of them is left" '^1$' networks
	check "down" "$DEVENV" down --volumes
	check_out "none is" '^0$' networks
fi

# --- while one runs -------------------------------------------------------------------------------
start_up
wait_for 30 shows 'slow: Waiting'
expect_fail "a second up says who holds the lock" 1 "(up.*$up|$up.*up)" "$DEVENV" up
expect_fail "so does down" 1 "$up" "$DEVENV" down
check "reading is allowed meanwhile" "$DEVENV" status
status=0
wait "$up" || status=$?
check "the first up ends well" test "$status" = 0
check "down" "$DEVENV" down

start_up
wait_for 30 shows 'slow: Waiting'
kill -INT "$up"
status=0
wait "$up" || status=$?
check "Ctrl-C ends up with 130" test "$status" = 130
db=$(containers shop db)
check "the next up goes on" "$DEVENV" up
check "with the same database" test "$db" = "$(containers shop db)"
check "down" "$DEVENV" down --volumes

# --- the same name in another folder --------------------------------------------------------------
for place in here there; do
	mkdir -p "$T/$place/twin"
	cat >"$T/$place/twin/compose.yaml" <<-YAML
		services:
		  web:
		    image: $image
		    command: [sleep, infinity]
		    stop_signal: KILL
		    environment: {PLACE: $place}
	YAML
done
check "a project" "$DEVENV" -C "$T/here/twin" up
twin=$(containers twin web)
expect_fail "one of the same name elsewhere is not adopted" 1 "$T/here/twin" "$DEVENV" -C "$T/there/twin" up
"$DEVENV" -C "$T/there/twin" down >/dev/null 2>&1 </dev/null || true
check "nor removed by down" test "$twin" = "$(containers twin web)"
check_out "it runs as it did" '^here$' "$DEVENV" -C "$T/here/twin" exec web bash -c 'echo $PLACE'
check "another name lets both run" "$DEVENV" -C "$T/there/twin" -p twin2 up
check "down there" "$DEVENV" -C "$T/there/twin" -p twin2 down
check "down here" "$DEVENV" -C "$T/here/twin" down

finish
