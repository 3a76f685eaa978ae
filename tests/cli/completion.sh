#!/usr/bin/env bash
# The completion scripts, each in its own shell: a command, an option, a value, a service.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

mkdir "$work/shop"
cat >"$work/shop/compose.yaml" <<'END'
services:
  web: {image: nginx}
  worker: {image: nginx}
  db: {image: mariadb}
END
for shell in bash zsh fish; do
	"$DEVENV" completion "$shell" >"$work/devenv.$shell"
done
cp "$work/devenv.zsh" "$work/_devenv"

# complete_SHELL WORD...: what is offered for the last word, one a line, sorted.
complete_bash() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	(cd "$work/shop" && bash --norc -c 'source "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _devenv
		printf "%s\n" "${COMPREPLY[@]}"' - "$work/devenv.bash" "$@" | sort)
}

complete_fish() {
	(cd "$work/shop" && fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' \
		"$work/devenv.fish" "$*" | cut -f 1 | sort)
}

# Types the words and a Tab into an interactive zsh; prints the line that comes of it.
complete_zsh() {
	(cd "$work/shop" && zsh -f tests-zsh "$work" "$*" 2>&1)
}
cp "$root/tests/cli/type.zsh" "$work/shop/tests-zsh"

offers() { # SHELL EXPECTED WORD...: exactly these, separated by spaces
	local shell=$1 expected=$2 got
	shift 2
	got=$("complete_$shell" "$@" | tr '\n' ' ')
	[[ $got == "$expected " ]] || { echo "got: $got"; return 1; }
}

for shell in bash fish; do
	ok "$shell: a command" offers $shell "version" devenv vers
	ok "$shell: an option" offers $shell "--format" devenv version --form
	ok "$shell: a global option" offers $shell "--profile --progress --project-directory --project-name" devenv --pro
	ok "$shell: a value" offers $shell "json" devenv version --format js
	ok "$shell: a shell" offers $shell "zsh" devenv completion z
	ok "$shell: a service" offers $shell "web worker" devenv logs w
	ok "$shell: a service of another file" offers $shell "db" devenv -f compose.yaml logs d
	ok "$shell: options before the command" offers $shell "version" devenv -p x --yes vers
	ok "$shell: a subcommand" offers $shell "start status stop" devenv engine st
	ok "$shell: a template" offers $shell "postgres" devenv new post
	ok "$shell: an own option" offers $shell "--tail" devenv logs --ta
done
ok "bash: a value after =" offers bash "plain" devenv --progress = pl
ok "zsh: a command" offers zsh "devenv version" devenv vers
ok "zsh: an option" offers zsh "devenv version --format" devenv version --form
ok "zsh: a value" offers zsh "devenv version --format json" devenv version --format js
ok "zsh: a value after =" offers zsh "devenv --progress=plain" devenv --progress=pl
ok "zsh: a service" offers zsh "devenv logs web" devenv logs we
ok "zsh: a subcommand" offers zsh "devenv engine status" devenv engine stat

mkdir "$work/broken"
echo 'services: [' >"$work/broken/compose.yaml"
run -C "$work/broken" __complete service ""
ok "a broken manifest completes nothing, quietly" test "$status" -eq 0 -a ! -s "$out" -a ! -s "$err"
ok "a completion takes less than a second" bash -c \
	'start=$(date +%s%N); "$1" -C "$2" __complete service "" >/dev/null
	 test $((($(date +%s%N) - start) / 1000000)) -lt 1000' - "$DEVENV" "$work/shop"
