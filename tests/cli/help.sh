#!/usr/bin/env bash
# Help goes to stdout, ends with 0 and fits 80 columns, for every command.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

fits() { ! grep -nE '.{81}' "$out"; }

good_help() { # ARG...
	run "$@"
	status_is 0 && empty "$err" && not_empty "$out" && fits
}

ok "devenv" good_help
ok "devenv --help" good_help --help
ok "devenv -h" good_help -h
ok "devenv help environment" good_help help environment
run help
ok "the overview lists every command" test \
	"$("$DEVENV" __complete command "" | while read -r name; do
		grep -cE "^  $name( |\$)" "$out"
	done | sort -u)" = 1
while read -r name; do
	# shellcheck disable=SC2086 # "engine start" is two words
	ok "devenv $name --help" good_help $name --help
	cp "$out" "$work/option"
	# shellcheck disable=SC2086
	ok "devenv help $name" good_help help $name
	ok "both helps of $name are one" cmp "$work/option" "$out"
	ok "help of $name begins with its usage" grep -q "^Usage: devenv $name" "$out"
done < <(command_names)
