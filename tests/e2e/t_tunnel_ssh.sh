#!/usr/bin/env bash
# engine: none
# `devenv tunnel` against a real sshd: bytes, half-close, reconnect, keys, host keys and refusals.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=12611
ECHO_PORT=12612
HOLE_PORT=12613
# shellcheck source=tests/e2e/tunnels.sh
source "$HERE/tunnels.sh"
hole_pid=
agent_pid=

make_keys
at_exit stop_sshd
start_echo
start_sshd
export DEVENV_SSH_CONFIG=$S/config

# === bytes ===

workspace plain 'engine: mysql' 'read_only: false' # an echo server is no MySQL
check 'a tunnel comes up' up plain
check_out 'it prints where, through what and to what' \
	"^reader  127\.0\.0\.1:$port -> 127\.0\.0\.1:$ECHO_PORT via root@127\.0\.0\.1:$SSHD_PORT" \
	cat "$T/plain/out"
check_out 'it prints a client to try' "mysql -h 127\.0\.0\.1 -P $port" cat "$T/plain/out"
check 'one connection carries 30 MB both ways, half-closed by the client' \
	echo_bytes 30000000 "$S/one"
check '60 connections at once keep their bytes apart' many 60 500000
check 'an empty connection ends' echo_bytes 0 "$S/none"

check 'a client that goes away in the middle harms nobody' reset_in_the_middle

check 'a client that does not read harms nobody' stuck_reader

wait_for 10 hello
check 'it takes no processor time when idle' is_idle "$tunnel_pid"

# === staying up ===

check 'the next connection works after the ssh session is killed' survives_kill
check_out 'it says so' 'connect(ing|ed) again' cat "$T/plain/err"

check 'a connection made while sshd is away waits for it' held_during_outage

closed_when_too_long() {
	local got rc=0
	stop_sshd
	got=$(printf 'hello' | timeout 20 socat -t 20 - "TCP:127.0.0.1:$port" 2>/dev/null) || rc=$?
	start_sshd
	[[ -z $got && $rc != 124 ]]
}
check 'a connection gets a clear end when sshd stays away' closed_when_too_long
check 'and the port still serves once sshd is back' wait_for 10 hello
check 'Ctrl-C ends it with status 0' down

workspace ends
key ends to "127.0.0.1:$SSHD_PORT"
check 'a tunnel to a server that closes first' up ends
check 'its ends come with its last bytes' ends_at_once
check 'and it ends' down

printf 'ServerAliveInterval 1\nServerAliveCountMax 2\n' >"$S/config"
workspace quiet
check 'a tunnel with quick keepalives' up quiet
sleep 7
check 'an idle session is kept' not grep -q 'again' "$T/quiet/err"
silence_found() {
	local pid
	pid=$(pgrep -P "$(cat "$S/sshd.pid")")
	kill -STOP "$pid"
	wait_for 8 grep -q 'silent' "$T/quiet/err" || return 1
	kill -KILL "$pid"
	wait_for 5 grep -q 'connected again' "$T/quiet/err" && hello
}
check 'a session that went silent is found and replaced' silence_found
check 'and Ctrl-C ends it' down

printf 'ServerAliveInterval 60\n' >"$S/config"
workspace seldom
check 'a tunnel with a keepalive a minute' up seldom
sent() { # bytes, on the ssh connection
	ss -Htin state established "dport = :$SSHD_PORT" | sed -n 's/.* bytes_sent:\([0-9]*\).*/\1/p'
}
sent_more() { (($(sent) > $1)); }
probed_on() {
	local before
	before=$(sent)
	"$@" && wait_for 5 sent_more "$before"
}
check 'the server is probed at once when the network changes' \
	probed_on ip address add 127.9.9.9/8 dev lo
check 'and Ctrl-C ends it' down
: >"$S/config"

# === keys ===

for kind in ecdsa rsa pem; do
	workspace "key_$kind"
	key "key_$kind" identity "$S/user_$kind"
	# Under ASan: a leak's stack goes through OpenSSL to libssh2.
	ASAN_OPTIONS=fast_unwind_on_malloc=0 check "a key file works: $kind" works "key_$kind"
done

start_agent() {
	eval "$(ssh-agent -s -a "$S/agent")" >/dev/null
	agent_pid=$SSH_AGENT_PID
	at_exit kill "$agent_pid"
	ssh-add -q "$@" 2>/dev/null
}
workspace agent
sed -i '/identity:/d' "$T/agent/compose.yaml"
printf 'IdentityFile none\n' >"$S/config"
check 'an agent starts' start_agent "$S/user_rsa"
check 'the agent signs with an RSA key' works agent
ssh-add -q -D 2>/dev/null
ssh-add -q "$S/stranger" "$S/user" 2>/dev/null
check 'the agent has several keys' works agent
unset SSH_AUTH_SOCK SSH_AGENT_PID
: >"$S/config"

workspace bad
key bad identity "$S/stranger"
expect_fail 'a key that is not authorised' 10 "does not let \"root\" in.*stranger: not accepted" \
	tunnel_in bad
key bad identity "$S/user_encrypted"
expect_fail 'an encrypted key without a terminal' 10 'encrypted.*ssh-add' tunnel_in bad
key bad identity "$S/user_open"
expect_fail 'a key that others can read' 10 'can be read by others.*chmod 600' tunnel_in bad
key bad identity "$S/missing"
expect_fail 'a key that is not there' 10 'missing: No such file' tunnel_in bad
key bad identity "$S/no_key"
expect_fail 'a key that is no key' 10 'is no private key' tunnel_in bad

workspace encrypted
key encrypted identity "$S/user_encrypted"
check 'the passphrase of a key is asked on the terminal' on_terminal encrypted Passphrase secret
check 'and does not appear there' not grep -q secret "$T/encrypted/screen"

# === the configuration of ssh ===

cat >"$S/config" <<-END
	Host jumphost
	  HostName 127.0.0.1
	  Port $SSHD_PORT
	  User root
	  IdentityFile $S/user
	  IdentitiesOnly yes
	  UserKnownHostsFile $S/known
	  GlobalKnownHostsFile none
	Host behind
	  HostName 127.0.0.1
	  Port $SSHD_PORT
	  User root
	  IdentityFile $S/user
	  UserKnownHostsFile $S/known
	  ProxyJump jumphost
	Host piped
	  HostName 127.0.0.1
	  Port $SSHD_PORT
	  User root
	  IdentityFile $S/user
	  UserKnownHostsFile $S/known
	  ProxyCommand socat - TCP:%h:%p
END
for name in jumphost behind piped; do
	workspace "config_$name"
	sed -i "/identity:/d; /known_hosts:/d; s|via: .*|via: $name|" "$T/config_$name/compose.yaml"
	check "the ssh configuration: $name" works "config_$name"
done

# === without an ssh program ===

# The configuration is then read, and the way through hops made, by devenv itself. Each hop lets in
# only its own user with its own key.
devenv_here=$DEVENV
printf '#!/bin/sh\nPATH=/nonexistent exec %s "$@"\n' "$DEVENV" >"$T/no_ssh"
chmod 755 "$T/no_ssh"
cp "$S/user_rsa.pub" "$S/keys_daemon"
cp "$S/user_ecdsa.pub" "$S/keys_nobody"
stop_sshd
start_sshd "AuthorizedKeysCommand /usr/bin/cat $S/keys_%u" 'AuthorizedKeysCommandUser root'
cat >"$S/hops" <<-END
	Host first
	  User daemon
	  IdentityFile $S/user_rsa
	Host second
	  User nobody
	  IdentityFile $S/user_ecdsa
	Host chained listed
	  User root
	  IdentityFile "$S/user"
	Match originalhost chained
	  ProxyJump second
	Match originalhost second !exec "test %r = root"
	  ProxyJump first
	Host listed
	  ProxyJump first,second
	Host *
	  HostName=127.0.0.1
	  Port $SSHD_PORT
	  IdentitiesOnly yes
	  UserKnownHostsFile $S/known
END
printf 'Include %s\n' "$S/hops" >"$S/config"
# let_in USER KEY: sshd says that the key let the user in
let_in() {
	grep -q "Accepted publickey for $1 .*$(ssh-keygen -lf "$S/$2.pub" | cut -d' ' -f2)" "$S/sshd.log"
}
DEVENV=$T/no_ssh
for name in first chained listed; do
	workspace "own_$name"
	sed -i "/identity:/d; /known_hosts:/d; s|via: .*|via: $name|" "$T/own_$name/compose.yaml"
	: >"$S/sshd.log"
	check "without ssh: $name" works "own_$name"
	check "$name: the first hop has its user and key" let_in daemon user_rsa
done
check 'listed: the second hop has its own' let_in nobody user_ecdsa
check 'listed: so has the host behind' let_in root user
no_hops() { not pgrep -f "^$devenv_here __hop"; }
check 'no hop is left' wait_for 5 no_hops
printf 'Host *\n  Hostnam x\n' >"$S/config"
expect_fail 'without ssh: a wrong line is named' 10 'config line 2: .*"hostnam".*"hostname"' \
	tunnel_in own_first
: >"$S/config"
# own_config MODE: with a ~/.ssh of its own (of the passwd file, not of $HOME), and its config's mode
own_config() {
	local home
	home=$(getent passwd "$(id -u)" | cut -d: -f6)
	mkdir -p "$S/dot_ssh" "$home/.ssh"
	cp "$S/hops" "$S/dot_ssh/config"
	chmod "$1" "$S/dot_ssh/config"
	# shellcheck disable=SC2016 # expanded by the inner shell
	env -u DEVENV_SSH_CONFIG unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
		"$S/dot_ssh" "$home/.ssh" "$DEVENV" -C "$T/own_first" tunnel check reader
}
check_out 'without ssh: ~/.ssh/config is read' 'SHA256.*' own_config 600
expect_fail 'without ssh: a ~/.ssh/config that others can write to' 10 \
	'bad owner or permissions on .*/.ssh/config.*chmod go-w' own_config 622
DEVENV=$devenv_here

# === host keys ===

key bad identity "$S/user"
key bad known_hosts "$S/known_none"
print=$(ssh-keygen -lf "$S/host_ed25519.pub" | cut -d' ' -f2)
expect_fail 'an unknown host: its fingerprint and how to add it' 10 \
	"unknown host.*${print//+/\\+}.*ssh-keyscan -p $SSHD_PORT" tunnel_in bad
check 'nothing was added' not test -s "$S/known_none"
workspace asked
key asked known_hosts "$S/known_asked"
check 'an unknown host is asked about on a terminal' on_terminal asked 'y/N' yes
check 'and then it is known' works asked
key bad known_hosts "$S/known_changed"
expect_fail 'a changed host key: file and line' 10 'has changed: .*known_changed line 1' \
	tunnel_in bad
key bad known_hosts "$S/known_revoked"
expect_fail 'a revoked host key' 10 'revoked in .*known_revoked line 1' tunnel_in bad

key bad known_hosts "$S/known"
cut -d' ' -f1,2 "$S/host_ed25519.pub" >"$S/revoked"
ssh-keygen -q -k -f "$S/revoked_krl" "$S/stranger.pub"
for name in revoked revoked_krl revoked_missing; do
	printf 'RevokedHostKeys %s\n' "$S/$name" >"$S/config"
	expect_fail "RevokedHostKeys: $name" 10 \
		'(ED25519 key of .* is revoked in .*/revoked:|_krl is .*ssh_engine|_missing.*No such)' \
		tunnel_in bad
done
printf 'RevokedHostKeys %s\n' "$S/stranger.pub" >"$S/config"
check 'RevokedHostKeys: of another key' works bad
printf 'AddressFamily inet6\n' >"$S/config"
expect_fail 'AddressFamily' 10 '"127.0.0.1" cannot be resolved: Address family' tunnel_in bad
printf 'BindAddress 127.0.0.5\n' >"$S/config"
check 'BindAddress' works bad
check 'is where it came from' grep -q 'Accepted publickey .* from 127.0.0.5 ' "$S/sshd.log"
printf 'BindAddress 192.0.2.1\n' >"$S/config"
expect_fail 'BindAddress: one that this machine has not' 10 'from 192.0.2.1: Cannot assign' \
	tunnel_in bad
printf 'BindInterface lo\n' >"$S/config"
check 'BindInterface' works bad
printf 'BindInterface none0\n' >"$S/config"
expect_fail 'BindInterface: one that is not there' 10 'from none0: Cannot assign' tunnel_in bad
: >"$S/config"

host_line host_ecdsa >"$S/known_ecdsa"
workspace other_type
key other_type known_hosts "$S/known_ecdsa"
check 'a host known by its ecdsa key only is known' works other_type
cp "$S/known" "$S/known_hashed"
ssh-keygen -q -H -f "$S/known_hashed" >/dev/null 2>&1
workspace hashed
key hashed known_hosts "$S/known_hashed"
check 'a hashed known_hosts' works hashed
workspace pinned "host_key: \"$print\""
key pinned known_hosts "$S/known_none"
check 'a pinned fingerprint' works pinned
workspace mispinned "host_key: \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
expect_fail 'a pinned fingerprint of another key' 10 'the manifest pins' tunnel_in mispinned

# === by every command ===

bad_input_everywhere 12699

# === what can be in the way ===

workspace way
expect_fail 'an unknown tunnel' 2 'did you mean "reader"' "$DEVENV" -C "$T/way" tunnel raeder
workspace taken "port: $ECHO_PORT"
expect_fail 'a taken local port names who holds it' 10 \
	"port $ECHO_PORT is taken by socat .*change \"port\"" tunnel_in taken
sed -i 's|to: .*|to: 127.0.0.1:12699|' "$T/way/compose.yaml"
expect_fail 'a database that is down' 10 \
	'cannot connect to 127.0.0.1:12699: nothing listens there.*Connection refused' \
	tunnel_in way
sed -i 's|to: .*|to: no-such-host.invalid:3306|' "$T/way/compose.yaml"
expect_fail 'a name that the server cannot resolve' 10 \
	'does not know the name "no-such-host.invalid"' tunnel_in way
workspace nohost
sed -i 's|via: .*|via: root@no-such-host.invalid|' "$T/nohost/compose.yaml"
expect_fail 'a bastion whose name is unknown' 10 \
	'"no-such-host.invalid" cannot be resolved.*check "via"' tunnel_in nohost
sed -i "s|via: .*|via: root@127.0.0.1:12699|" "$T/nohost/compose.yaml"
expect_fail 'a bastion that is down' 10 'port 12699: Connection refused.*VPN' tunnel_in nohost
sed -i "s|via: .*|via: root@127.0.0.1:$ECHO_PORT|" "$T/nohost/compose.yaml"
expect_fail 'a bastion that is no ssh server' 10 "127.0.0.1:$ECHO_PORT" tunnel_in nohost

# === several ===

workspace several
cat >>"$T/several/compose.yaml" <<-END
	  second: {via: "root@127.0.0.1:$SSHD_PORT", identity: "$S/user", known_hosts: "$S/known",
	    to: "127.0.0.1:$ECHO_PORT", engine: postgres, read_only: false}
	  dead: {via: "root@127.0.0.1:$SSHD_PORT", identity: "$S/user", known_hosts: "$S/known",
	    to: "127.0.0.1:12699"}
END
serve_several() {
	"$DEVENV" -C "$T/several" --progress plain --format json tunnel \
		>"$T/several/out" 2>"$T/several/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	wait_for 20 grep -q '"name": *"second"' "$T/several/out" &&
		wait_for 20 grep -q '"name": *"reader"' "$T/several/out" &&
		wait_for 20 grep -q '"dead".*cannot connect' "$T/several/err"
}
check 'of three tunnels two serve and one is warned about' serve_several
check_out 'as JSON' '"client": *"psql -h 127.0.0.1 -p [0-9]+' cat "$T/several/out"
each_serves() {
	local ports
	ports=$(sed -n 's/.*"port": *\([0-9]*\).*/\1/p' "$T/several/out")
	[[ $(wc -w <<<"$ports") == 2 ]] || return 1
	for port in $ports; do
		hello || return 1
	done
}
check 'both carry bytes' each_serves
check 'through one ssh session' one_session
check 'Ctrl-C ends them' down

# A listener that never accepts and whose queue is full: packets to it are dropped.
start_black_hole() {
	socat "TCP-LISTEN:$HOLE_PORT,bind=127.0.0.1,reuseaddr,backlog=1" - >/dev/null 2>&1 \
		< <(sleep 200) &
	hole_pid=$!
	at_exit kill -KILL "$hole_pid"
	wait_for 5 port_open
	kill -STOP "$hole_pid"
	wait_for 10 hole_drops
}
port_open() { grep -q ":$(printf %04X "$HOLE_PORT") 00000000:0000 0A" /proc/net/tcp; }
# Each connection that is still taken fills the queue.
hole_drops() {
	not socat -u OPEN:/dev/null "TCP:127.0.0.1:$HOLE_PORT,connect-timeout=0.5"
}
check 'a target that drops packets' start_black_hole
workspace slow
sed -i "s|to: .*|to: 127.0.0.1:$HOLE_PORT|" "$T/slow/compose.yaml"
cat >>"$T/slow/compose.yaml" <<-END
	  zebra: {via: "root@127.0.0.1:$SSHD_PORT", identity: "$S/user", known_hosts: "$S/known",
	    to: "127.0.0.1:$ECHO_PORT"}
END
serve_slow() {
	"$DEVENV" -C "$T/slow" --progress plain tunnel >"$T/slow/out" 2>"$T/slow/err" </dev/null &
	tunnel_pid=$!
	at_exit kill "$tunnel_pid"
	wait_for 10 grep -q '^zebra  .* -> ' "$T/slow/out" || return 1
	port=$(sed -n 's/^zebra  127\.0\.0\.1:\([0-9]*\) -> .*/\1/p' "$T/slow/out")
	hello
}
check 'does not hold up the tunnels to others' serve_slow
check 'and is reported' wait_for 30 grep -q '"reader".*gets no answer' "$T/slow/err"
check 'while the others serve' hello
check 'and Ctrl-C ends them' down

stop_sshd
ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$S/host_rsa"
start_sshd "HostKey $S/host_rsa" 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256'
workspace rsa_host
expect_fail 'a server that has only an RSA host key: what to do' 10 \
	'no algorithm in common.*ssh_engine: openssh.*ed25519' tunnel_in rsa_host
stop_sshd
start_sshd 'AllowTcpForwarding no'
workspace forbidden
expect_fail 'a server that forbids forwarding' 10 'forbids forwarding' tunnel_in forbidden
stop_sshd
start_sshd 'MaxSessions 0' 'ClientAliveInterval 1' 'ClientAliveCountMax 2'
workspace nosession
check 'a server without sessions (MaxSessions 0)' up nosession
sleep 5
check 'its keepalives are answered while nothing is open' hello
check 'without a reconnect' not grep -q 'again' "$T/nosession/err"
check 'it ends with status 0' down
stop_sshd
start_sshd 'RekeyLimit 1M'
workspace rekey
check 'a server that changes keys every MB' up rekey
check 'loses no byte' many 8 6000000
check 'and needs no reconnect' not grep -q 'again' "$T/rekey/err"
check 'and ends with status 0' down
stop_sshd

finish
