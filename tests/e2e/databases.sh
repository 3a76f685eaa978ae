# shellcheck shell=bash
# shellcheck disable=SC2317 # the functions are called through check
# A far side with databases, for scripts that source this after lib.sh: an sshd on SSHD_PORT, a
# MariaDB on MARIA_PORT, a PostgreSQL primary on PG_PORT and its standby on STANDBY_PORT.
: "${SSHD_PORT:?}" "${MARIA_PORT:?}" "${PG_PORT:?}" "${STANDBY_PORT:?}"

S=$T/far
PG=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort | tail -n 1)
D=$(mktemp -d /tmp/devenv-pg.XXXXXX) # where its own user may go
at_exit rm -rf "$D"

# === the far side ===

start_sshd() {
	mkdir -p "$S" /run/sshd
	chmod 755 "$T" "$S"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/host"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/user"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$S/stranger"
	cp "$S/user.pub" "$S/authorized"
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$S/host.pub")" >"$S/known"
	: >"$S/known_none"
	: >"$S/config"
	cat >"$S/sshd_config" <<-END
		Port $SSHD_PORT
		ListenAddress 127.0.0.1
		HostKey $S/host
		PidFile $S/sshd.pid
		AuthorizedKeysFile $S/authorized
		UsePAM no
		StrictModes no
	END
	/usr/sbin/sshd -f "$S/sshd_config" -E "$S/sshd.log"
	wait_for 10 test -s "$S/sshd.pid"
	at_exit kill "$(cat "$S/sshd.pid")"
}

maria_root() { mariadb --no-defaults --socket="$S/maria.sock" -u root "$@"; }

start_maria() {
	mkdir -p "$S/maria"
	mariadb-install-db --no-defaults --user=root --datadir="$S/maria" --skip-test-db \
		--auth-root-authentication-method=normal >"$S/maria.install" 2>&1
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-keyout "$S/tls.key" -out "$S/tls.crt" 2>/dev/null
	/usr/sbin/mariadbd --no-defaults --user=root --datadir="$S/maria" --port="$MARIA_PORT" \
		--bind-address=127.0.0.1 --socket="$S/maria.sock" --pid-file="$S/maria.pid" \
		--skip-name-resolve --ssl-cert="$S/tls.crt" --ssl-key="$S/tls.key" \
		>"$S/maria.log" 2>&1 &
	at_exit kill $!
	wait_for 60 maria_root -e 'SELECT 1'
	maria_root -e "CREATE DATABASE shop; CREATE TABLE shop.t (a INT);
		CREATE USER analyst@'%' IDENTIFIED BY 'secret'; GRANT ALL ON shop.* TO analyst@'%'"
}

# PostgreSQL does not run as root.
as_postgres() { (cd "$D" && runuser -u postgres -- "$@"); }

start_postgres() {
	echo secret >"$D/password"
	chown -R postgres "$D"
	as_postgres "$PG/initdb" -D "$D/primary" -U postgres -A scram-sha-256 \
		--pwfile="$D/password" --no-sync >"$S/pg.install" 2>&1
	as_postgres "$PG/pg_ctl" -D "$D/primary" -w -l "$D/primary.log" -o \
		"-p $PG_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$D" start
	at_exit as_postgres "$PG/pg_ctl" -D "$D/primary" -m immediate stop
	as_postgres env PGPASSWORD=secret "$PG/pg_basebackup" -h 127.0.0.1 \
		-p "$PG_PORT" -U postgres -D "$D/standby" -R -c fast --no-sync
	as_postgres "$PG/pg_ctl" -D "$D/standby" -w -l "$D/standby.log" -o \
		"-p $STANDBY_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$D" start
	at_exit as_postgres "$PG/pg_ctl" -D "$D/standby" -m immediate stop
}

# Turn on TLS on the standby.
standby_tls() {
	cp "$S/tls.crt" "$S/tls.key" "$D/standby/"
	chown postgres "$D"/standby/tls.*
	chmod 600 "$D/standby/tls.key"
	printf "ssl = on\nssl_cert_file = 'tls.crt'\nssl_key_file = 'tls.key'\n" \
		>>"$D/standby/postgresql.conf"
	as_postgres "$PG/pg_ctl" -D "$D/standby" reload
	wait_for 10 psql "host=127.0.0.1 port=$STANDBY_PORT user=postgres sslmode=require" -c ''
}

# === a workspace of tunnels ===

# tunnel_key NAME PORT ENGINE TO [LINE...]
tunnel_key() {
	local name=$1 local_port=$2 engine=$3 to=$4
	shift 4
	cat <<-END
		  $name:
		    via: root@127.0.0.1:$SSHD_PORT
		    identity: $S/user
		    known_hosts: $S/known
		    port: $local_port
		    engine: $engine
		    to: 127.0.0.1:$to
	END
	if (($# > 0)); then
		printf '    %s\n' "$@"
	fi
}

# What an analyst has in ~/.my.cnf
my_cnf() { printf '[client]\nuser=analyst\npassword=secret\nskip-ssl\n'; }

# === sessions that stay open, each a client whose words come through a pipe ===

declare -A session_pid session_fd

# open_session NAME COMMAND...: `say NAME WORDS`, and what it answers is in $T/NAME.said
open_session() {
	local name=$1 fd
	shift
	mkfifo "$T/$name.pipe"
	"$@" <"$T/$name.pipe" >"$T/$name.said" 2>&1 &
	session_pid[$name]=$!
	at_exit kill $!
	exec {fd}>"$T/$name.pipe"
	session_fd[$name]=$fd
}
say() { printf '%s\n' "$2" >&"${session_fd[$1]}"; }
said() { grep -q "$2" "$T/$1.said"; }
answers() { say "$1" "$2" && wait_for 10 said "$1" "$3"; }
# the client's own status, once it has ended
ended() {
	local rc=0
	say "$1" '\q' 2>/dev/null || true # it may have gone already
	wait "${session_pid[$1]}" || rc=$?
	cat "$T/$1.said"
	return "$rc"
}

# within SECONDS COMMAND...: not three times as long, as wait_for has it: the time is the promise
within() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < deadline)) || return 1
		read -rt 0.1 <> <(:) || true
	done
}
