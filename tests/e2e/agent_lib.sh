# shellcheck shell=bash
# What the tests of snapshots start with, after lib.sh: the program that asks, volumes and their trees.
build=$(dirname "$DEVENV")
agent=$build/tests/agent_api
check "build the test's program" make -s -C "$HERE/../.." -o "$build/libdevenv.a" BUILD="$build" "$agent"

# A volume, and where it is. Podman gives it an owner when a container first uses it.
volume() {
	api POST /volumes/create -H 'Content-Type: application/json' --data "{\"Name\":\"$1\"}" |
		jq -r .Mountpoint
	use "$1" /mnt
}
same_tree() { diff <("$HERE/tree" describe "$1") <("$HERE/tree" describe "$2"); }
use() { # VOLUME PATH
	local id
	id=$(api POST /containers/create -H 'Content-Type: application/json' \
		--data "{\"Image\":\"$(image base)\",\"Cmd\":[\"true\"],
			\"HostConfig\":{\"Binds\":[\"$1:$2\"]}}" | jq -r .Id)
	api POST "/containers/$id/start" -o /dev/null
	api POST "/containers/$id/wait" -o /dev/null
	api DELETE "/containers/$id?force=1" -o /dev/null
}
ref=$(image base)
check "the image is there" api POST "/images/create?fromImage=${ref%:*}&tag=${ref##*:}" -o /dev/null
