#!/usr/bin/env bash
# Networks and volumes that changed, services that are gone, files that are broken: nothing is lost.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

write() { # SUBNET LABEL
	cat >compose.yaml <<-YAML
		services:
		  web:
		    image: $(image base)
		    command: [sleep, infinity]
		    stop_signal: KILL
		    networks: [front]
		    volumes: ["data:/data", "/anonymous"]
		networks:
		  front: {ipam: {config: [{subnet: $1}]}}
		volumes:
		  data: {labels: {kind: "$2"}}
	YAML
}
subnet() { api GET /networks/shop_front | jq -r '.IPAM.Config[0].Subnet'; }

mkdir shop
cd shop
write 10.211.7.0/24 first
check "up" "$DEVENV" up
check "write into both volumes" "$DEVENV" exec web bash -c 'echo one >/data/file; echo two >/anonymous/file'

write 10.211.8.0/24 first
check_out "plan tells which network changed, and how" 'remove network shop_front .*10\.211\.8\.0' "$DEVENV" plan
check "up replaces the network" "$DEVENV" up
check "the network is the new one" test "$(subnet)" = 10.211.8.0/24
check_out "the named volume kept its data" '^one$' "$DEVENV" exec web cat /data/file
check_out "so did the anonymous one" '^two$' "$DEVENV" exec web cat /anonymous/file

write 10.211.8.0/24 second
"$DEVENV" up >up.out 2>up.err
check "a changed volume is named and kept" grep -q 'volume shop_data stays as it was made' up.err
check_out "with its data" '^one$' "$DEVENV" exec web cat /data/file

sed 's/  web:/  other:/' compose.yaml >next.yaml
mv next.yaml compose.yaml
"$DEVENV" up >up.out 2>up.err
check "a container without a service is named" grep -q 'shop-web-1.*--remove-orphans' up.err
check "and kept" test -n "$(containers shop web)"
check "up --remove-orphans" "$DEVENV" up --remove-orphans
check "removes it" test -z "$(containers shop web)"

echo 'services: [' >compose.yaml
check_out "status goes by labels when the file is broken" 'other' "$DEVENV" status
rm compose.yaml
check "down works without the file" "$DEVENV" down
check "nothing is left" test -z "$(containers shop)"
check_out "but the data" 'shop_data' api GET /volumes
finish
