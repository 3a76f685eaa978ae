#!/usr/bin/env bash
# engine: none
# What ~/.ssh/config allows and asks for, by what sshd saw of it, and what is said of the rest.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

SSHD_PORT=24211
ECHO_PORT=24212
LATE_PORT=24213
# shellcheck source=tests/e2e/tunnels.sh
source "$HERE/tunnels.sh"

make_keys
at_exit stop_sshd
start_echo
start_sshd 'LogLevel DEBUG1' 'Compression yes'
export DEVENV_SSH_CONFIG=$S/config
workspace reader

configure() { printf '%s\n' "$@" >"$S/config"; }

# with REGEX LINE...: with these lines of configuration it works, and sshd's log has that
with() {
	configure "${@:2}"
	: >"$S/sshd.log"
	works reader && grep -Eq "$1" "$S/sshd.log"
}
silent() { not grep -q 'ssh configuration' "$T/reader/err"; }

# === algorithms ===

check 'without a configuration' with 'cipher: aes128-ctr MAC: hmac-sha2-256 compression: none'
check 'nothing is warned about' silent
check 'Ciphers' with 'client->server cipher: aes256-ctr ' 'Ciphers aes256-gcm@openssh.com,aes256-ctr'
check 'Ciphers: in its order' with 'client->server cipher: aes192-ctr ' \
	'Ciphers aes192-ctr,aes128-ctr'
check 'Ciphers: with some in front' with 'server->client cipher: aes256-ctr ' 'Ciphers ^aes256-ctr'
check 'Ciphers: without some' with 'cipher: aes256-ctr ' 'Ciphers -aes128*,aes192*'
check 'MACs' with 'MAC: hmac-sha2-512 ' 'MACs hmac-sha2-512'
check 'KexAlgorithms' with 'kex: algorithm: ecdh-sha2-nistp384 ' 'KexAlgorithms ecdh-sha2-nistp384'
check 'nothing is warned about' silent
{ host_line host_ed25519 && host_line host_ecdsa; } >"$S/known"
check 'HostKeyAlgorithms' with 'host key algorithm: ecdsa-sha2-nistp256 ' 'HostKeyAlgorithms ecdsa-*'
check 'HostKeyAlgorithms: the other one' with 'host key algorithm: ssh-ed25519 ' \
	'HostKeyAlgorithms -ecdsa-*'
check 'Compression' with 'compression: zlib@openssh.com' 'Compression yes'
stop_sshd
start_sshd 'LogLevel DEBUG1' 'Compression yes' 'RekeyLimit 1M'
compressed() {
	up reader && many 6 1500000 || return 1
	head -c 8000000 /dev/zero | exchange | cmp -n 8000000 - /dev/zero && down
}
check 'it loses no byte, while keys change' compressed
check 'and needs no reconnect' not grep -q 'again' "$T/reader/err"

for list in 'Ciphers aes256-gcm@openssh.com' 'MACs umac-128-etm@openssh.com' \
	'KexAlgorithms sntrup761x25519-sha512@openssh.com' \
	'HostKeyAlgorithms sk-ssh-ed25519@openssh.com'; do
	configure "$list"
	expect_fail "nothing that libssh2 has: ${list%% *}" 10 \
		"${list%% *} of the ssh configuration allows only .*\"ssh_engine: openssh\"" \
		tunnel_in reader
done
configure 'Ciphers aes256-cbc' 'MACs hmac-sha2-256'
expect_fail 'nothing that the server has too: the lists are named' 10 \
	'configuration allows \(its Ciphers, MACs\).*"ssh_engine: openssh"' tunnel_in reader

# === keys ===

accepted() { # ALGORITHM CONFIGURATION...
	with 'Accepted publickey' "${@:2}" && grep -q " pkalg $1 " "$S/sshd.log"
}
key reader identity "$S/user_rsa"
check 'an RSA key signs with SHA-256' accepted rsa-sha2-256 ''
check 'PubkeyAcceptedAlgorithms: or with SHA-512' accepted rsa-sha2-512 \
	'PubkeyAcceptedAlgorithms rsa-sha2-512'
configure 'PubkeyAcceptedAlgorithms ssh-ed25519'
expect_fail 'PubkeyAcceptedAlgorithms: without RSA' 10 \
	'user_rsa: PubkeyAcceptedAlgorithms .* does not allow rsa-sha2-256' tunnel_in reader
configure 'RequiredRSASize 4096'
expect_fail 'RequiredRSASize' 10 'user_rsa: RequiredRSASize .* wants 4096 bits, and it has 3072' \
	tunnel_in reader
key reader identity "$S/user"
configure 'PubkeyAcceptedAlgorithms -ssh-ed25519'
expect_fail 'PubkeyAcceptedAlgorithms: without ed25519' 10 \
	'user: PubkeyAcceptedAlgorithms .* does not allow ssh-ed25519' tunnel_in reader

# === the way there ===

key reader known_hosts "$S/known_none"
configure 'StrictHostKeyChecking no'
check 'StrictHostKeyChecking no takes a new key' works reader
check 'and keeps it' grep -q '^\[127' "$S/known_none"
key reader known_hosts "$S/known_changed"
expect_fail 'but no changed one' 10 'has changed: .*known_changed line 1' tunnel_in reader
configure 'NoHostAuthenticationForLocalhost yes'
check 'NoHostAuthenticationForLocalhost' works reader
workspace mispinned 'host_key: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"'
expect_fail 'a pinned key stands above it' 10 'the manifest pins' tunnel_in mispinned
key mispinned host_key "\"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n    ssh_engine: openssh"
expect_fail 'with the installed ssh, too' 10 'the manifest pins' tunnel_in mispinned
key reader known_hosts "$S/known"

workspace late
sed -i "s|via: .*|via: late|" "$T/late/compose.yaml"
configure 'Host late' "HostName 127.0.0.1" "Port $LATE_PORT" 'User root' 'HostKeyAlias here' \
	'ConnectionAttempts 60'
printf 'here %s\n' "$(cut -d' ' -f1,2 "$S/host_ed25519.pub")" >>"$S/known"
late_server() {
	{
		read -rt 2.5 <> <(:) || true # the first attempts find nobody
		exec socat "TCP-LISTEN:$LATE_PORT,bind=127.0.0.1,reuseaddr,fork" \
			"TCP:127.0.0.1:$SSHD_PORT" 2>"$S/late.log"
	} &
	at_exit kill $!
	works late
}
check 'ConnectionAttempts' late_server

# === what only ssh itself can do ===

configure 'RekeyLimit 1G' 'CheckHostIP yes' 'VerifyHostKeyDNS no'
check 'a tunnel with what libssh2 cannot do' works reader
said() { grep -c "127.0.0.1: \"$1.*\" .*\"ssh_engine: openssh\" in the tunnel heeds it" "$T/reader/err"; }
check_out 'RekeyLimit is named, once' '^1$' said 'RekeyLimit 1073741824 0'
check_out 'and CheckHostIP' '^1$' said 'CheckHostIP yes'
check 'but nothing that is as it would be' not grep -q VerifyHostKeyDNS "$T/reader/err"
up_says() { "$DEVENV" -C "$T/reader" --progress plain tunnel up 2>&1 </dev/null; }
at_exit "$DEVENV" -C "$T/reader" tunnel down
check_out 'tunnel up says so, too' '"RekeyLimit 1073741824 0".*"ssh_engine: openssh"' up_says
check 'down' "$DEVENV" -C "$T/reader" tunnel down
printf '    ssh_engine: openssh\n' >>"$T/reader/compose.yaml"
check 'with the installed ssh' works reader
check 'there is nothing to warn about' silent
quickest=aes128-gcm
grep -qiw aes /proc/cpuinfo || quickest=chacha20-poly1305
check 'it begins with its quickest cipher' with "server->client cipher: $quickest" ''
check 'but for a list of ciphers' with 'server->client cipher: aes256-ctr ' 'Ciphers aes256-ctr'

finish
