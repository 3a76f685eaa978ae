#!/usr/bin/env bash
# engine: none
# Logging in at an ssh server with what a person types: PAM's passwords and one-time codes.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=24111
ECHO_PORT=24112
# shellcheck source=tests/e2e/tunnels.sh
source "$HERE/tunnels.sh"

# A PAM and passwords of sshd's own. A code of the second factor is good for one login.
make_login() {
	mkdir -p "$S/pam.d"
	printf 'root:%s:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n' \
		"$(openssl passwd -6 opensesame)" >"$S/shadow"
	printf 'Welcome to \033]0;bastion\007the bastion.\n' >"$S/welcome"
	codes >"$S/codes"
	chmod 400 "$S/codes"
	cat >"$S/sshd_pam" <<-'END'
		#!/bin/sh
		exec unshare -m sh -c 'mount --bind "$1/pam.d" /etc/pam.d &&
			mount --bind "$1/shadow" /etc/shadow && shift && exec /usr/sbin/sshd "$@"' sh \
	END
	printf '\t"%s" "$@"\n' "$S" >>"$S/sshd_pam"
	chmod 755 "$S/sshd_pam"
	SSHD=("$S/sshd_pam")
}
codes() {
	printf 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n" TOTP_AUTH\n'
	seq 10000001 10000020
}

# with_pam LINE...: sshd asks what these lines of a PAM service ask
with_pam() {
	printf '%s\n' "$@" 'account required pam_permit.so' 'session required pam_permit.so' \
		>"$S/pam.d/sshd"
	cp "$S/pam.d/sshd" "$S/pam.d/other"
}
password='auth required pam_unix.so nodelay'
code="auth required pam_google_authenticator.so secret=$S/codes user=root no_strict_owner"
welcome="auth optional pam_echo.so file=$S/welcome"

# sshd_with LINE...: with PAM
sshd_with() {
	stop_sshd
	start_sshd "$@" 'UsePAM yes' 'PermitRootLogin yes' 'PasswordAuthentication no' \
		'KbdInteractiveAuthentication yes'
}

# no_key NAME: the workspace's tunnel has none to try
no_key() {
	workspace "$@"
	sed -i '/identity:/d' "$T/$1/compose.yaml"
}
failures() { grep -c 'Failed\|failure' "$S/sshd.log" || true; }

make_keys
make_login
at_exit stop_sshd
start_echo
printf 'Host *\n  IdentityFile none\n  IdentityAgent none\n' >"$S/config"
export DEVENV_SSH_CONFIG=$S/config

# === keyboard-interactive ===

with_pam "$welcome" "$password"
check 'sshd with PAM starts' sshd_with
no_key asked
check 'a password is asked for on the terminal' on_terminal asked 'Password: ' opensesame
check 'and does not appear there' not grep -q opensesame "$T/asked/screen"
check 'whose it is does' grep -q "(root@127.0.0.1:$SSHD_PORT) Password: " "$T/asked/screen"
check 'the words before it do, made harmless' grep -qF 'Welcome to \x1b]0;bastion\x07the' \
	"$T/asked/screen"
expect_fail 'without a terminal' 10 \
	"root@127.0.0.1:$SSHD_PORT does not let \"root\" in.*keyboard-interactive: \"Password:.*terminal.*tunnel up reader" \
	tunnel_in asked
: >"$S/sshd.log"
without_answer() { tunnel_in asked 2>/dev/null; [[ $(failures) == 0 ]]; }
check 'no wrong answer is given then' without_answer
corrected() { on_terminal asked 'Password: ' wrong 'not accepted' opensesame; }
check 'a wrong one can be put right' corrected
refused() {
	: >"$S/sshd.log"
	converse asked 'tunnel reader' 'Password: ' wrong 'Password: ' worse 'Password: ' worst
	converse_ends asked
}
expect_fail 'after three it is enough' 10 'keyboard-interactive: wrong answers' refused
three() { [[ $(grep -c 'PAM: Authentication failure' "$S/sshd.log") == 3 ]]; }
check 'for the server too' three
printf 'Host *\n  IdentityFile none\n  BatchMode yes\n' >"$S/config"
unasked() { converse asked 'tunnel reader'; converse_ends asked; }
expect_fail 'BatchMode: nobody is asked' 10 'was not answered' unasked
printf 'Host *\n  IdentityFile none\n  KbdInteractiveAuthentication no\n' >"$S/config"
expect_fail 'the configuration can turn it off' 10 'There was no key to try' tunnel_in asked
printf 'Host *\n  IdentityFile none\n  IdentityAgent none\n' >"$S/config"

# === several questions ===

check 'sshd wants a key and more' sshd_with 'AuthenticationMethods publickey,keyboard-interactive'
workspace both
check 'a key, then a password' on_terminal both 'Password: ' opensesame
expect_fail 'without a terminal the key is not blamed' 10 \
	"accepts $S/user of \"root\" and wants keyboard-interactive too.*\"Password:" tunnel_in both
with_pam "$password" "$code"
check 'a password, then a code' on_terminal both 'Password: ' opensesame 'code: ' 10000001
check 'neither appears' not grep -q '10000001\|opensesame' "$T/both/screen"
code_again() {
	local answers=('Password: ' opensesame 'code: ' 10000001)
	converse both 'tunnel reader' "${answers[@]}" "${answers[@]}" "${answers[@]}"
	converse_ends both
}
expect_fail 'the code was for once' 10 'wrong answers' code_again
with_pam "$code echo_verification_code"
check 'a code that may be seen' on_terminal both 'code: ' 10000002
check 'is seen' grep -q 10000002 "$T/both/screen"
checked() { converse both 'tunnel check reader' 'code: ' 10000003 && converse_ends both 2>&1; }
check_out 'tunnel check asks too' "login +ok +root, with $S/user and keyboard-interactive" checked

# === a password of ssh's own ===

check 'sshd with passwords' sshd_with 'PasswordAuthentication yes' 'KbdInteractiveAuthentication no'
with_pam "$password"
check 'password authentication' on_terminal asked 'Password: ' opensesame
expect_fail 'without a terminal' 10 'password: "Password: " was not answered' tunnel_in asked

# === in the background ===

tunnel() { "$DEVENV" -C "$T/$1" --progress plain tunnel "${@:2}" </dev/null; }
lost() { [[ $(tunnel "$1" status --format json | jq -r '.[0].state') == lost ]]; }
up_on_terminal() { converse "$1" 'tunnel up' "${@:2}" && converse_ends "$1"; }
serves() {
	port=$(tunnel "$1" status --format json | jq -r '.[0].port')
	hello
}
serves_again() {
	kill_sessions
	wait_for 10 serves "$1"
}
at_exit tunnel asked down
at_exit tunnel both down

check 'sshd asks for a password' sshd_with
expect_fail 'up: without a terminal' 10 'was not answered.*tunnel up reader' tunnel asked up
up_corrected() { up_on_terminal asked 'Password: ' wrong 'not accepted' opensesame; }
check 'up: it is asked for on the terminal, and can be put right' up_corrected
check 'and serves' serves asked
check 'a lost session is made again with it' serves_again asked
changed() {
	printf 'root:%s:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n' \
		"$(openssl passwd -6 another)" >"$S/shadow"
	: >"$S/sshd.log"
	kill_sessions
	wait_for 10 lost asked || return 1
	sleep 3
	[[ $(grep -c 'PAM: Authentication failure' "$S/sshd.log") == 1 ]]
}
check 'when it has changed it is tried once, and no more' changed
check 'and up opens the tunnel again' up_on_terminal asked 'Password: ' another
check 'it serves' serves asked
check 'down' tunnel asked down

with_pam "$password" "$code"
check 'sshd asks for a key, a password and a code' \
	sshd_with 'AuthenticationMethods publickey,keyboard-interactive'
check 'up: each is asked for' up_on_terminal both 'Password: ' another 'code: ' 10000004
check 'and it serves' serves both
nobody() {
	: >"$S/sshd.log"
	kill_sessions
	wait_for 10 lost both && [[ $(failures) == 0 ]]
}
check 'a lost session waits for a person, and guesses nothing' nobody
check_out 'says how to help it' 'accepts .*run "devenv tunnel up reader"' \
	cat "$XDG_STATE_HOME/devenv/tunnels.log"
check 'who opens it again' up_on_terminal both 'Password: ' another 'code: ' 10000005
check 'it serves' serves both
check 'down' tunnel both down

# A question that is another one at each login: its number is that of the next one.
cat >"$S/next_challenge" <<-END
	#!/bin/sh
	n=\$(sed -n 's/.*Challenge \([0-9]*\).*/\1/p' $S/pam.d/sshd)
	sed -i "s/Challenge \$n/Challenge \$((n + 1))/" $S/pam.d/sshd
END
chmod 755 "$S/next_challenge"
with_pam "auth optional pam_exec.so seteuid $S/next_challenge" \
	"${code/ secret/ [authtok_prompt=Challenge 1: ] secret}"
check 'sshd with a challenge' sshd_with
moving() { converse asked 'tunnel up' 'Challenge [0-9]*: ' 10000007; converse_ends asked; }
expect_fail 'up: a question that is another one each time is not asked again and again' 10 \
	'Challenge [0-9]*: ?" is another question each time.*run "devenv tunnel"' moving
check 'which tunnel passes on' on_terminal asked 'Challenge [0-9]*: ' 10000008

# === the installed ssh ===

TUNNEL_KEYS=('ssh_engine: openssh')
with_pam "$password" "$code"
check 'sshd asks for a key, a password and a code' \
	sshd_with 'AuthenticationMethods publickey,keyboard-interactive'
workspace other
check 'ssh_engine openssh: ssh asks by itself' on_terminal other 'Password: ' another \
	'code: ' 10000006
expect_fail 'and says so without a terminal' 10 'takes: keyboard-interactive.*"devenv tunnel" runs on a terminal' \
	tunnel_in other
stop_sshd

finish
