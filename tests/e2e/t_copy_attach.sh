#!/usr/bin/env bash
# cp: what goes where, and that nothing leaves its destination.  attach: keys, signals, statuses.
# stats: figures of what runs.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

inside() { "$DEVENV" exec -T web bash -c "$1" </dev/null; }
holds() { [[ $(cat "$1") == "$2" ]]; }
tree() { (cd "$1" && find . | LC_ALL=C sort | tr '\n' ' '); }
no_leftovers() { [[ -z $(find . -name '.devenv-*') ]]; }

# Answers each line; "size" with the terminal's, "quit" with its end.
console='while read -r line; do case $$line in size) stty size;; quit) exit 5;; *) echo got $$line;; esac; done'

mkdir copy
cd copy
cat >compose.yaml <<YAML
services:
  web:
    image: $(image base)
    command: [sleep, infinity]
    stop_signal: KILL
  idle:
    image: $(image base)
    command: ["true"]
  console:
    image: $(image base)
    command: [bash, -c, "$console"]
    tty: true
    stdin_open: true
    stop_signal: KILL
  filter:
    image: $(image base)
    command: [bash, -c, "$console"]
    stdin_open: true
    stop_signal: KILL
  plain:
    image: $(image base)
    command: [bash, -c, "trap 'echo on term; exit 7' TERM; while :; do echo tick; read -rt 0.1 <> <(:); done"]
    stop_signal: KILL
  busy:
    image: $(image base)
    command: [bash, -c, "while :; do :; done"]
    stop_signal: KILL
  many:
    image: $(image base)
    command: [sleep, infinity]
    stop_signal: KILL
    deploy: {replicas: 2}
YAML
check "up" "$DEVENV" up web many
check "create what does not run" "$DEVENV" create idle

mkdir -p src/sub
echo one >src/a
echo two >src/sub/b
ln -s a src/link
chmod 750 src/sub
chmod 4755 src/a

# --- in -----------------------------------------------------------------------------------------
check "a file into a folder" "$DEVENV" cp src/a web:/tmp
check_out "keeps its name" '^one$' inside 'cat /tmp/a'
check "a file under another name" "$DEVENV" cp src/a web:/tmp/other
check_out "gets that name" '^one$' inside 'cat /tmp/other'
echo new >new
check "over a file that is there" "$DEVENV" cp new web:/tmp/other
check_out "replaces it" '^new$' inside 'cat /tmp/other'
check "a folder into a folder" "$DEVENV" cp src web:/tmp
check_out "goes into it" '^two$' inside 'cat /tmp/src/sub/b'
check_out "with its modes and links" '^750 a$' inside \
	'echo $(stat -c %a /tmp/src/sub) $(readlink /tmp/src/link)'
check "a folder to where nothing is" "$DEVENV" cp src web:/tmp/named
check_out "gets that name" '^one$' inside 'cat /tmp/named/a'
inside 'mkdir -m 700 /tmp/into'
check "what a folder holds" "$DEVENV" cp src/. web:/tmp/into
check_out "goes into the folder, whose mode stays" '^one 700$' inside \
	'echo $(cat /tmp/into/a) $(stat -c %a /tmp/into)'
check "what a folder holds, to where nothing is" "$DEVENV" cp src/. web:/tmp/fresh
check_out "makes the folder" '^two$' inside 'cat /tmp/fresh/sub/b'
inside 'ln -s /tmp/into /tmp/door'
check "through a link of the container's" "$DEVENV" cp new web:/tmp/door
check_out "goes where it leads" '^new$' inside 'cat /tmp/into/new'
ln -s src/a alink
check "a link" "$DEVENV" cp alink web:/tmp
check_out "stays a link" '^src/a$' inside 'readlink /tmp/alink'
check "a link with -L" "$DEVENV" cp -L alink web:/tmp/followed
check_out "is what it leads to" '^one$' inside 'cat /tmp/followed'
check "into every container of a scaled service" "$DEVENV" cp new many:/tmp/new
for n in 1 2; do
	check_out "is there in number $n" '^new$' "$DEVENV" exec -T --index $n many cat /tmp/new
done
check "into one of them" "$DEVENV" cp --index 2 new many:/tmp/second
expect_fail "and not the other" 1 '' "$DEVENV" exec -T --index 1 many test -e /tmp/second
check "a tar from stdin" bash -c "tar -c src | '$DEVENV' cp - web:/var"
check_out "is unpacked" '^two$' inside 'cat /var/src/sub/b'
check "a service that does not run" "$DEVENV" cp new idle:/etc/new

# --- out ----------------------------------------------------------------------------------------
mkdir out
check "out of a service that does not run" "$DEVENV" cp idle:/etc/new out/idle
check "has what was copied in" holds out/idle new
check "a file out, into a folder" "$DEVENV" cp web:/tmp/a out
check "keeps its name" holds out/a one
check_out "and its mode, but for set-id bits" '^755$' stat -c %a out/a
check "a file out, over another" "$DEVENV" cp web:/tmp/other out/a
check "replaces it" holds out/a new
check "a folder out, into a folder" "$DEVENV" cp web:/tmp/src out
check_out "goes into it" '^[.] ./a ./link ./sub ./sub/b $' tree out/src
check_out "with its modes" '^750$' stat -c %a out/src/sub
check_out "and links" '^a$' readlink out/src/link
check "a folder out, to where nothing is" "$DEVENV" cp web:/tmp/src out/named
check_out "gets that name" '^[.] ./a ./link ./sub ./sub/b $' tree out/named
mkdir out/flat
check "what a folder holds" "$DEVENV" cp web:/tmp/src/. out/flat
check_out "goes into the folder" '^[.] ./a ./link ./sub ./sub/b $' tree out/flat
check "what a folder holds, to where nothing is" "$DEVENV" cp web:/tmp/src/. out/fresh
check_out "makes the folder" '^[.] ./a ./link ./sub ./sub/b $' tree out/fresh
inside 'mkdir /tmp/empty'
check "an empty folder" "$DEVENV" cp web:/tmp/empty/. out/empty
check_out "is made" '^[.] $' tree out/empty
check "a link out" "$DEVENV" cp web:/tmp/alink out
if [[ $ENGINE == podman ]]; then
	check "is followed, as Podman does" holds out/alink one
else
	check_out "stays a link" '^src/a$' readlink out/alink
fi
check "a link out, with -L" "$DEVENV" cp -L web:/tmp/alink out/followed
check "is what it leads to" holds out/followed one
check_out "a tar to stdout" '^src/sub/b$' bash -c "'$DEVENV' cp web:/tmp/src - | tar -t"
inside 'head -c 30000000 /dev/urandom >/tmp/large; cd /tmp; ln large twin; mkdir pair; mv large twin pair'
check "thirty megabytes, by two names" "$DEVENV" cp web:/tmp/pair out
check "are the same bytes" test "$(inside 'sha256sum </tmp/pair/large')" = \
	"$(sha256sum <out/pair/large)"
check "and one file" test out/pair/large -ef out/pair/twin
inside 'mkdir /tmp/closed; echo deep >/tmp/closed/file; chmod 555 /tmp/closed'
check "a folder that may not be written in" "$DEVENV" cp web:/tmp/closed out
check_out "is filled first" '^555 deep$' bash -c 'echo $(stat -c %a out/closed) $(cat out/closed/file)'
chmod 755 out/closed
inside "printf 'bytes' >\$'/tmp/pair/na\\xffme'; echo x >/tmp/pair/ümlaut"
check "names in any bytes" env LC_ALL=C "$DEVENV" cp web:/tmp/pair/. out/names
check "are kept" test -s out/names/$'na\xffme' -a -s out/names/ümlaut

# --- what must not happen -------------------------------------------------------------------------
mkdir outside
inside 'mkdir -p /tmp/trap/x; echo bad >/tmp/trap/x/planted'
mkdir -p out/trap
ln -s "$PWD/outside" out/trap/x
expect_fail "a link at the destination is not followed" 1 '"x" there is no folder' \
	"$DEVENV" cp web:/tmp/trap out
check "and nothing is written behind it" test -z "$(ls outside)"
inside 'mkdir /tmp/evil; ln -s ../../outside /tmp/evil/x; ln -s / /tmp/evil/root'
check "links of the container are only copied" "$DEVENV" cp web:/tmp/evil out
check_out "as they are" '^../../outside /$' bash -c 'echo $(readlink out/evil/x) $(readlink out/evil/root)'
expect_fail "a folder over a file" 2 'is a file; a folder cannot' "$DEVENV" cp web:/tmp/src out/a
expect_fail "a folder over a file inside" 2 'is a file; a folder cannot' "$DEVENV" cp src web:/tmp/a
mkdir -p out/clash/a
expect_fail "a file over a folder below" 1 'replace a folder' "$DEVENV" cp web:/tmp/src/. out/clash
expect_fail "a path that is not there" 2 'web-1 has nothing at /nowhere' "$DEVENV" cp web:/nowhere .
expect_fail "a folder that is not there" 2 'there is no folder .*/nowhere/deeper; make it first' \
	"$DEVENV" cp web:/tmp/a nowhere/deeper/a
expect_fail "a folder that is not there inside" 1 'has no folder /nowhere/deeper' \
	"$DEVENV" cp new web:/nowhere/deeper/a
expect_fail "a source that is not there" 2 'copy nothing: No such file' "$DEVENV" cp nothing web:/tmp
expect_fail "two services" 2 'both paths are in services' "$DEVENV" cp web:/tmp/a many:/tmp
expect_fail "no service" 2 'neither path is in a service' "$DEVENV" cp new out
expect_fail "an unknown service" 2 'wbe' "$DEVENV" cp wbe:/tmp/a .
expect_fail "a container that is not there" 1 'has no container 7' "$DEVENV" cp --index 7 web:/tmp/a .
expect_fail "stdin into two containers" 2 'only once' bash -c "tar -c src | '$DEVENV' cp - many:/tmp"
check "no half file is left anywhere" no_leftovers
inside 'truncate -s 100G /tmp/huge'
interrupted() {
	local pid status=0
	"$DEVENV" cp web:/tmp/huge out/huge >cp.log 2>&1 </dev/null &
	pid=$!
	wait_for 20 bash -c 'ls -A out | grep -q "^[.]devenv-"' || status=1
	kill -INT "$pid"
	wait "$pid" && status=1
	[[ ! -e out/huge ]] && no_leftovers && return "$status"
}
check "Ctrl-C leaves no half file" interrupted

# --- attach ---------------------------------------------------------------------------------------
state() { api GET "/containers/$(containers copy "$1")/json" | jq -r .State.Status; }
is() { [[ $(state "$1") == "$2" ]]; }
said() { grep -aq "$1" "$T/said"; }

# A terminal of 33 by 44 with attach in it, which reads its keys from descriptor 7: on_terminal OPTIONS...
on_terminal() {
	rm -f "$T/keys" "$T/said"
	mkfifo "$T/keys"
	script -qefc "stty rows 33 cols 44; $DEVENV attach $* console" "$T/said" \
		<"$T/keys" >/dev/null 2>&1 &
	terminal=$!
	exec 7>"$T/keys"
	# The first line may come before the process is attached.
	wait_for 10 eval 'printf "hello\r" >&7; said "got hello"'
}
left() { # with which status the terminal's command ended
	local status=0
	wait "$terminal" || status=$?
	exec 7>&-
	[[ $status == "$1" ]]
}

check "up of what is attached to" "$DEVENV" up console filter plain
on_terminal
pass "attach gives a terminal's lines to the process"
printf 'size\r' >&7
check "which has the terminal's size" wait_for 10 said '33 44'
printf '\x10still there\r' >&7
check "half of the detach keys is only a key" wait_for 10 said 'still there'
printf '\x10\x11' >&7
check "ctrl-p,ctrl-q leaves" left 0
check "and it goes on" is console running
on_terminal --detach-keys ctrl-x,x
printf '\x18x' >&7
check "other detach keys leave too" left 0
on_terminal
printf 'quit\r' >&7
check "the status is the process's" left 5
check "which has ended" wait_for 10 is console exited

expect_fail "attach without a terminal passes stdin, and the status" 5 '' \
	bash -c "printf 'one\ntwo\nquit\n' | '$DEVENV' attach filter >filtered"
check_out "and stdout" '^got two$' cat filtered
attach_plain() {
	rm -f "$T/said"
	"$DEVENV" attach "$@" plain >"$T/said" 2>"$T/plain.err" </dev/null &
	terminal=$!
	wait_for 10 said tick
}
attach_plain --sig-proxy=false
kill -INT "$terminal"
check "Ctrl-C only leaves without --sig-proxy" left 0
check "so that it goes on" is plain running
attach_plain
kill -TERM "$terminal"
check "a signal is passed on, and the status comes back" left 7
check "as the process answered it" said 'on term'
expect_fail "attach to what does not run" 1 'plain is not running; start it with `devenv up plain`' \
	"$DEVENV" attach plain
"$DEVENV" pause web
expect_fail "attach to what is paused" 1 'devenv unpause web' "$DEVENV" attach web
"$DEVENV" unpause web
expect_fail "detach keys that are none" 2 '"ctrl-7" is no key' "$DEVENV" attach --detach-keys ctrl-7 web


# --- stats ----------------------------------------------------------------------------------------
check "up of what is busy" "$DEVENV" up busy
"$DEVENV" stats --no-stream --format json web busy idle -a >stats.json
says() { jq -es "$1" stats.json; }
check "stats has one object for each container" says 'map(.service) | sort == ["busy", "idle", "web"]'
check "a loop uses CPU, and not more than one" says \
	'.[] | select(.service == "busy") | .cpu_percent > 5 and .cpu_percent < 150'
check "sleep does not" says '.[] | select(.service == "web") | .cpu_percent < 5'
check "memory, its limit and processes" says '.[] | select(.service == "web") |
	.memory > 0 and .memory_limit > .memory and .memory_percent > 0 and .pids >= 1'
check "network" says '.[] | select(.service == "web") | .net_received + .net_sent > 0'
check "zeros for what is stopped" says '.[] | select(.service == "idle") | .memory == 0 and .pids == 0'
check_out "the table" '^copy-web-1 +[0-9.]+% +[0-9.]+ [kM]?B / [0-9.]+ GB ' "$DEVENV" stats --no-stream web
repeated() { # printed again and again, and Ctrl-C is success
	rm -f repeated
	"$DEVENV" stats "$@" web >repeated 2>&1 </dev/null &
	local pid=$! status=0
	wait_for 15 eval '(($(grep -c web repeated) >= 3))' || status=1
	kill -INT "$pid"
	wait "$pid" && return "$status"
}
check "plain lines are repeated" repeated
check "so are objects" repeated --format json
check "one a line" jq -es 'length >= 3 and all(.[]; .service == "web")' repeated
redrawn_twice() { (($(grep -ac $'\033[[]H' redrawn) >= 2)); }
script -qefc "$DEVENV stats web" redrawn >/dev/null 2>&1 </dev/null &
terminal=$!
check "a terminal's table is redrawn in its place" wait_for 15 redrawn_twice
kill "$terminal"
wait "$terminal" || true
"$DEVENV" kill web
expect_fail "nothing to show" 1 'nothing of it runs' "$DEVENV" stats web

check "down" "$DEVENV" down
finish
