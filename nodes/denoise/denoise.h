/* denoise.h - a noise profile: what it is, and its text. */
#pragma once

#include <mixd/node.h>

/* Levels in dBFS per Hz at frequencies that lie 13 Hz apart at the bottom and 530 Hz at 24 kHz: close
 * enough for lines of hum, few enough for a line of text. */
#define DENOISE_POINTS 200u
#define DENOISE_POINT_TOP_HZ 24000.0
#define DENOISE_LEVEL_MIN -250.0

double denoise_point_hz(uint32_t point);
/* The point, with its fraction, where HZ lies. */
double denoise_hz_point(double hz);
/* Reads TEXT; -EINVAL with *fault. Empty text: *ret_is_set = false. [main] */
int denoise_profile_read(const char *text, float ret_db[DENOISE_POINTS], bool *ret_is_set,
			 struct mixd_fault *fault);
/* Writes it. -EINVAL when it does not fit into SIZE. [main] */
int denoise_profile_write(const float db[DENOISE_POINTS], char *ret_text, size_t size,
			  struct mixd_fault *fault);
