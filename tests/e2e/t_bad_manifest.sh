#!/usr/bin/env bash
# engine: none
# Manifests that are wrong: each is refused with status 3, the place, and what to do.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

# refuse NAME REGEX, the file on stdin
refuse() {
	cat >compose.yaml
	expect_fail "$1" 3 "$2" "$DEVENV" up
	check "$1: the place is told" grep -Eq 'compose\.yaml:[0-9]+' "$T/.failure"
}

mkdir bad
cd bad
refuse "a tab for indentation" ':3(:[0-9]+)?.*[Tt]ab|[Tt]ab' <<<$'services:\n  web:\n\timage: x'
refuse "a duplicate key" 'image.*(twice|duplicate|again|already)' <<'END'
services:
  web:
    image: a
    image: b
END
refuse "an unknown key, with what was meant" 'did you mean.*environment' <<'END'
services:
  web:
    image: a
    enviroment: {A: b}
END
refuse "a wrong type" 'image' <<'END'
services:
  web:
    image: [a, b]
END
refuse "a cycle, shown as its path" '(a.*b.*c.*a|b.*c.*a.*b|c.*a.*b.*c)' <<'END'
services:
  a: {image: x, depends_on: [b]}
  b: {image: x, depends_on: [c]}
  c: {image: x, depends_on: [a]}
END
refuse "a dependency that does not exist" 'dbb' <<'END'
services:
  web: {image: x, depends_on: [dbb]}
  db: {image: x}
END
refuse "a port that is none" '99999' <<'END'
services:
  web: {image: x, ports: ["99999:80"]}
END
refuse "a volume that is not declared" 'data' <<'END'
services:
  web: {image: x, volumes: ["data:/data"]}
END
refuse "a required variable that is not set" 'PASSWORD' <<'END'
services:
  web: {image: x, environment: {A: "${PASSWORD:?set the password}"}}
END
printf 'services: {web: {image: "a\0b"}}\n' >compose.yaml
expect_fail "a NUL byte" 3 'compose.yaml' "$DEVENV" up
printf 'services: {web: {image: "\377\376"}}\n' >compose.yaml
expect_fail "invalid UTF-8" 3 'compose.yaml' "$DEVENV" up
: >compose.yaml
expect_fail "an empty file" 3 'compose.yaml' "$DEVENV" up
cat >compose.yaml <<'END'
services:
  web: {imag: x}
  db: {image: x, prots: []}
END
expect_fail "all problems are told at once: the first" 3 'imag' "$DEVENV" config
check "all problems are told at once: the second" grep -q 'prots' "$T/.failure"
rm compose.yaml
expect_fail "no manifest at all" 3 'compose.yaml' "$DEVENV" up
expect_fail "a file that is not there" 3 'none.yaml' "$DEVENV" -f none.yaml up
expect_fail "a folder that is not there" 2 'nowhere' "$DEVENV" -C nowhere up

finish
