#!/usr/bin/env bash
# devenv snapshot import and export: dumps and tars into snapshots, snapshots into tars.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"

cat >compose.yaml <<EOF2
services:
  maria:
    extends: {file: $SHOP, service: maria}
    environment: {MARIADB_ROOT_PASSWORD: secret}
    healthcheck: {test: "mariadb -uroot -psecret -e 'SELECT 1' shop"}
  pg:
    extends: {file: $SHOP, service: pg}
    healthcheck:
      test: psql -h 127.0.0.1 -U shop -c 'select 1' shop
      interval: 500ms
      timeout: 5s
      retries: 120
  files:
    extends: {file: $SHOP, service: idle}
    volumes: ["files:/files"]
volumes: {maria: , pg: , files: }
EOF2

maria() {
	timeout 60 "$DEVENV" exec -T maria mariadb -N -uroot -psecret -e "$1" shop </dev/null
}
import() { "$DEVENV" snapshot import "$@" </dev/null; }
rows() { "$DEVENV" snapshot inspect "$1" --format json | jq -c '.config.probes'; }
# Containers and volumes of scratch servers.
left() {
	api GET '/containers/json?all=1' | jq -r '.[].Names[] | select(test("scratch"))' &&
		api GET /volumes | jq -r '.Volumes[]?.Name | select(test("scratch"))'
}
# An engine that does not answer has not shown that nothing is left.
nothing_left() {
	local names
	names=$(left) && [[ -z $names ]]
}

check "two databases come up" "$DEVENV" up
check "MariaDB has a row of its own" maria 'create table mine (i int); insert into mine values (1)'
check "PostgreSQL has rows" pg "create table \"a b\" (i int primary key, t text);
	insert into \"a b\" select i, 'row ' || i from generate_series(1, 3000) i;
	create table other (i int references \"a b\"); insert into other values (7)"

# --- SQL for MariaDB ------------------------------------------------------------------------------
# As mariadb-dump writes it: sandbox mode, one INSERT of 24 MB, bytes that a client might take for
# its commands.
{
	printf '/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.8-MariaDB\n'
	printf 'SET NAMES utf8mb4;\nCREATE TABLE `big` (`id` int PRIMARY KEY, `v` longtext);\n'
	printf "INSERT INTO \`big\` VALUES (1,'"
	head -c 24000000 /dev/zero | tr '\0' x
	printf "'),(2,'\\\\\\\\! touch /tmp/x\r\n\t');\n"
	printf 'CREATE TABLE `Odd ``name` (`i` int);\nINSERT INTO `Odd ``name` VALUES (1),(2),(3);\n'
} >body.sql
{ cat body.sql; echo '-- Dump completed on 2026-11-21'; } >whole.sql
gzip -k whole.sql
check_out "a dump becomes a snapshot" '^monday$' import whole.sql.gz maria monday
check_out "its rows are recorded" \
	'^\[\{"database":"shop","table":"big","rows":2\},\{"database":"shop","table":"Odd `name","rows":3\}\]$' \
	rows monday
check_out "with the proof of a clean end" '^clean.*SQL of mariadb-dump' bash -c \
	"'$DEVENV' snapshot inspect monday --format json | jq -r '.config | .engine.state + .source'"
check_out "the service was not touched" '^1$' maria 'select count(*) from mine'
check "nothing is left of the scratch server" nothing_left
check "the service gets it" "$DEVENV" snapshot restore --replace maria monday
check_out "with all of it" '^24000000$' maria 'select length(v) from big where id = 1'
check_out "byte for byte" '^5C5C3F|^5C21' maria 'select hex(v) from big where id = 2'

expect_fail "the first error ends it, with its line" 9 'ERROR 1064.*at line 2' import <(
	printf 'SELECT 1;\nCREATE TABEL x;\n') maria bad
head -c 9000 whole.sql.gz >cut.sql.gz
expect_fail "so does a file that was cut" 9 'cut short' import cut.sql.gz maria bad
check "nothing is left of them" nothing_left
expect_fail "nor a snapshot" 9 'no snapshot "bad"' "$DEVENV" snapshot inspect bad

# --- PostgreSQL -----------------------------------------------------------------------------------
check "pg_dump" bash -c "'$DEVENV' exec -T pg pg_dump -h 127.0.0.1 -U shop shop >pg.sql </dev/null"
check "pg_dump -Fc" bash -c \
	"'$DEVENV' exec -T pg pg_dump -h 127.0.0.1 -U shop -Fc shop >pg.dump </dev/null"
zstd -q pg.sql
check_out "SQL becomes a snapshot" '^shop_pg-[0-9-]+$' import pg.sql.zst pg
named=$(<"$T/.out")
wanted='[{"database":"shop","table":"public.a b","rows":3000},{"database":"shop","table":"public.other","rows":1}]'
check "with its rows" test "$(rows "$named")" = "$wanted"
stdin_import() { "$DEVENV" snapshot import - pg archive <pg.dump; }
check_out "an archive does, too, from a pipe" '^archive$' stdin_import
check "with the same" test "$(rows archive)" = "$wanted"
check "PostgreSQL is changed" pg 'drop table other'
check "and goes back" "$DEVENV" snapshot restore --replace pg archive
check_out "with its rows" '^1$' pg 'select count(*) from other'
# --- what is refused ------------------------------------------------------------------------------
expect_fail "another server's SQL" 9 'SQL of pg_dump, and service maria runs MariaDB' \
	import pg.sql maria bad
expect_fail "SQL without a service" 2 'name the service' import whole.sql
expect_fail "a service without a database" 9 'files is no MariaDB' import body.sql files bad
printf 'PK\3\4rest' >file.zip
expect_fail "a zip" 9 'it is a zip archive' import file.zip maria bad
printf '\0\1\2\3' >file.bin
expect_fail "who knows what" 9 'no kind that devenv knows' import file.bin maria bad
expect_fail "a name that is taken" 9 '--replace' import whole.sql maria monday

# --- interrupted and killed ---------------------------------------------------------------------------------------
mkfifo slow.sql
"$DEVENV" snapshot import slow.sql maria stopped >/dev/null 2>stopped.err &
pid=$!
exec 9>slow.sql
printf '%5000s\nSELECT 1;\n' '' >&9
running() { test -n "$(left)"; }
check "an import waits for more of its file" wait_for 60 running
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "Ctrl-C ends it" test "$status" = 130
check "with nothing left" nothing_left
exec 9>&-
"$DEVENV" snapshot import slow.sql maria killed >/dev/null 2>killed.err &
pid=$!
exec 9>slow.sql
printf '%5000s\nSELECT 1;\n' '' >&9
check "another is under way" wait_for 60 running
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
exec 9>&-
expect_fail "the next one ends with psql's first error" 9 'stdin>:2: ERROR.*nowhere' import <(
	printf 'select 1;\ninsert into nowhere values (1);\nselect 2;\n') pg bad
check "and has removed what the killed one left" nothing_left
cache=$(api GET /volumes/devenv-cache | jq -r .Mountpoint)
mkfifo slow.tar
head -c 30000000 /dev/urandom >part
tar -cf part.tar part
slow_tar() {
	"$DEVENV" snapshot import - files stopped >/dev/null 2>tar.err <slow.tar &
	pid=$!
	exec 9>slow.tar
	head -c 20000000 part.tar >&9
}
unpacked() { (($(du -sk "$cache/imports" | cut -f1) > 10000)); }
not_unpacked() { [[ -z $(find "$cache/imports" -mindepth 1) ]]; }
agent() {
	api GET /containers/json --get --data-urlencode \
		'filters={"label":["io.devenv.helper=agent"]}' | jq -r 'max_by(.Created).Id'
}
slow_tar
check "a tar comes from a pipe" wait_for 60 unpacked
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "Ctrl-C ends it" test "$status" = 130
check "with nothing left" not_unpacked
exec 9>&-
slow_tar
check "another one" wait_for 60 unpacked
check "its agent is killed" api POST "/containers/$(agent)/kill"
exec 9>&-
status=0
wait "$pid" || status=$?
check "which ends it" test "$status" = 4
check "and it says so" grep -q "import -: .*devenv's agent died" tar.err
check "the next command" "$DEVENV" snapshot list
check "removes what was left" not_unpacked

# --- tar ------------------------------------------------------------------------------------------
check "files with everything that files have" "$DEVENV" exec -T files bash -c '
	cd /files && mkdir -p dir/deep && echo one >file && ln file hard && ln -s file link &&
	mkfifo pipe && truncate -s 5M holes && printf x | dd of=holes conv=notrunc bs=1 seek=3000000 &&
	touch -d "2001-02-03 04:05:06.123456789 UTC" file && chown 123456:999 dir && chmod 4750 hard &&
	chmod 000 dir/deep && long=$(printf "x%.0s" {1..150}) && touch "$long" "a  b" &&
	chown -R 5:6 /files/"$long" && chmod 711 . && chown 7:8 .'
check "are kept" "$DEVENV" snapshot save files seed
check "and exported" "$DEVENV" snapshot export seed seed.tar
check_out "GNU tar reads it" '^-rw.* 5/6 .* \./x+$' tar --numeric-owner -tvf seed.tar
check_out "its owner, type and time" '^-rwsr-x--- 0/0 +4 2001-02-03 04:05:06\.123456789 ./(file|hard)$' \
	tar --numeric-owner --full-time -tvf seed.tar
check "holes are none in the file" test "$(stat -c %s seed.tar)" -lt 200000
check "compressed, too" "$DEVENV" snapshot export seed seed.tar.gz
check "is the same for gunzip" bash -c 'gunzip --stdout seed.tar.gz | cmp - seed.tar'
check "or with zstd, by its name" "$DEVENV" snapshot export seed
check_out "which is imported" '^again$' import seed.tar.zst files again
check "and exported again" "$DEVENV" snapshot export again again.tar
check "it is the same, bit for bit" cmp seed.tar again.tar
check "a file is there whole or not at all" test -z "$(ls ./*.part 2>/dev/null)"
expect_fail "a file that is there is not written over" 1 '--replace' \
	"$DEVENV" snapshot export seed seed.tar
expect_fail "a snapshot that is not there" 9 'no snapshot "none"' \
	"$DEVENV" snapshot export none none.tar
check "leaves no file" test ! -e none.tar -a ! -e none.tar.part
head -c 5000 seed.tar >cut.tar
expect_fail "a tar that was cut" 9 'cut short' import cut.tar files bad

# A data directory that a server left behind in the middle of its work.
check "a database's files" "$DEVENV" snapshot export monday db.tar.zst
check_out "are one again" '^db$' import db.tar.zst maria db
check_out "with the proof" '^clean$' bash -c \
	"'$DEVENV' snapshot inspect db --format json | jq -r .config.engine.state"
check "GNU tar makes it" bash -c 'mkdir tree && tar -C tree -xf seed.tar && tar -C tree -cf own.tar .'
check_out "and without a service" '^own$' import own.tar
check "its content is that" bash -c "'$DEVENV' snapshot export own - | tar -xO ./file | grep -qx one"
maria 'insert into big values (9, 9)'
api POST "/containers/$(containers shop maria)/kill?signal=KILL" >/dev/null
api GET "/containers/$(containers shop maria)/archive?path=/var/lib/mysql/." >dirty.tar
expect_fail "what a killed server left is no seed" 9 'not shut down cleanly' \
	import dirty.tar maria dirty
check "down" "$DEVENV" down --volumes

finish
