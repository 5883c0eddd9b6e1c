/* gatefade.c - see gatefade.h.
 *
 * SOURCE      The states are those of noise gates since Drawmer's DS201 (its manual, 1982): open,
 *             hold, release, with hysteresis between opening and shutting. The fade is 3p^2 - 2p^3
 *             of the range in dB: no corner at either end. */
#include "gatefade.h"

#include <math.h>

#include "dynamics_math.h"

#include <mixd/rt.h>

void gatefade_set(struct gatefade *fade, double open_db, double hysteresis_db, double attack_s,
		  double hold_s, double release_s, double rate)
{
	fade->open_power = (float)pow(10.0, open_db / 10.0);
	fade->close_power = (float)pow(10.0, (open_db - hysteresis_db) / 10.0);
	fade->up = 1.0 / fmax(attack_s * rate, 1.0);
	fade->down = 1.0 / fmax(release_s * rate, 1.0);
	fade->hold_frames = (uint32_t)lround(hold_s * rate);
}

void gatefade_reset(struct gatefade *fade)
{
	fade->part = 0.0;
	fade->below = 0;
	fade->opened = false;
}

/* How many frames at the end are below LIMIT. */
static uint32_t gatefade_below(const float *power, float limit, uint32_t n)
{
	uint32_t below = 0;

	while (below < n && !(power[n - 1 - below] >= limit))
		below++;
	return below;
}

MIXD_CLONES static bool gatefade_reaches(const float *power, float limit, uint32_t n)
{
	uint32_t reached = 0;

	for (uint32_t i = 0; i < n; i++)
		reached |= power[i] >= limit;
	return reached != 0;
}

static void gatefade_frames(struct gatefade *fade, const float *power, float *part, uint32_t n)
{
	struct gatefade at = *fade;

	for (uint32_t i = 0; i < n; i++) {
		bool loud = power[i] >= (at.opened ? at.close_power : at.open_power);

		at.below = loud ? 0 : at.below + 1;
		at.opened = loud || (at.opened && at.below <= at.hold_frames);
		at.part = at.opened ? fmin(at.part + at.up, 1.0) : fmax(at.part - at.down, 0.0);
		part[i] = (float)at.part;
	}
	*fade = at;
}

enum gatefade_is gatefade_run(struct gatefade *fade, const float *power, float *part, uint32_t n)
{
	if (!fade->opened && fade->part == 0.0 && !gatefade_reaches(power, fade->open_power, n)) {
		/* What a frame by frame count would say, as far as anybody asks. */
		fade->below = 0;
		return GATEFADE_SHUT;
	}
	if (fade->opened && fade->part == 1.0 && fade->below + (uint64_t)n <= fade->hold_frames) {
		uint32_t below = gatefade_below(power, fade->close_power, n);

		fade->below = below == n ? fade->below + n : below;
		return GATEFADE_OPEN;
	}
	gatefade_frames(fade, power, part, n);
	return GATEFADE_MOVES;
}

MIXD_CLONES float gatefade_gain(const struct gatefade_gain *gain, uint32_t first, float *x,
				uint32_t n)
{
	const struct gatefade_gain line = *gain;
	int32_t most = 0;

	for (int32_t i = 0; i < (int32_t)n; i++) {
		float up = x[i] * x[i] * (3.0f - 2.0f * x[i]), down = 1.0f - up;
		float inverted = dyn_line_at(&line.inverted, (int32_t)first + i);
		float part = (1.0f - inverted) * down + inverted * up;
		float reduction = dyn_line_at(&line.range, (int32_t)first + i) * part;
		float factor = dyn_exp2(-reduction);

		most = dyn_more(most, reduction);
		x[i] = reduction < line.silent ? factor : 0.0f;
	}
	return dyn_most(most);
}
