# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the scripts that boot several machines at once, behind lib.sh. Whoever starts one in a process
# group of its own (set -m) adds its pid to machines, so that it can be stopped with all that belongs to it.

machine_mib=2304	# what a machine of 2 GiB takes of the host
machines=()

# How many machines at once: what the host's processors and memory allow.
how_many() {
	local mib count

	mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	count=$((mib / machine_mib))
	((count <= $(nproc))) || count=$(nproc)
	((count <= 4)) || count=4
	((count >= 1)) || count=1
	printf '%s\n' "$count"
}

# For traps: stop all machines, and leave with this code: stop_machines CODE
# shellcheck disable=SC2317
stop_machines() {
	local pid

	trap - INT TERM EXIT
	for pid in "${machines[@]}"; do
		kill -- "-$pid" 2>/dev/null || true
	done
	exit "$1"
}
