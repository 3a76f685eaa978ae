#!/usr/bin/env bash
# Results that cannot be written are errors; a reader that goes away is none.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

full() { # ARG...
	status=0
	"$DEVENV" "$@" >/dev/full 2>"$err" || status=$?
	status_is 1 && has "$err" "write to standard output"
}

closed_pipe() { # ARG...: the reader is gone before the first byte
	local statuses
	{
		exec 3> >(exec true)
		wait $!
		status=0
		"$DEVENV" "$@" >&3 2>"$err" || status=$?
		exec 3>&-
	}
	statuses=$status
	[[ $statuses -eq 141 ]] && empty "$err"
}

ok "help to a full disk" full help
ok "version to a full disk" full version --format json
ok "a closed pipe ends quietly" closed_pipe help
run version
ok "version" grep -qE '^devenv [0-9]+\.[0-9]+\.[0-9]+$' "$out"
run --version
ok "--version" grep -qE '^devenv [0-9]+\.[0-9]+\.[0-9]+$' "$out"
run version --format json
ok "version as JSON" test "$(jq '.version and .os and .arch' "$out")" = true
ok "no standard files at all" bash -c '"$1" version <&- >&- 2>&-' - "$DEVENV"
