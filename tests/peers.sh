#!/usr/bin/env bash
# Bring a program to compare with from a newer Debian suite, without installing it.
#
# usage: peers.sh FOLDER PACKAGE...      e.g. peers.sh build/peers docker-compose
#
# Each package is unpacked into FOLDER/PACKAGE.  Uses the mirror that apt is set up with; what is there
# already is kept.
set -euo pipefail

folder=$1
shift
suite=${SUITE:-sid}
mirror=$(awk '/^URIs:/ && /debian$/ {print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
[[ -n $mirror ]] || mirror=$(awk '$1 == "deb" {print $2; exit}' /etc/apt/sources.list)
architecture=$(dpkg --print-architecture)
list=$folder/Packages.$suite

mkdir -p "$folder"
for package in "$@"; do
	[[ ! -d $folder/$package ]] || continue
	if [[ ! -s $list ]]; then
		curl -fsS "$mirror/dists/$suite/main/binary-$architecture/Packages.xz" | xz -dc >"$list.part"
		mv "$list.part" "$list"
	fi
	file=$(awk -v wanted="$package" 'BEGIN {RS = ""; FS = "\n"}
		$1 == "Package: " wanted {
			for (i = 1; i <= NF; i++)
				if (sub("^Filename: ", "", $i)) {print $i; exit}
		}' "$list")
	if [[ -z $file ]]; then
		echo "peers.sh: $suite has no package $package" >&2
		exit 1
	fi
	curl -fsS -o "$folder/$package.deb" "$mirror/$file"
	dpkg -x "$folder/$package.deb" "$folder/$package.part"
	mv "$folder/$package.part" "$folder/$package"
	rm "$folder/$package.deb"
done
