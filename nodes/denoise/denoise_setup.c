/* denoise_setup.c - noise profiles as text: "1 -101.2 -101.0 ...", a version and DENOISE_POINTS levels. */
#include "denoise.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DENOISE_VERSION 1
#define DENOISE_BEND_HZ 600.0 /* linear below, logarithmic above */

double denoise_point_hz(uint32_t point)
{
	double top = asinh(DENOISE_POINT_TOP_HZ / DENOISE_BEND_HZ);

	return DENOISE_BEND_HZ * sinh(top * point / (DENOISE_POINTS - 1));
}

double denoise_hz_point(double hz)
{
	double top = asinh(DENOISE_POINT_TOP_HZ / DENOISE_BEND_HZ);

	return asinh(hz / DENOISE_BEND_HZ) / top * (DENOISE_POINTS - 1);
}

static int denoise_refuse(struct mixd_fault *fault, const char *text, long count)
{
	if (text)
		snprintf(fault->text, sizeof(fault->text), "%s", text);
	else
		snprintf(fault->text, sizeof(fault->text),
			 "a noise profile has %u levels, this one %ld", DENOISE_POINTS, count);
	snprintf(
		fault->hint, sizeof(fault->hint),
		"switch learn on where only noise is heard, and off again; or set profile to \"\"");
	return -EINVAL;
}

int denoise_profile_read(const char *text, float ret_db[DENOISE_POINTS], bool *ret_is_set,
			 struct mixd_fault *fault)
{
	long version, count = 0;
	char *end;

	*ret_is_set = false;
	if (!text || text[strspn(text, " \t\n")] == '\0')
		return 0;
	version = strtol(text, &end, 10);
	if (end == text || version != DENOISE_VERSION)
		return denoise_refuse(fault, "this is no noise profile of version 1", 0);
	for (;; count++) {
		const char *word = end;
		double level = strtod(word, &end);

		if (end == word)
			break;
		if (!(level >= DENOISE_LEVEL_MIN && level <= 100.0))
			return denoise_refuse(fault, "a level of the noise profile is no level", 0);
		if (count < (long)DENOISE_POINTS)
			ret_db[count] = (float)level;
	}
	if (end[strspn(end, " \t\n")] != '\0')
		return denoise_refuse(fault, "there is something else in the noise profile", 0);
	if (count != (long)DENOISE_POINTS)
		return denoise_refuse(fault, NULL, count);
	*ret_is_set = true;
	return 0;
}

int denoise_profile_write(const float db[DENOISE_POINTS], char *ret_text, size_t size,
			  struct mixd_fault *fault)
{
	int used = snprintf(ret_text, size, "%d", DENOISE_VERSION);

	for (uint32_t i = 0; i < DENOISE_POINTS && used > 0 && (size_t)used < size; i++)
		used += snprintf(ret_text + used, size - (size_t)used, " %.1f", (double)db[i]);
	if (used < 0 || (size_t)used >= size)
		return denoise_refuse(fault, "the noise profile does not fit", 0);
	return 0;
}
