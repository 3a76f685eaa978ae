#!/usr/bin/env bash
# devenv snapshot: databases kept, reset, taken back; and what is refused.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"

cat >compose.yaml <<EOF2
services:
  maria: {extends: {file: $SHOP, service: maria}}
  pg: {extends: {file: $SHOP, service: pg}}
  bystander:
    extends: {file: $SHOP, service: idle}
    command: [sh, -c, "test ! -e /files/end && exec sleep infinity"]
    volumes: ["files:/files"]
    healthcheck: {test: "test ! -e /files/slow", interval: 500ms, retries: 1000}
volumes: {maria: , pg: , files: }
EOF2

check "two databases come up" "$DEVENV" up
check "MariaDB gets rows" maria 'create table t (i int primary key); insert into t values (1), (2)'
check "PostgreSQL gets rows" pg 'create table t (i int); insert into t values (1), (2)'
bystander=$(started bystander)

# --- save -----------------------------------------------------------------------------------------
check_out "MariaDB is kept" '^clean$' "$DEVENV" snapshot save maria clean
check_out "by its volume, with a name of its own" '^shop_pg-[0-9]{8}-[0-9]{6}$' \
	"$DEVENV" snapshot save shop_pg
named=$(<"$T/.out")
check_out "it runs again" '^2$' maria 'select count(*) from t'
check_out "and so does PostgreSQL" '^2$' pg 'select count(*) from t'
check "nobody else was stopped" test "$bystander" = "$(started bystander)"
expect_fail "a name is not taken away" 9 '--replace' "$DEVENV" snapshot save maria clean
maria_runs=$(started maria)
expect_fail "what is no name is refused" 2 '"no name" is no name' "$DEVENV" snapshot save maria 'no name'
check "before anything is stopped" test "$maria_runs" = "$(started maria)"
expect_fail "nor does a pull take it" 2 '"no name" is no name' \
	"$DEVENV" snapshot pull oci:nowhere:1 'no name'
expect_fail "a snapshot for another server names both" 9 \
	"snapshot $named does not go with service maria: the snapshot is of postgres" \
	"$DEVENV" snapshot restore maria "$named"
check "and stops nothing" test "$maria_runs" = "$(started maria)"
check_out "help tells the other name whole" '^Also: devenv snapshot reset$' \
	"$DEVENV" snapshot restore --help

# --- look -----------------------------------------------------------------------------------------
check_out "list shows both" "^clean +shop_maria +MariaDB 10" "$DEVENV" snapshot list
check_out "with their versions" '^"(10|15)' bash -c \
	"'$DEVENV' snapshot list --format json | jq '.[].config.engine.version'"
check_out "inspect shows the proof" '^clean InnoDB' bash -c \
	"'$DEVENV' snapshot inspect clean --format json |
		jq -r '.config.engine | .state + \" \" + .proof'"
check "verify reads it" "$DEVENV" snapshot verify clean "$named"
check_out "and that of PostgreSQL" 'shut down' "$DEVENV" snapshot inspect "$named"
check_out "how the servers were set up is recorded" '^0 utf8mb4.* [A-Za-z]' bash -c \
	"for name in clean '$named'; do '$DEVENV' snapshot inspect \$name --format json; done |
		jq -rs '[.[0].config.server.lower_case_table_names, .[].config.server.collation] |
			join(\" \")'"
check_out "rows were counted" '^shop t 2$' bash -c \
	"'$DEVENV' snapshot inspect clean --format json |
		jq -r '.config.probes[] | \"\(.database) \(.table) \(.rows)\"'"

# --- boot -----------------------------------------------------------------------------------------
scratch() {
	api GET '/containers/json?all=1' | jq -r '.[].Names[] | select(test("scratch"))' &&
		api GET /volumes | jq -r '.Volumes[].Name | select(test("scratch"))'
}
# An engine that does not answer has not shown that nothing is left.
nothing_left() {
	local names
	names=$(scratch) && [[ -z $names ]]
}
booting() { api GET /containers/json | jq -e '.[].Names[] | select(test("scratch"))'; }
boot() { "$DEVENV" snapshot verify --boot "$@"; }
"$DEVENV" snapshot verify --boot clean >/dev/null 2>interrupted.err </dev/null &
pid=$!
check "a server starts on a copy" wait_for 60 booting
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "Ctrl-C ends that" test "$status" = 130
check "with nothing left" nothing_left
"$DEVENV" snapshot verify --boot clean >/dev/null 2>killed.err </dev/null &
pid=$!
check "another starts" wait_for 60 booting
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
find "$XDG_STATE_HOME/devenv/scratch" -type f -exec touch -d '2 days ago' {} +
check "days later something else is done" "$DEVENV" snapshot list
check "servers start on both" boot clean "$named" --format json
cp "$T/.out" booted
check_out "with all rows, and end cleanly" '^clean t 2 InnoDB.*pg-[0-9-]+ public.t 2 .*shut down' \
	jq -r '[.[] | select(.boot | .recorded and .differ == []) | .name, (.boot |
		.probes[].table, .probes[].rows, .proof)] | join(" ")' booted
check "also of what was killed nothing is left" nothing_left
printf 'insert into shop.t values (77);\ncreate table shop.later (i int);\n' >init.sql
cat >compose.override.yaml <<EOF2
services:
  maria: {command: [--init-file=/init.sql], volumes: ["./init.sql:/init.sql:ro"]}
EOF2
expect_fail "rows that are not those" 9 '2 of its tables' boot clean --format json
cp "$T/.out" differ
check "are named" grep -q 'shop.t has 3 rows, not 2' "$T/.failure"
check "so is a table too many" grep -q 'shop.later was not there' "$T/.failure"
check_out "for programs, too" '^\[2,3,null,0\]$' jq -c '[.[].boot.differ[] | .recorded, .found]' differ
rm compose.override.yaml
told() { "$DEVENV" --progress json snapshot verify --boot clean 2>&1; }
check_out "what is told is about the snapshot" '"snapshot clean"' told
check "and about nothing else" not grep -q scratch- "$T/.out"
expect_fail "nor as another kind of server" 9 'of mariadb, and service pg runs postgres' \
	boot clean --service pg
check "nothing of that is left" nothing_left

# --- restore --------------------------------------------------------------------------------------
cat >compose.override.yaml <<EOF2
services:
  maria: {command: [--innodb-page-size=8k]}
EOF2
expect_fail "pages of another size are refused" 9 \
	'clean does not go with service maria: .*pages of 16384 bytes.*asks for 8192' \
	"$DEVENV" snapshot restore maria clean
expect_fail "also when it would only be tried" 9 'boot the snapshot clean: .*asks for 8192' \
	boot clean
rm compose.override.yaml
check "MariaDB is changed" maria 'insert into t values (3); create table u (i int)'
check "PostgreSQL is changed" pg 'delete from t; create table u (i int)'
check "MariaDB goes back" "$DEVENV" snapshot restore maria clean
check_out "its rows are those" '^2$' maria 'select count(*) from t'
check_out "its new table is gone" '^0$' maria \
	"select count(*) from information_schema.tables where table_name = 'u'"
check "PostgreSQL goes back to the newest" "$DEVENV" snapshot reset pg
check_out "its rows are those" '^2$' pg 'select count(*) from t'
check "the agent that frees what was there goes by itself" wait_for 20 no_agents
check "PostgreSQL goes back once more" "$DEVENV" snapshot reset pg --no-undo
check "and whoever comes next ends it" "$DEVENV" snapshot list
check "at once" no_agents
check "nobody else was stopped" test "$bystander" = "$(started bystander)"
check_out "nothing had to be recovered" '^0$' bash -c \
	"'$DEVENV' logs --tail 40 pg 2>&1 | grep -c 'automatic recovery in progress' || true"

# --- undo -----------------------------------------------------------------------------------------
check "what was replaced comes back" "$DEVENV" snapshot undo pg
check_out "with its rows" '^0$' pg 'select count(*) from t'
check "and is undone in turn" "$DEVENV" snapshot undo pg
check_out "with the others" '^2$' pg 'select count(*) from t'
to_and_fro() {
	pg 'insert into t select generate_series(1, 20000)' && "$DEVENV" snapshot reset pg &&
		"$DEVENV" snapshot undo pg && "$DEVENV" snapshot reset pg
}
check "what no name needs is freed" "$DEVENV" snapshot prune
check "there and back again" to_and_fro
check "and once more" to_and_fro
check_out "what no undo goes back to has gone by itself" '^freed 0 B$' "$DEVENV" snapshot prune
check "what it goes back to has not" "$DEVENV" snapshot undo pg
check_out "nor have its rows" '^20002$' pg 'select count(*) from t'
check "and back" "$DEVENV" snapshot undo pg

# --- diff -----------------------------------------------------------------------------------------
check "a snapshot after one statement" maria 'update t set i = 7 where i = 2'
check "is kept" "$DEVENV" snapshot save maria changed
check_out "diff names the table" '^shop\.t +1 +' "$DEVENV" snapshot diff clean changed
check_out "and what a pull costs" '^a pull of changed brings [0-9.]+ [kM]?B to those who have clean$' \
	"$DEVENV" snapshot diff clean changed
check_out "its file is one of many" '"changed" +"shop/t.ibd"' bash -c \
	"'$DEVENV' snapshot diff --format json clean changed |
		jq -r '.changes[] | \"\\(.change|tojson) \\(.path|tojson)\"'"
check_out "nothing between one and itself" '^0 added, 0 removed, 0 changed, 0 in' \
	"$DEVENV" snapshot diff clean clean
expect_fail "one that is not there" 9 'no snapshot "none"' "$DEVENV" snapshot diff clean none
check "as it was" "$DEVENV" snapshot restore maria clean
check "and forgotten" "$DEVENV" snapshot rm changed

# --- what is refused ------------------------------------------------------------------------------
check "a file of no database" "$DEVENV" exec -T bystander bash -c 'echo mine >/files/precious'
expect_fail "data that no snapshot made is not replaced" 9 '--replace' \
	"$DEVENV" snapshot restore files clean
check_out "it is there" '^mine$' "$DEVENV" exec -T bystander cat /files/precious
check "they are kept" "$DEVENV" snapshot save files files
expect_fail "and nothing starts on them" 9 'only its bytes are proven' boot files
expect_fail "MariaDB's files are not for PostgreSQL" 9 'neither|reads' \
	"$DEVENV" snapshot restore pg clean
check_out "and PostgreSQL runs on" '^2$' pg 'select count(*) from t'
expect_fail "a snapshot that is not there" 9 'there are: ' "$DEVENV" snapshot restore pg none
expect_fail "a service that is not there" 2 'marai' "$DEVENV" snapshot save marai
check "a server is killed" maria 'insert into t values (9)'
api POST "/containers/$(containers shop maria)/kill?signal=KILL" >/dev/null
wait_for 20 bash -c "test -z \"\$('$DEVENV' status --format json | jq -r '.. | objects |
	select(.service? == \"maria\" and .state? == \"running\") | .service')\""
expect_fail "what a killed server left is no seed" 9 'not shut down cleanly' \
	"$DEVENV" snapshot save maria killed
check "but can be replaced" "$DEVENV" snapshot restore maria clean

# --- what did not change stays --------------------------------------------------------------------
in_files() { "$DEVENV" exec -T bystander sh -c "cd /files && $1" </dev/null; }
check "two files are kept" in_files 'echo one >same && echo two >changed'
check "in a snapshot" "$DEVENV" snapshot save files filed
check "restored over themselves" "$DEVENV" snapshot restore files filed --replace
same=$(in_files 'ls -i same')
check "one changes" in_files 'echo three >>changed && echo more >new'
go_back() { "$DEVENV" snapshot restore files filed --no-undo 2>&1; }
check_out "and goes back; the others are not written" ' 9 B of 13 B did not have to be written' go_back
check_out "to what it was" '^one two changed precious same$' in_files 'echo $(cat same changed; ls)'
check_out "the other stayed" "^$same\$" in_files 'ls -i same'
check "unless all are wanted anew" "$DEVENV" snapshot restore files filed --whole
check "it did not stay" test "$same" != "$(in_files 'ls -i same')"
check_out "and is the same" '^one$' in_files 'cat same'

# --- interrupted ----------------------------------------------------------------------------------
check "files with which a service is not ready" bash -c 'mkdir slow && touch slow/slow && tar -C slow -cf slow.tar .'
check "become a snapshot" "$DEVENV" snapshot import slow.tar files slow
bystander=$(started bystander)
"$DEVENV" snapshot restore files slow >/dev/null 2>interrupted.err </dev/null &
pid=$!
waiting() { test "$bystander" != "$(started bystander)"; }
check "it is waited for" wait_for 30 waiting
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "Ctrl-C ends that" test "$status" = 130
check "and says what holds" grep -q 'the services run' interrupted.err
check_out "the service runs" '^slow$' "$DEVENV" exec -T bystander ls /files
check "undo goes back" "$DEVENV" snapshot undo files
check_out "to the files before" '^mine$' "$DEVENV" exec -T bystander cat /files/precious
check "another branch of them" "$DEVENV" snapshot branch other files
check "in which it is not ready" "$DEVENV" exec -T bystander touch /files/slow
check "it is left" "$DEVENV" snapshot switch main
bystander=$(started bystander)
"$DEVENV" snapshot switch other >/dev/null 2>&1 </dev/null &
pid=$!
check "who goes back there waits" wait_for 30 waiting
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
"$DEVENV" snapshot switch other >/dev/null 2>again.err </dev/null &
pid=$!
check "so does the same again after a kill" wait_for 30 grep -q 'bystander: Waiting' again.err
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "until Ctrl-C ends that" test "$status" = 130
check "once more it is there already" "$DEVENV" snapshot switch other
check "it is left for good" "$DEVENV" snapshot switch main
check "and deleted" "$DEVENV" snapshot branch -d other
check_out "with the files of before" '^mine$' "$DEVENV" exec -T bystander cat /files/precious
check "files with which it ends" bash -c 'mkdir end && touch end/end && tar -C end -cf end.tar .'
check "become a snapshot, too" "$DEVENV" snapshot import end.tar files ending
expect_fail "who restores it is told what is to be done" 8 \
	'bystander.* exited with status 1.*; then: devenv start shop/bystander' \
	"$DEVENV" snapshot restore files ending
check "undo goes back from there" "$DEVENV" snapshot undo files
check "and it starts" "$DEVENV" start bystander
check "which goes" "$DEVENV" snapshot rm ending
check "who empties the volume" "$DEVENV" exec -T bystander sh -c 'rm -r /files/*'
check "gets files into it" "$DEVENV" snapshot restore files files
expect_fail "and that it was empty is nothing to go back to" 9 'nothing to undo' \
	"$DEVENV" snapshot undo files
check "they go" "$DEVENV" snapshot rm slow files
check "files that are as a snapshot has them" "$DEVENV" snapshot restore files filed
check "which goes" "$DEVENV" snapshot rm filed undo/shop_files
expect_fail "are not put back" 9 'there are: ' \
	"$DEVENV" snapshot restore files filed
check_out "and their service runs as before" '^one$' "$DEVENV" exec -T bystander cat /files/same

# --- tidy up --------------------------------------------------------------------------------------
check "a snapshot is forgotten" "$DEVENV" snapshot rm "$named" undo/shop_pg
check_out "what only it needed is freed" '^freed [1-9]' "$DEVENV" snapshot prune
check_out "the other stays" '^clean$' "$DEVENV" snapshot list --quiet

# --- share ----------------------------------------------------------------------------------------
check "it is sent to a registry" "$DEVENV" snapshot push clean "$DEVENV_REGISTRY/test/shop:1"
check "and forgotten here" bash -c "'$DEVENV' snapshot rm clean undo/shop_maria && '$DEVENV' snapshot prune"
cost() { # JQ-FILTER: of what the registry has
	"$DEVENV" snapshot inspect "$DEVENV_REGISTRY/test/shop:1" --format json | jq -c "$1"
}
check_out "before a pull it is known what it is, and brings" '^\["mariadb",true,true\]$' \
	cost '[.config.engine.kind, .pull.packs > 0, .pull.bytes > .stored * 0.9]'
expect_fail "what the registry has not" 5 'look at the snapshot .*test/none:1: ' \
	"$DEVENV" snapshot inspect "$DEVENV_REGISTRY/test/none:1"
check "it comes from the registry" "$DEVENV" snapshot pull "$DEVENV_REGISTRY/test/shop:1" pulled
pull_again() { "$DEVENV" snapshot pull "$DEVENV_REGISTRY/test/shop:1" twice 2>&1; }
check_out "a second time only by name" ': 0 B came, [0-9.]+ [kM]?B less than all of it' pull_again
check_out "nothing more would come" '^{"bytes":0,"packs":0}$' cost .pull
check "the volume gets it" "$DEVENV" snapshot restore maria pulled
check "MariaDB starts on it" "$DEVENV" start maria
check_out "with all rows" '^2$' maria 'select count(*) from t'
check "down" "$DEVENV" down --volumes

# --- on up ----------------------------------------------------------------------------------------
seeded() { # SNAPSHOT: maria's volume begins with it
	echo "volumes: {maria: {x-snapshot: $1}}" >compose.override.yaml
}
check "what only a name needs is forgotten" "$DEVENV" snapshot rm pulled
seeded "$DEVENV_REGISTRY/test/shop:1"
check_out "the plan has the snapshot" "pull snapshot $DEVENV_REGISTRY/test/shop:1" "$DEVENV" plan maria
check "up brings it from the registry" "$DEVENV" up maria
check_out "and MariaDB has all rows" '^2$' maria 'select count(*) from t'
check "a second up does nothing" plans_nothing maria
check "a row more" maria 'insert into t values (3)'
check "restore goes back to what it began with" "$DEVENV" snapshot restore maria "$DEVENV_REGISTRY/test/shop:1"
check_out "without it" '^2$' maria 'select count(*) from t'
check "down" "$DEVENV" down --volumes
check "a volume begins as it, without a word to the registry" "$DEVENV" up --pull never maria
check_out "with all rows" '^2$' maria 'select count(*) from t'
check "down" "$DEVENV" down --volumes
seeded "{url: '$DEVENV_REGISTRY/test/shop:1', digest: 'sha256:$(printf '0%.0s' {1..64})'}"
expect_fail "another snapshot than it must be" 9 'x-snapshot wants sha256:0000' "$DEVENV" up maria
expect_fail "leaves nothing that passes for data" 9 'x-snapshot wants' "$DEVENV" up maria
seeded "{url: '$DEVENV_REGISTRY/test/shop:1', engine: postgres}"
expect_fail "one of another database" 9 'is of mariadb, and x-snapshot.engine wants postgres' "$DEVENV" up maria
seeded "$DEVENV_REGISTRY/test/shop:1"
echo 'services: {maria: {entrypoint: [mariadbd, --innodb_page_size, 8k]}}' >>compose.override.yaml
expect_fail "one that the command line does not go with" 9 \
	'does not go with image .*asks for 8192' "$DEVENV" up maria
seeded "$DEVENV_REGISTRY/test/none:1"
expect_fail "a snapshot that is not there" 5 "test/none" "$DEVENV" up maria
check "down" "$DEVENV" down --volumes
rm compose.override.yaml
check "without its image" api DELETE "/images/$(image mariadb)?force=1"
check "it is pulled by the digest" boot "$DEVENV_REGISTRY/test/shop:1" --format json
cp "$T/.out" booted
check_out "that the snapshot names" '@sha256:' jq -r '.[].boot.image' booted

finish
