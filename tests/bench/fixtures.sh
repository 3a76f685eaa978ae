# shellcheck shell=bash
# Databases for the snapshot bench, made by the servers themselves in the engine that runs.
#
# fixture ENGINE STATE makes $fixtures/ENGINE-STATE.tar of a data directory after a clean stop, if it
# is not there yet.  ENGINE is maria or pg; STATE is
#
#	base        three tables of different shapes with their indexes, $size MB in all
#	clustered   base, then 2 % of the rows of each table changed, the last ones
#	scattered   base, then 2 % of the rows changed, each fiftieth
#	added       base, then a table more
#	rebuilt     the same statements as for base on an empty server, after a table of one row
#
# Every value follows from its row's number, so that base and rebuilt hold the same rows.  What a
# snapshot leaves out (recycled WAL, temporary tablespaces) is not in the tar either: peers carry
# nothing that devenv does not.

recipe=$(cat "${BASH_SOURCE[0]}" "$root"/tests/e2e/images/*/recipe | sha256sum | cut -c1-8)

set_size() { # MEGABYTES, of all that is made and read from here on
	size=$1
	fixtures=$build/bench/fixtures/$size-$recipe
}

# === what both servers are told ===

# A sentence out of an expression that is a number; of words, so that it compresses as text does.
words() { # ENGINE NUMBER
	local i list="'order','sent','the','customer','asks','again','for','a','larger','box','until',
		'Monday','refund','paid','partly','thanks'"
	for ((i = 0; i < 12; i++)); do
		((i == 0)) || printf ", ' ', "
		if [[ $1 == pg ]]; then
			printf '(array[%s])[1 + ($2 / %d) %% 16]' "$list" $((3 ** i)) | sed "s|\$2|$2|"
		else
			printf 'elt(1 + (%s div %d) %% 16, %s)' "$2" $((3 ** i)) "$list"
		fi
	done
}

rows() { # TABLE
	case $1 in
	customers) echo $((size * 620)) ;;
	orders) echo $((size * 2100)) ;;
	events) echo $((size * 1420)) ;;
	added) echo $((size * 100)) ;;
	esac
}

columns() { # ENGINE TABLE NUMBER: the select list
	local n=$3
	case $2 in
	customers | added)
		printf "%s as id, md5(%s) as token, concat('customer', %s, '@example.com') as email,
			concat(%s) as note" "$n" "$(hashed "$1" "$n")" "$n" "$(words "$1" "$n")"
		;;
	orders)
		printf "%s as id, %s %% %d as customer, (%s * 7919) %% 100003 as cents,
			md5(%s) as reference, concat(%s) as note" "$n" "$n" "$(rows customers)" "$n" \
			"$(hashed "$1" "$n * 3")" "$(words "$1" "($n * 31)")"
		;;
	events)
		printf "%s as id, (%s * 101) %% %d as orders_id, concat(md5(%s), md5(%s)) as payload,
			concat('{\"kind\": \"view\", \"note\": \"', %s, '\"}') as detail" "$n" "$n" \
			"$(rows orders)" "$(hashed "$1" "$n * 5")" "$(hashed "$1" "$n * 7")" \
			"$(words "$1" "($n * 17)")"
		;;
	esac
}

hashed() { # ENGINE NUMBER: what md5() takes
	if [[ $1 == pg ]]; then echo "($2)::text"; else echo "$2"; fi
}

make_table() { # ENGINE TABLE
	if [[ $1 == pg ]]; then
		echo "create table $2 as select $(columns pg "$2" i) from
			generate_series(1::bigint, $(rows "$2")) i;
			alter table $2 add primary key (id);"
	else
		echo "create table $2 (id bigint primary key) as select $(columns maria "$2" seq)
			from seq_1_to_$(rows "$2");"
	fi
}

make_tables() { # ENGINE
	make_table "$1" customers
	make_table "$1" orders
	make_table "$1" events
	echo "create index by_email on customers (email);
		create index by_customer on orders (customer);
		create index by_reference on orders (reference);
		create index by_order on events (orders_id);"
}

change() { # which rows: a condition with %d for the number of rows
	local table
	for table in customers orders events; do
		case $table in
		events) printf "update events set payload = concat(md5(payload), md5(detail))" ;;
		*) printf "update %s set note = concat('changed ', id)" $table ;;
		esac
		# shellcheck disable=SC2059 # the condition is a format
		printf " where $1;\n" "$(rows $table)"
	done
}

statements() { # ENGINE STATE
	case $2 in
	base) make_tables "$1" ;;
	rebuilt) echo "create table first_one as select 1 as one;"; make_tables "$1" ;;
	clustered) change 'id > %d * 0.98' ;;
	scattered) change 'id %% 50 = 0 and id <= %d' ;;
	added) make_table "$1" added ;;
	esac
}

# === the servers ===

write_databases() {
	cat <<-YAML
		services:
		  maria:
		    image: 127.0.0.1:$port/devenv/mariadb:1
		    environment: {MARIADB_DATABASE: shop}
		    command: [--innodb-buffer-pool-size=1G, --innodb-flush-log-at-trx-commit=0,
		      --innodb-log-file-size=512M, --skip-innodb-doublewrite, --innodb-fast-shutdown=0]
		    stop_grace_period: 5m
		    volumes: ["maria:/var/lib/mysql"]
		  pg:
		    image: 127.0.0.1:$port/devenv/postgres:1
		    environment: {POSTGRES_DB: shop}
		    command: [-c, fsync=off, -c, max_wal_size=16GB, -c, shared_buffers=512MB, -c,
		      maintenance_work_mem=256MB, -c, wal_level=minimal, -c, max_wal_senders=0, -c,
		      autovacuum=off, -c, checkpoint_timeout=1h]
		    shm_size: 1g
		    stop_signal: SIGINT
		    stop_grace_period: 5m
		    volumes: ["pg:/var/lib/postgresql/data"]
		volumes: {maria: , pg: }
	YAML
}

builder() { "$DEVENV" -f "$work/databases.yaml" -p fixtures --progress quiet "$@"; }

tell_server() { # ENGINE, statements on stdin
	if [[ $1 == pg ]]; then
		builder exec -T pg psql -q -v ON_ERROR_STOP=1 -U postgres shop
	else
		builder exec -T maria mariadb shop
	fi
}

# Long logs are written anew by the server that uses the data: small from the start.
settle() { # ENGINE
	if [[ $1 == pg ]]; then
		echo 'vacuum analyze; checkpoint;'
	else
		echo 'set global innodb_log_file_size = 16777216;'
	fi
}

volume_path() { # VOLUME
	curl -fsS --unix-socket "${DOCKER_HOST#unix://}" "http://engine/v1.41/volumes/$1" |
		jq -r .Mountpoint
}

# What stays of a stopped server's files.
trim() { # ENGINE FOLDER
	local keep file
	if [[ $1 == pg ]]; then
		keep=$(LC_ALL=C "$(find /usr/lib/postgresql -name pg_controldata | sort | tail -n 1)" "$2" |
			sed -n "s/^Latest checkpoint's REDO WAL file: *//p")
		for file in "$2"/pg_wal/0*; do
			[[ $(basename "$file") == "$keep" ]] || rm "$file"
		done
		rm -f "$2/postmaster.opts" "$2/postmaster.pid"
	else
		rm -f "$2"/ibtmp1 "$2"/*.pid
	fi
}

fixture() { # ENGINE STATE
	local tar=$fixtures/$1-$2.tar folder
	[[ ! -e $tar ]] || return 0
	if [[ $2 != base && $2 != rebuilt ]]; then
		fixture "$1" base
	fi
	echo "making the database $1-$2"
	mkdir -p "$fixtures"
	write_databases >"$work/databases.yaml"
	builder create "$1" >/dev/null
	folder=$(volume_path "fixtures_$1")
	if [[ $2 != base && $2 != rebuilt ]]; then
		tar -C "$folder" -xf "$fixtures/$1-base.tar"
	fi
	builder up "$1" >/dev/null
	{ statements "$1" "$2"; settle "$1"; } | tell_server "$1"
	builder stop "$1" >/dev/null
	trim "$1" "$folder"
	tar -C "$folder" --sparse --sort=name -cf "$tar.part" .
	builder down --volumes >/dev/null
	mv "$tar.part" "$tar"
}
