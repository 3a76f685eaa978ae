#!/usr/bin/env bash
# Keys that Podman takes in another form than Docker, or not at all.
# engine: podman
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

image=$(image base)
cp "$HERE/inspect/seccomp.json" .
cat >compose.yaml <<EOF2
name: keys
services:
  profile:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    security_opt: ["seccomp:seccomp.json"]
  range:
    image: $image
    command: &serve [busybox, httpd, -f, -p, "70", -h, /tmp]
    stop_signal: KILL
    scale: 2
    ports:
      - {target: 70, published: "7000-7002"}
  fixed:
    image: $image
    command: *serve
    stop_signal: KILL
    ports: ["7000:70"]
  cli:
    image: $image
    command: [sleep, infinity]
    stop_signal: KILL
    use_api_socket: true
EOF2
ln -s "${DOCKER_HOST#unix://}" /run/docker.sock # all of /run is the runner's own
at_exit rm -f /run/docker.sock
mkdir -m 700 login
jq -n '{auths: {"a.example": {auth: ("user:pass" | @base64)}}}' >login/config.json
export DOCKER_CONFIG=$PWD/login

published() {
	local id
	for id in $(containers keys range); do
		api GET "/containers/$id/json" | jq -r '.HostConfig.PortBindings[][].HostPort'
	done | sort | paste -sd ' '
}
options() { api GET "/containers/$(containers keys profile)/json" | jq -r '.HostConfig.SecurityOpt[]'; }

check "devenv up" "$DEVENV" up
check_out "a seccomp profile goes by its path" "^seccomp=$T/seccomp.json\$" options
check_out "each container gets a port of the range that no service has" '^7001 7002$' published
check "use_api_socket: the container has the engine's socket" \
	"$DEVENV" exec cli test -S /var/run/docker.sock
check_out "and the credentials" a.example "$DEVENV" exec cli cat /run/secrets/docker/config.json
check "a second up" "$DEVENV" up
check_out "changes no port" '^7001 7002$' published
expect_fail "a range that is too small names its key" '[1-9]' 'ports.published: every port of 7000-7002' \
	"$DEVENV" up --scale range=3
"$DEVENV" down
finish
