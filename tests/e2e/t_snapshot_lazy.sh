#!/usr/bin/env bash
# x-snapshot with `lazy: true`: databases that are restored on their first connection.
# shellcheck disable=SC2317 # the functions are called through check
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/shop.sh
source "$HERE/shop.sh"

maria_port=13406
pg_port=13407
cat >compose.yaml <<EOF2
services:
  maria:
    extends: {file: $SHOP, service: maria}
    ports: ["127.0.0.1:$maria_port:3306"]
  pg:
    extends: {file: $SHOP, service: pg}
    ports: ["127.0.0.1:$pg_port:5432"]
  app:
    extends: {file: $SHOP, service: idle}
    image: $MARIADB_IMAGE
    entrypoint: [sleep, infinity]
    command: []
    healthcheck: {test: [CMD, "true"], interval: 500ms}
    depends_on: {maria: {condition: service_healthy}, pg: {condition: service_started}}
volumes: {maria: , pg: }
EOF2

maria() { timeout 60 mariadb --no-defaults -h127.0.0.1 -P"$maria_port" -ushop -pshop -N -e "$1" shop; }
pg() { PGPASSWORD=shop timeout 60 psql -Atq -h 127.0.0.1 -p "$pg_port" -U shop -c "$1" shop; }
from_app() { timeout 60 "$DEVENV" exec -T app mariadb -hmaria -ushop -pshop -N -e "$1" shop </dev/null; }
inspect() { api GET "/containers/$(containers shop "$1")/json" | jq -r "$2"; }
where() { api GET "/volumes/$1" | jq -r .Mountpoint; }
is_empty() { [[ -z $(ls -A "$(where "$1")") ]]; }
sleeps() {
	"$DEVENV" status --format json | jq -e ".[] | select(.service == \"$1\") | .sleeps"
}
up_says() { timeout "$COMMAND_TIMEOUT" "$DEVENV" up 2>&1; }

check "two databases come up" "$DEVENV" up
check "MariaDB gets rows" maria 'create table t (i int primary key); insert into t values (1), (2)'
check "PostgreSQL gets rows" pg 'create table t (i int); insert into t values (1), (2)'
check "MariaDB is kept" "$DEVENV" snapshot save maria clean
check "sent to a registry" "$DEVENV" snapshot push clean "$DEVENV_REGISTRY/test/lazy:1"
check "and forgotten here" "$DEVENV" snapshot rm clean
check "PostgreSQL is kept" "$DEVENV" snapshot save pg rows
check "down" "$DEVENV" down --volumes

# --- asleep ---------------------------------------------------------------------------------------
cat >compose.override.yaml <<EOF2
volumes:
  maria: {x-snapshot: {url: '$DEVENV_REGISTRY/test/lazy:1', lazy: true}}
  pg: {x-snapshot: {url: rows, lazy: true}}
EOF2
check_out "up pulls, and says that they sleep" \
	"service maria: Sleeping: restores snapshot $DEVENV_REGISTRY/test/lazy:1 on the first" up_says
check "nothing was restored into MariaDB's volume" is_empty shop_maria
check "nor into PostgreSQL's" is_empty shop_pg
check_out "who depends on them runs" '^running$' inspect app .State.Status
check_out "status says so" '^maria +sleeping +restores snapshot .*lazy:1 on the first connection' \
	"$DEVENV" status
check_out "a second up has nothing to do" 'nothing to do' "$DEVENV" plan maria pg
check_out "they are process 1, and say so there" 'devenv: sleeping, restores rows' "$DEVENV" top pg
health() { # of MariaDB, from inside: by the engine's timer, or where there is none at once
	if [[ $ENGINE == docker ]]; then
		inspect maria '.State.Health.Log | length' | grep -q '^[1-9]'
	else
		api GET "/libpod/containers/$(containers shop maria)/healthcheck"
	fi
}
check "its health is looked at" wait_for 20 health
check "which does not wake it" sleeps maria
check "the names go" "$DEVENV" snapshot rm "$DEVENV_REGISTRY/test/lazy:1" rows
check "and what nobody needs" "$DEVENV" snapshot prune
expect_fail "there is nothing to save yet" 9 'holds nothing yet: .*lazy:1' \
	"$DEVENV" snapshot save maria more
check "a sleeper stops" "$DEVENV" stop maria
check_out "at once, with 0" '^0$' inspect maria .State.ExitCode
check "and starts" "$DEVENV" start maria
check "asleep again" sleeps maria

# --- awake ----------------------------------------------------------------------------------------
check_out "the first connection, from another container, has the rows" '^2$' \
	from_app 'select count(*) from t'
check "MariaDB does not sleep any more" not sleeps maria
check_out "by itself, as process 1" '^[^ ]*mariadbd' \
	"$DEVENV" exec -T maria bash -c "tr '\\0' ' ' </proc/1/cmdline"
at_once() { # connections before there is a server; each asks for TLS (SSLRequest), and is answered
	local fd fds=() answer
	for _ in {1..8}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$pg_port"
		fds+=("$fd")
	done
	for fd in "${fds[@]}"; do
		printf '\0\0\0\x08\x04\xd2\x16\x2f' >&"$fd"
		read -rN 1 -t 60 answer <&"$fd"
		printf '%s' "$answer"
		exec {fd}>&-
	done
}
check "PostgreSQL sleeps" sleeps pg
check_out "all who came first, through the published port, are answered" '^[NS]{8}$' at_once
check_out "and the rows are there" '^2$' pg 'select count(*) from t'
check "a row more" maria 'insert into t values (3)'
check "both start again" "$DEVENV" restart maria pg
check_out "at once, with their data" '^3$' maria 'select count(*) from t'
check_out "PostgreSQL too" '^2$' pg 'select count(*) from t'
check "both become ready" "$DEVENV" up maria pg
check "nothing to do" plans_nothing maria pg
check "a new container" "$DEVENV" up --force-recreate --no-deps maria
check_out "has the data of the old one" '^3$' maria 'select count(*) from t'
check "what woke up can be saved" "$DEVENV" snapshot save maria later
check "and sent" "$DEVENV" snapshot push later "$DEVENV_REGISTRY/test/lazy:2"
check "PostgreSQL's again, too" "$DEVENV" snapshot save pg rows
check "down" "$DEVENV" down --volumes

# --- other ways to wake up ------------------------------------------------------------------------
cat >compose.override.yaml <<EOF2
volumes:
  maria: {x-snapshot: {url: later, lazy: true}}
  pg: {x-snapshot: {url: rows, lazy: true}}
EOF2
check "asleep" "$DEVENV" up
check_out "a command in it comes after its data" '^3$' "$DEVENV" exec -T maria \
	mariadb -h127.0.0.1 -ushop -pshop -N -e 'select count(*) from t' shop
check "a snapshot is restored at once" "$DEVENV" snapshot restore pg rows
check "which wakes it" not sleeps pg
check_out "with its rows" '^2$' pg 'select count(*) from t'
check "down" "$DEVENV" down --volumes
check_out "what runs once has the data, too" '^mysql$' "$DEVENV" run --rm -T --entrypoint ls maria \
	/var/lib/mysql

# --- a snapshot that is damaged -------------------------------------------------------------------
check "asleep" "$DEVENV" up pg
blobs=$(where devenv-cache)/blobs/sha256
mv "$blobs" "$blobs.whole"
cp -a "$blobs.whole" "$blobs"
find "$blobs" -type f -exec sh -c 'printf damaged | dd of="$1" conv=notrunc status=none' . {} \;
check "who connects is turned away" not pg 'select count(*) from t'
said() { timeout 60 "$DEVENV" logs pg 2>&1; }
check_out "the log says why" 'devenv: .*damaged' said
check "it sleeps on" sleeps pg
rm -r "$blobs"
mv "$blobs.whole" "$blobs"
check_out "the next connection is the next try" '^2$' pg 'select count(*) from t'
check "down" "$DEVENV" down --volumes

# --- what does not go with it ---------------------------------------------------------------------
printf 'services: {pg: {user: postgres}}\nvolumes: {pg: {x-snapshot: {url: rows, lazy: true}}}\n' \
	>compose.override.yaml
expect_fail "another user" 3 'compose.override.yaml:1:23: .*has to begin as root, not as "postgres"' \
	"$DEVENV" up pg
cat >compose.override.yaml <<EOF2
services: {maria: {command: [--innodb-page-size, 8k]}}
volumes: {maria: {x-snapshot: {url: later, lazy: true}}}
EOF2
expect_fail "a command line for other files" 9 'does not go with image .*asks for 8192' \
	"$DEVENV" up maria
printf 'volumes: {pg: {x-snapshot: {url: ./rows.tar, lazy: true}}}\n' >compose.override.yaml
expect_fail "an archive" 3 'x-snapshot.lazy is for snapshots' "$DEVENV" up pg

finish
