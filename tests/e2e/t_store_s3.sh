#!/usr/bin/env bash
# engine: none
# Snapshots' store in an S3 bucket: s3rver, which checks signatures of version 4.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/store.sh
source "$HERE/store.sh"

none=sha256:$(printf '0%.0s' {1..64})
at=s3://snapshots/team/shop
daemon 5074 "$HERE/s3" serve 5074 "$T/s3"
unset "${!AWS_@}"
export AWS_ENDPOINT_URL=http://127.0.0.1:5074/

# --- with the environment's credentials -----------------------------------------------------------
export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER
expect_fail "a prefix where nothing is" 5 'no OCI image layout' store tags $at
check_out "put blobs and a manifest" "^$MANIFEST\$" push $at:1
check_out "a blob with its size" '^3000000$' store exists $at "$BLOB"
expect_fail "one that is not there" 1 'not there' store exists $at "$none"
check "get it whole" gets_blob $at
check "get parts of it" gets_ranges $at
check_out "the manifest" "^$MANIFEST $manifest_regex\$" store manifest $at:1
check "another name" store put-manifest $at:two manifest.json "$manifest_type"
check_out "names" '^1 two $' bash -c "'$program' tags $at | tr '\n' ' '"
expect_fail "a blob that is not what its digest says is not stored" 5 "is $BLOB" \
	store put-as $at "$none" blob
expect_fail "really not" 1 'not there' store exists $at "$none"
check "a prefix that needs escaping, and none at all" push 's3://snapshots/a=b+c/ä&%/x:1'
check "is read" gets_blob 's3://snapshots/a=b+c/ä&%/x'
check "at the bucket's root" push s3://snapshots:1
check "is read as well" gets_blob s3://snapshots:1
expect_fail "a bucket that is not there" 5 'NoSuchBucket' push s3://none/x:1
check_out "a session token is signed along" '^1$' env AWS_SESSION_TOKEN=abc "$program" tags s3://snapshots

# --- a layout is a layout --------------------------------------------------------------------------
mkdir -p copy/blobs/sha256
for file in oci-layout index.json "blobs/sha256/${BLOB#sha256:}" "blobs/sha256/${CONF#sha256:}" \
	"blobs/sha256/${MANIFEST#sha256:}"; do
	curl -fsS -o "copy/$file" "http://127.0.0.1:5074/snapshots/$file"
done
check_out "skopeo reads it as a folder" "$BLOB" skopeo inspect --raw "oci:$T/copy:1"

# --- who we are ------------------------------------------------------------------------------------
expect_fail "a wrong secret" 5 'SignatureDoesNotMatch.*AWS_PROFILE' \
	env AWS_SECRET_ACCESS_KEY=wrong "$program" put $at conf
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
puts() { store put "$at" "$T/conf"; }
mkdir -p ~/.aws
cat >~/.aws/credentials <<'END'
[default]
aws_access_key_id = S3RVER
aws_secret_access_key = wrong

# of the team
[team]
aws_access_key_id=S3RVER
aws_secret_access_key=S3RVER
END
cat >~/.aws/config <<END
[profile team]
region = eu-central-1
s3 =
  aws_access_key_id = nested
[profile process]
credential_process = '$T/give me' "S3RVER" --quoted\\ word
[profile broken]
credential_process = false
[profile login]
sso_session = acme
END
cat >"give me" <<'END'
#!/bin/sh
[ "$2" = "--quoted word" ] || exit 3
echo x >>"$0.log"
# It ends within five minutes: to be asked for again with every request.
printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "S3RVER", "Expiration": "%s"}' "$1" \
	"$(date -u -d '+60 seconds' +%Y-%m-%dT%H:%M:%SZ)"
END
chmod 755 "give me"
expect_fail "the default profile" 5 'SignatureDoesNotMatch.*"default"' puts
check "another profile" env AWS_PROFILE=team "$program" put $at conf
check "credential_process" env AWS_PROFILE=process "$program" put $at blob conf
check_out "is asked again before it expires" '^[2-9]$' bash -c "wc -l <'give me.log'"
expect_fail "a process that fails" 5 'credential_process of the AWS profile "broken"' \
	env AWS_PROFILE=broken "$program" put $at conf
expect_fail "a profile that needs a login" 5 'aws configure export-credentials --profile login' \
	env AWS_PROFILE=login "$program" put $at conf
expect_fail "a profile that is not there" 5 'no AWS profile "typo"' \
	env AWS_PROFILE=typo "$program" put $at conf
finish
