#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The table situation -> errno of docs/uapi.md, from r15_situations.def.
# doc-table.sh: write it between the markers; --check: is it there as it must be?
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
doc=$here/../docs/uapi.md
def=$here/r15_situations.def
begin='<!-- r15_situations.def: begin (tests/doc-table.sh writes this) -->'
end='<!-- r15_situations.def: end -->'

# shellcheck disable=SC2016 # the backquotes are the document's
table() {
	cat <<-'END'
	| call | situation | errno | test |
	|---|---|---|---|
	END
	sed -nE \
	    -e 's/^SITUATION\((\w+), "(.*)", (\w+), (\w+)\)$/| @\4@ | \2 | \3 | r15 |/p' \
	    -e 's/^SITUATION_KUNIT\((\w+), "(.*)", (\w+), (\w+), "(.*)"\)$/| @\4@ | \2 | \3 | KUnit \5 |/p' \
	    "$def" |
	sed -e 's/| 0 |/| success |/' \
	    -e 's/@BIND@/`IOMMU_VDEVICE_TSM_OP` BIND/' \
	    -e 's/@UNBIND@/`IOMMU_VDEVICE_TSM_OP` UNBIND/' \
	    -e 's/@VDEVICE@/`IOMMU_VDEVICE_ALLOC`/' \
	    -e 's/@REQ@/`IOMMU_VDEVICE_TSM_REQ`/' \
	    -e 's/@SLOT@/`KVM_SET_USER_MEMORY_REGION2`/' \
	    -e 's/@KVM@/KVM/' -e 's/@VFIO@/VFIO/'
}

want=$(grep -cE '^SITUATION(_KUNIT)?\(' "$def")
got=$(table | grep -c '^| .* |$')
if [ "$got" -ne $((want + 1)) ]; then
	echo "doc-table: $want situations in $def, $((got - 1)) understood" >&2
	exit 1
fi
if ! grep -qxF "$begin" "$doc" || ! grep -qxF "$end" "$doc"; then
	echo "doc-table: no markers in $doc" >&2
	exit 1
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
	sed "/^${begin//\//\\/}$/q" "$doc"
	table
	sed -n "/^${end//\//\\/}$/,\$p" "$doc"
} >"$new"
if [ "${1:-}" = --check ]; then
	cmp -s "$new" "$doc" && exit 0
	echo "doc-table: docs/uapi.md is not what tests/doc-table.sh writes" >&2
	exit 1
fi
cat "$new" >"$doc"
