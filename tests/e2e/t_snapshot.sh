#!/usr/bin/env bash
# volumes.x-snapshot: a data directory restored before its service starts, and never over data.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)

# --- owners, modes, links, attributes -------------------------------------------------------------
mkdir tree
mkdir -p tree/dir/deep
printf 'hello' >tree/file
ln tree/file tree/hard
ln -s file tree/link
truncate -s 5M tree/holes
printf x | dd of=tree/holes bs=1 seek=4000000 conv=notrunc status=none
mkfifo tree/pipe
touch "tree/a name with spaces" tree/$'\303\244\303\266'
touch -d '2001-02-03 04:05:06 UTC' tree/old
long=$(printf 'x%.0s' {1..120})
mkdir "tree/$long"
touch "tree/$long/$long"
chown -R 999:998 tree
chown 0:0 tree/dir
chown 123456:654321 tree/dir/deep
chmod 750 tree
chmod 4755 tree/old
chmod 000 tree/dir/deep
tar -C tree -S --numeric-owner -cf plain.tar .
gzip -k plain.tar
zstd -q plain.tar

# Everything that stat knows, and the content.
describe='cd "$1" && find . -print0 | LC_ALL=C sort -z |
	xargs -0 stat -c "%n %F %a %u:%g %h %s" | grep -v " directory" &&
	find . -type d -print0 | LC_ALL=C sort -z | xargs -0 stat -c "%n %a %u:%g" &&
	stat -c %Y old && readlink link && sha256sum file holes'
bash -c "$describe" - tree >wanted

for form in plain.tar plain.tar.gz plain.tar.zst; do
	name=p$(tr -dc a-z <<<"$form")
	mkdir "$name"
	cd "$name"
	cat >compose.yaml <<-YAML
		services:
		  app:
		    image: $image
		    command: [sleep, infinity]
		    stop_signal: KILL
		    volumes: ["data:/var/lib/app"]
		volumes:
		  data: {x-snapshot: ../$form}
	YAML
	check "$form: up restores it" "$DEVENV" up
	"$DEVENV" exec -T app bash -c "$describe" - /var/lib/app >"$T/got.$name" 2>&1 || true
	check "$form: owners, modes, links, times and holes are as they were" \
		diff -u "$T/wanted" "$T/got.$name"
	check "$form: a change is made" "$DEVENV" exec app bash -c 'echo mine >/var/lib/app/file'
	check "$form: down" "$DEVENV" down
	check "$form: up again" "$DEVENV" up
	check_out "$form: what was written stays" '^mine$' "$DEVENV" exec app cat /var/lib/app/file
	check "$form: down --volumes" "$DEVENV" down --volumes
	check "$form: and up" "$DEVENV" up
	check_out "$form: begins anew" '^hello$' "$DEVENV" exec app cat /var/lib/app/file
	check "$form: away with it" "$DEVENV" down --volumes
	cd ..
done

# --- a volume that has data already ---------------------------------------------------------------
mkdir kept
cd kept
cat >compose.yaml <<EOF2
services:
  app:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    volumes: ["data:/data"]
volumes:
  data: {}
EOF2
check "a volume without a snapshot" "$DEVENV" up
check "gets data" "$DEVENV" exec app bash -c 'echo precious >/data/file'
check "down" "$DEVENV" down
sed -i 's|data: {}|data: {x-snapshot: ../plain.tar}|' compose.yaml
check_out "a snapshot is never put over it" '^precious$' bash -c \
	"'$DEVENV' up >/dev/null 2>&1 </dev/null; '$DEVENV' exec app cat /data/file"
check "down" "$DEVENV" down --volumes
cd ..

# --- what is refused ------------------------------------------------------------------------------
mkdir bad
cd bad
refuse() { # NAME REGEX SNAPSHOT
	cat >compose.yaml <<-YAML
		services:
		  app:
		    image: $image
		    command: [sleep, infinity]
		    stop_signal: KILL
		    volumes: ["data:/data"]
		volumes:
		  data: {x-snapshot: $3}
	YAML
	expect_fail "$1" 9 "$2" "$DEVENV" up
	check "$1: the service did not start on it" test -z "$(running_app)"
	"$DEVENV" down --volumes >/dev/null 2>&1 </dev/null || true
}
running_app() {
	local id
	for id in $(containers bad app); do
		api GET "/containers/$id/json" | jq -r 'select(.State.Running) | .Id'
	done
}
refuse "a snapshot that is not there" 'none.tar' ./none.tar
head -c 20000 ../plain.tar.zst >cut.tar.zst
truncate -s $(($(stat -c %s cut.tar.zst) - 5)) cut.tar.zst
refuse "a snapshot that was cut" 'cut.tar.zst' ./cut.tar.zst
tar -C .. --transform='s|^wanted|../escaped|' -P -cf escape.tar wanted
refuse "a name that leads outside" 'escape' ./escape.tar
printf 'no archive at all, only text\n' >text.tar
refuse "a file that is no archive" 'text.tar' ./text.tar
cd ..

# --- the real thing: MariaDB on a seeded data directory --------------------------------------------
mkdir database
cd database
cat >compose.yaml <<EOF2
services:
  db:
    image: $(image mariadb)
    volumes: ["data:/var/lib/mysql"]
    healthcheck:
      test: mariadb -h127.0.0.1 -ushop -pshop -e 'SELECT 1' shop
      interval: 500ms
      timeout: 5s
      retries: 60
volumes:
  data: {x-snapshot: "$DEVENV_SEED"}
EOF2
check "MariaDB comes up on the seeded snapshot" "$DEVENV" up
check_out "with all rows" '^250000$' "$DEVENV" exec -T db \
	mariadb -N -ushop -pshop -e 'SELECT COUNT(*) FROM order_lines' shop
check_out "after a clean shutdown: nothing to recover" '^0$' bash -c \
	"'$DEVENV' logs db 2>&1 | grep -c 'Starting crash recovery' || true"
check "down" "$DEVENV" down --volumes

finish
