#!/usr/bin/env bash
# Podman of a user who is not root: the agent keeps owners, and a database has its branches.
# engine: rootless
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

# A user who is not root may not open /dev/net/tun everywhere, which slirp4netns needs.
mkdir shop
cd shop
cat >compose.yaml <<END
services:
  db:
    image: $(image mariadb)
    network_mode: none
    environment: {MARIADB_DATABASE: shop, MARIADB_USER: shop, MARIADB_PASSWORD: shop}
    volumes: ["data:/var/lib/mysql"]
    healthcheck:
      test: mariadb -h127.0.0.1 -ushop -pshop -e 'SELECT 1' shop
      interval: 500ms
      timeout: 5s
      retries: 120
  odd:
    image: $(image base)
    network_mode: none
    command: [sleep, infinity]
    stop_signal: KILL
    volumes: ["odd:/odd"]
volumes:
  data:
  odd:
END

db() { timeout 60 "$DEVENV" exec -T db mariadb -N -ushop -pshop -e "$1" shop </dev/null; }
odd() { timeout 60 "$DEVENV" exec -T odd bash -ec "cd /odd; $1" </dev/null; }
describe() { odd "find . -printf '%p %y %m %U:%G %n %s %T@ %l\n' | sort; sha256sum d/a hole"; }

check_out "the engine is a user's own" 'rootless' "$DEVENV" engine status
check "up" "$DEVENV" up

# --- files with everything ------------------------------------------------------------------------
check "odd files" odd 'mkdir d e; echo a >d/a; ln d/a hard; ln -s nowhere link; mkfifo pipe
	truncate -s 50M hole; echo end >>hole; chown 999:998 d/a; chown -h 5:6 link
	chown 65535:33 e; chmod 4755 d/a; chmod 600 pipe; touch -d @123456789.5 d; chown 1000:33 .
	chmod 2770 .; touch -d @987654321.25 .'
describe >wanted
check "are saved" "$DEVENV" snapshot save odd first
check "and changed" odd 'rm -r d; chown -R 7:7 .; echo more >more; chmod 700 .'
check "and restored" "$DEVENV" snapshot restore odd first
check "with owners, modes, times and links" diff wanted <(describe)
check_out "and the hole" '^[0-9]{1,3}$' odd 'stat -c %b hole'
expect_fail "an overlay needs root" 9 'without root.*without --thin' \
	"$DEVENV" snapshot restore odd first --thin
check "a branch of them" "$DEVENV" snapshot branch other odd
check "changes" odd 'rm -r d hole; chown 8:8 .'
check "back to the first" "$DEVENV" snapshot switch main
check "with owners, modes, times and links" diff wanted <(describe)
check_out "and the hole" '^[0-9]{1,3}$' odd 'stat -c %b hole'

# --- a database -----------------------------------------------------------------------------------
check "rows" db 'create table t (i int primary key); insert into t values (1)'
check "are saved" "$DEVENV" snapshot save db clean
check "a row more" db 'insert into t values (2)'
check "a branch" "$DEVENV" snapshot branch feature
check "and another" db 'insert into t values (3)'
check "back to the seed" "$DEVENV" snapshot restore db clean
check_out "which has its row" '^1$' db 'select group_concat(i) from t'
check "to the first branch" "$DEVENV" snapshot switch main
check_out "which has its rows" '^1,2$' db 'select group_concat(i) from t'
check "verify" "$DEVENV" snapshot verify clean first
check "prune" "$DEVENV" snapshot prune
check "down" "$DEVENV" down --volumes

finish
