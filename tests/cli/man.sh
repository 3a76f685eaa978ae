#!/usr/bin/env bash
# The man page renders without a warning and names every command and global option.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

page=$work/devenv.1
"$DEVENV" __gen man >"$page"
ok "the built page is the program's" cmp "$page" "${MAN_PAGE:?}"
MANWIDTH=80 man -l --warnings -Tutf8 "$page" >"$work/raw" 2>"$err"
sed 's/.\x08//g' "$work/raw" >"$out"
ok "no warnings" empty "$err"
while read -r name; do
	ok "the page describes $name" grep -qE "^ +devenv $name( |\$)" "$out"
done < <(command_names)
"$DEVENV" help | sed -n 's/^ .*\(--[a-z-]*\).*/\1/p' | sort -u >"$work/options"
while read -r option; do
	[[ $option == --version ]] || ok "the page has $option" has "$out" "$option"
done <"$work/options"
