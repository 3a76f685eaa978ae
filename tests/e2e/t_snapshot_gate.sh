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
    command: [sleep, infinity]
    stop_signal: KILL
    volumes: ["files:/files", "plain:/plain"]
volumes:
  files: {x-production: true}
  plain:
EOF2
snapshot() { "$DEVENV" snapshot "$@"; }
store=oci:$T/store
pushed() { jq -r '.manifests[].annotations."org.opencontainers.image.ref.name"' "$T/store/index.json"; }
config() { "$DEVENV" snapshot inspect "$1" --format json | jq -c '.config | [.production, .masking.rules]'; }

check "up" "$DEVENV" up
check "data" "$DEVENV" exec -T app bash -c 'echo one >/files/a; echo two >/plain/a'

# --- production data --------------------------------------------------------------------------------
check "a volume of production" snapshot save shop_files raw
check_out "is known as one" '^\[true,null\]$' config raw
expect_fail "and is not sent" 9 'names no masking rules' snapshot push raw "$store:raw"
check "nor is any of it" not test -e "$T/store/index.json"
check "another volume" snapshot save shop_plain plain
check_out "is none" '^\[false,null\]$' config plain
check "and is sent" snapshot push plain "$store:plain"
check "unless it gets such data" snapshot restore shop_plain raw --replace
check_out "which is known also there" '^\[true,null\]$' bash -c \
	"'$DEVENV' snapshot save shop_plain copy && '$DEVENV' snapshot inspect copy --format json |
		jq -c '.config | [.production, .masking.rules]'"
expect_fail "and not sent" 9 'names no masking rules' snapshot push copy "$store:copy"
check "with what was there before it is none" snapshot undo shop_plain
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
check "down" "$DEVENV" down --volumes

finish
