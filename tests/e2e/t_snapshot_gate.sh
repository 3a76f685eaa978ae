#!/usr/bin/env bash
# What must not leave: data from production, and what masking missed.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

mkdir shop
cd shop
cat >compose.yaml <<EOF2
services:
  app:
    image: $(image base)
    command: ["true"]
    volumes: ["files:/files", "plain:/plain", "twin:/twin"]
  twin:
    image: $(image base)
    command: ["true"]
    volumes: ["plain:/plain"]
volumes:
  files: {x-production: true}
  plain:
  twin:
EOF2
snapshot() { "$DEVENV" snapshot "$@"; }
store=oci:$T/store
pushed() { jq -r '.manifests[].annotations."org.opencontainers.image.ref.name"' "$T/store/index.json"; }
config() { "$DEVENV" snapshot inspect "$1" --format json | jq -c '.config | [.production, .masking.rules]'; }

check "volumes" "$DEVENV" create
mountpoint() { api GET "/volumes/$1" | jq -r .Mountpoint; }
files=$(mountpoint shop_files)
plain=$(mountpoint shop_plain)
echo one >"$files/a"
echo two >"$plain/a"

# --- words that mean nothing here ---------------------------------------------------------------------
expect_fail "nothing was restored yet" 9 'nothing to undo: of volume shop_plain' \
	snapshot undo shop_plain
expect_fail "a word for two volumes" 2 'say shop_twin for the volume, or shop/twin for the service' \
	snapshot save twin
check_out "the one" '^shop_twin-' snapshot save shop_twin
check_out "and the other" '^shop_plain-' snapshot save shop/twin
expect_fail "a name of something else" 2 'tar is what is written, not .zip' \
	snapshot export any any.zip
expect_fail "a name alone is no place to send it to" 2 'devenv snapshot push any REFERENCE' \
	snapshot push any

# --- production data --------------------------------------------------------------------------------
check "a volume of production" snapshot save shop_files raw
check_out "is known as one" '^\[true,null\]$' config raw
expect_fail "and is not sent" 9 'names no masking rules' snapshot push raw "$store:raw"
check "nor is any of it" not test -e "$T/store/index.json"
check "another volume" snapshot save shop_plain plain
check_out "is none" '^\[false,null\]$' config plain
check_out "and is sent" '"digest": *"sha256:' snapshot push plain "$store:plain" --format json
check_out "sizes are for people" '^config.totals.bytes +4 B$' snapshot inspect plain
check_out "what is freed is told to programs" '^ *"freed": [0-9]+$' \
	snapshot prune --format json
check "unless it gets such data" snapshot restore shop_plain raw --replace
check_out "which is known also there" '^\[true,null\]$' bash -c \
	"'$DEVENV' snapshot save shop_plain copy && '$DEVENV' snapshot inspect copy --format json |
		jq -c '.config | [.production, .masking.rules]'"
expect_fail "and not sent" 9 'names no masking rules' snapshot push copy "$store:copy"
undo() { snapshot undo shop_plain 2>&1; }
check_out "with what was there before it is none" 'is what it was before the restore' undo
check "again" snapshot save shop_plain again
check_out "it is none" '^\[false,null\]$' config again

# --- masked ----------------------------------------------------------------------------------------
expect_fail "rules that are not there" 9 'masking rules' snapshot save shop_plain no --masking none.sql
echo "update users set mail = ''" >rules.sql
echo "volumes: {files: {x-production: {masking: rules.sql}}}" >compose.override.yaml
masked() { snapshot save shop_files masked --parent raw 2>&1; }
check_out "masked data is kept apart from what was not" 'nothing is shared with raw' masked
check_out "with its rules" '^\[true,"rules.sql"\]$' config masked
check_out "by their digest" "^$(sha256sum <rules.sql | cut -d' ' -f1)\$" bash -c \
	"'$DEVENV' snapshot inspect masked --format json | jq -r .config.masking.sha256"
check "and is sent" snapshot push masked "$store:masked"
check_out "these two are in the store" '^masked$' pushed

# --- what masking forgot ---------------------------------------------------------------------------
# A canary over the border of two chunks, one in chunks that are stored once, a card, an address.
page() { head -c "$1" /dev/zero | tr '\0' "$2"; }
{ page 65530 a; printf 'Mrs Canary sings'; page 200000 b; } >"$files/border"
{ page 1000 c; printf 'Mrs Canary sings'; page 64520 c; } >"$files/one"
cat "$files/one" "$files/one" "$files/one" >"$files/twins"
echo "4111-1111-1111-1111 paid by anna@acme.io, bob@fine.io, eve@example.com" >"$files/text"
page 5000 k >"$files/kept"
printf '# of production\nnot there\nMrs Canary\n' >canaries.txt
check "a snapshot has them" snapshot save shop_files planted
expect_fail "a scan finds them" 9 'in 5 places' \
	snapshot scan planted --canaries canaries.txt --allow fine.io
sed 's/  */ /g' "$T/.out" >found
found() { cat found; }
check_out "over a border" '^border canary 2 1 65530 Mr\*\*\*$' found
check_out "in each file of shared chunks" '^one canary 2 1 1000 ' found
check_out "each time" '^twins canary 2 3 1000 ' found
check_out "a card number" '^text card number 1 0 4111-1\*\*\*\*\*\*1111$' found
check_out "an address, but none that may be" '^text e-mail address 1 28 a\*\*\*@acme.io$' found
cat >compose.override.yaml <<EOF2
volumes:
  files: {x-production: {masking: rules.sql, canaries: canaries.txt, allow: [acme.io, fine.io]}}
EOF2
expect_fail "it is not sent" 9 'in 4 places' snapshot push planted "$store:planted"
check "and every place is told" grep -q 'twins: canary 2, 3 times, first at byte 1000: Mr' "$T/.failure"
rm "$files"/{border,one,twins,text}
check "the next snapshot shares packs with it" snapshot save shop_files shared --parent planted
expect_fail "which bring the canaries along" 9 'in 2 places' snapshot push shared "$store:shared"
check "as is said" grep -q 'sha256:.*in no file): canary 2' "$T/.failure"
check "one that shares them with none" snapshot save shop_files clean --parent masked
check "is clean" snapshot push clean "$store:clean"
check "down" "$DEVENV" down --volumes

finish
