#!/usr/bin/env bash
# Wrong command lines: one line on stderr, nothing on stdout, exit status 2, and a way on.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

refused() { # TEXT ARG...
	local text=$1
	shift
	run "$@"
	status_is 2 && empty "$out" && has "$err" "$text" && [[ $(wc -l <"$err") -eq 1 ]]
}

ok "unknown command, suggestion" refused 'unknown command "vresion" (did you mean "version"?)' vresion
ok "unknown command, none near" refused 'see "devenv help"' qqqqqqqq
ok "unknown option, suggestion" refused '(did you mean --directory?)' --directroy x version
ok "unknown option of a command" refused 'unknown option --qqqqqqq' version --qqqqqqq
ok "unknown letter" refused 'unknown option -Z' version -Z
ok "a value is missing" refused '--project-name needs a value' version --project-name
ok "a letter's value is missing" refused '-p needs a value' version -p
ok "a wrong choice, suggestion" refused '(did you mean "plain"?)' --progress plian version
ok "a flag with a wrong value" refused '--verbose takes true or false' --verbose=perhaps version
ok "too many arguments" refused 'unexpected argument "x"' version x
ok "too few arguments" refused 'usage: devenv completion bash|zsh|fish' completion
ok "an unknown shell" refused 'bash, zsh or fish' completion tcsh
ok "help of an unknown command" refused '(did you mean "version"?)' help verison
ok "--format where nothing is read" refused 'prints nothing that --format could change' \
	completion bash --format json
ok "no such folder" refused 'go to folder "/nowhere/at/all"' -C /nowhere/at/all version

run --progress json vresion
ok "an error as JSON" test "$(jq '.event == "error" and .kind == "usage" and .status == 2' "$err")" = true

escape=$'\e]0;owned\a'
run "$escape"
shown() { has "$err" 'unknown command "\x1b]0;owned\x07"' && ! grep -q "$escape" "$err"; }
ok "control characters are shown, not passed on" shown
