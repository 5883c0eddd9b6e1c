#!/bin/sh
# aarch64.sh - the nodes and their kernels built for aarch64, and the kernels' own tests run under emulation.
# Exit code 0 when everything compiles without a warning and every test passes.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=aarch64-linux-gnu-gcc
flags="-std=gnu11 -O2 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror
	-Wno-unused-parameter -Wno-psabi -Wno-missing-field-initializers -Inodes/include -Inodes/dsp -Itests/lib"

for source in nodes/dsp/*.c nodes/*/*.c; do
	# shellcheck disable=SC2086
	$cc $flags -c "$source" -o "$work/$(echo "$source" | tr / _).o"
done
for test in tests/unit/test_dsp_*.c; do
	program=$work/$(basename "$test" .c)
	# shellcheck disable=SC2086
	$cc $flags -Wno-format-zero-length -static "$test" tests/lib/test.c "$work"/nodes_dsp_*.o -lm -o "$program"
	echo "# $test"
	qemu-aarch64 "$program"
done
