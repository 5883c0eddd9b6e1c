#!/bin/bash
# aarch64.sh - the nodes and their kernels built for aarch64, and the kernels' own tests run under emulation,
# on all cores. A warning is an error. The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work
export cc="aarch64-linux-gnu-gcc -std=gnu11 -O2 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-trapping-math
	-Wall -Wextra -Werror -Wno-unused-parameter -Wno-psabi -Wno-missing-field-initializers -Inodes/include -Inodes/dsp
	-Itests/lib -DLV2_HELPER=\"mixd-lv2\" -idirafter /usr/include -idirafter /usr/include/lilv-0" # of LV2 we have only headers, of all machines

object() {
	$cc -c "$1" -o "$work/${1//\//_}.o"
}

# One program; what it says is kept, for programs at once would say it all mixed up.
program() {
	local name
	name=$(basename "$1" .c)
	$cc -Wno-format-zero-length -static "$1" tests/lib/test.c "$work"/nodes_dsp_*.o -lm -o "$work/$name" || return
	{
		echo "# $1"
		qemu-aarch64 "$work/$name" || true
	} >"$work/$name.tap"
}
export -f object program

# on_all_cores FUNCTION FILE...: nothing is started after a failure.
on_all_cores() {
	local function=$1
	shift
	printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -uc "$function \"\$1\" || exit 255" -
}

on_all_cores object nodes/dsp/*.c nodes/*/*.c
on_all_cores program tests/unit/test_dsp_*.c
cat "$work"/*.tap | tee "$work/all"
passed=$(grep -c '^ok' "$work/all" || true)
failed=$(grep -c '^not ok' "$work/all" || true)
planned=$(sed -n 's|^1[.][.]||p' "$work/all" | awk '{ n += $1 } END { print n + 0 }')
failed=$((failed + planned - passed - failed)) # what a crash kept from running
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
