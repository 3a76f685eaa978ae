# shellcheck shell=bash
# Engines for the tests: start_engine docker|podman|rootless FOLDER sets DOCKER_HOST; stop_engine
# ends it.
#
# The caller is in namespaces of its own (network, mounts, processes), so nothing here meets an engine
# of the machine.

engine_pid=''

start_docker() {
	local folder=$1
	mkdir -p "$folder"
	echo '{}' >"$folder/daemon.json"
	dockerd --config-file "$folder/daemon.json" --data-root "$folder/data" \
		--exec-root "$folder/run" --pidfile "$folder/pid" --host "unix://$folder/docker.sock" \
		>"$folder/log" 2>&1 &
	engine_pid=$!
	export DOCKER_HOST=unix://$folder/docker.sock
}

# devenv's own embedded engine, as a user without any engine gets it.
start_podman() {
	local folder=$1
	mkdir -p "$folder"/{home,config,state,data,cache,run}
	chmod 700 "$folder/run"
	engine_program=$DEVENV
	engine_env=(env -u DOCKER_HOST HOME="$folder/home" XDG_CONFIG_HOME="$folder/config"
		XDG_STATE_HOME="$folder/state" XDG_DATA_HOME="$folder/data"
		XDG_CACHE_HOME="$folder/cache" XDG_RUNTIME_DIR="$folder/run")
	DOCKER_HOST=$("${engine_env[@]}" "$DEVENV" engine start 2>"$folder/log") || {
		cat "$folder/log" >&2
		return 1
	}
	export DOCKER_HOST
}

# The same for a user who is not root, and who is known only in here.
start_rootless() {
	local folder=$1 name=devenv-e2e id=54321 file
	mkdir -p "$folder"/{home,config,state,data,cache,run,etc}
	chmod 700 "$folder/run"
	chmod o+x "$(dirname "$folder")"
	engine_program=$folder/devenv
	install -m 755 "$DEVENV" "$engine_program"
	for file in passwd group subuid subgid; do
		touch "/etc/$file"
		cp "/etc/$file" "$folder/etc/$file"
	done
	echo "$name:x:$id:$id::$folder/home:/bin/sh" >>"$folder/etc/passwd"
	echo "$name:x:$id:" >>"$folder/etc/group"
	echo "$name:600000:65536" | tee -a "$folder/etc/subuid" >>"$folder/etc/subgid"
	for file in passwd group subuid subgid; do
		mount --bind "$folder/etc/$file" "/etc/$file"
	done
	chown -R "$id:$id" "$folder"/{home,config,state,data,cache,run}
	chown "$id:$id" "$folder"
	engine_env=(setpriv --reuid "$id" --regid "$id" --clear-groups env -u DOCKER_HOST
		-C "$folder" HOME="$folder/home" USER="$name" XDG_CONFIG_HOME="$folder/config"
		XDG_STATE_HOME="$folder/state" XDG_DATA_HOME="$folder/data"
		XDG_CACHE_HOME="$folder/cache" XDG_RUNTIME_DIR="$folder/run")
	DOCKER_HOST=$("${engine_env[@]}" "$engine_program" engine start 2>"$folder/log") || {
		cat "$folder/log" >&2
		return 1
	}
	export DOCKER_HOST
}

engine_answers() {
	curl -sS -o /dev/null --max-time 2 --unix-socket "${DOCKER_HOST#unix://}" \
		http://engine/_ping 2>/dev/null
}

start_engine() {
	engine_kind=$1 engine_folder=$2
	local deadline=$((SECONDS + 60))
	"start_$engine_kind" "$engine_folder" || return 1
	until engine_answers; do
		if ((SECONDS >= deadline)); then
			echo "the engine does not answer:" >&2
			tail -n 20 "$engine_folder/log" >&2
			return 1
		fi
		read -rt 0.1 <> <(:) || true
	done
}

# Remove what a test left: containers, then networks and volumes.  Images stay for the next test.
clean_engine() {
	local socket=${DOCKER_HOST#unix://} id
	local ask=(curl -sS --max-time 60 --unix-socket "$socket")
	for id in $("${ask[@]}" "http://engine/v1.41/containers/json?all=1" | jq -r '.[].Id'); do
		"${ask[@]}" -o /dev/null -X DELETE "http://engine/v1.41/containers/$id?force=1&v=1"
	done
	for id in $("${ask[@]}" http://engine/v1.41/networks |
		jq -r '.[].Name | select(. != "bridge" and . != "host" and . != "none" and . != "podman")'); do
		"${ask[@]}" -o /dev/null -X DELETE "http://engine/v1.41/networks/$id"
	done
	for id in $("${ask[@]}" http://engine/v1.41/volumes | jq -r '.Volumes[]?.Name'); do
		"${ask[@]}" -o /dev/null -X DELETE "http://engine/v1.41/volumes/$id?force=1"
	done
}

# What engines and tests mounted below a folder.
end_mounts() {
	local place
	awk -v below="$1/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r |
		while read -r place; do
			umount -l "$place" || true
		done
}

# What ends with an engine may write a last file meanwhile, or mount something.
remove_folder() {
	local tries
	for ((tries = 0; tries < 50; tries++)); do
		rm -rf "$1" 2>/dev/null && return
		end_mounts "$1"
		read -rt 0.1 <> <(:) || true
	done
	echo "# left behind: $1"
}

stop_engine() {
	local folder
	if [[ -n ${DOCKER_HOST:-} ]] && engine_answers; then
		clean_engine || true
	fi
	if [[ ${engine_kind:-} == podman || ${engine_kind:-} == rootless ]]; then
		"${engine_env[@]}" "$engine_program" engine stop >/dev/null 2>&1 || true
		# What devenv puts into /tmp when a path is too long for a socket or for Podman.
		sed -n 's|^runroot = "\(/tmp/devenv-[^"]*\)/run"$|\1|p' \
			"$engine_folder"/state/devenv/engine/config/containers/storage.conf |
			while read -r folder; do remove_folder "$folder"; done
	elif [[ -n $engine_pid ]]; then
		kill "$engine_pid" 2>/dev/null || true
		wait "$engine_pid" 2>/dev/null || true
	fi
	engine_pid=''
}
