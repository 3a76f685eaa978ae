#!/usr/bin/env bash
# Snapshots while the engine's own disk is full: what is said, what runs afterwards, what is left.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

# --- an engine with a disk of its own -------------------------------------------------------------
truncate -s 2G disk
mkdir engine
check "a small disk" bash -c "mkfs.xfs -q disk && mount -o loop disk engine"
at_exit umount -l "$T/engine"
# A bridge of its own would be in the way of the other engine's.
echo '{"bridge": "none", "iptables": false}' >daemon.json
dockerd --config-file daemon.json --data-root "$T/engine" --exec-root "$T/run" \
	--pidfile "$T/pid" --host "unix://$T/docker.sock" >dockerd.err 2>&1 &
engine=$!
stop_engine() {
	kill "$engine"
	wait "$engine"
}
at_exit stop_engine
export DOCKER_HOST=unix://$T/docker.sock
answers() { curl -sSf --unix-socket "$T/docker.sock" http://engine/_ping; }
check "an engine on it" wait_for 60 answers

# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"
cat >compose.yaml <<END
services:
  pg:
    extends: {file: $SHOP, service: pg}
    network_mode: none
    healthcheck: {test: psql -h 127.0.0.1 -U shop -c 'select 1' shop, interval: 500ms, retries: 120}
volumes: {pg: {}}
END
free_bytes() { df --output=avail -B1 "$T/engine" | tail -n 1; }
# XFS frees what is removed in the background, and before it is frozen.
room() { # all, or how many bytes are left
	rm -rf "$T/engine"/filler*
	fsfreeze --freeze "$T/engine" && fsfreeze --unfreeze "$T/engine"
	[[ $1 == all ]] || fallocate -l $(($(free_bytes) - $1)) "$T/engine/filler"
}
no_room() { # not even for a folder's entry
	local i
	room 100000
	mkdir "$T/engine/fillers"
	for ((i = 0; i < 10000; i++)); do
		mkdir "$T/engine/fillers/$i" 2>/dev/null || break
	done
	dd if=/dev/zero of="$T/engine/filler.rest" bs=4k status=none 2>/dev/null || true
}
helpers() {
	api GET '/containers/json?all=1' |
		jq -r '.[] | select(.Labels["io.devenv.helper"]) | .Names[]' &&
		api GET /volumes | jq -r '.Volumes[]?.Name | select(startswith("devenv-scratch"))' &&
		find "$T/engine/volumes/devenv-cache/_data" \
			'(' -name '.put-*' -o -name '.new*' -o -path '*/imports/*' ')' &&
		find "$XDG_STATE_HOME/devenv" -type f '(' -path '*/agents/*' -o -path '*/scratch/*' ')'
}
nothing_left() {
	helpers >"$T/left" && not test -s "$T/left"
}
# It may succeed, where it needs little; if not, the reason is the disk, with what to do.
told() {
	local status=0
	"$DEVENV" "$@" >"$T/last" 2>&1 </dev/null || status=$?
	tr '\n' ' ' <"$T/last" >>"$T/told" # each command a line
	echo >>"$T/told"
	((status == 0)) ||
		tail -n 1 "$T/told" |
		grep -Ei '(no space left on device|would be left|disk (was|is) full).*\(make room' ||
		say_told
}
say_told() {
	tail -n 12 "$T/told" >&2
	return 1
}
# One of the commands since it last ran has told.
runs_or_told() {
	if [[ $(pg 'select count(*) from t') == 1000 ]]; then
		: >"$T/told"
	else
		grep -Ei '(no space left|disk (was|is) full).*; then: devenv start shop/pg' "$T/told" ||
			say_told
	fi
}

check "a database comes up" "$DEVENV" up
check "with rows" pg 'create table t as select i from generate_series(1, 1000) i'
check "it is saved" "$DEVENV" snapshot save pg seed
check "and dumped" bash -c \
	"'$DEVENV' exec -T pg pg_dump -h 127.0.0.1 -U shop -Fc shop >db.dump </dev/null"
echo 'create table big as select i, md5(i::text) from generate_series(1, 3000000) i;' >big.sql
head -c 40000000 /dev/urandom >file
tar -cf file.tar file

# --- no room --------------------------------------------------------------------------------------
no_room
expect_fail "not even for an agent" 4 \
	"start devenv's agent: .*no space left on device.*make room where the engine" \
	"$DEVENV" snapshot restore pg seed
check_out "the database was not touched" '^1000$' pg 'select count(*) from t'
for bytes in 300000 3000000; do
	room "$bytes"
	for command in 'restore pg seed --whole' 'restore pg seed --whole --no-undo' 'save pg more' \
		'branch other' 'verify seed --boot' 'restore pg seed --whole'; do
		# shellcheck disable=SC2086 # words
		check "$bytes bytes: $command" told snapshot $command
		check "the database runs, or it is said why not" runs_or_told
	done
	check "nothing is left" nothing_left
done
room 3000000
expect_fail "no room for a server" 9 'ended with status 1: its disk was full \(make room' \
	"$DEVENV" snapshot import db.dump pg bad
room 60000000
expect_fail "nor for what it loads" 9 'No space left on device' \
	"$DEVENV" snapshot import big.sql pg bad
check "with what to do" grep -q 'make room where the engine keeps its volumes' "$T/.failure"
expect_fail "nor for a tar" 9 'volume devenv-cache: too little would be left.*make room' \
	"$DEVENV" snapshot import file.tar
check "nothing is left" nothing_left
check_out "nor a snapshot" '^seed$' \
	bash -c "'$DEVENV' snapshot list --format json | jq -r '.[].name' | grep -v undo/"
check_out "the database runs" '^1000$' pg 'select count(*) from t'

# --- and room again -------------------------------------------------------------------------------
room all
check "a restore" "$DEVENV" snapshot restore pg seed --whole
check "is undone" "$DEVENV" snapshot undo pg
check "a dump is imported" "$DEVENV" snapshot import db.dump pg good
check "a tar, too" "$DEVENV" snapshot import file.tar
check "what was saved starts" "$DEVENV" snapshot verify seed --boot
check "a branch" "$DEVENV" snapshot branch third
check "and back" "$DEVENV" snapshot switch main
check_out "with its rows" '^1000$' pg 'select count(*) from t'
check "nothing is left" nothing_left

# --- no room for devenv's own notes ---------------------------------------------------------------
mkdir "$T/state"
check "a small disk for the state" mount -t tmpfs -o size=256k tmpfs "$T/state"
at_exit umount -l "$T/state"
cp -a "$XDG_STATE_HOME/devenv" "$T/state"
dd if=/dev/zero of="$T/state/filler" bs=4k status=none 2>/dev/null || true
expect_fail "says so before anything stops" 1 \
	"note what is stopped: write $T/state/.*: No space left on device \(make room there\)" \
	env XDG_STATE_HOME="$T/state" "$DEVENV" snapshot restore pg seed --whole
check_out "the database runs" '^1000$' pg 'select count(*) from t'
check "where there is room it is restored" "$DEVENV" snapshot restore pg seed --whole
check "down" "$DEVENV" down --volumes

finish
