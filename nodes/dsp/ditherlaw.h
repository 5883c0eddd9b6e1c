/* ditherlaw.h - error feedback filters that move the noise of rounding to where the ear hears less.
 *
 * SOURCE      Lipshitz, Vanderkooy, Wannamaker, "Minimally audible noise shaping", JAES 39(11),
 *             1991 (light, medium, improved-e); Wannamaker, "Psychoacoustically optimal noise
 *             shaping", JAES 40(7/8), 1992 (f-weighted). Made for 44.1 kHz, of use at 48.
 * USE         v = x - sum tap[k] e[n - 1 - k]; y = round(v + dither); e = y - v, all in steps.
 * THREADS     [any] */
#pragma once

#include <stdint.h>

#define DITHER_TAPS 9u
#define DITHER_SHAPED_MIN_HZ 40000.0
#define DITHER_SHAPED_MAX_HZ 50000.0

enum dither_shape {
	DITHER_SHAPE_FLAT,
	DITHER_SHAPE_LIGHT,
	DITHER_SHAPE_MEDIUM,
	DITHER_SHAPE_F_WEIGHTED,
	DITHER_SHAPE_IMPROVED_E,
};

static const struct {
	uint32_t n;
	double tap[DITHER_TAPS];
} dither_filters[] = {
	{0, {0}},
	{3, {1.623, -0.982, 0.109}},
	{5, {2.033, -2.165, 1.959, -1.590, 0.6149}},
	{9, {2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847}},
	{9, {2.847, -4.685, 6.214, -7.184, 6.639, -5.032, 3.263, -1.632, 0.4191}},
};
