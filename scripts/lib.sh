# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the scripts of this folder: paths, messages, long jobs with a log.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
OUT=${OUT:-$ROOT/out}
CACHE=${CACHE:-$ROOT/.cache}
LOGS=$OUT/log
JOBS=${JOBS:-$(nproc)}
export LC_ALL=C
# Variables given to make check (T=, VENDOR=) are not those of the Makefiles that scripts call.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES

# shellcheck source=BASE
. "$ROOT/BASE"

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

say() {
	printf '%-10s %s\n' "${0##*/}:" "$*"
}

# Path of the pristine kernel source, or fails when nothing was fetched.
pristine() {
	local version=

	[ ! -f "$CACHE/current" ] || version=$(<"$CACHE/current")
	version=${version:-$TESTED}
	[ -f "$CACHE/linux-$version/Makefile" ] || return 1
	printf '%s\n' "$CACHE/linux-$version"
}

# Version that a kernel tree says it is: kernel_version DIR
kernel_version() {
	sed -n '1,6{s/^VERSION = //p;s/^PATCHLEVEL = //p;s/^SUBLEVEL = //p}' "$1/Makefile" |
		paste -sd.
}

# Run a long job with its output in a log and a line of progress for the reader:
# logged NAME COMMAND...   Fails as the command does, after the log's first errors.
# The job runs in the foreground, so that Ctrl-C reaches it.
logged() {
	local name=$1 log=$LOGS/$1.log start=$SECONDS rc=0 ticker
	shift

	mkdir -p "$LOGS"
	: >"$log"
	progress "$name" "$log" &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	[ ! -t 1 ] || printf '\r\033[K'
	if ((rc)); then
		printf '%s: %s failed (exit %d), the log is %s\n' "${0##*/}" "$name" "$rc" "$log" >&2
		grep -nE -m 12 '(error: |ERROR: |undefined reference|\*\*\*)' "$log" >&2 ||
			tail -n 12 "$log" >&2
		return "$rc"
	fi
	say "$name done in $((SECONDS - start)) s"
}

# Until killed: say how far a job is, on a terminal in one line that is written over.
progress() {
	local start=$SECONDS tick=30 objects

	[ ! -t 1 ] || tick=2
	# A sleep that outlives us must not hold the reader's pipe open.
	while sleep "$tick" >/dev/null 2>&1; do
		kill -0 $$ 2>/dev/null || return 0
		objects=$(grep -cE '^  (CC|AS|LD|AR) ' "$2" || true)
		if [ -t 1 ]; then
			printf '\r\033[K%s: %d s, %d objects' "$1" "$((SECONDS - start))" "$objects"
		else
			say "$1: $((SECONDS - start)) s, $objects objects"
		fi
	done
}

# The kernel's make in one flavour: kmake FLAVOUR ARGS...
# Name, host and time are fixed, so that the same source gives the same kernel.
kmake() {
	local flavour=$1
	shift

	KBUILD_BUILD_USER=tdibind KBUILD_BUILD_HOST=tdibind \
		KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' \
		make -C "$OUT/linux" O="$OUT/build/$flavour" ARCH=x86_64 "$@"
}

# True when the stamp file holds exactly this text: same FILE TEXT
same() {
	[ -f "$1" ] && [ "$(<"$1")" = "$2" ]
}

# The vendors that are meant: vendor_names "all" or "tdx,cca" or "tdx cca"
vendor_names() {
	local name names=()

	for name in ${1//,/ }; do
		case $name in
		all) names+=(tdx sev cca) ;;
		tdx | sev | cca) names+=("$name") ;;
		*) die "no such vendor: $name (tdx, sev, cca or all)" ;;
		esac
	done
	((${#names[@]})) || die "no vendor (tdx, sev, cca or all)"
	printf '%s\n' "${names[*]}"
}

check_flavour() {
	case $1 in
	base | debug) ;;
	*) die "no such flavour: $1 (base or debug)" ;;
	esac
}
