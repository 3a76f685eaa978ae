#!/usr/bin/env bash
# engine: none
# `ssh_engine: openssh`: the same tunnels, through the installed ssh.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=23111
ECHO_PORT=23112
BYE_PORT=23113
# shellcheck source=tests/e2e/tunnels.sh
source "$HERE/tunnels.sh"
TUNNEL_KEYS=('ssh_engine: openssh')

make_keys
at_exit stop_sshd
start_echo
start_sshd
export DEVENV_SSH_CONFIG=$S/config

# === bytes ===

programs() { pgrep -P "$tunnel_pid" -x ssh; }
one_program() { [[ $(programs | wc -l) == 1 ]]; }
folders() { find "$XDG_RUNTIME_DIR/devenv" -name 'ssh.*'; }

workspace plain
check 'a tunnel comes up' up plain
check 'of one ssh' one_program
check 'whose control socket is gone' test -z "$(folders)"
check 'one connection carries 30 MB both ways, half-closed by the client' \
	echo_bytes 30000000 "$S/one"
check '60 connections at once keep their bytes apart' many 60 500000
check 'an empty connection ends' echo_bytes 0 "$S/none"
pipes() { find "/proc/$tunnel_pid/fd" -lname 'pipe:*' | wc -l; }
carried_by_ssh() {
	local before during line=
	before=$(pipes)
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	printf 'hello\n' >&7
	read -rt 20 -u 7 line
	during=$(pipes)
	exec 7>&-
	[[ $line == hello ]] && ((during == before + 2))
}
check 'on a short line ssh carries them by itself' wait_for 10 carried_by_ssh
logged() {
	"$DEVENV" -C "$T/plain" tunnel logs --format json -n 1000 >"$S/logs"
	jq -e 'any(.[]; .bytes_up == 30000000 and .bytes_down == 30000000 and
		.check == "off" and .why == "the client closed")' "$S/logs"
}
check 'and all of their bytes are in the log' wait_for 5 logged
check 'a client that goes away in the middle harms nobody' reset_in_the_middle
check 'a client that does not read harms nobody' stuck_reader
wait_for 10 hello
check 'it takes no processor time when idle' is_idle "$tunnel_pid"
check 'all of it through one ssh session' one_session

# === staying up ===

check 'the next connection works after the ssh session is killed' survives_kill
check_out 'it says so' 'connect(ing|ed) again' cat "$T/plain/err"
survives_program() {
	kill -KILL "$(programs)"
	hello
}
check 'and after the program is' survives_program
reset_when_lost() {
	# An answer that is cut off must not look like a whole one.
	local pid
	{ printf 'hello' && sleep 30; } | timeout 60 socat -d -t 1 - "TCP:127.0.0.1:$port" \
		>"$S/cut" 2>"$S/cut.err" &
	pid=$! # another one after wait_for, which starts processes too
	wait_for 10 grep -q hello "$S/cut"
	kill -KILL "$(programs)"
	wait "$pid" || true
	cat "$S/cut.err" >&2
	grep -q 'reset by peer' "$S/cut.err"
}
check 'a connection is reset with it' reset_when_lost
check 'a connection made while sshd is away waits for it' held_during_outage
silence_found() {
	local pid
	wait_for 10 one_child
	pid=$(pgrep -P "$(cat "$S/sshd.pid")")
	kill -STOP "$pid"
	wait_for 15 grep -q 'silent' "$T/plain/err" || return 1
	kill -KILL "$pid"
	wait_for 5 hello
}
check 'a session that went silent is found and replaced' silence_found
check 'Ctrl-C ends it with status 0' down

workspace ends
key ends to "127.0.0.1:$SSHD_PORT"
check 'a tunnel to a server that closes first' up ends
check 'its ends come with its last bytes' ends_at_once
check 'and it ends' down
socat "TCP-LISTEN:$BYE_PORT,bind=127.0.0.1,reuseaddr,fork" SYSTEM:'echo bye' 2>"$S/bye.log" &
at_exit kill $!
workspace bye
key bye to "127.0.0.1:$BYE_PORT"
servers_end() {
	local i
	up bye || return 1
	for i in 1 2 3; do # the client says nothing, and closes only after the server
		[[ $(timeout 60 socat -u "TCP:127.0.0.1:$port" -) == bye ]] || return 1
	done
	down
}
check 'the end that a server makes reaches the client' servers_end
workspace socket "socket: $S/run/reader.sock"
through_socket() {
	local i
	up socket || true # it has no port
	for i in 1 2; do
		head -c 3000000 /dev/urandom >"$S/sent"
		timeout 60 socat -t 60 - "UNIX:$S/run/reader.sock" <"$S/sent" >"$S/got" || return 1
		cmp "$S/sent" "$S/got" || return 1
	done
	down
}
check 'a Unix socket' through_socket
gone() { not pgrep -f "ssh .*-o ControlMaster=yes .*-p $SSHD_PORT"; }
check 'and its ssh' wait_for 5 gone
killed() { kill -KILL "$tunnel_pid" && wait_for 5 gone; }
check 'a tunnel that is killed' up plain
check 'leaves no ssh behind' killed

# === what libssh2 cannot do ===

ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/ca"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/signed"
ssh-keygen -q -s "$S/ca" -I someone -n root "$S/signed.pub"
ssh-keygen -q -s "$S/ca" -h -I here -n 127.0.0.1 "$S/host_ed25519.pub"
printf '@cert-authority * %s\n' "$(cut -d' ' -f1,2 "$S/ca.pub")" >"$S/known_ca"
stop_sshd
start_sshd "TrustedUserCAKeys $S/ca.pub"
workspace signed
key signed identity "$S/signed"
check 'a user certificate' works signed
key signed ssh_engine libssh2
expect_fail 'which libssh2 cannot use, and says what can' 10 \
	'signed-cert.pub.*"ssh_engine: openssh"' tunnel_in signed
stop_sshd
start_sshd "HostCertificate $S/host_ed25519-cert.pub"
workspace certified
key certified known_hosts "$S/known_ca"
check 'a host certificate' works certified
stop_sshd
start_sshd "HostKey $S/user_rsa" "KexAlgorithms sntrup761x25519-sha512@openssh.com"
workspace exchange
check 'a key exchange of its own' works exchange
key exchange ssh_engine libssh2
expect_fail 'which libssh2 does not have, and says what has' 10 \
	'no algorithm in common.*"ssh_engine: openssh"' tunnel_in exchange
stop_sshd
start_sshd

# === keys and host keys: the same errors as the other engine's ===

workspace encrypted
key encrypted identity "$S/user_encrypted"
check 'ssh asks for the passphrase on the terminal' on_terminal encrypted passphrase secret
workspace asked
key asked known_hosts "$S/known_asked"
check 'and about an unknown host' on_terminal asked 'yes/no' yes
check 'which then is known' works asked

workspace bad
key bad identity "$S/stranger"
expect_fail 'a key that is not authorised' 10 'does not let "root" in.*authorized_keys' tunnel_in bad
key bad identity "$S/user_encrypted"
expect_fail 'an encrypted key without a terminal' 10 'user_encrypted has a passphrase.*ssh-add /' \
	tunnel_in bad
key bad identity "$S/user_open"
expect_fail 'a key that others can read' 10 'user_open can be read by others.*chmod 600' tunnel_in bad
key bad identity "$S/missing"
expect_fail 'a key that is not there' 10 'missing.*No such file' tunnel_in bad
key bad identity "$S/no_key"
expect_fail 'a key that is no key' 10 'is no private key' tunnel_in bad
key bad identity "$S/user"
key bad known_hosts "$S/known_none"
print=$(ssh-keygen -lf "$S/host_ed25519.pub" | cut -d' ' -f2)
expect_fail 'an unknown host: its fingerprint and how to add it' 10 \
	"unknown host.*${print//+/\\+}.*ssh-keyscan -p $SSHD_PORT" tunnel_in bad
check 'nothing was added' not test -s "$S/known_none"
key bad known_hosts "$S/known_changed"
expect_fail 'a changed host key: file and line' 10 'has changed: .*known_changed line 1' \
	tunnel_in bad
key bad known_hosts "$S/known_revoked"
expect_fail 'a revoked host key' 10 'is revoked in known_hosts: refused. Ask' tunnel_in bad
key bad known_hosts "$S/known"
cut -d' ' -f1,2 "$S/host_ed25519.pub" >"$S/revoked"
for name in revoked revoked_missing; do
	printf 'RevokedHostKeys %s\n' "$S/$name" >"$S/config"
	expect_fail "RevokedHostKeys: $name" 10 \
		'(is revoked in .*/revoked: refused|RevokedHostKeys .*_missing.*No such)' tunnel_in bad
done
: >"$S/config"
workspace pinned "host_key: \"$print\""
key pinned known_hosts "$S/known_none"
check 'a pinned fingerprint' works pinned
workspace mispinned "host_key: \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
expect_fail 'a pinned fingerprint of another key' 10 "is ${print//+/\\+}, but the manifest pins" \
	tunnel_in mispinned

# === by every command ===

bad_input_everywhere 22699

# === what can be in the way ===

workspace taken "port: $ECHO_PORT"
expect_fail 'a taken local port names who holds it' 10 \
	"port $ECHO_PORT is taken by socat .*change \"port\"" tunnel_in taken
workspace way
sed -i 's|to: .*|to: 127.0.0.1:22699|' "$T/way/compose.yaml"
expect_fail 'a database that is down' 10 \
	'cannot connect to 127.0.0.1:22699: nothing listens there.*Connection refused' \
	tunnel_in way
sed -i 's|to: .*|to: no-such-host.invalid:3306|' "$T/way/compose.yaml"
expect_fail 'a name that the server cannot resolve is told from it' 10 \
	'does not know the name "no-such-host.invalid" \((Name or service not known|Temp)' tunnel_in way
sed -i 's|via: .*|via: root@no-such-host.invalid|' "$T/way/compose.yaml"
expect_fail 'a bastion whose name is unknown' 10 \
	'"no-such-host.invalid" cannot be resolved.*check "via"' tunnel_in way
sed -i "s|via: .*|via: root@127.0.0.1:22699|" "$T/way/compose.yaml"
expect_fail 'a bastion that is down' 10 'port 22699: Connection refused.*VPN' tunnel_in way
sed -i "s|via: .*|via: root@127.0.0.1:$ECHO_PORT|" "$T/way/compose.yaml"
expect_fail 'a bastion that is no ssh server' 10 "127.0.0.1:$ECHO_PORT" tunnel_in way
no_program() { PATH=$T/empty tunnel_in plain; }
expect_fail 'no ssh installed' 10 'apt install openssh-client' no_program
stop_sshd
start_sshd 'AllowTcpForwarding no'
expect_fail 'a server that forbids forwarding' 10 'forbids forwarding' tunnel_in plain
stop_sshd
start_sshd 'MaxSessions 0' 'ClientAliveInterval 1' 'ClientAliveCountMax 4'
check 'a server without sessions (MaxSessions 0)' up plain
kept_idle() {
	# sshd asks a channel when there is one: whoever holds it has to answer.
	{ sleep 8 && printf 'hello'; } | exchange >"$S/idle"
	[[ $(cat "$S/idle") == hello ]]
}
check 'its keepalives are answered for an idle connection' kept_idle
check 'without a reconnect' not grep -q 'again' "$T/plain/err"
check 'it ends with status 0' down
stop_sshd
start_sshd 'RekeyLimit 1M'
check 'a server that changes keys every MB' up plain
check 'loses no byte' many 8 6000000
check 'and needs no reconnect' not grep -q 'again' "$T/plain/err"
check 'and ends with status 0' down
stop_sshd

finish
