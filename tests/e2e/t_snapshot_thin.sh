#!/usr/bin/env bash
# devenv snapshot restore --thin: volumes that stand on a snapshot's files; reset, kept by prune,
# killed while they are made.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"

cat >compose.yaml <<END
services:
  pg:
    extends: {file: $SHOP, service: pg}
    volumes: ["/anonymous"]
  bystander: {extends: {file: $SHOP, service: idle}}
  filer:
    extends: {file: $SHOP, service: idle}
    volumes: ["files:/files"]
volumes:
  pg: {labels: {team: seeds}}
  files:
END

rows() { pg 'select count(*) from t'; }
filer() { timeout 60 "$DEVENV" exec -T filer bash -c "$1" </dev/null; }
volume() { api GET "/volumes/shop_$1"; }
root_of() { "$DEVENV" exec -T pg stat -c '%u:%g %a' /var/lib/postgresql/data; }

check "the services come up" "$DEVENV" up
check "PostgreSQL gets rows" pg 'create table t (i int); insert into t values (1), (2)'
check "an anonymous volume gets a file" "$DEVENV" exec -T pg bash -c 'echo mine >/anonymous/file'
check "what there is is kept" "$DEVENV" snapshot save pg clean
check "a row more" pg 'insert into t values (3)'
labels=$(volume pg | jq -S .Labels)
owner=$(root_of)
bystander=$(started bystander)
cache=$(api GET /volumes/devenv-cache | jq -r .Mountpoint)

# --- a thin volume --------------------------------------------------------------------------------
check "the volume becomes thin" "$DEVENV" snapshot restore pg clean --thin
check_out "it has the rows" '^2$' rows
check_out "the engine mounts an overlay for it" '^overlay$' jq -r .Options.type <(volume pg)
check "its labels are as they were" test "$labels" = "$(volume pg | jq -S .Labels)"
check "owner and mode are the snapshot's" test "$owner" = "$(root_of)"
check_out "the anonymous volume came along" '^mine$' "$DEVENV" exec -T pg cat /anonymous/file
check "nobody else was stopped" test "$bystander" = "$(started bystander)"
check "up finds nothing to do" plans_nothing
check_out "volumes tells" '^shop_pg +local +thin ' "$DEVENV" volumes
check_out "and list what was written" '^clean .* shop_pg \+[0-9.]+ [kM]?B' "$DEVENV" snapshot list
check_out "and inspect" '^thin.shop_pg +[1-9]' "$DEVENV" snapshot inspect clean

# --- reset ----------------------------------------------------------------------------------------
container=$(id_of pg)
check "it is written to" pg 'insert into t values (4), (5)'
reset_says() { "$DEVENV" snapshot reset pg clean --thin 2>&1; }
check_out "it goes back" '[kM]B had been written' reset_says
check_out "to the rows" '^2$' rows
check "in the container that it had" test "$container" = "$(id_of pg)"
check "what was replaced comes back" "$DEVENV" snapshot undo pg
check_out "with its rows" '^4$' rows
check_out "into the same volume" '^overlay$' jq -r .Options.type <(volume pg)
check "thin again" "$DEVENV" snapshot restore pg clean --thin
check "it can branch off" "$DEVENV" snapshot branch other pg
check "and go its way" pg 'delete from t'
check "back to the first" "$DEVENV" snapshot switch main
check_out "which has its rows" '^2$' rows
check "what it holds can be kept" "$DEVENV" snapshot save pg second

# --- prune ----------------------------------------------------------------------------------------
check "the snapshots are forgotten" "$DEVENV" snapshot rm clean second undo/shop_pg
check "their pieces are freed" "$DEVENV" snapshot prune
check_out "what the volume stands on stays" '^1$' bash -c "ls '$cache/trees' | wc -l"
check "it is mounted again" "$DEVENV" restart pg
check_out "with its rows" '^2$' rows
check "down with the volume" "$DEVENV" down --volumes
check "and prune" "$DEVENV" snapshot prune
check_out "free all of it" '^0$' bash -c "find '$cache/trees' '$cache/thin' -mindepth 1 | wc -l"

# --- what is refused ------------------------------------------------------------------------------
cat >compose.override.yaml <<END
services: {filer: {volumes: ["own:/own"]}}
volumes: {own: {driver_opts: {type: tmpfs, device: tmpfs}}}
END
check "files of no database" "$DEVENV" up filer
check "are written" filer 'echo one >/files/file'
check "and kept" "$DEVENV" snapshot save files kept
rm -f "$XDG_STATE_HOME"/devenv/workspaces/*/volumes/shop_files.json
expect_fail "data that no snapshot made is not replaced" 9 '--replace' \
	"$DEVENV" snapshot restore files kept --thin
check_out "it is there" '^one$' filer 'cat /files/file'
expect_fail "a volume with options of its own stays as it is" 9 'without --thin' \
	"$DEVENV" snapshot restore own kept --thin
stranger=$(api POST '/containers/create?name=stranger' -H 'Content-Type: application/json' \
	--data "{\"Image\":\"$(image base)\",\"HostConfig\":{\"Binds\":[\"shop_files:/x\"]}}" | jq -r .Id)
expect_fail "a container that nobody could make again is not removed" 9 'stranger.*remove it' \
	"$DEVENV" snapshot restore files kept --thin --replace
api DELETE "/containers/$stranger" -o /dev/null

# --- killed ---------------------------------------------------------------------------------------
# Between what is removed and what is made again, too: the same command ends well, and what was there
# before can be had back.
told() { # PATTERN: returns when the engine tells of that; of nothing: in the middle of it
	if [[ -z $1 ]]; then
		read -rt 0.9 <> <(:) || return 0
	fi
	grep -Em 1 "$1" < <(exec timeout 20 curl -sN --unix-socket "${DOCKER_HOST#unix://}" \
		"http://engine/v1.41/events?since=$(date +%s.%N)") >/dev/null
}
killed_at() { # PATTERN: fails where the restore had ended by then, or the engine told nothing
	local killed status=0
	"$DEVENV" down --volumes && "$DEVENV" up filer || return
	filer "echo 'at $moment' >/files/file; touch /files/more"
	told "$1" &
	local reached=$!
	"$DEVENV" snapshot restore files kept --thin --replace </dev/null &
	killed=$!
	if wait "$reached"; then
		kill -9 "$killed" || true
	fi
	wait "$killed" || status=$?
	[[ $status -eq 137 ]] && not is_done
}
is_done() { # all but what it says
	[[ $(volume files | jq -r .Options.type) == overlay ]] &&
		"$DEVENV" status filer | grep -q '^filer *running'
}
killed_amid() { # PATTERN: it is tried again when it came too late
	for _ in {1..8}; do
		killed_at "$1" && return
	done
	return 1
}
gone='"Action":"(destroy|remove)".*'
for moment in '' "$gone\"filer\"" "$gone\"shop_files\""; do
	check "other data, and a restore is killed" killed_amid "$moment"
	check "the same again" "$DEVENV" snapshot restore files kept --thin --replace
	check_out "it is the snapshot" '^one$' filer 'cat /files/*'
	check_out "and thin" '^overlay$' jq -r .Options.type <(volume files)
	check "what it replaced comes back" "$DEVENV" snapshot undo files
	check "all of it" test "at $moment" = "$(filer 'cat /files/*')"
done
check_out "no volume of a try is left" '^0$' bash -c "grep -c scratch <<<'$(api GET /volumes)' || true"
check "down" "$DEVENV" down --volumes

# --- an engine that itself keeps volumes on an overlay ----------------------------------------------
volumes=$(dirname "$(dirname "$cache")")
mkdir "$T/upper" "$T/work"
check "an overlay" mount -t overlay overlay \
	-o "lowerdir=$volumes,upperdir=$T/upper,workdir=$T/work" "$volumes"
at_exit umount -l "$volumes"
check "up on it" "$DEVENV" up filer
expect_fail "an overlay above an overlay is none" 9 'on an overlay.*without --thin' \
	"$DEVENV" snapshot restore files kept --thin --replace
check "down" "$DEVENV" down --volumes

finish
