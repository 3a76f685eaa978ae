#!/usr/bin/env bash
# Every key reaches the engine: containers, networks and volumes of inspect/cases.yaml are the ones
# that docker compose makes on the same engine; what the engine refuses is refused alike.
# engine: docker
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

: "${DOCKER_COMPOSE:?tests/e2e/run sets it}"
cp -r "$HERE/inspect" cases
cd cases
mkdir data
echo 'port = 80' >site.conf
echo 'not a key' >key.pem
IMAGE=$(image base)
export IMAGE FROM_HERE='of this shell'

# Where use_api_socket looks for it; all of /run is the runner's own.
ln -s "${DOCKER_HOST#unix://}" /run/docker.sock
at_exit rm -f /run/docker.sock

# What differs on purpose: OBJECT -> "PATH is OURS, with docker compose THEIRS".
declare -A on_purpose=(
	# It would get SIGKILL before the time that it was promised.
	[stop_grace_period-part]='[0].Config.StopTimeout is 2, with docker compose 1'
	# "ro" is in the specification; docker compose drops it and mounts for writing.
	[volumes_from-ro]='[0].HostConfig.VolumesFrom[0] is "cases-volumes-named-1:ro", with docker compose "cases-volumes-named-1"
[0].Mounts[0].RW is false, with docker compose true
[0].Mounts[1].RW is false, with docker compose true'
)

# Keys of a service that say nothing about its container, and those with a test of their own.
no_case=' build depends_on develop extends image models post_start pre_stop profiles provider
	pull_policy pull_refresh_after x-route cpu_rt_runtime storage_opt '

compose() { "$DOCKER_COMPOSE" --progress quiet "$@"; }
run_devenv() { "$DEVENV" --progress quiet "$@"; }

# inspected NAME: what the engine has now, in $T/NAME.json
inspected() {
	local ids urls=() id
	ids=$(api GET '/containers/json?all=1' | jq -r '.[].Id')
	for id in $ids; do
		urls+=("http://engine/v1.41/containers/$id/json")
	done
	curl -sS --fail --unix-socket "${DOCKER_HOST#unix://}" "${urls[@]}" >"$T/containers.json"
	jq -n --slurpfile containers "$T/containers.json" \
		--slurpfile networks <(api GET /networks) --slurpfile volumes <(api GET /volumes) \
		'{$containers, networks: $networks[0], volumes: $volumes[0].Volumes}' |
		jq -S -f normal.jq >"$T/$1.json"
}

differences() {
	jq -nr --slurpfile theirs "$1" --slurpfile ours "$2" -f differences.jq
}

# found SECTION OBJECT: what of it is in $T/differences
found() {
	awk -F '\t' -v s="$1" -v o="$2" '$1 == s && $2 == o {
		printf "%s is %s, with docker compose %s\n", $3, $5, $4}' "$T/differences"
}

check_same() {
	local differs
	differs=$(found "$1" "$2")
	if [[ $differs == "${on_purpose[$2]:-}" ]]; then
		pass "$1: $2"
	else
		printf '%s\n' "$differs" >"$T/found"
		fail "$1: $2" "not the one of docker compose" "$T/found"
	fi
}

# === what is created ===

api POST /networks/create --json '{"Name": "cases_outside"}' >/dev/null
api POST /volumes/create --json '{"Name": "cases_outside"}' >/dev/null
run_devenv -f cases.yaml pull plain
# Side by side, it may look for a container by its name a moment too early; and what such a run left
# behind, a container short of a network, a second one does not mend.
they_create() {
	local tries
	for ((tries = 0; tries < 6; tries++)); do
		compose --parallel 1 -f cases.yaml create && return
		compose -f cases.yaml down --volumes
	done
	return 1
}
check "docker compose creates the cases" they_create
inspected theirs
compose -f cases.yaml down --volumes 2>/dev/null
check "devenv creates the cases" run_devenv -f cases.yaml create
inspected ours
differences "$T/theirs.json" "$T/ours.json" >"$T/differences"
for section in containers networks volumes; do
	for object in $(jq -r --arg section "$section" '.[$section] | keys[]' "$T/theirs.json"); do
		check_same "$section" "$object"
	done
done
check "a second create changes nothing" run_devenv -f cases.yaml create
inspected again
check "nothing at all" cmp "$T/ours.json" "$T/again.json"
run_devenv -f cases.yaml down --volumes

# === the test itself ===

# A container, a network and a volume that are not the same, and one that is missing.
jq '.containers.cap_add = .containers.cap_drop | .networks.cases_one.Internal = true
	| .volumes.cases_kept.Labels = {} | del(.containers.dns_opt)' "$T/theirs.json" >"$T/other.json"
differences "$T/theirs.json" "$T/other.json" >"$T/differences"
check_out "what differs is found" 'HostConfig.CapDrop\[0\] is "ALL", with docker compose null' \
	found containers cap_add
check_out "of networks" '^Internal is true, with docker compose false$' found networks cases_one
check_out "of volumes" 'Labels.*shop' found volumes cases_kept
check_out "and what is missing" 'is null, with docker compose \[' found containers dns_opt
check_out "and nothing else" '^4$' \
	jq -nr '[inputs | split("\t")[:2]] | unique | length' -R "$T/differences"

# The table of keys is the specification's: each has a case.
sed -n '/^static const struct key service_keys/,/^};/s/^\t{"\([^"]*\)".*/\1/p' \
	"$HERE/../../src/manifest/keys_service.c" >"$T/keys"
while read -r key; do
	if [[ ! $no_case =~ [[:space:]]"$key"[[:space:]] ]]; then
		check "$key has a case" grep -Eq "^  $key(-[a-z_-]+)?:" cases.yaml
	fi
done <"$T/keys"
check_out "the keys were read" '^[6-9][0-9]$|^[0-9]{3}$' grep -c . "$T/keys"

# === what is put in as files ===

files_of() {
	local id
	id=$(containers files files)
	for path in /etc/here /run/secrets; do
		api GET "/containers/$id/archive?path=$path" >"$T/files.tar"
		tar -tvf "$T/files.tar" --numeric-owner | awk '$1 ~ /^-/ {print $1, $2, $3, $6}' | sort
		tar -xOf "$T/files.tar"
		echo
	done
}
compose -f files.yaml up -d 2>/dev/null
files_of >"$T/files.theirs"
compose -f files.yaml down 2>/dev/null
check "devenv up with configs and secrets" run_devenv -f files.yaml up
files_of >"$T/files.ours"
check_out "docker compose puts in five" '^5$' grep -c '^-[rw-]{9} ' -E "$T/files.theirs"
check "and devenv the same, with owner, mode and content" diff "$T/files.theirs" "$T/files.ours"
run_devenv -f files.yaml down
check "docker compose creates, without files" compose -f files.yaml create
check "devenv up starts what it created" run_devenv -f files.yaml up
files_of >"$T/files.started"
check "with its configs and secrets" diff "$T/files.theirs" "$T/files.started"
run_devenv -f files.yaml down
compose -f files.yaml create 2>/dev/null
check "and so does devenv start" run_devenv -f files.yaml start
files_of >"$T/files.started"
check "with them, too" diff "$T/files.theirs" "$T/files.started"
run_devenv -f files.yaml down

# === use_api_socket: the engine's socket, and the credentials of all registries ===

socket_of() {
	local id
	id=$(containers socket cli)
	api GET "/containers/$id/archive?path=/run/secrets/docker/config.json" >"$T/socket.tar"
	tar -tvf "$T/socket.tar" --numeric-owner | awk '{print $1, $2, $6}'
	tar -xOf "$T/socket.tar" | jq -S .
	api GET "/containers/$id/json" | jq -S '.HostConfig.Binds, (.Config.Env | sort)'
}
mkdir -m 700 login
jq -n '{auths: {"a.example": {auth: ("user:pass" | @base64)}, "b.example": {identitytoken: "token"}}}' \
	>login/config.json
export DOCKER_CONFIG=$PWD/login
check "docker compose up with use_api_socket" compose -f socket.yaml up -d
socket_of >"$T/socket.theirs"
first=$(containers socket cli)
check "devenv up finds nothing to do" run_devenv -f socket.yaml up
check_out "it is the same container" "^$first\$" containers socket cli
compose -f socket.yaml down 2>/dev/null
check "devenv up with use_api_socket" run_devenv -f socket.yaml up
socket_of >"$T/socket.ours"
check_out "docker compose gives it two registries" '^2$' grep -cE 'auth"|identitytoken"' "$T/socket.theirs"
check "and devenv the same, with the socket" diff "$T/socket.theirs" "$T/socket.ours"
check "which the container can use" run_devenv -f socket.yaml exec cli test -S /var/run/docker.sock
api GET "/containers/$(containers socket cli)/json" >"$T/socket.inspect"
run_devenv -f socket.yaml config >"$T/socket.config"
for secret in token "$(jq -rn '"user:pass" | @base64')"; do
	check "a credential is in no label" not grep -q "\"$secret\|$secret\"" "$T/socket.inspect" "$T/socket.config"
done
check_out "devenv run gives it, too" a.example \
	run_devenv -f socket.yaml run cli cat /run/secrets/docker/config.json
run_devenv -f socket.yaml down
unset DOCKER_CONFIG

# === what is refused ===

# refused_alike SERVICE: both refuse it, and devenv with the engine's words where it was the engine
refused_alike() {
	local said
	if compose -p theirs -f refused.yaml up -d "$1" >"$T/refused" 2>&1; then
		echo "docker compose starts it"
		return 1
	fi
	if run_devenv -f refused.yaml up "$1" 2>"$T/refused.ours"; then
		echo "devenv starts it"
		return 1
	fi
	said=$(sed -n 's/.*Error response from daemon: //p' "$T/refused" | tail -n 1)
	echo "docker compose: $(tail -n 1 "$T/refused")"
	tail -n 1 "$T/refused.ours"
	grep -Fqi -- "$said" "$T/refused.ours" && grep -q "${1%%-*}\|$said" "$T/refused.ours"
}
sed -n 's/^  \([a-z_-]*\): {<<.*/\1/p' refused.yaml >"$T/refused.names"
while read -r service; do
	check "refused: $service" refused_alike "$service"
done <"$T/refused.names"

# === where devenv does more ===


# docker compose refuses the address of an endpoint; the older form means the same.
run_devenv -f older.yaml create mac_address
check_out "an endpoint's mac_address is the container's" '02:42:ac:11:00:08' \
	api GET "/containers/$(containers older mac_address)/json"
# docker compose refuses the whole service for a shorter interval at its start.
start_interval() { "$DEVENV" -f older.yaml create start_interval 2>&1; }
check_out "a start_interval that cannot be is told" 'has no healthcheck.start_interval' start_interval
# docker compose mounts the whole volume.
expect_fail "a subpath that cannot be" 4 'volumes.volume.subpath needs an engine of API 1.45' \
	"$DEVENV" -f older.yaml create subpath
finish
