# shellcheck shell=bash
# What every end-to-end test script starts with:  source "$(dirname "$0")/lib.sh"
#
# The runner (tests/e2e/run) gives it an engine in DOCKER_HOST, private XDG folders and HOME, and an
# empty folder $T which is also the working directory.  A script makes its checks and ends with
# `finish`: one that dies before counts as a failure.
#
#	check NAME COMMAND...                      status 0
#	check_out NAME REGEX COMMAND...            status 0 and stdout matches
#	expect_fail NAME STATUS REGEX COMMAND...   that status (4, or [14]), and stderr matches; it is
#	                                           kept in $T/.failure
#	wait_for SECONDS COMMAND...                until it succeeds, for other commands to use; if it does
#	                                           not, the ends of the files *.err are shown
#	image NAME                                 the reference of a test image
#	api METHOD PATH [curl options]             a bare request to the engine
#
# In the first ten lines, "# engine: none" marks a script that needs no engine and "# engine: docker"
# or "# engine: podman" one that is about that engine only; the runner runs those once. Podman of a
# user who is not root has only those with "# engine: rootless".
set -euo pipefail

: "${DEVENV:?start this through tests/e2e/run}" "${T:?}" "${DEVENV_REGISTRY:?}"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ENGINE=${ENGINE:-none}
export HERE ENGINE
COMMAND_TIMEOUT=${COMMAND_TIMEOUT:-120}
checks=0
on_exit=()

image() { printf '%s/devenv/%s:1' "$DEVENV_REGISTRY" "$1"; }

pass() {
	checks=$((checks + 1))
	printf 'ok - %s\n' "$1"
}

# fail NAME REASON [FILE...]: the files are shown, cut; the end of the last one on the line itself
fail() {
	local name=$1 reason=$2 file
	shift 2
	checks=$((checks + 1))
	if (($(df --output=avail -k "$T" | tail -n 1) < 1024)); then
		reason+='; the disk is full, so that what was said may be lost'
	fi
	printf 'not ok - %s (%s)\n#   %s\n' "$name" \
		"$(tail -qn 1 "$@" /dev/null | tail -n 1 | cut -c1-200)" "$reason"
	for file in "$@"; do
		if [[ -s $file ]]; then
			tail -n 25 "$file" | cut -c1-300 | sed "s|^|#   $(basename "$file"): |"
		fi
	done
	return 0
}

# Run a command with its output in $T/.out and $T/.err; its status in $status.
capture() {
	status=0
	if [[ $(type -t "$1") == function ]]; then
		"$@" >"$T/.out" 2>"$T/.err" || status=$?
	else
		timeout "$COMMAND_TIMEOUT" "$@" >"$T/.out" 2>"$T/.err" </dev/null || status=$?
	fi
}

check() {
	local name=$1
	shift
	capture "$@"
	if ((status == 0)); then
		pass "$name"
	else
		fail "$name" "status $status: $*" "$T/.out" "$T/.err"
	fi
}

check_out() {
	local name=$1 regex=$2
	shift 2
	capture "$@"
	if ((status != 0)); then
		fail "$name" "status $status: $*" "$T/.out" "$T/.err"
	elif ! grep -Eq -- "$regex" "$T/.out"; then
		fail "$name" "stdout does not match /$regex/: $*" "$T/.out" "$T/.err"
	else
		pass "$name"
	fi
}

expect_fail() {
	local name=$1 wanted=$2 regex=$3
	shift 3
	capture "$@"
	cp "$T/.err" "$T/.failure" # for a closer look by the next check
	# shellcheck disable=SC2053 # a pattern: "[14]"
	if [[ $status != $wanted ]]; then
		fail "$name" "status $status instead of $wanted: $*" "$T/.out" "$T/.err"
	elif [[ -n $regex ]] && ! grep -Eq -- "$regex" "$T/.err"; then
		fail "$name" "stderr does not match /$regex/: $*" "$T/.out" "$T/.err"
	else
		pass "$name"
	fi
}

# Turns a status around, for check: check "it is gone" not container web
not() { ! "$@"; }

# Three times as long as it says: a slow machine is no failure, and what succeeds does not wait.
wait_for() {
	local deadline=$((SECONDS + 3 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= deadline)); then
			echo "not within the time: $*" >&2
			# What was started in the background writes into such a file.
			tail -qn 8 ./*.err >&2 2>/dev/null || true
			return 1
		fi
		read -rt 0.1 <> <(:) || true
	done
}

# plans_nothing [SERVICE...]: all is as it should be, once the engine has seen a healthcheck pass.
plans_nothing() { wait_for 20 has_empty_plan "$@"; }
has_empty_plan() { "$DEVENV" plan "$@" | grep -q '^nothing to do'; }

# is_idle PID: it takes no processor time; a second's look at a few things is within the limit.
is_idle() {
	local before after
	before=$(awk '{print $14 + $15}' "/proc/$1/stat")
	sleep 3
	after=$(awk '{print $14 + $15}' "/proc/$1/stat")
	echo "$((after - before)) ticks in 3 s" >&2
	((after - before <= 3))
}

# `at_exit COMMAND...`: run when the script ends, however it ends; the last one first.
at_exit() { on_exit=("$(printf '%q ' "$@")" "${on_exit[@]}"); }

run_at_exit() {
	local command
	for command in "${on_exit[@]}"; do
		eval "$command" >/dev/null 2>&1 || true
	done
}
trap run_at_exit EXIT

api() {
	local method=$1 path=$2
	shift 2
	curl -sS --fail-with-body --max-time 60 --unix-socket "${DOCKER_HOST#unix://}" \
		-X "$method" "http://engine/v1.41$path" "$@"
}

# The containers of a Compose service, running or not, as ids: containers PROJECT [SERVICE]
containers() {
	local labels="\"com.docker.compose.project=$1\""
	if (($# > 1)); then
		labels+=",\"com.docker.compose.service=$2\""
	fi
	api GET /containers/json --get --data-urlencode 'all=1' \
		--data-urlencode "filters={\"label\":[$labels]}" | jq -r '.[].Id'
}

# devenv's agents, running or not, as ids.
agents() {
	api GET /containers/json --get --data-urlencode 'all=1' \
		--data-urlencode 'filters={"label":["io.devenv.helper=agent"]}' | jq -r '.[].Id'
}
# An engine that does not answer has not shown that there is none.
no_agents() {
	local ids
	ids=$(agents) && [[ -z $ids ]]
}

# The test image as one that was imported: Podman builds only on images whose config has a history,
# which ours have not: import_base REPOSITORY:TAG
import_base() {
	local id made
	api POST "/images/create?fromImage=$DEVENV_REGISTRY/devenv/base&tag=1" >/dev/null &&
		id=$(api POST /containers/create -H 'Content-Type: application/json' \
			--data "{\"Image\":\"$(image base)\",\"Cmd\":[\"true\"]}" | jq -r .Id) &&
		api GET "/containers/$id/export" >"$T/base.tar" &&
		made=$(api POST "/images/create?fromSrc=-" -H 'Content-Type: application/x-tar' \
			--data-binary "@$T/base.tar" | jq -rs 'last.status') &&
		api POST "/images/${made#sha256:}/tag?repo=${1%:*}&tag=${1##*:}" &&
		api DELETE "/containers/$id?force=1" >/dev/null && rm "$T/base.tar"
}

finish() {
	if ((checks == 0)); then
		fail "$(basename "$0")" "it checked nothing"
	fi
	printf '# finished: %d checks\n' "$checks"
	exit 0
}
