#!/usr/bin/env bash
# The options of `up` that people know from Compose.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

id() { containers options "$1"; }
put() { "$DEVENV" exec web bash -c "echo kept >/scratch/file"; }
has_file() { "$DEVENV" exec web test -e "/$1/file"; }
volumes() { api GET /volumes | jq -r '.Volumes[]?.Name' | sort; }

mkdir options
cd options
web() {
	cat >compose.yaml <<YAML
services:
  db:
    image: $(image base)
    command: [bash, -c, "exec sleep infinity"]
    stop_signal: KILL
  web:
    image: $(image base)
    command: [bash, -c, "exec sleep infinity"]
    stop_signal: KILL
    environment: {ROUND: "$1"}
    volumes: [$2]
    depends_on: [db]
YAML
}

# === which containers are replaced ===

web 1 "/scratch, ./file:/scratch-too/x"
touch file
check "up" "$DEVENV" up
db=$(id db) web=$(id web)
check "--force-recreate web" "$DEVENV" up --force-recreate web
check "replaces web" test "$(id web)" != "$web"
check "and leaves db, on which it depends" test "$(id db)" = "$db"
web=$(id web)
check "--always-recreate-deps web" "$DEVENV" up --always-recreate-deps web
check "replaces db" test "$(id db)" != "$db"
check "and leaves web" test "$(id web)" = "$web"
web 2 "/scratch, ./file:/scratch-too/x"
check "--no-recreate" "$DEVENV" up --no-recreate
check "keeps what differs" test "$(id web)" = "$web"

# === anonymous volumes ===

check "a file in an anonymous volume" put
check "up with a change" "$DEVENV" up
check "replaces the container" test "$(id web)" != "$web"
check "and carries the volume over" has_file scratch
before=$(volumes)
check "up -V" "$DEVENV" up -V
check "makes the volume new" not has_file scratch
check "and deletes nothing" test -z "$(comm -23 <(printf '%s\n' "$before") <(volumes))"
check "a file in the new one" put
web 3 "/scratched"
check "up without that volume" "$DEVENV" up
check "does not carry it to another place" not has_file scratched
check "nor keep it where no one wants it" not has_file scratch

# === what stays out ===

check "down" "$DEVENV" down
check "--no-deps web" "$DEVENV" up --no-deps web
check "leaves out db" test -z "$(id db)"
check "up" "$DEVENV" up
sed -i '/^  db:/,/stop_signal/d; /depends_on/d' compose.yaml
"$DEVENV" up 2>plain.err
check "an orphan is named" grep -q 'options-db-1 belongs to no service' plain.err
check "and stays" test -n "$(id db)"
check "--remove-orphans" "$DEVENV" up --remove-orphans
check "removes it" test -z "$(id db)"

# === pulls ===

progress() { jq -es 'any(.[]; .event == "progress" and (.object | startswith("image")))' "$1"; }
drop_image() { api DELETE "/images/$(image base)?force=1" >/dev/null; }
"$DEVENV" down >down.out 2>&1
drop_image
"$DEVENV" --progress json up 2>loud.json
check "a pull shows progress" progress loud.json
"$DEVENV" down >down.out 2>&1
drop_image
"$DEVENV" --progress json up --quiet-pull 2>quiet.json
check "--quiet-pull pulls" jq -es 'any(.[]; .object? // "" | startswith("image"))' quiet.json
check "without showing it" not progress quiet.json

# === words that exclude each other ===

expect_fail "--build and --no-build" 2 'exclude each other' "$DEVENV" up --build --no-build
expect_fail "--force-recreate and --no-recreate" 2 'exclude each other' \
	"$DEVENV" up --force-recreate --no-recreate
expect_fail "-V and --no-recreate" 2 'exclude each other' "$DEVENV" up -V --no-recreate
expect_fail "-d and --attach" 2 'exclude each other' "$DEVENV" up -d --attach
"$DEVENV" down >down.out 2>&1
finish
