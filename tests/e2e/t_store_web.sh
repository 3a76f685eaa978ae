#!/usr/bin/env bash
# engine: none
# Snapshots' store behind TLS: nginx before a registry, and over a layout that was written as a folder.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/store.sh
source "$HERE/store.sh"

check "a layout in a folder" push "oci:$T/www/team seeds/shop:seed"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem \
	-addext subjectAltName=DNS:localhost 2>/dev/null
cat >nginx.conf <<EOF2
daemon off;
user root;
pid $T/nginx.pid;
error_log stderr;
events {}
http {
	log_format connections '\$connection \$request_method \$status \$http_range';
	access_log $T/access.log connections;
	client_body_temp_path $T/tmp;
	proxy_temp_path $T/tmp; fastcgi_temp_path $T/tmp; uwsgi_temp_path $T/tmp; scgi_temp_path $T/tmp;
	server {
		listen 127.0.0.1:5072 ssl;
		listen 127.0.0.1:5073;
		ssl_certificate $T/cert.pem;
		ssl_certificate_key $T/key.pem;
		root $T/www;
		location /moved/ { rewrite ^/moved/(.*) https://localhost:5072/team%20seeds/shop/\$1 redirect; }
		location /v2/ {
			proxy_pass http://127.0.0.1:5061;
			proxy_set_header Host \$http_host;
			proxy_set_header X-Forwarded-Proto \$scheme;
			client_max_body_size 0;
		}
		location /secret/ { return 403; }
	}
}
EOF2
daemon 5072 nginx -p "$T" -e stderr -c "$T/nginx.conf"
at=oci+https://localhost:5072/team%20seeds/shop

expect_fail "a certificate of nobody we know" 5 'certificate.*SSL_CERT_FILE' store tags "$at"

# --- a registry behind it --------------------------------------------------------------------------
"$HERE/registry" start 5061 "$T/open" "$T/data"
at_exit "$HERE/registry" stop "$T/open"
expect_fail "a registry whose certificate is of nobody we know" 5 'certificate' \
	push localhost:5072/shop/seed:1
mkdir -p "$XDG_CONFIG_HOME/docker/certs.d/localhost:5072"
cp cert.pem "$XDG_CONFIG_HOME/docker/certs.d/localhost:5072/ca.crt"
check "with its authority where engines look for it" push localhost:5072/shop/seed:1
check "get" gets_blob localhost:5072/shop/seed
check "in chunks" store put-chunks localhost:5072/shop/chunks 700000 blob

# --- a layout ----------------------------------------------------------------------------------------
export SSL_CERT_FILE=$T/cert.pem
check_out "names" '^seed$' store tags "$at"
check_out "the manifest" "^$MANIFEST $manifest_regex\$" store manifest "$at:seed"
check_out "also when the path is not written as a URL's" '^seed$' store tags \
	'oci+https://localhost:5072/team seeds/shop'
check_out "a server that says where it is now" "^$MANIFEST " store manifest oci+https://localhost:5072/moved:seed
check_out "a blob with its size" '^3000000$' store exists "$at" "$BLOB"
expect_fail "one that is not there" 1 'not there' store exists "$at" "sha256:$(printf '0%.0s' {1..64})"
check "get it whole" gets_blob "$at"
: >access.log
check "get parts of it" gets_ranges "$at"
check_out "each by its own request, near ones together" '206 bytes=0-5099' cat access.log
check_out "over one connection" '^1 2$' bash -c \
	"echo \$(cut -d' ' -f1 access.log | sort -u | wc -l) \$(wc -l <access.log)"
check "without TLS on this machine" gets_blob oci+http://127.0.0.1:5073/team%20seeds/shop
expect_fail "not from another" 2 'oci\+https' store tags oci+http://example.com/shop
expect_fail "it is not written to" 5 'only read from' store put "$at" blob
expect_fail "nor named" 5 'only read from' store put-manifest "$at:x" manifest.json "$manifest_type"
expect_fail "a refusal" 5 '403' store tags oci+https://localhost:5072/secret
echo '{"manifests": [{"digest": "sha256:../../etc/passwd", "annotations":
	{"org.opencontainers.image.ref.name": "seed"}}]}' >"$T/www/team seeds/shop/index.json"
expect_fail "an index that names no digest" 5 'no sha256 digest' store manifest "$at:seed"
printf damaged | dd of="$T/www/team seeds/shop/blobs/sha256/${BLOB#sha256:}" bs=1 seek=1000 conv=notrunc status=none
expect_fail "a flipped byte" 5 'damaged or tampered with' gets_blob "$at"
finish
