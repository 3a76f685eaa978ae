#!/usr/bin/env bash
# Day one: doctor, new, onboard, x-sources, and a snapshot over HTTP.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

export PHP_IMAGE MYSQL_IMAGE NODE_IMAGE REDIS_IMAGE POSTGRES_IMAGE
PHP_IMAGE=$(image php-apache) MYSQL_IMAGE=$(image mariadb) NODE_IMAGE=$(image node)
REDIS_IMAGE=$(image redis) POSTGRES_IMAGE=$(image postgres)
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

# --- doctor ---------------------------------------------------------------------------------------
check_out "doctor finds the engine" '^engine +ok ' "$DEVENV" doctor
check_out "doctor for programs" '^ok$' bash -c \
	"'$DEVENV' doctor --format json | jq -r '.[] | select(.check == \"engine\").state'"
expect_fail "doctor fails when the engine is broken" 1 'broken' \
	"$DEVENV" --host "unix://$T/none.sock" doctor

# --- new: every template, brought up --------------------------------------------------------------
mkdir fresh
cd fresh
check_out "new lists the templates" '^php-apache-mysql ' "$DEVENV" new
check_out "new writes a manifest" '^envs/my-shop.yaml$' "$DEVENV" new php-apache-mysql my-shop
expect_fail "new never overwrites" 3 'envs/my-shop.yaml is there' "$DEVENV" new postgres my-shop
expect_fail "new knows what was meant" 2 'did you mean "postgres"' "$DEVENV" new postgrs x
expect_fail "new wants a good name" 2 'no name for a manifest' "$DEVENV" new postgres ../x
check "new, with Node.js" "$DEVENV" new node-redis chat
check "new, with PostgreSQL" "$DEVENV" new postgres orders
check "nothing of a placeholder is left" not grep -rn '@[A-Z]*@' .
cat >.env <<'END'
MY_SHOP_WEB_PORT=21300
MY_SHOP_DB_PORT=21301
CHAT_WEB_PORT=21302
CHAT_REDIS_PORT=21303
ORDERS_DB_PORT=21304
END
COMMAND_TIMEOUT=150 check "all templates come up" "$DEVENV" up
check_out "the PHP page has its database" 'its database is 10\.' curl -sS http://127.0.0.1:21300/
check_out "the Node server has its Redis" 'visits: 1' curl -sS http://127.0.0.1:21302/
check_out "and counts" 'visits: 2' curl -sS http://127.0.0.1:21302/
check_out "PostgreSQL answers" '^1$' "$DEVENV" exec -T orders/db \
	env PGPASSWORD=app psql -h 127.0.0.1 -U app -tAc 'SELECT 1' app
check "down" "$DEVENV" down --volumes
cd ..

# --- onboard --------------------------------------------------------------------------------------
commit() { # FOLDER: what is in it, as a repository FOLDER.git
	git -C "$1" init -q -b main
	git -C "$1" -c user.name=dev -c user.email=dev@example.com add .
	git -C "$1" -c user.name=dev -c user.email=dev@example.com commit -q -m first
	git clone -q --bare "$1" "$1.git"
}

mkdir -p code acme/envs
echo "from the source" >code/index.html
commit code
cat >acme/envs/web.yaml <<END
x-sources:
  code: {url: "file://$T/code.git", ref: main, path: src/code}
services:
  web:
    image: $(image base)
    command: [busybox, httpd, -f, -p, "80", -h, /www]
    stop_signal: KILL
    ports: ["127.0.0.1:21310:80"]
    volumes: ["./src/code:/www:ro"]
END
echo /src/ >acme/.gitignore
commit acme

expect_fail "onboard asks before it clones" 130 'not cloned' \
	"$DEVENV" onboard "file://$T/acme.git" --dir home
check "and nothing was cloned" not test -e home
check_out "onboard brings the workspace up" '^web/web +http://localhost:21310' \
	"$DEVENV" onboard "file://$T/acme.git" --dir home --yes
check_out "with the source it mounts" '^from the source$' curl -sS http://127.0.0.1:21310/
before=$(containers home-web web)$(containers acme-web web)
check_out "onboard again: all is well" '^all is well' \
	"$DEVENV" onboard "file://$T/acme.git" --dir home
check "and it changed nothing" test "$before" = "$(containers home-web web)$(containers acme-web web)"
echo "mine" >home/src/code/index.html
check "down" "$DEVENV" -C home down
check_out "onboard in the folder itself brings it up again" '^all is well' \
	"$DEVENV" -C home onboard
check_out "own work in a source is kept" '^mine$' curl -sS http://127.0.0.1:21310/
check "down" "$DEVENV" -C home down
expect_fail "onboard never clones over something else" 1 'move it away' \
	"$DEVENV" onboard "file://$T/acme.git" --dir fresh --yes

# --- a snapshot over HTTP -------------------------------------------------------------------------
mkdir -p seed/data http
echo "over the wire" >seed/data/file
tar -C seed/data -cf seed/seed.tar .
zstd -q seed/seed.tar
python3 -u -m http.server --directory seed --bind 127.0.0.1 21320 >server.log 2>&1 &
at_exit kill $!
wait_for 10 curl -sSf -o /dev/null http://127.0.0.1:21320/seed.tar.zst
cd http
manifest() { # SNAPSHOT
	cat >compose.yaml <<-YAML
		services:
		  app:
		    image: $(image base)
		    command: [sleep, infinity]
		    stop_signal: KILL
		    volumes: ["data:/data"]
		volumes:
		  data: {x-snapshot: $1}
	YAML
}
manifest http://127.0.0.1:21320/seed.tar.zst
check "a snapshot over HTTP" "$DEVENV" up
check_out "its content" '^over the wire$' "$DEVENV" exec -T app cat /data/file
check "down" "$DEVENV" down --volumes
manifest http://127.0.0.1:21320/none.tar.zst
expect_fail "a snapshot that the server does not have" 9 '404' "$DEVENV" up
check "down" "$DEVENV" down --volumes
cd ..

finish
