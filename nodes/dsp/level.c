/* level.c - see level.h. */
#include "level.h"

#include <mixd/rt.h>

MIXD_CLONES float level_highest(const float *x, uint32_t n_frames)
{
	int32_t highest = 0;
	float result;

	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t bits;

		memcpy(&bits, x + i, sizeof(bits));
		bits &= 0x7fffffff;
		highest = bits > highest ? bits : highest;
	}
	memcpy(&result, &highest, sizeof(result));
	return result;
}
