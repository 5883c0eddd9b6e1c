/* lanes_native.h - how many f64 lanes the machine's vector holds.
 *
 * WHAT        A vector type wider than the registers is correct and several times slower, so a bank
 *             wider than them is run in parts. The answer changes speed only, never a bit.
 * THREADS     [any] */
#pragma once

#include <stdint.h>

/* The vector to use for a block of WIDTH lanes: 2, 4 or 8, at most WIDTH. */
static inline uint32_t lanes_native_width(uint32_t width)
{
	uint32_t native = 2;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
		native = 8;
	else if (__builtin_cpu_supports("avx2"))
		native = 4;
#endif
	return width < native ? width : native;
}
