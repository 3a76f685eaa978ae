#!/usr/bin/env bash
# The engine client by itself, against the engine: each kind of request and stream that devenv uses.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

build=$(dirname "$DEVENV")
program=$build/tests/engine_api

# -o: the library is built, and is not built again with other flags.
check "build the client's test" make -s -C "$HERE/../.." -o "$build/libdevenv.a" BUILD="$build" "$program"
ref=$(image base)
check "the image is there" api POST "/images/create?fromImage=${ref%:*}&tag=${ref##*:}" \
	-o /dev/null
timeout -k 5 200 "$program" "$ref" >"$T/tap" 2>"$T/tap.err" </dev/null || status=$?
mapfile -t lines <"$T/tap"
for i in "${!lines[@]}"; do
	case ${lines[i]} in
	'ok '*) pass "${lines[i]#ok * - }" ;;
	'not ok '*) fail "${lines[i]#not ok * - }" "${lines[i + 1]:-}" "$T/tap.err" ;;
	esac
done
check "the test came to its end" grep -qE '^1\.\.[0-9]+$' "$T/tap"
finish
