#!/bin/sh
# aarch64.sh - the nodes and their kernels built for aarch64, and the kernels' own tests run under emulation.
# A warning is an error. The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=aarch64-linux-gnu-gcc
flags="-std=gnu11 -O2 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror
	-Wno-unused-parameter -Wno-psabi -Wno-missing-field-initializers -Inodes/include -Inodes/dsp -Itests/lib
	-DLV2_HELPER=\"mixd-lv2\" -idirafter /usr/include -idirafter /usr/include/lilv-0" # of LV2 we have only headers, of all machines

for source in nodes/dsp/*.c nodes/*/*.c; do
	# shellcheck disable=SC2086
	$cc $flags -c "$source" -o "$work/$(echo "$source" | tr / _).o"
done
for test in tests/unit/test_dsp_*.c; do
	program=$work/$(basename "$test" .c)
	# shellcheck disable=SC2086
	$cc $flags -Wno-format-zero-length -static "$test" tests/lib/test.c "$work"/nodes_dsp_*.o -lm -o "$program"
	echo "# $test"
	qemu-aarch64 "$program" | tee -a "$work/tap" || true
done
passed=$(grep -c '^ok' "$work/tap" || true)
failed=$(grep -c '^not ok' "$work/tap" || true)
planned=$(sed -n 's|^1[.][.]||p' "$work/tap" | awk '{ n += $1 } END { print n + 0 }')
failed=$((failed + planned - passed - failed)) # what a crash kept from running
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
