#!/usr/bin/env bash
# post_start and pre_stop: commands that a manifest has run inside its containers.
# shellcheck disable=SC2016 # $ is the container's
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

mkdir ws && cd ws || exit 1

first='[sh, -c, "echo start $$(id -u) $$PWD $$WORD >>/kept/log; echo said"]'

# manifest COMMAND of the first hook
manifest() {
	cat >compose.yaml <<-END
		name: hooks
		services:
		  web:
		    image: $(image base)
		    command: [sleep, "3600"]
		    stop_grace_period: 0s
		    volumes: ["kept:/kept"]
		    post_start:
		      - command: $1
		        working_dir: /tmp
		        environment: {WORD: hello}
		      - {command: [touch, /second], user: root}
		    pre_stop:
		      - command: [sh, -c, "echo stop >>/kept/log"]
		  after:
		    image: $(image base)
		    command: [sh, -c, "test -e /kept/log && exec sleep 3600"]
		    stop_grace_period: 0s
		    volumes: ["kept:/kept"]
		    depends_on: [web]
		volumes: {kept: {}}
	END
}

words() { # of the log, on one line
	"$DEVENV" exec -T after cat /kept/log | tr '\n' ';'
}

manifest "$first"
check 'up runs the hooks before what depends on the service starts' "$DEVENV" up
check_out 'with folder and variables' '^start 0 /tmp hello;$' words
check 'all of them' "$DEVENV" exec -T web test -e /second
check 'a second up does nothing' "$DEVENV" up
check_out 'and runs none' '^start 0 /tmp hello;$' words
check 'restart' "$DEVENV" restart web
check_out 'runs both' '^start 0 /tmp hello;stop;start 0 /tmp hello;$' words
check 'stop' "$DEVENV" stop web
check 'stop what is stopped' "$DEVENV" stop web
check_out 'runs pre_stop, once' 'hello;stop;$' words
check 'start' "$DEVENV" start web
check_out 'runs post_start' 'stop;start 0 /tmp hello;$' words
check 'a change' sed -i 's/WORD: hello/WORD: again/' compose.yaml
check 'a container is replaced' "$DEVENV" up --force-recreate web
check_out 'with both' 'hello;stop;start 0 /tmp again;$' words

manifest '[sh, -c, "echo words of it >&2; exit 3"]'
expect_fail 'a hook that fails is named, and up fails' 8 'web: post_start\[0\]: "sh" ended with status 3' \
	"$DEVENV" --progress plain up --force-recreate
check_out 'its words were shown' 'words of it' cat "$T/.failure"
check 'down' "$DEVENV" down --volumes

finish
