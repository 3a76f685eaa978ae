# shellcheck shell=bash
# What the benches have in common: clocks, and figures with their bars.
#
# A figure that misses its bar adds to $missed.  Peers are measured alternately with devenv, so that
# both see the same machine.

missed=0

# Milliseconds of a command's or shell function's run, into $ms.
clock() {
	local before=${EPOCHREALTIME/./}
	"$@" >"$work/clock.out" 2>&1 || {
		tail -n 20 "$work/clock.out" >&2
		echo "it failed: $*" >&2
		return 1
	}
	ms=$(((${EPOCHREALTIME/./} - before) / 1000))
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
least() { printf '%s\n' "$@" | sort -n | sed -n 1p; }

# figure NAME OURS THEIRS BAR UNIT: at most BAR of theirs
figure() {
	awk -v name="$1" -v ours="$2" -v theirs="$3" -v bar="$4" -v unit="$5" 'BEGIN {
		ratio = ours / theirs
		printf "%-34s %9.1f %-3s against %9.1f %-3s  %.3fx  (bar %.2fx) %s\n", name, ours, unit,
			theirs, unit, ratio, bar, ratio <= bar ? "held" : "MISSED"
		exit ratio > bar
	}' || missed=$((missed + 1))
}

# speed NAME MEGABYTES OUR_MS THEIR_MS BAR: at least BAR times their speed
speed() {
	awk -v name="$1" -v size="$2" -v ours="$3" -v theirs="$4" -v bar="$5" 'BEGIN {
		ratio = theirs / ours
		printf "%-34s %9.1f MB/s against %8.1f MB/s %.3fx  (at least %.2fx) %s\n", name,
			size * 1000 / ours, size * 1000 / theirs, ratio, bar,
			ratio >= bar ? "held" : "MISSED"
		exit ratio < bar
	}' || missed=$((missed + 1))
}

# rate NAME OURS THEIRS BAR UNIT: at least BAR of theirs
rate() {
	awk -v name="$1" -v ours="$2" -v theirs="$3" -v bar="$4" -v unit="$5" 'BEGIN {
		ratio = ours / theirs
		printf "%-34s %9.1f %-3s against %9.1f %-3s  %.3fx  (at least %.2fx) %s\n", name, ours,
			unit, theirs, unit, ratio, bar, ratio >= bar ? "held" : "MISSED"
		exit ratio < bar
	}' || missed=$((missed + 1))
}

# limit NAME VALUE BAR UNIT
limit() {
	awk -v name="$1" -v value="$2" -v bar="$3" -v unit="$4" 'BEGIN {
		printf "%-34s %9.1f %-3s  (bar %.0f %s) %s\n", name, value, unit, bar, unit,
			value <= bar ? "held" : "MISSED"
		exit value > bar
	}' || missed=$((missed + 1))
}
