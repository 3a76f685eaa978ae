# shellcheck shell=bash
# What the tests of the stores (t_store_*.sh) have in common; after lib.sh.
#
#	store VERB REFERENCE [ARGUMENT...]    tests/e2e/store_api.c
#	daemon PORT COMMAND...                in the background, until it answers on 127.0.0.1:PORT
#
# Makes $T/blob (3 MB), $T/conf and $T/manifest.json with $BLOB and $CONF, their digests.

program=$(dirname "$DEVENV")/tests/store_api
# -o: the library is built, and is not built again with other flags.
check "build the stores' test" make -s -C "$HERE/../.." -o "$(dirname "$DEVENV")/libdevenv.a" \
	BUILD="$(dirname "$DEVENV")" "$program"
store() { timeout -k 5 "$COMMAND_TIMEOUT" "$program" "$@"; }

listens() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

daemon() { # PORT COMMAND...
	local port=$1
	shift
	"$@" </dev/null >"$T/daemon.$port.log" 2>&1 &
	at_exit kill $!
	wait_for 20 listens "$port" || cat "$T/daemon.$port.log"
}

digest() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d' ' -f1)"; }

manifest_type=application/vnd.oci.image.manifest.v1+json
manifest_regex='application/vnd\.oci\.image\.manifest\.v1\+json'
openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt -in /dev/zero 2>/dev/null | head -c 3000000 >"$T/blob" || true
printf '{"engine":"mariadb"}' >"$T/conf"
BLOB=$(digest "$T/blob")
CONF=$(digest "$T/conf")
jq -cn --arg type "$manifest_type" --arg blob "$BLOB" --arg conf "$CONF" '{schemaVersion: 2,
	mediaType: $type, artifactType: "application/vnd.devenv.snapshot.v1",
	config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $conf, size: 20},
	layers: [{mediaType: "application/vnd.devenv.snapshot.pack.v1", digest: $blob, size: 3000000}]}' |
	tr -d '\n' >"$T/manifest.json"
MANIFEST=$(digest "$T/manifest.json")

# Blobs and manifest, as a push does it: push REFERENCE
push() { store put "$1" "$T/blob" "$T/conf" && store put-manifest "$1" "$T/manifest.json" "$manifest_type"; }

gets_blob() { store get "$1" "$BLOB" 3000000 >"$T/got" && cmp "$T/got" "$T/blob"; }

# Three parts, two near each other and one far.
gets_ranges() {
	store ranges "$1" "$BLOB" 0 16 100 5000 2000000 100000 >"$T/got" && cmp "$T/got" "$T/parts"
}
part() { dd if="$T/blob" iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none; }
{ part 0 16 && part 100 5000 && part 2000000 100000; } >"$T/parts"
