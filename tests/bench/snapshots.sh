# shellcheck shell=bash
# Snapshots of databases against cp, zstd and desync 1.0.
#
# The engine's data is on file systems of the bench's own, so that any machine will do: ext4, and XFS
# with reflinks.  A snapshot is on the disk when devenv returns; so what the peers write is synced
# within their time, too.  cp does not share blocks where it could: --reflink=never.  All begin with
# what a day's work leaves of a database in memory: nothing.
#
# Databases are of BENCH_MB, 1024; those that are reset eight times as large, as the engine's own time
# to stop and start a container would otherwise be most of what is measured.
#
# Bytes and requests are counted by nginx, which stands before the registry and desync's store.

snapshots_packages=(desync)
snapshots_images=(mariadb postgres)
proxy_port=5057
chunks_port=5058

# shellcheck source=tests/bench/fixtures.sh
source "$here/fixtures.sh"

small=${BENCH_MB:-1024}
large=$((small * 8))

shop() { "$DEVENV" -f "$work/shop.yaml" -p shop --progress quiet "$@"; }
desync() { "$build/peers/desync/usr/bin/desync" "$@"; }

# === the machine ===

# The engine on a file system of its own, in $disk: ext4 or xfs
start_disk() {
	local options=() loop
	[[ $1 == ext4 ]] || options=(-m reflink=1)
	disk=$work/$1
	mkdir "$disk"
	truncate -s "$((size * 6 + 10240))M" "$disk.img"
	"mkfs.$1" -q "${options[@]}" "$disk.img"
	# Without a second copy in the memory of the machine; it goes with its mount.
	loop=$(losetup --find --show --direct-io=on "$disk.img")
	mount "$loop" "$disk"
	losetup --detach "$loop"
	start_engine docker "$disk/engine"
	write_shop >"$work/shop.yaml"
	shop snapshot list >/dev/null # loads the agent's image, once for an engine
}

stop_disk() {
	stop_engine
	umount "$disk"
	rmdir "$disk"
	rm "$disk.img"
}

write_shop() {
	cat <<-YAML
		services:
		  maria:
		    image: 127.0.0.1:$port/devenv/mariadb:1
		    ports: ["127.0.0.1:13306:3306"]
		    volumes: ["maria:/var/lib/mysql"]
		  pg:
		    image: 127.0.0.1:$port/devenv/postgres:1
		    stop_signal: SIGINT
		    ports: ["127.0.0.1:15432:5432"]
		    volumes: ["pg:/var/lib/postgresql/data"]
		volumes: {maria: , pg: }
	YAML
}

engine_api() { # METHOD PATH [curl options]
	local method=$1 path=$2
	shift 2
	curl -fsS --unix-socket "${DOCKER_HOST#unix://}" -X "$method" "http://engine/v1.41$path" "$@"
}

new_volume() { # NAME [TAR]
	engine_api DELETE "/volumes/$1" 2>/dev/null || true
	engine_api POST /volumes/create -H 'Content-Type: application/json' \
		--data "{\"Name\": \"$1\"}" -o /dev/null
	if (($# > 1)); then
		tar -C "$(volume_path "$1")" --same-owner -xf "$2"
	fi
}

forget_snapshots() { engine_api DELETE /volumes/devenv-cache 2>/dev/null || true; }

# What memory holds of the data on the disk; the engine's images stay, as where it is at work.
forget() {
	find "$disk" -xdev -name overlay2 -prune -o -type f -size +64k \
		-exec dd if={} iflag=nocache count=0 status=none \;
}

# From a clean slate: what others wrote before is on the disk, and of the data nothing in memory.
timed() { # LIST COMMAND...: its milliseconds, one more of the list
	local -n list=$1
	shift
	sync
	forget
	clock "$@"
	list+=("$ms")
}

copy() { # FROM TO
	cp -a --reflink=never "$1" "$2"
	sync -f "$2"
}

megabytes() { du -sm --apparent-size "$1" | cut -f1; }

# === packs: capture, restore ===

make_chunks() { # TAR
	desync make -s "$disk/store" "$disk/index.caibx" "$1"
	sync -f "$disk/store"
}

extract_chunks() {
	desync extract -s "$disk/store" "$disk/index.caibx" "$disk/out.tar"
	sync -f "$disk/out.tar"
}

packs() { # ENGINE
	local ours=() theirs=() back=() chunks=() copies=() round tar=$disk/base.tar mb from
	cp "$fixtures/$1-base.tar" "$tar"
	new_volume from "$tar"
	from=$(volume_path from)
	mb=$(megabytes "$from")
	for ((round = 0; round < rounds; round++)); do
		forget_snapshots
		rm -rf "$disk/store" "$disk/out.tar" "$disk/copy"
		new_volume to
		mkdir "$disk/store"
		timed ours shop snapshot save from base
		timed theirs make_chunks "$tar"
		timed back shop snapshot restore to base --no-undo # of an empty volume
		timed chunks extract_chunks
		timed copies copy "$from" "$disk/copy"
	done
	speed "$1: capture, of desync make" "$mb" "$(least "${ours[@]}")" "$(least "${theirs[@]}")" 1.5
	speed "$1: restore, of cp -a" "$mb" "$(least "${back[@]}")" "$(least "${copies[@]}")" 0.6
	speed "$1: restore, of desync extract" "$mb" "$(least "${back[@]}")" \
		"$(least "${chunks[@]}")" 2.5
	rm -rf "$disk/store" "$disk/out.tar" "$disk/copy" "$tar"
}

# === reset: of a server that runs, to its first answer ===

query() { # ENGINE SQL
	case $1 in
	maria) mariadb --no-defaults -h 127.0.0.1 -P 13306 -u root -N -e "$2" shop ;;
	pg) PGPASSWORD=postgres psql -h 127.0.0.1 -p 15432 -U postgres -Atqc "$2" shop ;;
	esac
}

reset_to_query() { # ENGINE
	shop snapshot restore "$1" base --no-undo
	query "$1" 'select note from orders where id = 77'
}

reset_volume() { # ENGINE BAR
	local ours=() theirs=() round from
	forget_snapshots
	new_volume "shop_$1" "$fixtures/$1-base.tar"
	from=$(volume_path "shop_$1")
	shop snapshot save "shop_$1" base >/dev/null
	shop up "$1"
	reset_to_query "$1" >/dev/null # what is made once only is made
	for ((round = 0; round < rounds; round++)); do
		rm -rf "$disk/copy"
		shop start "$1"
		query "$1" "update orders set note = 'not so' where id % 1000 = 77" >/dev/null
		timed ours reset_to_query "$1"
		shop stop "$1" # no file goes while cp is at it
		timed theirs copy "$from" "$disk/copy"
	done
	ms=$(least "${ours[@]}")
	figure "$1: reset on ${disk##*/}, of cp -a" "$ms" "$(least "${theirs[@]}")" "$2" ms
	[[ $disk != *xfs ]] || limit "$1: reset on xfs" "$ms" 1500 ms
	rm -rf "$disk/copy"
}

# What a second volume of the same snapshot takes of the disk.
branch_space() { # ENGINE
	local before after
	sync -f "$disk"
	before=$(df -k --output=used "$disk" | tail -n 1)
	new_volume second
	shop snapshot restore second base
	sync -f "$disk"
	after=$(df -k --output=used "$disk" | tail -n 1)
	figure "$1: second branch, extra disk" "$((after - before + 1))" \
		"$(($(megabytes "$(volume_path second)") * 1000))" 0.01 kB
	new_volume second
}

resets() { # FILE-SYSTEM BAR
	local engine
	start_disk "$1"
	for engine in maria pg; do
		reset_volume "$engine" "$2"
		[[ $1 != xfs ]] || branch_space "$engine"
		shop down --volumes
		forget_snapshots
		fstrim "$disk" # the image gives its room back
	done
	stop_disk
}

# === transfers ===

start_nginx() {
	mkdir -p "$work/chunks"
	cat >"$work/nginx.conf" <<-EOF
		user root;
		pid $work/nginx.pid;
		error_log $work/nginx.err;
		events {}
		http {
			log_format count '\$request_method \$bytes_sent \$request_length';
			client_body_temp_path $work/tmp; proxy_temp_path $work/tmp;
			fastcgi_temp_path $work/tmp; uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
			server {
				listen 127.0.0.1:$proxy_port;
				access_log $work/registry.log count;
				client_max_body_size 0;
				location / {
					proxy_pass http://127.0.0.1:$port;
					proxy_set_header Host \$http_host;
				}
			}
			server {
				listen 127.0.0.1:$chunks_port;
				access_log $work/chunks.log count;
				root $work/chunks;
			}
			server {
				listen unix:$work/nginx.sock;
				access_log off;
				return 204;
			}
		}
	EOF
	nginx -e stderr -c "$work/nginx.conf"
}

# Its one worker has written all lines when it answers this.
counted() { # LOG COLUMN: the column's sum, or `requests`
	curl -fsS --unix-socket "$work/nginx.sock" http://nginx/
	if [[ $2 == requests ]]; then
		wc -l <"$1"
	else
		awk -v column="$2" '{sum += $column} END {printf "%d\n", sum}' "$1"
	fi
}

remote() { echo "127.0.0.1:$proxy_port/bench/$1:$2"; } # ENGINE STATE

scaled() { # REQUESTS MEGABYTES: for 5 GB
	echo $(($1 * 5000 / $2))
}

push_states() { # ENGINE
	local state mb
	for state in base clustered scattered added rebuilt; do
		new_volume from "$fixtures/$1-$state.tar"
		if [[ $state == base ]]; then
			shop snapshot save from base >/dev/null
		else
			shop snapshot save from "$state" --parent base --deltas >/dev/null
		fi
		: >"$work/registry.log"
		shop snapshot push "$state" "$(remote "$1" "$state")"
		if [[ $state == base ]]; then
			mb=$(megabytes "$(volume_path from)")
			limit "$1: requests of a 5 GB push" \
				"$(scaled "$(counted "$work/registry.log" requests)" "$mb")" 1000 ''
		fi
	done
}

pull_base() { # ENGINE
	local mb packed
	: >"$work/registry.log"
	shop snapshot pull "$(remote "$1" base)" base
	mb=$(($(stat -c %s "$fixtures/$1-base.tar") / 1000000))
	packed=$(zstd -3 -c "$fixtures/$1-base.tar" | wc -c)
	figure "$1: first pull, of zstd -3" "$(($(counted "$work/registry.log" 2) / 1000))" \
		"$((packed / 1000))" 1.05 kB
	limit "$1: requests of a 5 GB pull" \
		"$(scaled "$(counted "$work/registry.log" requests)" "$mb")" 800 ''
}

# What desync fetches with the base at hand, its index included.
desync_bytes() { # ENGINE STATE, into $bytes
	local tar=$fixtures/$1-$2.tar index=$work/chunks/$2.caibx
	desync make -s "$work/chunks/store" "$index" "$tar" >/dev/null
	: >"$work/chunks.log"
	desync extract -s "http://127.0.0.1:$chunks_port/store" --seed "$work/chunks/base.caibx" \
		"$index" "$work/out.tar" >/dev/null
	cmp "$work/out.tar" "$tar"
	rm "$work/out.tar"
	bytes=$(($(counted "$work/chunks.log" 2) + $(stat -c %s "$index")))
}

pull_changed() { # ENGINE STATE BAR
	: >"$work/registry.log"
	shop snapshot pull "$(remote "$1" "$2")" "$2"
	desync_bytes "$1" "$2"
	figure "$1: pulled, $2" "$(($(counted "$work/registry.log" 2) / 1000))" \
		"$((bytes / 1000))" "$3" kB
	shop snapshot rm "$2"
	shop snapshot prune >/dev/null
}

transfers() { # ENGINE
	push_states "$1"
	forget_snapshots
	pull_base "$1"
	rm -rf "$work/chunks"
	mkdir -p "$work/chunks/store"
	# desync takes a seed by its index's name without the ending.
	desync make -s "$work/chunks/store" "$work/chunks/base.caibx" "$fixtures/$1-base.tar"
	ln "$fixtures/$1-base.tar" "$work/chunks/base" 2>/dev/null ||
		cp "$fixtures/$1-base.tar" "$work/chunks/base"
	pull_changed "$1" clustered 0.70
	pull_changed "$1" scattered 0.12
	pull_changed "$1" rebuilt 0.15
	pull_changed "$1" added 1.00
	rm -rf "$work/chunks"
	forget_snapshots
}

# === the agent's memory ===

# The most that any agent had, in kB, into the file: of what only memory holds.  Pages of files, its
# own program and what it maps of the cache, the kernel takes back when it has no room.
watch_agents() { # FILE
	local most=0 pid now
	while :; do
		for pid in $(pgrep -x devenv-agent); do
			now=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)
			if ((${now:-0} > most)); then
				most=$now
				echo "$most" >"$1"
			fi
		done
		read -rt 0.05 <> <(:) || true
	done
}

# The volume, its snapshot's packs and tree, the copy, and what is written meanwhile.
check_room() {
	local need=$((large * 5)) free
	free=$(df -m --output=avail "$work" | tail -n 1)
	((free >= need)) || {
		echo "resets of $large MB need $need MB free in $work, which has $free;" \
			"set BENCH_MB, $small now, to less" >&2
		return 1
	}
}

make_fixtures() {
	local engine state
	start_disk ext4
	for engine in maria pg; do
		for state in "$@"; do
			fixture "$engine" "$state"
		done
	done
	stop_disk
}

bench_snapshots() {
	local watcher
	check_room
	set_size "$small"
	make_fixtures base clustered scattered added rebuilt
	watch_agents "$work/agents" &
	watcher=$!
	start_disk ext4
	packs maria
	packs pg
	stop_disk
	start_nginx
	start_disk ext4
	transfers maria
	transfers pg
	stop_disk
	set_size "$large"
	make_fixtures base
	resets ext4 1.10
	resets xfs 0.05
	kill "$watcher" "$(cat "$work/nginx.pid")"
	limit "the agent's memory" "$(($(cat "$work/agents") / 1024))" 256 MB
}
