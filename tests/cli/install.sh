#!/usr/bin/env bash
# `make install` under DESTDIR: the program, the man page, the completions and the templates.
set -euo pipefail
# shellcheck source=tests/cli/lib.sh
source tests/cli/lib.sh

# -o all: test what is built, do not build it again with other flags.
status=0
make -s -o all install BUILD="$(dirname "$DEVENV")" DESTDIR="$work/root" PREFIX=/usr \
	>"$out" 2>"$err" || status=$?
ok "make install" status_is 0
for file in bin/devenv share/man/man1/devenv.1 share/bash-completion/completions/devenv \
	share/zsh/site-functions/_devenv share/fish/vendor_completions.d/devenv.fish; do
	ok "installs $file" not_empty "$work/root/usr/$file"
done
ok "the installed program runs" "$work/root/usr/bin/devenv" version
ok "installs the templates" test -n "$(ls "$work/root/usr/share/devenv/templates" 2>/dev/null)"
ok "bash's completion is the program's" cmp "$work/root/usr/share/bash-completion/completions/devenv" \
	<("$DEVENV" completion bash)
