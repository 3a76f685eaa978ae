# shellcheck shell=bash
# devenv against docker compose on one dockerd: config, up with nothing to do, up of everything.
#
# 20 services in a dependency tree, and manifests of up to 2,000.

compose_packages=(docker-compose)
compose_images=(base)

# s1 ... s20: each depends on the one at half its number.
write_project() {
	local i
	echo 'services:'
	for ((i = 1; i <= 20; i++)); do
		printf '  s%d:\n    image: 127.0.0.1:%d/devenv/base:1\n' "$i" "$port"
		printf '    command: [sleep, "3600"]\n    stop_grace_period: 0s\n'
		printf '    environment: {NUMBER: "%d", ROLE: bench}\n' "$i"
		if ((i > 1)); then
			printf '    depends_on: [s%d]\n' $((i / 2))
		fi
	done
}

devenv() { "$build/devenv" -f "$work/compose.yaml" -p "$1" --progress quiet "${@:2}"; }
compose() { "$compose" -f "$work/compose.yaml" -p "$1" --progress quiet "${@:2}"; }

full_up() {
	local ours=() theirs=() floors=() round
	for ((round = 0; round < rounds; round++)); do
		clock devenv ours up
		ours+=("$ms")
		devenv ours down >/dev/null 2>&1
		clock compose theirs up -d
		theirs+=("$ms")
		compose theirs down -t 0 >/dev/null 2>&1
		floors+=("$("$build/bench/floor" "127.0.0.1:$port/devenv/base:1" 20 "floor$round")")
		clean_engine
	done
	figure "up, 20 services: docker compose" "$(median "${ours[@]}")" "$(median "${theirs[@]}")" 0.95 ms
	figure "up, 20 services: bare requests" "$(median "${ours[@]}")" "$(median "${floors[@]}")" 1.10 ms
}

# Both do nothing on what they brought up themselves.
no_op() {
	local ours theirs
	devenv ours up >/dev/null 2>&1
	ours=$("$build/bench/measure" 15 "$build/devenv" -f "$work/compose.yaml" -p ours up)
	devenv ours down >/dev/null 2>&1
	compose theirs up -d >/dev/null 2>&1
	theirs=$("$build/bench/measure" 15 "$compose" -f "$work/compose.yaml" -p theirs up -d)
	compose theirs down -t 0 >/dev/null 2>&1
	figure "up with nothing to do: time" "${ours% *}" "${theirs% *}" 0.20 ms
	figure "up with nothing to do: memory" "${ours#* }" "${theirs#* }" 0.25 kB
}

config() {
	local ours theirs
	ours=$("$build/bench/measure" 25 "$build/devenv" -f "$work/compose.yaml" config)
	theirs=$("$build/bench/measure" 25 "$compose" -f "$work/compose.yaml" config)
	figure "config: time" "${ours% *}" "${theirs% *}" 0.10 ms
	figure "config: memory" "${ours#* }" "${theirs#* }" 0.25 kB
}

# One service as companies have them: write_service NAME PORT VOLUME
write_service() {
	cat <<-YAML
		  $1:
		    image: registry.example/shop/$1:1.\${MINOR:-4}
		    command: [serve, --port, "8080"]
		    environment: {DATABASE_URL: "mysql://db:3306/$1", LEVEL: "\${LEVEL:-info}"}
		    ports: ["$2:8080"]
		    volumes: ["./src/$1:/app", "$3:/data"]
		    healthcheck: {test: [CMD, check], interval: 5s, retries: 3}
		    restart: unless-stopped
	YAML
}

# 200 services in 20 files, as a company's workspace has them.
write_workspace() {
	local file service
	for ((file = 0; file < 20; file++)); do
		{
			echo 'services:'
			for ((service = 0; service < 10; service++)); do
				write_service "s${file}x$service" $((20000 + file * 100 + service)) "data$file"
			done
			echo "volumes: {data$file: {}}"
		} >"$work/workspace-$file.yaml"
	done
}

write_services() { # COUNT: ten to a volume, each but the first depends on the one at half its number
	local i
	echo 'services:'
	for ((i = 0; i < $1; i++)); do
		write_service "s$i" $((20000 + i)) "data$((i / 10))"
		((i == 0)) || echo "    depends_on: [s$((i / 2))]"
	done
	echo 'volumes:'
	for ((i = 0; i < ($1 + 9) / 10; i++)); do
		echo "  data$i: {}"
	done
}

# What a service more costs may not grow with their number: all but the program's start is counted.
linear() {
	local n start cost per
	declare -A times memory
	write_services 1 >"$work/services.yaml"
	start=$("$build/bench/measure" 25 "$build/devenv" -f "$work/services.yaml" -p l config)
	for n in 10 100 1000 2000; do
		write_services "$n" >"$work/services.yaml"
		cost=$("$build/bench/measure" 15 "$build/devenv" -f "$work/services.yaml" -p l config)
		per=$(awk -v start="$start" -v cost="$cost" -v n="$n" 'BEGIN {
			split(start, s); split(cost, c)
			printf "%.1f %.2f", (c[1] - s[1]) * 1000 / (n - 1), (c[2] - s[2]) / (n - 1)
		}')
		times[$n]=${per% *} memory[$n]=${per#* }
		echo "config of $n services: ${cost% *} ms, ${cost#* } kB;" \
			"each ${times[$n]} us, ${memory[$n]} kB"
	done
	figure "a service of 2000, of 100: time" "${times[2000]}" "${times[100]}" 1.50 us
	figure "a service of 2000, of 100: memory" "${memory[2000]}" "${memory[100]}" 1.50 kB
}

workspace() {
	local ours theirs files=() file
	write_workspace
	for ((file = 0; file < 20; file++)); do
		files+=(-f "$work/workspace-$file.yaml")
	done
	ours=$("$build/bench/measure" 15 "$build/devenv" "${files[@]}" -p w config)
	theirs=$("$build/bench/measure" 7 "$compose" "${files[@]}" -p w config)
	figure "config of 200 services: time" "${ours% *}" "${theirs% *}" 0.05 ms
	figure "config of 200 services: memory" "${ours#* }" "${theirs#* }" 0.20 kB
}

bench_compose() {
	compose=$build/peers/docker-compose/usr/libexec/docker/cli-plugins/docker-compose
	start_engine docker "$work/engine"
	write_project >"$work/compose.yaml"
	devenv ours pull >/dev/null 2>&1
	"$compose" version
	config
	workspace
	linear
	no_op
	full_up
	stop_engine
}
