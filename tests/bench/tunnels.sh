# shellcheck shell=bash
# Tunnels against OpenSSH's `ssh -L`, and autossh where the connection is lost.
#
# sshd, PostgreSQL and the program that sends and checks bytes (blast.c) are on this machine; wire.c
# makes a line of 20 or 80 ms round trip, or a black hole, between the client and sshd.

tunnels_packages=(autossh)
tunnels_images=()

sshd_port=5060
blast_port=5061
pg_port=5062
line_port=5063
our_port=5064
engine=libssh2
their_port=5065

blast() { "$build/bench/blast" "$@"; }

# === the far side ===

make_keys() {
	mkdir -p "$far" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$far/host"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$far/user"
	cp "$far/user.pub" "$far/authorized"
	printf '[127.0.0.1]:%s %s\n' "$sshd_port" "$(cut -d' ' -f1,2 "$far/host.pub")" \
		"$line_port" "$(cut -d' ' -f1,2 "$far/host.pub")" >"$far/known"
	cat >"$far/sshd_config" <<-END
		Port $sshd_port
		ListenAddress 127.0.0.1
		HostKey $far/host
		PidFile $far/sshd.pid
		AuthorizedKeysFile $far/authorized
		UsePAM no
		StrictModes no
		MaxStartups 100
	END
	cat >"$far/config" <<-END
		Host *
		HostName 127.0.0.1
		User root
		IdentityFile $far/user
		IdentitiesOnly yes
		UserKnownHostsFile $far/known
		GlobalKnownHostsFile none
	END
}

listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
pause() { read -rt "$1" <> <(:) || true; }
until_listens() { until listens "$1"; do pause 0.005; done; }

start_sshd() {
	/usr/sbin/sshd -f "$far/sshd_config" -E "$far/sshd.log"
	until_listens "$sshd_port"
}

sessions() { pgrep -P "$(cat "$far/sshd.pid")"; }

kill_sessions() {
	# shellcheck disable=SC2046 # one word a process
	kill -KILL $(sessions) 2>/dev/null || true
}

# Without its sessions, which would be made anew at once if it were not stopped first.
stop_sshd() {
	local pid
	pid=$(cat "$far/sshd.pid")
	kill -STOP "$pid"
	kill_sessions
	kill -KILL "$pid"
	while listens "$sshd_port"; do :; done
}

as_postgres() { (cd "$pg" && runuser -u postgres -- "$@"); }

start_postgres() {
	local bin
	bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort | tail -n 1)
	pg=$(mktemp -d /tmp/devenv-pg.XXXXXX) # where its own user may go
	chown postgres "$pg"
	as_postgres "$bin/initdb" -D "$pg/data" -U postgres -A trust --no-sync >"$work/pg.log"
	as_postgres "$bin/pg_ctl" -D "$pg/data" -w -l "$pg/log" -o \
		"-p $pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$pg" start \
		>>"$work/pg.log"
	pgbench=$bin/pgbench
	clock "$pgbench" -q -i -s 5 -h 127.0.0.1 -p "$pg_port" -U postgres postgres
}

# start_line DELAY_MS: half a round trip
start_line() {
	"$build/bench/wire" "$line_port" "$sshd_port" "$1" &
	line_pid=$!
	until_listens "$line_port"
}

stop() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

# === the near side ===

# write_tunnels PORT_OF_SSH TO [N]: the first is on $our_port, the others follow it
write_tunnels() {
	local i
	printf 'services: {none: {image: none}}\nx-tunnels:\n'
	for ((i = 0; i < ${3:-1}; i++)); do
		printf '  t%d: {via: "bastion:%d", port: %d, to: "127.0.0.1:%d", ssh_engine: %s}\n' \
			"$i" "$1" $((our_port + (i ? 100 + i : 0))) "$2" "$engine"
	done
}

# Serve ours until `stop $our_pid`; returns when N tunnels are ready.
start_ours() { # PORT_OF_SSH TO [N]
	local i
	write_tunnels "$@" >"$work/tunnels.yaml"
	rm -f "$work/ready"
	mkfifo "$work/ready"
	# As `ssh -f` has one: the scheduler shares a full machine among sessions.
	setsid "$DEVENV" -f "$work/tunnels.yaml" --progress plain tunnel >"$work/ready" \
		2>"$work/ours.err" &
	our_pid=$!
	exec 9<"$work/ready"
	for ((i = 0; i < ${3:-1}; i++)); do
		read -r -u 9 _ || return 1
	done
}

ssh_words() { # PORT_OF_SSH TO
	printf '%s\n' -F "$far/config" -N -o ExitOnForwardFailure=yes -p "$1" \
		-L "127.0.0.1:$their_port:127.0.0.1:$2" bastion
}

# It goes to the background when it is ready.
start_theirs() {
	local words
	mapfile -t words < <(ssh_words "$@")
	ssh -f "${words[@]}" >/dev/null 2>&1
	their_pid=$(pgrep -n -x ssh)
}

both() { # PORT_OF_SSH TO
	start_ours "$@"
	start_theirs "$@"
}

stop_both() {
	stop "$our_pid"
	kill "$their_pid"
	while kill -0 "$their_pid" 2>/dev/null; do :; done
}

# === figures ===

# carried PORT CLIENTS BYTES WAY: milliseconds for one connection each, into $ms
carried() {
	local words
	words=$(blast load "$1" "$2" "$3" 0 "$4")
	if [[ $words != "whole $2 broken 0 "* ]]; then
		echo "bytes were lost: $words" >&2
		return 1
	fi
	ms=${words##* }
}

# bytes NAME CLIENTS BYTES WAY BAR: through both that are up, in turns
bytes() {
	local ours=() theirs=() round
	carried "$our_port" 1 1000000 "$4"
	carried "$their_port" 1 1000000 "$4"
	for ((round = 0; round < rounds; round++)); do
		carried "$our_port" "$2" "$3" "$4"
		ours+=("$ms")
		carried "$their_port" "$2" "$3" "$4"
		theirs+=("$ms")
	done
	speed "$1" "$(($2 * $3 / 1000000))" "$(median "${ours[@]}")" "$(median "${theirs[@]}")" "$5"
}

# line_of ROUND_TRIP_MS BAR
line_of() {
	start_line $(($1 / 2))
	both "$line_port" "$blast_port"
	bytes "download, $1 ms round trip" 1 67108864 down "$2"
	stop_both
	stop "$line_pid"
}

ready() {
	local ours=() theirs=() round
	for ((round = 0; round < rounds; round++)); do
		clock start_ours "$sshd_port" "$blast_port"
		ours+=("$ms")
		clock start_theirs "$sshd_port" "$blast_port"
		theirs+=("$ms")
		stop_both
	done
	figure "ready to accept" "$(median "${ours[@]}")" "$(median "${theirs[@]}")" 0.50 ms
}

tps() { # PORT CLIENTS
	"$pgbench" -n -S -c "$2" -j 2 -T 3 -h 127.0.0.1 -p "$1" -U postgres postgres 2>/dev/null |
		awk '/^tps/ {print $3}'
}

queries() {
	local clients round ours theirs
	both "$sshd_port" "$pg_port"
	for clients in 1 8 32; do
		ours=() theirs=()
		for ((round = 0; round < rounds; round++)); do
			ours+=("$(tps "$our_port" "$clients")")
			theirs+=("$(tps "$their_port" "$clients")")
		done
		rate "pgbench -S, $clients clients" "$(median "${ours[@]}")" \
			"$(median "${theirs[@]}")" 0.95 tps
	done
	stop_both
}

# after EVENT...: the milliseconds until a byte comes back, devenv's into $our_ms,
# autossh's into $their_ms
after() {
	local words pid_of=()
	mapfile -t words < <(ssh_words "$sshd_port" "$blast_port")
	start_ours "$sshd_port" "$blast_port"
	AUTOSSH_GATETIME=0 "$build/peers/autossh/usr/lib/autossh/autossh" -M 0 "${words[@]}" 2>/dev/null &
	pid_of=("$our_pid" $!)
	until_listens "$their_port"
	blast until "$our_port" >/dev/null
	blast until "$their_port" >/dev/null
	"$@"
	blast until "$our_port" >"$work/ours.ms" &
	blast until "$their_port" >"$work/theirs.ms"
	wait $!
	our_ms=$(cat "$work/ours.ms") their_ms=$(cat "$work/theirs.ms")
	stop "${pid_of[0]}"
	kill -TERM "${pid_of[1]}"
	wait "${pid_of[1]}" 2>/dev/null || true
	kill_sessions
}

away_for_3_s() {
	stop_sshd
	sleep 3
	start_sshd
}

recovery() {
	local round our_ms their_ms killed=() theirs_killed=()
	for ((round = 0; round < rounds; round++)); do
		after kill_sessions
		killed+=("$our_ms") theirs_killed+=("$their_ms")
	done
	after away_for_3_s
	limit "after the session was killed" "$(median "${killed[@]}")" 100 ms
	echo "    autossh: $(median "${theirs_killed[@]}") ms"
	limit "after sshd was down 3 s" "$our_ms" 1000 ms
	echo "    autossh: $their_ms ms"
}

black_hole() {
	local before
	start_line 0
	start_ours "$line_port" "$blast_port"
	blast until "$our_port" >/dev/null
	kill -STOP "$line_pid"
	before=${EPOCHREALTIME/./}
	until grep -q 'connecting again' "$work/ours.err"; do pause 0.01; done
	limit "a black hole is found" "$(((${EPOCHREALTIME/./} - before) / 1000))" 15000 ms
	stop "$our_pid"
	kill -CONT "$line_pid"
	stop "$line_pid"
}

ticks() { awk '{print $14 + $15}' "/proc/$our_pid/stat"; }

idle() {
	local before
	start_ours "$sshd_port" "$blast_port" 100
	blast until "$our_port" >/dev/null
	before=$(ticks)
	sleep 20
	limit "100 idle tunnels: CPU in 20 s" "$(($(ticks) - before))" 0 ticks
	limit "100 idle tunnels: memory" \
		"$(awk '/^VmRSS/ {print $2 / 1024}' "/proc/$our_pid/status")" 12 MB
	stop "$our_pid"
}

bench_tunnels() {
	far=$work/far
	export DEVENV_SSH_CONFIG=$far/config
	make_keys
	start_sshd
	blast serve "$blast_port" &
	blast_pid=$!
	start_postgres
	ssh -V
	ready
	recovery
	black_hole
	idle
	line_of 20 1.50
	line_of 80 2.50
	both "$sshd_port" "$blast_port"
	bytes "one download, loopback" 1 268435456 down 0.75
	bytes "one upload, loopback" 1 268435456 up 0.75
	bytes "200 downloads at once" 200 2097152 down 1.50
	stop_both
	engine=openssh
	both "$sshd_port" "$blast_port"
	bytes "one download, loopback, openssh" 1 268435456 down 0.95
	bytes "one upload, loopback, openssh" 1 268435456 up 0.95
	stop_both
	engine=libssh2
	queries
	kill "$blast_pid" "$(cat "$far/sshd.pid")"
	as_postgres "${pgbench%/*}/pg_ctl" -D "$pg/data" -m immediate stop >/dev/null
	rm -rf "$pg"
}
