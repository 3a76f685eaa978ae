#!/usr/bin/env bash
# engine: docker
# A project that devenv and docker compose take turns on: neither makes anew what the other made.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

compose() { timeout 120 "$DOCKER_COMPOSE" --progress plain "$@"; }

worker_runs() { state | grep -F "$(containers shop worker)" | grep running; }
compose_up() { compose up -d 2>&1 | tee "$T/said"; }

# Id, time of the start and state of each container, to see that nothing was touched.
state() {
	containers shop | sort | while read -r id; do
		api GET "/containers/$id/json" | jq -c '[.Id, .State.StartedAt, .State.Status]'
	done
}
resources() { api GET /networks | jq -r '.[] | select(.Name | startswith("shop")) | .Id' | sort; }
# Compose's labels of every object, without order where there is none.  The hash of what shares
# another's container has its id in it.
labels() {
	{
		containers shop | while read -r id; do
			api GET "/containers/$id/json" | jq -c '[.Name, .Config.Labels]'
		done
		# devenv says of these too where they came from.
		api GET /networks | jq -c '.[] | select(.Name | startswith("shop"))'
		api GET /volumes | jq -c '.Volumes[] | select(.Name | startswith("shop"))'
	} | jq -c 'if type == "object" then
			[.Name, (.Labels | del(.["com.docker.compose.project.working_dir"]))]
		else . end' | jq -c '.[1] |= with_entries(select(.key | startswith("com.docker.compose.")))
		| .[1]["com.docker.compose.depends_on"] |= (. // "" | split(",") | sort)
		| if .[0] == "/shop-side-1" then del(.[1]["com.docker.compose.config-hash"]) else . end' |
		jq -cS . | sort
}

mkdir shop
cd shop
printf 'FROM_FILE=<one>\nALSO=two & three\n' >app.env
printf 'from.file=yes\n' >app.labels
printf 'sesame\n' >token.txt
mkdir static
echo page >static/page
cat >compose.yaml <<YAML
x-base: &base
  image: $(image base)
  command: [sleep, infinity]
  stop_signal: KILL
services:
  web:
    <<: *base
    command: [busybox, httpd, -f, -p, "80", -h, /]
    ports: ["127.0.0.1:21090:80"]
    env_file: [app.env, {path: none.env, required: false}]
    label_file: app.labels
    environment: {HTML: "<b>&</b>", UNSET: }
    labels: {team: shop}
    volumes: ["data:/data", "./static:/static:ro", {type: tmpfs, target: /scratch, tmpfs: {size: 1m}}]
    networks: {front: {aliases: [www]}, back: }
    configs: [{source: motd, target: /etc/motd}]
    secrets: [token]
    depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
    healthcheck: {test: [CMD, busybox, wget, -qO-, "http://127.0.0.1/static/page"], interval: 200ms}
    deploy: {resources: {limits: {memory: 64m, cpus: "0.5"}}}
    ulimits: {nofile: {soft: 1000, hard: 2000}}
  db:
    <<: *base
    healthcheck: {test: [CMD, "true"], interval: 200ms, retries: 5}
    networks: {back: {aliases: [database]}}
    volumes: ["data:/data"]
    restart: unless-stopped
  side:
    <<: *base
    network_mode: service:db
    volumes_from: ["db:ro"]
  worker:
    <<: *base
    networks: [back]
    scale: 2
  job:
    <<: *base
    command: ["true"]
    networks: [back]
networks:
  front: {labels: {kind: public}}
  back: {internal: true, ipam: {config: [{subnet: 10.77.0.0/24}]}}
volumes:
  data: {labels: {kind: keep}}
configs:
  motd: {content: "hello & <goodbye>"}
secrets:
  token: {file: ./token.txt}
YAML

# === what devenv brought up ===

check "devenv up" "$DEVENV" up
labels >devenv.labels
state >before
resources >before.networks
check_out "compose finds web running" "Container shop-web-1 +Running" \
	compose_up
check "and makes nothing" not grep -E 'Creat|Recreat|Remov' "$T/said"
state >after
job=$(containers shop job)
check "no container is another or was restarted, but the finished job" \
	diff <(grep -v "$job" before) <(grep -v "$job" after)
check "nor is a network" diff before.networks <(resources)
check_out "compose ps" 'shop-db-1 .*\(healthy\)' compose ps
check_out "compose exec" '^two & three$' compose exec -T web printenv ALSO
check "compose exec writes to its log" compose exec -T web bash -c 'echo said >/proc/1/fd/1'
check_out "compose logs" 'said' compose logs web
check "compose stop" compose stop worker
check "stops its containers" not worker_runs
check "compose start" compose start worker
check "devenv up once more" "$DEVENV" up
check "makes nothing anew" diff <(cut -d, -f1 before) <(state | cut -d, -f1)
check "compose down" compose down --volumes
check "leaves no container" test -z "$(containers shop)"
check "and no network" test -z "$(resources)"

check "images are pinned alike" diff <(compose config --resolve-image-digests) \
	<("$DEVENV" config --resolve-image-digests)

# === what compose brought up ===

check "compose up" compose up -d --wait worker web side
labels >compose.labels
check "the labels are the same" diff compose.labels devenv.labels
state >before
resources >before.networks
nothing_to_make() { "$DEVENV" plan --format json | jq -e '[.actions[] | select(.action | test("create|remove"))] == []'; }
check "devenv plan has nothing to make" nothing_to_make
check "devenv up" "$DEVENV" up
job=$(containers shop job)
check "touches no container" diff <(grep -v "$job" before) <(state | grep -v "$job")
check "nor a network" diff before.networks <(resources)
check_out "devenv why" 'is as its manifest says' "$DEVENV" why web
check_out "devenv why of one that shares with others" 'is as its manifest says' "$DEVENV" why side
check_out "devenv status" 'db .*healthy|db .*ready|db .*running' "$DEVENV" status
check_out "devenv exec" '^<one>$' "$DEVENV" exec web printenv FROM_FILE
check "devenv exec writes to its log" "$DEVENV" exec web bash -c 'echo heard >/proc/1/fd/1'
check_out "devenv logs" 'heard' "$DEVENV" logs web

sed -i -e 's/team: shop/team: other/' -e 's/kind: public/kind: other/' compose.yaml
check_out "devenv why names a label" 'labels.team changed from "shop" to "other"' "$DEVENV" why web
check_out "and whose definition it was" 'docker compose made it' "$DEVENV" why web
check "devenv up after a change" "$DEVENV" up
check_out "makes web anew" '^other$' bash -c "$(declare -f api containers); api GET /containers/\$(containers shop web)/json | jq -r .Config.Labels.team"
state >before
check "compose agrees" compose up -d
job=$(containers shop job)
check "and touches nothing" diff <(grep -v "$job" before) <(state | grep -v "$job")
check "devenv down" "$DEVENV" down --volumes
check "leaves no container" test -z "$(containers shop)"
check "and no network" test -z "$(resources)"

# === the same hash for every manifest that compose accepts ===

same_hashes() {
	local folder args n=0
	for folder in "$HERE"/../data/compose/*/; do
		[[ -f $folder/expected.json ]] || continue
		mapfile -t args < <(cat "$folder/args" 2>/dev/null || printf -- '-f\ncompose.yaml\n')
		cd "$folder"
		diff <("$DOCKER_COMPOSE" -p case "${args[@]}" config --hash '*' 2>/dev/null) \
			<("$DEVENV" -p case "${args[@]}" config --hash '*' 2>/dev/null) || return
		n=$((n + 1))
	done
	((n > 150))
}
check "the hashes of all test manifests are Compose's" same_hashes
finish
