#!/usr/bin/env bash
# devenv snapshot branch and switch: several databases in one volume, after kills too.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"

# --- a file system that shares blocks -------------------------------------------------------------
shared=$T/xfs
truncate -s 1G "$T/xfs.img"
mkdir "$shared"
check "an XFS" bash -c "mkfs.xfs -q -m reflink=1 '$T/xfs.img' && mount -o loop '$T/xfs.img' '$shared'"
at_exit umount -l "$shared"
on_xfs() { # VOLUME: made there
	mkdir "$shared/$1"
	api POST /volumes/create -H 'Content-Type: application/json' -o /dev/null --data \
		"{\"Name\":\"$1\",\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"$shared/$1\"}}"
}
on_xfs devenv-cache
mkdir "$T/small"
check "a file system that does not" mount -t tmpfs -o size=140m tmpfs "$T/small"
at_exit umount -l "$T/small"
mkdir "$T/small/uploads"

cat >compose.yaml <<END
services:
  db:
    extends: {file: $SHOP, service: maria}
    volumes: ["data:/var/lib/mysql", "uploads:/uploads"]
  bystander: {extends: {file: $SHOP, service: idle}}
volumes:
  data:
    driver_opts: {type: none, o: bind, device: "$shared/data"}
  uploads:
    driver_opts: {type: none, o: bind, device: "$T/small/uploads"}
END
mkdir "$shared/data"

db() { maria "$1" db; }
rows() { db 'select group_concat(i order by i) from t'; }
serves() { rows | grep -Eqx '1,2|1,3'; }
used() { sync -f "$shared"; df --output=used -k "$shared" | tail -n 1; }
current() { "$DEVENV" snapshot branch --format json | jq -r '.shop_data.current'; }

expect_fail "nothing to branch off yet" 9 'devenv up' "$DEVENV" snapshot branch feature
check "the database comes up" "$DEVENV" up
check "with a row" db 'create table t (i int primary key); insert into t values (1)'
container=$(id_of db)
bystander=$(started bystander)
check_out "no branch yet" '^ +BRANCH' "$DEVENV" snapshot branch
expect_fail "nor one to switch to" 9 'none yet' "$DEVENV" snapshot switch feature

since=$(started db)
expect_fail "the first has its name already" 9 '"main" is what the present data' \
	"$DEVENV" snapshot branch main
check "which is said before anything stops" test "$since" = "$(started db)"

# --- branch ---------------------------------------------------------------------------------------
before=$(used)
check "the second branch" "$DEVENV" snapshot branch feature/x --format json
cp "$T/.out" made
after=$(used)
size=$(jq .bytes made)
check_out "shares all blocks" '^true$' jq '.cloned == .bytes, .cloned, .bytes' made
check "and takes no space: $((after - before)) kB of $((size / 1000)) kB" \
	test $((after - before)) -lt $((size / 20000))
check_out "it has the rows" '^1$' rows
check_out "and is the present one" '^feature/x$' current
expect_fail "no second one of that name" 9 'snapshot switch' "$DEVENV" snapshot branch feature/x
check "it goes its own way" db 'insert into t values (2); create table only_here (i int)'

# --- switch ---------------------------------------------------------------------------------------
check "back to the first" "$DEVENV" snapshot switch main
check_out "which has its row" '^1$' rows
check "and goes its own way" db 'insert into t values (3)'
check "to the other" "$DEVENV" snapshot switch feature/x
check_out "which has what it had" '^1,2$' rows
check_out "its table, too" '^0$' db 'select count(*) from only_here'
check "and back" "$DEVENV" snapshot switch main
check_out "to what that had" '^1,3$' rows
check "the container was never made anew" test "$container" = "$(id_of db)"
check "nobody else was stopped" test "$bystander" = "$(started bystander)"
check "switching to where one is does nothing" "$DEVENV" snapshot switch main
check "up finds nothing to do" plans_nothing
check_out "the list tells" '^\* +main +shop_data' "$DEVENV" snapshot branch
check_out "where each began" 'feature/x +shop_data +main' "$DEVENV" snapshot branch
expect_fail "the present one is not deleted" 9 'switch to another' "$DEVENV" snapshot branch -d main
expect_fail "one that is not there" 9 'there are: .*feature/x' "$DEVENV" snapshot switch featur

# --- killed ---------------------------------------------------------------------------------------
# Each time a little later: all of one branch or all of the other, and the same command ends well.
for moment in 0.5 1.0; do
	"$DEVENV" snapshot switch feature/x >/dev/null 2>&1 </dev/null &
	killed=$!
	read -rt "$moment" <> <(:) || true
	kill -9 "$killed" 2>/dev/null || true
	wait "$killed" 2>/dev/null || true
	check "the same again, killed after $moment s" "$DEVENV" snapshot switch feature/x
	check_out "all of it is there" '^1,2$' rows
	check "and back" "$DEVENV" snapshot switch main
	check_out "all of that, too" '^1,3$' rows
done
for moment in 0.3 0.6 0.9; do
	"$DEVENV" snapshot switch feature/x >/dev/null 2>interrupted </dev/null &
	killed=$!
	read -rt "$moment" <> <(:) || true
	kill -INT "$killed" 2>/dev/null || true
	wait "$killed" || true
	check "after an interrupt at $moment s the database is back" wait_for 15 serves
	check "back again" "$DEVENV" snapshot switch main
done
check "no agent is left" no_agents
check "to the other" "$DEVENV" snapshot switch feature/x
check_out "with its rows" '^1,2$' rows
check "nothing of devenv is left in the volume" bash -c "! ls -A '$shared/data' | grep devenv"

# --- with git -------------------------------------------------------------------------------------
git init -q -b main .
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
check "the databases follow git" "$DEVENV" snapshot switch --with-git
check_out "to the branch of that name" '^1,3$' rows
git switch -q -c topic
check "a new one of git" "$DEVENV" snapshot switch --with-git
check_out "is a new one here" '^topic$' current
check "which goes its own way" db 'delete from t'
printf '#!/bin/sh\n[ "$3" = 0 ] || "%s" snapshot switch --with-git\n' "$DEVENV" >.git/hooks/post-checkout
chmod +x .git/hooks/post-checkout
check "as a hook" git switch -q main
check_out "it comes along" '^1,3$' rows
git -c advice.detachedHead=false checkout -q --detach 2>detached
check_out "without a branch nothing happens" '^main$' current

# --- tidy up --------------------------------------------------------------------------------------
check "prune keeps branches" "$DEVENV" snapshot prune
check "a branch is deleted" "$DEVENV" snapshot branch -d topic
expect_fail "and gone" 9 'no branch "topic"' "$DEVENV" snapshot switch topic
for name in 'two words' 'a..b' 'a:b' '-a'; do
	expect_fail "git has no $name" 2 'is no name for a branch' "$DEVENV" snapshot branch -- "$name"
done
check "the other is there still" "$DEVENV" snapshot switch feature/x
check_out "with its rows" '^1,2$' rows
check "down with the volume" "$DEVENV" down --volumes
check "and up" "$DEVENV" up
check "what was put aside survives" "$DEVENV" snapshot switch main
check_out "with its rows" '^1,3$' rows

# --- no blocks to share ---------------------------------------------------------------------------
check "a volume elsewhere" "$DEVENV" exec -T db bash -c 'echo one >/uploads/file; truncate -s 20M /uploads/hole'
check "is branched by its own name" "$DEVENV" snapshot branch copies shop_uploads --format json
cp "$T/.out" made
check "as a copy" jq -e '.cloned == 0 and (.volumes | keys) == ["shop_uploads"]' made
check "it changes" "$DEVENV" exec -T db bash -c 'echo two >/uploads/file'
check "back" "$DEVENV" snapshot switch main
check_out "to what it was" '^one$' "$DEVENV" exec -T db cat /uploads/file
check_out "holes are holes" '^0$' "$DEVENV" exec -T db stat -c %b /uploads/hole

# --- a full disk ----------------------------------------------------------------------------------
# Also when the database is stopped and its temporary tables (12 MB) are gone.
check "more than there will be room for" \
	"$DEVENV" exec -T db dd if=/dev/urandom of=/uploads/more bs=1M count=40
# XFS frees what is removed in the background, and before it is frozen.
settle() { fsfreeze --freeze "$shared" && fsfreeze --unfreeze "$shared"; }
sum() { "$DEVENV" exec -T db sha256sum /uploads/more </dev/null | cut -d' ' -f1; }
before=$(sum)
check "it is kept" "$DEVENV" snapshot save shop_uploads kept
check "and touched" "$DEVENV" exec -T db touch /uploads/more
check "little room" fallocate -l $((($(df --output=avail -k "$T/small" | tail -n 1) - 50000) * 1024)) \
	"$T/small/filler"
expect_fail "no copy that keeps services from starting" 9 'too little would be left' \
	"$DEVENV" snapshot branch full shop_uploads
expect_fail "nor a restore" 9 'too little would be left.*make room' \
	"$DEVENV" snapshot restore shop_uploads kept --replace --no-undo
check_out "all is as it was" "^$before\$" sum
check "more" rm "$T/small/filler"
check "where there is room it goes back" \
	"$DEVENV" snapshot restore shop_uploads kept --replace --no-undo
check "something new" "$DEVENV" exec -T db dd if=/dev/urandom of=/uploads/new bs=1M count=20
check "what is removed is freed" settle
check "little room for snapshots" \
	fallocate -l $((($(df --output=avail -k "$shared" | tail -n 1) - 70000) * 1024)) "$shared/filler"
expect_fail "no snapshot that keeps services from starting" 9 'too little would be left.*make room' \
	"$DEVENV" snapshot save shop_uploads fuller --parent kept
check "nothing of it takes room" test "$(df --output=avail -k "$shared" | tail -n 1)" -gt 60000
check "without what is new" "$DEVENV" exec -T db rm /uploads/new
check "nothing has to be written" "$DEVENV" snapshot save shop_uploads same --parent kept
mkdir big
head -c 40000000 /dev/urandom >big/file
tar -cf big.tar big
expect_fail "nor one of a tar" 9 'volume devenv-cache: too little would be left.*make room' \
	"$DEVENV" snapshot import big.tar
check "one that is elsewhere" "$DEVENV" snapshot push kept "oci:$T/layout:kept"
check "they are forgotten" "$DEVENV" snapshot rm kept same
check "with all they had" "$DEVENV" snapshot prune
rm "$shared/filler"
check "it is freed" settle
check "as little room as before" \
	fallocate -l $((($(df --output=avail -k "$shared" | tail -n 1) - 70000) * 1024)) "$shared/filler"
expect_fail "nor what would come" 9 \
	'1[01][0-9][.0-9]* MB have to be free for it in the volume devenv-cache.*too little would be left' \
	"$DEVENV" snapshot pull "oci:$T/layout:kept"
check "nothing of it takes room" test "$(df --output=avail -k "$shared" | tail -n 1)" -gt 60000
check "more" rm "$shared/filler"
check "it is all there" "$DEVENV" snapshot pull "oci:$T/layout:kept" kept
check "and forgotten" "$DEVENV" snapshot rm kept
check "what is removed is freed" settle
check "a full disk" fallocate -l $((($(df --output=avail -k "$shared" | tail -n 1) - 6000) * 1024)) \
	"$shared/filler"
expect_fail "no room for a branch" 9 'No space left.*make room' "$DEVENV" snapshot branch full shop_uploads
check_out "there is none" '^main$' current
expect_fail "nor to put one aside" 9 'No space left' "$DEVENV" snapshot switch copies
expect_fail "nor for a tar" 9 'No space left|too little would be left' "$DEVENV" snapshot import big.tar
check_out "the database runs" '^1,3$' rows
check_out "on what was there" "^$before\$" sum
check "nothing of it takes room" test "$(df --output=avail -k "$shared" | tail -n 1)" -gt 4000
check "room is made" rm "$shared/filler"
check "now there is a branch" "$DEVENV" snapshot branch full shop_uploads
check "a switch" "$DEVENV" snapshot switch copies
check_out "to what it has" '^two$' "$DEVENV" exec -T db cat /uploads/file
check "and back" "$DEVENV" snapshot switch full
check_out "to all of what was there" "^$before\$" sum
check_out "and a snapshot of the tar" '^big$' "$DEVENV" snapshot import big.tar

# --- many an undo ---------------------------------------------------------------------------------
trees() { find "$shared/devenv-cache/trees" -mindepth 1 -maxdepth 1 | wc -l; }
undo_twice() { "$DEVENV" snapshot undo db && "$DEVENV" snapshot undo db; }
check "what it goes back to" "$DEVENV" snapshot save db last
check "a reset" "$DEVENV" snapshot reset db
check "undone, and that too" undo_twice
there_are=$(trees)
check "there are trees to clone" test "$there_are" -gt 0
check "twice again" undo_twice
check "and again" undo_twice
check "they do not become more" test "$(trees)" -le "$there_are"
check "down" "$DEVENV" down --volumes

finish
