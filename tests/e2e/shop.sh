# shellcheck shell=bash
# shellcheck disable=SC2317 # the functions are called through check
# A project of two databases, for the tests of snapshots; after lib.sh. Its manifest takes services
# from shop.yaml, as in: maria: {extends: {file: $SHOP, service: maria}}

SHOP=$HERE/shop.yaml
MARIADB_IMAGE=$(image mariadb)
POSTGRES_IMAGE=$(image postgres)
BASE_IMAGE=$(image base)
export SHOP MARIADB_IMAGE POSTGRES_IMAGE BASE_IMAGE
mkdir shop
cd shop || exit 1

maria() { # SQL [SERVICE]
	timeout 60 "$DEVENV" exec -T "${2:-maria}" mariadb -N -ushop -pshop -e "$1" shop </dev/null
}
pg() { timeout 60 "$DEVENV" exec -T pg psql -Atq -h 127.0.0.1 -U shop -c "$1" shop </dev/null; }
id_of() { containers shop "$1"; }
started() { api GET "/containers/$(id_of "$1")/json" | jq -r .State.StartedAt; }
