#!/usr/bin/env bash
# What is said of manifests that are wrong, word for word: tests/data/diagnostics/NAME.yaml, or the
# folder NAME/ of several files, against NAME.txt.  The texts are read by people before they are
# committed:
#	DEVENV=build/devenv tests/cli/diagnostics.sh --update [NAME...]
# writes them anew.
set -euo pipefail

DEVENV=$(realpath "${DEVENV:-build/devenv}"); export DEVENV
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

# What the command line says of a case, its exit status in the last line.
report() { # NAME
	local name=$1 status=0 args=()

	if [[ -d $name ]]; then
		cd "$name"
	else
		args=(-f "$name.yaml")
	fi
	env -i PATH="$PATH" HOME="$work" LANG=C.UTF-8 TERM=dumb \
		timeout 20 "$DEVENV" "${args[@]}" config -q </dev/null 2>&1 || status=$?
	echo "exit status $status"
}

update=false
if [[ ${1:-} == --update ]]; then
	update=true
	shift
fi
cd tests/data/diagnostics
if [[ $# -eq 0 ]]; then
	for file in *; do
		[[ $file == *.txt ]] || set -- "$@" "${file%.yaml}"
	done
fi
for name; do
	(report "$name") >"$out"
	if $update; then
		cp "$out" "$name.txt"
	else
		ok "$name" diff -u "$name.txt" "$out"
	fi
done
$update && exit

run -f key-types.yaml config -q --format json
listed() { # FILTER: true of the list
	jq -e "$1" "$out" >/dev/null
}
ok "as JSON: still refused" status_is 3
ok "as JSON: all of them, in order" listed 'map([.file, .line, .column, .severity]) ==
	[["key-types.yaml", 4, 19, "error"], ["key-types.yaml", 4, 25, "error"]]'
ok "as JSON: the path, what and what to do" listed '.[0] | .path == "services.web.environment.1" and
	(.message | test("not a string")) and .hint == "put it in quotes: \"1\""'
run -f tags.yaml config -q --format json
ok "as JSON: warnings" listed 'length == 2 and all(.severity == "warning")'
ok "as JSON: warnings refuse nothing" status_is 0
