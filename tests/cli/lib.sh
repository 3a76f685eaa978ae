#!/usr/bin/env bash
# What the tests of the command line share.  A test sources this and works in its own folder.
set -euo pipefail

DEVENV=${DEVENV:?the program to test}
root=$(pwd); export root
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
err=$work/err
status=0

# run ARG...: devenv with stdout in $out, stderr in $err, its exit status in $status.
run() {
	status=0
	timeout 20 "$DEVENV" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# ok NAME COMMAND...: the command must succeed; otherwise its output and the last run's are shown.
ok() {
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $*"
		sed 's/^/    said: /' "$work/said" | head -n 10
		[[ ! -f $out ]] || sed 's/^/    out: /' "$out" | head -n 5
		[[ ! -f $err ]] || sed 's/^/    err: /' "$err" | head -n 5
	fi
}

empty() { [[ ! -s $1 ]]; }
not_empty() { [[ -s $1 ]]; }
status_is() { [[ $status -eq $1 ]] || { echo "status $status, not $1"; return 1; }; }
has() { grep -qF -e "$2" "$1"; }

# The words that start a command line: every command, and every subcommand of the README's list.
command_names() {
	"$DEVENV" __complete command ""
	"$DEVENV" __gen readme | sed -n 's/^| `devenv \([a-z]* [a-z]*\)[ `].*/\1/p'
}
